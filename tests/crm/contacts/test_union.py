"""Merging is exact: what is undone leaves what the other merges make, and their order does not matter."""

from hypothesis import given
from hypothesis import strategies as st

from crm.contacts.union import Edge, Group, group_of, groups

PEOPLE = st.integers(1, 8)


@st.composite
def merges(draw: st.DrawFn) -> list[Edge]:
    """Merges as the service makes them: never inside a group."""
    made: list[Edge] = []
    for kept, merged in draw(st.lists(st.tuples(PEOPLE, PEOPLE), max_size=12)):
        if merged not in group_of(groups(made), kept).members:
            made.append(Edge(kept, merged))
    return made


def members(edges: list[Edge]) -> set[frozenset[int]]:
    return {group.members for group in groups(edges).values()}


@given(merges(), st.data())
def test_the_order_of_merges_does_not_matter(made: list[Edge], data: st.DataObject) -> None:
    assert members(data.draw(st.permutations(made))) == members(made)


@given(merges(), PEOPLE, PEOPLE)
def test_a_merge_undone_never_was(made: list[Edge], kept: int, merged: int) -> None:
    before = groups(made)
    if merged not in group_of(before, kept).members:
        after = [*made, Edge(kept, merged)]
        assert merged in group_of(groups(after), kept).members
        assert groups([edge for edge in after if edge != Edge(kept, merged)]) == before


@given(merges(), st.data())
def test_undoing_any_merge_splits_its_group_in_two_and_touches_no_other(made: list[Edge], data: st.DataObject) -> None:
    if not made:
        return
    undone = data.draw(st.sampled_from(made))
    before, after = groups(made), groups([edge for edge in made if edge != undone])
    one, other = group_of(after, undone.kept), group_of(after, undone.merged)
    assert one.members.isdisjoint(other.members)
    assert one.members | other.members == group_of(before, undone.kept).members
    for contact in set(before) - one.members - other.members:
        assert group_of(after, contact) == group_of(before, contact)


@given(merges())
def test_one_of_a_group_stands_for_all(made: list[Edge]) -> None:
    found = groups(made)
    for contact, group in found.items():
        assert contact in group.members
        assert group.standing in group.members
        assert all(found[other] == group for other in group.members)


def test_whoever_was_kept_stands_for_the_others() -> None:
    assert groups([Edge(1, 2), Edge(3, 1)])[2] == Group(3, frozenset({1, 2, 3}))
    assert group_of({}, 7) == Group(7, frozenset({7}))
