"""Writing the audit, in the transaction of what it tells."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.core import clock

MAX_REASON = 200


def note(
    session: Session,
    by: Principal | None,
    *,
    kind: str,
    ente_id: int | None,
    contact_id: int | None = None,
    subject: str = "",
    reason: str = "",
    call_id: UUID | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Somebody (none: the system) read or changed something of an ente's (none: users, configuration).

    `subject` says what it is about where there is no contact; `before` and `after` hold what changed, as JSON values.
    """
    session.execute(
        insert(AuditEntry).values(
            ente_id=ente_id, contact_id=contact_id, kind=kind, occurred_at=clock.now(session),
            actor_id=by.user_id if by else None, place=by.place if by else "", call_id=call_id,
            reason=reason[:MAX_REASON],
            detail={"subject": subject, "before": dict(before or {}), "after": dict(after or {})},
        )
    )  # fmt: skip
