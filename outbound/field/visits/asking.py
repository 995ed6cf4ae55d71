"""The gestionale is asked, as before a call, about those whom an agent goes to today: nobody is visited for what he has
paid. Asked is before the rounds begin, and whenever a telephone is given its packet; nobody waits for an answer, and
without a network what the packet says stands, with the instant of which it is.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.collection.sources import lookups
from crm.collection.sources.lookups import Lookups
from crm.collection.sources.port import Lookup
from crm.contacts.calling import persons
from crm.core import clock, jobs
from crm.core.clock import business_day, in_rome
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.core.jobs import Runner, Taken
from crm.enti import queries as enti
from outbound.field.practices import tidying
from outbound.field.practices.lifecycle import MandateState, State
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.rounds import queries as rounds

ASK = "field.ask"
MOST = 120  # people asked about for an agent: as many as a telephone is given
BEFORE_ROUNDS = time(7), time(7, 30)  # in Rome, within which the day's are asked about though no telephone is on yet


@dataclass(frozen=True, slots=True)
class Checked:
    """What a gestionale said of somebody, and when; `at` is none where it was never asked."""

    at: datetime | None = None
    outcome: Lookup | None = None


def accepted(
    session: Session, ente_ids: Collection[int], agent_id: int, day: date, *, days: int, first: Collection[int],
    most: int,
) -> list[tuple[Practice, FieldMandate]]:  # fmt: skip
    """An agent's accepted practices with a mandate for so many days from one on: those in `first`, then by priority."""
    rows = session.execute(
        select(Practice, FieldMandate)
        .join(FieldMandate, (FieldMandate.practice_id == Practice.id) & (FieldMandate.agent_id == agent_id))
        .where(
            Practice.ente_id.in_(ente_ids), Practice.agent_id == agent_id, Practice.state == State.ACCEPTED,
            FieldMandate.state == MandateState.ACCEPTED, FieldMandate.valid_from < day + timedelta(days=days),
            FieldMandate.valid_to >= day,
        )
        .order_by(
            Practice.id.in_(first).desc(), Practice.priority.desc(), Practice.town, Practice.street, Practice.id
        )
        .limit(most)
    ).all()  # fmt: skip
    return [(practice, mandate) for practice, mandate in rows]


def planned(session: Session, agent_id: int, day: date) -> dict[int, datetime]:
    """When he is at each practice of the round that he was given for a day."""
    given = rounds.round_of(session, agent_id=agent_id, day=day)
    return {} if given is None else {one.practice_id: one.begins for one in given.stops}


def unasked(session: Session, *, ente_id: int, agent_id: int) -> list[int]:
    """Whom of an ente's the gestionale is to be asked about: those of his round of today in their order, or where he
    has none those whom he may visit today.
    """
    if lookups.offer(session, ente_id) is None:
        return []
    today = business_day(clock.now(session))
    hours = planned(session, agent_id, today)
    pairs = accepted(session, [ente_id], agent_id, today, days=1, first=hours, most=MOST)
    going = [practice for practice, _ in pairs if not hours or practice.id in hours]
    if hours:
        going.sort(key=lambda one: hours[one.id])
    return lookups.unasked(session, ente_id=ente_id, contact_ids=list(dict.fromkeys(one.contact_id for one in going)))


def owe(session: Session, *, ente_id: int, agent_id: int) -> bool:
    """Owe a job that asks, unless there is nobody to ask about; whether somebody is being asked about."""
    if not unasked(session, ente_id=ente_id, agent_id=agent_id):
        return False
    jobs.enqueue_once(session, ente_id=ente_id, kind=ASK, argument={"agent": agent_id})
    return True


def owe_all(database: Database) -> int:
    """A chore: before the rounds begin, for everybody who goes somewhere today; how many agents."""
    with database.begin(Scope.nothing()) as session:
        hour = in_rome(clock.now(session)).time()
        served = sorted(enti.served(session)) if BEFORE_ROUNDS[0] <= hour < BEFORE_ROUNDS[1] else []
    return total_of_each(
        served, lambda one: database.transact(Scope.of_enti([one]), lambda session: _owe_ente(session, one))
    )


def _owe_ente(session: Session, ente_id: int) -> int:
    going = select(Practice.agent_id).where(Practice.ente_id == ente_id, Practice.state == State.ACCEPTED).distinct()
    agents = [agent_id for agent_id in session.scalars(going) if agent_id is not None]
    return sum(owe(session, ente_id=ente_id, agent_id=agent_id) for agent_id in agents)


def checked(session: Session, practices: Collection[Practice]) -> dict[int, Checked]:
    """When each was last asked about; of enti whose gestionale answers about nobody alone there is none."""
    asked = {one for one in {each.ente_id for each in practices} if lookups.offer(session, one) is not None}
    some = [one for one in practices if one.ente_id in asked]
    same = persons(session, [one.contact_id for one in some]) if some else {}
    known = lookups.last(session, {row for rows in same.values() for row in rows})
    found = {}
    for one in some:
        its = [known[row] for row in same[one.contact_id] if row in known]
        latest = max(its, key=lambda each: each.asked_at, default=None)
        found[one.id] = Checked() if latest is None else Checked(latest.asked_at, latest.outcome)
    return found


def runner(asks: Lookups) -> Runner:
    """How the job is done: one after the other, with no transaction open meanwhile."""
    return Runner(partial(_run, asks))


def _run(asks: Lookups, database: Database, job: Taken) -> None:
    """Ask about those of an agent (`agent`), and end what has been paid."""
    scope, this = Scope.of_enti([job.ente_id]), {"ente_id": job.ente_id, "agent_id": job.argument["agent"]}
    with database.begin(scope) as session:
        people = unasked(session, **this)
    for contact_id in people:
        job.renew()
        asks.ask(ente_id=job.ente_id, contact_id=contact_id)
    database.transact(
        scope, lambda session: tidying.end_of(session, ente_id=job.ente_id, contact_ids=people)
    )  # fmt: skip
