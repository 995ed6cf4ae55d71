"""Domain errors to HTTP, in one table; what a person sees is a sentence and where to go."""

from collections.abc import Mapping

import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from psycopg import errors as pg_errors
from sqlalchemy.exc import DataError, SQLAlchemyError
from starlette.exceptions import HTTPException

from crm.access.service import SignInError, TooManyAttemptsError
from crm.core.errors import ConflictError, DomainError, ForbiddenError, InvalidError, NotFoundError
from web.edge.i18n import DEFAULT, chosen, said
from web.edge.requests import TOO_LARGE, TooLargeError
from web.edge.templating import page
from web.edge.visits import COOKIE, CsrfError, SignInNeededError, runtime_of, visit_of

log = structlog.get_logger(__name__)

STATUS: dict[type[DomainError], int] = {
    NotFoundError: 404,
    ForbiddenError: 403,
    ConflictError: 409,
    InvalidError: 422,
    SignInError: 401,
    TooManyAttemptsError: 429,
    DomainError: 400,
}
API = "/api/v1/"  # whose answers are JSON, and in Italian
EXPIRED = "La pagina è rimasta aperta troppo a lungo: ricaricala e riprova."
MISSING = "Questa pagina non esiste."
WRONG = "La richiesta non è valida: ricarica la pagina e riprova."
NUL = "Il testo contiene un carattere che non si può conservare: cancellalo e riscrivilo."
NO_DAY = "La data non va bene: ricontrolla giorno, mese e anno."
BROKEN = "Qualcosa non ha funzionato. Riprova tra poco; se succede ancora, avvisa chi gestisce il sistema."


class ApiError(DomainError):
    """What the API answers with when it does not give what was asked for."""

    def __init__(self, message: str, status: int, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.headers = status, dict(headers or {})


def install(app: FastAPI) -> None:
    """Map what the layers below raise."""

    @app.exception_handler(SignInNeededError)
    def sign_in_needed(request: Request, error: SignInNeededError) -> Response:
        target = f"/sign-in?back={error.back if request.method == 'GET' else '/'}"
        if "hx-request" in request.headers or "application/json" in request.headers.get("accept", ""):
            stays = "x-stays" in request.headers  # what is typed there has not arrived: it asks to sign in by itself
            return Response(status_code=401, headers={} if stays else {"HX-Redirect": target})
        return RedirectResponse(target, status_code=303)

    @app.exception_handler(CsrfError)
    def csrf(request: Request, _error: CsrfError) -> Response:
        return _answer(request, 403, EXPIRED)

    @app.exception_handler(DomainError)
    def domain(request: Request, error: DomainError) -> Response:
        parts = error.parts or (error,) if isinstance(error, InvalidError) else ()
        if isinstance(error, ApiError):
            return JSONResponse({"message": str(error)}, status_code=error.status, headers=error.headers)
        return _answer(request, status_of(error), str(error), {part.field: str(part) for part in parts if part.field})

    @app.exception_handler(RequestValidationError)
    def fields(request: Request, error: RequestValidationError) -> Response:
        days = {str(one["loc"][-1]): NO_DAY for one in error.errors() if str(one["type"]).startswith("date_")}
        return _answer(request, 422, NO_DAY if days else WRONG, days)

    @app.exception_handler(DataError)
    def unstorable(request: Request, error: DataError) -> Response:
        """No column holds such a number, so no row has it; nor such a text: PostgreSQL's have no NUL."""
        if isinstance(error.orig, pg_errors.NumericValueOutOfRange):
            return _answer(request, 404, MISSING)
        if type(error.orig) is psycopg.DataError or isinstance(error.orig, pg_errors.UntranslatableCharacter):
            return _answer(request, 422, NUL)
        raise error

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, TooLargeError):  # met while the form was being read
            return _answer(request, 413, TOO_LARGE)
        return _answer(request, error.status_code, MISSING if error.status_code in {404, 405} else WRONG)

    @app.exception_handler(Exception)
    def unexpected(request: Request, error: Exception) -> Response:
        route = getattr(request.scope.get("route"), "path", "other")  # an address may hold a secret, as a link does
        log.error("request_failed", route=route, exc_info=error)
        answer = _answer(request, 500, BROKEN)
        # The server closes the connection after this. Unless it says so, the carrier's next request meets it closed.
        answer.headers["connection"] = "close"
        return answer


def status_of(error: DomainError) -> int:
    """The HTTP status that says what a domain error means."""
    return next(code for kind, code in STATUS.items() if isinstance(error, kind))


def _language(request: Request) -> str:
    """The visitor's own language, else his browser's; never a second error."""
    try:
        visit = visit_of(runtime_of(request), request.cookies.get(COOKIE))
    except SQLAlchemyError:
        visit = None
    return visit.language if visit else chosen(request.headers.get("accept-language", DEFAULT)[:2])


def _answer(request: Request, status: int, message: str, fields: Mapping[str, str] | None = None) -> Response:
    """`fields` says what is wrong with each field by its name; the page puts it there."""
    if request.url.path.startswith(API):
        return JSONResponse({"message": message}, status_code=status)
    language = _language(request)
    message = said(language, message)
    if "hx-request" in request.headers:
        wrong = {name: said(language, text) for name, text in (fields or {}).items()}
        return JSONResponse({"message": message, "fields": wrong}, status_code=status)
    if "text/html" in request.headers.get("accept", ""):
        return page(request, "error.html", language, status=status, message=message, code=status)
    return PlainTextResponse(message, status_code=status)
