"""Changes to positions: the collection system's statements, and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.core.recordset import each_key
from crm.core.stated import StatedTable
from crm.positions.models import Position, PositionAlias

_STATED = StatedTable(
    Position, key="reference",
    columns=(
        "contact_id", "reference", "notice_number", "tax", "year", "act_kind", "act_number", "act_key", "state",
        "state_on", "state_note", "tax_cents", "sanctions_cents", "interest_cents", "costs_cents", "paid_cents",
        "residual_cents", "issued_on", "due_on", "notification", "notified_on", "notification_note", "payments",
        "instalments", "acts", "steps", "plan",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PositionStatement:
    """What the collection system says of one debt. `values` holds the other columns, ready for JSON."""

    reference: str
    codice_fiscale: str
    as_of: datetime
    digest: str
    values: Mapping[str, Any]
    aliases: tuple[str, ...] = ()  # other numbers by which it is found

    @property
    def key(self) -> str:
        """What tells two positions of an ente apart."""
        return self.reference


@dataclass(frozen=True, slots=True)
class StatedPosition:
    """What is stored of the last statement about a position."""

    contact_id: int
    as_of: datetime
    digest: str


def stated(session: Session, *, ente_id: int, references: Collection[str]) -> dict[str, StatedPosition]:
    """The stored statements about these positions, by reference; unknown ones are absent."""
    rows = _STATED.known(session, ente_id=ente_id, keys=references, names="contact_id")
    return {key: StatedPosition(contact_id, as_of, digest) for key, contact_id, as_of, digest in rows}


def state(
    session: Session, *, ente_id: int, statements: Sequence[PositionStatement], contact_ids: Mapping[str, int]
) -> None:
    """Write statements, at most one a reference; an older one never replaces a newer one.

    `contact_ids` gives the contact of each codice fiscale named.
    """
    if statements:
        rows = [_row(statement, contact_ids[statement.codice_fiscale]) for statement in statements]
        session.execute(_STATED.upsert(ente_id=ente_id, told=_STATED.told(rows)))
        _state_aliases(session, ente_id, statements)


def _state_aliases(session: Session, ente_id: int, statements: Sequence[PositionStatement]) -> None:
    """Make the other numbers of these positions equal to the statements."""
    asked = each_key(sorted(one.reference for one in statements))
    session.execute(
        delete(PositionAlias).where(PositionAlias.ente_id == ente_id, PositionAlias.reference == asked.c.key),
        execution_options={"synchronize_session": False},
    )
    rows = [{"ente_id": ente_id, "reference": one.reference, "key": key} for one in statements for key in one.aliases]
    if rows:
        session.execute(insert(table_of(PositionAlias)).on_conflict_do_nothing(), rows)


def _row(statement: PositionStatement, contact_id: int) -> dict[str, Any]:
    own = {"reference": statement.reference, "contact_id": contact_id, "digest": statement.digest}
    return {**statement.values, **own, "as_of": statement.as_of.isoformat()}
