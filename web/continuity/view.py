"""What stopped the service, contract by contract and ente by ente: minutes, interruptions, what is said of them."""

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
from crm.enti.downtime import Spell

SHOWN = timedelta(days=400)
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Row:
    """One interruption. `in_hours`: how much of it fell into the hours promised; nothing of what is not counted."""

    outage: Outage
    lasted: timedelta
    in_hours: timedelta
    told_after: timedelta | None
    is_long: bool
    is_told_late: bool
    is_counted: bool
    remarks: tuple[Remark, ...]


@dataclass(frozen=True, slots=True)
class Watched:
    """A contract, or one of its enti: the minutes of this month, of the last one and of this year, with the rows."""

    contract_id: int
    name: str
    ente_id: int | None
    this_month: Minutes
    last_month: Minutes
    this_year: Minutes
    pages_this_year: Minutes
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ToldWithin:
    """Of how many interruptions users were told, or should have been by now; and of how many within the hour."""

    known: int
    in_time: int


def told_within(session: Session) -> ToldWithin:
    """Of the last twelve months."""
    now = clock.now(session)
    known = [
        one for one in queries.outages(session, since=now - YEAR) if one.told_at is not None or one.is_told_late(now)
    ]
    return ToldWithin(len(known), sum(not one.is_told_late(now) for one in known))


def watched(session: Session, whom: Iterable[tuple[int, int | None]]) -> list[Watched]:
    """Each contract as a whole, or the ente of it that is named."""
    now = clock.now(session)
    found = queries.outages(session, since=now - SHOWN)
    said = queries.remarks(session, [one.id for one in found])
    return [_watched(session, contract_id, ente_id, found, said) for contract_id, ente_id in whom]


def _watched(
    session: Session, contract_id: int, ente_id: int | None, found: list[Outage], said: Mapping[int, list[Remark]]
) -> Watched:  # fmt: skip
    now = clock.now(session)
    month, before, year = downtime.periods(now)
    begun = queries.measured_since(session) or now
    agreed_ids = queries.not_counted(session, contract_id, ente_id)
    left_out = [one.spell(now) for one in found if one.id in agreed_ids]
    rows = closures.closed(session, contract_id, since=min(before.starts_at, year.starts_at), until=now)
    _, closed = closures.stops(closures.concerning(rows, ente_id, enti.enti_of(session, contract_id)), now)
    agreed = [*closed, *left_out]
    hours = enti.timetable(session, contract_id, ente_id)

    def of(period: Spell) -> Minutes:
        measured = Spell(max(begun, period.starts_at), max(begun, period.ends_at))
        return spells.minutes(hours, found, agreed, period=measured, now=now)

    pages = [one for one in found if one.cause in spells.OURS]
    own = Spell(max(begun, year.starts_at), now)
    return Watched(
        contract_id, enti.contract_name(session, contract_id), ente_id, of(month), of(before), of(year),
        spells.minutes(spells.ALWAYS, pages, left_out, period=own, now=now),
        tuple(
            Row(
                one, one.spell(now).length,
                downtime.lost(hours, [one.spell(now)], agreed, period=one.spell(now)),
                None if one.told_at is None else one.told_at - one.began_at,
                one.is_long(now), one.is_told_late(now), one.id not in agreed_ids,
                tuple(r for r in said.get(one.id, ()) if r.contract_id == contract_id and ente_id in {None, r.ente_id}),
            )
            for one in found
        ),
    )  # fmt: skip
