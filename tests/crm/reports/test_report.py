"""What is due when, and what a report keeps: pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crm.core.clock import in_rome, start_of_day
from crm.enti.calendar import Timetable, is_holiday
from crm.levels.agreement import Period
from crm.levels.closing import SETTLED
from crm.levels.known import Continuity, Evidence
from crm.levels.metering import Callers, Counts, Extremes, Spread
from crm.levels.terms import USUAL
from crm.reports.due import TOLD_AT, settled, span, told_at
from crm.reports.report import (
    SCHEMA,
    Day,
    Hour,
    Report,
    between,
    days_of,
    head,
    joined,
    restored,
    seal,
    stored,
    total,
)

OCTOBER = span(Period.MONTH, date(2026, 10, 1))
DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))
COUNTS = st.builds(Counts, received=st.integers(1, 99), handled=st.integers(0, 9), talk_ms=st.integers(0, 10**6))
PUBLIC = {  # renaming or removing one of them is a further schema
    "contract_id", "contract", "ente_id", "ente", "period", "first", "last", "made_at", "terms", "head", "levels",
    "accounts", "interruptions", "service_days", "promised_min", "failed_min", "days", "hours", "changed", "schema",
}  # fmt: skip
TOLD_SINCE = {
    "shifted",
    "over",
    "stops",
    "interrupted_min",
    "found_shut",
}  # reports from before have none, so that their seals hold


def of(evidence: Evidence) -> Report:
    """A report of October's that says this and no more."""
    days = days_of(evidence)
    return Report(
        1, "Toscana", 2, "Empoli", Period.MONTH, OCTOBER.first, OCTOBER.last, datetime(2026, 11, 1, 3, tzinfo=UTC),
        USUAL, head(total(days), Spread(Extremes(1, 2))), days=days,
    )  # fmt: skip


def test_the_public_fields_are_those_of_the_documented_schema() -> None:
    kept = stored(of(Evidence()))
    assert (SCHEMA, kept["schema"]) == (1, 1)
    assert set(kept) == PUBLIC
    told = replace(of(Evidence()), shifted=(), over=(), stops=(), interrupted_min=Decimal(0), found_shut=0)
    assert set(stored(told)) == PUBLIC | TOLD_SINCE
    assert restored(stored(told)) == told


@given(st.dictionaries(DAYS, st.dictionaries(st.sampled_from(Callers), COUNTS, min_size=1), max_size=20), DAYS)
def test_evidence_cut_anywhere_and_joined_is_the_same(days: dict[date, dict[Callers, Counts]], cut: date) -> None:
    hour = timedelta(hours=1)
    whole = Evidence(tuple(sorted(days)), days, promised=len(days) * hour, failed=hour, marks=(3, 4))
    stops = Continuity((Decimal(5), Decimal(31)), (Decimal(1), Decimal(2)), 3 * hour, hour, Decimal(4))
    whole = replace(whole, continuity=stops)
    parts = {
        True: Continuity((Decimal(5),), (Decimal(1),), hour, hour, Decimal(9)),
        False: Continuity((Decimal(31),), (Decimal(2),), 2 * hour, timedelta(), Decimal(4)),
    }
    before, after = (
        Evidence(
            tuple(day for day in sorted(days) if (day < cut) is is_before),
            {day: counts for day, counts in days.items() if (day < cut) is is_before},
            promised=sum((day < cut) is is_before for day in days) * hour, failed=hour if is_before else timedelta(),
            marks=(1, 2) if is_before else (2, 2), continuity=parts[is_before],
        )
        for is_before in (True, False)
    )  # fmt: skip
    assert joined([before, after]) == whole
    assert joined([whole]) == whole
    assert joined([before, replace(after, continuity=None)]).continuity == parts[True]


@given(st.dictionaries(DAYS, st.dictionaries(st.sampled_from(Callers), COUNTS, min_size=1), max_size=20))
def test_what_is_kept_comes_back_whole(days: dict[date, dict[Callers, Counts]]) -> None:
    one = of(Evidence(days=days))
    assert restored(stored(one)) == one
    assert seal(restored(stored(one))) == seal(one)
    assert not between(one, one)
    assert one.head.received == sum(counts.received for day in days.values() for counts in day.values())


def test_a_report_from_before_extremes_were_kept_by_the_hour_keeps_its_seal() -> None:
    hour = Hour(datetime(2026, 10, 6, 8, tzinfo=UTC), Callers.MOBILE, Counts(received=1))
    old = replace(of(Evidence()), hours=(hour,))
    assert "spread" not in stored(old)["hours"][0]
    assert seal(restored(stored(old))) == seal(old)
    new = replace(old, hours=(replace(hour, spread=Spread(Extremes(1, 2))),))
    assert seal(new) != seal(old)
    assert restored(stored(new)) == new


def test_a_figure_that_changed_is_a_difference_between_two_versions() -> None:
    old, new = (
        of(Evidence(days={OCTOBER.first: {Callers.MOBILE: Counts(received=n)}})) for n in (3, 4)
    )  # fmt: skip
    (found,) = between(old, new)
    assert (found.day, found.counted.value, found.was, found.now) == (OCTOBER.first, "received", 3, 4)
    assert seal(old) != seal(new)
    assert old.days == (Day(OCTOBER.first, Callers.MOBILE, Counts(received=3)),)


@given(st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)))
def test_what_is_due_is_over_and_nothing_newer_is_left_out(now: datetime) -> None:
    due = list(settled(now))
    for one in due:
        assert start_of_day(one.after) + SETTLED <= now
        assert one == span(one.period, one.first) == span(one.period, one.last)
    for period in Period:
        newest = max(one.after for one in due if one.period is period)
        assert start_of_day(period.around(newest)[1]) + SETTLED > now


@given(DAYS, st.booleans(), st.tuples(st.integers(1, 12), st.integers(1, 28)))
def test_nobody_is_told_on_a_day_off_nor_a_working_day_late(
    after: date, observes: bool, patron: tuple[int, int]
) -> None:
    timetable = Timetable((), observes_holidays=observes, patron=patron)
    local = in_rome(told_at(timetable, after))
    assert local.timetz().replace(tzinfo=None) == TOLD_AT == time(8)
    off = [after + timedelta(days=n) for n in range((local.date() - after).days)]
    assert all(day.weekday() >= 5 or is_holiday(timetable, day) for day in off)
    assert local.weekday() < 5
    assert not is_holiday(timetable, local.date())


def test_after_all_saints_on_a_sunday_it_is_monday() -> None:
    assert told_at(Timetable(()), OCTOBER.after) == datetime(2026, 11, 2, 7, tzinfo=UTC)
