"""The five steps of a booking, as the Modello Comuni has them: place, time, details, person, summary.

A step's address holds the token of the draft and nothing about anybody. Each button of a page sends what is typed in
it, so that going back, changing the language or holding the time for longer lose nothing.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.agendas import drafts, pace, people, queries, sites
from crm.agendas.drafts import Draft, DraftGoneError
from crm.agendas.errors import CodeNeededError, FreeAlreadyError, HoldGoneError, SlotGoneError, TooManyError
from crm.agendas.pace import Ask
from crm.agendas.people import Person
from crm.agendas.rules import Channel
from crm.agendas.sites import PATH, Site
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import ConflictError, DomainError, InvalidError, NotFoundError
from web.booking import times
from web.booking.place import CitizensRoute, onward, require_pace, shown, site_of, spoken, work
from web.edge.errors import status_of
from web.edge.fields import id_of
from web.edge.i18n import said
from web.edge.visits import RuntimeDep

router = APIRouter(prefix=PATH, include_in_schema=False, route_class=CitizensRoute)
STEPS = ("luogo", "orario", "dettagli", "richiedente", "riepilogo")
LONGEST = 400  # characters of a field that is kept as typed
TELLS = {"given_name", "surname", "codice_fiscale", "email", "phone"}
WRONG_CODE = "Il codice non è questo, o non vale più: ricontrollalo, o chiedine un altro."
Text = Annotated[str, Form()]
Several = Annotated[list[str] | None, Form()]


@router.get("")
def whose(request: Request, runtime: RuntimeDep) -> Response:
    """On an ente's own host name, its pages."""
    with runtime.database.begin(Scope.nothing()) as session:
        site = sites.by_host(session, request.url.hostname or "")
    if site is None:
        raise NotFoundError("Questa pagina non esiste.")
    return onward(f"{PATH}/{site.slug}")


@router.get("/{slug}")
def place(
    request: Request, runtime: RuntimeDep, slug: str, service: str = "", lang: str = "", draft: str = ""
) -> Response:  # fmt: skip
    """Step 1: what for, then where. Any page of the ente's may link here with `service` already chosen; whoever comes
    back from a later step brings his draft.
    """
    site = site_of(runtime, slug)
    return _place(request, runtime, site, service=service, language=spoken(request, lang), again=draft)


@router.post("/{slug}")
def begin(
    request: Request, runtime: RuntimeDep, slug: str, service: Text = "", office: Text = "", lang: Text = "",
    draft: Text = "",
) -> Response:  # fmt: skip
    """Service and office are chosen: the times of that office follow."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.BEGIN)
    language = spoken(request, lang)
    service_id, office_id = id_of(service), id_of(office)
    if service_id is None or office_id is None:
        wrong = {"office": str(InvalidError("Scegli un ufficio."))}
        return _place(request, runtime, site, service=service, language=language, again=draft, wrong=wrong, status=422)
    token = work(
        runtime, site,
        lambda s: drafts.begin(
            s, ente_id=site.ente_id, service_id=service_id, office_id=office_id, language=language, again=draft
        ),
    )  # fmt: skip
    return onward(_at(site, token, "orario"))


@router.get("/{slug}/{token}/orario")
def ask_time(
    request: Request, runtime: RuntimeDep, slug: str, token: str, month: str = "", day: str = ""
) -> Response:  # fmt: skip
    """Step 2: a month, a day, a time."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.TIMES)
    return times_page(request, runtime, site, token, month=month, day=day)


