"""Reading what a day's rounds are made of: the agents who may act, and the practices with what stands against each."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.contacts.models import Contact
from crm.contacts.names import full_name
from crm.core.clock import business_day, in_rome, now, start_of_day
from outbound.compliance.rules import Reason, Verdict
from outbound.field.agents import queries
from outbound.field.agents.ties import excluded
from outbound.field.practices import judging
from outbound.field.practices.lifecycle import Limits, MandateState, State
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.rounds.admitting import Case, Given
from outbound.field.rounds.places import Place
from outbound.field.visits.models import Visit

FREE = Verdict(None)
_STANDING = (MandateState.OFFERED, MandateState.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A practice as the planner sees it: never what is owed. `not_before`: seconds after midnight, on its first day;
    `reasons`: why the rules forbid a visit on the day.
    """

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
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An agent, and the enti for which he may act on the day."""

    id: int
    name: str
    enti: frozenset[int]


def agents(session: Session, *, enti: Collection[int], day: date) -> dict[int, Known]:
    """Who may act for any of these enti on a day, by id, in the order of their names."""
    may = queries.acting(session, ente_ids=enti, day=day)
    return {one.id: Known(one.id, one.name, his) for one, his in may.items()}


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
    ties = queries.ties(
        session, agent_ids=[one.id for one in among], contact_ids={row.Practice.contact_id for row in rows}
    )
    verdicts = _verdicts(session, ids, day)
    found: dict[int, Candidate] = {}
    for one, surname, given_name in rows:
        could = frozenset(
            agent.id
            for agent in among
            if one.ente_id in agent.enti and not excluded(ties[agent.id].get(one.contact_id, ()))
        )
        verdict = verdicts.get(one.id, FREE)
        after = None if verdict.not_before is None else in_rome(verdict.not_before)
        case = Case(
            one.state, given.get(one.id), could, verdict.allowed or after is not None,
            None if after is None else after.date(),
        )  # fmt: skip
        place = None if one.latitude is None or one.longitude is None else Place(one.latitude, one.longitude, one.town)
        today = after is not None and after.date() == day
        found[one.id] = Candidate(
            one.id, one.ente_id, one.number, full_name(surname, given_name), one.street, one.postcode, one.town,
            one.residential, one.priority, place, case,
            after.hour * 3600 + after.minute * 60 if after is not None and today else 0,
            () if today else verdict.reasons,
        )  # fmt: skip
    return found


def _verdicts(session: Session, practice_ids: Collection[int], day: date) -> Mapping[int, Verdict]:
    """What the rules say of visits from a day's first instant on; nothing of a day that is over."""
    if day < business_day(now(session)):
        return {}
    return judging.judge(session, practice_ids, start_of_day(day))


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
