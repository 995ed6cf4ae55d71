"""Writing what agents are given: the list with what wants looking at, a text with its versions, and their opinions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.knowledge import queries, service
from crm.knowledge.filling import OF_REPLIES, PLACES, Situation, unknown
from crm.knowledge.markup import rendered, steps
from crm.knowledge.models import PieceKind
from crm.knowledge.queries import VersionView, Whole
from crm.knowledge.standing import Opinions, Standing, standing
from telephony.calls.choices import Topic
from web.edge.answers import shown_anew
from web.edge.fields import id_of
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.knowledge.routes import TOPICS

router = APIRouter(prefix="/knowledge-editor", include_in_schema=False)
TextField = Annotated[str, Form()]
WRITE = Permission.KNOWLEDGE_WRITE


@dataclass(frozen=True, slots=True)
class Place:
    """For whom somebody may write: all enti of a contract, or one."""

    contract_id: int
    ente_id: int | None
    contract: str
    ente: str

    @property
    def key(self) -> str:
        return f"{self.contract_id}:{self.ente_id or ''}"


@router.get("")
def listed(
    request: Request, runtime: RuntimeDep, visit: VisitDep, kind: str = "", stands: str = "", topic: str = ""
) -> Response:
    """Everything, those first that are found useless or old."""
    scope = visit.scope(WRITE)
    with runtime.database.begin(scope) as session:
        today = clock.business_day(clock.now(session))
        lines = queries.lines(session, scope.contracts, scope.enti or frozenset(), today=today)
        badges = enti.badges(session)
    counted = {one: sum(line.standing is one for line in lines) for one in Standing}
    shown = [
        one for one in lines
        if kind in {"", one.kind.value} and stands in {"", one.standing.value} and topic in {"", one.topic}
    ]  # fmt: skip
    return page(
        request, "knowledge/list.html", visit.language, visit=visit, csrf=visit.csrf_token, lines=shown,
        all=len(lines), counted=counted, badges=badges, topics=TOPICS, kinds=tuple(PieceKind), chosen_kind=kind,
        chosen_standing=stands, chosen_topic=topic, standings=tuple(Standing),
    )  # fmt: skip


@router.get("/new")
def begin(request: Request, runtime: RuntimeDep, visit: VisitDep, kind: str = "article") -> Response:
    """What it is, for whom, and about what."""
    with runtime.database.begin(visit.scope(WRITE)) as session:
        places = _places(session, visit)
    return page(
        request, "knowledge/new.html", visit.language, visit=visit, csrf=visit.csrf_token, places=places,
        kinds=tuple(PieceKind), chosen=kind, topics=tuple(Topic),
    )  # fmt: skip


@router.post("/new")
def create(
    runtime: RuntimeDep, visit: ChangeDep, kind: Annotated[PieceKind, Form()], place: TextField = "",
    topic: Annotated[Topic | None, Form()] = None, title: TextField = "",
) -> Response:  # fmt: skip
    """A draft, to be written on its own page."""
    contract, _, ente = place.partition(":")
    contract_id = id_of(contract)
    if contract_id is None:
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")

    def work(session: Session) -> int:
        return service.write(
            session, visit.principal, contract_id=contract_id, ente_id=id_of(ente), kind=kind, topic=topic or "",
            title=title, body="",
        )  # fmt: skip

    piece_id = runtime.database.transact(visit.scope(WRITE), work)
    return shown_anew(translations(visit.language).gettext("Bozza creata."), at=f"/knowledge-editor/{piece_id}")


@router.get("/{piece_id}")
def edit(request: Request, runtime: RuntimeDep, visit: VisitDep, piece_id: int, version: int | None = None) -> Response:
    """The newest version to be written on, or an older one to be read."""
    with runtime.database.begin(visit.scope(WRITE)) as session:
        piece = queries.whole(session, piece_id)
        service.require_on_place(session, visit.principal, piece.contract_id, piece.ente_id)
        now = clock.now(session)
        said = {number: one for (piece_, number), one in queries.opinions(session).items() if piece_ == piece_id}
        reasons = queries.reasons(session, piece_id)
        badges = enti.badges(session)
        contract = enti.contract_name(session, piece.contract_id)
    shown = next((one for one in piece.versions if one.number == version), piece.versions[0])
    stands = standing(
        published=piece.current is not None, retired=piece.retired_at is not None, review_by=piece.review_by,
        opinions=said.get(piece.current or 0, Opinions()), today=clock.business_day(now),
    )  # fmt: skip
    return page(
        request, "knowledge/edit.html", visit.language, visit=visit, csrf=visit.csrf_token, piece=piece, shown=shown,
        is_newest=shown is piece.versions[0], said=said, reasons=reasons, stands=stands, contract=contract,
        badge=badges.get(piece.ente_id) if piece.ente_id is not None else None, topics=tuple(Topic),
        places=(*PLACES, *(OF_REPLIES if piece.kind is PieceKind.REPLY else ())),
        preview=_preview(visit, piece, shown, Situation(now, visit.principal.name)),
    )  # fmt: skip


@router.post("/{piece_id}")
def save(
    runtime: RuntimeDep, visit: ChangeDep, piece_id: int, based_on: Annotated[int, Form()], title: TextField = "",
    keywords: TextField = "", body: TextField = "", topic: Annotated[Topic | None, Form()] = None,
) -> Response:  # fmt: skip
    """Keep the draft as it is typed, and show what it looks like."""

    def work(session: Session) -> str:
        number = service.revise(
            session, visit.principal, piece_id=piece_id, topic=topic or "", title=title, body=body, keywords=keywords,
            based_on=based_on,
        )  # fmt: skip
        piece = queries.whole(session, piece_id)
        preview = _preview(visit, piece, piece.versions[0], Situation(clock.now(session), visit.principal.name))
        return fragment("knowledge/_saved.html", visit.language, number=number, preview=preview, piece=piece)

    return HTMLResponse(runtime.database.transact(visit.scope(WRITE), work))


@router.post("/{piece_id}/publish")
def publish(runtime: RuntimeDep, visit: ChangeDep, piece_id: int, number: Annotated[int, Form()]) -> Response:
    """Agents see this version, new or old, from now on."""
    _work(
        runtime, visit,
        lambda session: service.publish(session, visit.principal, piece_id=piece_id, number=number),
    )  # fmt: skip
    return shown_anew(
        translations(visit.language).gettext("Pubblicato: gli operatori lo vedono da adesso."),
        at=f"/knowledge-editor/{piece_id}",
    )


@router.post("/{piece_id}/discard")
def discard(runtime: RuntimeDep, visit: ChangeDep, piece_id: int) -> Response:
    """Throw the draft away."""
    left = runtime.database.transact(
        visit.scope(WRITE), lambda session: service.discard(session, visit.principal, piece_id=piece_id)
    )
    return shown_anew(
        translations(visit.language).gettext("Bozza eliminata."),
        at=f"/knowledge-editor/{piece_id}" if left else "/knowledge-editor",
    )


@router.post("/{piece_id}/confirm")
def confirm(runtime: RuntimeDep, visit: ChangeDep, piece_id: int) -> Response:
    """It still holds."""
    _work(runtime, visit, lambda session: service.confirm(session, visit.principal, piece_id=piece_id))
    return shown_anew(translations(visit.language).gettext("Confermato per un altro anno."))


@router.post("/{piece_id}/retire")
def retire(runtime: RuntimeDep, visit: ChangeDep, piece_id: int) -> Response:
    """Nobody is shown it any more."""
    _work(runtime, visit, lambda session: service.retire(session, visit.principal, piece_id=piece_id))
    return shown_anew(translations(visit.language).gettext("Ritirato: gli operatori non lo vedono più."))


@router.post("/{piece_id}/restore")
def restore(runtime: RuntimeDep, visit: ChangeDep, piece_id: int) -> Response:
    """It is used again."""
    _work(runtime, visit, lambda session: service.restore(session, visit.principal, piece_id=piece_id))
    return shown_anew(translations(visit.language).gettext("Di nuovo in uso."))


def _work(runtime: RuntimeDep, visit: Visit, work: Callable[[Session], None]) -> None:
    runtime.database.transact(visit.scope(WRITE), work)


def _places(session: Session, visit: Visit) -> list[Place]:
    by, badges = visit.principal, enti.badges(session)
    found = []
    for contract_id in sorted(by.contracts_for(WRITE)):
        name = enti.contract_name(session, contract_id)
        covered = sorted(enti.enti_of(session, contract_id) - by.kept_from, key=lambda one: badges[one].name)
        found += [Place(contract_id, None, name, "")]
        found += [Place(contract_id, one, name, badges[one].name) for one in covered]
    for ente_id in sorted(by.enti_for(WRITE)):
        for contract_id in sorted(enti.contracts_of(session, ente_id) - by.contracts_for(WRITE)):
            name = enti.contract_name(session, contract_id)
            found.append(Place(contract_id, ente_id, name, badges[ente_id].name))
    if not found:
        raise InvalidError("Non c'è nessun ente per cui puoi scrivere.")
    return found


def _preview(visit: Visit, piece: Whole, version: VersionView, situation: Situation) -> str:
    """A version as agents see it."""
    return fragment(
        "knowledge/_preview.html", visit.language, kind=piece.kind.value, body=version.body,
        html=rendered(version.body, situation.values), steps=steps(version.body, situation.values),
        strange=unknown(version.body, more=OF_REPLIES if piece.kind is PieceKind.REPLY else ()),
    )  # fmt: skip
