"""The waiting list: getting on it, what it has for somebody, answering an offer. Links show, buttons act."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from sqlalchemy.orm import Session

from crm.agendas import drafts, pace
from crm.agendas import queries as agendas
from crm.agendas.drafts import Draft
from crm.agendas.errors import FreeAlreadyError
from crm.agendas.pace import Ask
from crm.agendas.people import Person
from crm.agendas.sites import APPOINTMENT, OFFER, PATH, WISH, Site
from crm.agendas.wishes import queries, service
from crm.agendas.wishes.models import Part
from crm.agendas.wishes.service import Wanted
from crm.core import clock
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from web.booking import steps
from web.booking.place import CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.edge.errors import status_of
from web.edge.fields import day_of, id_of
from web.edge.i18n import said
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

router = APIRouter(prefix=f"{PATH}/{{slug}}", include_in_schema=False, route_class=CitizensRoute)
Text = Annotated[str, Form()]
Several = Annotated[list[str] | None, Form()]
Asked = Annotated[list[str] | None, Query()]
DAYS = tuple(range(6))  # offices receive from Monday to Saturday, as a rule


@router.get("/{token}/attesa")
def ask(
    request: Request, runtime: RuntimeDep, slug: str, token: str, office: Asked = None, day: Asked = None,
    part: str = "", until: str = "",
) -> Response:  # fmt: skip
    """What would suit him, and where he is written to."""
    typed = {"office": office or [], "day": day or [], "part": part, "until": until}
    return _form(request, runtime, site_of(runtime, slug), token, typed)


@router.post("/{token}/attesa")
def wish(
    request: Request, runtime: RuntimeDep, slug: str, token: str, office: Several = None, day: Several = None,
    part: Text = "", until: Text = "", given_name: Text = "", surname: Text = "", codice_fiscale: Text = "",
    email: Text = "", phone: Text = "", answer: Text = "",
) -> Response:  # fmt: skip
    """He is on the list; or there is something free that suits him."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.BOOK if pace.solved(token, answer) else Ask.BOOK_UNSOLVED)
    person = {
        "given_name": given_name, "surname": surname, "codice_fiscale": codice_fiscale, "email": email, "phone": phone,
    }  # fmt: skip
    typed: dict[str, Any] = {"office": office or [], "day": day or [], "part": part, "until": until}

    def write(session: Session) -> str:
        draft = drafts.read(session, ente_id=site.ente_id, token=token)
        return service.wish(
            session, ente_id=site.ente_id, service_id=draft.service_id, wanted=_wanted(typed),
            person=Person(**person, language=draft.language), manage_at=site.manage_at(runtime.settings.public_url),
        )  # fmt: skip

    kept = {name: text[: steps.LONGEST] for name, text in person.items()}
    work(runtime, site, lambda s: drafts.jot(s, ente_id=site.ente_id, token=token, **kept))
    try:
        made = work(runtime, site, write)
    except FreeAlreadyError as error:
        return steps.times_page(request, runtime, site, token, error=error)
    except (InvalidError, ConflictError) as error:
        return _form(request, runtime, site, token, typed, error=error)
    return onward(f"{PATH}/{site.slug}/{WISH}/{made}?nuovo=1")


@router.get(f"/{WISH}/{{token}}")
def waiting(
    request: Request, runtime: RuntimeDep, slug: str, token: str, nuovo: str = "", lang: str = ""
) -> Response:  # fmt: skip
    """What he waits for."""
    site = site_of(runtime, slug)

    def read(session: Session) -> dict[str, Any]:
        one = queries.by_token(session, site.ente_id, token)
        return {**_known(session, one), "before": queries.before(session, one), "now": clock.now(session)}

    found = work(runtime, site, read)
    language = spoken(request, lang) if lang else found["wish"].language
    return shown(request, site, "wish.html", language, at=_at(site, WISH, token), new=bool(nuovo), **found)


