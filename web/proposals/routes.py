"""The page of the proposals: those to decide, those decided, one's own, and the feeds; live."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from crm.access.permissions import Permission
from crm.access.service import require_on, scope_for
from crm.audit import service as audit
from crm.collection.sources.queries import receivers
from crm.contacts import queries as contacts
from crm.core import clock, topics
from crm.core.db import Scope
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.documents import queries as documents
from crm.documents.queries import DocumentView
from crm.enti import queries as enti
from crm.positions import queries as positions
from crm.positions.history import Happening, Sort, history
from crm.positions.views import PositionView
from crm.proposals import delivery, exports, queries, service
from crm.proposals.acknowledgements import MAX_BYTES
from crm.proposals.lifecycle import State
from crm.proposals.queries import ProposalView
from crm.proposals.subjects import ProposalKind
from web.audit.stored import flat, said
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
WATCHES = (Permission.ENTE_WATCH, Permission.FILE_READ)  # both: a proposal names a taxpayer


@dataclass(frozen=True, slots=True)
class Served:
    """An act, and each attempt to serve it, with the documents that prove it by their reference."""

    position: PositionView
    told: tuple[Happening, ...]
    proofs: Mapping[str, DocumentView]


def watched(session: Session, visit: Visit) -> Scope:
    """The enti whose proposals a visitor reads: those that he watches, and whose files he may read."""
    watches, reads = (scope_for(session, visit.principal, one).enti or frozenset() for one in WATCHES)
    return Scope.of_enti(watches & reads)


def render(runtime: Runtime, visit: Visit) -> Rendered:
    """One person's lists."""
    by, database = visit.principal, runtime.database
    with database.begin(Scope.nothing()) as session:
        read = watched(session, visit)
        decides = scope_for(session, by, Permission.PROPOSAL_DECIDE).enti or frozenset()
        hands_over = scope_for(session, by, Permission.COLLECTION_IMPORT)
        makes = scope_for(session, by, Permission.PROPOSAL_MAKE)
        badges = enti.badges(session)
    with database.begin(read) as session:
        waiting, decided = queries.to_decide(session), queries.decided(session)
    with database.begin(makes) as session:
        own = queries.made_by(session, by) if makes.enti else []
    with database.begin(hands_over) as session:
        approved, feeds = queries.counts(session, State.APPROVED), queries.exports(session)
        refused = queries.refused_answers(session)
        receiving = {one.ente_id for one in receivers(session)}
    html = fragment(
        "proposals/lists.html", visit.language, waiting=waiting, decided=decided, own=own, approved=approved,
        feeds=feeds, decides=decides, reads=bool(read.enti), hands_over=hands_over.enti or (), badges=badges,
        user_id=by.user_id, undecided=State.MADE, receiving=receiving, refused=refused,
        stored=partial(_stored, visit),
    )  # fmt: skip
    enti_seen = (read.enti or frozenset()) | (makes.enti or frozenset()) | (hands_over.enti or frozenset())
    return Rendered({"proposals": html}, frozenset(topics.ente(one) for one in enti_seen))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Everybody has his own: what one may decide, made and hands over differ."""
    _admitted(visit)
    return [(f"proposals:{visit.principal.user_id}:{visit.language}", partial(render, runtime, visit))]


@router.get("/proposals")
def proposals(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The page."""
    _admitted(visit)
    return page(
        request, "proposals/page.html", visit.language, regions=render(runtime, visit).regions, visit=visit,
        csrf=visit.csrf_token,
    )  # fmt: skip


