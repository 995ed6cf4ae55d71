"""Writing the audit, in the transaction of what it tells."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import keys
from crm.audit.chain import about
from crm.audit.models import AuditEntry
from crm.core import clock

MAX_REASON = 200
ONE_DEED = timedelta(minutes=1)


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
    With a contact all of these and the reason are kept under his key. Without one they stay in clear for as long as
    the entry: put no personal value of a taxpayer there, but ids.
    """
    at, actor_id = clock.now(session), by.user_id if by else None
    said: dict[str, Any] = {"subject": subject, "before": dict(before or {}), "after": dict(after or {})}
    reason, secret = reason[:MAX_REASON], None
    if ente_id is not None and contact_id is not None:
        if reason or any(said.values()):
            bound = about(
                ente_id=ente_id, contact_id=contact_id, kind=kind, occurred_at=at, actor_id=actor_id, call_id=call_id
            )
            secret = keys.encrypted(session, (ente_id, contact_id), {**said, "reason": reason}, about=bound)
        said, reason = {}, ""
    session.execute(
        insert(AuditEntry).values(
            ente_id=ente_id, contact_id=contact_id, kind=kind, occurred_at=at, actor_id=actor_id,
            place=by.place if by else "", call_id=call_id, reason=reason, detail=said, secret=secret,
        )
    )  # fmt: skip


def note_once(
    session: Session, by: Principal, *, kind: str, ente_id: int, contact_id: int | None = None,
    call_id: UUID | None = None,
) -> None:  # fmt: skip
    """Somebody reads something page by page, or by a page and its live socket: one deed, noted once in a minute."""
    entry = AuditEntry
    noted = exists().where(
        entry.actor_id == by.user_id, entry.occurred_at > clock.now(session) - ONE_DEED, entry.kind == kind,
        entry.ente_id == ente_id, entry.contact_id == contact_id, entry.call_id.is_not_distinct_from(call_id),
    )  # fmt: skip
    if not session.execute(select(noted)).scalar_one():
        note(session, by, kind=kind, ente_id=ente_id, contact_id=contact_id, call_id=call_id)
