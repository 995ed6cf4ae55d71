"""Thresholds: raised when they are passed for long enough, cleared when it has been calm, and never to and fro."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from telephony.alerts.judging import CALM, TOO_FEW, AlertKind, State, Verdict, is_over, step
from telephony.alerts.measures import Facts, Threshold, measured

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LIMIT = Decimal(5)
kinds = st.sampled_from(AlertKind)
looks = st.lists(
    st.tuples(st.floats(0.5, 90), st.integers(0, 10).map(Decimal)), min_size=1, max_size=80
)  # seconds since the look before, and what was measured


def played(
    kind: AlertKind, after: timedelta, story: list[tuple[float, Decimal]]
) -> list[tuple[datetime, Decimal, State, Verdict]]:
    state, now, found = State(), AT, []
    for seconds, figure in story:
        now += timedelta(seconds=seconds)
        state, verdict = step(state, kind, LIMIT, after, figure, now)
        found.append((now, figure, state, verdict))
    return found


def test_as_much_as_the_threshold_passes_nothing() -> None:
    assert not is_over(AlertKind.WAITING, LIMIT, LIMIT)
    assert is_over(AlertKind.WAITING, LIMIT + 1, LIMIT)
    assert not is_over(AlertKind.READY, LIMIT, LIMIT)
    assert is_over(AlertKind.READY, LIMIT - 1, LIMIT)


def test_a_level_is_missed_or_not_whatever_its_threshold_says() -> None:
    for limit in (Decimal(0), LIMIT):
        assert is_over(AlertKind.LEVEL, Decimal(1), limit)
        assert not is_over(AlertKind.LEVEL, Decimal(0), limit)


@given(kinds, st.integers(0, 120).map(lambda s: timedelta(seconds=s)), looks)
def test_an_alert_is_raised_and_cleared_in_turn_and_lasts_a_minute_at_least(
    kind: AlertKind, after: timedelta, story: list[tuple[float, Decimal]]
) -> None:
    said = [(now, verdict) for now, _, _, verdict in played(kind, after, story) if verdict is not Verdict.NOTHING]
    turns = [verdict for _, verdict in said]
    assert turns == [Verdict.RAISE, Verdict.CLEAR] * (len(turns) // 2) + [Verdict.RAISE] * (len(turns) % 2)
    for (raised, verdict), (cleared, _) in pairwise(said):
        if verdict is Verdict.RAISE:
            assert cleared - raised >= CALM


@given(kinds, st.integers(1, 120).map(lambda s: timedelta(seconds=s)), looks)
def test_it_is_raised_only_after_it_was_over_all_that_while(
    kind: AlertKind, after: timedelta, story: list[tuple[float, Decimal]]
) -> None:
    seen = played(kind, after, story)
    for i, (now, _, _, verdict) in enumerate(seen):
        if verdict is Verdict.RAISE:
            while_over = [one for one in seen[: i + 1] if one[0] >= now - after]
            assert all(is_over(kind, m, LIMIT) for _, m, _, _ in while_over)


@given(kinds, looks)
def test_while_it_stays_over_for_long_enough_an_alert_stands(
    kind: AlertKind, story: list[tuple[float, Decimal]]
) -> None:
    bad = Decimal(0) if kind in TOO_FEW else Decimal(9)
    seen = played(kind, timedelta(seconds=30), [*story, *[(10.0, bad)] * 4])
    assert seen[-1][2].raised


def test_crossing_to_and_fro_raises_one_alert() -> None:
    story: list[tuple[float, Decimal]] = [(10, Decimal(9 if i % 2 else 1)) for i in range(100)]
    seen = played(AlertKind.WAITING, timedelta(), story)
    assert [verdict for *_, verdict in seen if verdict is not Verdict.NOTHING] == [Verdict.RAISE]


def test_what_was_said_in_the_evening_is_over_at_night_and_told_anew_in_the_morning() -> None:
    """Nobody is ready, the lines close, and open again with nobody ready."""
    rule = Threshold(AlertKind.READY, LIMIT)
    day, night = Facts(ready={None: 0}), Facts(ready={None: 0}, asked=frozenset())
    story = [(30.0, measured(rule, one)) for one in [day] * 3 + [night] * 4 + [day] * 3]
    said = [verdict for *_, verdict in played(rule.kind, timedelta(), story) if verdict is not Verdict.NOTHING]
    assert said == [Verdict.RAISE, Verdict.CLEAR, Verdict.RAISE]


@given(kinds.filter(lambda kind: kind is not AlertKind.READY), st.integers(1, 9).map(Decimal))
def test_where_there_is_nothing_to_be_said_nothing_is_passed(kind: AlertKind, limit: Decimal) -> None:
    """No level is promised or known, no screen hangs, nobody waits: also for a queue or a number of its own."""
    for rule in (Threshold(kind, limit), Threshold(kind, limit, queue_id=1), Threshold(kind, limit, line="+39055")):
        assert not is_over(kind, measured(rule, Facts()), limit)
    assert not is_over(AlertKind.READY, measured(Threshold(AlertKind.READY, limit, queue_id=1), Facts()), limit)
