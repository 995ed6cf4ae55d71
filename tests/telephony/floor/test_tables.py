"""Tables in memory: what a transaction wrote is there as a whole, or not at all; indexes find what rows say."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from telephony.floor.tables import Journal, Row, Table

KEYS, VALUES = st.integers(0, 4), st.integers(0, 3)
WRITES = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, VALUES), st.tuples(st.just("remove"), KEYS, VALUES),
        st.tuples(st.just("change"), KEYS, VALUES),
    ),
    max_size=8,
)  # fmt: skip
ATTEMPTS = st.lists(st.tuples(WRITES, WRITES, st.booleans(), st.booleans()), max_size=6)


class _UndoneError(Exception):
    pass


def _write(table: Table, rows: dict[int, Row], writes: list[tuple[str, int, int]]) -> None:
    """Each on the table and on the model."""
    for what, key, value in writes:
        row: Row = {"id": key, "value": value}
        match what:
            case "put":
                table.put(key, row)
                rows[key] = row
            case "change" if key in rows:
                assert table.change(key, {"value": value}) == rows[key]
                rows[key] = row
            case "change":
                assert table.change(key, {"value": value}) is None
            case _:
                assert table.remove(key) == rows.pop(key, None)


@given(ATTEMPTS)
def test_a_transaction_is_whole_also_within_another(attempts: list[tuple[Any, Any, bool, bool]]) -> None:
    journal = Journal()
    table = Table(journal, order=lambda row: row["value"] or None, odd=lambda row: row["value"] % 2 or None)
    rows: dict[int, Row] = {}
    for outer, inner, inner_fails, outer_fails in attempts:
        kept = dict(rows)
        try:
            with journal.attempt():
                _write(table, rows, outer)
                within = dict(rows)
                try:
                    with journal.attempt():
                        _write(table, rows, inner)
                        if inner_fails:
                            raise _UndoneError
                except _UndoneError:
                    rows = within
                if outer_fails:
                    raise _UndoneError
        except _UndoneError:
            rows = kept
        else:
            journal.commit()
        assert table.rows == rows
        ordered = sorted((row["value"], key) for key, row in rows.items() if row["value"])
        assert [key for key, _ in table.until(2, including=True)] == [key for value, key in ordered if value <= 2]
        assert table.first() == (ordered[0][0] if ordered else None)
        odd = {key for key, row in rows.items() if row["value"] % 2}
        assert {row["id"] for row in table.by("odd", 1)} == odd
        assert table.keys("odd") == ([1] if odd else [])
