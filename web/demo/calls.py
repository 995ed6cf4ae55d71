"""The demonstration's past: eight weeks of calls, taken in from a file of records as a company's own history would be;
and the plan of the days to come, which follows from them.

The same day makes the same calls. They end the day before: what is counted today really happened.
"""

import csv
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.core.clock import ROME, start_of_day
from crm.core.db import Database, Scope
from telephony.history.importer import import_calls
from telephony.history.models import ImportedCall
from telephony.history.reading import COLUMNS
from telephony.staffing import queries
from telephony.staffing import service as staffing
from telephony.staffing.known_days import Kind
from web.demo.accounts import COLLEAGUES, SUPERVISOR
from web.demo.places import MUNICIPALITIES

FILE = "calls.csv"
WEEKS = 8
A_DAY = 190  # calls of a mean weekday
WEEKDAYS = (1.35, 1.1, 1.0, 0.95, 0.8)  # Mondays are the worst; at weekends nobody was there
OPENS, CLOSES = 8, 18
HOURS = (0.6, 1.35, 1.6, 1.45, 1.05, 0.6, 0.75, 1.1, 0.95, 0.55)  # from 8 to 18, beside their mean
DUE = (-33, 12)  # days from today on which something is due: one that was, one that comes
AROUND_DUE = ((-4, 0, 1.3), (1, 5, 1.45), (6, 20, 1.15))  # from so many days after it to so many, beside other days
TALK_S, PATIENCE_S = 230.0, 150.0
ROOM = 9.0  # so many calls a quarter hour are answered at once, on the average
SHIFTS = ("8-14", "9-13, 14-17", "9-13, 14-18", "12-18")
SERVED = (("Avvisi e ingiunzioni", 5), ("Rate e pagamenti", 4), ("Operatore", 2))


def remember(database: Database, *, contract_id: int, data_dir: Path, today: date) -> None:
    """Take the past in, unless some of it is there."""
    with database.begin(Scope.of_contract(contract_id)) as session:
        if session.execute(select(ImportedCall.id).limit(1)).first() is not None:
            return
    file = data_dir / FILE
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(past_calls(today))
    import_calls(database, file, contract_id=contract_id, refused=data_dir / "calls.refused.csv")
    file.unlink()
    database.transact(Scope.of_contract(contract_id), partial(_plan, contract_id=contract_id, today=today))


def _plan(session: Session, *, contract_id: int, today: date) -> None:
    """What falls due, and who is there this week and the next, from today on."""
    user_id = session.execute(select(User.id).where(User.username == SUPERVISOR.username)).scalar_one()
    sara = Principal(user_id, SUPERVISOR.name, "it", frozenset({Held(Role.SUPERVISOR, None, contract_id)}))
    for ahead in DUE:
        staffing.know_day(
            session, sara, contract_id=contract_id, day=today + timedelta(days=ahead), kind=Kind.DUE, name="TARI, rata"
        )
    monday = today - timedelta(days=today.weekday())
    agents = list(queries.agents_of(session, contract_id))
    for week in (monday, monday + timedelta(days=7)):
        days = [one for one in (week + timedelta(days=n) for n in range(len(WEEKDAYS))) if one >= today]
        cells = {(agent, day): SHIFTS[n % len(SHIFTS)] for n, agent in enumerate(agents) for day in days}
        if staffing.save_week(session, sara, contract_id=contract_id, monday=week, cells=cells):
            staffing.publish(session, sara, contract_id=contract_id, monday=week)


def past_calls(today: date) -> Iterator[dict[str, str]]:
    """The records of the weeks before a day, in their order."""
    dice = Random(today.toordinal())  # noqa: S311  # a demonstration
    for back in range(7 * WEEKS, 0, -1):
        day = today - timedelta(days=back)
        if day.weekday() < len(WEEKDAYS):
            yield from _calls_of(day, _times(back), dice)


def _times(back: int) -> float:
    """What is due makes more people call, that many days ago."""
    since = [-back - due for due in DUE]
    return max((times for first, last, times in AROUND_DUE for one in since if first <= one <= last), default=1.0)


def _calls_of(day: date, times: float, dice: Random) -> Iterator[dict[str, str]]:
    expected = A_DAY * WEEKDAYS[day.weekday()] * times * dice.gauss(1, 0.07)
    midnight = start_of_day(day)
    opens = datetime(day.year, day.month, day.day, OPENS, tzinfo=ROME).astimezone(UTC) - midnight
    for quarter in range((CLOSES - OPENS) * 4):
        mean = expected / sum(HOURS) * HOURS[quarter // 4] / 4
        calls = max(0, round(dice.gauss(mean, mean**0.5)))
        begins = midnight + opens + timedelta(minutes=15 * quarter)
        yield from (_call(begins + timedelta(seconds=second), calls, dice) for second in _seconds(calls, dice))


def _seconds(calls: int, dice: Random) -> list[float]:
    return sorted(dice.uniform(0, 899) for _ in range(calls))


def _call(start: datetime, crowd: int, dice: Random) -> dict[str, str]:
    """One caller, among so many in his quarter hour."""
    entry = start + timedelta(seconds=dice.uniform(12, 45))
    row = {
        "start": _told(start), "line_kind": "geographic" if dice.random() < 0.6 else "freephone",
        "ente": dice.choices([place.cadastral_code for place in MUNICIPALITIES], [5, 3, 2][: len(MUNICIPALITIES)])[0],
    }  # fmt: skip
    if dice.random() < 0.07:
        return row | {"outcome": "left_ivr", "end": _told(entry)}
    (queue,) = dice.choices([name for name, _ in SERVED], [weight for _, weight in SERVED])
    busy = crowd / ROOM
    wait = dice.uniform(1, 5) if dice.random() > 0.75 * busy else dice.expovariate(1 / (22 * max(0.4, busy)))
    patience = dice.expovariate(1 / PATIENCE_S)
    row |= {"queue": queue, "queue_entry": _told(entry)}
    if wait > patience:
        left = entry + timedelta(seconds=patience)
        return row | {"outcome": "abandoned", "queue_exit": _told(left), "end": _told(left)}
    answer = entry + timedelta(seconds=wait)
    end = answer + timedelta(seconds=20 + dice.expovariate(1 / TALK_S))
    agent = dice.choice(COLLEAGUES).username
    return row | {
        "outcome": "answered", "queue_exit": _told(answer), "answer": _told(answer), "end": _told(end), "agent": agent,
    }  # fmt: skip


def _told(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")
