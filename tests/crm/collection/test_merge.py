"""The order in which statements arrive does not change what stands."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from crm.collection.merge import merge

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Statement:
    key: str
    as_of: datetime
    digest: str
    withdrawn_as_of: datetime | None = None


@st.composite
def histories(draw: st.DrawFn) -> list[Statement]:
    """Statements of which no two about one key claim the same instant."""
    told = draw(st.dictionaries(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), st.sampled_from("xyz")))
    return [Statement(key, START + timedelta(days=day), digest) for (key, day), digest in told.items()]


def stored(batches: list[list[Statement]]) -> dict[str, Statement]:
    state: dict[str, Statement] = {}
    for batch in batches:
        state |= merge(state, batch).standing
    return state


@given(histories(), st.data())
def test_any_order_any_repetition_any_batches(history: list[Statement], data: st.DataObject) -> None:
    told = data.draw(st.permutations(history + history[: data.draw(st.integers(0, len(history)))]))
    cut = data.draw(st.integers(0, len(told)))
    expected = {statement.key: statement for statement in sorted(history, key=lambda one: one.as_of)}
    assert stored([list(told[:cut]), list(told[cut:])]) == stored([list(told)]) == expected


@given(histories(), st.data())
def test_counts_do_not_depend_on_batches(history: list[Statement], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(history)))
    first = merge({}, history[:cut])
    second = merge(dict(first.standing), history[cut:])
    whole = merge({}, history)
    for count in ("created", "changed", "unchanged"):
        assert getattr(first, count) + getattr(second, count) == getattr(whole, count)


def test_of_two_of_the_same_instant_the_later_read_stands() -> None:
    first, second = Statement("a", START, "x"), Statement("a", START, "y")
    assert merge({"a": first}, [second]).standing == {"a": second}


def test_a_confirmation_moves_the_instant_and_counts_as_unchanged() -> None:
    confirmed = Statement("a", START + timedelta(days=1), "x")
    merged = merge({"a": Statement("a", START, "x")}, [confirmed])
    assert (merged.standing, merged.altered, merged.unchanged) == ({"a": confirmed}, frozenset(), 1)
