"""What a call adds to the counters, and the shares made of them."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.levels.formulas import Level, Standing, lost, waiting_over
from crm.levels.metering import MEASURES, Account, Callers, Counts, Measured, contribution, quarter_of
from crm.levels.terms import Denominator, Terms

T = Terms(within_ms=20_000, short_ms=5_000, over_ms=40_000)
QUARTER = datetime(2026, 11, 20, 9, 15, tzinfo=UTC)
RECEIVED = Measured(received=True, entered=False, served=False, ended=False, waited_ms=None)
ENTERED = replace(RECEIVED, entered=True)


ANSWERED = Counts(1, 1, answered=1)
ABANDONED = Counts(1, 1, lost=1, abandoned=1)


@pytest.mark.parametrize(
    ("call", "counts"),
    [
        pytest.param(RECEIVED, Counts(received=1), id="in the menu"),
        pytest.param(replace(RECEIVED, ended=True), Counts(received=1), id="left the menu: not lost"),
        pytest.param(ENTERED, Counts(received=1, entered=1), id="waits, and nobody knows how long yet"),
        pytest.param(
            replace(ENTERED, waited_ms=50_000), Counts(received=1, entered=1), id="still waits after a first stretch"
        ),
        pytest.param(
            replace(ENTERED, served=True, waited_ms=20_000),
            replace(ANSWERED, wait_ms=20_000, answered_within=1), id="twenty seconds are within twenty seconds",
        ),
        pytest.param(
            replace(ENTERED, served=True, waited_ms=20_001), replace(ANSWERED, wait_ms=20_001), id="and no more"
        ),
        pytest.param(
            replace(ENTERED, served=True, waited_ms=40_000), replace(ANSWERED, wait_ms=40_000),
            id="forty seconds are not over forty seconds",
        ),
        pytest.param(
            replace(ENTERED, served=True, waited_ms=40_001),
            replace(ANSWERED, waited_over=1, wait_ms=40_001), id="a millisecond more is",
        ),
        pytest.param(
            replace(ENTERED, ended=True, waited_ms=5_000),
            replace(ABANDONED, abandoned_within=1, abandoned_short=1, abandoned_wait_ms=5_000),
            id="a short abandon is lost all the same",
        ),
        pytest.param(
            replace(ENTERED, ended=True, waited_ms=9_000),
            replace(ABANDONED, abandoned_within=1, abandoned_wait_ms=9_000), id="gave up early",
        ),
        pytest.param(
            replace(ENTERED, ended=True, waited_ms=61_000),
            replace(ABANDONED, waited_over=1, abandoned_wait_ms=61_000),
            id="gave up late: the wait of an abandoned call counts, but not in the mean of the answered",
        ),
        pytest.param(
            replace(RECEIVED, turned_away=True, ended=True), Counts(received=1, lost=1),
            id="turned away: lost, though it neither entered nor abandoned",
        ),
        pytest.param(
            replace(ENTERED, served=True, waited_ms=1, talk_ms=60_000), replace(ANSWERED, answered_within=1, wait_ms=1),
            id="a conversation that goes on is not handled yet",
        ),
        pytest.param(
            replace(ENTERED, served=True, ended=True, waited_ms=1, talk_ms=60_000, hold_ms=5_000, wrap_up_ms=9_000),
            Counts(1, 1, 1, wait_ms=1, answered_within=1, handled=1, talk_ms=60_000, hold_ms=5_000, wrap_up_ms=9_000),
            id="handled, with its times",
        ),
        pytest.param(
            Measured(received=False, entered=True, served=True, ended=True, waited_ms=61_000), Counts(),
            id="outside the metering hours",
        ),
    ],
)  # fmt: skip
def test_what_a_call_adds(call: Measured, counts: Counts) -> None:
    """Metric: abandoned. Metric: wait. Metric: waited over T."""
    assert contribution(call, T) == counts


@pytest.mark.parametrize(("minute", "quarter"), [(0, 0), (14, 0), (15, 15), (59, 45)])
def test_a_call_counts_in_the_quarter_hour_in_which_it_arrived(minute: int, quarter: int) -> None:
    arrived = datetime(2026, 11, 20, 9, minute, 59, 999_999, tzinfo=UTC)
    assert quarter_of(arrived) == datetime(2026, 11, 20, 9, quarter, tzinfo=UTC)


# -- whatever is learnt, in whatever order ------------------------------------------------------------------------

queued = st.just("queued")
lives = st.lists(
    st.one_of(
        queued, st.just("ente"), st.just("another ente"), st.just("queue"),
        st.tuples(st.just("served"), st.integers(0, 90_000)),
        st.tuples(st.just("waits again"), st.integers(0, 90_000)),
        st.just("ended"),
    ),
    max_size=10,
)  # fmt: skip


def live(at: Account, call: Measured, happens: object) -> tuple[Account, Measured]:
    """One thing learnt about a call."""
    match happens:
        case "queued":
            return at, replace(call, entered=True)
        case "ente":
            return replace(at, ente_id=1), call
        case "another ente":
            return replace(at, ente_id=2), call
        case "queue":
            return replace(at, queue_id=5), call
        case ("served", int(waited)):
            return at, replace(call, served=True, waited_ms=(call.waited_ms or 0) + waited)
        case ("waits again", int(waited)):
            return at, replace(call, waited_ms=(call.waited_ms or 0) + waited)
        case _:
            return at, replace(call, ended=True)


@given(st.booleans(), lives)
@settings(max_examples=300)
def test_the_differences_add_up_to_what_the_call_is_in_the_end_and_where(received: bool, life: list[object]) -> None:
    at = Account(1, None, None, Callers.MOBILE, QUARTER)
    call = replace(RECEIVED, received=received)
    ledger: dict[Account, Counts] = {at: contribution(call, T)}
    for happens in life:
        before = (at, call)
        at, call = live(at, call, happens)
        ledger[before[0]] = ledger.get(before[0], Counts()) - contribution(before[1], T)
        ledger[at] = ledger.get(at, Counts()) + contribution(call, T)
    assert {place: counts for place, counts in ledger.items() if counts} == (
        {at: contribution(call, T)} if received else {}
    )


counts = st.builds(Counts, *(st.integers(-9, 9) for _ in MEASURES))


@given(counts, counts)
def test_counts_add_and_take_away(one: Counts, other: Counts) -> None:
    assert one + other - other == one
    assert not one - one
    assert one + Counts() == one


# -- shares -----------------------------------------------------------------------------------------------------

DAY = Counts(received=1000, entered=700, answered=620, lost=80, waited_over=190, wait_ms=620 * 15_000)


def test_the_two_shares_of_a_day() -> None:
    """Denominator: received. 190 of 1000 waited over the threshold, 80 were lost."""
    over, missed = waiting_over(DAY, Decimal("0.20")), lost(DAY, Decimal("0.15"))
    assert (over.share, over.standing, over.spendable) == (Decimal("0.19"), Standing.NEAR, 12)
    assert (missed.share, missed.standing) == (Decimal("0.08"), Standing.GOOD)


def test_a_contract_may_want_its_shares_of_those_that_entered_the_queue() -> None:
    """Metric: denominator."""
    over = waiting_over(DAY, Decimal("0.20"), Denominator.ENTERED)
    assert (over.part, over.whole, over.standing) == (190, 700, Standing.BROKEN)
    assert lost(DAY, Decimal("0.15"), Denominator.ENTERED).whole == 700


def test_with_no_calls_there_is_no_share() -> None:
    empty = waiting_over(Counts(), Decimal("0.20"))
    assert (empty.share, empty.standing, empty.spendable) == (None, Standing.UNKNOWN, 0)


@pytest.mark.parametrize(
    ("part", "standing"),
    [(0, Standing.GOOD), (15, Standing.GOOD), (16, Standing.NEAR), (19, Standing.NEAR), (20, Standing.BROKEN)],
)
def test_how_a_level_stands_against_one_in_five(part: int, standing: Standing) -> None:
    assert Level(part, 100, Decimal("0.20")).standing is standing


@given(
    st.integers(0, 3000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))),
    st.integers(1, 9999).map(lambda n: Decimal(n) / 10_000),
)
@settings(max_examples=400)
def test_what_can_be_spent_is_exactly_the_most_that_keeps_the_promise(of: tuple[int, int], limit: Decimal) -> None:
    part, whole = of
    n = Level(part, whole, limit).spendable

    def kept(more: int) -> bool:
        return part + more < limit * (whole + more)

    assert kept(n) or n == 0
    assert not kept(n + 1)
