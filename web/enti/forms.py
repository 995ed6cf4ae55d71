"""What the forms of the enti have in common: their texts, and what happens after one was saved."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from web.edge.answers import NO_CONTENT, shown_anew
from web.edge.i18n import translations
from web.edge.visits import Visit
from web.wiring import Runtime


async def typed(request: Request) -> dict[str, str]:
    """All texts of the form."""
    sent = await request.form()
    return {name: value for name, value in sent.items() if isinstance(value, str)}


TypedDep = Annotated[dict[str, str], Depends(typed)]


def save(
    runtime: Runtime, visit: Visit, work: Callable[[Session], object], *, done: Callable[[Session], str] | None = None
) -> Response:
    """Do it, and show the page anew with what was done, which `done` says within the same transaction."""

    def both(session: Session) -> str:
        work(session)
        return done(session) if done else translations(visit.language).gettext("Salvato.")

    return shown_anew(runtime.database.transact(visit.scope(Permission.ENTE_MANAGE), both))


def to(path: str) -> Response:
    """The browser goes there."""
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": path})
