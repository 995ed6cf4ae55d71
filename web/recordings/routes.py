"""Recorded conversations: the list, the page of one, its sound in parts, and what keeps it."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Header, Request, Response

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core.errors import ConflictError
from crm.core.secrecy import SecrecyError
from crm.documents.store import StoreError
from crm.enti import queries as enti
from crm.monitoring import queries as monitoring
from crm.monitoring.lock import Use
from telephony.recording import queries, service
from telephony.recording.models import HeardFor
from telephony.sounds import sealing
from telephony.sounds.sealing import Sealed
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT, PARTIAL, NOT_THERE = 204, 206, 416
RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
AWAY = "La registrazione non si può leggere: riprova, o avvisa chi gestisce il sistema."


@router.get("/recordings")
def latest(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The latest recorded conversations of the enti for which one may listen."""
    with runtime.database.begin(visit.scope(Permission.RECORDING_LISTEN)) as session:
        found = queries.latest(session, kept_from=visit.principal.kept_from)
        # A list of who took which conversation serves to choose whose to hear: named where that is open.
        shut = {
            one: monitoring.lock(session, Use.RECORDINGS, contract_id=one) for one in {o.contract_id for o in found}
        }
        open_to = {one.agent_id for one in found if one.agent_id is not None and shut[one.contract_id] is None}
        names = access.named(session, open_to)
        badges = enti.badges(session, frozenset(one.ente_id for one in found))
    return page(
        request, "recordings/list.html", visit.language, visit=visit, csrf=visit.csrf_token, found=found, names=names,
        badges=badges, locks=sorted(set(filter(None, shut.values()))),
    )  # fmt: skip


@router.get("/recordings/{call_id}")
def conversation(request: Request, runtime: RuntimeDep, visit: VisitDep, call_id: UUID) -> Response:
    """A recorded conversation: why one wants to listen, and once that is said, the sound."""
    with runtime.database.begin(visit.scope(Permission.RECORDING_LISTEN)) as session:
        mine = service.listening(session, visit.principal, call_id=call_id)
        told = queries.conversation(session, call_id)
        lock = monitoring.lock(session, Use.RECORDINGS, contract_id=told.contract_id, agent_id=told.agent_id)
        names = access.named(session, {one for one in (told.agent_id, *(by for by, _, _ in told.listened)) if one})
        ente = enti.badges(session, frozenset({told.ente_id}))[told.ente_id]
    return page(
        request, "recordings/page.html", visit.language, visit=visit, csrf=visit.csrf_token, call_id=call_id, told=told,
        mine=mine, names=names, ente=ente, may_save=visit.principal.can(Permission.RECORDING_SAVE),
        lock=lock, purposes=tuple(HeardFor),
    )  # fmt: skip


@router.post("/recordings/{call_id}")
def begin(
    runtime: RuntimeDep, visit: ChangeDep, call_id: UUID, heard_for: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """What for, and why, one wants to listen."""
    chosen = HeardFor(heard_for) if heard_for in set(HeardFor) else None
    runtime.database.transact(
        visit.scope(Permission.RECORDING_LISTEN),
        lambda session: service.begin(session, visit.principal, call_id=call_id, heard_for=chosen, reason=reason),
    )
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": f"/recordings/{call_id}"})


@router.post("/recordings/{call_id}/hold")
def hold(runtime: RuntimeDep, visit: ChangeDep, call_id: UUID, because: Annotated[str, Form()] = "") -> Response:
    """A complaint needs it."""
    runtime.database.transact(
        visit.scope(Permission.RECORDING_LISTEN),
        lambda session: service.hold(session, visit.principal, call_id=call_id, because=because),
    )
    return shown_anew(translations(visit.language).gettext("Trattenuta: non si cancella finché serve."))


@router.post("/recordings/{call_id}/release")
def release(runtime: RuntimeDep, visit: ChangeDep, call_id: UUID) -> Response:
    """It is needed no longer."""
    runtime.database.transact(
        visit.scope(Permission.RECORDING_LISTEN),
        lambda session: service.release(session, visit.principal, call_id=call_id),
    )
    return shown_anew(translations(visit.language).gettext("Non è più trattenuta."))


@router.get("/recordings/{call_id}/{recording_id}/sound")
def sound(
    runtime: RuntimeDep, visit: VisitDep, call_id: UUID, recording_id: UUID, save: bool = False,
    range_: Annotated[str, Header(alias="range")] = "",
) -> Response:  # fmt: skip
    """The sound, or the part of it that the player asks for; `save` takes all of it away."""
    with runtime.database.begin(visit.scope(Permission.RECORDING_LISTEN)) as session:
        found = service.sound(session, visit.principal, call_id=call_id, recording_id=recording_id, saves=save)
    return sent(runtime, found, range_, save=save)


def sent(runtime: Runtime, found: Sealed, range_: str, *, save: bool = False) -> Response:
    """The sound, or the part of it that the player asks for (RFC 9110, 14), to whoever was found entitled to it.

    Raises `ConflictError` while it cannot be read.
    """
    try:
        whole = sealing.read(runtime.documents, found)
    except (StoreError, SecrecyError) as error:
        raise ConflictError(AWAY) from error
    headers = {"cache-control": "no-store", "cross-origin-resource-policy": "same-origin", "accept-ranges": "bytes"}
    if save:
        headers["content-disposition"] = f'attachment; filename="conversazione-{found.id}.wav"'
        return Response(whole, media_type="audio/wav", headers=headers)
    headers["content-disposition"] = "inline"
    if not RANGE.fullmatch(range_) or range_ == "bytes=-":  # none, several, or no range at all: all of it
        return Response(whole, media_type="audio/wav", headers=headers)
    first, last = part(range_, len(whole))
    if first > last:
        headers["content-range"] = f"bytes */{len(whole)}"
        return Response(status_code=NOT_THERE, headers=headers)
    headers["content-range"] = f"bytes {first}-{last}/{len(whole)}"
    return Response(whole[first : last + 1], status_code=PARTIAL, media_type="audio/wav", headers=headers)


def part(asked: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a range; the first beyond the last where there is nothing of it."""
    found = RANGE.fullmatch(asked)
    assert found is not None
    first, last = found.groups()
    if not first:  # the last so many
        return max(size - int(last), 0), size - 1 if int(last) else -1
    return int(first), min(int(last) if last else size - 1, size - 1)
