"""Voice flows: which there are, a flow drawn and written, its versions, a call tried in words; emergency messages."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti import queries as enti
from outbound.cati import queries as questionnaires
from telephony.ivr import outside, queries, service
from telephony.ivr.definition import Flow, NodeKind, Questions
from telephony.ivr.diagram import HEIGHT, WIDTH, draw
from telephony.ivr.editing import fields_of
from telephony.ivr.languages import Language
from telephony.ivr.rehearsal import rehearse
from telephony.ivr.turns import Await, Enter, Place, PutThrough, Question
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from web.edge.fields import chosen
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
HOME = "/voice"
Text = Annotated[str, Form()]


@router.get("/voice")
def all_flows(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The flows of the visitor's contracts, their numbers, and messages for emergencies."""
    scope = visit.scope(Permission.FLOW_MANAGE)
    contracts = visit.principal.contracts_for(Permission.FLOW_MANAGE)
    with runtime.database.begin(scope) as session:
        shown = [
            (one, enti.contract_name(session, one), enti.badges(session, enti.enti_of(session, one)),
             queries.flows(session, frozenset({one})), queries.emergencies(session, frozenset({one})),
             [line for line in lines.all_lines(session) if line.contract_id == one])
            for one in sorted(contracts)
        ]  # fmt: skip
    return page(
        request, "voice/list.html", visit.language, visit=visit, csrf=visit.csrf_token, contracts=shown,
        languages=tuple(Language),
    )  # fmt: skip


@router.post("/voice/flows")
def create(runtime: RuntimeDep, visit: ChangeDep, contract: Annotated[int, Form()], name: Text = "") -> Response:
    """A new flow, with a first draft."""
    flow_id = runtime.database.transact(
        visit.scope(Permission.FLOW_MANAGE),
        lambda session: service.create(session, visit.principal, contract_id=contract, name=name),
    )
    return _go(f"/voice/flows/{flow_id}")


@router.get("/voice/flows/{flow_id}")
def one_flow(
    request: Request, runtime: RuntimeDep, visit: VisitDep, flow_id: int, version: int = 0, node: str = "",
    focus: str = "",
) -> Response:  # fmt: skip
    """A flow: a version drawn, with what is wrong with it; a draft may be written."""
    with runtime.database.begin(visit.scope(Permission.FLOW_MANAGE)) as session:
        shown = queries.flow(session, flow_id)
        if not visit.principal.can(Permission.FLOW_MANAGE, contract_id=shown.contract_id):
            raise NotFoundError("Questo percorso non esiste.")
        chosen = next((one for one in shown.versions if one.id == version), shown.versions[0])
        stored = queries.definition(session, chosen.id)
        flow = Flow.model_validate(stored)
        found = service.wrong(session, shown.contract_id, flow)
        numbers = [line for line in lines.all_lines(session) if line.contract_id == shown.contract_id]
        named = {one.id: one.name for one in queues.queues(session, frozenset({shown.contract_id}))}
        reaches = outside.numbers(session, shown.contract_id)
        forms = {one.id: one.title for one in questionnaires.answered_by_keys(session, shown.contract_id)}
    return page(
        request, "voice/flow.html", visit.language, visit=visit, csrf=visit.csrf_token, flow=shown, version=chosen,
        drawn=draw(flow), size=(WIDTH, HEIGHT), problems=found, wrong={one.node for one in found if one.hinders},
        edited=_edited(flow, node), focus=focus, kinds=tuple(NodeKind), every_language=tuple(Language),
        written=json.dumps(stored, ensure_ascii=False, indent=2), numbers=numbers, queues=named, definition=flow,
        reaches=reaches, forms=forms,
    )  # fmt: skip


@router.post("/voice/flows/{flow_id}/drafts")
def draft(runtime: RuntimeDep, visit: ChangeDep, flow_id: int, of: Annotated[int, Form()]) -> Response:
    """A new draft, from a version; or the one there is."""
    version = runtime.database.transact(
        visit.scope(Permission.FLOW_MANAGE),
        lambda session: service.draft(session, visit.principal, flow_id=flow_id, of=of),
    )
    return _go(f"/voice/flows/{flow_id}?version={version}")


@router.post("/voice/versions/{version_id}")
def save(
    runtime: RuntimeDep, visit: ChangeDep, version_id: int, flow: Annotated[int, Form()], definition: Text = ""
) -> Response:
    """Write a draft."""
    try:
        told = json.loads(definition)
    except json.JSONDecodeError as error:
        raise FieldError(
            f"Non è JSON: c'è un errore alla riga {error.lineno}, carattere {error.colno}.", "definition"
        ) from None
    except ValueError:  # a number longer than Python reads
        raise FieldError("Non è JSON.", "definition") from None
    if not isinstance(told, dict):
        raise FieldError("Un percorso comincia con una parentesi graffa.", "definition")
    try:
        runtime.database.transact(
            visit.scope(Permission.FLOW_MANAGE),
            lambda session: service.save(session, visit.principal, version_id=version_id, definition=told),
        )
    except InvalidError as error:
        parts = "; ".join(f"{one.field}: {one}" for one in error.parts) or str(error)
        raise FieldError(parts, "definition") from None
    return _go(f"/voice/flows/{flow}?version={version_id}")


@router.post("/voice/versions/{version_id}/publish")
def publish(runtime: RuntimeDep, visit: ChangeDep, version_id: int, flow: Annotated[int, Form()]) -> Response:
    """New calls take this version; going back to an older one is the same."""
    runtime.database.transact(
        visit.scope(Permission.FLOW_MANAGE),
        lambda session: _publish(session, visit, version_id),
    )
    return _go(f"/voice/flows/{flow}?version={version_id}")


