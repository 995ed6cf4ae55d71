"""Where a proposal may go, and answers that come in any order."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import ConflictError, InvalidError
from crm.proposals.lifecycle import State, answered, decided, undecided, withdrawn

AT = datetime(2026, 11, 21, tzinfo=UTC)
answers = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=5, unique_by=lambda one: one[0])


def test_the_ente_decides_once_and_says_why_not() -> None:
    assert decided(State.MADE, approve=True, reason="") is State.APPROVED
    assert decided(State.MADE, approve=False, reason="non risulta") is State.REFUSED
    with pytest.raises(InvalidError) as refusal:
        decided(State.MADE, approve=False, reason="")
    assert [part.field for part in refusal.value.parts] == ["reason"]
    for state in set(State) - {State.MADE}:
        with pytest.raises(ConflictError):
            decided(state, approve=True, reason="")


def test_a_decision_is_undone_until_it_is_handed_over() -> None:
    assert {undecided(state) for state in (State.APPROVED, State.REFUSED)} == {State.MADE}
    for state in set(State) - {State.APPROVED, State.REFUSED}:
        with pytest.raises(ConflictError):
            undecided(state)


def test_only_what_is_undecided_is_taken_back() -> None:
    assert withdrawn(State.MADE) is State.WITHDRAWN
    for state in set(State) - {State.MADE}:
        with pytest.raises(ConflictError):
            withdrawn(state)


def test_what_was_never_handed_over_has_no_answer() -> None:
    for state in (State.MADE, State.APPROVED, State.REFUSED, State.WITHDRAWN):
        with pytest.raises(ConflictError):
            answered(state, accepted=True, at=AT, heard_at=None)


@given(answers)
def test_answers_in_any_order_and_twice_end_alike(told: list[tuple[int, bool]]) -> None:
    ends = set()
    for order in permutations(told):
        state, heard_at = State.EXPORTED, None
        for minute, accepted in (*order, *order):
            at = AT + timedelta(minutes=minute)
            new = answered(state, accepted=accepted, at=at, heard_at=heard_at)
            if new is not None:
                state, heard_at = new, at
        ends.add((state, heard_at))
    assert len(ends) == 1