@router.post("/{slug}/{token}/orario")
def choose_time(request: Request, runtime: RuntimeDep, slug: str, token: str, time: Text = "") -> Response:
    """The time is his for five minutes; or it is gone, and here are the nearest."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.HOLD)
    try:
        office_id, starts_at = times.read(time)
        work(
            runtime, site,
            lambda s: drafts.take(s, ente_id=site.ente_id, token=token, office_id=office_id, starts_at=starts_at),
        )  # fmt: skip
    except (SlotGoneError, InvalidError) as error:
        return times_page(request, runtime, site, token, error=error)
    draft = work(runtime, site, lambda s: drafts.read(s, ente_id=site.ente_id, token=token))
    return onward(_at(site, token, "riepilogo" if draft.described else "dettagli"))


@router.get("/{slug}/{token}/dettagli")
def ask_details(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 3: the matter, and what to bring."""
    return _step(request, runtime, site_of(runtime, slug), token, "dettagli")


@router.post("/{slug}/{token}/dettagli")
def tell_details(request: Request, runtime: RuntimeDep, slug: str, token: str, notes: Text = "") -> Response:
    """What he adds is kept."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.WRITE)
    try:
        work(runtime, site, lambda s: drafts.note(s, ente_id=site.ente_id, token=token, notes=notes))
    except InvalidError as error:
        return _step(request, runtime, site, token, "dettagli", error=error, typed={"notes": notes})
    return onward(_at(site, token, "richiedente"))


@router.get("/{slug}/{token}/richiedente")
def ask_person(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 4: who comes."""
    return _step(request, runtime, site_of(runtime, slug), token, "richiedente")


@router.post("/{slug}/{token}/richiedente")
def tell_person(
    request: Request, runtime: RuntimeDep, slug: str, token: str, given_name: Text = "", surname: Text = "",
    codice_fiscale: Text = "", email: Text = "", phone: Text = "",
) -> Response:  # fmt: skip
    """Who he is, with what is wrong beside each field."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.WRITE)
    typed = {
        "given_name": given_name, "surname": surname, "codice_fiscale": codice_fiscale, "email": email, "phone": phone,
    }  # fmt: skip
    try:
        work(runtime, site, lambda s: drafts.tell(s, ente_id=site.ente_id, token=token, person=Person(**typed)))
    except InvalidError as error:
        return _step(request, runtime, site, token, "richiedente", error=error, typed=typed)
    return onward(_at(site, token, "riepilogo"))


@router.get("/{slug}/{token}/riepilogo")
def summary(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """Step 5: all of it, once more."""
    return _step(request, runtime, site_of(runtime, slug), token, "riepilogo")


@router.post("/{slug}/{token}/riepilogo")
def confirm(request: Request, runtime: RuntimeDep, slug: str, token: str, answer: Text = "") -> Response:
    """It is booked. `answer` is that of the puzzle, where a browser has solved it."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.BOOK if pace.solved(token, answer) else Ask.BOOK_UNSOLVED)
    manage_at = site.manage_at(runtime.settings.public_url)
    try:
        managed_by = work(
            runtime, site, lambda s: drafts.book(s, ente_id=site.ente_id, token=token, manage_at=manage_at)
        )
    except CodeNeededError:
        return onward(_at(site, token, "codice"))
    except InvalidError as error:
        return _step(request, runtime, site, token, "richiedente", error=error)
    except (SlotGoneError, HoldGoneError) as error:
        return times_page(request, runtime, site, token, error=error)
    except TooManyError as error:
        return _step(request, runtime, site, token, "riepilogo", error=error)
    return onward(f"{PATH}/{site.slug}/appuntamento/{managed_by}?nuovo=1")


@router.get("/{slug}/{token}/codice")
def ask_code(request: Request, runtime: RuntimeDep, slug: str, token: str) -> Response:
    """The code that the ente asks for."""
    return _step(request, runtime, site_of(runtime, slug), token, "codice")


