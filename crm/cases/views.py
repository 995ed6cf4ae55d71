"""Reading one case, with everything that happened in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.cases import having, watching
from crm.cases.carrying import carried_out
from crm.cases.deadlines import how_late, shown_day
from crm.cases.escalation import Told
from crm.cases.gestionale import proposing
from crm.cases.gestionale.standing import Progress, progress
from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic
from crm.cases.models import (
    Case,
    CaseDocument,
    CasePause,
    CasePosition,
    CaseStep,
    CaseTeam,
    CaseTerm,
    ExtensionReason,
    PauseReason,
)
from crm.cases.posted import Fate, PostSays
from crm.cases.terms import TermKind
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.errors import NotFoundError
from crm.documents.models import Scan
from crm.enti.models import Office
from crm.follow_ups.when import Lateness
from crm.messages.models import Message, MessageState
from crm.positions.models import Position, PositionState

SAID: Mapping[Deed, type[StrEnum]] = MappingProxyType(
    {
        Deed.PAUSE: PauseReason,
        Deed.EXTEND: ExtensionReason,
        Deed.WARN: Told,
        Deed.DROP_LETTER: Fate,
        Deed.POST_TOLD: PostSays,
    }
)


@dataclass(frozen=True, slots=True)
class TermView:
    """A term of a case. `days` with those that were added."""

    id: int
    kind: TermKind
    days: int
    extended: int
    working: bool
    source: str
    by_contract: bool
    since_at: datetime
    due_at: datetime | None
    met_at: datetime | None
    dropped_at: datetime | None
    late: Lateness | None  # none: it is over, or rests
    rests: bool = False

    @property
    def last_day(self) -> date | None:
        """The last day of its term."""
        return shown_day(self.due_at) if self.due_at else None

    @property
    def in_time(self) -> bool:
        """Of one that is met: whether it was before its end."""
        return self.met_at is not None and self.due_at is not None and self.met_at < self.due_at


@dataclass(frozen=True, slots=True)
class StepView:
    """Something that was done. `told`: what became of the message to the citizen; none: there was none.

    `said`: a reason, or who was told, where it is one of a few.
    """

    deed: Deed
    at: datetime
    by: str  # empty: the system
    state: State
    outcome: Outcome | None
    words: str
    said: StrEnum | None
    told: MessageState | None


@dataclass(frozen=True, slots=True)
class Debt:
    """A position of a case: as it stood when the case was opened, and as it stands; none: it is there no more.

    `progress`: where the collection system stands with what was granted; none: nothing was. `said`: why it refused, at
    `answered_at`.
    """

    reference: str
    act_number: str
    standing: PositionState
    cents: int
    as_of: datetime
    standing_now: PositionState | None
    cents_now: int | None
    as_of_now: datetime | None
    progress: Progress | None
    said: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class PauseView:
    """When its terms rested, and why."""

    reason: PauseReason
    since_at: datetime
    until_at: datetime | None
    papers: str


@dataclass(frozen=True, slots=True)
class DocumentView:
    """A file of a case."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str  # empty: the citizen, on the pages
    scan: Scan | None


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case, with everything that happened in it, the latest first."""

    id: int
    ente_id: int
    contract_id: int
    label: str
    topic: Topic
    channel: Channel
    contact_id: int | None
    name: str
    codice_fiscale: str
    received_at: datetime
    opened_at: datetime
    opened_by: str  # empty: the system
    state: State
    outcome: Outcome | None
    owner_id: int | None
    owner: str
    gone: bool  # its owner may not work for the ente any more
    team_id: int | None
    team: str
    surety: bool
    reasons: str
    asked: str
    instalments_asked: int | None
    instalments_granted: int | None
    office: str
    protocol_number: str
    protocol_on: date | None
    due_at: datetime | None
    late: Lateness | None
    rests: bool
    heard_at: datetime | None
    closed_at: datetime | None
    version: int
    debts: tuple[Debt, ...]
    terms: tuple[TermView, ...]
    steps: tuple[StepView, ...]
    pauses: tuple[PauseView, ...]
    documents: tuple[DocumentView, ...]

    @property
    def last_day(self) -> date | None:
        """The last day of its term."""
        return shown_day(self.due_at) if self.due_at else None

    @property
    def came_since(self) -> bool:
        """Whether the citizen sent papers since its terms rest."""
        since = self.pauses[0].since_at if self.rests and self.pauses else None
        return since is not None and any(not one.added_by and one.added_at > since for one in self.documents)

    @property
    def running(self) -> tuple[TermView, ...]:
        """The terms that are neither met nor dropped."""
        return tuple(one for one in self.terms if one.met_at is None and one.dropped_at is None)


def one(session: Session, case_id: int) -> CaseView:
    """A case of the scope. Raises `NotFoundError`."""
    row = session.get(Case, case_id, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    at = clock.now(session)
    people = _people(session, row)
    person = contacts.get(session, row.contact_id) if row.contact_id is not None else None
    office = session.get(Office, row.office_id) if row.office_id is not None else None
    team = session.get(CaseTeam, row.team_id) if row.team_id is not None else None
    return CaseView(
        id=row.id, ente_id=row.ente_id, contract_id=row.contract_id, label=f"{row.year}/{row.number}",
        topic=row.topic, channel=row.channel, contact_id=row.contact_id, name=person.name if person else "",
        codice_fiscale=person.codice_fiscale if person else "", received_at=row.received_at, opened_at=row.opened_at,
        opened_by=people.get(row.opened_by or 0, ""), state=row.state, outcome=row.outcome, owner_id=row.owner_id,
        owner=people.get(row.owner_id or 0, ""), gone=row.owner_id is not None and not having.has(session, row),
        team_id=row.team_id, team=team.name if team else "", surety=row.surety, reasons=row.reasons, asked=row.asked,
        instalments_asked=row.instalments_asked, instalments_granted=row.instalments_granted,
        office=office.name if office else "", protocol_number=row.protocol_number, protocol_on=row.protocol_on,
        due_at=row.due_at, late=how_late(row.due_at, at) if row.due_at else None, rests=row.rests,
        heard_at=row.heard_at, closed_at=row.closed_at, version=row.version, debts=_debts(session, row),
        terms=_terms(session, row.id, at), steps=_steps(session, row.id, people), pauses=_pauses(session, row.id),
        documents=_documents(session, row.id, people),
    )  # fmt: skip


def _people(session: Session, row: Case) -> dict[int, str]:
    made = select(CaseStep.made_by).where(CaseStep.case_id == row.id)
    added = select(CaseDocument.added_by).where(CaseDocument.case_id == row.id)
    its = or_(User.id.in_([row.opened_by, row.owner_id]), User.id.in_(made), User.id.in_(added))
    return dict(session.execute(select(User.id, User.name).where(its)).all())


def _debts(session: Session, row: Case) -> tuple[Debt, ...]:
    same = and_(
        Position.ente_id == CasePosition.ente_id, Position.reference == CasePosition.reference,
        Position.withdrawn_as_of.is_(None),
    )  # fmt: skip
    rows = session.execute(
        select(CasePosition, Position.state, Position.residual_cents, Position.as_of)
        .outerjoin(Position, same).where(CasePosition.case_id == row.id).order_by(CasePosition.reference)
    ).all()  # fmt: skip
    granted = {reference: found for (_, reference), (_, found) in proposing.latest(session, [row.id]).items()}
    stated = watching.stated(session, [row.id]).get(row.id, {}) if granted else {}
    since = clock.business_day(row.received_at)
    shows = {one for one, how in stated.items() if carried_out(row.topic, since, (how,))}
    return tuple(
        Debt(
            then.reference, then.act_number, PositionState(then.standing), then.residual_cents, then.as_of, state,
            cents, as_of, progress(its.state, seen=then.reference in shows) if its else None, its.reason if its else "",
            its.answered_at if its else None,
        )
        for then, state, cents, as_of in rows
        for its in [granted.get(then.reference)]
    )  # fmt: skip


def _terms(session: Session, case_id: int, at: datetime) -> tuple[TermView, ...]:
    rows = session.scalars(select(CaseTerm).where(CaseTerm.case_id == case_id).order_by(CaseTerm.id))
    return tuple(
        TermView(
            one.id, one.kind, one.days + one.extended, one.extended, one.working, one.source, one.by_contract,
            one.since_at, one.due_at, one.met_at, one.dropped_at,
            how_late(one.due_at, at) if one.due_at and one.met_at is None and one.dropped_at is None else None,
        )
        for one in rows
    )  # fmt: skip


def _steps(session: Session, case_id: int, people: dict[int, str]) -> tuple[StepView, ...]:
    rows = session.execute(
        select(CaseStep, Message.state).outerjoin(Message, Message.id == CaseStep.message_id)
        .where(CaseStep.case_id == case_id).order_by(CaseStep.id.desc())
    ).all()  # fmt: skip
    return tuple(
        StepView(
            one.deed, one.at, people.get(one.made_by or 0, ""), one.state, one.outcome, one.words,
            SAID[one.deed](one.words) if one.deed in SAID and one.words else None, told,
        )
        for one, told in rows
    )  # fmt: skip


def _pauses(session: Session, case_id: int) -> tuple[PauseView, ...]:
    rows = session.scalars(select(CasePause).where(CasePause.case_id == case_id).order_by(CasePause.id.desc()))
    return tuple(PauseView(one.reason, one.since_at, one.until_at, one.papers) for one in rows)


def _documents(session: Session, case_id: int, people: dict[int, str]) -> tuple[DocumentView, ...]:
    rows = session.scalars(
        select(CaseDocument).where(CaseDocument.case_id == case_id).order_by(CaseDocument.added_at, CaseDocument.id)
    )
    return tuple(
        DocumentView(
            one.id, one.name, one.media_type, one.size, one.sha256, one.added_at, people.get(one.added_by or 0, ""),
            one.scan,
        )
        for one in rows
    )  # fmt: skip
