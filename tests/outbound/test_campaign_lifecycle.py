"""Where a campaign may go, every pair of state and deed; what the ente alone decides."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import ConflictError
from outbound.campaigns.lifecycle import OF_THE_ENTE, Deed, State, after, may

GOES = {
    (State.DRAFT, Deed.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Deed.END): State.ENDED,
    (State.SUBMITTED, Deed.TAKE_BACK): State.DRAFT,
    (State.SUBMITTED, Deed.APPROVE): State.APPROVED,
    (State.SUBMITTED, Deed.REFUSE): State.DRAFT,
    (State.APPROVED, Deed.START): State.RUNNING,
    (State.APPROVED, Deed.CHANGE): State.DRAFT,
    (State.APPROVED, Deed.STOP): State.STOPPED,
    (State.APPROVED, Deed.END): State.ENDED,
    (State.RUNNING, Deed.PAUSE): State.PAUSED,
    (State.RUNNING, Deed.STOP): State.STOPPED,
    (State.RUNNING, Deed.END): State.ENDED,
    (State.PAUSED, Deed.RESUME): State.RUNNING,
    (State.PAUSED, Deed.CHANGE): State.DRAFT,
    (State.PAUSED, Deed.STOP): State.STOPPED,
    (State.PAUSED, Deed.END): State.ENDED,
    (State.STOPPED, Deed.RELEASE): State.PAUSED,
    (State.STOPPED, Deed.CHANGE): State.DRAFT,
    (State.STOPPED, Deed.END): State.ENDED,
}


@pytest.mark.parametrize(("state", "deed"), list(product(State, Deed)))
def test_every_pair(state: State, deed: Deed) -> None:
    assert may(state, deed) == ((state, deed) in GOES)
    if may(state, deed):
        assert after(state, deed) is GOES[state, deed]
        return
    with pytest.raises(ConflictError, match="ricarica"):
        after(state, deed)


@given(st.lists(st.sampled_from(Deed)))
def test_nothing_runs_that_the_ente_has_not_approved_since_its_last_change(deeds: list[Deed]) -> None:
    state, approved, stopped = State.DRAFT, False, False
    for deed in deeds:
        if not may(state, deed):
            continue
        state = after(state, deed)
        approved = deed is Deed.APPROVE or (approved and deed is not Deed.CHANGE)
        stopped = deed is Deed.STOP or (stopped and deed not in OF_THE_ENTE)
        if state is State.RUNNING:
            assert approved
            assert not stopped