@router.post("/{slug}/{token}/codice")
def give_code(request: Request, runtime: RuntimeDep, slug: str, token: str, code: Text = "", do: Text = "") -> Response:
    """It is sent (`do` is `send`), or comes back."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.CODE)
    try:
        if do == "send":
            work(runtime, site, lambda s: drafts.send_code(s, ente_id=site.ente_id, token=token))
            return onward(_at(site, token, "codice"))
        right = work(runtime, site, lambda s: drafts.try_code(s, ente_id=site.ente_id, token=token, code=code))
    except ConflictError as error:
        return _step(request, runtime, site, token, "codice", error=error)
    if not right:
        wrong = InvalidError(WRONG_CODE, field="code")
        return _step(request, runtime, site, token, "codice", error=wrong)
    return onward(_at(site, token, "riepilogo"))


@router.post("/{slug}/{token}/salva")
def keep(
    request: Request, runtime: RuntimeDep, slug: str, token: str, step: Text = "", to: Text = "", lang: Text = "",
    notes: Text = "", given_name: Text = "", surname: Text = "", codice_fiscale: Text = "", email: Text = "",
    phone: Text = "", office: Several = None, day: Several = None, part: Text = "", until: Text = "",
) -> Response:  # fmt: skip
    """Keep what is typed on a step, as it is; then go `to` another, go on in another language, or hold for longer."""
    site = site_of(runtime, slug)
    require_pace(request, runtime, site, Ask.HOLD if to == "tieni" else Ask.WRITE)
    typed = {"given_name": given_name, "surname": surname, "codice_fiscale": codice_fiscale, "email": email}
    told = typed | {"phone": phone}
    fields = {"richiedente": told, "attesa": told, "dettagli": {"notes": notes}}.get(step, {})
    at = to if to in STEPS else step if step in {*STEPS, "codice", "attesa"} else "orario"

    def write(session: Session) -> str:
        drafts.jot(session, ente_id=site.ente_id, token=token, **{k: v[:LONGEST] for k, v in fields.items()})
        return drafts.speak(session, ente_id=site.ente_id, token=token, language=lang) if lang else token

    token = work(runtime, site, write)
    if to == "tieni":
        try:
            work(runtime, site, lambda s: drafts.extend(s, ente_id=site.ente_id, token=token))
        except (SlotGoneError, HoldGoneError) as error:
            return times_page(request, runtime, site, token, error=error)
        except ConflictError as error:
            return _step(request, runtime, site, token, at, error=error)
    if at == "luogo":
        draft = work(runtime, site, lambda s: drafts.read(s, ente_id=site.ente_id, token=token))
        return onward(f"{PATH}/{site.slug}?service={draft.service_id}&lang={draft.language}&draft={token}")
    asked = choices(office or (), day or (), part, until) if at == "attesa" else ""
    return onward(_at(site, token, at) + (f"?{asked}" if asked else ""))


def choices(office: Sequence[str], day: Sequence[str], part: str, until: str) -> str:
    """What is chosen on the form, for the address of a page that shows it again; nothing of it says who he is."""
    told = [*(("office", one) for one in office), *(("day", one) for one in day), ("part", part), ("until", until)]
    return urlencode([(name, value[:10]) for name, value in told[:40] if value])


def _at(site: Site, token: str, step: str) -> str:
    return f"{PATH}/{site.slug}/{token}/{step}"


def _place(
    request: Request, runtime: Any, site: Site, *, service: str, language: str, again: str,
    wrong: dict[str, str] | None = None, status: int = 200,
) -> Response:  # fmt: skip
    def read(session: Session) -> dict[str, Any]:
        offered = [one for one in queries.services(session, site.ente_id) if one.active and one.offices]
        chosen = next((one for one in offered if one.id == id_of(service)), None)
        if chosen is None and len(offered) == 1:
            chosen = offered[0]
        offices = [queries.office(session, one) for one in sorted(chosen.offices)] if chosen else []
        before = None
        with suppress(DraftGoneError):
            before = drafts.read(session, ente_id=site.ente_id, token=again)
        hours = {one.id: times.received(session, one.id, chosen.id) for one in offices} if chosen else {}
        return {
            "offered": offered, "service": chosen, "offices": offices, "hours": hours,
            "again": before.token if before else "",
            "office": before.office_id if before else offices[0].id if len(offices) == 1 else None,
        }  # fmt: skip

    found = work(runtime, site, read)
    wrong = {name: said(language, text) for name, text in (wrong or {}).items()}
    return shown(
        request, site, "place.html", language, status=status, step="luogo", steps=STEPS, wrong=wrong, **found
    )  # fmt: skip


def times_page(
    request: Request, runtime: Any, site: Site, token: str, *, month: str = "", day: str = "",
    error: DomainError | None = None,
) -> Response:  # fmt: skip
    """Step 2; after a time was lost, with the nearest to it."""

    def read(session: Session) -> tuple[Draft, dict[str, Any]]:
        draft = drafts.read(session, ente_id=site.ente_id, token=token)
        near = error.alternatives if isinstance(error, SlotGoneError | FreeAlreadyError) else ()
        found = None if near else times.choice(  # many lose a time at once: the nearest are enough
            session, ente_id=site.ente_id, service_id=draft.service_id, office_id=draft.office_id, month=month, day=day
        )  # fmt: skip
        offices = {one.office_id: queries.office(session, one.office_id) for one in near}
        return draft, {
            **known(session, site, draft), "choice": found, "near": times.with_fields(near), "offices": offices,
            "morning": times.with_fields(found.morning if found else ()),
            "afternoon": times.with_fields(found.afternoon if found else ()),
        }  # fmt: skip

    draft, context = work(runtime, site, read)
    if draft.managed_by:
        return onward(f"{PATH}/{site.slug}/appuntamento/{draft.managed_by}")
    return shown(
        request, site, "times.html", draft.language, status=status_of(error) if error else 200, step="orario",
        message=said(draft.language, str(error)) if error else "", **context,
    )  # fmt: skip


def _step(
    request: Request, runtime: Any, site: Site, token: str, step: str, *, error: DomainError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """A step after the time is chosen; whoever has chosen none, or lost it, is led back to where it is chosen."""

    def read(session: Session) -> tuple[Draft, dict[str, Any]]:
        draft = drafts.read(session, ente_id=site.ente_id, token=token)
        return draft, known(session, site, draft)

    draft, context = work(runtime, site, read)
    if draft.managed_by:
        return onward(f"{PATH}/{site.slug}/appuntamento/{draft.managed_by}?nuovo=1")
    if draft.held is None and not draft.lost:
        return onward(_at(site, token, "orario"))
    if draft.held is None:
        return times_page(request, runtime, site, token, error=HoldGoneError())
    if step in {"riepilogo", "codice"} and not _whole(draft.told):
        return onward(_at(site, token, "richiedente"))
    parts = (error.parts or (error,)) if isinstance(error, InvalidError) else ()
    wrong = {part.field: said(draft.language, str(part)) for part in parts if part.field}
    values = {name: getattr(draft.told, name) for name in (*TELLS, "notes")} | (typed or {})
    return shown(
        request, site, f"{STEP_PAGES[step]}.html", draft.language, status=status_of(error) if error else 200,
        step="riepilogo" if step == "codice" else step, wrong=wrong, values=values,
        message=said(draft.language, str(error)) if error else "", **context,
    )  # fmt: skip


STEP_PAGES = {"dettagli": "details", "richiedente": "person", "riepilogo": "summary", "codice": "code"}


def _whole(told: Person) -> bool:
    try:
        people.parse(told, Channel.WEB)
    except InvalidError:
        return False
    return True


def known(session: Session, site: Site, draft: Draft) -> dict[str, Any]:
    """What every step shows of what is chosen."""
    service = queries.service(session, site.ente_id, draft.service_id)
    return {
        "draft": draft, "service": service, "office": queries.office(session, draft.office_id), "steps": STEPS,
        "at": f"{PATH}/{site.slug}/{draft.token}", "now": clock.now(session),
        "bring": queries.said(service.bring, draft.language).splitlines(),
    }  # fmt: skip
