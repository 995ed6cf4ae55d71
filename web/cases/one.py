"""One case: what it is about, where it stands, and what may be done with it now."""

from typing import Annotated, Any, TypeVar
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response, UploadFile
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.cases import (
    citizens,
    concerning,
    documents,
    having,
    hearing,
    owners,
    resting,
    rights,
    running,
    service,
    teams,
    together,
    told,
    views,
)
from crm.cases.consigning import service as consigning
from crm.cases.instalments import rules as instalments
from crm.cases.lifecycle import DECISIONS, Deed, Need, Outcome, Step, Topic, Who, possible
from crm.cases.models import Case, ExtensionReason, PauseReason
from crm.cases.protocol import registering
from crm.cases.saying import Said
from crm.cases.submissions import senders
from crm.core.errors import FieldError
from crm.enti import details
from crm.enti import queries as enti
from outbound.letters import answers
from telephony.mail import requests
from web.cases import files, handing
from web.cases.handing import scope
from web.cases.live import refreshed
from web.cases.words import ASKS, DO, WHY
from web.edge.fields import day_of, id_of
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.field.forms import told_anew
from web.files.documents import POLICIES

router = APIRouter(prefix="/cases", include_in_schema=False)
T = TypeVar("T")
Typed = Annotated[T | None, BeforeValidator(lambda text: text or None), Form()]
FieldText = Annotated[str, Form()]
Version = Annotated[int, Form()]
TEAM = "team-"  # before its number, where it is chosen among people


@router.get("/{case_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, case_id: int) -> Response:
    """Everything of it; printed, its summary sheet."""

    def work(session: Session) -> dict[str, Any]:
        found = views.one(session, case_id)
        row = session.get_one(Case, case_id)
        if told.opened(session, visit.principal, row, refreshed=refreshed(request)):
            hearing.looked(session, visit.principal, row)
        his = rights.parts(session, visit.principal, found.ente_id)
        possible_ = possible(found.topic, found.state)
        steps = [_button(each) for each in possible_ if each.who is not Who.GESTIONALE]
        manages = Who.SUPERVISOR in his
        letters = answers.of_case(session, case_id)
        return {
            "threads": requests.of_case(session, visit.principal, case_id),
            "letters": letters, "under_way": any(each.under_way for each in letters),
            "back": answers.came_back(session, case_id, letters),
            "reached": citizens.is_reached(session, row),
            "news": found.heard_at or requests.unread_since(session, case_id),
            "choices": concerning.choices(session, row) if Who.OPERATOR in his else (),
            "may": instalments.possible(session, found.ente_id, case_id) if found.topic is Topic.INSTALMENTS else None,
            "longer_until": running.longer_until(session, row) if Who.OPERATOR in his else None,
            "consigned": consigning.of_case(session, case_id),
            "preview": handing.preview(session, runtime, found) if Who.OPERATOR in his else None,
            "sender": senders.of_case(session, case_id),
            "one": found, "stamp": together.now(session, case_id).stamp, "awaited": registering.owed(session, case_id),
            "ente": enti.badges(session)[found.ente_id], "works": Who.OPERATOR in his,
            "manages": manages, "mine": [each for each in steps if each["who"] in his],
            "others": sorted({each["who"] for each in steps if each["who"] not in his}),
            "offices": [(each.id, each.name) for each in details.offices(session, found.ente_id)],
            "may_take": having.may_take(session, row, visit.principal.user_id),
            "people": access.able_on(session, Permission.CASE_WORK, ente_id=found.ente_id) if manages else {},
            "teams": teams.for_case(
                session, visit.principal, contract_id=found.contract_id, ente_id=found.ente_id
            ) if manages else {},
            "pause_reasons": PauseReason, "extension_reasons": ExtensionReason, "need": Need,
        }  # fmt: skip

    return page(
        request, "cases/case.html", visit.language, visit=visit, csrf=visit.csrf_token,
        **runtime.database.transact(visit.scope(Permission.CASE_READ), work),
    )  # fmt: skip


@router.post("/{case_id}/step")
def step(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, deed: Annotated[Deed, Form()],
    words: FieldText = "", outcome: Typed[Outcome] = None, office_id: FieldText = "", instalments: FieldText = "",
) -> Response:  # fmt: skip
    """Take a step."""
    said = Said(words, outcome, id_of(office_id), id_of(instalments.strip()))
    runtime.database.transact(
        scope(visit),
        lambda session: service.step(
            session, visit.principal, case_id=case_id, version=version, deed=deed, said=said, answers=requests.reply
        ),
    )
    return told_anew("Fatto.", visit)


@router.post("/{case_id}/assign")
def assign(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, owner: FieldText = ""
) -> Response:  # fmt: skip
    """It is somebody's, or a team's; `me` is the visitor; nobody chosen is nobody's."""
    team_id = id_of(owner.removeprefix(TEAM)) if owner.startswith(TEAM) else None
    user_id = visit.principal.user_id if owner == "me" else id_of(owner)
    if owner and team_id is None and user_id is None:
        raise FieldError("Scegli una persona o una squadra.", "owner")
    runtime.database.transact(
        scope(visit),
        lambda session: owners.assign(
            session, visit.principal, case_id=case_id, version=version, user_id=user_id, team_id=team_id
        ),
    )
    return told_anew("Affidata.", visit)


@router.post("/{case_id}/identify")
def identify(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, contact_id: FieldText = ""
) -> Response:  # fmt: skip
    """It is this taxpayer's: somebody made sure."""
    runtime.database.transact(
        scope(visit),
        lambda session: senders.identify(
            session, visit.principal, case_id=case_id, version=version, contact_id=id_of(contact_id) or 0
        ),
    )
    return told_anew("Ora è nel suo fascicolo.", visit)


@router.post("/{case_id}/protocol")
def protocol(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, number: FieldText = "", day: FieldText = "",
    instead_of: FieldText = "",
) -> Response:  # fmt: skip
    """The number that the ente's protocol gave it."""
    try:
        on = day_of(day)
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "day") from None
    runtime.database.transact(
        scope(visit),
        lambda session: service.register(
            session, visit.principal, case_id=case_id, version=version, number=number, day=on, instead_of=instead_of
        ),
    )
    return told_anew("Protocollo scritto.", visit)


