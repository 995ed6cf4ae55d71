"""Whose figures somebody may see: contracts that he watches as a whole, and the enti under others."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.db import Scope
from crm.enti import queries as enti
from web.edge.visits import Visit


def scope_of(visit: Visit) -> Scope:
    """Penalties are for whoever answers for the contract and for the enti, not for everybody who sees the wallboard."""
    watches = visit.principal.can(Permission.ENTE_WATCH)
    return visit.scope(Permission.ENTE_WATCH if watches else Permission.ENTE_MANAGE)


def watched(session: Session, scope: Scope) -> Iterator[tuple[int, int | None]]:
    """The contracts that the visitor watches as a whole, and the others of each ente that he watches."""
    yield from ((one, None) for one in sorted(scope.contracts))
    for ente_id in enti.badges(session, scope.enti):
        yield from ((one, ente_id) for one in sorted(enti.contracts_of(session, ente_id) - scope.contracts))
