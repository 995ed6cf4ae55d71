"""Which of several statements about the same thing stands, and whether it is still there, whatever the order in which
they arrive.

The later `as_of` stands. Of two with the same `as_of`, the one read later stands: a corrected file may be sent again
under its old instant.

Something is there if it was last said to be there no earlier than it was last said to be gone. It is said to be there
by a statement, as of the statement; and by a full feed that names it, as of the feed. It is said to be gone by a
withdrawal; and by a full feed that does not name it. What full feeds say takes effect at their end, and only if no
later one ended before (`crm.collection.ending`). So of what is there, the last word is that of its statement or of the
last full feed, and of what is gone, that of `withdrawn_as_of` or of the last full feed: nothing more is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Generic, Protocol, TypeVar


class Dated(Protocol):
    """What is stored of a statement."""

    @property
    def as_of(self) -> datetime: ...

    @property
    def digest(self) -> str: ...


class Stored(Dated, Protocol):
    """The same, with since when it is gone."""

    @property
    def withdrawn_as_of(self) -> datetime | None: ...


class Keyed(Dated, Protocol):
    """A statement that arrives."""

    @property
    def key(self) -> str: ...


S = TypeVar("S", bound=Keyed)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The sender says that something is gone."""

    key: str
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Merged(Generic[S]):
    """What is to be written, one a key at most in each.

    `standing` are statements; `gone` says of each since when it is withdrawn, or None. `marked` are stored rows of
    which only that changes. `unknown` were withdrawn, and never told. `altered` are the keys that read otherwise than
    before; the others of `standing` say the same as of later. Counts are of records, as if one by one.
    """

    standing: dict[str, S] = field(default_factory=dict)
    gone: dict[str, datetime | None] = field(default_factory=dict)
    marked: dict[str, datetime | None] = field(default_factory=dict)
    unknown: dict[str, datetime] = field(default_factory=dict)
    altered: frozenset[str] = frozenset()
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0


class _News(Enum):
    CREATED = auto()
    CHANGED = auto()
    CONFIRMED = auto()  # the same, as of later
    GONE = auto()
    NONE = auto()


class _Fate:
    """What becomes of one key."""

    __slots__ = ("as_of", "digest", "gone", "present")

    def __init__(self, stored: Stored | None, full_as_of: datetime | None, tombstone: datetime | None) -> None:
        self.as_of = stored.as_of if stored else None
        self.digest = stored.digest if stored else ""
        last = stored.withdrawn_as_of if stored else tombstone
        is_there = stored is not None and last is None
        self.present = _latest(self.as_of, full_as_of) if is_there else None
        self.gone = None if is_there else _latest(last, full_as_of)

    def state(self, statement: Dated, present: datetime) -> _News:
        if self.as_of is None:
            news = _News.CREATED
        elif statement.as_of < self.as_of:
            return _News.NONE
        elif statement.digest != self.digest:
            news = _News.CHANGED
        else:
            news = _News.CONFIRMED if statement.as_of > self.as_of else _News.NONE
        self.as_of, self.digest = statement.as_of, statement.digest
        self.present = _latest(self.present, present)
        if self.gone is not None and present >= self.gone:
            self.gone = None
            news = _News.CHANGED if news is not _News.CREATED else news
        return news

    def withdraw(self, as_of: datetime) -> _News:
        if self.gone is not None or self.as_of is None:
            self.gone = _latest(self.gone, as_of)
            return _News.NONE
        if self.present is not None and as_of < self.present:
            return _News.NONE
        self.gone = as_of
        return _News.GONE


def merge(
    known: Mapping[str, Stored],
    told: Iterable[S | Withdrawal],
    *,
    full_as_of: datetime | None = None,
    tombstones: Mapping[str, datetime] | None = None,
    present: Mapping[str, datetime] | None = None,
    uncounted: int = 0,
) -> Merged[S]:
    """Fold what is told, in the order of its lines, over what is stored.

    `full_as_of` is that of the last full feed; `tombstones` are earlier withdrawals of what was never told; `present`
    says of statements that were set aside as of when a full feed named them. The first `uncounted` of what is told
    were counted when they arrived.
    """
    tombstones, present = tombstones or {}, present or {}
    fates: dict[str, _Fate] = {}
    standing: dict[str, S] = {}
    altered: set[str] = set()
    counts = dict.fromkeys(_News, 0)
    for number, one in enumerate(told):
        key = one.key
        fate = fates.get(key)
        if fate is None:
            fate = fates[key] = _Fate(known.get(key), full_as_of, tombstones.get(key))
        if isinstance(one, Withdrawal):
            news = fate.withdraw(one.as_of)
        else:
            news = fate.state(one, present.get(key, one.as_of))
            if news is not _News.NONE:
                standing[key] = one
        if news not in {_News.NONE, _News.CONFIRMED}:
            altered.add(key)
        if number >= uncounted:
            counts[news] += 1
    rest = {key: fate for key, fate in fates.items() if key not in standing}
    return Merged(
        standing,
        {key: fates[key].gone for key in standing},
        {key: fate.gone for key, fate in rest.items() if key in known and fate.gone != _before(known[key], full_as_of)},
        {key: fate.gone for key, fate in rest.items() if key not in known and fate.gone is not None},
        frozenset(altered),
        counts[_News.CREATED],
        counts[_News.CHANGED] + counts[_News.GONE],
        counts[_News.CONFIRMED] + counts[_News.NONE],
        counts[_News.GONE],
    )


def _before(stored: Stored, full_as_of: datetime | None) -> datetime | None:
    """Since when it was gone before anything was told: unless that moved there is nothing to write."""
    return None if stored.withdrawn_as_of is None else _latest(stored.withdrawn_as_of, full_as_of)


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return max(one, other)
