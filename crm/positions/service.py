"""Changes to positions: the collection system's statements, and nothing else."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.core.passing import Passing
from crm.core.recordset import each_key, with_more
from crm.core.stated import Silence, StatedTable
from crm.positions.models import Position, PositionAlias

ALIASES = "aliases"
TOLD = "told"  # in what is printed: the collection system told it, and we did not gather it from a first statement


def _as_issued(stored: Any, new: Any) -> ColumnElement[Any]:
    """What is printed on a notice stays what it was, whatever is learnt of its debt; unless it is told otherwise."""
    same = (stored.notice_number == new.notice_number) & stored.printed.is_not(None)
    return case((new.printed.has_key(TOLD), new.printed), (same, stored.printed), else_=new.printed)


_STATED = StatedTable(
    Position, key="reference",
    columns=(
        "contact_id", "reference", "notice_number", "tax", "year", "act_kind", "act_number", "act_key", "state",
        "state_on", "state_note", "tax_cents", "sanctions_cents", "interest_cents", "costs_cents", "paid_cents",
        "residual_cents", "issued_on", "due_on", "notification", "notified_on", "notification_note", "payments",
        "instalments", "acts", "steps", "plan", "printed",
    ),
    merged={"printed": _as_issued},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PositionStatement(Passing):
    """What the collection system says of one debt. `row` holds the columns in JSON, all but the contact.

    Beside the columns it has, under `ALIASES`, other numbers by which the debt is found, if there are any.
    """

    reference: str
    codice_fiscale: str
    as_of: datetime
    digest: str
    row: str

    @property
    def key(self) -> str:
        """What tells two positions of an ente apart."""
        return self.reference


@dataclass(frozen=True, slots=True)
class StatedPosition:
    """What is stored of the last statement about a position."""

    id: int
    contact_id: int
    as_of: datetime
    digest: str
    withdrawn_as_of: datetime | None


def stated(session: Session, *, ente_id: int, references: Collection[str]) -> dict[str, StatedPosition]:
    """The stored statements about these positions, by reference; unknown ones are absent."""
    rows = _STATED.known(session, ente_id=ente_id, keys=references, more=("contact_id",))
    return {row.key: StatedPosition(row.id, row.contact_id, row.as_of, row.digest, row.withdrawn_as_of) for row in rows}


def state(
    session: Session, *, ente_id: int, statements: Sequence[PositionStatement], contact_ids: Mapping[str, int],
    gone: Mapping[str, datetime | None],
) -> None:  # fmt: skip
    """Write statements, at most one a reference; an older one never replaces a newer one.

    `contact_ids` gives the contact of each codice fiscale named, `gone` since when a position is withdrawn.
    """
    if not statements:
        return
    rows = (
        with_more(one.row, contact_id=contact_ids[one.codice_fiscale], withdrawn_as_of=gone.get(one.reference))
        for one in statements
    )
    session.execute(_STATED.upsert(ente_id=ente_id, told=_STATED.told(rows)))
    _state_aliases(session, ente_id, statements)


def _state_aliases(session: Session, ente_id: int, statements: Sequence[PositionStatement]) -> None:
    """Make the other numbers of these positions equal to the statements. Most have none: their rows are not read."""
    asked = each_key(sorted(one.reference for one in statements))
    session.execute(
        delete(PositionAlias).where(PositionAlias.ente_id == ente_id, PositionAlias.reference == asked.c.key),
        execution_options={"synchronize_session": False},
    )
    rows = [
        {"ente_id": ente_id, "reference": one.reference, "key": key}
        for one in statements
        if f'"{ALIASES}"' in one.row
        for key in json.loads(one.row).get(ALIASES, ())
    ]
    if rows:
        session.execute(insert(table_of(PositionAlias)).on_conflict_do_nothing(), rows)


def withdraw(session: Session, *, ente_id: int, ids: Collection[int], as_of: datetime | None) -> None:
    """The collection system no longer has these positions as of an instant; or (None) it has them again."""
    if ids:
        session.execute(_STATED.withdraw(ente_id=ente_id, ids=ids, as_of=as_of))


def unnamed(session: Session, silence: Silence) -> dict[str, tuple[int, int]]:
    """By tax: how many positions there are, and how many of them a full feed no longer has."""
    return {row.tax.value: (row.rows, row.unnamed) for row in _STATED.count_unnamed(session, silence, "tax")}


def withdraw_unnamed(session: Session, silence: Silence, *, after: str, limit: int) -> tuple[str | None, set[int], int]:
    """Withdraw some of what a full feed no longer has: the last key, or None when none is left; contacts; how many."""
    rows = _STATED.withdraw_unnamed(session, silence, after=after, limit=limit, more=("contact_id",))
    return (rows[-1].key if rows else None), {row.contact_id for row in rows}, len(rows)


def revive_named(session: Session, silence: Silence) -> None:
    """Positions that a full feed names are there as of the feed."""
    _STATED.revive_named(session, silence)
