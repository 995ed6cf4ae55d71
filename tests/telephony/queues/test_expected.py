"""The wait that is announced: a range, and in simulated queues as many waits fall into it as it says."""

import heapq
import random
from collections import deque
from collections.abc import Callable
from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.queues.expected import FEWEST, HIGH, LOW, MOST, Pace, Range, expected, odds

PACES = st.builds(Pace, st.integers(FEWEST, 500), st.floats(60, 1e6))
MEAN_S = 240.0


def minutes(told: Range) -> tuple[int, float]:
    return told.from_min, float("inf") if told.to_min is None else told.to_min


@given(st.integers(0, 60), PACES, st.integers(1, 60))
def test_a_range_has_a_beginning_before_its_end(ahead: int, pace: Pace, agents: int) -> None:
    told = expected(ahead=ahead, pace=pace, agents=agents)
    assert told is not None
    low, high = minutes(told)
    assert 0 <= low < high


@given(st.integers(0, 60), PACES, st.integers(1, 60))
def test_more_before_him_and_fewer_agents_never_shorten_it(ahead: int, pace: Pace, agents: int) -> None:
    told, later, slower = (
        expected(ahead=n, pace=pace, agents=s)
        for n, s in ((ahead, agents + 1), (ahead + 1, agents + 1), (ahead, agents))
    )
    assert told is not None
    assert later is not None
    assert slower is not None
    for other in (later, slower):
        assert all(a <= b for a, b in zip(minutes(told), minutes(other), strict=True))


def test_nothing_is_said_without_agents_or_without_calls_to_tell_it_by() -> None:
    assert expected(ahead=1, pace=Pace(100, 24_000), agents=0) is None
    assert expected(ahead=1, pace=Pace(FEWEST - 1, 2_000), agents=3) is None
    assert expected(ahead=1, pace=Pace(FEWEST, 0), agents=3) is None


def test_the_next_of_ten_agents_at_four_minutes_waits_less_than_one() -> None:
    assert expected(ahead=0, pace=Pace(50, 50 * MEAN_S), agents=10) == Range(0, 1)
    assert expected(ahead=9, pace=Pace(50, 50 * MEAN_S), agents=10) == Range(2, 6)
    assert expected(ahead=40, pace=Pace(50, 50 * MEAN_S), agents=1) == Range(60, None)


@pytest.mark.parametrize(("a", "b"), [(1, 10), (5, 50), (40, 12), (7, 7)])
def test_the_quantiles_are_those_of_drawn_values(a: int, b: int) -> None:
    dice = random.Random(a * 100 + b)
    drawn = sorted(dice.betavariate(a, b) for _ in range(20_000))
    for share in (LOW, HIGH):
        x = drawn[int(share * len(drawn))]
        assert odds(a, b, share) == pytest.approx(x / (1 - x), rel=0.03)


def spread_little(dice: random.Random) -> float:
    """Log-normal, the standard deviation six tenths of the mean: as conversations are."""
    sigma = sqrt(log(1 + 0.6**2))
    return dice.lognormvariate(log(MEAN_S) - sigma**2 / 2, sigma)


def simulated(seed: int, agents: int, load: float, handling: Callable[[random.Random], float]) -> tuple[int, int]:
    """First come, first served: how many waits were announced, and how many fell into the exact range."""
    dice = random.Random(seed)
    busy = [0.0] * agents  # when each is free
    lately: deque[tuple[float, float]] = deque(maxlen=MOST)
    under_way: list[tuple[float, float]] = []
    starts: deque[float] = deque()
    at, told, within = 0.0, 0, 0
    for _ in range(12_000):
        at += dice.expovariate(load * agents / MEAN_S)
        while under_way and under_way[0][0] <= at:
            lately.append(heapq.heappop(under_way))
        while starts and starts[0] <= at:
            starts.popleft()
        length = handling(dice)
        start = max(at, heapq.heappop(busy))
        if start > at and len(lately) >= FEWEST:
            mine = sum(one for _, one in lately) / agents
            low, high = (mine * odds(len(starts) + 1, len(lately), share) for share in (LOW, HIGH))
            told, within = told + 1, within + (low <= start - at <= high)
        if start > at:
            starts.append(start)
        heapq.heappush(busy, start + length)
        heapq.heappush(under_way, (start + length, length))
    return told, within


@pytest.mark.parametrize(("agents", "load"), [(3, 0.9), (8, 0.95), (20, 0.97)])
def test_in_an_erlang_queue_four_waits_in_five_are_as_announced(agents: int, load: float) -> None:
    """Metric: EWT. The expected wait is announced as a range, and its error is back-tested."""
    told, within = simulated(7, agents, load, lambda dice: dice.expovariate(1 / MEAN_S))
    assert told > 2_000
    assert within / told == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(("agents", "load"), [(3, 0.9), (8, 0.95), (20, 0.97)])
def test_with_times_as_conversations_have_them_it_errs_on_the_safe_side(agents: int, load: float) -> None:
    told, within = simulated(11, agents, load, spread_little)
    assert told > 1_000
    assert within / told >= 0.8
