"""Who may do what with cases."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on, scope_for
from crm.cases.lifecycle import Who
from crm.core.errors import ForbiddenError

OF: Mapping[Who, Permission] = MappingProxyType(
    {
        Who.OPERATOR: Permission.CASE_WORK,
        Who.SUPERVISOR: Permission.CASE_MANAGE,
        Who.ENTE: Permission.CASE_DECIDE,
    }
)


def require(session: Session, by: Principal, who: Who, ente_id: int) -> None:
    """Raises `ForbiddenError` unless `by` may take steps of these for the ente. Nobody takes the gestionale's."""
    if who not in OF:
        raise ForbiddenError("Questo passo lo fa il gestionale.")
    require_on(session, by, OF[who], ente_id=ente_id)


def parts(session: Session, by: Principal, ente_id: int) -> frozenset[Who]:
    """Whose steps somebody may take for an ente."""
    return frozenset(
        who for who, needed in OF.items()
        if by.can(needed) and ente_id in (scope_for(session, by, needed).enti or ())
    )  # fmt: skip
