"""Reading what a day's rounds are made of: the agents who may act, and the practices with what stands against each."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.contacts.models import Contact
from crm.contacts.names import full_name
from crm.core.clock import ROME, business_day, in_rome
from outbound.field.agents.models import Accreditation, DeclaredTie, FieldAgent, FieldPaper, UnfitnessFinding
from outbound.field.agents.standing import Accredited, Decision, Paper, Worker, obstacles
from outbound.field.practices.lifecycle import Limits, MandateState, State
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.rounds.admitting import Case, Given
from outbound.field.rounds.places import Place
from outbound.field.visits.models import Visit

_STANDING = (MandateState.OFFERED, MandateState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A practice as the planner sees it: never what is owed. `not_before`: seconds after midnight, on its first day."""

    id: int
    ente_id: int
    number: int
    name: str
    street: str
    postcode: str
    town: str
    residential: bool
    priority: int
    place: Place | None
    case: Case
    not_before: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """An agent, and the enti for which he may act on the day."""

    id: int
    name: str
    enti: frozenset[int]


def agents(session: Session, *, enti: Collection[int], day: date) -> dict[int, Known]:
    """Who may act for any of these enti on a day (`standing.obstacles`), by id, in the order of their names."""
    approved = session.scalars(
        select(Accreditation).where(Accreditation.ente_id.in_(enti), Accreditation.decision == Decision.APPROVED)
    ).all()
    ids = {one.agent_id for one in approved}
    rows = session.scalars(
        select(FieldAgent).where(FieldAgent.id.in_(ids)).order_by(FieldAgent.surname, FieldAgent.given_name)
    ).all()
    papers: dict[int, dict[Paper, date | None]] = {}
    for paper in session.scalars(
        select(FieldPaper).where(FieldPaper.agent_id.in_(ids), FieldPaper.withdrawn_at.is_(None))
    ):
        papers.setdefault(paper.agent_id, {})[paper.paper] = paper.expires_on
    unfit = {
        (one.agent_id, one.ente_id): business_day(one.found_at)
        for one in session.scalars(
            select(UnfitnessFinding).where(UnfitnessFinding.agent_id.in_(ids), UnfitnessFinding.withdrawn_at.is_(None))
        )
    }
    may: dict[int, set[int]] = {}
    workers = {
        one.id: Worker(one.badge_until, one.photo is not None, papers.get(one.id, {}), one.ended_on) for one in rows
    }
    for one in approved:
        so = Accredited(one.decision, one.notified_on, one.proof is not None, unfit.get((one.agent_id, one.ente_id)))
        if not obstacles(workers[one.agent_id], so, day):
            may.setdefault(one.agent_id, set()).add(one.ente_id)
    return {
        one.id: Known(one.id, full_name(one.surname, one.given_name), frozenset(may[one.id]))
        for one in rows
        if one.id in may
    }


def candidates(
    session: Session, *, enti: Collection[int], day: date, among: Collection[Known],
    practices: Collection[int] | None = None,
) -> dict[int, Candidate]:  # fmt: skip
    """The practices of these enti that are not closed (or these, whatever became of them), by id, by priority, then
    street. `among`: the agents who could make the visits.
    """
    chosen = Practice.state != State.CLOSED if practices is None else Practice.id.in_(practices)
    rows = session.execute(
        select(Practice, Contact.surname, Contact.given_name)
        .join(Contact, (Contact.ente_id == Practice.ente_id) & (Contact.id == Practice.contact_id))
        .where(Practice.ente_id.in_(enti), chosen)
        .order_by(Practice.priority.desc(), Practice.town, Practice.street, Practice.id)
    ).all()
    ids = [row.Practice.id for row in rows]
    given = _mandates(session, ids)
    ties = _tied(session, {row.Practice.contact_id for row in rows})
    stands_against = forbidden(session, ids, day)
    found: dict[int, Candidate] = {}
    for one, surname, given_name in rows:
        could = frozenset(
            agent.id for agent in among if one.ente_id in agent.enti and (agent.id, one.contact_id) not in ties
        )
        after = None if one.not_before is None else in_rome(one.not_before)
        case = Case(
            one.state, given.get(one.id), could, one.id not in stands_against, None if after is None else after.date()
        )
        place = None if one.latitude is None or one.longitude is None else Place(one.latitude, one.longitude, one.town)
        today = after is not None and after.date() == day
        found[one.id] = Candidate(
            one.id, one.ente_id, one.number, full_name(surname, given_name), one.street, one.postcode, one.town,
            one.residential, one.priority, place, case,
            after.hour * 3600 + after.minute * 60 if after is not None and today else 0,
        )  # fmt: skip
    return found


def forbidden(session: Session, practice_ids: Collection[int], day: date) -> frozenset[int]:
    """The practices against whose visits on a day something stands: they are closed or frozen, or wait for a later
    day. The one place at which the rounds ask whether somebody may be visited.
    """
    ends = datetime.combine(day, time.max, tzinfo=ROME)
    return frozenset(
        session.scalars(
            select(Practice.id).where(
                Practice.id.in_(practice_ids),
                Practice.state.in_([State.CLOSED, State.FROZEN]) | (Practice.not_before > ends),
            )
        )
    )


def _mandates(session: Session, practice_ids: Collection[int]) -> dict[int, Given]:
    made = (
        select(Visit.mandate_id, func.count().label("n"))
        .where(Visit.practice_id.in_(practice_ids))
        .group_by(Visit.mandate_id)
        .subquery()
    )
    rows = session.execute(
        select(FieldMandate, func.coalesce(made.c.n, 0))
        .outerjoin(made, made.c.mandate_id == FieldMandate.id)
        .where(FieldMandate.practice_id.in_(practice_ids), FieldMandate.state.in_(_STANDING))
    )
    return {
        one.practice_id: Given(
            one.agent_id, one.state is MandateState.ACCEPTED,
            Limits(one.valid_from, one.valid_to, one.most_visits, one.may_photograph), visits,
        )
        for one, visits in rows
    }  # fmt: skip


def _tied(session: Session, contact_ids: Collection[int]) -> frozenset[tuple[int, int]]:
    """Agents and taxpayers of whom the agent declared a tie; who accepts a mandate says again that there is none."""
    rows = session.execute(
        select(DeclaredTie.agent_id, DeclaredTie.contact_id).where(DeclaredTie.contact_id.in_(contact_ids))
    )
    return frozenset((agent_id, contact_id) for agent_id, contact_id in rows)
