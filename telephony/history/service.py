"""Taking in calls of another system: each once, with its facts and what it adds to the counters, in one transaction."""

import json
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Text, bindparam, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from crm.core.recordset import incoming
from crm.levels import queries as levels
from crm.levels.metering import MEASURES, Account, Counts, contribution
from crm.levels.models import ServiceDelta
from crm.levels.terms import in_force
from telephony.history.models import ImportedCall
from telephony.history.reading import PastCall

_COLUMNS = table_of(ImportedCall).c
_DIALECT: Any = postgresql.dialect()  # type: ignore[no-untyped-call]
_NAMES = ", ".join(column.name for column in _COLUMNS)
_TYPED = ", ".join(f"{one.name} {one.type.compile(_DIALECT)}" for one in _COLUMNS)
# What was seen of each call, in the order in which it happened; of one that came while it was closed, nothing counts.
_ADD = text(
    f"""
    WITH new AS (
        INSERT INTO imported_call ({_NAMES})
        SELECT {_NAMES} FROM json_to_recordset(CAST(:calls AS json)) AS told ({_TYPED})
        ON CONFLICT DO NOTHING RETURNING *
    ), facts AS (
        INSERT INTO service_fact (
            contract_id, ente_id, queue_id, channel, subject, kind, waited_ms, occurred_at, recorded_at, repaired,
            imported, callers, agent_id
        )
        SELECT contract_id, ente_id, queue_id, 'phone', id, fact.kind, fact.waited_ms, fact.at, :at, false, true,
               callers, CASE WHEN fact.kind IN ('served', 'left') THEN agent_id END
        FROM new CROSS JOIN LATERAL (VALUES
            (1, 'received', started_at, 0::bigint, outcome <> 'closed'),
            (2, 'turned_away', started_at, 0, outcome = 'turned_away'),
            (3, 'entered', entered_at, 0, entered_at IS NOT NULL),
            (4, 'served', answered_at, waited_ms, answered_at IS NOT NULL),
            (5, 'left', CASE WHEN answered_at IS NULL THEN coalesce(left_at, ended_at) ELSE ended_at END, waited_ms,
             entered_at IS NOT NULL)
        ) AS fact (place, kind, at, waited_ms, seen)
        WHERE fact.seen ORDER BY id, fact.place
    )
    SELECT id FROM new
    """  # noqa: S608  # names of ours
).bindparams(bindparam("calls", type_=Text))


_FIELDS = tuple(PastCall.__dataclass_fields__)
_values_of = attrgetter(*_FIELDS)  # `asdict` would copy each value, which takes longer than all the rest
_DELTAS = table_of(ServiceDelta)


def take_in(session: Session, contract_id: int, calls: Sequence[PastCall]) -> int:
    """Write those of a contract's calls that are not there yet; how many."""
    by_id = {call.id: call for call in calls}
    if not by_id:
        return 0
    told = json.dumps([dict(zip(_FIELDS, _values_of(call), strict=True)) for call in by_id.values()], default=str)
    new = session.execute(_ADD, {"calls": told, "at": clock.now(session)}).scalars().all()
    counted: dict[Account, Counts] = {}
    versions = levels.terms(session, contract_id)
    for call_id in new:
        call = by_id[call_id]
        where = call.account
        counts = contribution(call.measured, in_force(versions, where.quarter))
        counted[where] = counted[where] + counts if where in counted else counts
    deltas = [_delta(where, counts) for where, counts in counted.items() if counts]
    if deltas:
        rows = incoming(_DELTAS, deltas[0].keys(), deltas)
        session.execute(insert(_DELTAS).from_select([*deltas[0]], select(*rows.c)))
    return len(new)


def _delta(where: Account, counts: Counts) -> dict[str, Any]:
    return {
        "contract_id": where.contract_id, "ente_id": where.ente_id, "queue_id": where.queue_id,
        "callers": where.callers, "quarter": where.quarter.isoformat(),
        **dict(zip(MEASURES, counts.values, strict=True)),
    }  # fmt: skip
