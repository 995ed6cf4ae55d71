"""Making proposals, repeating them, taking them back; deciding them, and thinking better of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import PERMISSIONS, Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import table_of, touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.positions import queries as positions
from crm.proposals import lifecycle
from crm.proposals.lifecycle import OPEN, State
from crm.proposals.models import STILL_OPEN, Proposal, ProposalVoice
from crm.proposals.stated import values_now
from crm.proposals.subjects import (
    SEVERAL,
    Decision,
    Problem,
    ProposalKind,
    Subject,
    Value,
    comparable,
    parse,
    shown,
    subjects_of,
)
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

MAX_NOTE, MAX_EVIDENCE, MAX_REASON = 1000, 200, 400
REGRET = timedelta(minutes=1)  # for so long the page offers to take a report back
MOST_AT_ONCE = 100
_PROPOSALS = table_of(Proposal)


@dataclass(frozen=True, slots=True)
class Made:
    """A report that was taken: a proposal of its own, or (`voice_id`) one more voice for one that is open."""

    proposal_id: UUID
    voice_id: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What goes with any report: the words, what shows it, and the call in which it was heard."""

    note: str = ""
    evidence: str = ""
    call_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What a request was granted about one debt. `case`: how the request is called; `asked`: what was wanted;
    `instalments`: in how many.
    """

    ente_id: int
    contact_id: int
    what: Decision
    outcome: str
    case: str
    asked: str
    note: str
    reference: str
    act_number: str
    instalments: int | None = None


def propose_correction(
    session: Session, by: Principal, *, contact_id: int, subject: Subject, instead_of: Value | None,
    fields: Mapping[str, str], told: Told,
) -> Made:  # fmt: skip
    """Propose another value for something of a taxpayer's.

    Of what there may be several (phones, mailboxes), `instead_of` is the one to be replaced, or struck out when nothing
    is typed; without it one is added. Raises `InvalidError` with what is wrong with each field.
    """
    contact = contacts.get(session, contact_id)
    require_on(session, by, Permission.PROPOSAL_MAKE, ente_id=contact.ente_id)
    if subject not in subjects_of(contact.kind):
        raise FieldError("Questo dato non riguarda una persona di questo tipo: scegline un altro.", field="what")
    now = values_now(contact).get(subject, ())
    if instead_of is not None and instead_of not in now:
        raise ConflictError("Il dato da correggere è cambiato nel frattempo: guarda quello di adesso.")
    before = instead_of if subject in SEVERAL else next(iter(now), None)
    proposed = parse(subject, fields, today=clock.business_day(clock.now(session)))
    if proposed is None and before is None:
        raise FieldError("Scrivi il dato giusto.", field="value")
    if proposed is not None and comparable(proposed) in {comparable(one) for one in now}:
        raise FieldError("Il gestionale ha già questo dato: non c'è niente da correggere.", field="value")
    return _report(
        session, by, told,
        {
            "ente_id": contact.ente_id, "contact_id": contact.id, "kind": ProposalKind.CORRECTION,
            "what": subject.value, "now": before, "proposed": proposed,
            "value_key": comparable(proposed) if proposed else f"-{comparable(before)}",
        },
    )  # fmt: skip


def report_problem(
    session: Session, by: Principal, *, contact_id: int, position_id: int | None, problem: Problem,
    since: date | None, told: Told,
) -> Made:  # fmt: skip
    """Report what a taxpayer says of the notification of an act. Raises `InvalidError` as above."""
    contact = contacts.get(session, contact_id)
    require_on(session, by, Permission.PROPOSAL_MAKE, ente_id=contact.ente_id)
    owed = {one.id: one for one in positions.of_contact(session, [contact.id])}
    if position_id is None or position_id not in owed:
        raise FieldError("Scegli l'atto di cui parla.", field="position")
    if since is not None and since > clock.business_day(clock.now(session)):
        raise FieldError("La data è nel futuro: ricontrolla l'anno.", field="since")
    if problem is Problem.OTHER and not told.note.strip():
        raise FieldError("Scrivi che cosa dice il contribuente.", field="note")
    position = owed[position_id]
    return _report(
        session, by, told,
        {
            "ente_id": contact.ente_id, "contact_id": contact.id, "kind": ProposalKind.NOTIFICATION_PROBLEM,
            "what": problem.value, "reference": position.reference, "act_number": position.act_number,
            "since": since, "value_key": position.reference,
        },
    )  # fmt: skip


def propose_decision(session: Session, by: Principal, *, right: Permission, granted: Granted) -> UUID:
    """What a request was granted about one debt, by whoever decided it with this right: it waits for the next feed."""
    require_on(session, by, right, ente_id=granted.ente_id)
    at = clock.now(session)
    row = Proposal(
        id=uuid4(), ente_id=granted.ente_id, contact_id=granted.contact_id, kind=ProposalKind.DECISION,
        what=granted.what.value, value_key=f"{granted.case}:{granted.reference}", now=None,
        proposed={
            "value": granted.asked, "outcome": granted.outcome, "case": granted.case,
            **({"instalments": str(granted.instalments)} if granted.instalments else {}),
        },
        reference=granted.reference, act_number=granted.act_number, since=None, note=granted.note[:MAX_NOTE],
        evidence="", call_id=None, made_by=by.user_id, made_at=at, state=State.APPROVED, decided_by=by.user_id,
        decided_as=_role(session, by, granted.ente_id, right), decided_at=at, reason="",
    )  # fmt: skip
    session.add(row)
    _changed(session, by, row, kind="proposal.made")
    return row.id


def take_back(session: Session, by: Principal, *, proposal_id: UUID, voice_id: int | None = None) -> None:
    """Whoever made a proposal, or repeated it, thinks better of it. Twice is once.

    Others' voices keep a proposal alive: the first of them is then the one who made it.
    """
    row = _locked(session, proposal_id)
    require_on(session, by, Permission.PROPOSAL_MAKE, ente_id=row.ente_id)
    if voice_id is not None:
        mine = (ProposalVoice.id == voice_id, ProposalVoice.said_by == by.user_id)
        session.execute(delete(ProposalVoice).where(ProposalVoice.proposal_id == proposal_id, *mine))
        return
    if row.state is State.WITHDRAWN:
        return
    if row.made_by != by.user_id:
        raise ConflictError("La proposta è di un altro operatore: può ritirarla solo chi l'ha fatta.")
    heir = session.scalars(
        select(ProposalVoice).where(ProposalVoice.proposal_id == proposal_id).order_by(ProposalVoice.id).limit(1)
    ).first()
    state = lifecycle.withdrawn(row.state)
    if heir is not None:
        row.made_by, row.made_at, row.call_id = heir.said_by, heir.said_at, heir.call_id
        row.note = heir.note or row.note
        session.delete(heir)
    else:
        row.state, row.withdrawn_at = state, clock.now(session)
    _changed(session, by, row, kind="proposal.withdrawn")


def decide(session: Session, by: Principal, *, proposal_ids: Collection[UUID], approve: bool, reason: str = "") -> None:
    """Approve or refuse for the ente, several at once: all of them or, when one is decided already, none. A reason is
    a refusal's alone."""
    reason = "" if approve else _short(reason, MAX_REASON, "reason")
    if not proposal_ids:
        raise InvalidError("Scegli almeno una proposta.")
    if len(proposal_ids) > MOST_AT_ONCE:
        raise InvalidError("Sono troppe in una volta: al massimo cento.")
    for proposal_id in sorted(set(proposal_ids)):  # in one order: two people may decide the same ones
        row = _locked(session, proposal_id)
        require_on(session, by, Permission.PROPOSAL_DECIDE, ente_id=row.ente_id)
        row.state = lifecycle.decided(row.state, approve=approve, reason=reason)
        row.decided_by, row.decided_at, row.reason = by.user_id, clock.now(session), reason
        row.decided_as = _role(session, by, row.ente_id, Permission.PROPOSAL_DECIDE)
        _changed(session, by, row, kind="proposal.approved" if approve else "proposal.refused", reason=reason)


