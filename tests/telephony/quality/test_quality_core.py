"""What decides in quality, pure: the score of a form, the draw, and where moments are in a sound."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from telephony.quality.drawing import Candidate, assign, draw, length_of, lot
from telephony.quality.marks import Mark, Moment, marks
from telephony.quality.presets import COLLECTION
from telephony.quality.scoring import NOT_APPLICABLE, VALUES, Criterion, Scale, differing, result, unmarked

CRITERIA = st.lists(
    st.builds(
        Criterion, st.text("abcdef", min_size=1, max_size=6), st.just("x"), st.just(""), st.sampled_from(Scale),
        st.integers(1, 100), st.booleans(),
    ),
    min_size=1, max_size=8, unique_by=lambda one: one.key,
)  # fmt: skip


@st.composite
def marked(draw_: st.DrawFn) -> tuple[list[Criterion], dict[str, str]]:
    criteria = draw_(CRITERIA)
    return criteria, {one.key: draw_(st.sampled_from(one.marks)) for one in criteria}


@given(marked())
def test_a_score_is_between_0_and_100_and_none_of_nothing(form: tuple[list[Criterion], dict[str, str]]) -> None:
    criteria, given_ = form
    found = result(criteria, given_)
    applies = [one for one in criteria if given_[one.key] != NOT_APPLICABLE]
    assert (found.score is None) == (not applies)
    assert found.score is None or 0 <= found.score <= 100
    assert unmarked(criteria, given_) == ()


@given(marked(), st.data())
def test_a_better_mark_never_lowers_a_score_nor_fails_a_call(
    form: tuple[list[Criterion], dict[str, str]], data: st.DataObject
) -> None:
    criteria, given_ = form
    applies = [one for one in criteria if given_[one.key] != NOT_APPLICABLE]
    if applies:
        one = data.draw(st.sampled_from(applies))
        best = max(VALUES[one.scale], key=lambda mark: VALUES[one.scale][mark])
        before, after = result(criteria, given_), result(criteria, {**given_, one.key: best})
        assert before.score is not None
        assert after.score is not None
        assert after.score >= before.score
        assert set(after.missed) <= set(before.missed)


@given(marked(), st.integers(2, 9))
def test_weights_are_relative_and_what_does_not_apply_has_none(
    form: tuple[list[Criterion], dict[str, str]], times: int
) -> None:
    criteria, given_ = form
    heavier = [Criterion(c.key, c.words, c.help, c.scale, c.weight * times, c.critical) for c in criteria]
    assert result(heavier, given_) == result(criteria, given_)
    applies = [one for one in criteria if given_[one.key] != NOT_APPLICABLE]
    assert result(applies, given_) == result(criteria, given_)


@given(marked(), st.integers(0, 100))
def test_a_critical_criterion_missed_fails_the_call_whatever_the_score(
    form: tuple[list[Criterion], dict[str, str]], pass_mark: int
) -> None:
    criteria, given_ = form
    found = result(criteria, given_)
    assert bool(found.missed) == any(one.critical and given_[one.key] in {"no", "1"} for one in criteria)
    assert found.passes(pass_mark) == (not found.missed and (found.score is None or found.score >= pass_mark))


def test_the_preset_by_hand() -> None:
    well = {one.key: "5" if one.scale is Scale.FIVE else "yes" for one in COLLECTION}
    assert result(COLLECTION, well).score == Decimal("100.0")
    told_first = result(COLLECTION, {**well, "identity": "no"})
    assert (told_first.score, told_first.missed, told_first.passes(70)) == (Decimal("80.0"), ("identity",), False)
    middling = {**well, "answer": "3", "note": "na"}  # (20 + 15 + 12.5 + 30) / 90
    assert result(COLLECTION, middling).score == Decimal("86.1")
    assert differing(COLLECTION, well, middling) == ("answer", "note")


# -- the draw -----------------------------------------------------------------------------------------------------

CANDIDATES = st.lists(
    st.builds(Candidate, st.uuids(version=4), st.integers(1, 5), st.tuples(st.sampled_from(["a", "b", "c"]))),
    unique_by=lambda one: one.call_id, max_size=40,
)  # fmt: skip
SEEDS = st.text("0123456789abcdef", min_size=8, max_size=8)


@given(CANDIDATES, st.integers(1, 5), SEEDS, st.randoms())
def test_of_every_agent_as_many_are_drawn_and_anybody_computes_the_same(
    candidates: list[Candidate], per_agent: int, seed: str, random: object
) -> None:
    """Rule: drawn, not aimed."""
    drawn = draw(candidates, per_agent, seed)
    for agent in range(1, 6):
        has = sum(one.agent_id == agent for one in candidates)
        assert sum(one.agent_id == agent for one in drawn) == min(has, per_agent)
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis's own
    assert draw(shuffled, per_agent, seed) == drawn, "the order in which they are found decides nothing"


@given(CANDIDATES, SEEDS)
def test_a_kind_is_drawn_again_only_once_each_other_has_been(candidates: list[Candidate], seed: str) -> None:
    drawn = draw(candidates, 4, seed)
    for agent in range(1, 6):
        kinds = [one.stratum for one in drawn if one.agent_id == agent]
        there = {one.stratum for one in candidates if one.agent_id == agent}
        assert len(set(kinds)) == min(len(there), len(kinds))


@given(CANDIDATES, st.sets(st.integers(1, 8), max_size=4), SEEDS)
def test_nobody_hears_himself_and_the_work_is_shared(
    candidates: list[Candidate], evaluators: set[int], seed: str
) -> None:
    hears = assign(candidates, sorted(evaluators), seed)
    agent_of = {one.call_id: one.agent_id for one in candidates}
    assert all(agent_of[call] != who for call, who in hears.items())
    assert all((call in hears) == bool(evaluators - {agent}) for call, agent in agent_of.items())
    if not evaluators & set(agent_of.values()) and evaluators:
        loads = [list(hears.values()).count(who) for who in evaluators]
        assert max(loads) - min(loads) <= 1


def test_the_lot_is_what_the_page_says() -> None:
    call = UUID(int=7)
    assert lot("ab", call) == "0f43a3f8f7a03e2457413f3b81027d80832233aef228227a1d17f1cf8620edd6"
    assert [length_of(one) for one in (0, 119, 120, 299, 300)] == ["short", "short", "middle", "middle", "long"]


# -- moments ------------------------------------------------------------------------------------------------------

BEGAN = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def at(second: int) -> datetime:
    return BEGAN + timedelta(seconds=second)


def test_moments_are_where_they_are_heard() -> None:
    log = [
        ("Identified", at(10)), ("HoldAsked", at(20)), ("BackAsked", at(50)), ("RecordingPaused", at(60)),
        ("HoldAsked", at(65)), ("RecordingResumed", at(70)), ("BackAsked", at(80)), ("PassAsked", at(90)),
    ]  # fmt: skip
    assert marks(log, BEGAN, 40) == [
        Mark(Moment.IDENTIFIED, 10), Mark(Moment.HELD, 20), Mark(Moment.BACK, 20), Mark(Moment.LEFT_OUT, 30),
        Mark(Moment.HELD, 30), Mark(Moment.BACK, 30), Mark(Moment.PASSED, 40),
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(["Identified", "HoldAsked", "BackAsked", "RecordingPaused", "RecordingResumed"]),
                       st.integers(-100, 3000)), max_size=30),
    st.integers(0, 2000),
)  # fmt: skip
def test_moments_are_within_the_sound_and_in_their_order(log: list[tuple[str, int]], seconds: int) -> None:
    found = marks([(kind, at(second)) for kind, second in sorted(log, key=lambda one: one[1])], BEGAN, seconds)
    places = [one.second for one in found]
    assert places == sorted(places)
    assert all(0 <= one <= seconds for one in places)
