"""Records that came before their taxpayer: set aside, and taken up when he is told, in whichever feed that is."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.collection.models import Of, WaitingRecord
from crm.core.db import table_of
from crm.documents.service import DocumentStatement
from crm.positions.service import PositionStatement

MOST = 100_000  # of one run: a feed without its taxpayers is a mistake, not a delay

Awaiting = PositionStatement | DocumentStatement

_WAITING = table_of(WaitingRecord)


@dataclass(frozen=True, slots=True)
class Waited:
    """Statements of one kind that waited, and as of when each was last named."""

    statements: list[Awaiting] = field(default_factory=list)
    present: dict[str, datetime] = field(default_factory=dict)


def kind_of(statement: Awaiting) -> Of:
    """What a statement is about."""
    return Of.POSITION if isinstance(statement, PositionStatement) else Of.DOCUMENT


def set_aside(session: Session, *, ente_id: int, statements: Iterable[Awaiting], named_as_of: datetime | None) -> None:
    """Keep statements until their taxpayers are told; of two about one thing the later, or the one read later.

    `named_as_of` is the instant of the full feed that holds them.
    """
    latest: dict[tuple[Of, str], Awaiting] = {}
    for one in statements:
        key = kind_of(one), one.key
        if key not in latest or one.as_of >= latest[key].as_of:
            latest[key] = one
    if not latest:
        return
    rows = [
        {
            "ente_id": ente_id, "of": of, "reference": reference, "codice_fiscale": one.codice_fiscale,
            "as_of": one.as_of, "present_as_of": max(one.as_of, named_as_of or one.as_of), "digest": one.digest,
            "content": json.loads(one.row),
        }
        for (of, reference), one in latest.items()
    ]  # fmt: skip
    statement = insert(_WAITING).values(rows)
    new, stored = statement.excluded, _WAITING.c
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[stored.ente_id, stored.of, stored.reference],
            set_={name: new[name] for name in ("codice_fiscale", "as_of", "present_as_of", "digest", "content")},
            where=new.as_of >= stored.as_of,
        )
    )


def take_up(session: Session, *, ente_id: int, codici_fiscali: Collection[str]) -> dict[Of, Waited]:
    """What waited for these taxpayers; it waits no longer."""
    rows = session.execute(
        delete(_WAITING)
        .where(_WAITING.c.ente_id == ente_id, _WAITING.c.codice_fiscale.in_(codici_fiscali))
        .returning(*_WAITING.c)
    ).all()
    taken: dict[Of, Waited] = {}
    for row in rows:
        statement = PositionStatement if row.of is Of.POSITION else DocumentStatement
        waited = taken.setdefault(row.of, Waited())
        waited.statements.append(
            statement(row.reference, row.codice_fiscale, row.as_of, row.digest, json.dumps(row.content))
        )
        waited.present[row.reference] = row.present_as_of
    return taken


def forget(session: Session, *, ente_id: int, before: datetime) -> None:
    """A full feed ended without naming what was last named before it: that waits for nobody."""
    session.execute(delete(_WAITING).where(_WAITING.c.ente_id == ente_id, _WAITING.c.present_as_of < before))
