"""How the service stands, for everybody: a page without signing in, JSON and a feed. It needs no database to answer."""

import threading
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crm.continuity import picture, queries
from crm.continuity.picture import Day, Shade, State
from crm.continuity.queries import Said
from crm.continuity.spells import Outage
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import Scope
from crm.core.errors import NotFoundError
from crm.enti import closure_queries
from crm.enti import queries as enti
from crm.enti.closure_queries import Published
from web.edge.i18n import LANGUAGES
from web.edge.templating import fragment, page
from web.edge.visits import RuntimeDep
from web.sign_in.parts import spoken
from web.wiring import Runtime

log = structlog.get_logger(__name__)
router = APIRouter(include_in_schema=False)
FRESH_S = 10.0  # how long what was read is told to others as well


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is told. `blind`: the database does not answer now, and the rest is as of `as_of`, or (none) not known."""

    as_of: datetime | None
    state: State
    outages: tuple[Outage, ...] = ()
    days: tuple[Day, ...] = ()
    said: Said | None = None
    closures: tuple[Published, ...] = ()
    names: tuple[tuple[int, str, str], ...] = ()  # each ente's id, name and code
    blind: bool = False

    @property
    def ongoing(self) -> list[Outage]:
        """What lasts."""
        return [one for one in self.outages if one.ended_at is None]


class Board:
    """What one process knows of the service; read at most once in a while, however many ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: Snapshot | None = None
        self._until = 0.0

    def look(self, runtime: Runtime) -> Snapshot:
        """As it stands; while somebody else is reading, or the database is away, as it was last known."""
        if time.monotonic() < self._until and self._known is not None:
            return self._known
        if not self._lock.acquire(blocking=self._known is None):
            assert self._known is not None
            return self._known
        try:
            if self._known is None or time.monotonic() >= self._until:
                self._known = self._read(runtime)
                self._until = time.monotonic() + FRESH_S
            return self._known
        finally:
            self._lock.release()

    def _read(self, runtime: Runtime) -> Snapshot:
        try:
            with runtime.database.begin(Scope.nothing()) as session:
                return read(session)
        except SQLAlchemyError as error:
            log.warning("status_blind", error=type(error).__name__)
        if self._known is None:
            return Snapshot(None, State.DOWN, blind=True)
        return replace(self._known, state=State.DOWN, blind=True)


def read(session: Session) -> Snapshot:
    """The service as this database knows it."""
    now = clock.now(session)
    since = clock.start_of_day(business_day(now) - timedelta(days=picture.DAYS - 1))
    outages = queries.outages(session, since=since)
    said = queries.said(session)
    return Snapshot(
        as_of=now,
        # Somebody reads this: a page answers.
        state=picture.state(outages, is_there=True, said=said is not None),
        outages=tuple(outages),
        days=tuple(picture.days(outages, measured_since=queries.measured_since(session), now=now)),
        said=said,
        closures=tuple(closure_queries.published(session)),
        names=tuple((one.id, one.name, enti.cadastral_code(session, one.id)) for one in enti.badges(session).values()),
    )


@router.get("/status")
def status(request: Request, runtime: RuntimeDep, ente: str = "", lang: str = "") -> Response:
    """How it stands, in plain words; the closures of one ente alone where `ente`, a codice catastale, names it."""
    found, code = _told(request, runtime, ente)
    language = lang if lang in LANGUAGES else spoken(request)
    names = {one: name for one, name, _ in found.names}
    today = business_day(found.as_of) if found.as_of else None
    return page(
        request, "status/page.html", language, now=found, names=names, code=code, ente=_name(found, code),
        closures=[one for one in found.closures if today and business_day(one.starts_at) <= today],
        to_come=any(today and business_day(one.starts_at) > today for one in found.closures),
        good=sum(one.shade is Shade.GOOD for one in found.days),
        measured=sum(one.shade is not Shade.UNKNOWN for one in found.days),
    )  # fmt: skip


@router.get("/status.json")
def as_json(request: Request, runtime: RuntimeDep, ente: str = "") -> dict[str, Any]:
    """The same for programs. `as_of` is null where nothing is known but that the database does not answer."""
    found, _ = _told(request, runtime, ente)
    return {
        "as_of": _iso(found.as_of), "state": found.state.value, "database_answers": not found.blind,
        "notice": None if found.said is None else {
            "words": found.said.words, "published_at": _iso(found.said.published_at), "until": _iso(found.said.until),
        },
        "interruptions": [
            {
                "id": one.id, "cause": one.cause.value, "began_at": _iso(one.began_at),
                "ended_at": _iso(one.ended_at), "told_at": _iso(one.told_at),
            }
            for one in found.outages
        ],
        "closures": [
            {
                "starts_at": _iso(one.starts_at), "ends_at": _iso(one.ends_at), "message": one.message,
                "number": one.number,
            }
            for one in found.closures
        ],
        "days": [
            {"day": one.day.isoformat(), "state": one.shade.value, "interrupted_s": int(one.lost.total_seconds())}
            for one in found.days
        ],
    }  # fmt: skip


@router.get("/status.atom")
def as_feed(request: Request, runtime: RuntimeDep, lang: str = "") -> Response:
    """What stopped and what was said, for feed readers (RFC 4287)."""
    found, _ = _told(request, runtime, "")
    language = lang if lang in LANGUAGES else spoken(request)
    text = fragment("status/feed.xml", language, now=found, url=runtime.settings.public_url, **NOW_UNKNOWN)
    return Response(text, media_type="application/atom+xml; charset=utf-8", headers=_CACHED)


@router.get("/status/badge")
def badge(request: Request, runtime: RuntimeDep, lang: str = "") -> Response:
    """What users' pages show of it, beside their names; hidden while all is well."""
    found, _ = _told(request, runtime, "")
    language = lang if lang in LANGUAGES else spoken(request)
    return Response(fragment("status/badge.html", language, now=found), media_type="text/html")


NOW_UNKNOWN = {"never": datetime.fromisoformat("1970-01-01T00:00:00+00:00")}
_CACHED = {"cache-control": f"public, max-age={int(FRESH_S)}"}


def _told(request: Request, runtime: Runtime, ente: str) -> tuple[Snapshot, str]:
    """What this process knows, of one ente's closures where it is named. Raises `NotFoundError` for no such ente."""
    board: Board = request.app.state.status
    found, code = board.look(runtime), ente.strip().upper()
    if not code or not found.names:
        return found, ""
    wanted = next((one for one, _, its in found.names if its == code), None)
    if wanted is None:
        raise NotFoundError("Nessun ente ha questo codice.")
    return replace(found, closures=tuple(one for one in found.closures if one.ente_id == wanted)), code


def _name(found: Snapshot, code: str) -> str:
    return next((name for _, name, its in found.names if its == code), "")


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat(timespec="seconds") if instant else None
