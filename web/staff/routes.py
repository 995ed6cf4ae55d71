"""The register of the staff of an ente, what it was told, whom it keeps away, and whom it wants replaced."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.access.service import granted_scope, scope_for
from crm.core import topics
from crm.core.clock import business_day, now
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from crm.staff import queries, service
from crm.staff.models import ReplacementState
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.edge.words import word_for
from web.live.hub import Render, Rendered
from web.people.answers import done
from web.wiring import Runtime

router = APIRouter(prefix="/staff", include_in_schema=False)
T = TypeVar("T")
TextField = Annotated[str, Form()]
NOTICES = 100


@router.get("")
def first(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The register of the first of the visitor's enti."""
    scope = visit.scope(Permission.ACCESS_READ)
    with runtime.database.begin(scope) as session:
        mine = enti.badges(session, scope.enti)
    if not mine:
        raise NotFoundError("Nessun ente da mostrare.")
    return register(request, runtime, visit, next(iter(mine)))


@router.get("/{ente_id}")
def register(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int, removed: int | None = None
) -> Response:  # fmt: skip
    """One ente's register; `removed` is the user who was just removed."""
    scope = _seen(visit, ente_id)
    with runtime.database.begin(scope) as session:
        mine = enti.badges(session, scope.enti)
        away = queries.removed(session, visit.principal, ente_id)
    return page(
        request, "staff/page.html", visit.language, regions=render(runtime, visit, ente_id).regions, visit=visit,
        csrf=visit.csrf_token, ente_id=ente_id, mine=mine,
        gone=next((one for one in away if one.user_id == removed), None),
    )  # fmt: skip


def render(runtime: Runtime, visit: Visit, ente_id: int) -> Rendered:
    """The register of one ente as it is now, with what this visitor may do about it."""
    scope = _seen(visit, ente_id)
    with runtime.database.begin(scope) as session:
        one = frozenset({ente_id})
        told = queries.notices(session, one, limit=NOTICES)
        replacements = queries.replacements(session, one)
        context: dict[str, Any] = {
            "serving": queries.register(session, visit.principal, ente_id),
            "own_people": queries.of_the_ente(session, visit.principal, ente_id),
            "removed": queries.removed(session, visit.principal, ente_id),
            "notices": told, "unseen": sum(notice.seen_at is None for notice in told), "replacements": replacements,
            "asked": {each.user_id: each.asked_at for each in replacements if each.state is ReplacementState.ASKED},
            "today": business_day(now(session)),
            "days": service.replacement_days(session, ente_id),
            "decides": ente_id in (scope_for(session, visit.principal, Permission.USER_REMOVE).enti or ()),
            "manages": ente_id in (granted_scope(session, visit.principal, Permission.USER_MANAGE).enti or ()),
        }  # fmt: skip
    html = fragment(
        "staff/register.html", visit.language, visit=visit, csrf=visit.csrf_token, ente_id=ente_id, **context
    )
    return Rendered({"register": html}, frozenset({topics.staff(ente_id)}))


def join(runtime: Runtime, visit: Visit, ente_id: int) -> list[tuple[str, Render]]:
    """Each browser has its own: its forms work without scripts too, so they hold its token."""
    _seen(visit, ente_id)
    key = f"staff:{ente_id}:{visit.principal.session_id}:{visit.language}"
    return [(key, partial(render, runtime, visit, ente_id)), *badge(runtime, visit)]


