"""Agents needed, by figures that others have printed, and by what must hold whatever the load."""

from math import factorial, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.staffing.erlang import Load, Target, erlang_b, erlang_c, needed, outcome

LOADS = st.builds(
    Load, st.floats(0.001, 0.5), st.floats(30, 900), st.one_of(st.none(), st.floats(20, 1200))
)  # fmt: skip


@pytest.mark.parametrize(
    ("agents", "erlangs", "blocked"),
    [(1, 0.0101, 0.01), (2, 0.153, 0.01), (5, 1.361, 0.01), (10, 4.461, 0.01), (20, 12.031, 0.01), (30, 24.802, 0.05)],
)
def test_the_erlang_b_table(agents: int, erlangs: float, blocked: float) -> None:
    """The traffic that so many lines carry at a loss of 1 or 5 %, as every table of Erlang B prints it."""
    assert erlang_b(agents, erlangs) == pytest.approx(blocked, abs=5e-5)


def test_a_worked_example_of_erlang_c() -> None:
    """100 calls in half an hour, of three minutes: 10 erlangs; 14 agents answer 88.8 % in 20 s, in 7.8 s on average."""
    found = outcome(Load(100 / 1800, 180), 14, 20)
    assert erlang_c(14, 10) == pytest.approx(0.1741319, abs=1e-6)
    assert (found.answered_within, found.wait_s) == (pytest.approx(0.88835, abs=1e-5), pytest.approx(7.83594, abs=1e-4))
    assert needed(Load(100 / 1800, 180), Target(0.8, 20, 0.85)).agents == 14
    assert outcome(Load(100 / 1800, 180), 13, 20).answered_within < 0.8


def test_erlang_a_is_what_its_chain_of_births_and_deaths_says() -> None:
    """Metric: Erlang."""
    per_s, handling, patience, agents, t = 0.1, 100.0, 60.0, 9, 20.0
    serving, leaving = agents / handling, 1 / patience
    weights = [(per_s * handling) ** n / factorial(n) for n in range(agents + 1)]
    for k in range(1, 200):
        weights.append(weights[-1] * per_s / (serving + k * leaving))
    whole = sum(weights)
    queued = sum(k * weights[agents + k] for k in range(1, 200)) / whole
    found = outcome(Load(per_s, handling, patience), agents, t)
    assert found.abandoned == pytest.approx(leaving * queued / per_s, rel=1e-9)
    assert found.wait_s == pytest.approx(queued / per_s, rel=1e-9)
    # Who finds k before him, followed second by second: what remains before him, until he is served or gone.
    share, dt = sum(weights[:agents]) / whole, 0.005
    places = [weights[agents + k] / whole for k in range(60)]
    for _ in range(int(t / dt)):
        share += places[0] * serving * dt
        places = [
            one * (1 - (serving + (k + 1) * leaving) * dt)
            + (places[k + 1] * (serving + (k + 1) * leaving) * dt if k + 1 < len(places) else 0)
            for k, one in enumerate(places)
        ]
    assert found.answered_within == pytest.approx(share, abs=2e-4)


def test_with_endless_patience_erlang_a_is_erlang_c() -> None:
    patient, nearly = Load(0.05, 200), Load(0.05, 200, 1e7)
    for agents in (11, 13, 16):
        c, a = outcome(patient, agents, 20), outcome(nearly, agents, 20)
        assert a.answered_within == pytest.approx(c.answered_within, abs=2e-3)
        assert a.abandoned == pytest.approx(0, abs=1e-4)


@given(LOADS, st.floats(0.5, 0.95), st.floats(5, 120), st.floats(0.6, 1.0))
@settings(deadline=None, max_examples=60)
def test_one_agent_fewer_would_miss_the_target(load: Load, share: float, within_s: float, occupancy: float) -> None:
    target = Target(share, within_s, occupancy)
    found = needed(load, target)
    assert found.answered_within >= share
    assert found.occupancy <= occupancy
    if found.agents > 1:
        fewer = outcome(load, found.agents - 1, within_s)
        assert fewer.answered_within < share or fewer.occupancy > occupancy


@given(LOADS, st.integers(1, 60), st.floats(1, 200))
@settings(deadline=None, max_examples=60)
def test_another_agent_never_makes_it_worse(load: Load, agents: int, within_s: float) -> None:
    one, two = (outcome(load, n, within_s) for n in (agents, agents + 1))
    assert 0 <= one.answered_within <= two.answered_within + 1e-6 <= 1 + 2e-6
    assert two.abandoned <= one.abandoned + 1e-9
    if load.patience_s is not None:  # who waits either gives up or is served
        assert isclose(one.abandoned, (one.wait_s or 0) / load.patience_s, rel_tol=1e-9, abs_tol=1e-12)


def test_of_next_to_no_calls_and_many_agents_nobody_waits() -> None:
    """An early quarter hour with a hundred on shift: that all of them are busy is less likely than a number can say."""
    found = outcome(Load(0.001 / 900, 180, 60), 100, 20)
    assert (found.answered_within, found.abandoned, found.wait_s) == (1, 0, 0)


def test_of_no_calls_nobody_is_needed_and_of_nonsense_nothing_is_said() -> None:
    assert needed(Load(0, 200), Target()).agents == 0
    assert outcome(Load(0.1, 200), 20, 20).answered_within == 0  # without patience the queue has no end
    with pytest.raises(ValueError, match="calls"):
        outcome(Load(0.1, 0), 1, 20)
