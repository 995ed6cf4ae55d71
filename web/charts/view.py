"""What the page of charts shows, read once: each picture is drawn from its table, which is here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.levels import formulas, queries, series
from crm.levels.metering import Counts
from crm.levels.metrics import ANSWERED_WITHIN, WAITING_OVER
from crm.levels.series import EDGES_S, QUARTERS_OF_A_DAY, Of, Waits, Week
from crm.levels.terms import Terms, in_force
from web.edge.fields import id_of
from web.levels.watched import watched

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LOOKED_BACK = timedelta(days=28)  # of waits and of the week's heat: four of each weekday
YEAR = timedelta(days=365)
HEATS = 6  # shades above none
Row = tuple[str, tuple[int | None, ...]]


@dataclass(frozen=True, slots=True)
class Whose:
    """A choice of whose calls are shown; `key` is how an address names it."""

    contract_id: int
    ente_id: int | None
    name: str

    @property
    def key(self) -> str:
        return f"{self.contract_id}" if self.ente_id is None else f"{self.contract_id}-{self.ente_id}"


def choices(session: Session, scope: Scope) -> tuple[Whose, ...]:
    """The contracts that somebody watches as a whole, each with its enti, and the enti that he watches alone."""
    badges = enti.badges(session, scope.enti)
    found: list[Whose] = []
    for contract_id, ente_id in watched(session, scope):
        name = enti.contract_name(session, contract_id)
        if ente_id is not None:
            found.append(Whose(contract_id, ente_id, f"{badges[ente_id].name} · {name}"))
            continue
        found.append(Whose(contract_id, None, name))
        covered = enti.enti_of(session, contract_id)
        found += [Whose(contract_id, one, f"{badge.name} · {name}") for one, badge in badges.items() if one in covered]
    return tuple(found)


def chosen(of: Sequence[Whose], key: str) -> Whose:
    """The one that an address names, else the first. Raises `NotFoundError` for one that the visitor may not see."""
    found = next((one for one in of if one.key == key), None) if key else of[0]
    if found is None:
        raise NotFoundError("Questi dati non ci sono.")
    return found


@dataclass(frozen=True, slots=True)
class Day:
    """A day's quarter hours beside those of the day before and of a week before. None is what is still to come."""

    on: date
    rows: tuple[Row, ...]  # the quarter hour's beginning; received, answered; received yesterday, and a week ago

    @property
    def received(self) -> tuple[int, int, int]:
        """In all: that day, the day before, a week before."""
        columns = zip(*(values for _, values in self.rows), strict=True) if self.rows else ((), (), (), ())
        received, _, before, week = (sum(one or 0 for one in column) for column in columns)
        return received, before, week


