"""Plans of instalments: nothing is lost, each is due at the end of its month, as many as the rules allow."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.cases.instalments.plans import LOCAL, Band, Rules, agency, allowed, checked, plan
from crm.cases.instalments.rules import read, stored
from crm.core.errors import InvalidError

TODAY = date(2026, 11, 20)


@given(
    st.integers(1, 50_000_00), st.integers(0, 50_000_00), st.decimals(0, 20, places=2),
    st.dates(TODAY, TODAY + timedelta(300)), st.data(),
)  # fmt: skip
def test_a_plan_comes_to_the_debt_and_its_days_are_the_ends_of_months(
    cents: int, taxed: int, rate: Decimal, first: date, data: st.DataObject
) -> None:
    may = allowed(LOCAL, cents)
    count = data.draw(st.integers(may.least, may.most))
    rates = plan(cents, taxed=taxed, count=count, begins=TODAY, first=first, rules=Rules(LOCAL.bands, rate))
    assert sum(one.principal for one in rates) == cents
    assert (len(rates), rates[-1].left) == (count, 0)
    assert max(one.principal for one in rates) - min(one.principal for one in rates) <= 1
    assert all((one.due_on + timedelta(days=1)).day == 1 for one in rates)
    assert all(one.due_on < then.due_on for one, then in pairwise(rates))
    assert all(one.interest >= 0 for one in rates)
    if not rate or not taxed:
        assert not any(one.interest for one in rates)


@pytest.mark.parametrize(
    ("cents", "least", "most"),
    [(100_00, 1, 1), (100_01, 1, 4), (500_00, 1, 4), (500_01, 5, 12), (3_000_00, 5, 12), (3_000_01, 13, 24),
     (6_000_01, 25, 36), (20_000_00, 25, 36), (20_000_01, 37, 72)],
)  # fmt: skip
def test_how_many_the_law_gives_for_local_taxes(cents: int, least: int, most: int) -> None:
    may = allowed(LOCAL, cents)
    assert (may.least, may.most) == (least, most)


def test_the_national_agent_gives_more_from_year_to_year_and_to_whoever_proves_his_difficulty() -> None:
    most = [allowed(agency(year, proven=False), 120_000_00).most for year in (2026, 2027, 2029)]
    assert most == [84, 96, 108]
    assert allowed(agency(2026, proven=False), 120_000_01).most == 1
    assert allowed(agency(2026, proven=True), 500_000_00).most == 120


def test_a_year_s_interest_on_the_tax_alone() -> None:
    rules = Rules((Band(None, 1, 72),), Decimal(2))
    (one,) = plan(1_200_00, taxed=1_000_00, count=1, begins=date(2026, 11, 30), first=date(2027, 11, 1), rules=rules)
    assert (one.due_on, one.interest, one.cents) == (date(2027, 11, 30), 20_00, 1_220_00)


def test_a_plan_computed_by_hand() -> None:
    """1,000 euro, 800 of them tax, in three from 20 November at 2.5 per cent: 800.00 for 41 days, 533.33 for 31 (what
    is left of the tax once 266.67 are paid), 266.66 for 28, each × 0.025 / 365.
    """
    rules = Rules((Band(None, 1, 72),), Decimal("2.5"))
    made = plan(1_000_00, taxed=800_00, count=3, begins=TODAY, first=date(2026, 12, 1), rules=rules)
    assert [(one.due_on, one.principal, one.interest, one.cents, one.left) for one in made] == [
        (date(2026, 12, 31), 333_34, 2_25, 335_59, 666_66),
        (date(2027, 1, 31), 333_33, 1_13, 334_46, 333_33),
        (date(2027, 2, 28), 333_33, 51, 333_84, 0),
    ]


def test_the_ente_s_own_rules_leave_36_for_large_debts_and_are_kept_as_they_are() -> None:
    with pytest.raises(InvalidError) as refused:
        checked(Rules((Band(1_000_00, 2, 6), Band(900_00, 7, 5), Band(None, 6, 24)), Decimal(30), -1))
    fields = {one.field for one in refused.value.parts}
    assert fields == {"up_to-1", "least-1", "most-2", "rate", "smallest"}
    own = checked(Rules((Band(1_000_00, 1, 10), Band(None, 2, 60)), Decimal("3.5"), 50_00))
    assert read(stored(own)) == own
    assert allowed(own, 120_00).most == 2
    with pytest.raises(InvalidError):
        plan(120_00, taxed=0, count=3, begins=TODAY, first=TODAY, rules=own)
