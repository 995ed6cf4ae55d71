"""Reading practices: a list of them, one with everything that happened, an agent's mandates."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.contacts import queries as contacts
from crm.contacts.names import full_name
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import NotFoundError
from outbound.campaigns.models import Campaign
from outbound.compliance.rules import Reason
from outbound.field.agents.models import FieldAgent
from outbound.field.places.placing import Placed
from outbound.field.practices.lifecycle import Closed, MandateState, Occasion, Origin, State
from outbound.field.practices.models import FieldJudgement, FieldMandate, NoVisit, Practice, PracticeDebt

PAGE = 50
UNANSWERED, ENDING = timedelta(days=3), timedelta(days=7)  # an offer nobody accepted, a mandate about to expire
LIVE = (MandateState.OFFERED, MandateState.ACCEPTED)
_P, _M, _A, _U, _C = (table_of(one) for one in (Practice, FieldMandate, FieldAgent, User, Campaign))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which practices; nothing chosen is all that are not closed. `area`: a town, or a postcode."""

    ente_id: int | None = None
    state: State | None = None
    agent_id: int | None = None
    area: str = ""
    late: bool = False  # offers nobody accepted, mandates about to expire
    unplaced: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A practice in a list."""

    id: int
    ente_id: int
    number: int
    name: str
    place: str
    state: State
    closed: Closed | None
    agent: str
    cents: int
    valid_to: date | None
    late: bool
    placed: Placed
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """A practice that is not closed, as a taxpayer's file shows it."""

    id: int
    number: int
    state: State


@dataclass(frozen=True, slots=True)
class MandateView:
    """A mandate in the life of a practice."""

    id: UUID
    state: MandateState
    agent_id: int
    agent: str
    valid_from: date
    valid_to: date
    cents: int
    most_visits: int
    may_photograph: bool
    given_at: datetime
    given_by: str
    accepted_at: datetime | None
    no_ties_at: datetime | None
    ended_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class JudgementView:
    """What the rules answered, and when."""

    occasion: Occasion
    at: datetime
    reasons: tuple[Reason, ...]
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class PracticeView:
    """One practice, with everything that happened in it, the latest first."""

    id: int
    ente_id: int
    number: int
    contact_id: int
    name: str
    origin: Origin
    campaign: str
    campaign_id: int | None
    state: State
    priority: int
    cents: int
    residential: bool
    street: str
    postcode: str
    town: str
    latitude: float | None
    longitude: float | None
    placed: Placed
    agent_id: int | None
    opened_at: datetime
    opened_by: str
    frozen_why: str
    closed_at: datetime | None
    closed: Closed | None
    debts: tuple[tuple[str, int], ...]
    mandates: tuple[MandateView, ...]
    judgements: tuple[JudgementView, ...]
    no_visits_since: datetime | None

    @property
    def live(self) -> MandateView | None:
        """The mandate in force, or offered."""
        return next((one for one in self.mandates if one.state in LIVE), None)


def practices(session: Session, which: Filter, *, after: int = 0, limit: int = PAGE) -> tuple[list[Row], int | None]:
    """A page of practices of the scope, the newest first; and the id after which the next one begins."""
    now = clock.now(session)
    late = _late(now)
    rows = session.execute(
        select(Practice, _A.c.surname, _A.c.given_name, _M.c.valid_to, late.label("late"))
        .outerjoin(_M, and_(_M.c.practice_id == _P.c.id, _M.c.state.in_(LIVE)))
        .outerjoin(_A, _A.c.id == _P.c.agent_id)
        .where(*_which(which, late), *([_P.c.id < after] if after else []))
        .order_by(_P.c.id.desc()).limit(limit + 1)
    ).all()  # fmt: skip
    names = contacts.named(session, {row[0].contact_id for row in rows[:limit]})
    found = [
        Row(
            one.id, one.ente_id, one.number, names.get(one.contact_id, ""), _line(one), one.state, one.closed,
            full_name(surname, given) if surname else "", one.cents, valid_to, bool(is_late), Placed(one.placed),
            one.opened_at,
        )
        for one, surname, given, valid_to, is_late in rows[:limit]
    ]  # fmt: skip
    return found, found[-1].id if len(rows) > limit else None


def counted(session: Session, which: Filter) -> dict[State, int]:
    """How many stand how, in the order of a practice's life, whatever state and agent are chosen."""
    only = Filter(which.ente_id, area=which.area)
    rows = session.execute(
        select(_P.c.state, func.count()).where(*_which(only, _late(clock.now(session)), closed=True))
        .group_by(_P.c.state)
    ).all()  # fmt: skip
    many = {State(state): n for state, n in rows}
    return {one: many[one] for one in State if one in many}


def areas(session: Session) -> list[str]:
    """The towns in which practices are open."""
    return list(
        session.scalars(select(_P.c.town).where(_P.c.state != State.CLOSED).distinct().order_by(_P.c.town).limit(200))
    )


def unplaced(session: Session) -> int:
    """How many open ones could not be placed."""
    return session.scalar(
        select(func.count()).where(_P.c.state != State.CLOSED, _P.c.latitude.is_(None)).select_from(_P)
    ) or 0  # fmt: skip


