"""Quarters that are not settled, as they stand: few payments are reckoned as somebody looks; many by a job, once for
everybody who looks, and shown with the instant of which they are. Nobody waits for it.

What is kept names no position: practices by their numbers. Settled quarters are read as they were settled.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm.core import clock, jobs
from crm.core.db import Database, Scope, table_of
from crm.core.jobs import Runner, Taken
from outbound.campaigns.counted import kept_for
from outbound.field.closing import settling
from outbound.field.closing.models import OpenQuarter, PaymentEvent
from outbound.field.closing.queries import SHOWN, Month, Share, months_of, shares_of
from outbound.field.closing.settlement import Line
from outbound.field.closing.settling import Open
from outbound.lists.tasks import renewed

COUNT = "field.count"  # the kind of the job
LARGE = 5_000  # payments' events of an ente, from which on a job reckons: about half a second
SHORTEST = timedelta(minutes=1)  # that what was counted is shown
EVERYBODY = 0  # whose figures: of all agents, else of one
_Q = table_of(OpenQuarter)


@dataclass(frozen=True, slots=True)
class Figures:
    """A quarter as it stands, of an ente or of one agent: `lines` the first of `count`, `due_on` from when it can be
    settled.
    """

    quarter: str
    due_on: date
    count: int
    shares: tuple[Share, ...]
    months: tuple[Month, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """An ente's open quarters. `counted_at`: of when they are, if not of now; `counting`: a job is at it."""

    quarters: tuple[Figures, ...] = ()
    counted_at: datetime | None = None
    counting: bool = False


_FIGURES = TypeAdapter(Figures)


def standing(session: Session, *, ente_id: int, agent_id: int | None = None) -> Standing:
    """The quarters of an ente that are not settled; of one agent's lines alone, where one is asked for."""
    events = select(PaymentEvent.id).where(PaymentEvent.ente_id == ente_id).limit(LARGE)
    if len(session.scalars(events).all()) < LARGE:
        found = settling.opened(session, ente_id=ente_id)
        return Standing(tuple(figures(one, agent_id) for one in found))
    whose = _Q.c.ente_id == ente_id, _Q.c.agent_id == (EVERYBODY if agent_id is None else agent_id)
    rows = session.execute(select(_Q).where(*whose).order_by(_Q.c.quarter)).all()
    all_of_them = _Q.c.ente_id == ente_id, _Q.c.agent_id == EVERYBODY
    last = session.execute(select(_Q.c.at, _Q.c.took_ms).where(*all_of_them).limit(1)).one_or_none()
    if last is None or clock.now(session) - last.at >= max(kept_for(last.took_ms), SHORTEST):
        ask(session, ente_id=ente_id)
    kept = tuple(_FIGURES.validate_json(row.value) for row in rows)
    return Standing(kept, None if last is None else last.at, is_counting(session, ente_id=ente_id))


def ask(session: Session, *, ente_id: int) -> None:
    """Have an ente's quarters reckoned anew, unless somebody is at it."""
    jobs.enqueue_once(session, ente_id=ente_id, kind=COUNT, argument={})


def is_counting(session: Session, *, ente_id: int) -> bool:
    """Whether somebody is at it."""
    return jobs.live(session, ente_id=ente_id, kind=COUNT) > 0


def figures(found: Open, agent_id: int | None = None) -> Figures:
    """What is shown of a quarter's lines; of one agent's alone, where one is asked for. Pure."""
    its = [one for one in found.lines if agent_id in (None, one.agent_id)]
    return Figures(
        str(found.quarter), found.due_on, len(its), tuple(shares_of(its)), tuple(months_of(its)), tuple(its[:SHOWN])
    )


def run_count(database: Database, job: Taken) -> None:
    """Reckon the quarters of the job's ente, and keep what pages show of them."""
    with renewed(job):
        database.transact(Scope.of_enti([job.ente_id]), lambda session: count(session, ente_id=job.ente_id))


def count(session: Session, *, ente_id: int) -> None:
    """The same."""
    began = time.perf_counter()
    found = settling.opened(session, ente_id=ente_id)
    at, took_ms = clock.now(session), round((time.perf_counter() - began) * 1000)
    session.execute(delete(_Q).where(_Q.c.ente_id == ente_id))
    rows = [
        {
            "ente_id": ente_id, "quarter": its.quarter, "agent_id": agent_id, "at": at, "took_ms": took_ms,
            "value": _FIGURES.dump_json(_unnamed(its)).decode(),
        }
        for agent_id, its in _kept(found)
    ]  # fmt: skip
    if rows:
        session.execute(_Q.insert(), rows)


def _kept(found: Iterable[Open]) -> Iterator[tuple[int, Figures]]:
    for quarter in found:
        yield EVERYBODY, figures(quarter)
        for agent_id in sorted({one.agent_id for one in quarter.lines}):
            yield agent_id, figures(quarter, agent_id)


def _unnamed(its: Figures) -> Figures:
    return replace(its, lines=tuple(replace(one, reference="", key="") for one in its.lines))


COUNTER = Runner(run_count)
