"""External calendars of an office: named, read anew, taken away."""

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from crm.agendas.external import service
from crm.agendas.external.fetching import Servers
from crm.agendas.external.service import Told
from crm.enti.details import OfficeView
from web.agendas.parts import Box, prepare
from web.edge.fields import chosen
from web.edge.visits import ChangeDep, RuntimeDep

router = APIRouter(prefix="/agendas/{office_id}/external", include_in_schema=False)


@router.post("")
def add(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, name: Box = "", url: Box = "", username: Box = "",
    password: Box = "", desk: Box = "",
) -> Response:  # fmt: skip
    """One more; what stands in it blocks times once it was read."""
    servers = Servers(runtime.settings.calendar_servers)
    told = Told(name, url, username, password, chosen(desk))

    def work(session: Session, office: OfficeView) -> None:
        service.add(session, visit.principal, servers, ente_id=office.ente_id, office_id=office_id, told=told)

    return prepare(runtime, visit, office_id, work)


@router.post("/{calendar_id}/read")
def read(runtime: RuntimeDep, visit: ChangeDep, office_id: int, calendar_id: int) -> Response:
    """Read it now, and not only when it is due."""

    def work(session: Session, office: OfficeView) -> None:
        service.read_soon(session, visit.principal, ente_id=office.ente_id, calendar_id=calendar_id)

    return prepare(runtime, visit, office_id, work)


@router.post("/{calendar_id}/remove")
def remove(runtime: RuntimeDep, visit: ChangeDep, office_id: int, calendar_id: int) -> Response:
    """It blocks nothing any more."""

    def work(session: Session, office: OfficeView) -> None:
        service.remove(session, visit.principal, ente_id=office.ente_id, calendar_id=calendar_id)

    return prepare(runtime, visit, office_id, work)
