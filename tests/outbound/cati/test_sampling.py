"""Shares of strata, cells, dispositions and comparisons: what holds of all of them, whatever the numbers."""

from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbound.cati.aapor import Disposition, Group
from outbound.cati.cases import Heard, disposition
from outbound.cati.checking import drawn, share_of
from outbound.cati.comparing import Share, Work, usual_seconds
from outbound.cati.quotas import STRATUM, Cell, cell_of, distance
from outbound.cati.sampling import Allocation, allocated
from outbound.compliance.rules import Ended, Reason

POPULATIONS = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.integers(0, 10_000), max_size=8)
SPREADS = st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.fractions(0, 50, max_denominator=10))


@given(POPULATIONS, st.integers(0, 20_000), st.sampled_from(Allocation), SPREADS)
def test_a_sample_is_shared_out_whole_and_never_beyond_who_is_there(
    people: dict[str, int], size: int, how: Allocation, spread: dict[str, Fraction]
) -> None:
    shares = allocated(people, size, how, spread)
    assert sum(shares.values()) == min(size, sum(people.values()))
    assert all(0 <= shares[name] <= count for name, count in people.items())


@given(POPULATIONS, st.integers(0, 20_000))
def test_proportional_shares_are_within_one_of_exact(people: dict[str, int], size: int) -> None:
    whole = sum(people.values())
    for name, share in allocated(people, size, Allocation.PROPORTIONAL).items():
        assert abs(share - Fraction(min(size, whole) * people[name], whole or 1)) < 1


def test_the_three_ways_as_a_textbook_has_them() -> None:
    people = {"a": 600, "b": 300, "c": 100}
    assert allocated(people, 100, Allocation.PROPORTIONAL) == {"a": 60, "b": 30, "c": 10}
    assert allocated(people, 90, Allocation.EQUAL) == {"a": 30, "b": 30, "c": 30}
    assert allocated({**people, "c": 10}, 90, Allocation.EQUAL) == {"a": 40, "b": 40, "c": 10}
    spread = {"a": Fraction(1), "b": Fraction(2), "c": Fraction(6)}  # N·s: 600, 600, 600
    assert allocated(people, 99, Allocation.NEYMAN, spread) == {"a": 33, "b": 33, "c": 33}
    with pytest.raises(ValueError, match="-1"):
        allocated(people, -1, Allocation.EQUAL)


ENDS = st.frozensets(st.sampled_from(Ended))


@given(ENDS, st.none() | st.sampled_from(Disposition), st.none() | st.sampled_from(Reason))
def test_every_case_has_a_disposition_and_an_interview_s_own_stands(
    ended: frozenset[Ended], interview: Disposition | None, why: Reason | None
) -> None:
    found = disposition(Heard(ended, interview, why))
    assert found is (interview or found)
    if interview is None:
        assert found.group not in {Group.I, Group.P, Group.R}, "only an interview says so"
        if not ended:
            assert found is (Disposition.DEAD if why is Reason.DECEASED else Disposition.NOT_ATTEMPTED)


@pytest.mark.parametrize(
    ("ended", "why", "becomes"),
    [
        ({Ended.BUSY, Ended.NO_ANSWER}, None, Disposition.NO_ANSWER),
        ({Ended.MACHINE, Ended.NO_ANSWER}, None, Disposition.MACHINE),
        ({Ended.ANSWERED, Ended.MACHINE}, None, Disposition.NEVER_AVAILABLE),
        ({Ended.FAILED}, None, Disposition.TECHNICAL),
        ({Ended.FAILED}, Reason.EXHAUSTED, Disposition.NOT_WORKING),
        ({Ended.FAILED, Ended.BUSY}, Reason.EXHAUSTED, Disposition.BUSY),
        ({Ended.NO_ANSWER}, Reason.DECEASED, Disposition.DEAD),
    ],
)
def test_of_several_attempts_the_one_that_tells_most_decides(
    ended: set[Ended], why: Reason | None, becomes: Disposition
) -> None:
    assert disposition(Heard.of(ended, None, why)) is becomes
    assert disposition(Heard.of([None], None, None)) is Disposition.TECHNICAL, "nobody told how it ended"


def test_of_which_cell_somebody_is_as_soon_as_it_is_known() -> None:
    cells = [Cell(n, STRATUM, zone, "ok", ok, 5, 5 * n) for n, (zone, ok) in enumerate([("A", "y"), ("A", "n")])]
    assert cell_of(cells, {STRATUM: "A"}) is None
    assert cell_of(cells, {STRATUM: "B", "ok": "y"}) is None
    found = cell_of(cells, {STRATUM: "A", "ok": "n"})
    assert found is cells[1]
    assert found.is_full


@given(st.integers(0, 1000), st.integers(0, 2000))
def test_how_far_a_cell_is_from_its_target(target: int, done: int) -> None:
    found = distance(target, done)
    assert 0 <= found <= 100
    assert (found == 0) == (target == 0 or done >= target) or 0 < target - done < target / 100 + 1
    assert distance(target, done + 1) <= found


@given(st.integers(0, 200), st.integers(1, 100), st.integers(0, 2**31))
def test_a_share_of_the_interviews_is_drawn_and_the_same_seed_draws_the_same(
    count: int, percent: int, seed: int
) -> None:
    all_of_them = [UUID(int=n) for n in range(count)]
    found = drawn(all_of_them, percent, seed)
    assert len(set(found)) == share_of(count, percent) >= min(count, 1)
    assert found == drawn(all_of_them[::-1], percent, seed)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_of_a_share_holds_it(some: int, others: int) -> None:
    share = Share(some, some + others)
    low, high = share.interval()
    assert 0 <= low <= high <= 1
    if share.value is not None:
        assert low - 1e-9 <= share.value <= high + 1e-9


def test_an_interviewer_differs_only_where_chance_does_not_explain_it() -> None:
    usual = Share(20, 100)
    assert not Share(2, 4).differs(usual), "of four, a half is nothing"
    assert Share(50, 100).differs(usual)
    assert not Share(0, 0).differs(usual)
    assert Share(1, 2).interval() == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_who_asks_twice_as_fast_as_the_others_is_seen() -> None:
    works = [Work(1, 9, 4, 0, (100, 110, 120, 130), 0, 40), Work(2, 9, 2, 0, (40, 100), 0, 20)]
    usual = usual_seconds(works)
    assert usual == 105
    assert [one.speeders(usual) for one in works] == [0, 1]
    assert usual_seconds(works[1:]) is None
