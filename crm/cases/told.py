"""What is told of a case: its steps, the taxpayer's timeline, the access log, and whoever watches."""

from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Principal
from crm.audit import queries as audit_queries
from crm.audit import service as audit
from crm.cases import having
from crm.cases.lifecycle import Deed, Outcome
from crm.cases.models import Case, CaseStep, CaseTeam
from crm.core import topics
from crm.core.db import touch
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind

ON_TIMELINE = UUID("8a4b6f7e-3c0d-4b61-9a5e-2f7d0c9b1e34")  # the namespace in which a case's number is an id


def label(row: Case) -> str:
    """How people call it: the year, and its number in it."""
    return f"{row.year}/{row.number}"


def step(
    session: Session, by: Principal | None, row: Case, deed: Deed, at: datetime, *, words: str = "",
    message_id: UUID | None = None, outcome: Outcome | None = None, **more: object,
) -> None:  # fmt: skip
    """A deed was done: it is among the case's steps, on the timeline and in the access log. `by` none: the system.

    `more`: what else the access log says of it.
    """
    if by is not None and row.busy_id == by.user_id:  # he has done it
        row.busy_id = row.busy_at = None
    session.flush()
    session.add(
        CaseStep(
            ente_id=row.ente_id, case_id=row.id, deed=deed, at=at, made_by=by.user_id if by else None,
            state=row.state, outcome=outcome, words=words, message_id=message_id,
        )
    )  # fmt: skip
    session.flush()
    note(
        session, by, row, f"case.{deed.value}", state=row.state.value,
        **({"outcome": outcome.value} if outcome else {}), **({"reason": words} if words else {}), **more,
    )  # fmt: skip
    _on_timeline(session, row)
    touch(session, topics.cases(row.ente_id))
    for one in sorted(having.followers(session, row)):
        touch(session, topics.agent(one))


def note(session: Session, by: Principal | None, row: Case, kind: str, **what: object) -> None:
    """In the access log, under the taxpayer's key where there is one."""
    audit.note(
        session, by, kind=kind, ente_id=row.ente_id, contact_id=row.contact_id, subject=_subject(row),
        call_id=row.call_id if kind == f"case.{Deed.OPEN.value}" else None,
        after=what if row.contact_id is not None else {name: what[name] for name in what if name != "reason"},
    )  # fmt: skip


def opened(session: Session, by: Principal, row: Case, *, refreshed: bool) -> bool:
    """Somebody reads it: the access log says so. `refreshed`: his page shows it anew by itself; that he opened it is
    there already, and nothing is noted. Whether he opened it.
    """
    if not refreshed or not audit_queries.has_open(
        session, by, kind="case.looked", ente_id=row.ente_id, contact_id=row.contact_id, subject=_subject(row)
    ):
        note(session, by, row, "case.looked")
    return not refreshed


def moved(session: Session, row: Case) -> None:
    """Something about it is shown otherwise, and nothing was done."""
    touch(session, topics.cases(row.ente_id))


def _subject(row: Case) -> str:
    return f"case:{label(row)}"


def _on_timeline(session: Session, row: Case) -> None:
    if row.contact_id is None:
        return
    owner = session.get(User, row.owner_id) if row.owner_id else session.get(CaseTeam, row.team_id or 0)
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.CASE,
        source=uuid5(ON_TIMELINE, str(row.id)), occurred_at=row.opened_at, author_id=row.opened_by,
        status=row.state.value,
        detail={
            "case": row.id, "number": label(row), "topic": row.topic.value, "note": row.asked,
            "outcome": row.outcome.value if row.outcome else None, "owner": owner.name if owner else None,
            "due_at": row.due_at.isoformat() if row.due_at else None,
            "closed_at": row.closed_at.isoformat() if row.closed_at else None,
        },
    )  # fmt: skip
