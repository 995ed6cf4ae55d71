"""Positions that came before their taxpayer: set aside, and taken up when he is told, in whichever feed that is."""

import json
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.collection.models import WaitingPosition
from crm.core.db import table_of
from crm.positions.service import PositionStatement

MOST = 100_000  # of one run: a feed without its taxpayers is a mistake, not a delay

_WAITING = table_of(WaitingPosition)


def set_aside(
    session: Session, *, ente_id: int, statements: Iterable[PositionStatement], named_as_of: datetime | None
) -> None:
    """Keep statements until their taxpayers are told; of two about one position the later, or the one read later.

    `named_as_of` is the instant of the full feed that holds them.
    """
    latest: dict[str, PositionStatement] = {}
    for one in statements:
        if one.reference not in latest or one.as_of >= latest[one.reference].as_of:
            latest[one.reference] = one
    if not latest:
        return
    rows = [
        {
            "ente_id": ente_id, "reference": one.reference, "codice_fiscale": one.codice_fiscale, "as_of": one.as_of,
            "present_as_of": max(one.as_of, named_as_of or one.as_of), "digest": one.digest,
            "content": json.loads(one.row),
        }
        for one in latest.values()
    ]  # fmt: skip
    statement = insert(_WAITING).values(rows)
    new, stored = statement.excluded, _WAITING.c
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[stored.ente_id, stored.reference],
            set_={name: new[name] for name in ("codice_fiscale", "as_of", "present_as_of", "digest", "content")},
            where=new.as_of >= stored.as_of,
        )
    )


def take_up(
    session: Session, *, ente_id: int, codici_fiscali: Collection[str]
) -> tuple[list[PositionStatement], dict[str, datetime]]:
    """What waited for these taxpayers, and as of when each position was last named; it waits no longer."""
    rows = session.execute(
        delete(_WAITING)
        .where(_WAITING.c.ente_id == ente_id, _WAITING.c.codice_fiscale.in_(codici_fiscali))
        .returning(*_WAITING.c)
    ).all()
    statements = [
        PositionStatement(row.reference, row.codice_fiscale, row.as_of, row.digest, json.dumps(row.content))
        for row in rows
    ]
    return statements, {row.reference: row.present_as_of for row in rows}


def forget(session: Session, *, ente_id: int, before: datetime) -> None:
    """A full feed ended without naming what was last named before it: that waits for nobody."""
    session.execute(delete(_WAITING).where(_WAITING.c.ente_id == ente_id, _WAITING.c.present_as_of < before))
