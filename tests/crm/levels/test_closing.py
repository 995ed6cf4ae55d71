"""Periods are closed once, kept whole, and what is learnt later is told apart."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from crm.core.clock import start_of_day
from crm.core.db import Database, Scope
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period, Promise
from crm.levels.closing import close_due, closed, due
from crm.levels.differences import Counted, differences
from crm.levels.evidence import of_period
from crm.levels.frozen import Frozen, restored, seal, stored
from crm.levels.judgement import judge_all
from crm.levels.known import Breach, Evidence
from crm.levels.metering import MEASURES, Callers, Counts
from crm.levels.metrics import LONGEST_WAIT, LOST
from crm.levels.models import ClosedPeriod, ServiceHour
from crm.levels.presets import PRESETS, of_contract
from crm.levels.terms import USUAL
from tests.cast import Cast
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import read

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
OF_OCTOBER = OCTOBER, date(2026, 10, 31)
TEN_ROME = datetime(2026, 10, 6, 8, tzinfo=UTC)


def test_each_measure_has_a_name_for_people() -> None:
    assert {*MEASURES} == {one.value for one in Counted} - {"breaches"}


def test_what_is_kept_comes_back_whole_and_its_seal_changes_with_anything_in_it() -> None:
    agreement = Agreement(1, EVER, Period.MONTH, of_contract(PRESETS["intercent_er"].levels, 1), Decimal("12000.50"))
    breach = Breach(LONGEST_WAIT, "a", OCTOBER, TEN_ROME, Decimal("301.5"), Callers.MOBILE, 1, 2)
    days = {OCTOBER: {Callers.MOBILE: Counts(received=3, lost=1)}}
    evidence = Evidence((OCTOBER,), days, (breach,), timedelta(hours=9), timedelta(minutes=5), (4, 5))
    frozen = Frozen(agreement, USUAL, evidence, judge_all(agreement.levels, evidence, USUAL))
    assert restored(stored(frozen)) == frozen
    again = Frozen(agreement, USUAL, Evidence(), frozen.verdicts)
    assert seal(restored(stored(frozen))) == seal(frozen) != seal(again)


@given(st.permutations([OCTOBER + timedelta(days=n) for n in range(4)]), st.permutations(Callers))
def test_the_seal_is_the_same_in_whatever_order_days_were_counted(days: list[date], callers: list[Callers]) -> None:
    counted = {day: {one: Counts(received=day.day) for one in callers} for day in days}
    agreement = Agreement(1, EVER, Period.MONTH, ())
    frozen = Frozen(agreement, USUAL, Evidence(days=counted), ())
    in_order = Frozen(
        agreement,
        USUAL,
        Evidence(days={day: dict.fromkeys(Callers, Counts(received=day.day)) for day in sorted(days)}),
        (),
    )
    assert seal(frozen) == seal(in_order) == seal(restored(stored(frozen)))


def test_a_call_that_was_told_late_is_a_difference_of_its_day() -> None:
    then, now = (
        Evidence(days={OCTOBER: {Callers.MOBILE: Counts(received=3, lost=lost)}}, breaches=breaches)
        for lost, breaches in (
            (1, ()), (2, (Breach(LONGEST_WAIT, "a", OCTOBER, TEN_ROME, Decimal(301), Callers.MOBILE),))
        )
    )  # fmt: skip
    assert [(one.counted, one.was, one.now) for one in differences(then, now)] == [
        (Counted.LOST, 1, 2), (Counted.BREACHES, 0, 1)
    ]  # fmt: skip
    assert not list(differences(now, now))


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 1, 1, 0, tzinfo=UTC))  # two in the morning in Rome


def happened(database: Database, cast: Cast, at: datetime, **counts: int) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.add(
            ServiceHour(
                contract_id=cast.contract, hour=at, ente_id=cast.empoli, queue_id=cast.operator,
                callers=Callers.MOBILE, **(dict.fromkeys(MEASURES, 0) | counts),
            )
        )  # fmt: skip


@pytest.mark.integration
def test_a_month_is_closed_once_it_has_settled_and_stays_as_it_was(timed: Database, cast: Cast, clock: Clock) -> None:
    happened(timed, cast, TEN_ROME, received=10, lost=1)
    close_due(timed, read)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        assert closed(session, cast.contract, *OF_OCTOBER) is None  # its last calls may still be on
        assert closed(session, cast.contract, date(2026, 9, 1), date(2026, 9, 30)) is not None
    clock.now += timedelta(hours=2)
    assert close_due(timed, read) == 3 + 2  # the contract and its two enti; and the other contract with its own
    assert close_due(timed, read) == 0
    happened(timed, cast, TEN_ROME + timedelta(hours=1), received=5, lost=5)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        whole, empoli, vinci = (
            closed(session, cast.contract, *OF_OCTOBER, ente_id=one) for one in (None, cast.empoli, cast.vinci)
        )
        assert whole is not None
        assert empoli is not None
        assert vinci is not None
        measured = {
            one.promise.metric: one.measured for one in whole.frozen.verdicts if isinstance(one.promise, Promise)
        }
        assert measured[LOST] == Decimal("0.1")
        assert empoli.frozen.evidence.days == whole.frozen.evidence.days
        assert vinci.frozen.evidence.days == {}
        now = of_period(session, cast.contract, OCTOBER, NOVEMBER)
        changed = {one.counted: (one.was, one.now) for one in differences(whole.frozen.evidence, now)}
    assert changed == {Counted.RECEIVED: (10, 15), Counted.LOST: (1, 6)}


@pytest.mark.integration
def test_a_quarter_is_closed_though_a_month_that_began_with_it_was(timed: Database, cast: Cast, clock: Clock) -> None:
    """The contract came to be summed up by the quarter."""
    clock.now += timedelta(days=1)
    close_due(timed, read)
    with timed.begin(Scope.nothing()) as session:
        put(session, Agreement(cast.contract, OCTOBER, Period.QUARTER, ()))
    clock.now = datetime(2027, 1, 2, 12, tzinfo=UTC)
    close_due(timed, read)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        assert closed(session, cast.contract, OCTOBER, date(2026, 12, 31)) is not None
        assert closed(session, cast.contract, *OF_OCTOBER) is not None


AGREED = Agreement(1, EVER, Period.MONTH, ())


@given(st.dates(date(2026, 1, 1), date(2027, 12, 31)), st.integers(0, 30), st.sets(st.integers(0, 24)))
def test_no_period_since_the_first_closing_is_left_open_however_long_nobody_was_there(
    day: date, away: int, held: set[int]
) -> None:
    """Whatever was closed before, all that is over is closed afterwards, once; of before the first nothing is."""
    now = start_of_day(day) + timedelta(hours=12)
    months = [OCTOBER]
    while len(months) <= away:
        months.append(Period.MONTH.around(months[-1] + timedelta(days=40))[0])
    done = {(one, Period.MONTH.around(one)[1] - timedelta(days=1)) for n, one in enumerate(months) if n in held}
    done = {one for one in done if one[1] < day}
    found = list(due((AGREED,), now, done))
    assert len(found) == len(set(found))
    assert found == sorted(found, reverse=True)
    begun = min((first for first, _ in done), default=day)
    wanted = {(first, last) for first in months if (last := Period.MONTH.around(first)[1] - timedelta(days=1)) < day}
    assert {one for one in wanted if one[0] >= begun} <= {*found, *done}
    assert set(due((AGREED,), now, {*found, *done})) <= set(due((AGREED,), now))


@pytest.mark.integration
def test_after_a_fault_of_a_quarter_each_of_its_periods_is_closed(timed: Database, cast: Cast, clock: Clock) -> None:
    """Nobody was there from September to the end of the year; what is told of it after that is a difference."""
    clock.now = datetime(2026, 9, 2, tzinfo=UTC)
    close_due(timed, read)
    clock.now = datetime(2027, 1, 4, 9, tzinfo=UTC)
    happened(timed, cast, TEN_ROME, received=10, lost=1)
    assert close_due(timed, read) == 4 * (
        3 + 2
    )  # September to December: the contract, its two enti; the other, its own
    assert close_due(timed, read) == 0
    happened(timed, cast, TEN_ROME + timedelta(hours=1), received=5, lost=5)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        for month in (9, 10, 11, 12):
            first, after = Period.MONTH.around(date(2026, month, 1))
            assert closed(session, cast.contract, first, after - timedelta(days=1), ente_id=cast.vinci) is not None
        october = closed(session, cast.contract, *OF_OCTOBER)
        assert october is not None
        learnt = differences(october.frozen.evidence, of_period(session, cast.contract, OCTOBER, NOVEMBER))
        assert {one.counted: (one.was, one.now) for one in learnt} == {
            Counted.RECEIVED: (10, 15), Counted.LOST: (1, 6)
        }  # fmt: skip


@pytest.mark.integration
def test_an_ente_sees_its_own_closings_alone_and_nobody_changes_one(timed: Database, cast: Cast, clock: Clock) -> None:
    clock.now += timedelta(days=1)
    close_due(timed, read)
    with timed.begin(Scope.of_enti([cast.vinci])) as session:
        assert set(session.scalars(select(ClosedPeriod.ente_id))) == {cast.vinci}
    with pytest.raises(Exception, match="permission denied"), timed.begin(Scope.of_contract(cast.contract)) as session:
        session.execute(update(ClosedPeriod).values(seal=""))
