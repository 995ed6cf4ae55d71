"""Whether a badge is good: for everybody, without signing in; and for an operator to whom a citizen reads it."""

from base64 import b64encode
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.core.db import Scope
from outbound.field.agents import company, files, verifying
from outbound.field.agents.badges import LONGEST_TYPED, Valid
from web.booking.place import spoken
from web.edge.fields import id_of
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
TOO_OFTEN = 429
PRIVATE = {"cache-control": "no-store", "x-robots-tag": "noindex", "referrer-policy": "no-referrer"}
TextField = Annotated[str, Form(max_length=LONGEST_TYPED)]


@router.get("/badge")
def ask(request: Request, runtime: RuntimeDep, lang: str = "", code: str = "") -> Response:
    """Asks for the code; or, as the QR code has it in its address, answers."""
    return _answered(request, runtime, code, lang) if code else _shown(request, runtime, lang)


@router.post("/badge")
def verify(request: Request, runtime: RuntimeDep, code: TextField = "", lang: TextField = "") -> Response:
    """Answers."""
    return _answered(request, runtime, code, lang)


def _answered(request: Request, runtime: Runtime, code: str, lang: str) -> Response:
    address = request.client.host if request.client else ""
    if not runtime.database.transact(Scope.nothing(), lambda session: verifying.allowed(session, address)):
        answer = _shown(request, runtime, lang, too_often=True, status=TOO_OFTEN)
        answer.headers["retry-after"] = "600"
        return answer
    with runtime.database.begin(_served(runtime)) as session:
        found = verifying.by_code(session, code, verifying.today(session))
        photo = _drawn(session, found)
    return _shown(request, runtime, lang, asked=True, found=found, photo=photo)


def _shown(request: Request, runtime: Runtime, lang: str, *, status: int = 200, **context: Any) -> Response:
    with runtime.database.begin(Scope.nothing()) as session:
        its = company.of_installation(session)
    told = {"asked": False, "found": None, "photo": "", "too_often": False} | context
    answer = page(request, "field/badge.html", spoken(request, lang), status=status, company=its, **told)
    answer.headers.update(PRIVATE)
    return answer


# -- an operator's ----------------------------------------------------------------------------------------------------


@router.get("/badges")
def check(request: Request, visit: VisitDep) -> Response:
    """The form: a citizen reads the code, or the number."""
    visit.principal.require(Permission.CONTACT_RECORD)
    return page(
        request, "field/check.html", visit.language, visit=visit, csrf=visit.csrf_token, asked="", found=None, photo=""
    )


@router.post("/badges")
def checked(request: Request, runtime: RuntimeDep, visit: ChangeDep, code: TextField = "") -> Response:
    """What is to be said to him."""
    visit.principal.require(Permission.CONTACT_RECORD)
    with runtime.database.begin(_served(runtime)) as session:
        day = verifying.today(session)
        found = verifying.by_code(session, code, day)
        if found is None and (number := id_of(code.strip())) is not None:
            found = verifying.by_number(session, number, day)
        photo = _drawn(session, found)
    return page(
        request, "field/check.html", visit.language, visit=visit, csrf=visit.csrf_token, asked=code.strip(),
        found=found, photo=photo,
    )  # fmt: skip


def _served(runtime: Runtime) -> Scope:
    with runtime.database.begin(Scope.nothing()) as session:
        return verifying.scope(session)


def _drawn(session: Session, found: Valid | None) -> str:
    """The photo within the page: no address leads to it."""
    if found is None:
        return ""
    its = files.read(session, found.photo)
    return f"data:{its.media};base64,{b64encode(its.content).decode()}"
