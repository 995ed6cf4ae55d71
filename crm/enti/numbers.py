"""One number closed by itself: a fact with who, when and why, for each ente that it serves, and who reopened it.

The others answer meanwhile, so no timetable changes. Whether the hours count is for each ente to say
(`crm.enti.closures.decide`); whoever called it meanwhile is in no figure of the service level.
"""

from collections.abc import Iterable
from uuid import uuid4

from sqlalchemy import update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.db import touch
from crm.core.topics import ente as topic_of
from crm.enti.consent import ClosureStanding
from crm.enti.models import Closure


def shut(
    session: Session, by: Principal, *, contract_id: int, number: str, ente_ids: Iterable[int], reason: str
) -> None:
    """Write down that it is closed from now on. Whoever calls has looked whether `by` may, and whether it was open."""
    at, deed, whose = clock.now(session), uuid4(), sorted(ente_ids)
    session.add_all(
        Closure(
            contract_id=contract_id, ente_id=one, number=number, starts_at=at, ends_at=None, reason=reason,
            message=reason, standing=ClosureStanding.EMERGENCY, proposal=deed, declared_by=by.user_id, declared_at=at,
        )
        for one in whose
    )  # fmt: skip
    session.flush()
    touch(session, *(topic_of(one) for one in whose))


def reopened(session: Session, by: Principal, *, contract_id: int, number: str) -> None:
    """It is open again from now on."""
    whose = session.scalars(
        update(Closure)
        .where(Closure.contract_id == contract_id, Closure.number == number, Closure.ends_at.is_(None))
        .values(ends_at=clock.now(session), reopened_by=by.user_id)
        .returning(Closure.ente_id)
    ).all()
    touch(session, *(topic_of(one) for one in whose if one is not None))