def undo_decision(session: Session, by: Principal, *, proposal_id: UUID) -> None:
    """The ente decides anew: what was approved or refused by mistake waits again, until it is handed over.

    Raises `ConflictError` when it has been, or when the same has been proposed again since it was refused.
    """
    row = _locked(session, proposal_id)
    require_on(session, by, Permission.PROPOSAL_DECIDE, ente_id=row.ente_id)
    if row.kind is ProposalKind.DECISION:
        raise ConflictError("È la decisione di una richiesta: si cambia nella richiesta.")
    before, row.state = row.state, lifecycle.undecided(row.state)
    row.decided_by = row.decided_at = row.decided_as = None
    row.reason = ""
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:  # one of a kind is open at a time
        raise ConflictError("Nel frattempo la stessa cosa è stata proposta di nuovo: decidi su quella.") from None
    _changed(session, by, row, kind="proposal.undecided", was=before)


def tell(session: Session, row: Proposal) -> None:
    """Put a proposal on its taxpayer's timeline as it stands; what a request was granted is there with the request."""
    touch(session, topics.ente(row.ente_id))
    if row.kind is ProposalKind.DECISION:
        return
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.PROPOSAL, source=row.id,
        occurred_at=row.made_at, author_id=row.made_by, status=row.state.value,
        detail={
            "kind": row.kind.value, "what": row.what, "now": shown(row.now), "proposed": shown(row.proposed),
            "act_number": row.act_number, "reason": row.reason, "note": row.note,
        },
    )  # fmt: skip


