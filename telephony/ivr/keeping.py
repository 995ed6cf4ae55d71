"""What a caller keyed is let go: what he said in a conversation with the end of his call, what a flow collected later.

PINs and codes are in neither: they are compared as they are keyed, and never kept.
"""

from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti.models import Contract
from crm.privacy.holders import rows_of
from telephony.appointments import state as appointments
from telephony.callbacks import dialog
from telephony.ivr.turns import MARKED, RECORDING
from telephony.selfservice import dialogue

MOST = 1_000  # calls at a time
# A conversation's own names have a colon, which those of digits that a flow collects cannot have.
_LET_GO = text("""
    WITH over AS (
        SELECT call.id, call.ended_at <= :due AS old
        FROM call
        WHERE call.contract_id = :contract AND call.keyed AND call.ended_at IS NOT NULL
          AND (call.ended_at <= :due OR (call.ivr -> 'kept') ?| :conversations)
        ORDER BY call.ended_at LIMIT :most
    ), left_over AS (
        SELECT call.id, coalesce(jsonb_object_agg(one.name, one.value) FILTER (
            WHERE one.name = ANY (:no_digits) OR (NOT over.old AND one.name NOT LIKE '%:%')), '{}') AS kept
        FROM over JOIN call ON call.id = over.id, jsonb_each(call.ivr -> 'kept') AS one (name, value)
        GROUP BY call.id
    )
    UPDATE call SET ivr = jsonb_set(ivr, '{kept}', left_over.kept),
        keyed = EXISTS (SELECT FROM jsonb_object_keys(left_over.kept) AS name WHERE name <> ALL (:no_digits))
    FROM left_over WHERE call.id = left_over.id
""")
_WORDS: dict[str, Any] = {
    "conversations": [dialogue.STAGE, dialog.STAGE, appointments.STAGE],
    "no_digits": [RECORDING, MARKED],
    "most": MOST,
}


def forget(database: Database) -> int:
    """Let go what is due, also of enti that no contract covers any more; how many calls were touched."""
    with database.begin(Scope.nothing()) as session:
        days = {
            row.id: timedelta(days=row.keyed_days) for row in session.execute(select(Contract.id, Contract.keyed_days))
        }
    return sum(
        database.transact(Scope.across_enti(), partial(_forget, contract_id=one, after=after))
        for one, after in sorted(days.items())
    )


def _forget(session: Session, *, contract_id: int, after: timedelta) -> int:
    due = clock.now(session) - after
    return rows_of(session.execute(_LET_GO, {**_WORDS, "contract": contract_id, "due": due}))
