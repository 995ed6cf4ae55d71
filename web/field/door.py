"""What an agent has in his hand at a door: the page that works without a network, and what it says to the server.

A telephone that has something to tell proves itself by its token alone, in a header that no other site can send; to be
given something it takes whoever is signed in as well.
"""

import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import InvalidError
from outbound.field.practices import own
from outbound.field.visits import alarms, devices, entries, packets, taking
from outbound.field.visits.alarm_telling import Telling
from outbound.field.visits.alarms import NOWHERE, Raised
from outbound.field.visits.door import Outcome, Whom
from outbound.field.visits.models import AlarmKind
from outbound.field.visits.timing import Touch
from web.edge.i18n import LANGUAGES, said
from web.edge.requests import TooLargeError
from web.edge.templating import environment
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.edge.words import word_for
from web.field import packet as packing
from web.field import shell
from web.field.words_door import IDENTITIES
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
PRIVATE = {"cache-control": "no-store"}
SCRIPT = "text/javascript"
# A telephone at a door may say where it is, and photograph: nothing else of ours may.
POLICY = "camera=(self), geolocation=(self), microphone=()"
MOST_SENT = 20
ICONS = (("icon-192", 192, "any"), ("icon-512", 512, "any"), ("icon-maskable-512", 512, "maskable"))
Token = Annotated[str, Header(alias="x-door-token", max_length=100)]


async def _told(request: Request) -> dict[str, Any]:
    """What the telephone sent: JSON. Raises `InvalidError`."""
    try:
        return _mapping(json.loads(await request.body()))
    except TooLargeError:
        raise HTTPException(413) from None
    except (ValueError, RecursionError):
        raise InvalidError("Questo messaggio del telefono non si può leggere.") from None


Told = Annotated[dict[str, Any], Depends(_told)]


@router.get("/door")
def door(visit: VisitDep) -> Response:
    """The page, the same for everybody who has its language: all that is anybody's comes from the telephone."""
    visit.principal.require(Permission.FIELD_VISIT)
    html = _page(visit.language)
    headers = {"permissions-policy": POLICY, "cache-control": "no-cache"}
    return Response(html, media_type="text/html", headers=headers)


@router.get("/door/sw.js")
def worker(runtime: RuntimeDep, lang: str = "it") -> Response:
    """The service worker of this release; while telephones are to keep nothing, one that undoes the others."""
    if not runtime.settings.field_offline:
        body = shell.ending()
    else:
        body = shell.worker(shell.version(_page("en" if lang == "en" else "it")), shell.paths())
    return Response(body, media_type=SCRIPT, headers={"service-worker-allowed": "/door", "cache-control": "no-cache"})


@router.get("/door/manifest.webmanifest")
def manifest() -> Response:
    """By which the page installs."""
    icons = [
        {"src": "/static/img/icon.svg", "type": "image/svg+xml", "sizes": "any", "purpose": "any"},
        *(
            {"src": f"/static/img/{name}.png", "type": "image/png", "sizes": f"{size}x{size}", "purpose": purpose}
            for name, size, purpose in ICONS
        ),
    ]
    told = {
        "name": "Filodiretto · visite", "short_name": "Visite", "lang": "it", "id": "/door", "start_url": "/door",
        "scope": "/door", "display": "standalone", "orientation": "portrait", "theme_color": "#06c",
        "background_color": "#eef2f6", "icons": icons,
    }  # fmt: skip
    return Response(json.dumps(told), media_type="application/manifest+json", headers={"cache-control": "no-cache"})


