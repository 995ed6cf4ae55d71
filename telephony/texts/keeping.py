"""What was written is kept for as long as the contract says, then emptied; that it was written stays counted."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope, table_of
from telephony.texts import settings
from telephony.texts.models import TextMessage, TextThread

MOST = 500  # threads at a time
USUAL = timedelta(days=settings.Wanted(0).kept_days)  # where a contract holds conversations no more
_THREAD, _MESSAGE = table_of(TextThread), table_of(TextMessage)


def forget(database: Database) -> int:
    """Empty what is old; how many threads were touched."""
    return database.transact(Scope.across_enti(), _forget)


def _forget(session: Session) -> int:
    wanted, at = settings.all_settings(session), clock.now(session)
    contracts = session.execute(select(_THREAD.c.contract_id).distinct()).scalars().all()
    touched = 0
    for contract_id in contracts:
        kept_for = wanted[contract_id].kept_for if contract_id in wanted else USUAL
        old = (
            select(_THREAD.c.id)
            .join(_MESSAGE, _MESSAGE.c.thread_id == _THREAD.c.id)
            .where(_THREAD.c.contract_id == contract_id, _THREAD.c.closed_at < at - kept_for, _MESSAGE.c.body != "")
            .distinct()
            .limit(MOST)
        )
        ids = session.execute(old).scalars().all()
        session.execute(update(_MESSAGE).where(_MESSAGE.c.thread_id.in_(ids)).values(body=""))
        touched += len(ids)
    return touched
