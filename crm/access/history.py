"""What was done to an account, in its own history and in the audit, in the transaction of what it tells."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.access.models import EventKind, UserEvent
from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.core import clock


def record(
    session: Session, by: Principal | None, *, user_id: int, kind: EventKind, ente_id: int | None = None,
    reason: str = "", before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Somebody (none: the user himself while signing in, or the system) did something to a user's account.

    The audit's entries of an ente are the ente's; the history is of whoever may manage the user.
    """
    session.execute(
        insert(UserEvent).values(
            user_id=user_id, at=clock.now(session), by_id=by.user_id if by else None, kind=kind.value,
            detail={"before": dict(before or {}), "after": dict(after or {}), "reason": reason, "ente": ente_id},
        )
    )  # fmt: skip
    audit.note(
        session,
        by,
        kind=kind.value,
        ente_id=ente_id,
        subject=f"user:{user_id}",
        reason=reason,
        before=before,
        after=after,
    )
