"""What a report says, pure: one value from which page, files and API are drawn, and how it follows from the figures.

Its JSON form is public and has a number, `SCHEMA`: it is raised when a field is renamed, removed or means something
else. `docs/reports.md` describes it. Instants are UTC, days Rome's, durations milliseconds, money euro.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from hashlib import sha256
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from crm.continuity.account import Row
from crm.continuity.models import Cause as OutageCause
from crm.levels.agreement import Period
from crm.levels.behind import Behind, Paid
from crm.levels.differences import Difference, Shift, differences
from crm.levels.formulas import Standing, mean_handling_ms
from crm.levels.known import AtDesks, Complaints, Continuity, Evidence, Outbound
from crm.levels.metering import Callers, Counts, Extremes, Spread
from crm.levels.models import RemarkState
from crm.levels.terms import Terms
from crm.levels.verdicts import Verdict

SCHEMA = 1
UNTOLD = Field(exclude_if=lambda known: known is None)  # left out of JSON, so that seals of before it was told hold


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, `count` times; in milliseconds."""

    count: int
    total_ms: int
    shortest_ms: int | None
    mean_ms: int | None
    longest_ms: int | None


@dataclass(frozen=True, slots=True)
class Head:
    """The figures of the period: what L3 asks for, and what they are shares of.

    `talk`: conversations that ended, holds left out; `wait`: of those who were answered. `outbound` is none where the
    contract's calls out are not recorded.
    """

    received: int
    entered: int
    answered: int
    lost: int
    handled: int
    talk: Durations
    wait: Durations
    hold_ms: int
    wrap_up_ms: int
    outbound: Durations | None = None

    @property
    def handling_ms(self) -> Decimal | None:
        """The mean handling of a call: conversation, holds and the work afterwards."""
        return mean_handling_ms(
            Counts(
                handled=self.handled, talk_ms=self.talk.total_ms, hold_ms=self.hold_ms, wrap_up_ms=self.wrap_up_ms
            )
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Day:
    """The calls of one day, from one kind of telephone."""

    day: date
    callers: Callers
    counts: Counts


@dataclass(frozen=True, slots=True)
class Hour:
    """The calls that arrived in one hour, from one kind of telephone.

    `spread`: the extremes of their durations; reports made before it was known do not say.
    """

    start: datetime
    callers: Callers
    counts: Counts
    spread: Annotated[Spread | None, Field(exclude_if=lambda known: known is None)] = None


@dataclass(frozen=True, slots=True)
class Level:
    """A level, and how it stands in a period of its contract's, or of its own: `verdicts.Verdict` without the calls.

    `first` and `last` are the days that were judged, `ended` is false of a period that goes on after the report's days.
    Reports from before that was told say none of them.
    """

    metric: str
    op: str
    target: Decimal
    threshold_s: Decimal | None
    callers: str | None
    service: str
    share_of_days: Decimal | None
    standing: Standing
    measured: Decimal | None
    part: int | None
    whole: int | None
    over_limit: int
    period: Annotated[Period | None, UNTOLD] = None
    first: Annotated[date | None, UNTOLD] = None
    last: Annotated[date | None, UNTOLD] = None
    ended: Annotated[bool | None, UNTOLD] = None


@dataclass(frozen=True, slots=True)
class Owed:
    """The penalty for one level: so many calls, so much per mille of the net value; in euro where that is known."""

    metric: str
    callers: str | None
    service: str
    calls: int
    per_mille: Decimal
    euro: Decimal | None


@dataclass(frozen=True, slots=True)
class Account:
    """A closed period of the contract that lies in the report's days, with what is owed for it."""

    first: date
    last: date
    closed_at: datetime
    seal: str
    owed: tuple[Owed, ...]
    left_out: int  # calls, or days, that their enti agreed to leave out
    asked: int  # requests to leave one out that wait for an ente
    notes: int


@dataclass(frozen=True, slots=True)
class Said:
    """A note on a call or a day over a limit, or the request to leave it out of the penalties, with the ente's answer.

    `ente_id`: of a day, of which more than one ente may have to decide; of a call it is the call's.
    """

    state: RemarkState
    words: str
    said_by: str
    said_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str
    ente_id: Annotated[int | None, UNTOLD] = None


@dataclass(frozen=True, slots=True)
class Over:
    """What stands behind the penalties of a closed period: a call over a level's limit, or (`call` is none) a day.

    `first` and `last` are the period's. `euro` is what it adds to the penalty, not rounded; none while the contract's
    value is not known.
    """

    first: date
    last: date
    metric: str
    callers: str | None
    service: str
    day: date
    call: str | None
    occurred_at: datetime | None
    called_from: Callers | None
    ente_id: int | None
    queue_id: int | None
    measured: Decimal
    paid: Paid
    per_mille: Decimal
    euro: Decimal | None
    said: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Stop:
    """An interruption that the system measured on itself. `minutes` is all of it, `in_hours_min` what of it fell into
    the promised hours of the report's days; `counts` is false once the ente agreed not to count it.
    """

    id: int
    cause: OutageCause
    began_at: datetime
    ended_at: datetime | None
    minutes: Decimal
    in_hours_min: Decimal
    over_30_min: bool
    told_after_min: Decimal | None
    counts: bool


@dataclass(frozen=True, slots=True)
class Uptime:
    """What the system measured on itself in some days, from `measured_since` on; minutes, to the thousandth.

    `promised_min`: the hours in which lines were to be open, without what the ente agreed to close, or not to count; of
    them `interrupted_min`, by cause. The pages are to answer day and night.
    """

    measured_since: datetime
    promised_min: Decimal
    interrupted_min: Decimal
    by_cause: Mapping[OutageCause, Decimal]
    pages_min: Decimal
    pages_interrupted_min: Decimal
    stops: tuple[Stop, ...]


@dataclass(frozen=True, slots=True)
class Interruption:
    """A time in which the lines were closed that were to be open; `agreed` by the ente, or counted as failed."""

    starts_at: datetime
    ends_at: datetime | None
    agreed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `first` and `last` are the days it is about. `changed`, `shifted`: what was learnt after periods were
    closed, of their calls and of everything else. `over`: what stands behind the penalties. `stops`: interruptions as
    the system measured them, none where it did not yet; they took `interrupted_min` of the promised hours.
    `found_shut`: how many called numbers that were closed by themselves, which are in no other figure. Reports from
    before these were told have none of them.

    Without an ente (its name is empty then) it is about the whole contract, with the calls of which none is known.

    The days are those of the closed periods where there are any, the hours those known when the report was made: the
    sum of the hours is the sum of the days with `changed` added.
    """

    contract_id: int
    contract: str
    ente_id: int | None
    ente: str
    period: Period
    first: date
    last: date
    made_at: datetime
    terms: Terms
    head: Head
    levels: tuple[Level, ...] = ()
    accounts: tuple[Account, ...] = ()
    interruptions: tuple[Interruption, ...] = ()
    service_days: int = 0
    promised_min: int = 0
    failed_min: int = 0
    days: tuple[Day, ...] = ()
    hours: tuple[Hour, ...] = ()
    changed: tuple[Difference, ...] = ()
    shifted: Annotated[tuple[Shift, ...] | None, UNTOLD] = None
    over: Annotated[tuple[Over, ...] | None, UNTOLD] = None
    stops: Annotated[tuple[Stop, ...] | None, UNTOLD] = None
    interrupted_min: Annotated[Decimal | None, UNTOLD] = None
    found_shut: Annotated[int | None, UNTOLD] = None
    schema: int = field(default=SCHEMA)

    @property
    def about(self) -> str:
        """The ente's name, or the contract's."""
        return self.ente or self.contract

    @property
    def euro(self) -> Decimal | None:
        """What is owed in all; none when no sum is known."""
        known = [one.euro for account in self.accounts for one in account.owed if one.euro is not None]
        return sum(known, Decimal()) if known else None


KEPT = TypeAdapter(Report)


def stored(report: Report) -> dict[str, Any]:
    """As JSON has it."""
    found: dict[str, Any] = KEPT.dump_python(report, mode="json")
    return found


def restored(kept: Mapping[str, Any]) -> Report:
    """From JSON. Raises `pydantic.ValidationError` for what is not whole."""
    return KEPT.validate_python(kept)


def seal(report: Report) -> str:
    """The SHA-256, in hexadecimal, of the report's JSON."""
    return sha256(KEPT.dump_json(report)).hexdigest()


def without_remarks(report: Report) -> Report:
    """The same without what people wrote about single calls, and their names: as it leaves for mailboxes."""
    over = None if report.over is None else tuple(replace(one, said=()) for one in report.over)
    return replace(report, over=over)


def total(days: Iterable[Day] | Iterable[Hour]) -> Counts:
    """The sum of some days, or hours."""
    return sum((one.counts for one in days), Counts())


def head(counts: Counts, spread: Spread) -> Head:
    """The figures of a period from its counters, whose sums give the means, and from the extremes of its calls."""
    return Head(
        counts.received, counts.entered, counts.answered, counts.lost, counts.handled,
        _durations(counts.handled, counts.talk_ms, spread.talk),
        _durations(counts.answered, counts.wait_ms, spread.wait),
        counts.hold_ms, counts.wrap_up_ms,
    )  # fmt: skip


def days_of(evidence: Evidence) -> tuple[Day, ...]:
    """The days of some evidence, those without calls left out."""
    return tuple(
        Day(day, callers, counts)
        for day in sorted(evidence.days)
        for callers in Callers
        if (counts := evidence.days[day].get(callers))
    )


def level(verdict: Verdict, period: Period, first: date, last: date) -> Level:
    """A level as reports tell it, judged in these days of its period."""
    one = verdict.promise
    return Level(
        one.metric, one.op, one.target, one.threshold_s, one.callers, one.service, one.share_of_days, verdict.standing,
        verdict.measured, verdict.part, verdict.whole, len(verdict.breaches), period, first, last,
        period.around(first)[1] == last + timedelta(days=1),
    )  # fmt: skip


def level_in(verdict: Verdict, period: Period, first: date, last: date) -> Level:
    """The same of a level of an agreement's period of these days, which may have been judged by one of its own."""
    own = verdict.promise.period
    if own in {None, period}:
        return level(verdict, period, first, last)
    span = verdict.span or (own.around(last)[0], last)  # of closings from before spans were kept: the last one
    return level(verdict, own, *span)


def over(one: Behind, first: date, last: date) -> Over:
    """What stands behind a penalty of a period, as reports tell it."""
    promise, breach = one.verdict.promise, one.breach
    is_call = not one.is_day
    return Over(
        first, last, promise.metric, promise.callers, promise.service, breach.day, breach.subject if is_call else None,
        breach.occurred_at if is_call else None, breach.callers if is_call else None,
        breach.enti[0] if len(breach.enti) == 1 else breach.ente_id, breach.queue_id,
        breach.measured, one.paid, one.per_mille, one.euro,
        tuple(
            Said(
                r.state, r.words, r.said_by, r.said_at, r.decided_by, r.decided_at, r.decision,
                None if is_call else r.ente_id,
            )
            for r in one.said
        ),
    )  # fmt: skip


def stop(row: Row) -> Stop:
    """A measured interruption, as reports tell it."""
    one = row.outage
    return Stop(
        one.id, one.cause, one.began_at, one.ended_at, minutes(row.lasted), minutes(row.in_hours), row.is_long,
        None if row.told_after is None else minutes(row.told_after), row.is_counted,
    )  # fmt: skip


def minutes(length: timedelta) -> Decimal:
    """A length in minutes, to the thousandth."""
    return round(Decimal(length // timedelta(milliseconds=1)) / 60_000, 3)


def joined(parts: Iterable[Evidence]) -> Evidence:
    """The evidence of days that follow each other, as one; no day is in two parts."""
    known = list(parts)
    marks = [one.marks for one in known if one.marks is not None]
    measured = [one.continuity for one in known if one.continuity is not None]
    desks = [one.desks for one in known if one.desks is not None]
    outbound = [one.outbound for one in known if one.outbound is not None]
    return Evidence(
        tuple(day for one in known for day in one.service_days),
        {day: counts for one in known for day, counts in one.days.items()},
        tuple(breach for one in known for breach in one.breaches),
        sum((one.promised for one in known), timedelta()),
        sum((one.failed for one in known), timedelta()),
        (sum(content for content, _ in marks), sum(asked for _, asked in marks)) if marks else None,
        reduce(Continuity.then, measured) if measured else None,
        desks=_desks(desks) if desks else None,
        outbound=reduce(Outbound.__add__, outbound) if outbound else None,
        unfit=tuple(found for one in known for found in one.unfit),
        terms=tuple(found for one in known for found in one.terms),
        complaints=_complaints(known),
        replies=tuple(found for one in known for found in one.replies),
    )


def _complaints(parts: list[Evidence]) -> Complaints | None:
    found = [one.complaints for one in parts if one.complaints is not None]
    return Complaints(tuple(each for one in found for each in one.those)) if found else None


def _desks(parts: list[AtDesks]) -> AtDesks:
    return AtDesks(
        {day: longest for one in parts for day, longest in one.longest.items()}, sum(one.served for one in parts),
        sum(one.served_s for one in parts), max((one.lead for one in parts if one.lead is not None), default=None),
        {day: longest for one in parts for day, longest in one.of_enti.items()},
    )  # fmt: skip


def between(old: Report, new: Report) -> tuple[Difference, ...]:
    """The figures, day by day, by which one version of a report differs from another."""
    return tuple(differences(_evidence(old), _evidence(new)))


def _evidence(report: Report) -> Evidence:
    days: dict[date, dict[Callers, Counts]] = {}
    for one in report.days:
        days.setdefault(one.day, {})[one.callers] = one.counts
    return Evidence(days=days)


def _durations(count: int, total_ms: int, extremes: Extremes) -> Durations:
    mean = round(total_ms / count) if count else None
    return Durations(count, total_ms, extremes.shortest_ms, mean, extremes.longest_ms)
