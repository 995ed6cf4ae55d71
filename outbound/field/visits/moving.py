"""What becomes of a practice after a visit: the one place in which a visit changes it."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from outbound.field.practices import service
from outbound.field.practices.lifecycle import State
from outbound.field.practices.models import Practice
from outbound.field.visits.consequences import Consequence, Way


def move(session: Session, practice: Practice, what: Consequence, *, why: str, at: datetime) -> None:
    """Do what follows from an outcome given at an instant. Raises `ConflictError` when it changed meanwhile."""
    match what.way:
        case Way.AGAIN:
            practice.not_before = at + timedelta(days=what.days)
        case Way.FREEZE:
            service.hold(session, practice, why=why, at=at)
        case Way.CLOSE:
            assert what.closed is not None
            service.close(session, practice_id=practice.id, closed=what.closed, at=at, by=None)
    session.flush()


def open_to(practice: Practice, agent_id: int) -> bool:
    """Whether what an agent tells of it still changes it: it is his, and neither frozen nor closed."""
    return practice.state is State.ACCEPTED and practice.agent_id == agent_id
