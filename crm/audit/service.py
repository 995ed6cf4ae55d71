"""Writing the audit, in the transaction of what it tells."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit import keys
from crm.audit.chain import about
from crm.audit.models import AuditEntry
from crm.core import clock

MAX_REASON = 200
SEARCHED = "file.searched"
ONE_SEARCH = timedelta(minutes=1)  # boxes search while people type


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


def note_search(session: Session, by: Principal, found: Iterable[int]) -> None:
    """Somebody looked for a person and was shown these: `found` is the ente of each.

    How many of each ente is noted, not what he looked for nor whom he found: whose data he opens has an entry of its
    own. Within a minute of such an entry it is the same search, typed further.
    """
    counts = Counter(found)
    entry = AuditEntry
    mine = entry.actor_id == by.user_id, entry.occurred_at > clock.now(session) - ONE_SEARCH, entry.kind == SEARCHED
    noted = set(session.scalars(select(entry.ente_id).where(*mine)))
    for ente_id in sorted(counts.keys() - noted):
        note(session, by, kind=SEARCHED, ente_id=ente_id, after={"found": counts[ente_id]})
