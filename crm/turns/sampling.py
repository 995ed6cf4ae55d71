"""When the first appointment could be had, looked at once a day for each office and service.

A contract promises it within so many working days (STEP: five). Counted are the days after today up to the first free
one, Saturdays, Sundays and holidays left out. Where nothing is free as far as one may book, it is as far as that: the
promise is then broken by no less.
"""

from datetime import date
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.agendas import finding, queries
from crm.agendas.plan import Plan, is_day_off
from crm.agendas.rules import Channel
from crm.agendas.times import DAY
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.turns.models import FirstFree

SATURDAY = 5
FROM_HOUR = 8  # of Rome: by then whoever books finds what the night has left


def working_days(plan: Plan, today: date, until: date) -> int:
    """How many working days lie after one day up to another, that one included. Pure."""
    days = (today + DAY * n for n in range(1, (until - today).days + 1))
    return sum(day.weekday() < SATURDAY and not is_day_off(plan, day) for day in days)


def sample_due(database: Database) -> int:
    """Take today's samples of every ente, once it is eight; how many were taken. Taken already, none."""
    with database.begin(Scope.nothing()) as session:
        if clock.now(session).astimezone(clock.ROME).hour < FROM_HOUR:
            return 0
        served = sorted(enti.served(session))
    return total_of_each(served, lambda one: database.transact(Scope.of_enti([one]), partial(sample, ente_id=one)))


def sample(session: Session, ente_id: int) -> int:
    """Today's samples of an ente; how many were taken."""
    now = clock.now(session)
    today, made = clock.business_day(now), 0
    of = (FirstFree.ente_id == ente_id, FirstFree.day == today)
    done = {(one.office_id, one.service_id) for one in session.scalars(select(FirstFree).where(*of))}
    for service in queries.services(session, ente_id):
        for office_id in sorted(service.offices) if service.active else ():
            if (office_id, service.id) in done:
                continue
            plan = queries.plan(session, office_id)
            if not plan.agendas:
                continue  # nobody receives there yet
            last = today + DAY * service.limits.horizon_days
            free = finding.free_times(
                session, ente_id=ente_id, service_id=service.id, channel=Channel.WEB, first=today, last=last,
                office_id=office_id,
            )  # fmt: skip
            first = clock.business_day(free[0].starts_at) if free else None
            row = insert(FirstFree).values(
                office_id=office_id, service_id=service.id, day=today, ente_id=ente_id, first=first,
                working_days=working_days(plan, today, first or last + DAY), sampled_at=now,
            )  # fmt: skip
            made += len(session.execute(row.on_conflict_do_nothing().returning(FirstFree.day)).all())
    return made
