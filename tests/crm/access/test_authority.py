"""Whose account is whose, by all the roles that it ever held."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.access.authority import Keeper, Subject, keeper
from crm.access.models import RoleGrant

MAKER = 7
Held = tuple[int, int | None, int]  # from and to, in days; on which contract


def kept(*held: Held, today: int = 10) -> Keeper:
    def day(number: int) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)

    grants = [
        RoleGrant(contract_id=on, valid_from=day(begins), valid_to=None if ends is None else day(ends))
        for begins, ends, on in held
    ]
    return keeper(grants, made_by=MAKER, at=day(today))


@pytest.mark.parametrize(
    ("held", "contracts"),
    [
        ([(0, None, 1)], {1}),
        ([(0, None, 1), (0, None, 2)], {1, 2}),
        ([(0, None, 1), (11, None, 2)], {1, 2}),  # what is to come
        ([(0, 9, 1), (0, None, 2)], {2}),  # what is over, beside what is not
        ([(0, 8, 1), (0, 9, 2)], {2}),  # all over: the last
        ([(0, 9, 1), (0, 9, 2)], {1, 2}),
        ([(0, None, 1), (20, 20, 2)], {1}),  # revoked before it began
    ],
)
def test_an_account_is_of_whoever_administers_all_that_it_opens(held: list[Held], contracts: set[int]) -> None:
    assert kept(*held) == Keeper(frozenset(Subject(contract_id=one) for one in contracts))


@pytest.mark.parametrize("held", [[], [(20, 20, 1)]])
def test_without_a_role_ever_it_is_of_its_maker(held: list[Held]) -> None:
    assert kept(*held) == Keeper(maker=MAKER)


ROLES = st.tuples(st.integers(0, 9), st.none() | st.integers(10, 19), st.integers(1, 3))


@given(st.lists(ROLES, min_size=1, max_size=6), st.integers(5, 25), ROLES)
def test_another_role_takes_an_account_from_nobody_while_it_holds_any(held: list[Held], today: int, more: Held) -> None:
    alive = any(ends is None or ends > today for _, ends, _ in held)
    before, after = kept(*held, today=today), kept(*held, more, today=today)
    assert before.over <= after.over or not alive
    assert after.over <= before.over | {Subject(contract_id=more[2])}
