"""Copies and erasures of persons, the end of a contract, the register of breaches."""

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from sqlalchemy.orm import Session
from starlette.background import BackgroundTask
from starlette.datastructures import FormData

from crm.access.permissions import Permission
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import InvalidError, NotFoundError
from crm.enti import queries as enti
from crm.privacy import breaches, ending, service, tombstones
from crm.privacy.holders import Fate
from crm.privacy.models import PersonErasure, Risk
from telephony.calls import queries as calls
from web.contacts.box import look
from web.edge.fields import id_of
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.privacy.view import account_of, render
from web.wiring import HOLDERS, Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
HOME = "/privacy"
Text = Annotated[str, Form()]


@router.get("/privacy")
def privacy(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """Everything that is under way."""
    scope = visit.scope(Permission.PRIVACY_MANAGE)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
    return page(
        request, "privacy/page.html", visit.language, visit=visit, csrf=visit.csrf_token, enti=badges,
        regions=render(runtime, scope, visit).regions,
    )  # fmt: skip


# -- persons ------------------------------------------------------------------------------------------------------


@router.post("/privacy/search")
def search(runtime: RuntimeDep, visit: ChangeDep, q: Text = "", follows: Annotated[bool, Form()] = False) -> Response:
    """Whose data. Posted, so that no name stands in an address."""
    with runtime.database.begin(visit.scope(Permission.PRIVACY_MANAGE)) as session:
        found = look(session, visit, q, follows=follows)
    return HTMLResponse(fragment("privacy/_found.html", visit.language, look=found))


@router.get("/privacy/persons/{contact_id}")
def person(request: Request, runtime: RuntimeDep, visit: VisitDep, contact_id: int) -> Response:
    """What is held of a person: what a copy would have, what an erasure would do and what stands against it."""
    with runtime.database.begin(visit.scope(Permission.PRIVACY_MANAGE)) as session:
        contact = contacts.get(session, contact_id)
        plan = service.plan(session, visit.principal, contact_id=contact_id, holders=HOLDERS)
        badge = enti.badges(session)[contact.ente_id]
    return page(
        request, "privacy/person.html", visit.language, visit=visit, csrf=visit.csrf_token, contact=contact, plan=plan,
        ente=badge,
    )  # fmt: skip


@router.post("/privacy/persons/{contact_id}/export")
def export(runtime: RuntimeDep, visit: ChangeDep, contact_id: int) -> Response:
    """Have a copy made."""
    folder = _folder(runtime)
    runtime.database.transact(
        visit.scope(Permission.PRIVACY_MANAGE),
        lambda session: service.ask_export(session, visit.principal, contact_id=contact_id, folder=folder),
    )
    return _go(HOME)


@router.post("/privacy/exports/{export_id}")
def take_export(runtime: RuntimeDep, visit: ChangeDep, export_id: int) -> Response:
    """Download a copy, once."""
    path = runtime.database.transact(
        visit.scope(Permission.PRIVACY_MANAGE),
        lambda session: service.take_export(session, visit.principal, export_id=export_id),
    )
    if not path.exists():
        raise NotFoundError("Il file non c'è più: chiedi un'altra copia.")
    return FileResponse(
        path, media_type="application/zip", filename=f"copia-dati-{export_id}.zip",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )  # fmt: skip


@router.post("/privacy/persons/{contact_id}/erase")
def erase(
    runtime: RuntimeDep, visit: ChangeDep, contact_id: int, protocol: Text = "", sure: Text = ""
) -> Response:  # fmt: skip
    """Have a person erased."""
    if not sure:
        raise InvalidError("Conferma che hai letto che cosa verrà cancellato.", field="sure")
    erasure = runtime.database.transact(
        visit.scope(Permission.PRIVACY_MANAGE),
        lambda session: service.ask_erasure(
            session, visit.principal, contact_id=contact_id, protocol=protocol, holders=HOLDERS
        ),
    )
    return _go(f"/privacy/erasures/{erasure}")


@router.get("/privacy/erasures/{erasure_id}")
def certificate(request: Request, runtime: RuntimeDep, visit: VisitDep, erasure_id: int) -> Response:
    """What was erased and what stays and why, to be printed."""
    with runtime.database.begin(visit.scope(Permission.PRIVACY_MANAGE)) as session:
        row = session.get(PersonErasure, erasure_id)
        if row is None:
            raise NotFoundError("Questa richiesta non esiste.")
        service.entitled(session, visit.principal, row.ente_id)
        badge = enti.badges(session)[row.ente_id]
        now = clock.now(session)
    return page(
        request, "privacy/certificate.html", visit.language, visit=visit, csrf=visit.csrf_token, row=row, ente=badge,
        now=now, fates={one.value: one for one in Fate},
    )  # fmt: skip


@router.post("/privacy/readmit")
def readmit(
    runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()], codice_fiscale: Text = "", reason: Text = ""
) -> Response:
    """Let the next feed bring an erased person back."""
    if not reason.strip():
        raise InvalidError("Scrivi perché la persona va riammessa.", field="reason")
    with runtime.database.begin(visit.scope(Permission.PRIVACY_MANAGE)) as session:
        tombstones.readmit(session, visit.principal, ente_id=ente, codice_fiscale=codice_fiscale, reason=reason)
    return Response(status_code=NO_CONTENT)


# -- the end of a contract ----------------------------------------------------------------------------------------


@router.post("/privacy/ends")
def end(runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()], reason: Text = "") -> Response:
    """A contract ends: export everything of an ente's."""
    folder = _folder(runtime)

    def work(session: Session) -> None:
        talking = calls.how_many(session, ente)
        ending.ask(session, visit.principal, ente_id=ente, reason=reason, folder=folder, calls=talking)

    runtime.database.transact(visit.scope(Permission.PRIVACY_MANAGE), work)
    return Response(status_code=NO_CONTENT)