@router.post(f"/{WISH}/{{token}}")
def leave(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """He waits no more."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.CHANGE)
    manage_at = site.manage_at(runtime.settings.public_url)
    work(runtime, site, lambda s: service.leave(s, ente_id=site.ente_id, token=token, manage_at=manage_at))
    return onward(_at(site, WISH, token))


@router.get(f"/{OFFER}/{{token}}")
def offered(request: Request, runtime: RuntimeDep, slug: str, token: str, lang: str = "") -> Response:
    """The time that is kept for him, and until when."""
    return _offer(request, runtime, site_of(runtime, slug), token, lang=lang)


@router.post(f"/{OFFER}/{{token}}")
def answer_offer(request: Request, runtime: RuntimeDep, slug: str, token: str, do: Text = "") -> Response:
    """He takes it, waits for another (`refuse`), or waits no more (`leave`)."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.CHANGE)
    manage_at = site.manage_at(runtime.settings.public_url)
    deeds = {"take": service.take, "refuse": service.refuse, "leave": service.leave}
    if do not in deeds:
        raise NotFoundError("Questa pagina non esiste.")
    try:
        made = work(runtime, site, lambda s: deeds[do](s, ente_id=site.ente_id, token=token, manage_at=manage_at))
    except ConflictError as error:
        return _offer(request, runtime, site, token, error=error)
    if made is not None:
        return onward(f"{PATH}/{site.slug}/appuntamento/{made}?nuovo=1")
    return onward(_at(site, OFFER, token))


def _at(site: Site, page: str, token: str) -> str:
    return f"{PATH}/{site.slug}/{page}/{token}"


def _wanted(typed: dict[str, Any]) -> Wanted:
    """What he chose. Raises `FieldError`, or `NotFoundError` for what is on no form."""
    offices, days = [id_of(one) for one in typed["office"]], [id_of(f"{one}") for one in typed["day"]]
    part = typed["part"] or Part.ANY.value
    if None in offices or None in days or part not in set(Part):
        raise NotFoundError("Questa scelta non esiste: ricarica la pagina.")
    try:
        until = day_of(typed["until"])
    except ValueError:
        raise FieldError("Scrivi la data come giorno, mese e anno.", "until") from None
    return Wanted(until, frozenset(offices), frozenset(one - 1 for one in days if one), Part(part))  # type: ignore[arg-type]


def _form(
    request: Request, runtime: Runtime, site: Site, token: str, typed: dict[str, Any], *,
    error: InvalidError | ConflictError | None = None,
) -> Response:  # fmt: skip
    def read(session: Session) -> tuple[Draft, dict[str, Any]]:
        draft = drafts.read(session, ente_id=site.ente_id, token=token)
        known = steps.known(session, site, draft)
        today = clock.business_day(clock.now(session))
        return draft, {
            **known, "offices": [agendas.office(session, one) for one in sorted(known["service"].offices)],
            "first": today, "last": today + service.LONGEST, "usual": today + service.USUAL,
        }  # fmt: skip

    draft, context = work(runtime, site, read)
    if draft.managed_by:
        return onward(f"{PATH}/{site.slug}/appuntamento/{draft.managed_by}")
    parts = (error.parts or (error,)) if isinstance(error, InvalidError) else ()
    return shown(
        request, site, "waiting.html", draft.language, status=status_of(error) if error else 200, typed=typed,
        wrong={part.field: said(draft.language, str(part)) for part in parts if part.field}, parts_of_day=tuple(Part),
        values={name: getattr(draft.told, name) for name in steps.TELLS}, days=DAYS,
        message=said(draft.language, str(error)) if error else "", **context,
    )  # fmt: skip


def _offer(
    request: Request, runtime: Runtime, site: Site, token: str, *, error: ConflictError | None = None, lang: str = ""
) -> Response:  # fmt: skip
    def read(session: Session) -> dict[str, Any]:
        wish, one, stands = queries.by_offer(session, site.ente_id, token)
        return {
            **_known(session, wish), "one": one, "stands": stands,
            "office": agendas.office(session, one.office_id), "now": clock.now(session),
            "taken": queries.managed_by(session, site.ente_id, one),
        }  # fmt: skip

    found = work(runtime, site, read)
    if found["taken"] is not None:  # whoever opens the message's link again wants his appointment
        return onward(f"{PATH}/{site.slug}/{APPOINTMENT}/{found['taken']}")
    language = spoken(request, lang) if lang else found["wish"].language
    return shown(
        request, site, "offer.html", language, status=status_of(error) if error else 200, at=_at(site, OFFER, token),
        message=said(language, str(error)) if error else "", **found,
    )  # fmt: skip


def _known(session: Session, wish: queries.WishView) -> dict[str, Any]:
    service_ = agendas.service(session, wish.ente_id, wish.service_id)
    return {
        "wish": wish, "service": service_, "days": DAYS,
        "offices": [agendas.office(session, one) for one in sorted(wish.offices or service_.offices)],
    }  # fmt: skip
