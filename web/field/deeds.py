"""A deed on the pages of visits: what a service does for the visitor, in one transaction where he may have it done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Concatenate, ParamSpec, TypeVar

from fastapi import Depends
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core.db import Scope
from web.edge.visits import ChangeDep, RuntimeDep, Visit
from web.wiring import Runtime

P = ParamSpec("P")
T = TypeVar("T")
DECIDES = (Permission.FIELD_MANAGE, Permission.FIELD_APPROVE)


@dataclass(frozen=True, slots=True)
class Deed:
    """Called with a service's function and what it is about, does it for the visitor."""

    runtime: Runtime
    visit: Visit
    scope: Scope

    def __call__(self, do: Callable[Concatenate[Session, Principal, P], T], *about: P.args, **how: P.kwargs) -> T:
        """What the function answers. It is called anew where transactions were in each other's way."""
        return self.runtime.database.transact(
            self.scope, lambda session: do(session, self.visit.principal, *about, **how)
        )


def deciding(visit: Visit) -> Scope:
    """The enti for which the visitor manages visits, or decides about them. Raises `ForbiddenError`."""
    held = [one for one in DECIDES if visit.principal.can(one)]
    return visit.scope(held[0] if held else Permission.FIELD_MANAGE)


def _manages(runtime: RuntimeDep, visit: ChangeDep) -> Deed:
    return Deed(runtime, visit, visit.scope(Permission.FIELD_MANAGE))


def _approves(runtime: RuntimeDep, visit: ChangeDep) -> Deed:
    return Deed(runtime, visit, visit.scope(Permission.FIELD_APPROVE))


def _decides(runtime: RuntimeDep, visit: ChangeDep) -> Deed:
    return Deed(runtime, visit, deciding(visit))


def _visits(runtime: RuntimeDep, visit: ChangeDep) -> Deed:
    return Deed(runtime, visit, visit.scope(Permission.FIELD_VISIT))


ManageDep = Annotated[Deed, Depends(_manages)]
ApproveDep = Annotated[Deed, Depends(_approves)]
DecideDep = Annotated[Deed, Depends(_decides)]
VisitDeedDep = Annotated[Deed, Depends(_visits)]
