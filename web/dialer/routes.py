"""The live board of a campaign, how it is dialed, and the operator's part in it."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti
from outbound.campaigns import queries as campaigns
from outbound.campaigns.models import ContactState
from outbound.campaigns.plan import Mode
from outbound.dialer import queries, recalls, service
from outbound.dialer.deciding import AGGRESSIVE, SeatState, allowed
from outbound.dialer.service import RANGES, Wanted
from web.edge.answers import shown_anew, told
from web.edge.i18n import translations
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NO_CONTENT = 204
TextField = Annotated[str, Form(max_length=20)]
FlagField = Annotated[bool, Form()]
SHOWN = (ContactState.DONE, ContactState.CLAIMED, ContactState.READY, ContactState.LATER, ContactState.OUT)
LONGEST = 4  # digits of a number that is typed


# -- the board ----------------------------------------------------------------------------------------------------


@router.get("/campaigns/{campaign_id}/board")
def board(request: Request, runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """How a campaign is dialed just now, and how far it has come."""
    with runtime.database.begin(_scope(visit)) as session:
        context = _shown(session, visit, campaign_id)
    return page(request, "dialer/page.html", visit.language, visit=visit, csrf=visit.csrf_token, **context)


@router.get("/campaigns/{campaign_id}/board/now")
def now(runtime: RuntimeDep, visit: VisitDep, campaign_id: int) -> Response:
    """The same, as it goes on."""
    with runtime.database.begin(_scope(visit)) as session:
        context = _shown(session, visit, campaign_id)
    return HTMLResponse(fragment("dialer/_board.html", visit.language, visit=visit, **context))


@router.post("/campaigns/{campaign_id}/board/mode")
def change(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, mode: Annotated[Mode, Form()], inbound_s: TextField = "",
    least: TextField = "", inbound_first: FlagField = False, hears_machines: FlagField = False,
) -> Response:  # fmt: skip
    """How it is dialed from now on."""
    typed = {"inbound_s": inbound_s, "least": least}
    wrong = [
        InvalidError("Scrivi un numero intero.", field=name)
        for name, text in typed.items()
        if not text.strip().isdecimal() or len(text.strip()) > LONGEST
    ]
    if wrong:
        raise InvalidError("Qualcosa non si legge.", parts=wrong)
    wanted = Wanted(mode, inbound_first, int(inbound_s), int(least), hears_machines)
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: service.change(session, visit.principal, campaign_id=campaign_id, wanted=wanted),
    )
    return shown_anew(translations(visit.language).gettext("Da adesso si chiama così."))


@router.post("/campaigns/{campaign_id}/board/stop")
def stop(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, stopped: FlagField) -> Response:
    """Nobody is dialed, or people are again."""
    runtime.database.transact(
        visit.scope(Permission.CAMPAIGN_MANAGE),
        lambda session: service.stop(session, visit.principal, campaign_id=campaign_id, stopped=stopped),
    )
    catalogue = translations(visit.language)
    return shown_anew(
        catalogue.gettext("Fermo: nessuno viene più chiamato.") if stopped else catalogue.gettext("Si chiama di nuovo.")
    )


# -- the operator's ------------------------------------------------------------------------------------------------


@router.post("/calling/leave")
def leave(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """Take part no more."""
    return shown_anew(_left(runtime, visit))


@router.post("/console/leave-campaign")
def leave_from_console(runtime: RuntimeDep, visit: ChangeDep) -> Response:
    """The same from the console, in which she may be speaking with somebody."""
    return told(_left(runtime, visit))


def _left(runtime: Runtime, visit: Visit) -> str:
    runtime.database.transact(
        visit.scope(Permission.CALLS_ANSWER), lambda session: service.leave(session, visit.principal)
    )
    return translations(visit.language).gettext("Non partecipi più alla campagna.")


@router.post("/calling/{campaign_id}/join")
def join(runtime: RuntimeDep, visit: ChangeDep, campaign_id: int) -> Response:
    """Take part: the telephone rings in the console."""
    runtime.database.transact(
        visit.scope(Permission.CALLS_ANSWER),
        lambda session: service.join(session, visit.principal, campaign_id=campaign_id),
    )
    words = translations(visit.language).gettext("Partecipi: quando sei pronto il tuo telefono squilla una volta.")
    return shown_anew(words, at="/console")


@router.post("/calling/{campaign_id}/{contact_id}/recall")
def recall(
    runtime: RuntimeDep, visit: ChangeDep, campaign_id: int, contact_id: int, day: TextField = "", hour: TextField = ""
) -> Response:
    """He wants to be called then."""

    def work(session: Session) -> None:
        at = _instant(day, hour)
        recalls.ask(session, visit.principal, campaign_id=campaign_id, contact_id=contact_id, at=at)

    runtime.database.transact(visit.scope(Permission.CALLS_ANSWER), work)
    return told(translations(visit.language).gettext("Lo richiami tu, se ci sei; altrimenti un collega."))


def _instant(day: str, hour: str) -> datetime:
    """A day and an hour of the clock on the wall, as the browser sends them."""
    try:
        return datetime.fromisoformat(f"{day.strip()}T{hour.strip()}").replace(tzinfo=clock.ROME)
    except ValueError:
        raise FieldError("Scegli un giorno e un'ora.", "hour" if day.strip() else "day") from None


def _scope(visit: Visit) -> Scope:
    """Of whoever runs campaigns, or decides about them for an ente."""
    manages = visit.principal.can(Permission.CAMPAIGN_MANAGE)
    return visit.scope(Permission.CAMPAIGN_MANAGE if manages else Permission.CAMPAIGN_APPROVE)


def _shown(session: Session, visit: Visit, campaign_id: int) -> dict[str, Any]:
    found = campaigns.one(session, campaign_id)
    manages = visit.principal.can(Permission.CAMPAIGN_MANAGE) and found.ente_id in (
        visit.scope(Permission.CAMPAIGN_MANAGE).enti or ()
    )
    return {
        "one": found, "ente": enti.badges(session)[found.ente_id], "board": queries.board(session, campaign_id),
        "manages": manages, "states": tuple(SeatState), "ranges": RANGES,
        "shown": SHOWN, "modes": [one for one in AGGRESSIVE if allowed(one, found.plan.mode)],
    }  # fmt: skip
