"""What stopped the service in a period, for a contract or for one of its enti: minutes, and each interruption.

Page, reports and API say what is read here. Hours are those that held at the time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from crm.continuity import queries, spells
from crm.continuity.queries import Remark
from crm.continuity.spells import Minutes, Outage
from crm.core import clock
from crm.enti import closure_queries as closures
from crm.enti import downtime
from crm.enti import queries as enti
from crm.enti.calendar import Timetable
from crm.enti.downtime import Spell


@dataclass(frozen=True, slots=True)
class Row:
    """One interruption. `in_hours`: how much of it fell into the hours promised, without what was closed with consent;
    nothing of what is not counted.
    """

    outage: Outage
    lasted: timedelta
    in_hours: timedelta
    told_after: timedelta | None
    is_long: bool
    is_told_late: bool
    is_counted: bool
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What a contract's hours are, when it was closed with consent, and what stopped the service since an instant."""

    hours: Timetable
    outages: tuple[Outage, ...]
    left_out: tuple[Spell, ...]  # interruptions that the ente agreed not to count
    agreed: tuple[Spell, ...]  # closures that it agreed to
    not_counted: frozenset[int]
    said: Mapping[int, tuple[Remark, ...]]


def known(
    session: Session, contract_id: int, ente_id: int | None, period: Spell, found: Iterable[Outage] | None = None
) -> Known:
    """Read it, for a period up to now at most; `found`: its interruptions, where they were read."""
    now = clock.now(session)
    outages = (
        tuple(queries.outages(session, since=period.starts_at, until=period.ends_at)) if found is None else tuple(found)
    )
    agreed_ids = queries.not_counted(session, contract_id, ente_id)
    rows = closures.closed(session, contract_id, since=period.starts_at, until=period.ends_at)
    _, closed = closures.stops(
        closures.concerning(rows, ente_id, enti.enti_of(session, contract_id)), period.ends_at
    )  # fmt: skip
    said = queries.remarks(session, [one.id for one in outages])
    return Known(
        enti.timetable(session, contract_id, ente_id), outages,
        tuple(one.spell(now) for one in outages if one.id in agreed_ids), tuple(closed), agreed_ids,
        {
            one: tuple(r for r in some if r.contract_id == contract_id and ente_id in {None, r.ente_id})
            for one, some in said.items()
        },
    )  # fmt: skip


def minutes(session: Session, of: Known, period: Spell) -> Minutes:
    """The promised hours of a period, from when the system measures itself, and what of them was lost to what."""
    now = clock.now(session)
    begun = queries.measured_since(session) or now
    measured = Spell(max(begun, period.starts_at), max(begun, min(period.ends_at, now)))
    return spells.minutes(of.hours, of.outages, [*of.agreed, *of.left_out], period=measured, now=now)


def pages(session: Session, of: Known, period: Spell) -> Minutes:
    """The same of the pages, which are to answer day and night, whether lines are closed or not."""
    now = clock.now(session)
    begun = queries.measured_since(session) or now
    measured = Spell(max(begun, period.starts_at), max(begun, min(period.ends_at, now)))
    ours = [one for one in of.outages if one.cause in spells.OURS]
    return spells.minutes(spells.ALWAYS, ours, of.left_out, period=measured, now=now)


def rows(session: Session, of: Known, period: Spell | None = None) -> list[Row]:
    """Each interruption, the latest first; of `in_hours` what lies in the period alone, where there is one."""
    now = clock.now(session)
    return [
        Row(
            one, one.spell(now).length,
            downtime.lost(
                of.hours, [one.spell(now)], [*of.agreed, *of.left_out],
                period=one.spell(now) if period is None else _cut(one.spell(now), period),
            ),
            None if one.told_at is None else one.told_at - one.began_at, one.is_long(now), one.is_told_late(now),
            one.id not in of.not_counted, of.said.get(one.id, ()),
        )
        for one in of.outages
    ]  # fmt: skip


def _cut(one: Spell, period: Spell) -> Spell:
    return Spell(max(one.starts_at, period.starts_at), max(period.starts_at, min(one.ends_at, period.ends_at)))
