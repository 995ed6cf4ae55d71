"""Documents for one person: the page says nothing of him, and shows them once a code that went to him comes back.

The pass that the code is exchanged for stands in the page's forms and in no address: what is reloaded asks for a code
anew.
"""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response

from crm.agendas.pace import Ask
from crm.agendas.sites import Site
from crm.cases.consigning import reading
from crm.cases.documents import MOST_BYTES
from crm.core.errors import ConflictError, DomainError, InvalidError
from web.booking.place import PRIVATE, CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.edge.errors import status_of
from web.edge.i18n import said
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

PATH = "/documenti"
WRONG = "Il codice non è questo, o non vale più: ricontrollalo, o chiedine un altro."


class ConsignedRoute(CitizensRoute):
    """Such a page begins where its own link leads: an ente has none for everybody."""

    begins = 3


router = APIRouter(prefix=f"{PATH}/{{slug}}/{{token}}", include_in_schema=False, route_class=ConsignedRoute)
Text = Annotated[str, Form()]


def page_at(site: Site, public_url: str) -> str:
    """Under which the pages of an ente are, seen from outside: a token follows."""
    return site.page(public_url, PATH)


@router.get("")
def begin(request: Request, runtime: RuntimeDep, slug: str, token: str, lang: str = "") -> Response:
    """Where a code would go; looking sends none."""
    return _asked(request, runtime, site_of(runtime, slug), token, lang)


@router.post("/codice")
def code(
    request: Request, runtime: RuntimeDep, slug: str, token: str, code: Text = "", do: Text = "", lang: Text = ""
) -> Response:  # fmt: skip
    """One is sent (`do` is `send`), or comes back."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.CODE)
    about: dict[str, Any] = {"ente_id": site.ente_id, "token": token}
    if do == "send":
        try:
            work(runtime, site, lambda s: reading.send_code(s, **about))
        except ConflictError as error:
            return _asked(request, runtime, site, token, lang, error=error)
        return onward(f"{PATH}/{site.slug}/{token}?lang={spoken(request, lang)}")
    given = work(runtime, site, lambda s: reading.enter(s, **about, code=code[:20]))
    if given is None:
        return _asked(request, runtime, site, token, lang, error=InvalidError(WRONG, field="code"))
    files = work(runtime, site, lambda s: reading.files(s, **about, given=given))
    return shown(
        request, site, "files.html", spoken(request, lang), folder="consigning", files=files, given=given,
        at=f"{PATH}/{site.slug}/{token}",
    )  # fmt: skip


@router.get("/codice")
def again(runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Asked for anew, nothing says any more who it is."""
    return onward(f"{PATH}/{site_of(runtime, slug).slug}/{token}")


@router.post("/{document_id}")
def open_file(
    request: Request, runtime: RuntimeDep, slug: str, token: str, document_id: UUID, given: Text = ""
) -> Response:  # fmt: skip
    """One of them, to be kept."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.FILE)
    found = work(
        runtime, site,
        lambda s: reading.open_file(
            s, ente_id=site.ente_id, token=token, given=given[:60], document_id=document_id
        ),
    )  # fmt: skip
    content = runtime.documents.read(site.ente_id, found.sha256, most=MOST_BYTES)
    headers = {**PRIVATE, "content-disposition": f"attachment; filename*=UTF-8''{quote(found.name)}"}
    return Response(content, media_type=found.media_type, headers=headers)


def _asked(
    request: Request, runtime: Runtime, site: Site, token: str, lang: str, *, error: DomainError | None = None
) -> Response:  # fmt: skip
    found = work(runtime, site, lambda s: reading.handed(s, ente_id=site.ente_id, token=token))
    language = spoken(request, lang) if lang else found.language
    field = error.field if isinstance(error, InvalidError) else None
    return shown(
        request, site, "code.html", language, folder="consigning", status=status_of(error) if error else 200,
        found=found, at=f"{PATH}/{site.slug}/{token}", values={"code": ""},
        message=said(language, str(error)) if error else "",
        wrong={field: said(language, str(error))} if error and field else {},
    )  # fmt: skip
