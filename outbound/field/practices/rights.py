"""Who may do what with practices: the company that manages them, the ente that has somebody visited, the agent."""

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on, scope_for

DECIDES = (Permission.FIELD_MANAGE, Permission.FIELD_APPROVE)


def require_deciding(session: Session, by: Principal, ente_id: int) -> None:
    """Raises `ForbiddenError` unless `by` manages visits for the ente, or decides about them in its name."""
    held = [one for one in DECIDES if by.can(one) and ente_id in (scope_for(session, by, one).enti or ())]
    require_on(session, by, held[0] if held else DECIDES[0], ente_id=ente_id)


def require_managing(session: Session, by: Principal, ente_id: int) -> None:
    """Raises `ForbiddenError` unless `by` manages visits for the ente."""
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=ente_id)
