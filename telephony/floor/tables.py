"""Tables in memory, with transactions: all of what a transaction writes, or nothing of it."""

from bisect import bisect_left, insort
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

Row = dict[str, Any]  # never changed in place: whoever writes a row puts another in its stead
Key = Any


class Journal:
    """What was written since the transaction began, so that it can be undone."""

    def __init__(self) -> None:
        self._before: list[tuple[Table, Key, Row | None]] = []

    def note(self, table: "Table", key: Key, row: Row | None) -> None:
        """This is how the row was before."""
        self._before.append((table, key, row))

    def commit(self) -> None:
        """What was written stays."""
        self._before.clear()

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """What is written inside is undone when it raises."""
        mark = len(self._before)
        try:
            yield
        except BaseException:
            while len(self._before) > mark:
                table, key, row = self._before.pop()
                table.restore(key, row)
            raise


class Table:
    """Rows by key, found by the keys of indexes too, and in the order of one instant if they have it."""

    def __init__(
        self, journal: Journal, *, order: Callable[[Row], Any] | None = None, **indexes: Callable[[Row], Hashable]
    ) -> None:  # fmt: skip
        """`order` and `indexes` say where a row belongs; none: it is not among them."""
        self._journal = journal
        self._order = order
        self._sorted: list[tuple[Any, Key]] = []
        self._indexes = indexes
        self._found: dict[str, dict[Hashable, dict[Key, None]]] = {name: {} for name in indexes}
        self._last = 0
        self.rows: dict[Key, Row] = {}

    def add(self, values: Row) -> int:
        """A new row with the next number as its key and `id`."""
        self._last += 1
        self.put(self._last, {"id": self._last, **values})
        return self._last

    def put(self, key: Key, row: Row) -> None:
        """Write a row."""
        self._journal.note(self, key, self.rows.get(key))
        self.restore(key, row)

    def change(self, key: Key, values: Mapping[str, object]) -> Row | None:
        """Write columns of a row, if it is there; the row as it was before."""
        row = self.rows.get(key)
        if row is not None:
            self.put(key, {**row, **values})
        return row

    def remove(self, key: Key) -> Row | None:
        """Take a row away; the row."""
        row = self.rows.get(key)
        if row is not None:
            self._journal.note(self, key, row)
            self.restore(key, None)
        return row

    def drop(self, which: Callable[[Row], bool]) -> None:
        """Take rows away for good, outside any transaction."""
        for key in [key for key, row in self.rows.items() if which(row)]:
            self.restore(key, None)

    def by(self, index: str, key: Hashable) -> list[Row]:
        """The rows of a key of an index, in the order of their own keys' coming."""
        return [self.rows[one] for one in self._found[index].get(key, ())]

    def keys(self, index: str) -> list[Any]:
        """The keys under which an index has rows."""
        return list(self._found[index])

    def until(self, instant: Any, *, including: bool = False) -> Iterator[tuple[Key, Row]]:
        """The rows before an instant, in its order. The table must not change meanwhile."""
        for at, key in self._sorted:
            if not (at <= instant if including else at < instant):
                return
            yield key, self.rows[key]

    def first(self) -> Any | None:
        """The first instant."""
        return self._sorted[0][0] if self._sorted else None

    def restore(self, key: Key, row: Row | None) -> None:
        """Write a row, or none, past the journal."""
        before = self.rows.get(key)
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row
        for name, key_of in self._indexes.items():
            was, now = key_of(before) if before else None, key_of(row) if row else None
            if was != now:
                self._move(self._found[name], key, was, now)
        if self._order is not None:
            self._reorder(key, self._order(before) if before else None, self._order(row) if row else None)

    def _move(self, found: dict[Hashable, dict[Key, None]], key: Key, was: Hashable, now: Hashable) -> None:
        if was is not None:
            del found[was][key]
            if not found[was]:
                del found[was]
        if now is not None:
            found.setdefault(now, {})[key] = None

    def _reorder(self, key: Key, was: Any, now: Any) -> None:
        if was == now:
            return
        if was is not None:
            del self._sorted[bisect_left(self._sorted, (was, key))]
        if now is not None:
            insort(self._sorted, (now, key))