@router.post("/privacy/ends/{end_id}/take")
def take_end(runtime: RuntimeDep, visit: ChangeDep, end_id: int) -> Response:
    """Download the ente's data."""
    path = runtime.database.transact(
        _of_end(runtime, visit, end_id),
        lambda session: ending.take(session, visit.principal, end_id=end_id),
    )
    return FileResponse(path, media_type="application/zip", filename=f"dati-ente-{end_id}.zip")


@router.post("/privacy/ends/{end_id}/confirm")
def confirm_end(runtime: RuntimeDep, visit: ChangeDep, end_id: int, typed: Text = "") -> Response:
    """A second person confirms the deletion."""
    folder = _folder(runtime)

    def work(session: Session) -> None:
        found = ending.one(session, visit.principal, end_id)
        name = enti.badges(session)[found.ente_id].name
        ending.confirm(session, visit.principal, end_id=end_id, typed=typed, name=name, folder=folder)

    runtime.database.transact(_of_end(runtime, visit, end_id), work)
    return _go(f"/privacy/ends/{end_id}")


@router.post("/privacy/ends/{end_id}/withdraw")
def withdraw_end(runtime: RuntimeDep, visit: ChangeDep, end_id: int) -> Response:
    """The contract goes on."""
    runtime.database.transact(
        _of_end(runtime, visit, end_id),
        lambda session: ending.withdraw(session, visit.principal, end_id=end_id),
    )
    ending.let_export_go(end_id, _folder(runtime))
    return Response(status_code=NO_CONTENT)


@router.post("/privacy/ends/{end_id}/retry")
def retry_end(runtime: RuntimeDep, visit: ChangeDep, end_id: int) -> Response:
    """Go on with what stopped."""
    folder = _folder(runtime)
    runtime.database.transact(
        _of_end(runtime, visit, end_id),
        lambda session: ending.try_again(session, visit.principal, end_id=end_id, folder=folder),
    )
    return Response(status_code=NO_CONTENT)


@router.get("/privacy/ends/{end_id}")
def report(request: Request, runtime: RuntimeDep, visit: VisitDep, end_id: int) -> Response:
    """What was handed over and deleted, to be printed."""
    with runtime.database.begin(visit.scope(Permission.PRIVACY_MANAGE)) as session:
        found = ending.one(session, visit.principal, end_id)
        badge = enti.badges(session)[found.ente_id]
    return page(
        request, "privacy/report.html", visit.language, visit=visit, csrf=visit.csrf_token, end=found, ente=badge
    )


@router.post("/privacy/ends/{end_id}/log")
def take_log(runtime: RuntimeDep, visit: ChangeDep, end_id: int) -> Response:
    """Download the access log of an ente whose contract has ended."""
    path = runtime.database.transact(
        _of_end(runtime, visit, end_id),
        lambda session: ending.take_log(session, visit.principal, end_id=end_id),
    )
    if not path.exists():
        raise NotFoundError("Il registro degli accessi non è ancora pronto, o è già stato consegnato.")
    return FileResponse(path, media_type="application/gzip", filename=f"registro-ente-{end_id}.jsonl.gz")


# -- breaches -----------------------------------------------------------------------------------------------------


@router.get("/privacy/breaches/{breach}")
def breach(request: Request, runtime: RuntimeDep, visit: VisitDep, breach: str) -> Response:
    """One breach, or (`new`) the form of one."""
    scope = visit.scope(Permission.PRIVACY_MANAGE)
    with runtime.database.begin(scope) as session:
        now = clock.now(session)
        recorded = None if breach == "new" else breaches.one(session, visit.principal, _id(breach))
        badges = enti.badges(session, scope.enti)
        stands = breaches.standing(recorded.account, now) if recorded else None
    return page(
        request, "privacy/breach.html", visit.language, visit=visit, csrf=visit.csrf_token, recorded=recorded,
        enti=badges, risks=tuple(Risk), now=now, standing=stands,
    )  # fmt: skip


@router.post("/privacy/breaches/{breach}")
async def keep_breach(request: Request, runtime: RuntimeDep, visit: ChangeDep, breach: str) -> Response:
    """Write a breach down, or bring it up to date."""
    from starlette.concurrency import run_in_threadpool  # noqa: PLC0415

    return await run_in_threadpool(_keep, runtime, visit, breach, await request.form())


def _keep(runtime: Runtime, visit: Any, breach: str, form: FormData) -> Response:
    told = {name: value for name, value in form.items() if isinstance(value, str)}
    account = account_of(told)
    with runtime.database.begin(visit.scope(Permission.PRIVACY_MANAGE)) as session:
        if breach == "new":
            ente_id = _id(told.get("ente", ""))
            kept = breaches.record(session, visit.principal, ente_id=ente_id, account=account)
        else:
            kept = _id(breach)
            breaches.change(session, visit.principal, breach_id=kept, account=account)
    return _go(f"/privacy/breaches/{kept}")


def _of_end(runtime: Runtime, visit: Visit, end_id: int) -> Scope:
    with runtime.database.begin(Scope.nothing()) as session:
        return ending.scope_of(session, visit.principal, end_id)


def _go(path: str) -> Response:
    """The form was fine: on to a page. A wrong one stays as it is, with the errors at its fields."""
    return Response(status_code=NO_CONTENT, headers={"HX-Redirect": path})


def _id(text: str) -> int:
    if (breach_id := id_of(text)) is None:
        raise NotFoundError("Questa violazione non è nel registro.")
    return breach_id


def _folder(runtime: Runtime) -> Path:
    """Where copies wait for whoever asked for them; the workers share it."""
    return (runtime.settings.data / "copies").resolve()
