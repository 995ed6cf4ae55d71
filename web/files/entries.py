"""How each kind of entry of a timeline is shown: what is read of it, and the template that writes it.

A feature that puts a kind of its own on the timeline gives it a word, and a reader here with its template where the
word, the author and a note do not say enough; the page stays as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from crm.agendas.models import AppointmentState
from crm.agendas.rules import Channel
from crm.cases.lifecycle import Outcome as CaseOutcome
from crm.cases.lifecycle import State as CaseState
from crm.cases.lifecycle import Topic as CaseTopic
from crm.contacts.disclosure import EVERYTHING, Matter
from crm.contacts.phone import spaced
from crm.files.letters import LetterState
from crm.follow_ups.models import FollowUpKind, FollowUpState
from crm.messages.models import MessageChannel, MessageState, Reason
from crm.messages.templates import MessageTemplate
from crm.proposals.lifecycle import State
from crm.proposals.queries import what_of
from crm.proposals.subjects import ProposalKind
from crm.timeline.models import EntryKind, TimelineEntry
from crm.turns.models import TurnState
from outbound.cati.aapor import Disposition as Ending
from outbound.field.practices.lifecycle import Closed as PracticeClosed
from outbound.field.practices.lifecycle import State as PracticeState
from outbound.field.visits.door import Outcome as AtTheDoor
from outbound.letters.models import LetterOutcome
from outbound.outcomes.catalogue import Said
from outbound.promises.judging import PromiseState
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Outcome
from telephony.calls.story import IN_PROGRESS, OPENED_BY_MISTAKE, what_voice_told
from telephony.mail.story import Way
from telephony.texts.models import Closed
from web.audit.stored import PHONE

WRITTEN = {"note", "reason", "thread"}  # by people, of anything
NUMBERS = {"act_number"}
PROMISED = {"promise"}
REACHES = {"to"}
Reader = Callable[[TimelineEntry], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Shown:
    """An entry, ready for its template."""

    id: int
    ente_id: int
    kind: EntryKind
    occurred_at: datetime
    now: bool  # it goes on at this moment
    author: str | None
    template: str
    told: Mapping[str, Any]


def shown(entry: TimelineEntry, author: str | None, may: frozenset[Matter] = EVERYTHING) -> Shown:
    """An entry, read by its kind, before somebody who may hear this. What people wrote is for who may hear all."""
    known = entry.kind in READERS
    told = READERS[entry.kind](entry) if known else {"note": str(entry.detail.get("note", ""))}
    kept_back = (set() if may >= EVERYTHING else WRITTEN) | (set() if Matter.ACTS in may else NUMBERS)
    kept_back |= set() if Matter.CONTACT_DATA in may else REACHES
    kept_back |= set() if Matter.AMOUNTS in may else PROMISED
    told = {name: "" if name in kept_back else value for name, value in told.items()}
    return Shown(
        entry.id, entry.ente_id, entry.kind, entry.occurred_at, entry.status == IN_PROGRESS, author,
        f"files/entries/{entry.kind.value if known else 'other'}.html", told,
    )  # fmt: skip


def _call(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    if entry.status == OPENED_BY_MISTAKE:
        opened, closed = (datetime.fromisoformat(detail[name]) for name in ("opened_at", "closed_at"))
        return {"open_for": closed - opened}
    return {
        "open_for": None,
        "outcome": None if entry.status == IN_PROGRESS else Outcome(entry.status),
        "identified": detail["identified"],
        "topic": Topic(detail["topic"]) if detail["topic"] else None,
        "disposition": Disposition(detail["disposition"]) if detail["disposition"] else None,
        "note": detail["note"],
        "talked_s": detail["talked_s"],
        "held_s": detail.get("held_s"),
        "passed": detail.get("passed", ()),
        "call": entry.source,
        "recording": detail.get("recording", ""),
        "self_service": [what_voice_told(one) for one in detail.get("self_service", ())],
    }


def _proposal(entry: TimelineEntry) -> Mapping[str, Any]:
    """The value itself is part of the note: whoever may not be told everything does not hear it."""
    detail = entry.detail
    values = (spaced(text) if PHONE.fullmatch(text) else text for text in (detail["now"], detail["proposed"]) if text)
    change = " → ".join(values)
    return {
        "what": what_of(ProposalKind(detail["kind"]), detail["what"]),
        "act_number": detail["act_number"],
        "state": State(entry.status),
        "reason": detail["reason"],
        "note": ". ".join(text for text in (change, detail["note"]) if text),
    }


def _follow_up(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    closed_at = detail["closed_at"]
    return {
        **{name: detail[name] for name in ("note", "owner", "list", "closed_by")},
        "kind": FollowUpKind(detail["kind"]),
        "state": FollowUpState(entry.status),
        "due_at": datetime.fromisoformat(detail["due_at"]),
        "closed_at": datetime.fromisoformat(closed_at) if closed_at else None,
    }


def _message(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        "channel": MessageChannel(detail["channel"]) if detail["channel"] else None,
        "template": MessageTemplate(detail["template"]),
        "state": MessageState(entry.status),
        "why": Reason(detail["why"]) if detail["why"] else None,
        "due_at": datetime.fromisoformat(detail["due_at"]) if detail["due_at"] else None,
        "to": detail["to"],
        "note": detail["note"],
    }


def _text(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        "thread": str(entry.source),
        "closed": None if entry.status == IN_PROGRESS else Closed(entry.status),
        "identified": detail["identified"],
        "received": detail["received"],
        "sent": detail["sent"],
        "days": [(date.fromisoformat(day), received, sent) for day, received, sent in detail.get("days", ())],
        "topic": Topic(detail["topic"]) if detail["topic"] else None,
        "disposition": Disposition(detail["disposition"]) if detail["disposition"] else None,
        "note": detail["note"],
    }


def _appointment(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        **{name: detail[name] for name in ("service", "office", "code", "note", "reason")},
        "state": AppointmentState(entry.status),
        "channel": Channel(detail["channel"]),
        "starts_at": datetime.fromisoformat(detail["starts_at"]),
    }


def _visit(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        **{name: detail[name] for name in ("service", "office", "desk", "booked", "note")},
        "state": TurnState(entry.status),
        **{name: _seconds(detail[name]) for name in ("waited_s", "served_s")},
    }


def _letter(entry: TimelineEntry) -> Mapping[str, Any]:
    """Of a relief; or of a campaign, or in answer to a request: those have a number, and are there to be read."""
    detail = entry.detail
    return {
        "state": LetterState(entry.status), "act_number": detail.get("act_number"), "letter": str(entry.source),
        "number": detail.get("number"), "campaign": detail.get("campaign"), "case": detail.get("case"),
        "request": detail.get("request"),
        "outcome": LetterOutcome(detail["outcome"]) if detail.get("outcome") else None,
        "on": date.fromisoformat(detail["on"]) if detail["on"] else None,
    }  # fmt: skip


def _interview(entry: TimelineEntry) -> Mapping[str, Any]:
    ending = None if entry.status == IN_PROGRESS else Ending(entry.status)
    return {"ending": ending, "title": entry.detail["title"], "note": entry.detail["note"]}


def _outcome(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    promise, after = detail["promise"], detail["call_after"]
    return {
        "said": Said(entry.status), "campaign": detail["campaign"], "note": detail["note"],
        "call_after": datetime.fromisoformat(after) if after else None,
        "promise": None if promise is None else {
            "due_on": date.fromisoformat(promise["due_on"]), "state": PromiseState(promise["state"]),
            "cents": promise["cents"], "paid_cents": promise["paid_cents"],
        },
    }  # fmt: skip


def _practice(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        "state": PracticeState(entry.status), "practice": detail["practice"], "number": detail["number"],
        "closed": PracticeClosed(detail["closed"]) if detail["closed"] else None,
        "closed_at": datetime.fromisoformat(detail["closed_at"]) if detail["closed_at"] else None,
        "note": detail["note"],
    }  # fmt: skip


def _field_visit(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {"outcome": AtTheDoor(entry.status), **{name: detail[name] for name in ("number", "practice", "note")}}


def _case(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        "state": CaseState(entry.status),
        "topic": CaseTopic(detail["topic"]),
        "outcome": CaseOutcome(detail["outcome"]) if detail["outcome"] else None,
        **{name: detail[name] for name in ("case", "number", "owner", "note")},
    }


def _mail(entry: TimelineEntry) -> Mapping[str, Any]:
    detail = entry.detail
    return {
        "way": Way(entry.status), "code": detail["code"], "thread": detail["thread"], "note": detail["subject"],
        "certified": detail["certified"], "topic": Topic(detail["topic"]) if detail["topic"] else None,
    }  # fmt: skip


def _seconds(told: int | None) -> timedelta | None:
    return None if told is None else timedelta(seconds=told)


READERS: dict[EntryKind, Reader] = {
    EntryKind.CALL: _call, EntryKind.PROPOSAL: _proposal, EntryKind.FOLLOW_UP: _follow_up,
    EntryKind.MESSAGE: _message, EntryKind.TEXT: _text,
    EntryKind.APPOINTMENT: _appointment, EntryKind.VISIT: _visit, EntryKind.LETTER: _letter,
    EntryKind.INTERVIEW: _interview, EntryKind.OUTCOME: _outcome, EntryKind.PRACTICE: _practice,
    EntryKind.FIELD_VISIT: _field_visit, EntryKind.CASE: _case, EntryKind.MAIL: _mail,
}  # fmt: skip
