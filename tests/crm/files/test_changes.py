"""What is said to have changed in a file: neither more nor less than what has."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as some

from crm.files.changes import Change, changes
from crm.positions.models import PositionState
from crm.positions.views import PositionView
from tests.crm.positions.test_summary import TARI

Known = dict[int, tuple[PositionState, int, str]]
POSITIONS = some.dictionaries(
    some.integers(1, 6),
    some.tuples(
        some.sampled_from([PositionState.TO_PAY, PositionState.PAID, PositionState.SUSPENDED]),
        some.sampled_from([0, 81200]), some.sampled_from("ab"),
    ),
)  # fmt: skip


def held(known: Known) -> list[PositionView]:
    """Positions by what is known of them; the digest is of all of it, and of what nobody compares."""
    return [
        replace(TARI, id=key, state=state, residual_cents=cents, digest=f"{state}{cents}{rest}")
        for key, (state, cents, rest) in known.items()
    ]


@given(POSITIONS, POSITIONS)
def test_each_position_that_is_otherwise_is_told_once_and_no_other(before: Known, after: Known) -> None:
    found = changes(held(before), held(after))
    told = {one.position.id: one for one in found}
    assert len(told) == len(found)
    assert told.keys() == {key for key in {*before, *after} if before.get(key) != after.get(key)}
    for key, one in told.items():
        assert (one.is_new, one.is_gone) == (key not in before, key not in after)
        if key in before and key in after:
            assert (one.state is None) == (before[key][0] == after[key][0])
    assert not changes(held(after), held(after))


def test_what_was_paid_is_told_with_both_sums() -> None:
    due = replace(TARI, digest="a")
    paid = replace(TARI, digest="b", state=PositionState.PAID, residual_cents=0)
    assert changes([due], [paid]) == (Change(paid, owed=(81200, 0), state=(PositionState.OVERDUE, PositionState.PAID)),)
    assert changes([due], [replace(due, digest="c")]) == (Change(replace(due, digest="c")),)