def agents(session: Session) -> list[tuple[int, str]]:
    """The agents who have practices, by name."""
    has = select(_P.c.agent_id).where(_P.c.agent_id.is_not(None))
    rows = session.execute(select(_A.c.id, _A.c.surname, _A.c.given_name).where(_A.c.id.in_(has)))
    return sorted(((one, full_name(surname, given)) for one, surname, given in rows), key=lambda pair: pair[1])


def one(session: Session, practice_id: int) -> PracticeView:
    """A practice of the scope. Raises `NotFoundError`."""
    found = session.get(Practice, practice_id, populate_existing=True)
    if found is None:
        raise NotFoundError("Questa pratica non c'è.")
    names = _users(session)
    debts = session.execute(
        select(PracticeDebt.reference, PracticeDebt.cents).where(PracticeDebt.practice_id == practice_id)
        .order_by(PracticeDebt.reference)
    ).all()  # fmt: skip
    campaign = session.get(Campaign, found.campaign_id) if found.campaign_id else None
    refusing = session.scalar(
        select(NoVisit.since).where(NoVisit.contact_id == found.contact_id, NoVisit.withdrawn_at.is_(None))
    )
    return PracticeView(
        found.id, found.ente_id, found.number, found.contact_id,
        contacts.named(session, [found.contact_id]).get(found.contact_id, ""), found.origin,
        campaign.name if campaign else "", found.campaign_id, found.state, found.priority, found.cents,
        found.residential, found.street, found.postcode, found.town, found.latitude, found.longitude,
        Placed(found.placed), found.agent_id, found.opened_at, names.get(found.opened_by or 0, ""), found.frozen_why,
        found.closed_at, found.closed, tuple((reference, cents) for reference, cents in debts),
        _mandates(session, practice_id, names), _judgements(session, practice_id), refusing,
    )  # fmt: skip


def open_of(session: Session, contact_ids: Collection[int]) -> Open | None:
    """The open practice of a person, under whichever of his rows."""
    row = session.execute(
        select(_P.c.id, _P.c.number, _P.c.state)
        .where(_P.c.contact_id.in_(list(contact_ids)), _P.c.state != State.CLOSED).limit(1)
    ).one_or_none()  # fmt: skip
    return None if row is None else Open(row.id, row.number, State(row.state))


def _which(which: Filter, late: ColumnElement[bool], *, closed: bool = False) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.ente_id is not None:
        found.append(_P.c.ente_id == which.ente_id)
    if which.state is not None:
        found.append(_P.c.state == which.state)
    elif not closed:
        found.append(_P.c.state != State.CLOSED)
    if which.agent_id is not None:
        found.append(_P.c.agent_id == which.agent_id)
    if which.area:
        found.append(or_(func.lower(_P.c.town) == which.area.lower(), _P.c.postcode == which.area))
    if which.late:
        found.append(late)
    if which.unplaced:
        found.append(_P.c.latitude.is_(None))
    return found


def _late(now: datetime) -> ColumnElement[bool]:
    return or_(
        and_(_M.c.state == MandateState.OFFERED, _M.c.given_at < now - UNANSWERED),
        and_(_M.c.state.in_(LIVE), _M.c.valid_to < clock.business_day(now) + ENDING),
    )


def _line(one: Practice) -> str:
    return ", ".join(part for part in (one.street, f"{one.postcode} {one.town}".strip()) if part)


def _users(session: Session) -> dict[int, str]:
    return dict(session.execute(select(_U.c.id, _U.c.name)).all())


def _mandates(session: Session, practice_id: int, users: dict[int, str]) -> tuple[MandateView, ...]:
    rows = session.execute(
        select(FieldMandate, _A.c.surname, _A.c.given_name).join(_A, _A.c.id == _M.c.agent_id)
        .where(_M.c.practice_id == practice_id).order_by(_M.c.given_at.desc(), _M.c.id)
    ).all()  # fmt: skip
    return tuple(
        MandateView(
            one.id, one.state, one.agent_id, full_name(surname, given), one.valid_from, one.valid_to, one.cents,
            one.most_visits, one.may_photograph, one.given_at, users.get(one.given_by, ""), one.accepted_at,
            one.no_ties_at, one.ended_at, one.reason,
        )
        for one, surname, given in rows
    )  # fmt: skip


def judged(session: Session, visit_id: UUID) -> JudgementView | None:
    """What the rules answered about a visit; none where nobody asked them yet."""
    one = session.scalar(select(FieldJudgement).where(FieldJudgement.visit_id == visit_id))
    return _judgement(one) if one else None


def _judgements(session: Session, practice_id: int) -> tuple[JudgementView, ...]:
    rows: Sequence[FieldJudgement] = session.scalars(
        select(FieldJudgement).where(FieldJudgement.practice_id == practice_id)
        .order_by(FieldJudgement.at.desc(), FieldJudgement.id)
    ).all()  # fmt: skip
    return tuple(_judgement(one) for one in rows)


def _judgement(one: FieldJudgement) -> JudgementView:
    return JudgementView(one.occasion, one.at, tuple(Reason(reason) for reason in one.reasons), one.not_before)
