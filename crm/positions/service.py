"""Changes to positions: the collection system's statements, and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import literal, or_, select, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core.recordset import each_key, incoming
from crm.positions.models import Position

STATED_COLUMNS = (
    "contact_id", "reference", "notice_number", "tax", "year", "act_kind", "act_number", "state", "state_on",
    "state_note", "tax_cents", "sanctions_cents", "interest_cents", "costs_cents", "paid_cents",
    "residual_cents", "issued_on", "due_on", "notification", "notified_on", "notification_note", "payments",
    "instalments", "as_of", "digest",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PositionStatement:
    """What the collection system says of one debt. `values` holds the other columns, ready for JSON."""

    reference: str
    codice_fiscale: str
    as_of: datetime
    digest: str
    values: Mapping[str, Any]

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
    wanted = each_key(references)
    found = (
        select(Position.ente_id, Position.contact_id, Position.as_of, Position.digest)
        .where(Position.reference == wanted.c.key)
        .offset(0)
        .lateral("found")
    )
    rows = session.execute(
        select(wanted.c.key, found.c.contact_id, found.c.as_of, found.c.digest)
        .select_from(wanted.join(found, true()))
        .where(found.c.ente_id == ente_id)
    )
    return {key: StatedPosition(contact_id, as_of, digest) for key, contact_id, as_of, digest in rows}


def state(
    session: Session, *, ente_id: int, statements: Sequence[PositionStatement], contact_ids: Mapping[str, int]
) -> None:
    """Write statements, at most one a reference; an older one never replaces a newer one.

    `contact_ids` gives the contact of each codice fiscale named.
    """
    if not statements:
        return
    rows = [_row(statement, contact_ids[statement.codice_fiscale]) for statement in statements]
    told = incoming(Position.__table__, STATED_COLUMNS, rows)
    upsert = insert(Position).from_select(
        ["ente_id", *STATED_COLUMNS],
        select(literal(ente_id), *(told.c[name] for name in STATED_COLUMNS)),
        include_defaults=False,
    )
    new = upsert.excluded
    session.execute(
        upsert.on_conflict_do_update(
            index_elements=[Position.ente_id, Position.reference],
            set_={name: new[name] for name in STATED_COLUMNS if name != "reference"},
            where=or_(new.as_of > Position.as_of, (new.as_of == Position.as_of) & (new.digest != Position.digest)),
        )
    )


def _row(statement: PositionStatement, contact_id: int) -> dict[str, Any]:
    own = {"reference": statement.reference, "contact_id": contact_id, "digest": statement.digest}
    return {**statement.values, **own, "as_of": statement.as_of.isoformat()}
