"""Whether a promise was kept: value dates count, nothing is broken on old knowledge, late news judges it anew."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.core.clock import start_of_day
from crm.core.errors import InvalidError
from outbound.promises.judging import Owed, Paid, PromiseState, Terms, check, judge

MADE, DUE = date(2026, 11, 20), date(2026, 11, 30)
TERMS = Terms(MADE, DUE, 3, 20_000)
AFTER = date(2026, 12, 10)
FRESH = datetime(2026, 12, 10, 6, tzinfo=UTC)
TARI = Owed(30_000)
RANK = {PromiseState.BROKEN: 0, PromiseState.UNJUDGED: 0, PromiseState.OPEN: 0, PromiseState.PARTLY: 1}
days = st.dates(date(2026, 11, 1), date(2026, 12, 20))
payments = st.lists(st.builds(Paid, days, st.integers(1, 15_000)), max_size=6).map(tuple)


def at(*paid: Paid, heard: datetime | None = FRESH, today: date = AFTER, owed: Owed = TARI) -> PromiseState:
    return judge(TERMS, [replace(owed, paid=paid)], heard=heard, today=today).state


@pytest.mark.parametrize(
    ("paid", "state"),
    [
        ((), PromiseState.BROKEN),
        ((Paid(DUE, 20_000),), PromiseState.KEPT),
        ((Paid(MADE, 20_000),), PromiseState.KEPT),
        ((Paid(date(2026, 12, 3), 20_000),), PromiseState.KEPT),  # the last day of grace
        ((Paid(date(2026, 12, 4), 20_000),), PromiseState.BROKEN),
        ((Paid(MADE - timedelta(days=1), 20_000),), PromiseState.BROKEN),  # before he promised
        ((Paid(DUE, 19_999),), PromiseState.PARTLY),
        ((Paid(MADE, 5_000), Paid(DUE, 15_000)), PromiseState.KEPT),
    ],
)
def test_the_day_on_which_was_paid_decides(paid: tuple[Paid, ...], state: PromiseState) -> None:
    assert at(*paid) is state


def test_what_was_known_when_he_promised_is_not_counted_again() -> None:
    known = replace(TARI, before_cents=20_000)
    assert at(Paid(MADE, 20_000), owed=known) is PromiseState.BROKEN
    assert at(Paid(MADE, 20_000), Paid(DUE, 20_000), owed=known) is PromiseState.KEPT


def test_it_is_open_until_its_days_are_over_and_kept_as_soon_as_it_is() -> None:
    last = date(2026, 12, 3)
    assert at(today=last, heard=None) is PromiseState.OPEN
    assert at(Paid(MADE, 20_000), today=MADE, heard=None) is PromiseState.KEPT
    assert at(today=last + timedelta(days=1)) is PromiseState.BROKEN


def test_a_feed_that_does_not_reach_the_end_of_the_days_breaks_nothing() -> None:
    before_midnight = start_of_day(date(2026, 12, 4)) - timedelta(seconds=1)  # Roman time
    assert at(heard=before_midnight) is PromiseState.UNJUDGED
    assert at(Paid(DUE, 5_000), heard=before_midnight) is PromiseState.UNJUDGED
    assert at(heard=before_midnight + timedelta(seconds=1)) is PromiseState.BROKEN


def test_settled_without_a_day_of_payment_is_judged_by_the_day_of_the_settling_or_not_at_all() -> None:
    settled = replace(TARI, settled=True)
    assert at(owed=replace(settled, settled_on=DUE)) is PromiseState.KEPT
    assert at(owed=replace(settled, settled_on=date(2026, 12, 8))) is PromiseState.BROKEN
    assert at(owed=settled) is PromiseState.UNJUDGED
    assert at(Paid(date(2026, 12, 8), 30_000), owed=settled) is PromiseState.BROKEN


def test_what_is_no_longer_asked_for_breaks_no_promise() -> None:
    relieved = replace(TARI, asked=False)
    assert judge(TERMS, [relieved], heard=FRESH, today=AFTER).state is PromiseState.LIFTED
    rest = replace(Owed(5_000), paid=(Paid(DUE, 5_000),))
    assert judge(TERMS, [relieved, rest], heard=FRESH, today=AFTER).state is PromiseState.KEPT


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (replace(TERMS, due_on=MADE - timedelta(days=1)), "day"),
        (replace(TERMS, due_on=MADE + timedelta(days=31)), "day"),
        (replace(TERMS, cents=0), "amount"),
        (replace(TERMS, cents=30_001), "amount"),
    ],
)
def test_nobody_promises_yesterday_nor_more_than_he_owes(terms: Terms, field: str) -> None:
    with pytest.raises(InvalidError) as refused:
        check(terms, due_cents=30_000, most_days=30)
    assert [one.field for one in refused.value.parts] == [field]
    check(replace(TERMS, due_on=MADE + timedelta(days=30), cents=30_000), due_cents=30_000, most_days=30)


@given(payments, st.builds(Paid, days, st.integers(1, 15_000)), days)
@settings(max_examples=200)
def test_another_payment_never_makes_it_worse(paid: tuple[Paid, ...], more: Paid, today: date) -> None:
    def rank(some: tuple[Paid, ...]) -> tuple[int, int]:
        found = judge(TERMS, [replace(TARI, paid=some)], heard=FRESH, today=today)
        return RANK.get(found.state, 2), found.cents

    assert rank((*paid, more)) >= rank(paid)


@given(st.permutations(range(5)), st.lists(st.builds(Paid, days, st.integers(1, 15_000)), min_size=5, max_size=5))
def test_the_order_in_which_feeds_tell_makes_no_difference_in_the_end(order: list[int], paid: list[Paid]) -> None:
    assert at(*paid) is at(*(paid[n] for n in order))


@given(payments, st.datetimes(datetime(2026, 11, 1), datetime(2026, 12, 3, 22), timezones=st.just(UTC)), days)
def test_on_a_feed_that_is_too_old_nothing_is_broken(paid: tuple[Paid, ...], heard: datetime, today: date) -> None:
    assert at(*paid, heard=heard, today=today) not in {PromiseState.BROKEN, PromiseState.PARTLY}


@given(st.integers(0, 40), st.sampled_from((date(2026, 3, 27), date(2026, 10, 23))))
def test_its_days_end_at_midnight_in_rome_also_when_the_clocks_change(days: int, made: date) -> None:
    terms = Terms(made, made + timedelta(days=days), 2, 100)
    end = start_of_day(terms.until + timedelta(days=1))
    for heard, state in ((end - timedelta(seconds=1), PromiseState.UNJUDGED), (end, PromiseState.BROKEN)):
        assert judge(terms, [TARI], heard=heard, today=terms.until + timedelta(days=1)).state is state
