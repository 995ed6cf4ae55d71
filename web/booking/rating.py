"""What a citizen says of the pages, after he has booked (Modello Comuni, C.SE.1.7): nobody's, and without a script."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response

from crm.agendas.pace import Ask
from crm.agendas.ratings import service
from crm.agendas.ratings.service import Asked
from crm.agendas.sites import APPOINTMENT, PATH, Site
from crm.core.errors import InvalidError
from web.booking.place import CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.edge.errors import status_of
from web.edge.fields import id_of
from web.edge.i18n import said
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

router = APIRouter(prefix=f"{PATH}/{{slug}}", include_in_schema=False, route_class=CitizensRoute)
RATING = "valuta"
Text = Annotated[str, Form()]


@router.post(f"/{APPOINTMENT}/{{token}}/{RATING}")
def rate(
    request: Request, runtime: RuntimeDep, slug: str, token: str, stars: Text = "", lang: Text = ""
) -> Response:  # fmt: skip
    """So many stars; why follows."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.RATE)
    back = f"{PATH}/{site.slug}/{APPOINTMENT}/{token}?lang={spoken(request, lang)}"
    try:
        made = work(
            runtime, site, lambda s: service.rate(s, ente_id=site.ente_id, token=token, stars=id_of(stars) or 0)
        )
    except InvalidError:
        return onward(f"{back}&stelle=no#valuta")
    return onward(f"{PATH}/{site.slug}/{RATING}/{made}?lang={spoken(request, lang)}" if made else back)


@router.get(f"/{RATING}/{{token}}")
def ask(request: Request, runtime: RuntimeDep, slug: str, token: str, lang: str = "") -> Response:
    """Why he gave so many; said, he is thanked."""
    return _page(request, runtime, site_of(runtime, slug), token, lang)


@router.post(f"/{RATING}/{{token}}")
def explain(
    request: Request, runtime: RuntimeDep, slug: str, token: str, because: Text = "", words: Text = "",
    lang: Text = "",
) -> Response:  # fmt: skip
    """He has said it."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.RATE)
    told: dict[str, Any] = {"token": token, "because": because, "words": words}
    try:
        work(runtime, site, lambda s: service.explain(s, ente_id=site.ente_id, **told))
    except InvalidError as error:
        return _page(request, runtime, site, token, lang, error=error, typed=told)
    return onward(f"{PATH}/{site.slug}/{RATING}/{token}?lang={spoken(request, lang)}")


def _page(
    request: Request, runtime: Runtime, site: Site, token: str, lang: str, *, error: InvalidError | None = None,
    typed: dict[str, Any] | None = None,
) -> Response:  # fmt: skip
    asked: Asked = work(runtime, site, lambda s: service.asked(s, ente_id=site.ente_id, token=token))
    language = spoken(request, lang)
    parts = (error.parts or (error,)) if error else ()
    return shown(
        request, site, "rating.html", language, status=status_of(error) if error else 200, asked=asked,
        at=f"{PATH}/{site.slug}/{RATING}/{token}", typed=typed or {"because": "", "words": ""},
        wrong={part.field: said(language, str(part)) for part in parts if part.field}, longest=service.LONGEST,
    )  # fmt: skip