@router.post("/{case_id}/protocol/again")
def protocol_again(runtime: RuntimeDep, visit: ChangeDep, case_id: int) -> Response:
    """The ente's protocol is asked once more."""
    runtime.database.transact(
        scope(visit), lambda session: registering.retry(session, visit.principal, case_id=case_id)
    )
    return told_anew("Si chiede di nuovo il numero al protocollo dell'ente.", visit)


@router.post("/{case_id}/pause")
def pause(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, reason: Annotated[PauseReason, Form()],
    papers: FieldText = "",
) -> Response:  # fmt: skip
    """Its terms rest."""
    runtime.database.transact(
        scope(visit),
        lambda session: resting.pause(
            session, visit.principal, case_id=case_id, version=version, reason=reason, papers=papers
        ),
    )
    return told_anew("Termini sospesi.", visit)


@router.post("/{case_id}/resume")
def resume(runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version) -> Response:
    """They run again."""
    runtime.database.transact(
        scope(visit), lambda session: resting.resume(session, visit.principal, case_id=case_id, version=version)
    )
    return told_anew("I termini corrono di nuovo.", visit)


@router.post("/{case_id}/extend")
def extend(
    runtime: RuntimeDep, visit: ChangeDep, case_id: int, version: Version, reason: Annotated[ExtensionReason, Form()],
    term_id: FieldText = "", days: FieldText = "",
) -> Response:  # fmt: skip
    """One of its terms is longer."""
    more = id_of(days.strip())
    if more is None:
        raise FieldError("Un numero intero di giorni.", "days")
    runtime.database.transact(
        scope(visit),
        lambda session: resting.extend(
            session, visit.principal, case_id=case_id, version=version, term_id=id_of(term_id) or 0, days=more,
            reason=reason,
        ),
    )  # fmt: skip
    return told_anew("Termine prorogato.", visit)


@router.post("/{case_id}/documents")
def bring(runtime: RuntimeDep, visit: ChangeDep, case_id: int, file: UploadFile | None = None) -> Response:
    """A file is added: its contents are stored first, outside of any transaction."""
    content, brought = files.checked(runtime, file)
    with runtime.database.begin(scope(visit)) as session:
        ente_id = documents.may_add(session, visit.principal, case_id=case_id)
    files.store(runtime, ente_id, content, brought)
    runtime.database.transact(
        scope(visit), lambda session: documents.add(session, visit.principal, case_id=case_id, brought=brought)
    )
    return told_anew("Documento aggiunto.", visit)


@router.get("/documents/{document_id}")
def document(runtime: RuntimeDep, visit: VisitDep, document_id: UUID) -> Response:
    """A file, to be looked at in the browser."""
    with runtime.database.begin(visit.scope(Permission.CASE_READ)) as session:
        found = documents.look(session, visit.principal, document_id=document_id)
        ente_id, sha256, media, name = found.ente_id, found.sha256, found.media_type, found.name
    content = runtime.documents.read(ente_id, sha256, most=documents.MOST_BYTES)
    return Response(
        content, media_type=media,
        headers={
            "content-disposition": f"inline; filename*=UTF-8''{quote(name)}",
            "content-security-policy": POLICIES[media],
            "cache-control": "no-store", "cross-origin-resource-policy": "same-origin",
        },
    )  # fmt: skip


def _button(step: Step) -> dict[str, Any]:
    """A step as the page offers it."""
    return {
        "deed": step.deed, "who": step.who, "does": DO[step.deed], "needs": step.needs,
        "asks": ASKS.get(step.deed, WHY),
        "outcomes": DECISIONS.get(step.deed, ()) if Need.OUTCOME in step.needs else (),
        "words": Need.REASON in step.needs or step.deed in {Deed.REPLY, Deed.AUTHORISE},
    }  # fmt: skip
