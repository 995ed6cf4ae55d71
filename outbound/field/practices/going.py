"""What practices ask about agents: who may act, and what speaks for a tie. The one place in which they ask it."""

from sqlalchemy.orm import Session

from crm.core.errors import ForbiddenError
from outbound.field.agents.models import FieldAgent
from outbound.field.agents.queries import active, agent_of, may_act, signs_of, ties

__all__ = ("active", "agent_of", "may_act", "require_agent", "signs_of", "ties")


def require_agent(session: Session, user_id: int) -> FieldAgent:
    """The agent whom a user is. Raises `ForbiddenError` when he is none."""
    found = agent_of(session, user_id)
    if found is None:
        raise ForbiddenError("Chi fa le visite deve essere fra gli agenti: chiedi a chi li gestisce.")
    return found
