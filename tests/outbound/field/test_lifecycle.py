"""The life of a practice."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import ConflictError
from outbound.field.practices.lifecycle import TRANSITIONS, Deed, Limits, State, after


def test_it_is_offered_accepted_and_closed() -> None:
    state = State.OPEN
    for deed in (Deed.OFFER, Deed.ACCEPT, Deed.CLOSE):
        state = after(state, deed)
    assert state is State.CLOSED


def test_who_declines_gives_it_back() -> None:
    assert after(after(State.OPEN, Deed.OFFER), Deed.DECLINE) is State.OPEN


def test_nobody_is_given_a_frozen_practice() -> None:
    frozen = after(State.ACCEPTED, Deed.FREEZE)
    with pytest.raises(ConflictError):
        after(frozen, Deed.OFFER)
    assert after(frozen, Deed.RELEASE) is State.OPEN


@given(st.sampled_from(Deed))
def test_nothing_happens_to_a_closed_practice(deed: Deed) -> None:
    with pytest.raises(ConflictError):
        after(State.CLOSED, deed)


def test_every_state_but_the_last_leads_to_the_end() -> None:
    assert all((one, Deed.CLOSE) in TRANSITIONS for one in State if one is not State.CLOSED)


def test_a_mandate_covers_both_its_ends() -> None:
    limits = Limits(date(2026, 11, 23), date(2026, 12, 23))
    covered = [limits.covers(date(2026, 11, 22)), limits.covers(limits.valid_from), limits.covers(limits.valid_to)]
    assert covered == [False, True, True]
