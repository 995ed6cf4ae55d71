"""The stand-in as an ASGI application: the API of the contract, and a page on which things are made to happen."""

import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import uvicorn
from fastapi import APIRouter, FastAPI, Form, Header, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader
from pydantic import BaseModel, Field

from crm.collection.simulator.inbox import Inbox, KeyReusedError, NotAFeedError
from crm.collection.simulator.state import CursorGoneError, EnteState, UnknownReferenceError

FEEDS = "feed-*.jsonl"
SLOW_S = 40.0  # longer than we wait for an answer
# deaf: proposals are taken, the answer is lost; other: who is asked about is answered with somebody else's records
FAULTS = ("error", "slow", "busy", "token", "garbage", "deaf", "other")
PROBLEM = "application/problem+json"
_PAGES = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Lookup(BaseModel):
    """Whom one asks about, and how the last answer about him was marked."""

    codice_fiscale: str = Field(min_length=11, max_length=16)
    mark: str = Field("", max_length=200)


@dataclass(slots=True)
class Gestionale:
    """All that it holds: enti by codice catastale, and how the next requests go wrong."""

    token: str
    enti: dict[str, EnteState]
    faults: list[str] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    now: Callable[[], datetime] = _utc_now
    pause: Callable[[float], None] = time.sleep

    @classmethod
    def of_folder(cls, token: str, folder: Path, *, at_once: bool = False) -> "Gestionale":
        """The enti of the feed files in a folder. `at_once`: proposals are accepted as they come."""
        states = [EnteState.of_file(path, Inbox(at_once)) for path in sorted(folder.glob(FEEDS))]
        return cls(token, {state.code: state for state in states})