@router.post("/proposals/decide")
def decide(
    runtime: RuntimeDep, visit: ChangeDep, approve: Annotated[bool, Form()],
    proposal: Annotated[list[UUID] | None, Form()] = None, reason: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """Approve or refuse those that were chosen."""
    runtime.database.transact(
        visit.scope(Permission.PROPOSAL_DECIDE),
        lambda session: service.decide(
            session, visit.principal, proposal_ids=proposal or [], approve=approve, reason=reason
        ),
    )
    return Response(status_code=NO_CONTENT)


@router.post("/proposals/{proposal_id}/undo")
def undo(runtime: RuntimeDep, visit: ChangeDep, proposal_id: UUID) -> Response:
    """A decision taken by mistake is taken back."""
    runtime.database.transact(
        visit.scope(Permission.PROPOSAL_DECIDE),
        lambda session: service.undo_decision(session, visit.principal, proposal_id=proposal_id),
    )
    return Response(status_code=NO_CONTENT)


@router.get("/proposals/{proposal_id}/file")
def file(runtime: RuntimeDep, visit: VisitDep, proposal_id: UUID) -> Response:
    """What the file says now of whom a proposal is about: looked at by whoever decides, and recorded."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        one = queries.get(session, proposal_id)
        if one is None:
            raise NotFoundError("Questa proposta non esiste.")
        contact = contacts.get(session, one.contact_id)
        others = [each for each in queries.of_contacts(session, [contact.id]) if each.id != one.id]
        audit.note(
            session, visit.principal, kind="file.opened", ente_id=contact.ente_id, contact_id=contact.id,
            reason="decisione su una proposta",
        )  # fmt: skip
        served = _served(session, one) if one.kind is ProposalKind.NOTIFICATION_PROBLEM else None
    return HTMLResponse(
        fragment(
            "proposals/_known.html",
            visit.language,
            contact=contact,
            others=others,
            served=served,
            stored=partial(_stored, visit),
        )
    )


@router.post("/proposals/export")
def export(runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()]) -> Response:
    """Put what is approved into a feed now."""

    def work(session: Session) -> None:
        if exports.export(session, visit.principal, ente_id=ente) is None:
            raise InvalidError("Non c'è niente da esportare: nessuna proposta è stata accolta dopo l'ultimo flusso.")

    runtime.database.transact(visit.scope(Permission.COLLECTION_IMPORT), work)
    return Response(status_code=NO_CONTENT)


@router.get("/proposals/exports/{export_id}")
def download(runtime: RuntimeDep, visit: VisitDep, export_id: int) -> Response:
    """A feed as it was handed over."""
    with runtime.database.begin(visit.scope(Permission.COLLECTION_IMPORT)) as session:
        name, content = exports.content(session, visit.principal, export_id=export_id)
    return Response(
        content, media_type="application/jsonl", headers={"content-disposition": f'attachment; filename="{name}"'}
    )


@router.post("/proposals/exports/{export_id}/deliver")
def deliver(runtime: RuntimeDep, visit: ChangeDep, export_id: int) -> Response:
    """Deliver a feed to the gestionale now."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    runtime.database.transact(
        scope, lambda session: delivery.deliver_now(session, visit.principal, export_id=export_id)
    )
    return Response(status_code=NO_CONTENT)


@router.post("/proposals/acknowledgements")
def acknowledge(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()],
    file: Annotated[UploadFile, Form()],
) -> Response:  # fmt: skip
    """Take the collection system's answers in; say which lines could not be taken."""
    content = file.file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise InvalidError("Il file è troppo grande per essere di riscontri: al massimo 5 MB.")
    scope = visit.scope(Permission.COLLECTION_IMPORT)

    def work(session: Session) -> exports.Received:
        require_on(session, visit.principal, Permission.COLLECTION_IMPORT, ente_id=ente)
        return exports.acknowledge(session, visit.principal, ente_id=ente, content=content)

    received = runtime.database.transact(scope, work)
    if "hx-request" not in request.headers:
        return RedirectResponse("/proposals", status_code=303)
    return HTMLResponse(fragment("proposals/_received.html", visit.language, received=received))


def _stored(visit: Visit, value: str) -> str:
    """A day or number as people write it."""
    return flat(said("value", value, visit.language))


def _served(session: Session, one: ProposalView) -> Served | None:
    """What the file knows of serving the act that a problem is about."""
    found = [each for each in positions.of_contact(session, [one.contact_id]) if each.act_number == one.act_number]
    if not found:
        return None
    told = history(found[0], clock.business_day(clock.now(session)))
    proofs = {each.reference: each for each in documents.of_contacts(session, [one.contact_id])}
    return Served(found[0], tuple(each for each in told if each.sort in {Sort.ACT, Sort.NOTIFICATION}), proofs)


def _admitted(visit: Visit) -> None:
    can = visit.principal.can
    if not (can(Permission.PROPOSAL_MAKE) or can(Permission.COLLECTION_IMPORT) or all(can(one) for one in WATCHES)):
        raise ForbiddenError("Non hai il permesso di vedere le proposte.")
