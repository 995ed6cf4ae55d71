"""What rows and the audit keep, as people read it: words for codes, days and hours of Rome, euros for cents."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from crm.access.models import Method, Role
from crm.agendas.models import AppointmentState
from crm.agendas.rules import Channel as BookedBy
from crm.conditions.agreed import NumberKind
from crm.contacts.disclosure import Matter, RelationKind
from crm.contacts.models import (
    AddressKind,
    Channel,
    Collected,
    ConditionKind,
    LastOutcome,
    PersonKind,
    ReachKind,
    Source,
    Verification,
)
from crm.contacts.models import Purpose as ConsentPurpose
from crm.contacts.phone import spaced
from crm.core.clock import ROME
from crm.documents.models import DocumentKind
from crm.duplicates.likeness import Why
from crm.enti.consent import ClosureStanding
from crm.files.gate import GateOutcome
from crm.files.models import Interlocutor
from crm.files.models import Purpose as FilePurpose
from crm.follow_ups.models import FollowUpKind, FollowUpState
from crm.levels.agreement import Period
from crm.levels.metering import Callers
from crm.messages.models import MessageChannel, MessageState, Reason
from crm.messages.templates import MessageTemplate
from crm.monitoring.lock import Use
from crm.positions.models import ActKind, NotificationChannel, NotificationState, PositionState, StepKind, Tax
from crm.privacy.models import Risk
from crm.proposals.lifecycle import State as ProposalState
from crm.proposals.subjects import Decision, Problem, ProposalKind, Subject
from crm.timeline.models import EntryKind
from outbound.cati.models import Found
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Outcome
from telephony.quality.models import Spread
from telephony.recording.models import HeardFor
from web.audit.fields import FIELDS
from web.audit.sentences import SENTENCES
from web.edge.i18n import LANGUAGES, translations
from web.edge.words import word_for

Said: TypeAlias = "str | tuple[Said, ...] | Mapping[str, Said]"  # nested as the value was
PHONE = re.compile(r"\+[1-9]\d{5,14}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
CODE_AND_MORE = re.compile(r"([a-z_]+)(: .+)?", re.DOTALL)
ROW = re.compile(r"[a-z_]+[: ](\d+|[0-9a-f]{8})(?:-[0-9a-f-]{27})?")  # a kind of row and its id, or its first letters

# A field's codes, in whichever of these they are; with `kind.field` first, where a kind of row has its own.
CODES: Mapping[str, tuple[type[StrEnum], ...]] = {
    "heard_for": (HeardFor,),
    "spread": (Spread,),
    "uses": (Use,),
    "contract.conditions.kind": (NumberKind,), "reports": (Period,), "callers": (Callers,),
    "kind": (
        RelationKind, FollowUpKind, ConditionKind, ReachKind, AddressKind, PersonKind, ActKind, StepKind, DocumentKind,
        ProposalKind, EntryKind,
    ),
    "state": (ProposalState, FollowUpState, PositionState, MessageState), "template": (MessageTemplate,),
    "status": (Outcome, ProposalState, FollowUpState, MessageState, AppointmentState), "message.owed.reason": (Reason,),
    "outcome": (Outcome, LastOutcome, NotificationState), "file.gate.outcome": (GateOutcome,),
    "file.opened.reason": (FilePurpose,), "purpose": (FilePurpose, ConsentPurpose), "interlocutor": (Interlocutor,),
    "source": (Source,), "verification": (Verification,), "collected": (Collected,),
    "channel": (Channel, MessageChannel, NotificationChannel, BookedBy), "covers": (Matter,), "told": (Matter,),
    "check": (Found,),
    "tax": (Tax,),
    "act_kind": (ActKind,), "notification": (NotificationState,), "topic": (Topic,), "disposition": (Disposition,),
    "what": (Subject, Problem), "proposal.subject": (Subject, Problem, Decision), "why": (Why,), "role": (Role,),
    "decided_as": (Role,), "method": (Method,), "standing": (ClosureStanding,), "risk": (Risk,),
}  # fmt: skip
OTHER_CODES = {"opened": "aperto", "in_progress": "in corso", "opened_by_mistake": "aperto per errore"}
YES, NO, NOTHING = "sì", "no", "—"
CENTS = ("cents", "_cents")


def name_of(field: str, language: str) -> str:
    """How a field is called."""
    return translations(language).gettext(FIELDS.get(field, field))


def said(field: str, value: Any, language: str, *, of: str = "") -> Said:
    """A stored value. `of` is the kind of the entry it belongs to, such as `file.opened`."""
    match value:
        case None | "":
            return NOTHING
        case bool():
            return translations(language).gettext(YES if value else NO)
        case int() if field.endswith(CENTS):
            return format_currency(value / 100, "EUR", locale=LANGUAGES[language])
        case Mapping():
            return {name_of(name, language): said(name, one, language, of=of) for name, one in value.items()}
        case list() | tuple():
            return tuple(said(field, one, language, of=of) for one in value)
        case str():
            return _text(field, value, language, of)
        case _:
            return str(value)


def flat(value: Said) -> str:
    """On one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {flat(one)}" for name, one in value.items()) or NOTHING
    if isinstance(value, tuple):
        return ", ".join(flat(one) for one in value) or NOTHING
    return value


def _text(field: str, text: str, language: str, of: str) -> str:
    say = translations(language).gettext
    if field == "kind" and text in SENTENCES:
        return say(SENTENCES[text])
    if (code := CODE_AND_MORE.fullmatch(text)) and (word := _word(field, code[1], of)):
        return say(word) + (code[2] or "")
    if row := ROW.fullmatch(text):
        return f"{say('n.')} {row[1]}"
    if PHONE.fullmatch(text):
        return spaced(text)
    try:
        if DAY.fullmatch(text):
            return format_date(date.fromisoformat(text), "d MMM y", locale=LANGUAGES[language])
        if INSTANT.fullmatch(text):
            at = datetime.fromisoformat(text)
            return format_datetime(at, "d MMM y, HH:mm", tzinfo=ROME, locale=LANGUAGES[language])
    except ValueError:
        pass  # only looks like one
    return text


def _word(field: str, code: str, of: str) -> str | None:
    if field in {"outcome", "status"} and code in OTHER_CODES:
        return OTHER_CODES[code]
    kinds = CODES.get(f"{of}.{field}") or CODES.get(f"{of.partition('.')[0]}.{field}") or CODES.get(field, ())
    return next((word_for(kind(code)) for kind in kinds if code in set(kind)), None)
