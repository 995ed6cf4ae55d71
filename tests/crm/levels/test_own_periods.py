"""Levels that are summed up over a period of their own, in closings and in reports; what is kept is judged again."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.db import Database, Scope
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period, Promise
from crm.levels.closing import close_due, closed, frozen_of
from crm.levels.formulas import Standing
from crm.levels.frozen import Part, judged_again, restored, seal, stored
from crm.levels.known import Continuity, Evidence
from crm.levels.metering import Callers, Counts
from crm.levels.metrics import LOST, MetricName
from crm.levels.terms import USUAL
from crm.reports import reading
from crm.reports.due import span
from tests.cast import Cast
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import Call, play, read

YEAR = st.dates(date(2026, 1, 1), date(2027, 12, 31))
ONE = timedelta(days=1)
BAD = {1: 0, 2: 40, 3: 10, 4: 0, 5: 0, 6: 0, 7: 0, 8: 0, 9: 0, 10: 5, 11: 30, 12: 1}  # lost of a hundred, by month


def known(first: date, after: date) -> Evidence:
    """A hundred calls on the tenth of each month; a minute of pages a day, and each February they were away."""
    days = [first + n * ONE for n in range((after - first).days)]
    calls = {
        day: {Callers.MOBILE: Counts(received=100, entered=100, lost=BAD[day.month])} for day in days if day.day == 10
    }
    away = timedelta(minutes=sum(day.month == 2 for day in days))
    return Evidence(
        tuple(day for day in days if day.weekday() < 5), calls, promised=len(days) * ONE, failed=timedelta(),
        continuity=Continuity(pages=timedelta(minutes=len(days)), pages_failed=away),
    )  # fmt: skip


def agreement(period: Period, *levels: Promise) -> Agreement:
    return Agreement(1, EVER, period, levels)


MONTHLY = Promise(1, LOST, "<=", Decimal("0.15"), period=Period.MONTH)
YEARLY = Promise(1, MetricName.PORTAL_UPTIME, ">=", Decimal("0.95"), period=Period.YEAR)
PLAIN = Promise(1, LOST, "<", Decimal("0.15"), callers="mobile")


@given(st.sampled_from(Period), YEAR, YEAR)
def test_the_periods_within_days_are_all_that_end_in_them_and_the_one_that_runs(
    period: Period, one: date, other: date
) -> None:
    first, last = sorted((one, other))
    found = period.within(first, last)
    assert all(begins <= last and ends >= first for begins, ends in found)
    assert found[-1][0] <= last <= found[-1][1]
    ends = {one[1] for one in found}
    assert {day for n in range((last - first).days + 1) if period.around(day := first + n * ONE)[1] == day + ONE} == {
        day for day in ends if day <= last
    }


def test_in_a_quarter_each_month_of_a_monthly_level_is_judged() -> None:
    first, last = date(2026, 1, 1), date(2026, 3, 31)
    frozen = frozen_of(agreement(Period.QUARTER, MONTHLY, PLAIN), USUAL, first, last, known)
    assert [(one.span, one.standing) for one in frozen.verdicts] == [
        ((date(2026, 1, 1), date(2026, 1, 31)), Standing.GOOD),
        ((date(2026, 2, 1), date(2026, 2, 28)), Standing.BROKEN),
        ((date(2026, 3, 1), date(2026, 3, 31)), Standing.GOOD),
        (None, Standing.BROKEN),  # 50 of 300
    ]


def test_in_a_month_a_yearly_level_is_judged_by_the_year_so_far_and_by_no_later_day() -> None:
    first, last = date(2026, 3, 1), date(2026, 3, 31)
    frozen = frozen_of(agreement(Period.MONTH, YEARLY), USUAL, first, last, known)
    (verdict,) = frozen.verdicts
    assert verdict.span == (date(2026, 1, 1), last)
    assert (verdict.part, verdict.whole) == (28, 90)
    (part,) = frozen.parts
    assert isinstance(part, Part)
    assert not part.evidence.days  # of the pages nobody needs the calls
    assert part.evidence.service_days[-1] > date(2026, 12, 1)


@given(st.sampled_from(Period), st.sampled_from(Period), st.sampled_from(Period), YEAR)
def test_what_is_kept_is_judged_again_to_the_same(period: Period, one: Period, other: Period, day: date) -> None:
    """Rule: a closed period is never computed anew."""
    first, after = period.around(day)
    levels = (
        Promise(1, LOST, "<=", Decimal("0.1"), period=one), PLAIN,
        Promise(1, MetricName.PORTAL_UPTIME, ">=", Decimal("0.99"), period=other),
    )  # fmt: skip
    frozen = frozen_of(agreement(period, *levels), USUAL, first, after - ONE, known)
    kept = restored(stored(frozen))
    assert judged_again(kept) == kept.verdicts == frozen.verdicts
    assert seal(kept) == seal(frozen)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 1, 3, tzinfo=UTC))


@pytest.mark.integration
def test_a_report_shows_each_level_in_its_own_periods(timed: Database, cast: Cast, clock: Clock) -> None:
    """October is bad, November good, nobody calls in December; the contract is summed up by the month."""
    tenths = [datetime(2026, month, 6, 9, tzinfo=UTC) for month in (10, 11)]
    lost = [Call(tenths[0] + timedelta(minutes=n), 30, None if n < 5 else 60) for n in range(10)]
    fine = [Call(tenths[1] + timedelta(minutes=n), 3, 60) for n in range(4)]
    with timed.begin(Scope.nothing()) as session:
        levels = (
            Promise(cast.contract, LOST, "<=", Decimal("0.2"), callers="mobile"),
            Promise(cast.contract, LOST, "<=", Decimal("0.4"), period=Period.QUARTER),
        )
        put(session, Agreement(cast.contract, EVER, Period.MONTH, levels))
    play(timed, cast, *lost)
    close_due(timed, read)
    play(timed, cast, *fine)
    clock.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
    close_due(timed, read)
    with timed.begin(Scope.of_contract(cast.contract)) as session:

        def told(period: Period, day: date) -> list[tuple[str, date | None, date | None, bool | None, int | None]]:
            one = reading.read(
                session, cast.contract, cast.empoli, span(period, day), read(session, cast.contract, cast.empoli),
                turn=lambda: None,
            )  # fmt: skip
            return [(each.standing.value, each.first, each.last, each.ended, each.part) for each in one.levels]

        october, november = (date(2026, 10, 1), date(2026, 10, 31)), (date(2026, 11, 1), date(2026, 11, 30))
        assert told(Period.MONTH, october[0]) == [
            ("broken", *october, True, 5), ("broken", *october, False, 5),  # the quarter as it ran
        ]  # fmt: skip
        assert told(Period.MONTH, november[0]) == [
            ("good", *november, True, 0), ("near", october[0], november[1], False, 5),
        ]  # fmt: skip
        december = date(2026, 12, 31)
        assert told(Period.QUARTER, october[0]) == [
            ("broken", *october, True, 5), ("good", *november, True, 0),
            ("unknown", date(2026, 12, 1), december, True, 0), ("near", october[0], december, True, 5),
        ]  # fmt: skip
        kept = closed(session, cast.contract, *october, ente_id=cast.empoli)
        assert kept is not None
        assert judged_again(kept.frozen) == kept.frozen.verdicts
