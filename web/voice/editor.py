"""A draft edited by forms, a node in each: its texts side by side, its choices as rows, where it leads."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Response

from crm.access.permissions import Permission
from crm.core.errors import FieldError, InvalidError, NotFoundError
from telephony.ivr import editing, queries, service
from telephony.ivr.definition import NodeKind, ToQueue
from telephony.ivr.languages import Language
from telephony.ivr.service import parse
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.visits import ChangeDep, RuntimeDep, Visit
from web.enti.forms import TypedDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
Change = Callable[[Mapping[str, Any]], Mapping[str, Any]]


@router.post("/voice/versions/{version_id}/nodes")
def add(runtime: RuntimeDep, visit: ChangeDep, version_id: int, fields: TypedDep) -> Response:
    """A new node, to be filled in."""
    kind, made = _kind(fields.get("kind", "")), ""

    def change(now: Mapping[str, Any]) -> Mapping[str, Any]:
        nonlocal made
        operator = parse(now).nodes.get(now["operator"])
        queue = operator.queue if isinstance(operator, ToQueue) else 0
        after, made = editing.added(now, kind, fields.get("name", ""), queue)
        return after

    flow = _change(runtime, visit, version_id, change)
    return _go(flow, version_id, made)


@router.post("/voice/versions/{version_id}/nodes/{node}")
def fill_in(runtime: RuntimeDep, visit: ChangeDep, version_id: int, node: str, fields: TypedDep) -> Response:
    """What a node says, does and leads to; `do` adds, removes or moves one of its choices besides."""
    kinds: list[NodeKind] = []

    def change(now: Mapping[str, Any]) -> Mapping[str, Any]:
        kinds[:] = [editing.kind_of(now, node)]
        filled = editing.filled(kinds[0], fields, [Language(one) for one in now["languages"]])
        return editing.put(now, node, editing.rows_changed(filled, fields.get("do", ""), now))

    try:
        flow = _change(runtime, visit, version_id, change)
    except InvalidError as error:
        prefix = f"nodes.{node}.{kinds[0].value}." if kinds else ""
        parts = [InvalidError(str(one), field=one.field.removeprefix(prefix)) for one in error.parts]
        raise InvalidError(str(error), parts=parts) from None
    focus = _focus(fields.get("do", ""))
    return _go(flow, version_id, node, focus) if focus else _saved(visit)


@router.post("/voice/versions/{version_id}/nodes/{node}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, version_id: int, node: str) -> Response:
    """The flow without it."""
    return _go(_change(runtime, visit, version_id, lambda now: editing.removed(now, node)), version_id)


@router.post("/voice/versions/{version_id}/whole")
def whole(runtime: RuntimeDep, visit: ChangeDep, version_id: int, fields: TypedDep) -> Response:
    """Where it begins, where zero leads, which languages it speaks: the usual one first."""
    usual = fields.get("usual", "")
    chosen = [one.value for one in Language if f"speaks-{one.value}" in fields]
    if usual not in chosen:
        raise FieldError("La lingua abituale è una di quelle del percorso.", "usual")
    languages = [usual, *(one for one in chosen if one != usual)]

    def change(now: Mapping[str, Any]) -> Mapping[str, Any]:
        return editing.led(now, start=fields.get("start", ""), operator=fields.get("operator", ""), languages=languages)

    _change(runtime, visit, version_id, change)
    return _saved(visit)


@router.post("/voice/versions/{version_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, version_id: int) -> Response:
    """Take back the last change."""

    runtime.database.transact(
        visit.scope(Permission.FLOW_MANAGE),
        lambda session: service.undo(session, visit.principal, version_id=version_id),
    )
    return shown_anew(translations(visit.language).gettext("Modifica annullata."))


def _change(runtime: Runtime, visit: Visit, version_id: int, change: Change) -> int:
    """Change a draft; the id of its flow."""

    def work(session: Any) -> int:
        service.edit(session, visit.principal, version_id=version_id, change=change)
        return queries.flow_of(session, version_id)

    return runtime.database.transact(visit.scope(Permission.FLOW_MANAGE), work)


def _kind(text: str) -> NodeKind:
    try:
        return NodeKind(text)
    except ValueError:
        raise NotFoundError("Questo tipo di passo non esiste: ricarica la pagina.") from None


def _focus(do: str) -> str:
    """Where the keyboard goes on after a choice was moved: to the same one, in its new place."""
    what, _, place = do.partition(":")
    at = int(place) if place.isascii() and place.isdecimal() and len(place) < 4 else 0
    return {"up": str(max(0, at - 1)), "down": str(at + 1), "remove": str(max(0, at - 1)), "add": "last"}.get(what, "")


def _go(flow: int, version: int, node: str = "", focus: str = "") -> Response:
    """Another node, or another place in this one."""
    asked = {"version": version} | ({"node": node} if node else {}) | ({"focus": focus} if focus else {})
    where = f"/voice/flows/{flow}?{urlencode(asked)}"  # no fragment: it would take the focus, or load nothing anew
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": where})


def _saved(visit: Visit) -> Response:
    """The same place, with what is wrong there now."""
    return shown_anew(translations(visit.language).gettext("Salvato."))
