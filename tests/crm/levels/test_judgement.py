"""How levels stand and what is owed, by evidence told in a few lines. The figures are Intercent-ER's and Anci's."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.levels import formulas
from crm.levels.agreement import Agreement, Period, Promise, in_force
from crm.levels.formulas import Standing
from crm.levels.judgement import judge, judge_all
from crm.levels.known import AtDesks, Breach, Evidence, Unfit
from crm.levels.metering import Callers, Counts
from crm.levels.metrics import (
    ANSWERED_WITHIN,
    AVAILABLE,
    LONGEST_WAIT,
    LOST,
    METRICS,
    QUEUE_CAP,
    SATISFIED,
    WAITING_OVER,
    Each,
    MetricName,
)
from crm.levels.penalties import penalties
from crm.levels.presets import PRESETS, of_contract
from crm.levels.terms import USUAL, Formula, Terms
from crm.levels.verdicts import tolerated_days

FIRST = date(2026, 10, 1)
DAYS = tuple(FIRST + timedelta(days=n) for n in range(20))
INTERCENT = {one.key: one for one in PRESETS["intercent_er"].levels}
LANDLINE, MOBILE = INTERCENT[LONGEST_WAIT, "landline", ""], INTERCENT[LONGEST_WAIT, "mobile", ""]
CAP = INTERCENT[QUEUE_CAP, "", ""]


def late(call: str, day: int, *, by: Callers = Callers.LANDLINE, metric: str = LONGEST_WAIT, of: int = 400) -> Breach:
    at = datetime.combine(DAYS[day], datetime.min.time(), tzinfo=UTC) + timedelta(hours=9)
    return Breach(metric, call, DAYS[day], at, Decimal(of), by)


def seen(*breaches: Breach, **more: object) -> Evidence:
    calls = {day: {Callers.LANDLINE: Counts(received=10, entered=10, answered=10)} for day in DAYS}
    return Evidence(service_days=DAYS, days=calls, breaches=breaches, **more)  # type: ignore[arg-type]


def shares(promise: Promise, **counts: int) -> Evidence:
    return Evidence(service_days=DAYS, days={FIRST: {Callers.LANDLINE: Counts(**counts)}})


def test_each_preset_names_metrics_that_exist_and_no_level_twice() -> None:
    for preset in PRESETS.values():
        keys = [one.key for one in preset.promises]
        assert len(keys) == len(set(keys))
        assert {one.metric for one in preset.promises} <= METRICS.keys()


def test_nothing_known_is_neither_kept_nor_missed() -> None:
    """An empty denominator is not available, never 100 %."""
    for preset in PRESETS.values():
        for verdict in judge_all(preset.promises, Evidence(), USUAL):
            assert verdict.standing is Standing.UNKNOWN, verdict.promise
            assert verdict.measured is None


def test_a_share_that_reaches_its_limit_is_broken_where_the_contract_wants_less() -> None:
    lost = Promise(1, LOST, "<", Decimal("0.15"))
    assert judge(lost, shares(lost, received=100, lost=15), USUAL).standing is Standing.BROKEN
    assert judge(lost, shares(lost, received=100, lost=14), USUAL).standing is Standing.NEAR
    assert judge(lost, shares(lost, received=100, lost=5), USUAL).standing is Standing.GOOD
    kept = Promise(1, LOST, "<=", Decimal("0.15"))
    assert judge(kept, shares(kept, received=100, lost=15), USUAL).standing is Standing.NEAR


def test_a_level_for_mobiles_looks_at_mobiles_alone() -> None:
    waits = Promise(1, WAITING_OVER, "<", Decimal("0.2"), callers=Callers.MOBILE)
    both = {Callers.LANDLINE: Counts(received=50, waited_over=50), Callers.MOBILE: Counts(received=50, waited_over=1)}
    verdict = judge(waits, Evidence(days={FIRST: both}), USUAL)
    assert (verdict.part, verdict.whole, verdict.standing) == (1, 50, Standing.GOOD)


@given(
    st.integers(0, 500), st.integers(1, 1000), st.sampled_from(["<", "<="]),
    st.decimals("0.01", "0.99", places=2, allow_nan=False),
)  # fmt: skip
def test_what_is_left_may_be_spent_and_one_more_may_not(part: int, rest: int, op: str, limit: Decimal) -> None:
    promise = Promise(1, LOST, op, limit)
    whole = part + rest
    if not promise.holds(Decimal(part) / whole):
        return
    n = formulas.spendable(part, whole, limit, strict=op == "<")
    assert promise.holds(Decimal(part + n) / (whole + n))
    assert not promise.holds(Decimal(part + n + 1) / (whole + n + 1))


def test_one_day_in_ten_may_be_over_the_limit_and_its_calls_are_not_paid_for() -> None:
    """Of twenty service days two are tolerated; which, the contract leaves open: those with most calls."""
    verdict = judge(LANDLINE, seen(late("a", 0), late("b", 0), late("c", 5)), USUAL)
    assert (verdict.standing, verdict.part, verdict.whole, verdict.spendable) == (Standing.NEAR, 2, 20, 0)
    assert not verdict.penalised
    worse = judge(LANDLINE, seen(late("a", 0), late("b", 0), late("c", 5), late("d", 7), late("e", 7)), USUAL)
    assert worse.standing is Standing.BROKEN
    assert [one.subject for one in worse.penalised] == ["c"]


def test_without_a_share_of_days_each_call_is_paid_for() -> None:
    verdict = judge(MOBILE, seen(late("a", 0, by=Callers.MOBILE), late("b", 0)), USUAL)
    assert verdict.standing is Standing.BROKEN
    assert [one.subject for one in verdict.penalised] == ["a"]


def test_a_wait_that_still_lasts_has_passed_its_limit() -> None:
    """Its event is written by the timer, with the limit as its measure; none is written of a wait that kept it."""
    assert judge(MOBILE, seen(late("a", 0, by=Callers.MOBILE, of=300)), USUAL).standing is Standing.BROKEN


def test_the_first_instant_of_a_period_is_no_division_by_nothing() -> None:
    available = Promise(1, AVAILABLE, ">", Decimal("0.95"))
    assert judge(available, seen(promised=timedelta(microseconds=3)), USUAL).measured == 1


def test_a_call_that_misses_two_levels_is_paid_for_once() -> None:
    value = Decimal(200_000)
    both = (late("a", 3, metric=QUEUE_CAP, of=6, by=Callers.MOBILE), late("a", 3, by=Callers.MOBILE))
    agreement = Agreement(1, FIRST, Period.QUARTER, of_contract((CAP, LANDLINE, MOBILE), 1), value)
    owed = penalties(agreement, judge_all(agreement.levels, seen(*both, late("b", 3, by=Callers.MOBILE)), USUAL))
    assert [(len(one.breaches), one.euro) for one in owed] == [(1, Decimal(60)), (0, Decimal(0)), (1, Decimal(60))]


def test_what_the_ente_leaves_out_is_not_paid_for() -> None:
    agreement = Agreement(1, FIRST, Period.QUARTER, (MOBILE,), Decimal(100_000))
    verdicts = judge_all(agreement.levels, seen(late("a", 3, by=Callers.MOBILE)), USUAL)
    (owed,) = penalties(agreement, verdicts, excluded={(LONGEST_WAIT, "a")})
    assert (owed.breaches, owed.euro) == ((), Decimal(0))


def test_a_call_left_out_of_one_level_is_left_out_of_its_group() -> None:
    both = (late("a", 3, metric=QUEUE_CAP, of=6, by=Callers.MOBILE), late("a", 3, by=Callers.MOBILE))
    agreement = Agreement(1, FIRST, Period.QUARTER, of_contract((CAP, MOBILE), 1), Decimal(200_000))
    verdicts = judge_all(agreement.levels, seen(*both), USUAL)
    for metric in (QUEUE_CAP, LONGEST_WAIT):
        assert [one.breaches for one in penalties(agreement, verdicts, excluded={(metric, "a")})] == [(), ()]


def test_without_the_contracts_value_a_penalty_is_told_per_mille() -> None:
    agreement = Agreement(1, FIRST, Period.QUARTER, (MOBILE,))
    (owed,) = penalties(agreement, judge_all(agreement.levels, seen(late("a", 3, by=Callers.MOBILE)), USUAL))
    assert (owed.per_mille, owed.euro) == (Decimal("0.3"), None)


def test_minutes_without_service_count_against_the_minutes_promised() -> None:
    available = Promise(1, AVAILABLE, ">", Decimal("0.95"))
    hour = timedelta(hours=1)
    verdict = judge(available, seen(promised=100 * hour, failed=2 * hour), USUAL)
    assert (verdict.measured, verdict.standing) == (Decimal("0.98"), Standing.GOOD)
    assert judge(available, seen(promised=100 * hour, failed=5 * hour), USUAL).standing is Standing.BROKEN
    assert judge(available, seen(promised=100 * hour, failed=4.5 * hour), USUAL).standing is (Standing.NEAR)


def test_satisfaction_that_nobody_was_asked_for_is_unknown() -> None:
    satisfied = Promise(1, SATISFIED, ">=", Decimal("0.9"))
    assert judge(satisfied, seen(), USUAL).standing is Standing.UNKNOWN
    assert judge(satisfied, seen(marks=(9, 10)), USUAL).standing is Standing.NEAR
    assert judge(satisfied, seen(marks=(8, 10)), USUAL).standing is Standing.BROKEN


@given(st.decimals("0.01", "1", places=2), st.integers(0, 400))
def test_the_tolerated_days_leave_the_share_whole(share: Decimal, days: int) -> None:
    bad = tolerated_days(share, days)
    assert days - bad >= share * days
    assert days - bad - 1 < share * days


@pytest.mark.parametrize(
    ("period", "first", "after"),
    [
        (Period.MONTH, date(2026, 11, 1), date(2026, 12, 1)),
        (Period.QUARTER, date(2026, 10, 1), date(2027, 1, 1)),
        (Period.YEAR, date(2026, 1, 1), date(2027, 1, 1)),
    ],
)
def test_a_day_is_in_the_period_around_it(period: Period, first: date, after: date) -> None:
    assert period.around(date(2026, 11, 21)) == (first, after)
    assert period.before(first)[1] == first


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(Period))
def test_periods_leave_no_day_out(day: date, period: Period) -> None:
    first, after = period.around(day)
    assert first <= day < after
    assert period.around(after)[0] == after


def test_a_day_is_judged_by_the_version_in_force_on_it() -> None:
    old, new = (Agreement(1, day, Period.MONTH, ()) for day in (date(2026, 1, 1), date(2026, 11, 1)))
    assert in_force([new, old], date(2026, 10, 31)) is old
    assert in_force([new, old], date(2026, 11, 1)) is new
    assert in_force([new, old], date(2025, 1, 1)) is old
    assert in_force([], FIRST) is None


COUNTER = INTERCENT["counter_wait_min", "", ""]
HANDLING = INTERCENT["mean_counter_handling_min", "", ""]
STEP = {one.metric: one for one in PRESETS["step"].levels}


def waits(*minutes: int, **more: int) -> Evidence:
    """The longest wait of each day at the desks."""
    return Evidence(desks=AtDesks({DAYS[n]: 60 * longest for n, longest in enumerate(minutes)}, **more))


def test_the_wait_at_the_desks_is_kept_on_nine_days_of_ten() -> None:
    """Below 25 minutes: one day of ten may reach it; each day beyond is paid for, the worst forgiven (Intercent-ER)."""
    kept = judge(COUNTER, waits(*[10] * 9, 40), USUAL)
    assert (kept.standing, kept.measured, kept.part, kept.whole, kept.spendable) == (Standing.NEAR, 40, 1, 10, 0)
    broken = judge(COUNTER, waits(*[10] * 8, 25, 40), USUAL)
    assert (broken.standing, [one.measured for one in broken.penalised]) == (Standing.BROKEN, [25])
    assert judge(COUNTER, waits(*[24] * 10), USUAL).standing is Standing.GOOD
    assert judge(COUNTER, waits(lead=3), USUAL).standing is Standing.UNKNOWN


def test_a_day_at_the_desks_beyond_the_tolerated_ones_is_paid_for() -> None:
    agreement = Agreement(1, FIRST, Period.QUARTER, (COUNTER,), Decimal(100_000))
    (owed,) = penalties(agreement, [judge(COUNTER, waits(*[10] * 7, 25, 30, 40), USUAL)])
    assert (len(owed.breaches), owed.per_mille, owed.euro) == (2, Decimal("0.6"), Decimal("60.00"))


def test_a_limit_of_each_wait_is_missed_by_one() -> None:
    """At most 15 minutes (STEP)."""
    promise = STEP["counter_wait_min"]
    assert judge(promise, waits(10, 15), USUAL).standing is not Standing.BROKEN
    assert judge(promise, waits(10, 16), USUAL).standing is Standing.BROKEN


def test_the_handling_is_a_mean_of_people_and_the_lead_the_longest_sample() -> None:
    assert judge(HANDLING, waits(1, served=4, served_s=4 * 20 * 60), USUAL).measured == 20
    assert judge(HANDLING, waits(1, served=2, served_s=50 * 60), USUAL).standing is Standing.BROKEN
    assert judge(HANDLING, waits(1), USUAL).standing is Standing.UNKNOWN
    lead = STEP["appointment_lead_time_working_days"]
    assert judge(lead, waits(lead=6), USUAL).standing is Standing.BROKEN
    assert judge(lead, waits(lead=3), USUAL).standing is Standing.GOOD
    assert judge(lead, waits(1), USUAL).standing is Standing.UNKNOWN


def test_a_service_level_says_how_many_calls_may_still_go_wrong() -> None:
    """80 % within T: of 860 of 1,060 fifteen more may be late, and of a share that must be above it one less."""
    counts = Counts(received=1060, entered=1060, answered=1000, answered_within=860, abandoned=60)
    known = Evidence(DAYS, {DAYS[0]: {Callers.MOBILE: counts}})
    for op, left in ((">=", 15), (">", 14)):
        found = judge(Promise(1, ANSWERED_WITHIN, op, Decimal("0.8")), known, Terms(formula=Formula.A))
        assert (found.part, found.whole, found.spendable) == (860, 1060, left)


def test_where_no_day_is_tolerated_each_day_over_the_limit_is_paid_for() -> None:
    promise = replace(STEP["counter_wait_min"], penalty_per_mille=Decimal(1), penalty_each=Each.DAY_OVER)
    agreement = Agreement(1, FIRST, Period.MONTH, (promise,), Decimal(1000))
    (owed,) = penalties(agreement, [judge(promise, waits(16, 10, 15, 40), USUAL)])
    assert ([one.day for one in owed.breaches], owed.euro) == ([DAYS[3], DAYS[0]], Decimal("2.00"))
    assert not judge(STEP["counter_wait_min"], waits(16), USUAL).penalised


def test_a_share_of_calls_may_have_to_hold_on_most_days_each_by_its_own_calls() -> None:
    """Less than 15 % lost on nine days of ten: two of twenty may miss it, however many calls they had."""
    promise = Promise(1, LOST, "<", Decimal("0.15"), share_of_days=Decimal("0.9"))

    def of(*bad: int) -> Evidence:
        days = {day: {Callers.MOBILE: Counts(received=100, lost=15 if n in bad else 14)} for n, day in enumerate(DAYS)}
        days[DAYS[19]] = {}  # nobody called: it is no bad day
        return Evidence(service_days=DAYS, days=days)

    kept = judge(promise, of(3, 4), USUAL)
    assert (kept.standing, kept.measured, kept.part, kept.whole, kept.spendable) == (
        Standing.NEAR, Decimal("0.15"), 2, 20, 0
    )  # fmt: skip
    assert judge(promise, of(), USUAL).standing is Standing.GOOD
    assert judge(promise, of(3, 4, 5), USUAL).standing is Standing.BROKEN
    assert judge(promise, Evidence(service_days=DAYS), USUAL).standing is Standing.UNKNOWN
    promise = replace(promise, metric=ANSWERED_WITHIN, op=">=", target=Decimal("0.8"))
    days = {day: {Callers.MOBILE: Counts(answered=10, answered_within=7 if n < 3 else 9)} for n, day in enumerate(DAYS)}
    found = judge(promise, Evidence(service_days=DAYS, days=days), USUAL)
    assert (found.standing, found.measured, found.part) == (Standing.BROKEN, Decimal("0.7"), 3)


def test_each_working_day_that_a_removal_came_late_is_paid_for_where_the_contract_says_so() -> None:
    promise = Promise(1, MetricName.FIELD_REMOVED, "<=", Decimal(1))
    evidence = Evidence(unfit=(Unfit(7, 3, FIRST, 3, None), Unfit(8, 3, FIRST, 1, None)))
    free = judge(promise, evidence, USUAL)
    assert (free.measured, free.part, free.whole, free.penalised) == (3, 1, 2, ())
    paid = judge(replace(promise, penalty_per_mille=Decimal(1), penalty_each=Each.DAY_LATE), evidence, USUAL)
    assert [(one.subject, one.measured, one.ente_id) for one in paid.penalised] == [
        (f"{FIRST}:7:2", 2, 3), (f"{FIRST}:7:3", 3, 3)
    ]  # fmt: skip


def test_each_penalty_of_a_preset_is_one_that_can_be_counted() -> None:
    for preset in PRESETS.values():
        for one in preset.promises:
            assert one.penalty_each in {None, METRICS[one.metric].paid_for}
            assert one.share_of_days is None or METRICS[one.metric].by_days


@given(
    st.sampled_from(("<", "<=", ">", ">=")), st.decimals(0, 1, places=3), st.integers(0, 10**7), st.integers(1, 10**7)
)
def test_a_figure_is_told_so_that_it_stands_to_its_limit_as_it_does(
    op: str, limit: Decimal, part: int, whole: int
) -> None:
    """19.98 % is not told as 20.0 % where it has to be less than 20 %."""
    promise, measured = Promise(1, LOST, op, limit), Decimal(part) / whole
    told = promise.rounded(measured, 3)
    assert promise.holds(told) is promise.holds(measured)
    assert abs(told - measured) <= Decimal("0.0005")
    assert Promise(1, LOST, "<", Decimal("0.2")).rounded(Decimal("0.19981"), 3) == Decimal("0.1998")
