"""What the forms of the enti have in common: their texts, and what happens after one was saved."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from web.edge.visits import Visit
from web.wiring import Runtime

NO_CONTENT = 204


async def typed(request: Request) -> dict[str, str]:
    """All texts of the form."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


def save(
    runtime: Runtime, visit: Visit, ente_id: int | None, work: Callable[[Session], None], *, at: str = ""
) -> Response:
    """Do it, and show the page anew: the ente's, or what lies below it at `at`."""
    runtime.database.transact(visit.scope(runtime, Permission.ENTE_MANAGE), work)
    return to("/enti" if ente_id is None else f"/enti/{ente_id}{at}")


def to(path: str) -> Response:
    """The browser goes there."""
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": path})