def _report(session: Session, by: Principal, told: Told, values: Mapping[str, Any]) -> Made:
    note, evidence = _short(told.note, MAX_NOTE, "note"), _short(told.evidence, MAX_EVIDENCE, "evidence")
    at = clock.now(session)
    blank = {"now": None, "proposed": None, "reference": None, "act_number": None, "since": None}
    new = {
        **blank, **values, "id": uuid4(), "note": note, "evidence": evidence, "call_id": told.call_id,
        "made_by": by.user_id, "made_at": at, "state": State.MADE, "reason": "",
    }  # fmt: skip
    written = session.execute(
        insert(_PROPOSALS)
        .values(new)
        .on_conflict_do_nothing(index_elements=["ente_id", "contact_id", "what", "value_key"], index_where=STILL_OPEN)
        .returning(_PROPOSALS.c.id)
    ).scalar_one_or_none()
    if written is None:
        return _repeat(session, by, values, note, told.call_id)
    _changed(session, by, session.get_one(Proposal, written), kind="proposal.made")
    return Made(written)


def _repeat(session: Session, by: Principal, values: Mapping[str, Any], note: str, call_id: UUID | None) -> Made:
    """The same is proposed already: one more voice; but the same person in the same call, or at once, said it once."""
    row = session.scalars(
        select(Proposal)
        .where(*(getattr(Proposal, name) == values[name] for name in ("ente_id", "contact_id", "what", "value_key")))
        .where(Proposal.state.in_(OPEN))
        .with_for_update()
    ).one_or_none()
    if row is None:  # decided between the two statements
        raise ConflictError("Qualcuno ha appena risposto alla stessa proposta: guarda la cronologia e riprova.")
    at = clock.now(session)
    again = call_id == row.call_id if call_id else at - row.made_at < REGRET
    if row.made_by == by.user_id and again:
        return Made(row.id)
    voice = ProposalVoice(
        ente_id=row.ente_id, proposal_id=row.id, said_by=by.user_id, said_at=at, call_id=call_id, note=note
    )
    session.add(voice)
    session.flush()
    audit.note(
        session, by, kind="proposal.repeated", ente_id=row.ente_id, contact_id=row.contact_id, call_id=call_id,
        subject=row.what,
    )  # fmt: skip
    touch(session, topics.ente(row.ente_id))
    return Made(row.id, voice.id)


def _changed(
    session: Session, by: Principal, row: Proposal, *, kind: str, reason: str = "", was: State | None = None
) -> None:
    session.flush()
    before = ({"value": shown(row.now)} if row.now else {}) | ({"state": was.value} if was else {})
    if row.kind is not ProposalKind.CORRECTION:
        about: dict[str, Any] = {"act_number": row.act_number}
        if row.since:
            about["since"] = row.since.isoformat()
    else:
        about = {"value": shown(row.proposed)}
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, contact_id=row.contact_id, subject=row.what, reason=reason,
        call_id=row.call_id, before=before or None,
        after={**about, "state": row.state.value},
    )  # fmt: skip
    tell(session, row)


def _locked(session: Session, proposal_id: UUID) -> Proposal:
    row = session.get(Proposal, proposal_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa proposta non esiste.")
    return row


def _role(session: Session, by: Principal, ente_id: int, needed: Permission) -> str:
    """The role under which somebody may do something for an ente."""
    fitting = sorted(
        one.role.value
        for one in by.held
        if needed in PERMISSIONS[one.role]
        and (one.ente_id == ente_id or (one.contract_id and ente_id in enti.enti_of(session, one.contract_id)))
    )
    return fitting[0]


def _short(text: str, longest: int, field: str) -> str:
    text = text.strip()
    if len(text) > longest:
        raise FieldError("È troppo lungo: abbrevialo.", field=field)
    return text
