"""What the citizens' pages share: whose pages they are, how an answer looks, how often somebody may ask."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session

from crm.agendas import pace, sites
from crm.agendas.pace import Ask
from crm.agendas.sites import PATH, Site
from crm.core.db import Scope
from crm.core.errors import DomainError, NotFoundError
from crm.enti import queries as enti
from web.edge.errors import status_of
from web.edge.i18n import CITIZENS, DEFAULT, chosen_by_citizen, said
from web.edge.requests import content_security_policy
from web.edge.templating import page
from web.edge.visits import runtime_of
from web.wiring import Runtime

T = TypeVar("T")
SEE_OTHER = 303
LONGEST_HEADER = 300
TOO_OFTEN = 429
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class TooOftenError(DomainError):
    """Somebody at this address asks more than people do."""


class CitizensRoute(APIRoute):
    """A route whose errors are told on the citizens' own page, with the way back to its beginning."""

    def get_route_handler(self) -> Handler:
        """As FastAPI wants it."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except DomainError as error:
                site = _found(runtime_of(request), request.path_params.get("slug", ""))
                if site is None:
                    raise
                return refusal(request, site, error)

        return told


def site_of(runtime: Runtime, slug: str) -> Site:
    """Whose pages they are. Raises `NotFoundError`."""
    site = _found(runtime, slug)
    if site is None:
        raise NotFoundError("Questa pagina non esiste.")
    return site


def _found(runtime: Runtime, slug: str) -> Site | None:
    with runtime.database.begin(Scope.nothing()) as session:
        return sites.by_slug(session, slug)


def work(runtime: Runtime, site: Site, do: Callable[[Session], T]) -> T:
    """In one transaction, of this ente alone."""
    return runtime.database.transact(Scope.of_enti([site.ente_id]), do)


def require_pace(request: Request, runtime: Runtime, site: Site, ask: Ask) -> None:
    """Count what is asked for, in a transaction of its own: what is refused counts too. Raises `TooOftenError`."""
    address = request.client.host if request.client else ""
    if not work(runtime, site, lambda s: pace.allowed(s, ente_id=site.ente_id, address=address, ask=ask)):
        raise TooOftenError("Da qui arrivano troppe richieste: aspetta dieci minuti e riprova, o chiamaci.")


def spoken(request: Request, wish: str = "") -> str:
    """The language that somebody asks for, else the one that his browser likes most of those that we speak (RFC 9110,
    12.5.4).
    """
    if wish:
        return chosen_by_citizen(wish)
    ranked: list[tuple[float, int, str]] = []
    for one in (request.headers.get("accept-language") or DEFAULT)[:LONGEST_HEADER].split(","):
        tag, _, weight = one.strip().partition(";q=")
        with suppress(ValueError):
            ranked.append((-float(weight or 1), len(ranked), tag[:2].lower()))
    return next((tag for likes, _, tag in sorted(ranked) if tag in CITIZENS and likes), DEFAULT)


def shown(request: Request, site: Site, template: str, language: str, *, status: int = 200, **context: Any) -> Response:
    """A page of the ente's, which the sites that it names may embed."""
    with runtime_of(request).database.begin(Scope.nothing()) as session:
        ente = enti.badges(session)[site.ente_id]
    answer = page(request, f"booking/{template}", language, status=status, site=site, ente=ente, **context)
    answer.headers.update(PRIVATE)
    answer.headers["content-security-policy"] = content_security_policy((), framed_by=site.framed_by)
    return answer


def refusal(request: Request, site: Site, error: DomainError) -> Response:
    """What cannot be done, and the way on."""
    language = spoken(request)
    status = TOO_OFTEN if isinstance(error, TooOftenError) else status_of(error)
    answer = shown(
        request, site, "refused.html", language, status=status, message=said(language, str(error)),
        begins=f"{PATH}/{site.slug}",
    )  # fmt: skip
    if status == TOO_OFTEN:
        answer.headers["retry-after"] = "600"
    return answer


def onward(address: str) -> Response:
    """To the next page, which is asked for anew."""
    return RedirectResponse(address, SEE_OTHER, headers=PRIVATE)
