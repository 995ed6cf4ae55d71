"""The pages of possible duplicates, and what their buttons do."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts import merging
from crm.core import topics
from crm.core.db import Scope, touch
from crm.core.errors import InvalidError
from crm.duplicates import queries, service
from crm.duplicates.search import STEPS
from crm.enti import queries as enti
from web.duplicates.comparison import rows_of
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204


@router.get("/duplicates")
def duplicates(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Who may be one person, who was merged, and who was kept apart."""
    regions = render(runtime, visit.scope(Permission.CONTACT_MERGE), visit.language).regions
    return page(request, "duplicates/page.html", visit.language, visit=visit, csrf=visit.csrf_token, regions=regions)


def render(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """The page's one region."""
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
        html = fragment(
            "duplicates/pairs.html", language, badges=badges, searches=queries.searches(session, badges),
            candidates=queries.candidates(session), merged=queries.merged(session),
            dismissed=queries.dismissed(session), steps=len(STEPS), most=queries.MOST,
        )  # fmt: skip
    return Rendered({"pairs": html}, frozenset(topics.duplicates(one) for one in badges))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever may merge for the same enti sees the same."""
    scope = visit.scope(Permission.CONTACT_MERGE)
    return [(f"duplicates:{scope.enti}:{visit.language}", partial(render, runtime, scope, visit.language))]


@router.get("/duplicates/{candidate_id}")
def compare(request: Request, runtime: RuntimeDep, visit: VisitDep, candidate_id: int) -> Response:
    """Two contacts side by side."""

    def work(session: Session) -> Response:
        found = queries.compare(session, visit.principal, candidate_id=candidate_id)
        return page(
            request, "duplicates/compare.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found,
            rows=rows_of(found.sides), ente=enti.badges(session)[found.candidate.ente_id],
        )  # fmt: skip

    return runtime.database.transact(visit.scope(Permission.CONTACT_MERGE), work)


@router.post("/duplicates/{candidate_id}/merge")
def merge(
    runtime: RuntimeDep, visit: ChangeDep, candidate_id: int, keep: Annotated[int, Form()],
    reason: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """They are one person; `keep` stands for both."""

    def work(session: Session) -> None:
        pair = queries.get(session, candidate_id)
        other = {pair.one.id: pair.other.id, pair.other.id: pair.one.id}.get(keep)
        if other is None:
            raise InvalidError("Scegli quale dei due contatti resta.", field="keep")
        merging.merge(session, visit.principal, kept_id=keep, merged_id=other, reason=reason)
        touch(session, topics.duplicates(pair.ente_id))

    _do(runtime, visit, work)
    gettext = translations(visit.language).gettext
    return shown_anew(
        gettext("Uniti in un contatto solo. Più sotto, fra gli uniti, si può separarli."), at="/duplicates"
    )


@router.post("/duplicates/{candidate_id}/dismiss")
def dismiss(
    runtime: RuntimeDep, visit: ChangeDep, candidate_id: int, back: Annotated[bool, Form()] = False
) -> Response:
    """They are two; from the comparison it goes back to the list."""
    _do(runtime, visit, lambda session: service.dismiss(session, visit.principal, candidate_id=candidate_id))
    if not back:
        return Response(status_code=NO_CONTENT)
    gettext = translations(visit.language).gettext
    return shown_anew(gettext("Restano due persone. In fondo si può riguardarle."), at="/duplicates")


@router.post("/duplicates/{candidate_id}/propose-again")
def propose_again(runtime: RuntimeDep, visit: ChangeDep, candidate_id: int) -> Response:
    """Look at them once more."""
    _do(runtime, visit, lambda session: service.propose_again(session, visit.principal, candidate_id=candidate_id))
    return Response(status_code=NO_CONTENT)


@router.post("/duplicates/merges/{merge_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, merge_id: int) -> Response:
    """They were two after all."""

    def work(session: Session) -> None:
        merging.undo(session, visit.principal, merge_id=merge_id)
        scope = visit.scope(Permission.CONTACT_MERGE)
        touch(session, *(topics.duplicates(one) for one in scope.enti or ()))

    _do(runtime, visit, work)
    return Response(status_code=NO_CONTENT)


@router.post("/duplicates/search/{ente_id}")
def search(runtime: RuntimeDep, visit: ChangeDep, ente_id: int) -> Response:
    """Look for duplicates now."""
    _do(runtime, visit, lambda session: service.ask(session, visit.principal, ente_id=ente_id))
    return Response(status_code=NO_CONTENT)


def _do(runtime: Runtime, visit: Visit, work: Callable[[Session], object]) -> None:
    """Do it. What follows from it comes by the live socket."""
    runtime.database.transact(visit.scope(Permission.CONTACT_MERGE), work)
