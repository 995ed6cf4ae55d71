"""A report as tables: the columns that page and files share, with their values as they are computed. Pure.

Columns have names that never change (`Column`), by which CSV, the OpenDocument and Excel files and `docs/reports.md`
know them; what people read above them is in `words.py`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from crm.core.clock import in_rome
from crm.levels.metering import MEASURES, NOTHING, Callers, Counts, Spread
from crm.levels.metrics import METRICS, MetricName, Unit
from crm.reports.report import Durations, Over, Report

Value = str | int | Decimal | date | datetime | StrEnum | bool | tuple[StrEnum, ...] | None


class SheetName(StrEnum):
    """The tables of a report, by the names that addresses and files have for them."""

    SUMMARY = "summary"
    LEVELS = "levels"
    PENALTIES = "penalties"
    OVER = "over"
    REMARKS = "remarks"
    INTERRUPTIONS = "interruptions"
    STOPS = "stops"
    DAYS = "days"
    HOURS = "hours"
    CHANGED = "changed"
    SHIFTED = "shifted"


class Kind(StrEnum):
    """What a column holds. Durations are seconds, shares parts of one, instants Rome's clock without a zone."""

    TEXT = "text"
    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    NUMBER = "number"
    EURO = "euro"
    DAY = "day"
    INSTANT = "instant"
    ANY = "any"  # a figure whose row says of what kind it is


class Column(StrEnum):
    """A column's name."""

    FIGURE = "figure"
    VALUE = "value"
    UNIT = "unit"
    METRIC = "metric"
    CALLERS = "callers"
    SERVICE = "service"
    OP = "op"
    TARGET = "target"
    THRESHOLD_S = "threshold_s"
    MEASURED = "measured"
    STANDING = "standing"
    PART = "part"
    WHOLE = "whole"
    OVER_LIMIT = "over_limit"
    FIRST = "first"
    LAST = "last"
    CLOSED_AT = "closed_at"
    SEAL = "seal"
    CALLS = "calls"
    PER_MILLE = "per_mille"
    EURO = "euro"
    LEFT_OUT = "left_out"
    STARTS_AT = "starts_at"
    ENDS_AT = "ends_at"
    AGREED = "agreed"
    REASON = "reason"
    DAY = "day"
    HOUR = "hour"
    START_UTC = "start_utc"
    RECEIVED = "received"
    ENTERED = "entered"
    ANSWERED = "answered"
    LOST = "lost"
    WAITED_OVER = "waited_over"
    WAIT_S = "wait_s"
    ANSWERED_WITHIN = "answered_within"
    ABANDONED = "abandoned"
    ABANDONED_WITHIN = "abandoned_within"
    ABANDONED_SHORT = "abandoned_short"
    ABANDONED_WAIT_S = "abandoned_wait_s"
    HANDLED = "handled"
    TALK_S = "talk_s"
    HOLD_S = "hold_s"
    WRAP_UP_S = "wrap_up_s"
    TALK_SHORTEST_S = "talk_shortest_s"
    TALK_LONGEST_S = "talk_longest_s"
    WAIT_SHORTEST_S = "wait_shortest_s"
    WAIT_LONGEST_S = "wait_longest_s"
    COUNTED = "counted"
    WAS = "was"
    NOW = "now"
    CAUSE = "cause"
    PERIOD = "period"
    ENDED = "ended"
    BEGAN_AT = "began_at"
    ENDED_AT = "ended_at"
    MINUTES = "minutes"
    IN_HOURS_MIN = "in_hours_min"
    OVER_30_MIN = "over_30_min"
    TOLD_AFTER_MIN = "told_after_min"
    COUNTS = "counts"
    CALL = "call"
    OCCURRED_AT = "occurred_at"
    CALLED_FROM = "called_from"
    ENTE_ID = "ente_id"
    QUEUE_ID = "queue_id"
    PAID = "paid"
    STATE = "state"
    WORDS = "words"
    SAID_BY = "said_by"
    SAID_AT = "said_at"
    DECIDED_BY = "decided_by"
    DECIDED_AT = "decided_at"
    DECISION = "decision"