@router.get("/door/session")
def session_here(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Who is signed in, and how many mandates wait for his answer."""
    with runtime.database.begin(visit.scope(Permission.FIELD_VISIT)) as session:
        offered = own.offered(session, visit.principal)
    told = {
        "user": visit.principal.user_id, "name": visit.principal.name, "csrf": visit.csrf_token, "offered": offered,
    }  # fmt: skip
    return JSONResponse(told, headers=PRIVATE)


@router.post("/door/devices")
def register(runtime: RuntimeDep, visit: ChangeDep, told: Told) -> Response:
    """A telephone more."""
    scope = visit.scope(Permission.FIELD_VISIT)
    made = runtime.database.transact(
        scope, lambda session: devices.register(session, visit.principal, name=str(told.get("name", "")))
    )
    return JSONResponse({"id": str(made.id), "token": made.token}, headers=PRIVATE)


@router.post("/door/standing")
def standing(runtime: RuntimeDep, told: Told) -> Response:
    """Whether a telephone has to forget everything: asked before its code is typed, by its random id alone."""
    try:
        device_id = UUID(str(told.get("device")))
    except ValueError:
        return JSONResponse({"wipe": True}, headers=PRIVATE)
    with runtime.database.begin(Scope.nothing()) as session:
        wipe = devices.must_wipe(session, device_id)
    return JSONResponse({"wipe": wipe}, headers=PRIVATE)


@router.post("/door/packet")
def packet(runtime: RuntimeDep, visit: ChangeDep, token: Token = "") -> Response:
    """What this telephone needs for today and tomorrow."""

    def work(session: Session) -> dict[str, Any]:
        given = packets.give(session, visit.principal, token=token)
        return packing.written(session, runtime, given, visit.language)

    told = runtime.database.transact(visit.scope(Permission.FIELD_VISIT), work)
    headers = {**PRIVATE, "content-encoding": "gzip"}
    return Response(packing.pressed(told), media_type="application/json", headers=headers)


@router.post("/door/outbox")
def outbox(runtime: RuntimeDep, told: Told, token: Token = "") -> Response:
    """Take what a telephone tells, and say how its alarms stand. Sent again, it is once."""
    scope = _scope(runtime, token)
    telling = Telling(f"{runtime.settings.public_url}/field/visits", _said_of)

    def work(session: Session) -> dict[str, Any]:
        device = devices.of_token(session, token, lock=True)
        touch = Touch(entries.told_of(_mapping(told.get("touch"))), clock.now(session))
        sent = [one for one in _list(told.get("entries")) if isinstance(one, dict)][:MOST_SENT]
        answers = taking.take(session, device, touch=touch, sent=sent)
        for one in _list(told.get("alarms"))[:MOST_SENT]:
            alarms.raise_(session, device, touch=touch, raised=_raised(_mapping(one)), telling=telling)
        asked = [UUID(one) for one in _list(told.get("asked"))[:MOST_SENT] if _is_id(one)]
        return {
            "answers": [{"id": one.id, "taken": one.taken.value} for one in answers],
            "alarms": [
                {"id": str(one.id), "at": one.at.isoformat() if one.at else None, "by": one.by, "answer": one.answer}
                for one in alarms.answered(session, device, asked)
            ],
            "off_s": device.off_s,
            "wipe": devices.must_wipe(session, device.id),
        }  # fmt: skip

    return JSONResponse(runtime.database.transact(scope, work), headers=PRIVATE)


@router.post("/door/wiped")
def wiped(runtime: RuntimeDep, token: Token = "") -> Response:
    """This telephone has forgotten everything."""
    runtime.database.transact(Scope.nothing(), lambda session: devices.wiped(session, token=token))
    return PlainTextResponse("", status_code=204)


def _page(language: str) -> str:
    template = environment(language).get_template("field/door.html")
    return template.render(outcomes=tuple(Outcome), whoms=tuple(Whom), identities=IDENTITIES)


def _scope(runtime: Runtime, token: str) -> Scope:
    """The enti of which the telephone was ever given anything, and for which its agent goes."""
    with runtime.database.begin(Scope.nothing()) as session:
        device = devices.of_token(session, token)
        return devices.scope_of(session, device)


def _raised(raw: dict[str, Any]) -> Raised:
    practice = raw.get("practice")
    if not _is_id(raw.get("id")) or raw.get("kind") not in set(AlarmKind):
        raise InvalidError("Questa richiesta di aiuto non si può leggere.")
    return Raised(
        UUID(str(raw["id"])), AlarmKind(raw["kind"]), entries.told_of(_mapping(raw.get("told"))),
        practice if isinstance(practice, int) and 0 < practice < 2**63 else None,
        entries.checked_of(raw["position"]) if raw.get("position") else NOWHERE,
    )  # fmt: skip


def _said_of(kind: AlarmKind, language: str) -> str:
    return said(language if language in LANGUAGES else "it", word_for(kind))


def _mapping(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise InvalidError("Questo messaggio del telefono non si può leggere.")
    return raw


def _list(raw: Any) -> list[Any]:
    return raw if isinstance(raw, list) else []


def _is_id(raw: Any) -> bool:
    try:
        UUID(str(raw))
    except ValueError:
        return False
    return True
