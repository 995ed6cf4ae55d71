"""Summing up agents' quarter hours from the facts about them, and proving the sums.

A sum is computed anew as long as anything may still be added to its quarter hour, from the facts alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ScalarSelect, delete, func, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.levels.metering import quarter_of
from telephony.agents import queries
from telephony.agents.models import AgentFact, AgentPresence, AgentTime
from telephony.agents.times import MEASURES, QUARTER, Times, by_quarter

KEPT = timedelta(days=731)  # facts about single workers; the database lets go of none before two years
DAY = timedelta(days=1)
LATE = QUARTER  # for so long a fact may still be told: that a console is gone, a transaction that took its time

_FACT, _TIME, _PRESENCE = table_of(AgentFact), table_of(AgentTime), table_of(AgentPresence)
_ADD = upsert(_TIME)
_WRITE = _ADD.on_conflict_do_update(
    index_elements=["agent_id", "quarter"], set_={name: _ADD.excluded[name] for name in MEASURES}
)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One agent's quarter hour."""

    quarter: datetime
    agent_id: int


@dataclass(frozen=True, slots=True)
class Proof:
    """Sums compared with what their facts make of them: those that differ, as stored and as they should be."""

    sums: int
    differences: Mapping[Key, tuple[Times, Times]]


def tally(session: Session) -> int:
    """Bring the sums up to now; how many were written."""
    now = clock.now(session)
    last = session.execute(select(func.max(_TIME.c.quarter))).scalar_one()
    first = session.execute(select(_oldest())).scalar_one() if last is None else last - LATE
    if first is None:
        return 0
    written = 0
    for start, end in _days(quarter_of(min(first, now - LATE)), now):
        true, stored = _true(session, start, end), _stored(session, start, end)
        other = {key: one for key, one in true.items() if stored.get(key) != one}
        _write(session, other, stored.keys() - true.keys())
        written += len(other)
    return written


def verify(session: Session, since: datetime, until: datetime) -> Proof:
    """Compare the sums of the quarter hours of a period with their facts, as far as they are final.

    The session must be a snapshot (`Database.snapshot`).
    """
    last = session.execute(select(func.max(_TIME.c.quarter))).scalar_one()
    first = session.execute(select(func.least(func.min(_TIME.c.quarter), _oldest()))).scalar_one()
    if last is None or first is None:
        return Proof(0, {})
    sums, differences = 0, dict[Key, tuple[Times, Times]]()
    final = min(until, quarter_of(clock.now(session) - LATE), last)
    for start, end in _days(max(since, quarter_of(first)), final):
        true, stored = _true(session, start, end), _stored(session, start, end)
        keys = sorted(true.keys() | stored.keys())
        pairs = {key: (stored.get(key, Times()), true.get(key, Times())) for key in keys}
        differences |= {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
        sums += len(keys)
    return Proof(sums, differences)


def correct(session: Session, proof: Proof) -> None:
    """Bring the sums to what their facts say, in the snapshot in which they were found to differ."""
    true = {key: right for key, (_, right) in proof.differences.items()}
    _write(session, {key: one for key, one in true.items() if one}, {key for key, one in true.items() if not one})


def forget(session: Session) -> int:
    """Let go of what was kept for long enough; how many facts."""
    before = clock.now(session) - KEPT
    session.execute(delete(_TIME).where(_TIME.c.quarter < before))
    old = delete(_FACT).where(_FACT.c.agent_id == _PRESENCE.c.agent_id, _FACT.c.at < before).returning(_FACT.c.id)
    return len(session.execute(old).all())


def _oldest() -> ScalarSelect[datetime]:
    return select(func.min(_FACT.c.at)).scalar_subquery()


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A long time in pieces that fit in memory, cut at quarter hours."""
    while since < until:
        following = min(since + DAY, until)
        yield since, following
        since = following


def _true(session: Session, since: datetime, until: datetime) -> dict[Key, Times]:
    return {
        Key(quarter, agent_id): one
        for agent_id, his in queries.facts(session, since, until).items()
        for quarter, one in by_quarter(his, since, until).items()
    }


def _stored(session: Session, since: datetime, until: datetime) -> dict[Key, Times]:
    columns = (_TIME.c.quarter, _TIME.c.agent_id, *(_TIME.c[name] for name in MEASURES))
    rows = session.execute(select(*columns).where(_TIME.c.quarter >= since, _TIME.c.quarter < until))
    return {Key(quarter, agent_id): Times(*values) for quarter, agent_id, *values in rows}


def _write(session: Session, sums: Mapping[Key, Times], gone: set[Key]) -> None:
    if sums:
        rows = [{"agent_id": key.agent_id, "quarter": key.quarter, **asdict(one)} for key, one in sums.items()]
        session.execute(_WRITE, rows)
    for key in gone:
        session.execute(delete(_TIME).where(_TIME.c.agent_id == key.agent_id, _TIME.c.quarter == key.quarter))
