"""Reading proposals, as frozen values. Row-level security bounds them to the scope's enti."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.access.permissions import Principal
from crm.contacts.models import Contact, ContactReach
from crm.proposals.lifecycle import State
from crm.proposals.models import AnswerRefusal, Proposal, ProposalExport, ProposalVoice
from crm.proposals.subjects import SEVERAL, Decision, Problem, ProposalKind, Subject, shown

SHOWN = 100
_LATEST = Proposal.made_at.desc()


@dataclass(frozen=True, slots=True)
class VoiceView:
    """Somebody who heard the same."""

    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal, with who it is about and who made and decided it."""

    id: UUID
    ente_id: int
    contact_id: int
    name: str
    codice_fiscale: str
    kind: ProposalKind
    what: Subject | Problem | Decision
    now: str
    beside: tuple[str, ...]  # the others of its kind, as of now, which one more is added to
    proposed: str
    instalments: str  # how many are granted; empty: none
    act_number: str | None
    since: date | None
    note: str
    evidence: str
    made_by_id: int
    made_by: str
    made_at: datetime
    state: State
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    answered_at: datetime | None
    voices: tuple[VoiceView, ...]


@dataclass(frozen=True, slots=True)
class ExportView:
    """A feed that was made."""

    id: int
    ente_id: int
    number: int
    made_at: datetime
    made_by: str | None
    corrections: int
    problems: int
    decisions: int
    sha256: str
    answered: int
    is_sent: bool  # over HTTP, not taken by hand alone
    delivered_at: datetime | None
    delivery_failure: str | None


@dataclass(frozen=True, slots=True)
class RefusedAnswer:
    """An answer that could not be taken; `proposal` is the id that it names, or empty."""

    ente_id: int
    proposal: str
    reason: str
    heard_at: datetime


def to_decide(session: Session, *, limit: int = SHOWN) -> list[ProposalView]:
    """What waits for the enti of the scope, the oldest first."""
    return _views(session, Proposal.state == State.MADE, order=Proposal.made_at.asc(), limit=limit)


def counts(session: Session, state: State) -> Mapping[int, int]:
    """How many proposals of the scope are in a state, by ente."""
    rows = session.execute(
        select(Proposal.ente_id, func.count()).where(Proposal.state == state).group_by(Proposal.ente_id)
    )
    return {row.ente_id: row[1] for row in rows}


def of_contacts(session: Session, contact_ids: Collection[int], *, limit: int = SHOWN) -> list[ProposalView]:
    """Everything proposed about these contacts, the newest first."""
    return _views(session, Proposal.contact_id.in_(contact_ids), limit=limit)


def decided(session: Session, *, limit: int = SHOWN) -> list[ProposalView]:
    """What the enti of the scope decided and what became of it, the newest decision first."""
    return _views(session, Proposal.decided_at.is_not(None), limit=limit, order=Proposal.decided_at.desc())


def made_by(session: Session, by: Principal, *, limit: int = SHOWN) -> list[ProposalView]:
    """What somebody proposed himself, the newest first."""
    return _views(session, Proposal.made_by == by.user_id, limit=limit)


def get(session: Session, proposal_id: UUID) -> ProposalView | None:
    """One proposal."""
    return next(iter(_views(session, Proposal.id == proposal_id, limit=1)), None)


