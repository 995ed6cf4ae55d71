"""What becomes of a practice after a visit: the one place in which a visit changes it."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from outbound.field.practices.lifecycle import Deed, MandateState, State, after
from outbound.field.practices.models import FieldMandate, Practice
from outbound.field.visits.consequences import Consequence, Way


def move(
    session: Session, practice: Practice, mandate: FieldMandate, what: Consequence, *, why: str, at: datetime
) -> None:
    """Do what follows from an outcome given at an instant. Raises `ConflictError` when it changed meanwhile."""
    match what.way:
        case Way.AGAIN:
            practice.not_before = at + timedelta(days=what.days)
        case Way.FREEZE:
            practice.state, practice.frozen_why = after(practice.state, Deed.FREEZE), why
        case Way.CLOSE:
            practice.state, practice.closed, practice.closed_at = after(practice.state, Deed.CLOSE), what.closed, at
            mandate.state, mandate.ended_at = MandateState.ENDED, at
    session.flush()


def open_to(practice: Practice, agent_id: int) -> bool:
    """Whether what an agent tells of it still changes it: it is his, and neither frozen nor closed."""
    return practice.state is State.ACCEPTED and practice.agent_id == agent_id