def day(session: Session, of: Of, on: date) -> Day:
    """The day from the first to the last hour in which anybody called on one of the three."""
    now = clock.now(session)
    three = [series.day(session, of, one) for one in (on, on - DAY, on - WEEK)]
    busy = [n for n in range(QUARTERS_OF_A_DAY) if any(one[n].received for one in three)]
    if not busy:
        return Day(on, ())
    known = QUARTERS_OF_A_DAY if business_day(now) > on else series.place_of(now) + 1 if business_day(now) == on else 0

    def row(n: int) -> Row:
        here, before, week = (one[n] for one in three)
        own = (here.received, here.answered) if n < known else (None, None)
        return f"{n // 4:02}:{n % 4 * 15:02}", (*own, before.received, week.received)

    return Day(on, tuple(row(n) for n in range(busy[0] // 4 * 4, busy[-1] // 4 * 4 + 4)))


@dataclass(frozen=True, slots=True)
class Hour:
    """How an hour's calls fared: answered within T by the contract's formula, waited too long; shares."""

    at: str
    offered: int
    answered_within: Decimal | None
    waited_over: Decimal | None


@dataclass(frozen=True, slots=True)
class Levels:
    """The hours of a day that had calls, and what the contract promises of them where it does."""

    hours: tuple[Hour, ...]
    terms: Terms
    within_limit: Decimal | None
    over_limit: Decimal | None


def levels(session: Session, of: Of, on: date) -> Levels:
    """The service level by hour against the promise."""
    begins = start_of_day(on)
    versions = queries.terms(session, of.contract_id)
    promised = {
        one.metric: one.target
        for one in queries.promises(session, frozenset({of.contract_id}), on)
        if one.callers in {None, of.callers}
    }
    by_hour = series.hours(series.day(session, of, on))
    return Levels(
        tuple(
            _hour(n, counts, in_force(versions, begins + timedelta(hours=n)))
            for n, counts in enumerate(by_hour)
            if counts.received
        ),
        in_force(versions, begins), promised.get(ANSWERED_WITHIN), promised.get(WAITING_OVER),
    )  # fmt: skip


def _hour(n: int, counts: Counts, terms: Terms) -> Hour:
    over = formulas.waiting_over(counts, Decimal(1), terms.denominator)
    return Hour(f"{n:02}:00", counts.entered, formulas.service_level(counts, terms.formula), over.share)


@dataclass(frozen=True, slots=True)
class Lately:
    """Waits and the week's heat over the four weeks that end with a day."""

    first: date
    last: date
    waits: Waits
    week: Week

    def heat(self, weekday: int, hour: int) -> int:
        """The shade of an hour: 0 for none, else 1 to `HEATS`, by its share of the busiest."""
        mean = self.week.means.get((weekday, hour), 0.0)
        return 0 if not mean else min(HEATS, 1 + int(mean / self.week.busiest * HEATS))

    @property
    def hours(self) -> range:
        """From the first to the last hour in which anybody called."""
        of = [hour for _, hour in self.week.means]
        return range(min(of, default=0), max(of, default=-1) + 1)


def lately(session: Session, of: Of, last: date) -> Lately:
    """The four weeks until a day, it included."""
    after = last + DAY
    since, until = start_of_day(after - LOOKED_BACK), start_of_day(after)
    return Lately(
        after - LOOKED_BACK, last, series.waits(session, of, since, until), series.week(session, of, since, until)
    )


def buckets() -> Iterator[str]:
    """The names of the histogram's stretches, in seconds."""
    before = 0
    for edge in EDGES_S:
        yield f"{before}–{edge} s"
        before = edge
    yield f"> {before} s"


@dataclass(frozen=True, slots=True)
class Year:
    """A year of quarter hours. `starts_at` is that of the first; every one has its place, calls or none."""

    starts_at: datetime
    received: tuple[int, ...]
    answered: tuple[int, ...]

    def weeks(self) -> Iterator[tuple[date, int, int]]:
        """By the week, each known by its Monday: received, answered."""
        sums: dict[date, tuple[int, int]] = {}
        for n, pair in enumerate(zip(self.received, self.answered, strict=True)):
            if any(pair):
                on = business_day(self.starts_at + n * timedelta(minutes=15))
                monday = on - timedelta(days=on.weekday())
                received, answered = sums.get(monday, (0, 0))
                sums[monday] = (received + pair[0], answered + pair[1])
        for monday in sorted(sums):
            yield (monday, *sums[monday])


def year(session: Session, of: Of) -> Year:
    """The last 365 days and today, to the quarter of an hour: some 35,000."""
    now = clock.now(session)
    since = start_of_day(business_day(now) - YEAR)
    found = series.quarters(session, of, since, now, ("received", "answered"))
    received, answered = ([0] * ((now - since) // timedelta(minutes=15) + 1) for _ in range(2))
    for quarter, values in found.items():
        place = (quarter - since) // timedelta(minutes=15)
        received[place], answered[place] = values
    return Year(since, tuple(received), tuple(answered))


def queue_of(text: str) -> int | None:
    """The queue that an address names. Raises `NotFoundError` for what is no number."""
    if text and id_of(text) is None:
        raise NotFoundError("Questa coda non c'è.")
    return id_of(text)
