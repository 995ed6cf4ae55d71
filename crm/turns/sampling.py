"""When the first appointment could be had, looked at once a day for each office and service.

A contract promises it within so many working days (STEP: five). Looked at is what somebody who is not there can have,
on the web or by telephone. Counted are the days after today up to the first free one, Saturdays, Sundays and holidays
left out. Where nothing is free as far as one may book, it is as far as that, and never less than a month: who can have
none at all has none soon, however short a time ahead a service is booked.
"""

from datetime import date
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.agendas import finding, queries
from crm.agendas.plan import from_now_on
from crm.agendas.queries import ServiceView
from crm.agendas.rules import Channel
from crm.agendas.times import DAY
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.enti.days import working_days
from crm.turns.models import FirstFree

NONE_FREE = 30  # days, at least
REMOTE = (Channel.WEB, Channel.PHONE)
FROM_HOUR = 8  # of Rome: by then whoever books finds what the night has left


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
            if not from_now_on(plan.agendas, today):
                continue  # nobody receives there yet, or any more: no promise, and none that is broken
            first = _first(session, service, office_id, today)
            until = first or today + DAY * (max(service.limits.horizon_days, NONE_FREE) + 1)
            row = insert(FirstFree).values(
                office_id=office_id, service_id=service.id, day=today, ente_id=ente_id, first=first,
                working_days=working_days(plan.patron, today, until), sampled_at=now,
            )  # fmt: skip
            made += len(session.execute(row.on_conflict_do_nothing().returning(FirstFree.day)).all())
    return made


def _first(session: Session, service: ServiceView, office_id: int, today: date) -> date | None:
    """The first day on which it can be had."""
    times = (
        time.starts_at
        for channel in REMOTE
        for time in finding.free_times(
            session, ente_id=service.ente_id, service_id=service.id, channel=channel, first=today,
            last=today + DAY * service.limits.horizon_days, office_id=office_id,
        )[:1]
    )  # fmt: skip
    first = min(times, default=None)
    return None if first is None else clock.business_day(first)
