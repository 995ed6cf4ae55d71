"""Which of several statements about the same thing stands, whatever the order in which they arrive.

The later `as_of` stands. Of two with the same `as_of`, the one read later stands: a corrected file may be
sent again under its old instant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """What is stored of a statement."""

    @property
    def as_of(self) -> datetime: ...

    @property
    def digest(self) -> str: ...


class Keyed(Dated, Protocol):
    """A statement that arrives."""

    @property
    def key(self) -> str: ...


S = TypeVar("S", bound=Keyed)


@dataclass(frozen=True, slots=True)
class Merged(Generic[S]):
    """`standing` are to be written, one a key; `altered` the keys among them whose content is new.

    The others of `standing` say the same as before, as of later. Counts are of records, as if one by one.
    """

    standing: dict[str, S]
    altered: frozenset[str]
    created: int
    changed: int
    unchanged: int


def merge(known: Mapping[str, Dated], statements: Iterable[S]) -> Merged[S]:
    """Fold statements, in the order of their lines, over what is stored."""
    standing: dict[str, S] = {}
    altered: set[str] = set()
    created = changed = unchanged = 0
    for statement in statements:
        key = statement.key
        current: Dated | None = standing.get(key) or known.get(key)
        if current is None:
            created += 1
            altered.add(key)
        elif statement.as_of < current.as_of:
            unchanged += 1
            continue
        elif statement.digest != current.digest:
            changed += 1
            altered.add(key)
        else:
            unchanged += 1
            if statement.as_of == current.as_of:
                continue
        standing[key] = statement
    return Merged(standing, frozenset(altered), created, changed, unchanged)