class ProblemError(Exception):
    """An answer by RFC 9457."""

    def __init__(self, status: int, title: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(title)
        self.status, self.title, self.headers = status, title, headers or {}


router = APIRouter()
SinceQuery = Annotated[str | None, Query(max_length=200)]
LimitQuery = Annotated[int, Query(ge=1, le=1000)]
MarkHeader = Annotated[str | None, Header()]


def create_app(gestionale: Gestionale) -> FastAPI:
    """The application of one gestionale."""
    app = FastAPI(title="Gestionale di prova", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.gestionale = gestionale
    app.include_router(router)

    @app.exception_handler(ProblemError)
    def problem(_request: Request, error: ProblemError) -> Response:
        body = json.dumps({"type": "about:blank", "title": error.title, "status": error.status})
        return Response(body, error.status, headers=error.headers, media_type=PROBLEM)

    return app


def serve(gestionale: Gestionale, *, host: str, port: int, fd: int | None = None) -> None:
    """Serve until a signal says stop; `fd` is an already bound socket that a supervisor hands over."""
    uvicorn.Server(
        uvicorn.Config(create_app(gestionale), host=host, port=port, fd=fd, log_config=None, access_log=False)
    ).run()


@router.get("/v1/enti/{code}/records")
def records(request: Request, code: str, since: SinceQuery = None, limit: LimitQuery = 1000,
            if_none_match: MarkHeader = None) -> Response:  # fmt: skip
    """The changes since a cursor."""
    ente = _asked(request, code)
    if since is None:
        raise ProblemError(400, "«since» manca: senza, si chiede lo stato completo")
    try:
        part = ente.since(since, limit)
    except CursorGoneError:
        raise ProblemError(410, "Questo cursore non è più conservato") from None
    body = _body(ente, records=part.records, next=part.next, more=part.more)
    mark = f'"{sha256(body).hexdigest()[:32]}"'
    if if_none_match == mark:
        return Response(status_code=304, headers={"ETag": mark})
    return Response(body, headers={"ETag": mark}, media_type="application/json")


@router.get("/v1/enti/{code}/full")
def full(request: Request, code: str, since: SinceQuery = None, limit: LimitQuery = 1000) -> Response:
    """The whole state, in pages."""
    ente = _asked(request, code)
    part = ente.whole(since, limit)
    return Response(_body(ente, records=part.records, next=part.next, more=part.more), media_type="application/json")


@router.get("/v1/enti/{code}/totals")
def totals(request: Request, code: str) -> Response:
    """Count and sums by tax."""
    ente = _asked(request, code)
    return Response(_body(ente, totals=ente.totals()), media_type="application/json")


@router.post("/v1/enti/{code}/proposals")
async def proposals(request: Request, code: str, idempotency_key: Annotated[str, Header(max_length=200)]) -> Response:
    """Take a proposals feed: 200 when all of it is answered, else 202."""
    content = await request.body()
    is_deaf = _gestionale(request).faults[:1] == ["deaf"]
    ente = _asked(request, code)
    try:
        answers = ente.inbox.take(idempotency_key, content, code, _gestionale(request).now())
    except NotAFeedError:
        raise ProblemError(422, "Non è un flusso di proposte di questo ente") from None
    except KeyReusedError:
        raise ProblemError(409, "Con questa chiave è già arrivato un altro flusso") from None
    if is_deaf:
        raise ProblemError(500, "Errore interno")
    return Response(_body(ente, answers=answers), 202 if ente.inbox.waiting else 200, media_type="application/json")


@router.get("/v1/enti/{code}/answers")
def answers(request: Request, code: str, since: SinceQuery = None, limit: LimitQuery = 1000) -> Response:
    """The answers to proposals since a cursor."""
    ente = _asked(request, code)
    try:
        part = ente.answers(since, limit)
    except CursorGoneError:
        raise ProblemError(410, "Questo cursore non è più conservato") from None
    return Response(_body(ente, answers=part.records, next=part.next, more=part.more), media_type="application/json")


@router.post("/v1/enti/{code}/lookups")
def lookup(request: Request, code: str, asked: Lookup) -> Response:
    """All that is known of one taxpayer, now."""
    gestionale = _gestionale(request)
    is_other = gestionale.faults[:1] == ["other"]
    ente = _asked(request, code)
    about = ente.somebody_else(asked.codice_fiscale) if is_other else asked.codice_fiscale
    told = ente.of_one(about)
    if not told:
        raise ProblemError(404, "Contribuente non trovato")
    mark = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]
    unchanged = asked.mark == mark
    now = max(gestionale.now(), ente.as_of)
    answer = {"ente": code, "as_of": now.isoformat(), "mark": mark, "unchanged": unchanged}
    return Response(
        json.dumps(answer | {"records": [] if unchanged else told}, ensure_ascii=False), media_type="application/json"
    )


@router.get("/v1/enti/{code}/documents/{reference:path}")
def document(request: Request, code: str, reference: str) -> Response:
    """The contents of a document."""
    _asked(request, code)
    contents = _gestionale(request).documents.get(reference)
    if contents is None:
        raise ProblemError(404, "Documento non trovato")
    return Response(contents, media_type="application/pdf")


@router.get("/health/live")
def live() -> dict[str, str]:
    """Whether it answers."""
    return {"status": "ok"}


@router.get("/")
def page(request: Request, said: str = "") -> HTMLResponse:
    """Where things are made to happen."""
    gestionale = _gestionale(request)
    html = _PAGES.get_template("page.html").render(
        enti=gestionale.enti.values(), faults=gestionale.faults, said=said[:200]
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": "default-src 'none'; form-action 'self'"})


@router.post("/happens")
def happens(
    request: Request, what: Annotated[str, Form()], ente: Annotated[str, Form()], reference: Annotated[str, Form()] = ""
) -> RedirectResponse:
    """Let a payment arrive, annul or suspend a position, or take it away."""
    gestionale = _gestionale(request)
    state = gestionale.enti.get(ente)
    actions = (
        {}
        if state is None
        else {"pay": state.pay, "annul": state.annul, "suspend": state.suspend, "withdraw": state.withdraw}
    )
    if what not in actions:
        raise ProblemError(404, "Che cosa, e di quale ente?")
    try:
        changed = actions[what](reference.strip() or None, gestionale.now())
    except UnknownReferenceError:
        return _back("Nessuna posizione adatta.")
    return _back(f"Fatto: {changed['reference']} di {changed['codice_fiscale']}.")


@router.post("/decides")
def decides(
    request: Request, ente: Annotated[str, Form()], what: Annotated[str, Form()],
    reason: Annotated[str, Form(max_length=400)] = "",
) -> RedirectResponse:  # fmt: skip
    """Accept or reject all proposals that wait; or, from now on, accept each as it comes."""
    gestionale = _gestionale(request)
    state = gestionale.enti.get(ente)
    if state is None or what not in {"accept", "reject", "at_once", "later"}:
        raise ProblemError(404, "Che cosa, e di quale ente?")
    if what in {"at_once", "later"}:
        state.inbox.at_once = what == "at_once"
        return _back("Fatto.")
    reason = reason.strip() or "Non risulta in anagrafe"
    decided = state.inbox.decide(accepted=what == "accept", reason=reason, now=gestionale.now())
    return _back(f"Proposte decise: {decided}.")


@router.post("/fails")
def fails(request: Request, how: Annotated[str, Form()], times: Annotated[int, Form(ge=0, le=50)]) -> RedirectResponse:
    """How the next requests go wrong."""
    if how not in FAULTS:
        raise ProblemError(404, "Come?")
    _gestionale(request).faults = [how] * times
    return _back(f"Le prossime {times} richieste andranno male.")


def _back(said: str) -> RedirectResponse:
    return RedirectResponse(f"/?{urlencode({'said': said})}", status_code=303)


def _gestionale(request: Request) -> Gestionale:
    gestionale: Gestionale = request.app.state.gestionale
    return gestionale


def _asked(request: Request, code: str) -> EnteState:
    """The ente asked about, by whoever may; after what is to go wrong has gone wrong."""
    gestionale = _gestionale(request)
    given = request.headers.get("authorization", "")
    fault = gestionale.faults.pop(0) if gestionale.faults else None
    match fault:
        case "error":
            raise ProblemError(500, "Errore interno")
        case "busy":
            raise ProblemError(429, "Troppe richieste", {"Retry-After": "2"})
        case "slow":
            gestionale.pause(SLOW_S)
        case "garbage":
            raise ProblemError(200, "Non è una pagina")
        case _:
            pass
    if fault == "token" or not hmac.compare_digest(given.encode(), f"Bearer {gestionale.token}".encode()):
        raise ProblemError(401, "Credenziale non valida", {"WWW-Authenticate": "Bearer"})
    ente = gestionale.enti.get(code)
    if ente is None:
        raise ProblemError(403, "Questo ente non è fra quelli della credenziale")
    return ente


def _body(ente: EnteState, **more: Any) -> bytes:
    return json.dumps({"ente": ente.code, "as_of": ente.as_of.isoformat(), **more}, ensure_ascii=False).encode()