def badge(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """The part that live pages of an ente's approver have in their head: what the register has for him to read."""
    if not visit.principal.can(Permission.USER_REMOVE):
        return []
    key = f"staff-news:{visit.principal.user_id}:{visit.language}"
    return [(key, partial(render_badge, runtime, visit))]


def render_badge(runtime: Runtime, visit: Visit) -> Rendered:
    """How many notices and readmissions wait for him; it leads to the first ente that has any."""
    scope = visit.scope(Permission.USER_REMOVE)
    with runtime.database.begin(scope) as session:
        news = queries.news(session, visit.principal)
    html = fragment("staff/badge.html", visit.language, news=news, waiting=sum(one.waiting for one in news))
    return Rendered({"staff-news": html}, frozenset(topics.staff(one) for one in scope.enti or ()))


@router.get("/{ente_id}/register.csv")
def as_csv(runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """The register as a spreadsheet reads it."""
    with runtime.database.begin(_seen(visit, ente_id)) as session:
        serving, ente = queries.register(session, visit.principal, ente_id), enti.badges(session)[ente_id]
    say = translations(visit.language).gettext
    head = [say("Ente"), say("Nome"), say("Qualifica"), say("Ruolo"), say("Dal"), say("Al"), say("Stato")]
    rows = [
        (
            ente.name, one.name, one.qualification, say(word_for(one.role)), one.starts_on, one.ends_on,
            say("attivo") if one.active else say("sospeso"),
        )
        for one in serving
    ]  # fmt: skip
    return csv_answer(f"personale-{ente_id}.csv", head, rows)


@router.post("/{ente_id}/seen")
def seen(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, up_to: Annotated[int, Form()]
) -> Response:
    """The ente has read its notices."""
    _change(runtime, visit, lambda s: service.see_notices(s, visit.principal, ente_id=ente_id, up_to=up_to))
    return done(request, f"/staff/{ente_id}")


@router.post("/{ente_id}/remove")
def remove(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, user: Annotated[int, Form()],
    reason: TextField = "",
) -> Response:  # fmt: skip
    """The ente keeps somebody away."""
    _change(runtime, visit, lambda s: service.remove(s, visit.principal, ente_id=ente_id, user_id=user, reason=reason))
    return done(request, f"/staff/{ente_id}?removed={user}")


@router.post("/{ente_id}/exclusions/{exclusion_id}/ask")
def ask_readmission(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, exclusion_id: int, reason: TextField = ""
) -> Response:
    """An administrator asks the ente to let somebody back in."""

    def work(session: Session) -> None:
        service.ask_readmission(session, visit.principal, exclusion_id=exclusion_id, reason=reason)

    _change(runtime, visit, work)
    return done(request, f"/staff/{ente_id}")


@router.post("/{ente_id}/exclusions/{exclusion_id}/answer")
def answer_readmission(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, exclusion_id: int,
    consents: Annotated[bool, Form()],
) -> Response:  # fmt: skip
    """The ente lets somebody back in, or does not."""

    def work(session: Session) -> None:
        service.answer_readmission(session, visit.principal, exclusion_id=exclusion_id, consents=consents)

    _change(runtime, visit, work)
    return done(request, f"/staff/{ente_id}")


@router.post("/{ente_id}/replacements")
def ask_replacement(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, user: Annotated[int, Form()],
    reason: TextField = "",
) -> Response:  # fmt: skip
    """The ente wants somebody replaced."""

    def work(session: Session) -> None:
        service.ask_replacement(session, visit.principal, ente_id=ente_id, user_id=user, reason=reason)

    _change(runtime, visit, work)
    return done(request, f"/staff/{ente_id}")


@router.post("/{ente_id}/replacements/{request_id}/withdraw")
def withdraw(request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, request_id: int) -> Response:
    """The ente no longer asks for it."""
    _change(runtime, visit, lambda s: service.withdraw_replacement(s, visit.principal, request_id=request_id))
    return done(request, f"/staff/{ente_id}")


@router.post("/{ente_id}/replacements/{request_id}/replace")
def replace(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente_id: int, request_id: int,
    replacement: Annotated[int, Form()] = 0,
) -> Response:  # fmt: skip
    """Somebody else serves the ente in his place."""

    def work(session: Session) -> None:
        service.replace(session, visit.principal, request_id=request_id, replacement_id=replacement)

    _change(runtime, visit, work)
    return done(request, f"/staff/{ente_id}")


def _seen(visit: Visit, ente_id: int) -> Scope:
    """The visitor's scope, if this ente is in it; otherwise it does not exist."""
    scope = visit.scope(Permission.ACCESS_READ)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    return scope


def _change(runtime: Runtime, visit: Visit, work: Callable[[Session], T]) -> T:
    """In the enti that the visitor decides for or administers."""
    scope = visit.granted_scope(Permission.USER_REMOVE, Permission.USER_MANAGE)
    return runtime.database.transact(scope, work)