def exports(session: Session, *, limit: int = 20) -> list[ExportView]:
    """The latest feeds of the enti in scope, with how many of their proposals were answered."""
    answered = (
        select(func.count())
        .where(Proposal.export_id == ProposalExport.id, Proposal.answered_at.is_not(None))
        .correlate(ProposalExport)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            ProposalExport.id, ProposalExport.ente_id, ProposalExport.number, ProposalExport.made_at, User.name,
            ProposalExport.corrections, ProposalExport.problems, ProposalExport.decisions, ProposalExport.sha256,
            answered, ProposalExport.delivery_key.is_not(None), ProposalExport.delivered_at,
            ProposalExport.delivery_failure,
        )
        .outerjoin(User, User.id == ProposalExport.made_by)
        .order_by(ProposalExport.made_at.desc(), ProposalExport.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [ExportView(*row) for row in rows]


def refused_answers(session: Session, *, limit: int = 20) -> list[RefusedAnswer]:
    """Answers over HTTP that could not be taken, of the enti in scope, the latest first."""
    rows = session.execute(
        select(AnswerRefusal.ente_id, AnswerRefusal.proposal, AnswerRefusal.reason, AnswerRefusal.heard_at)
        .order_by(AnswerRefusal.heard_at.desc(), AnswerRefusal.id)
        .limit(limit)
    )
    return [RefusedAnswer(*row) for row in rows]


def _views(
    session: Session, *where: ColumnElement[bool], limit: int, order: ColumnElement[Any] = _LATEST
) -> list[ProposalView]:  # fmt: skip
    maker, decider = aliased(User), aliased(User)
    rows = session.execute(
        select(Proposal, Contact.surname, Contact.given_name, Contact.codice_fiscale, maker.name, decider.name)
        .join(Contact, Contact.id == Proposal.contact_id)
        .join(maker, maker.id == Proposal.made_by)
        .outerjoin(decider, decider.id == Proposal.decided_by)
        .where(*where)
        .order_by(order, Proposal.id)
        .limit(limit)
    ).all()
    voices = _voices(session, [row[0].id for row in rows])
    others = _others(session, [row[0] for row in rows])
    return [
        ProposalView(
            id=one.id, ente_id=one.ente_id, contact_id=one.contact_id,
            name=f"{given_name} {surname}" if given_name else surname, codice_fiscale=codice_fiscale, kind=one.kind,
            what=what_of(one.kind, one.what), now=shown(one.now), beside=others.get(one.id, ()),
            proposed=shown(one.proposed), instalments=(one.proposed or {}).get("instalments", ""),
            act_number=one.act_number, since=one.since, note=one.note, evidence=one.evidence, made_by_id=one.made_by,
            made_by=made, made_at=one.made_at, state=one.state, decided_by=decided_, decided_at=one.decided_at,
            reason=one.reason, answered_at=one.answered_at, voices=tuple(voices.get(one.id, ())),
        )
        for one, surname, given_name, codice_fiscale, made, decided_ in rows
    ]  # fmt: skip


def what_of(kind: ProposalKind, what: str) -> Subject | Problem | Decision:
    """The stored name as a value of its kind: all are `StrEnum`s, so each has its word."""
    if kind is ProposalKind.DECISION:
        return Decision(what)
    return Subject(what) if kind is ProposalKind.CORRECTION else Problem(what)


def _others(session: Session, proposals: Collection[Proposal]) -> Mapping[UUID, tuple[str, ...]]:
    """What a taxpayer has already, by the proposals that add one of the kind."""
    adding = [one for one in proposals if one.what in SEVERAL and one.now is None]
    found: dict[tuple[int, str], list[str]] = {}
    rows = session.execute(
        select(ContactReach.contact_id, ContactReach.kind, ContactReach.value)
        .where(ContactReach.contact_id.in_([one.contact_id for one in adding]), ContactReach.stated)
        .order_by(ContactReach.id)
    )
    for contact_id, kind, value in rows:
        found.setdefault((contact_id, kind.value), []).append(value)
    return {
        one.id: tuple(value for value in found.get((one.contact_id, one.what), ()) if value != shown(one.proposed))
        for one in adding
    }


def _voices(session: Session, ids: Collection[UUID]) -> Mapping[UUID, list[VoiceView]]:
    found: dict[UUID, list[VoiceView]] = {}
    rows = session.execute(
        select(ProposalVoice.proposal_id, User.name, ProposalVoice.said_at, ProposalVoice.note)
        .join(User, User.id == ProposalVoice.said_by)
        .where(ProposalVoice.proposal_id.in_(ids))
        .order_by(ProposalVoice.id)
    )
    for proposal_id, by, at, note in rows:
        found.setdefault(proposal_id, []).append(VoiceView(by, at, note))
    return found
