"""For how long an operator worked for a campaign: pure."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from outbound.dialer.worked import SHORT, Looked, Span, stretches, united, within, without, worked_ms
from telephony.agents.models import Activity
from telephony.agents.presence import Stated

NINE = datetime(2026, 10, 6, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTE_MS = 60_000
CALL, OTHER = uuid4(), uuid4()


def at(minutes: float) -> datetime:
    return NINE + minutes * MINUTE


def span(first: float, last: float) -> Span:
    return at(first), at(last)


def looked(first: float, last: float, *, found: bool = True) -> Looked:
    return Looked(at(first), at(last), found)


spans = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90)).map(lambda two: span(*sorted(two))), max_size=6)
activities = st.lists(st.tuples(st.integers(0, 90), st.sampled_from(Activity), st.sampled_from([None, CALL, OTHER])))
facts = activities.map(
    lambda some: [Stated(at(n), what, None, call) for n, what, call in sorted(some, key=lambda o: o[0])]
)


def length(of: list[Span]) -> timedelta:
    return sum((end - start for start, end in of), timedelta())


def test_who_looks_first_works_from_his_question_to_his_notes_and_between_two_if_it_is_short() -> None:
    """Metric: outbound per hour."""
    assert stretches([looked(0, 4), looked(6, 9)]) == [span(0, 9)]
    assert stretches([looked(0, 4), looked(15, 16)]) == [span(0, 4), span(15, 16)], "he did something else"
    assert stretches([looked(0, 4), looked(4 + SHORT / MINUTE, 20)]) == [span(0, 20)], "as long as a claim"


def test_nobody_to_call_ends_it_until_somebody_is_there_again() -> None:
    """Metric: outbound per hour. He asked twice, in vain, and the minutes after each are none of ours."""
    asked = [looked(0, 4), looked(5, 5, found=False), looked(8, 8, found=False), looked(9, 12)]
    assert stretches(asked) == [span(0, 5), span(9, 12)]
    assert stretches([looked(0, 0, found=False)]) == []


def test_a_pause_a_caller_and_a_gap_are_none_of_its_time() -> None:
    """Metric: outbound per hour."""
    did = [
        Stated(at(0), Activity.READY), Stated(at(10), Activity.TALKING, None, CALL),
        Stated(at(15), Activity.WRAP_UP, None, CALL), Stated(at(16), Activity.PAUSED), Stated(at(20), Activity.READY),
        Stated(at(30), Activity.TALKING, None, OTHER), Stated(at(40), Activity.READY),
    ]  # fmt: skip
    assert worked_ms(did, [span(0, 60)], {CALL}) == (16 + 10 + 20) * MINUTE_MS
    assert worked_ms(did, without([span(0, 60)], [span(50, 90)]), {CALL}) == (16 + 10 + 10) * MINUTE_MS
    assert worked_ms([], [span(0, 60)], {CALL}) == 0, "of whom nothing is known"


@given(spans, spans)
def test_what_is_left_without_gaps_and_what_lies_in_them_are_the_whole(some: list[Span], gaps: list[Span]) -> None:
    left = without(some, gaps)
    cut = [one for gap in united(gaps) for one in within(united(some), *gap)]
    assert length(left) + length(cut) == length(united(some))
    assert left == united(left)


@given(facts, spans, st.integers(0, 90))
def test_cut_at_any_instant_the_parts_add_up(did: list[Stated], some: list[Span], n: int) -> None:
    """So a month is the sum of its days."""
    whole = united(some)
    parts = [within(whole, at(0), at(n)), within(whole, at(n), at(90))]
    told = worked_ms(did, whole, {CALL})
    assert sum(worked_ms(did, part, {CALL}) for part in parts) == told
    assert told <= length(whole) / timedelta(milliseconds=1)
