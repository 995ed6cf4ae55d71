"""What was written is kept for as long as the contract says, then emptied; that it was written stays counted.

With the words goes the number of whoever was never known, and where the outbox sent its answers. What an erasure has
emptied here is followed up there, whichever ente the outbox sent it for.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import and_, case, or_, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.messages import service as messages
from telephony.texts import settings
from telephony.texts.models import TextMessage, TextThread, ThreadState

MOST = 500  # threads of a contract at a time
USUAL = timedelta(days=settings.Wanted(0).kept_days)  # where a contract holds conversations no more
_THREAD, _MESSAGE = table_of(TextThread), table_of(TextMessage)


def forget(database: Database) -> int:
    """Empty what is old; how many threads were touched."""
    due = database.transact(Scope.across_enti(), _due)
    for contract_id, ids in due:
        database.transact(Scope.of_contract(contract_id), partial(_forget, ids=ids))
    return sum(len(ids) for _, ids in due)


def _due(session: Session) -> list[tuple[int, Sequence[UUID]]]:
    wanted, at = settings.all_settings(session), clock.now(session)
    kept = and_(_THREAD.c.forgotten_at.is_(None), _THREAD.c.state == ThreadState.CLOSED)
    found = []
    for contract_id in session.scalars(select(_THREAD.c.contract_id).where(kept).distinct()).all():
        kept_for = wanted[contract_id].kept_for if contract_id in wanted else USUAL
        over = or_(_THREAD.c.closed_at < at - kept_for, _THREAD.c.citizen == "")
        old = select(_THREAD.c.id).where(kept, _THREAD.c.contract_id == contract_id, over).limit(MOST)
        if ids := session.scalars(old.order_by(_THREAD.c.closed_at)).all():
            found.append((contract_id, ids))
    return found


def _forget(session: Session, *, ids: Sequence[UUID]) -> None:
    """What the outbox has not sent yet is left for the next time, and its thread with it."""
    sent = select(_MESSAGE.c.message_id).where(_MESSAGE.c.thread_id.in_(ids), _MESSAGE.c.message_id.is_not(None))
    under_way = messages.forget_addresses(session, session.scalars(sent).all())
    session.execute(update(_MESSAGE).where(_MESSAGE.c.thread_id.in_(ids)).values(body=""))
    waits = select(_MESSAGE.c.thread_id).where(_MESSAGE.c.message_id.in_(under_way))
    session.execute(
        update(_THREAD)
        .where(_THREAD.c.id.in_(ids), _THREAD.c.id.not_in(waits))
        .values(
            forgotten_at=clock.now(session), draft="",
            citizen=case((_THREAD.c.contact_id.is_(None), ""), else_=_THREAD.c.citizen),
        )
    )  # fmt: skip
