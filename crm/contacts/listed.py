"""Tables whose rows a collection system's statement lists whole under its contact: the newest list stands."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    any_,
    bindparam,
    case,
    delete,
    exists,
    false,
    literal,
    or_,
    select,
)
from sqlalchemy import update as update_of
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.contacts.models import Source, Verification
from crm.core.db import Base, table_of
from crm.core.recordset import incoming


class ListedTable:
    """One such table, of a model that says who told what (`models.Told`): what tells its rows apart and
    the other columns that a statement fills.

    A row that the newest statement does not list goes, unless somebody else said something of it.
    """

    def __init__(self, model: type[Base], *, key: tuple[str, ...], columns: tuple[str, ...] = ()) -> None:
        self._table = table_of(model)
        self._key, self._columns = key, columns
        self._defaults: dict[str, Any] = {"source": Source.GESTIONALE, "stated": True}
        if "verification" in self._table.c:
            self._defaults["verification"] = Verification.UNVERIFIED

    def replace(
        self, session: Session, *, ente_id: int, rows: Sequence[Mapping[str, Any]], known: Collection[int]
    ) -> None:
        """Make what is stated equal to `rows`, each with its `contact_id` and unlike the others in its key.

        `known` are the contacts of the statements that may have rows already.
        """
        if known:
            self._let_go(session, ente_id, rows, known)
        if rows:
            self._write(session, ente_id, rows)

    def _let_go(
        self, session: Session, ente_id: int, rows: Sequence[Mapping[str, Any]], known: Collection[int]
    ) -> None:
        stored = self._table.c
        told = incoming(self._table, ("contact_id", *self._key), rows)
        still_told = exists().where(*(told.c[name] == stored[name] for name in ("contact_id", *self._key)))
        ids = bindparam("ids", list(known), type_=ARRAY(BigInteger))
        gone = (stored.ente_id == ente_id, stored.contact_id == any_(ids), stored.stated, ~still_told)
        session.execute(delete(self._table).where(*gone, *self._nobody_elses()))
        session.execute(update_of(self._table).where(*gone).values(stated=False))

    def _nobody_elses(self) -> tuple[ColumnElement[bool], ...]:
        """Nobody but the collection system told the row, found out whether it is right, or used it."""
        stored = self._table.c
        if "verification" in stored:
            return (
                stored.source == Source.GESTIONALE, stored.verification == Verification.UNVERIFIED,
                stored.outcome.is_(None),
            )  # fmt: skip
        return (stored.source == Source.GESTIONALE,)

    def _write(self, session: Session, ente_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """A row that people told first keeps what they told, and is stated from now on."""
        names = ("contact_id", *self._key, *self._columns)
        told = incoming(self._table, names, rows)
        constants = {"ente_id": literal(ente_id)} | {
            name: literal(value, self._table.c[name].type) for name, value in self._defaults.items()
        }
        statement = insert(self._table).from_select(
            [*constants, *names], select(*constants.values(), *(told.c[name] for name in names)),
            include_defaults=False,
        )  # fmt: skip
        stored, new = self._table.c, statement.excluded
        ours = stored.source == Source.GESTIONALE
        differs = or_(false(), *(stored[name].is_distinct_from(new[name]) for name in self._columns))
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["ente_id", "contact_id", *self._key],
                set_={
                    "stated": True,
                    **{name: case((ours, new[name]), else_=stored[name]) for name in self._columns},
                },
                where=or_(~stored.stated, ours & differs),
            )
        )
