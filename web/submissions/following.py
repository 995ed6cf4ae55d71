"""How a request stands, by its number and the code that came with it: by POST, so that no address says either."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.agendas.pace import Ask
from crm.agendas.sites import Site
from crm.cases.submissions import codes, following
from crm.cases.submissions.following import Followed
from crm.core.errors import DomainError, FieldError, InvalidError
from web.booking.place import CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.cases import files
from web.edge.errors import status_of
from web.edge.i18n import said
from web.edge.visits import RuntimeDep
from web.submissions.steps import FOLLOW, PATH
from web.wiring import Runtime

router = APIRouter(prefix=f"{PATH}/{{slug}}/{FOLLOW}", include_in_schema=False, route_class=CitizensRoute)
Text = Annotated[str, Form()]


@router.get("")
def ask(request: Request, runtime: RuntimeDep, slug: str, lang: str = "") -> Response:
    """Which number, and which code."""
    return _asked(request, site_of(runtime, slug), spoken(request, lang))


@router.post("")
def look(
    request: Request, runtime: RuntimeDep, slug: str, number: Text = "", code: Text = "", lang: Text = ""
) -> Response:  # fmt: skip
    """How it stands."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.FOLLOW)
    language = spoken(request, lang)
    try:
        case_id = _case(runtime, site, number, code)
    except FieldError as error:
        return _asked(request, site, language, number=number, error=error)
    return _shown(request, runtime, site, language, case_id, number, code)


@router.get("/{sending}")
def again(runtime: RuntimeDep, slug: str) -> Response:
    """Asked for anew, nothing says any more which request it was."""
    return onward(f"{PATH}/{site_of(runtime, slug).slug}/{FOLLOW}")


@router.post("/{sending}")
def act(
    request: Request, runtime: RuntimeDep, slug: str, number: Text = "", code: Text = "", lang: Text = "",
    do: Text = "", file: UploadFile | None = None,
) -> Response:  # fmt: skip
    """He sends a paper that he was asked for, or takes his request back (`do` is `withdraw`)."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.FILE)
    language = spoken(request, lang)
    case_id = _case(runtime, site, number, code)
    try:
        if do == "withdraw":
            work(runtime, site, lambda s: following.withdraw(s, case_id=case_id))
        elif do == "add":
            _add(runtime, site, case_id, file)
    except DomainError as error:
        return _shown(request, runtime, site, language, case_id, number, code, error=error)
    return _shown(request, runtime, site, language, case_id, number, code, did=do)


def _case(runtime: Runtime, site: Site, number: str, code: str) -> int:
    found = work(
        runtime, site, lambda s: codes.followed(s, ente_id=site.ente_id, number=number[:40], code=code[:40])
    )  # fmt: skip
    if found is None:
        raise FieldError("Il numero o il codice non sono questi: ricontrollali.", "number")
    return found


def _add(runtime: Runtime, site: Site, case_id: int, file: UploadFile | None) -> None:
    if file is None or not file.filename:
        raise FieldError("Prima scegli un file dal tuo dispositivo.", "file")
    content, brought = files.checked(runtime, file)
    files.store(runtime, site.ente_id, content, brought)
    work(runtime, site, lambda s: following.add_paper(s, case_id=case_id, brought=brought))


def _asked(
    request: Request, site: Site, language: str, *, number: str = "", error: FieldError | None = None
) -> Response:  # fmt: skip
    return shown(
        request, site, "follow.html", language, folder="submissions", status=status_of(error) if error else 200,
        values={"number": number[:40], "code": ""}, wrong={"number": said(language, str(error))} if error else {},
    )  # fmt: skip


def _shown(
    request: Request, runtime: Runtime, site: Site, language: str, case_id: int, number: str, code: str, *,
    did: str = "", error: DomainError | None = None,
) -> Response:  # fmt: skip
    def read(session: Session) -> tuple[Followed, str]:
        sending = codes.pass_of(session, ente_id=site.ente_id, case_id=case_id)
        return following.view(session, case_id=case_id), sending

    found, sending = work(runtime, site, read)
    field = error.field if isinstance(error, InvalidError) else None
    return shown(
        request, site, "followed.html", language, folder="submissions", status=status_of(error) if error else 200,
        one=found, number=number, code=code, did=did, at=f"{PATH}/{site.slug}/{FOLLOW}/{sending}",
        message=said(language, str(error)) if error else "",
        wrong={field: said(language, str(error))} if error and field else {},
    )  # fmt: skip
