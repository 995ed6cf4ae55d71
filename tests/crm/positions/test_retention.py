"""For how long what happened to a debt is kept."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.positions.models import PositionState
from crm.positions.retention import kept_until
from crm.positions.views import InstalmentView, PaymentView
from tests.crm.positions.test_summary import TARI, TODAY

PAID = replace(TARI, state=PositionState.PAID, residual_cents=0)


def test_the_time_runs_from_the_last_payment_of_any_debt() -> None:
    last = replace(PAID, payments=(PaymentView(date(2025, 3, 8), 81200, "F24"),))
    assert kept_until([PAID], 10, TODAY) == date(2034, 9, 3)  # ten years after it was served
    assert kept_until([last, PAID], 10, TODAY) == kept_until([PAID, last], 10, TODAY) == date(2035, 3, 8)
    assert kept_until([last], 5, TODAY) == date(2030, 3, 8)


def test_neither_a_term_nor_what_is_to_come_prolongs_it() -> None:
    missed = InstalmentView(1, date(2026, 10, 1), 100, None)
    assert kept_until([replace(PAID, due_on=date(2026, 11, 1))], 10, TODAY) == date(2034, 9, 3)
    assert kept_until([replace(PAID, instalments=(missed,))], 10, TODAY) == date(2034, 9, 3)
    paid = replace(missed, paid_on=date(2026, 10, 1))
    assert kept_until([replace(PAID, instalments=(paid,))], 10, TODAY) == date(2036, 10, 1)  # which a payment does
    mistyped = replace(PAID, payments=(PaymentView(date(2205, 3, 8), 81200, "F24"),))
    assert kept_until([mistyped], 10, TODAY) == date(2034, 9, 3)


@pytest.mark.parametrize(("debts", "years"), [([], 10), ([PAID], 0)])
def test_nothing_is_kept_of_whoever_has_none_or_where_nothing_is_to_be(debts: list[object], years: int) -> None:
    assert kept_until(debts, years, TODAY) is None  # type: ignore[arg-type]


@given(st.dates(date(1990, 1, 1), TODAY), st.integers(1, 40))
def test_it_ends_that_many_years_after_the_last_day(paid_on: date, years: int) -> None:
    debt = replace(PAID, issued_on=paid_on, notified_on=None, payments=(PaymentView(paid_on, 1, "F24"),))
    until = kept_until([debt], years, TODAY)
    assert until is not None
    assert until.year == paid_on.year + years
    assert abs(until - paid_on - timedelta(days=365.25 * years)) <= timedelta(days=2)
