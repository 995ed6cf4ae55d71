"""When a contract's lines will be open with nobody on shift: the plan, read. The session must see the contract."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from crm.conditions.agreed import Conditions, minutes
from crm.conditions.queries import conditions
from crm.core import clock
from crm.core.clock import ROME, business_day, start_of_day
from crm.enti import calendar
from crm.enti import queries as enti
from crm.enti.calendar import Timetable
from telephony.lines import queries as lines
from telephony.staffing import queries
from telephony.staffing.forecast import Expected
from telephony.staffing.gaps import Gap, Span, calls_in, gaps, total, without

DAY = timedelta(days=1)
LOOKED_AHEAD = 14  # days, for the next one on which lines open


def gaps_of(
    session: Session, contract_id: int, first: date, days: int, expected: Mapping[date, Expected] | None = None
) -> dict[date, list[Gap]]:
    """Of each day, from now on, when lines are open and nobody is on shift; with the calls expected meanwhile."""
    now = clock.now(session)
    said, tables = conditions(session, contract_id), _timetables(session, contract_id)
    roster = queries.roster(session, contract_id, first, first + days * DAY)
    found = {}
    for on in (first + n * DAY for n in range(days)):
        opens = without(_opens(tables, on), [(start_of_day(first), now)])
        planned = [one.on(day) for (_, day), those in roster.items() if day == on for one in those]
        told = (expected or {}).get(on)
        found[on] = [
            replace(one, calls=None if told is None else calls_in((one.since, one.until), told))
            for one in gaps(opens, planned, _asked(said, on))
        ]
    return found


def minutes_ahead(session: Session, contract_id: int) -> int:
    """For how many minutes, until the end of the next day on which lines open, somebody is missing whom the contract
    wants there. Before a week-end that is Monday.
    """
    today = business_day(clock.now(session))
    tables = _timetables(session, contract_id)
    opening = (n for n in range(1, LOOKED_AHEAD + 1) if any(_opens(tables, today + n * DAY)))
    found = gaps_of(session, contract_id, today, next(opening, 0) + 1)
    return sum((total(one) for one in found.values()), timedelta()) // timedelta(minutes=1)


def _timetables(session: Session, contract_id: int) -> list[Timetable]:
    """Of each of its numbers; of the contract itself where it has none."""
    found = [
        lines.timetable(session, one.number, contract_id, one.ente_id)
        for one in lines.of_contract(session, contract_id)
    ]
    return found or [enti.timetable(session, contract_id, None)]


def _opens(tables: Iterable[Timetable], on: date) -> list[Span]:
    """When any of them is open on a day."""
    return [span for table in tables for span in without(calendar.spans(table, on, 1), _closed(table, on))]


def _closed(table: Timetable, on: date) -> Iterator[Span]:
    for one in table.closures:
        yield one.starts_at, one.ends_at or start_of_day(on + 2 * DAY)


def _asked(said: Conditions, on: date) -> list[Span] | None:
    if not any(said.staffed):
        return None
    return [(_at(on, since), _at(on, until)) for since, until in minutes(said.staffed)[on.weekday()]]


def _at(on: date, minute: int) -> datetime:
    """So many minutes after midnight by the clock in Rome, whatever the season does that day."""
    day, rest = divmod(minute, 24 * 60)
    return datetime.combine(on + day * DAY, time(rest // 60, rest % 60), tzinfo=ROME).astimezone(UTC)