class Figure(StrEnum):
    """A row of the summary."""

    RECEIVED = "received"
    ENTERED = "entered"
    ANSWERED = "answered"
    LOST = "lost"
    HANDLED = "handled"
    FOUND_SHUT = "found_shut"
    TALK_SHORTEST = "talk_shortest"
    TALK_MEAN = "talk_mean"
    TALK_LONGEST = "talk_longest"
    TALK_TOTAL = "talk_total"
    OUT_SHORTEST = "outbound_shortest"
    OUT_MEAN = "outbound_mean"
    OUT_LONGEST = "outbound_longest"
    OUT_TOTAL = "outbound_total"
    WAIT_SHORTEST = "wait_shortest"
    WAIT_MEAN = "wait_mean"
    WAIT_LONGEST = "wait_longest"
    HOLD_TOTAL = "hold_total"
    WRAP_UP_TOTAL = "wrap_up_total"
    HANDLING_MEAN = "handling_mean"
    SERVICE_DAYS = "service_days"
    PROMISED = "promised"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    PENALTIES = "penalties"
    FORMULA = "formula"
    WITHIN = "within"
    SHORT = "short"
    LONG_WAIT = "long_wait"
    DENOMINATOR = "denominator"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table. Each row has a value for each column. Name and columns are terms that have words (`web.edge.words`)."""

    name: StrEnum
    columns: tuple[tuple[StrEnum, Kind], ...]
    rows: tuple[tuple[Value, ...], ...]


def sheets(report: Report) -> tuple[Sheet, ...]:
    """All tables of a report; those without rows have their columns all the same."""
    return (
        Sheet(SheetName.SUMMARY, _SUMMARY, tuple(_summary(report))),
        Sheet(SheetName.LEVELS, _LEVELS, tuple(_levels(report))),
        Sheet(SheetName.PENALTIES, _PENALTIES, tuple(_penalties(report))),
        over_limits(report.over or ()),
        remarks_on(report.over or ()),
        Sheet(SheetName.INTERRUPTIONS, _INTERRUPTIONS, tuple(_interruptions(report))),
        Sheet(SheetName.STOPS, _STOPS, tuple(_stops(report))),
        Sheet(SheetName.DAYS, (_DAY, _CALLERS, *_COUNTED), tuple(_days(report))),
        Sheet(SheetName.HOURS, (*_HOUR, _CALLERS, *_COUNTED, *_EXTREMES), tuple(_hours(report))),
        Sheet(SheetName.CHANGED, _CHANGED, tuple(_changed(report))),
        Sheet(SheetName.SHIFTED, _SHIFTED, tuple(_shifted(report))),
    )


def over_limits(over: Iterable[Over]) -> Sheet:
    """The calls and the days behind penalties, and whether each is paid for."""
    return Sheet(SheetName.OVER, _OVER, tuple(_over(over)))


def remarks_on(over: Iterable[Over]) -> Sheet:
    """What was said of them, by whom, and what the ente answered."""
    return Sheet(SheetName.REMARKS, _REMARKS, tuple(_remarks(over)))


def sheet(report: Report, name: SheetName) -> Sheet:
    """One of them."""
    return next(one for one in sheets(report) if one.name is name)


def seconds(ms: int | None) -> Decimal | None:
    """Milliseconds as seconds, exactly."""
    return None if ms is None else Decimal(ms) / 1000


_SUMMARY = ((Column.FIGURE, Kind.TEXT), (Column.VALUE, Kind.ANY), (Column.UNIT, Kind.TEXT))
_LEVELS = (
    (Column.METRIC, Kind.TEXT), (Column.CALLERS, Kind.TEXT), (Column.SERVICE, Kind.TEXT), (Column.OP, Kind.TEXT),
    (Column.TARGET, Kind.NUMBER), (Column.THRESHOLD_S, Kind.NUMBER), (Column.UNIT, Kind.TEXT),
    (Column.MEASURED, Kind.NUMBER), (Column.STANDING, Kind.TEXT), (Column.PART, Kind.COUNT),
    (Column.WHOLE, Kind.COUNT), (Column.OVER_LIMIT, Kind.COUNT), (Column.PERIOD, Kind.TEXT), (Column.FIRST, Kind.DAY),
    (Column.LAST, Kind.DAY), (Column.ENDED, Kind.TEXT),
)  # fmt: skip
_PENALTIES = (
    (Column.FIRST, Kind.DAY), (Column.LAST, Kind.DAY), (Column.METRIC, Kind.TEXT), (Column.CALLERS, Kind.TEXT),
    (Column.SERVICE, Kind.TEXT), (Column.CALLS, Kind.COUNT), (Column.PER_MILLE, Kind.NUMBER),
    (Column.EURO, Kind.EURO), (Column.LEFT_OUT, Kind.COUNT), (Column.CLOSED_AT, Kind.INSTANT),
    (Column.SEAL, Kind.TEXT),
)  # fmt: skip
_INTERRUPTIONS = (
    (Column.STARTS_AT, Kind.INSTANT), (Column.ENDS_AT, Kind.INSTANT), (Column.AGREED, Kind.TEXT),
    (Column.REASON, Kind.TEXT),
)  # fmt: skip
_CHANGED = (
    (Column.DAY, Kind.DAY), (Column.COUNTED, Kind.TEXT), (Column.CALLERS, Kind.TEXT), (Column.WAS, Kind.COUNT),
    (Column.NOW, Kind.COUNT), (Column.CAUSE, Kind.TEXT),
)  # fmt: skip
_SHIFTED = (
    (Column.FIGURE, Kind.TEXT), (Column.DAY, Kind.DAY), (Column.WAS, Kind.NUMBER), (Column.NOW, Kind.NUMBER),
    (Column.CAUSE, Kind.TEXT),
)  # fmt: skip
_STOPS = (
    (Column.BEGAN_AT, Kind.INSTANT), (Column.ENDED_AT, Kind.INSTANT), (Column.CAUSE, Kind.TEXT),
    (Column.MINUTES, Kind.NUMBER), (Column.IN_HOURS_MIN, Kind.NUMBER), (Column.OVER_30_MIN, Kind.TEXT),
    (Column.TOLD_AFTER_MIN, Kind.NUMBER), (Column.COUNTS, Kind.TEXT),
)  # fmt: skip
_OVER = (
    (Column.FIRST, Kind.DAY), (Column.LAST, Kind.DAY), (Column.METRIC, Kind.TEXT), (Column.CALLERS, Kind.TEXT),
    (Column.SERVICE, Kind.TEXT), (Column.DAY, Kind.DAY), (Column.OCCURRED_AT, Kind.INSTANT), (Column.CALL, Kind.TEXT),
    (Column.CALLED_FROM, Kind.TEXT), (Column.ENTE_ID, Kind.COUNT), (Column.QUEUE_ID, Kind.COUNT),
    (Column.MEASURED, Kind.NUMBER), (Column.UNIT, Kind.TEXT), (Column.PAID, Kind.TEXT),
    (Column.PER_MILLE, Kind.NUMBER), (Column.EURO, Kind.EURO),
)  # fmt: skip
_REMARKS = (
    (Column.METRIC, Kind.TEXT), (Column.DAY, Kind.DAY), (Column.CALL, Kind.TEXT), (Column.ENTE_ID, Kind.COUNT),
    (Column.STATE, Kind.TEXT), (Column.WORDS, Kind.TEXT), (Column.SAID_BY, Kind.TEXT), (Column.SAID_AT, Kind.INSTANT),
    (Column.DECISION, Kind.TEXT), (Column.DECIDED_BY, Kind.TEXT), (Column.DECIDED_AT, Kind.INSTANT),
)  # fmt: skip
_DAY, _CALLERS = (Column.DAY, Kind.DAY), (Column.CALLERS, Kind.TEXT)
_HOUR = ((Column.DAY, Kind.DAY), (Column.HOUR, Kind.COUNT), (Column.START_UTC, Kind.TEXT))
_COUNTED = tuple(
    (Column(f"{name[:-3]}_s"), Kind.SECONDS) if name.endswith("_ms") else (Column(name), Kind.COUNT)
    for name in MEASURES
)  # fmt: skip

_EXTREMES = tuple(
    (one, Kind.SECONDS)
    for one in (Column.TALK_SHORTEST_S, Column.TALK_LONGEST_S, Column.WAIT_SHORTEST_S, Column.WAIT_LONGEST_S)
)


def _extremes(spread: Spread | None) -> tuple[Value, ...]:
    known = spread or NOTHING
    lengths = (
        known.talk.shortest_ms, known.talk.longest_ms, known.wait.shortest_ms, known.wait.longest_ms
    )  # fmt: skip
    return tuple(seconds(ms) for ms in lengths)


def _counted(counts: Counts) -> tuple[Value, ...]:
    return tuple(
        seconds(value) if name.endswith("_ms") else value
        for name, value in zip(MEASURES, counts.values, strict=True)
    )  # fmt: skip


def _summary(report: Report) -> Iterator[tuple[Value, ...]]:
    head, calls = report.head, Unit.CONTACTS
    yield Figure.RECEIVED, head.received, calls
    yield Figure.ENTERED, head.entered, calls
    yield Figure.ANSWERED, head.answered, calls
    yield Figure.LOST, head.lost, calls
    yield Figure.HANDLED, head.handled, calls
    yield Figure.FOUND_SHUT, report.found_shut, calls
    talk = (Figure.TALK_SHORTEST, Figure.TALK_MEAN, Figure.TALK_LONGEST, Figure.TALK_TOTAL)
    yield from _lengths(talk, head.talk)
    out = (Figure.OUT_SHORTEST, Figure.OUT_MEAN, Figure.OUT_LONGEST, Figure.OUT_TOTAL)
    yield from _lengths(out, head.outbound)
    yield from _lengths((Figure.WAIT_SHORTEST, Figure.WAIT_MEAN, Figure.WAIT_LONGEST), head.wait)
    yield Figure.HOLD_TOTAL, seconds(head.hold_ms), Unit.SECONDS
    yield Figure.WRAP_UP_TOTAL, seconds(head.wrap_up_ms), Unit.SECONDS
    handling = head.handling_ms
    yield Figure.HANDLING_MEAN, None if handling is None else seconds(round(handling)), Unit.SECONDS
    yield Figure.SERVICE_DAYS, report.service_days, Unit.DAYS
    yield Figure.PROMISED, report.promised_min, Unit.MINUTES
    yield Figure.FAILED, report.failed_min, Unit.MINUTES
    yield Figure.INTERRUPTED, _whole(report.interrupted_min), Unit.MINUTES
    yield Figure.PENALTIES, report.euro, "€"
    terms = report.terms  # by which all of it is computed
    yield Figure.FORMULA, terms.formula.value, ""
    yield Figure.WITHIN, seconds(terms.within_ms), Unit.SECONDS
    yield Figure.SHORT, seconds(terms.short_ms), Unit.SECONDS
    yield Figure.LONG_WAIT, seconds(terms.over_ms), Unit.SECONDS
    yield Figure.DENOMINATOR, terms.denominator, ""


def _whole(minutes: Decimal | None) -> int | None:
    return None if minutes is None else round(minutes)


def _lengths(figures: Iterable[Figure], lengths: Durations | None) -> Iterator[tuple[Value, ...]]:
    values = (
        (lengths.shortest_ms, lengths.mean_ms, lengths.longest_ms, lengths.total_ms) if lengths else (None,) * 4
    )  # fmt: skip
    for figure, ms in zip(figures, values, strict=False):
        yield figure, seconds(ms), Unit.SECONDS


def _levels(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.levels:
        known = one.metric in METRICS
        yield (
            _metric(one.metric), _callers(one.callers), one.service, one.op, one.target, one.threshold_s,
            METRICS[one.metric].unit if known else "", one.measured, one.standing, one.part, one.whole, one.over_limit,
            one.period, one.first, one.last, one.ended,
        )  # fmt: skip


def _penalties(report: Report) -> Iterator[tuple[Value, ...]]:
    for account in report.accounts:
        for one in account.owed:
            yield (
                account.first, account.last, _metric(one.metric), _callers(one.callers), one.service, one.calls,
                one.per_mille, one.euro, account.left_out, _clock(account.closed_at), account.seal,
            )  # fmt: skip


def _interruptions(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.interruptions:
        yield _clock(one.starts_at), None if one.ends_at is None else _clock(one.ends_at), one.agreed, one.reason


def _days(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.days:
        yield one.day, one.callers, *_counted(one.counts)


def _hours(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.hours:
        start = in_rome(one.start)
        at = (start.date(), start.hour, f"{one.start:%Y-%m-%dT%H:%MZ}", one.callers)
        yield *at, *_counted(one.counts), *_extremes(one.spread)


def _changed(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.changed:
        yield one.day, one.counted, one.callers, one.was, one.now, one.causes


def _shifted(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.shifted or ():
        yield one.figure, one.day, one.was, one.now, one.causes


def _stops(report: Report) -> Iterator[tuple[Value, ...]]:
    for one in report.stops or ():
        yield (
            _clock(one.began_at), None if one.ended_at is None else _clock(one.ended_at), one.cause, one.minutes,
            one.in_hours_min, one.over_30_min, one.told_after_min, one.counts,
        )  # fmt: skip


def _over(over: Iterable[Over]) -> Iterator[tuple[Value, ...]]:
    for one in over:
        yield (
            one.first, one.last, _metric(one.metric), _callers(one.callers), one.service, one.day,
            None if one.occurred_at is None else _clock(one.occurred_at), one.call, one.called_from, one.ente_id,
            one.queue_id, one.measured, METRICS[one.metric].unit if one.metric in METRICS else "", one.paid,
            one.per_mille, one.euro,
        )  # fmt: skip


def _remarks(over: Iterable[Over]) -> Iterator[tuple[Value, ...]]:
    for one in over:
        for said in one.said:
            yield (
                _metric(one.metric), one.day, one.call, said.ente_id or one.ente_id, said.state, said.words,
                said.said_by, _clock(said.said_at), said.decision, said.decided_by,
                None if said.decided_at is None else _clock(said.decided_at),
            )  # fmt: skip


def _metric(name: str) -> str:
    return MetricName(name) if name in METRICS else name


def _callers(name: str | None) -> Value:
    return "" if name is None else Callers(name)


def _clock(instant: datetime) -> datetime:
    return in_rome(instant).replace(tzinfo=None)