@router.post("/voice/lines/{number}")
def lead(runtime: RuntimeDep, visit: ChangeDep, number: str, flow: Text = "") -> Response:
    """A number leads to a flow, or to the usual one."""
    runtime.database.transact(
        visit.scope(Permission.FLOW_MANAGE),
        lambda session: service.lead(session, visit.principal, number=number, flow_id=chosen(flow)),
    )
    return _go(HOME)


@router.post("/voice/emergencies")
def write_emergency(
    runtime: RuntimeDep, visit: ChangeDep, contract: Annotated[int, Form()], ente: Text = "", ends: Text = "",
    it: Text = "", en: Text = "", de: Text = "",
) -> Response:  # fmt: skip
    """A message for emergencies, off until it is switched on."""
    text = {"it": it, "en": en, "de": de}
    runtime.database.transact(
        visit.scope(Permission.CENTRE_CLOSE),
        lambda session: service.write_emergency(
            session, visit.principal, contract_id=contract, ente_id=chosen(ente), text=text,
            ends=bool(ends),
        ),
    )  # fmt: skip
    return _go(HOME)


@router.post("/voice/emergencies/{message_id}")
def switch_emergency(runtime: RuntimeDep, visit: ChangeDep, message_id: int, on: Text = "") -> Response:
    """On, or off, at once."""
    runtime.database.transact(
        visit.scope(Permission.CENTRE_CLOSE),
        lambda session: service.switch_emergency(session, visit.principal, message_id=message_id, on=bool(on)),
    )
    return _go(HOME)


@router.post("/voice/emergencies/{message_id}/rewrite")
def rewrite_emergency(
    runtime: RuntimeDep, visit: ChangeDep, message_id: int, ente: Text = "", ends: Text = "", it: Text = "",
    en: Text = "", de: Text = "",
) -> Response:  # fmt: skip
    """Correct a message, on or off."""
    text = {"it": it, "en": en, "de": de}
    runtime.database.transact(
        visit.scope(Permission.CENTRE_CLOSE),
        lambda session: service.rewrite_emergency(
            session, visit.principal, message_id=message_id, ente_id=chosen(ente), text=text, ends=bool(ends)
        ),
    )
    return _go(HOME)


@router.post("/voice/emergencies/{message_id}/remove")
def remove_emergency(runtime: RuntimeDep, visit: ChangeDep, message_id: int) -> Response:
    """Throw a message away."""
    runtime.database.transact(
        visit.scope(Permission.CENTRE_CLOSE),
        lambda session: service.remove_emergency(session, visit.principal, message_id=message_id),
    )
    return _go(HOME)


@router.post("/voice/try")
def try_call(
    runtime: RuntimeDep, visit: ChangeDep, version: Annotated[int, Form()], number: Text = "", caller: Text = "",
    place: Text = "", said: Text = "", full: Text = "", uncalled: Text = "",
) -> Response:  # fmt: skip
    """A turn of a call in words. Its place comes back with the form; nothing is kept here.

    Whoever plays chooses whether the queues are `full`, and whether the caller asked never to be called.
    """
    with runtime.database.begin(visit.scope(Permission.FLOW_MANAGE)) as session:
        line = lines.line(session, number)
        if line is None or not visit.principal.can(Permission.FLOW_MANAGE, contract_id=line.contract_id):
            raise FieldError("Scegli uno dei numeri.", "number")
        at = clock.now(session)
        played = rehearse(
            session, line, at=at, caller=caller, version_id=version, full=bool(full), calls_back=not uncalled
        )
        turn = played.begin()
        if place:
            keyed = all(char in "0123456789*#" for char in said)
            turn = played.answer(
                session, _place(place, played.flow), keys=said.strip("#") if keyed else "", speech="" if keyed else said
            )
        queue = queues.queue(session, turn.then.queue).name if isinstance(turn.then, Enter) else ""
    return HTMLResponse(
        fragment(
            "voice/_turn.html", visit.language, turn=turn, said=said if place else None, queue=queue,
            place=json.dumps(turn.place.stored()), waits=isinstance(turn.then, Await | PutThrough | Question),
            questions=isinstance(turn.then, Question),
            outside=turn.then.number if isinstance(turn.then, PutThrough) else "",
        )
    )  # fmt: skip


def _publish(session: Session, visit: Visit, version_id: int) -> None:
    """Publish a version whose questionnaires can be put to callers."""
    service.publish(session, visit.principal, version_id=version_id)
    asked = [one for one in queries.of_call(session, version_id).nodes.values() if isinstance(one, Questions)]
    if any(not questionnaires.by_keys(session, one.questionnaire) for one in asked):
        raise ConflictError("Un questionario di questo percorso non è in uso, o non si compila con i tasti.")


def _edited(flow: Flow, node: str) -> dict[str, Any] | None:
    """The node whose form is shown, and what its form has: the chosen one, else the first."""
    id_ = node if node in flow.nodes else flow.start
    chosen = flow.nodes.get(id_)
    if chosen is None:
        return None
    return {"id": id_, "node": chosen, "fields": fields_of(chosen.kind)}


def _place(stored: str, flow: Flow) -> Place:
    try:
        place = Place.restored(json.loads(stored))
    except (ValueError, KeyError, TypeError, ValidationError):
        raise InvalidError("La prova è finita: ricominciala.") from None
    if place.node not in flow.nodes:
        raise InvalidError("La prova è finita: ricominciala.")
    return place


def _go(path: str) -> Response:
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": path})
