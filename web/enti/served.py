"""What an ente's callers may find out by themselves, and its taxpayers' PINs."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.errors import NotFoundError
from crm.enti import details
from telephony.selfservice import administration, queries
from telephony.selfservice.administration import PinsSet
from telephony.selfservice.dialogue import LEAST_DIGITS, MOST_DIGITS
from telephony.selfservice.queries import Setting
from web.edge.answers import shown_anew
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.enti.forms import save

router = APIRouter(include_in_schema=False)
Box = Annotated[str, Form()]


@router.get("/enti/{ente_id}/self-service")
def self_service(request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int) -> Response:
    """Whether it is on, by which factors, and how many PINs there are."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    with runtime.database.begin(scope) as session:
        identity, setting = details.identity(session, ente_id), queries.setting(session, ente_id)
        pins = queries.pins(session, ente_id)
    return page(
        request, "enti/self_service.html", visit.language, visit=visit, csrf=visit.csrf_token, ente_id=ente_id,
        identity=identity, setting=setting, pins=pins, least=LEAST_DIGITS, most=MOST_DIGITS,
    )  # fmt: skip


@router.post("/enti/{ente_id}/self-service")
def switch(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, is_on: Box = "", pins: Box = "", codes: Box = ""
) -> Response:  # fmt: skip
    """On or off, and by which factors: it holds for the next call."""
    wanted = Setting(is_on=bool(is_on), pins=bool(pins), codes=bool(codes))
    return save(
        runtime, visit,
        lambda session: administration.save_setting(session, visit.principal, ente_id=ente_id, wanted=wanted),
    )  # fmt: skip


@router.post("/enti/{ente_id}/pins")
def set_pins(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, file: Annotated[UploadFile, Form()]) -> Response:
    """PINs from a file, which is not kept."""
    content = file.file.read(administration.MOST_BYTES + 1)

    def work(session: Session) -> PinsSet:
        return administration.set_pins(session, visit.principal, ente_id=ente_id, content=content)

    done = runtime.database.transact(visit.scope(Permission.ENTE_MANAGE), work)
    words = translations(visit.language)
    said = words.ngettext("%(num)s PIN caricato.", "%(num)s PIN caricati.", done.taxpayers) % {"num": done.taxpayers}
    if done.refused:
        lines = ", ".join(str(one) for one in done.refused)
        refused = words.gettext("Righe rifiutate, perché il PIN non va bene o il contribuente non c'è: %(lines)s.")
        said = f"{said} {refused % {'lines': lines}}"
    return shown_anew(said)
