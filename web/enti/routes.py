"""The pages of the enti. What is wrong with a form stands at its fields; what was saved, the page shows anew."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts.email import to_email
from crm.contacts.phone import to_e164
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import FieldError, NotFoundError
from crm.enti import administration, details, logo, timetables
from crm.enti import queries as enti
from crm.enti.hours import parse_week, written_week
from crm.enti.identity import BANDS
from crm.levels import queries as levels
from crm.levels.presets import PRESETS
from crm.levels.terms import in_force
from telephony.calls.choices import Topic
from telephony.lines import queries as lines
from web.edge.answers import shown_anew
from web.edge.fields import day_of, id_of
from web.edge.i18n import translations
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.enti.forms import TypedDep, save
from web.enti.weeks import from_now_on, hours_in_time, in_words
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
CACHED_S = 3600
DAYS = range(7)
EVERY = "contract"  # in the place of an ente's id: what is written for the whole contract


@router.get("/enti")
def all_enti(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The enti and contracts that a visitor manages."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    contracts = sorted(visit.principal.contracts_for(Permission.ENTE_MANAGE))
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
        shown = [
            (
                one, enti.contract_name(session, one), enti.badges(session, enti.enti_of(session, one)).values(),
                levels.agreement(session, one), in_force(levels.terms(session, one), clock.now(session)),
                details.own_week(session, one, None), hours_in_time(session, one, None),
                details.special_days(session, one, None), details.own_topics(session, one, None),
                details.contract_days(session, one), details.called_back(session, one),
            )
            for one in contracts
        ]  # fmt: skip
    return page(
        request, "enti/list.html", visit.language, visit=visit, csrf=visit.csrf_token, badges=badges.values(),
        contracts=shown, topics=tuple(Topic), bands=BANDS, in_words=partial(in_words, language=visit.language),
    )  # fmt: skip


@router.get("/enti/{ente_id}")
def one_ente(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente_id: int, hours: str = ""
) -> Response:  # fmt: skip
    """Everything that is written of one ente; with the hours of a preset proposed where one is named."""
    scope = visit.scope(Permission.ENTE_MANAGE)
    if ente_id not in (scope.enti or ()):
        raise NotFoundError("Questo ente non esiste.")
    with runtime.database.begin(scope) as session:
        contracts = [
            (
                one, enti.contract_name(session, one), details.own_week(session, one, ente_id),
                details.own_week(session, one, None), hours_in_time(session, one, ente_id),
                details.special_days(session, one, ente_id),
                details.own_topics(session, one, ente_id),
            )
            for one in administration.contracts_under(session, visit.principal, ente_id)
        ]  # fmt: skip
        view: dict[str, Any] = {
            "identity": details.identity(session, ente_id), "offices": details.offices(session, ente_id),
            "ways": details.payment_ways(session, ente_id), "has_logo": details.has_logo(session, ente_id),
            "lines": [one for one in lines.all_lines(session) if one.ente_id == ente_id],
        }  # fmt: skip
    return page(
        request, "enti/one.html", visit.language, visit=visit, csrf=visit.csrf_token, ente_id=ente_id,
        contracts=contracts, topics=tuple(Topic), bands=BANDS, presets=PRESETS,
        chosen_hours=hours if hours in PRESETS and any(PRESETS[hours].hours) else "",
        in_words=partial(in_words, language=visit.language), **view,
    )  # fmt: skip


@router.post("/enti/add/{contract_id}")
def add(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """A new ente of a contract."""

    def work(session: Session) -> int:
        return administration.add_ente(session, visit.principal, contract_id=contract_id, fields=fields)

    made = runtime.database.transact(visit.scope(Permission.ENTE_MANAGE), work)
    return shown_anew(translations(visit.language).gettext("Ente aggiunto."), at=f"/enti/{made}")


@router.post("/enti/cover/{contract_id}")
def cover(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, ente: Annotated[int, Form()]
) -> Response:  # fmt: skip
    """A contract covers an ente that is there already."""
    return save(
        runtime, visit,
        lambda session: administration.cover(session, visit.principal, contract_id=contract_id, ente_id=ente),
    )  # fmt: skip


@router.post("/enti/{ente_id}/identity")
def identity(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """What it is called and known by."""
    return save(
        runtime, visit,
        lambda session: administration.save_identity(session, visit.principal, ente_id=ente_id, fields=fields),
    )  # fmt: skip


@router.post("/enti/{ente}/hours/{contract_id}")
def hours(runtime: RuntimeDep, visit: ChangeDep, ente: str, contract_id: int, fields: TypedDep) -> Response:
    """Weekly hours, of an ente or of its contract, from now on or from a day to come."""
    ente_id = _ente_id(ente)
    try:
        day = day_of(fields["since"]) if fields.get("since") else None
    except ValueError:
        raise FieldError("Scegli il giorno.", field="since") from None
    return save(
        runtime, visit,
        lambda session: timetables.save_hours(
            session, visit.principal, contract_id=contract_id, ente_id=ente_id, week=_week(fields), day=day
        ),
        done=lambda session: from_now_on(
            written_week(parse_week(_week(fields))),
            None if ente_id is None else details.own_week(session, contract_id, None), visit.language,
            None if day in {None, clock.business_day(clock.now(session))} else day,
        ),
    )  # fmt: skip


@router.post("/enti/hours/{week_id}/withdraw")
def withdraw_hours(runtime: RuntimeDep, visit: ChangeDep, week_id: int) -> Response:
    """Weekly hours that have yet to begin will not."""
    return save(
        runtime, visit, lambda session: timetables.withdraw_hours(session, visit.principal, week_id=week_id)
    )  # fmt: skip


@router.post("/enti/{ente}/special/{contract_id}")
def special(runtime: RuntimeDep, visit: ChangeDep, ente: str, contract_id: int, fields: TypedDep) -> Response:
    """A day with hours of its own."""
    ente_id = _ente_id(ente)
    try:
        day = day_of(fields.get("day", ""))
    except ValueError:
        raise FieldError("Scegli il giorno.", field="day") from None
    return save(
        runtime, visit,
        lambda session: timetables.save_special_day(
            session, visit.principal, contract_id=contract_id, ente_id=ente_id, day=day,
            hours=fields.get("hours", ""),
        ),
    )  # fmt: skip


@router.post("/enti/{ente}/special/{special_day_id}/remove")
def remove_special(runtime: RuntimeDep, visit: ChangeDep, special_day_id: int) -> Response:
    """That day is like any other again."""
    return save(
        runtime, visit,
        lambda session: timetables.remove_special_day(
            session, visit.principal, special_day_id=special_day_id
        ),
    )  # fmt: skip


@router.post("/enti/{ente}/topics/{contract_id}")
def topics(
    runtime: RuntimeDep, visit: ChangeDep, ente: str, contract_id: int,
    topic: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """What the lines are for."""
    ente_id = _ente_id(ente)
    return save(
        runtime, visit,
        lambda session: administration.save_topics(
            session, visit.principal, contract_id=contract_id, ente_id=ente_id, chosen=topic or [],
            known=[one.value for one in Topic],
        ),
    )  # fmt: skip


@router.post("/enti/contracts/{contract_id}/days")
def contract_days(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, replacement_days: Annotated[str, Form()] = "",
    keyed_days: Annotated[str, Form()] = "",
) -> Response:  # fmt: skip
    """How long replacing somebody may take, and how long keyed input is kept."""
    return save(
        runtime, visit,
        lambda session: administration.save_days(
            session, visit.principal, contract_id=contract_id, replacement=replacement_days, keyed=keyed_days
        ),
    )  # fmt: skip


@router.post("/enti/contracts/{contract_id}/called-back")
def called_back(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """When people are called back."""
    return save(
        runtime, visit,
        lambda session: administration.save_called_back(
            session, visit.principal, contract_id=contract_id, week=_week(fields)
        ),
        done=lambda session: from_now_on(details.called_back(session, contract_id), None, visit.language),
    )  # fmt: skip


@router.post("/enti/{ente_id}/ways")
def ways(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, ways: Annotated[str, Form()] = "") -> Response:
    """How one pays."""
    return save(
        runtime, visit,
        lambda session: administration.save_payment_ways(session, visit.principal, ente_id=ente_id, words=ways),
    )  # fmt: skip


@router.post("/enti/{ente_id}/offices")
def add_office(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, fields: TypedDep) -> Response:
    """One more office."""
    return _office(runtime, visit, ente_id, None, fields)


@router.post("/enti/{ente_id}/offices/{office_id}")
def office(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, office_id: int, fields: TypedDep) -> Response:
    """What changed about an office."""
    return _office(runtime, visit, ente_id, office_id, fields)


@router.post("/enti/{ente_id}/offices/{office_id}/remove")
def remove_office(runtime: RuntimeDep, visit: ChangeDep, ente_id: int, office_id: int) -> Response:
    """An office is no more."""
    return save(
        runtime, visit,
        lambda session: administration.remove_office(
            session, visit.principal, ente_id=ente_id, office_id=office_id
        ),
    )  # fmt: skip


@router.post("/enti/{ente_id}/logo")
def set_logo(
    runtime: RuntimeDep, visit: ChangeDep, ente_id: int, picture: Annotated[UploadFile, Form(alias="logo")]
) -> Response:
    """The picture at the head of its pages."""
    content = picture.file.read(logo.MAX_BYTES + 1)
    return save(
        runtime, visit,
        lambda session: administration.save_logo(session, visit.principal, ente_id=ente_id, content=content),
    )  # fmt: skip


@router.get("/enti/{ente_id}/logo")
def get_logo(runtime: RuntimeDep, ente_id: int) -> Response:
    """The picture, for anybody; a picture and nothing else, whatever a browser might make of it."""
    with runtime.database.begin(Scope.nothing()) as session:
        found = details.logo(session, ente_id)
    if found is None:
        raise NotFoundError("Questo ente non ha un logo.")
    media_type, content = found
    headers = {"content-security-policy": "default-src 'none'; sandbox", "cache-control": f"public, max-age={CACHED_S}"}
    return Response(content, media_type=media_type, headers=headers)


def _office(runtime: Runtime, visit: Visit, ente_id: int, office_id: int | None, fields: dict[str, str]) -> Response:
    phone, email = fields.get("phone", "").strip(), fields.get("email", "").strip()
    number, address = to_e164(phone) if phone else None, to_email(email) if email else None
    if phone and number is None:
        raise FieldError("Non è un numero di telefono: scrivilo con il prefisso, come 0571 700123.", field="phone")
    if email and address is None:
        raise FieldError("Non è un indirizzo di posta: scrivilo come nome@esempio.it.", field="email")

    def work(session: Session) -> None:
        administration.save_office(
            session, visit.principal, ente_id=ente_id, office_id=office_id, fields=fields, phone=number,
            email=address, week=_week(fields),
        )  # fmt: skip

    return save(runtime, visit, work)


def _week(fields: dict[str, str]) -> dict[int, str]:
    return {day: fields.get(f"day-{day}", "") for day in DAYS}


def _ente_id(text: str) -> int | None:
    if text == EVERY:
        return None
    if (ente_id := id_of(text)) is None:
        raise NotFoundError("Questo ente non esiste.")
    return ente_id
