"""Who is one person: contacts joined by merges, each of which can be undone whatever came after it.

A merge is an edge between the two contacts that somebody compared. The groups are what the edges connect; taking an
edge away leaves the groups that the others make, so that undoing is exact and the order of merges does not matter.
No edge is made inside a group, where undoing it would change nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edge:
    """Two contacts are one person; `kept` is the one that stands for both."""

    kept: int
    merged: int


@dataclass(frozen=True, slots=True)
class Group:
    """The contacts of one person, and the one that stands for all."""

    standing: int
    members: frozenset[int]


def groups(edges: Iterable[Edge]) -> Mapping[int, Group]:
    """The group of each contact that is in an edge. Of two groups that an edge joins, the kept one's head stands."""
    found: dict[int, Group] = {}
    for edge in edges:
        kept, merged = group_of(found, edge.kept), group_of(found, edge.merged)
        if kept != merged:
            joined = Group(kept.standing, kept.members | merged.members)
            found.update(dict.fromkeys(joined.members, joined))
    return found


def group_of(found: Mapping[int, Group], contact: int) -> Group:
    """A contact's group; by himself when nobody is joined to him."""
    return found.get(contact) or Group(contact, frozenset({contact}))
