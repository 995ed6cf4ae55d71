"""What the citizens' pages share: whose pages they are, how an answer looks, how often somebody may ask."""

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar, TypeVar

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from crm.agendas import drafts, pace, sites, tongues
from crm.agendas.pace import Ask
from crm.agendas.sites import Site
from crm.core.db import Scope
from crm.core.errors import DomainError, InvalidError, NotFoundError
from crm.enti import queries as enti
from web.edge.errors import status_of
from web.edge.i18n import CITIZENS, DEFAULT, chosen_by_citizen, said
from web.edge.requests import TooLargeError, content_security_policy
from web.edge.templating import page
from web.edge.visits import runtime_of
from web.wiring import Runtime

T = TypeVar("T")
SEE_OTHER = 303
LONGEST_HEADER = 300
TOO_OFTEN = 429
TOO_LARGE = InvalidError("È troppo grande: un file può avere al massimo 10 MB.")
PRIVATE = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
_BACK = {"salva": "/riepilogo", "disdici": "", "valuta": ""}  # what is pressed and shows no page of its own
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class TooOftenError(DomainError):
    """Somebody at this address asks more of a site than people do."""

    def __init__(self, message: str, site: Site) -> None:
        super().__init__(message)
        self.site = site


class CitizensRoute(APIRoute):
    """A route whose errors are told on the citizens' own page, with the way back to its beginning.

    `begins`: of how many parts the path of that page is.
    """

    begins: ClassVar[int] = 2

    def get_route_handler(self) -> Handler:
        """As FastAPI wants it."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except TooOftenError as error:
                return await run_in_threadpool(wait, request, error)
            except HTTPException as error:
                if not isinstance(error.__cause__, TooLargeError):
                    raise
                answer = await run_in_threadpool(refusal, request, TOO_LARGE, request.url.path)
                if answer is None:
                    raise
                return answer
            except DomainError as error:
                begins = "/".join(request.url.path.split("/")[: self.begins + 1])
                answer = await run_in_threadpool(refusal, request, error, begins)
                if answer is None:
                    raise
                return answer

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
        raise TooOftenError("Da qui arrivano troppe richieste: aspetta dieci minuti e riprova, o chiamaci.", site)


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


def tongue(request: Request, site: Site) -> str:
    """The language of somebody whom no page of his own answers: the one that his address asks for, or that of what it
    leads to, else the browser's.
    """
    if wish := request.query_params.get("lang", ""):
        return chosen_by_citizen(wish)
    token = request.path_params.get("token", "")
    told = drafts.language_in(token)
    if token and told is None:
        told = work(runtime_of(request), site, lambda s: tongues.of_link(s, site.ente_id, token))
    return chosen_by_citizen(told) if told else spoken(request)


def shown(
    request: Request, site: Site, template: str, language: str, *, status: int = 200, folder: str = "booking",
    **context: Any,
) -> Response:  # fmt: skip
    """A page of the ente's, which the sites that it names may embed."""
    with runtime_of(request).database.begin(Scope.nothing()) as session:
        ente = enti.badges(session)[site.ente_id]
    return _of_site(
        site, page(request, f"{folder}/{template}", language, status=status, site=site, ente=ente, **context)
    )


def wait(request: Request, error: TooOftenError) -> Response:
    """Not now: with no look into the database but for the language of a link."""
    language = tongue(request, error.site)
    said_so = {"message": said(language, str(error)), "back": f"{_page_of(request)}?lang={language}"}
    answer = _of_site(error.site, page(request, "booking/wait.html", language, status=TOO_OFTEN, **said_so))
    answer.headers["retry-after"] = "600"
    return answer


def _page_of(request: Request) -> str:
    """Where somebody was who pressed something: there he finds what he had said before."""
    within, _, last = request.url.path.rpartition("/")
    return within + _BACK[last] if last in _BACK else request.url.path


def _of_site(site: Site, answer: Response) -> Response:
    answer.headers.update(PRIVATE)
    answer.headers["content-security-policy"] = content_security_policy((), framed_by=site.framed_by)
    return answer


def refusal(request: Request, error: DomainError, begins: str) -> Response | None:
    """What cannot be done, and the way on, unless this is where it leads; none where there is no such site."""
    site = _found(runtime_of(request), request.path_params.get("slug", ""))
    if site is None:
        return None
    language = tongue(request, site)
    return shown(
        request, site, "refused.html", language, status=status_of(error), message=said(language, str(error)),
        begins="" if request.method == "GET" and begins == request.url.path else begins,
    )  # fmt: skip


def onward(address: str) -> Response:
    """To the next page, which is asked for anew."""
    return RedirectResponse(address, SEE_OTHER, headers=PRIVATE)
