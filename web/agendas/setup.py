"""Where the staff prepare an office: its desks, how much each channel gives away, days that are otherwise, its week."""

from dataclasses import replace
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.agendas import preparing, queries
from crm.agendas.bulk import service as bulk
from crm.agendas.external import service as external
from crm.agendas.plan import Agenda, Exceptional, Window, from_now_on
from crm.agendas.rules import Channel
from crm.agendas.week import drawn
from crm.core import clock
from crm.core.errors import FieldError
from crm.enti.details import OfficeView
from crm.enti.queries import badges
from web.agendas.parts import (
    Box,
    Several,
    day_in,
    day_needed,
    hour_in,
    ids_in,
    number_in,
    office_in,
    prepare,
    show,
    uuids_in,
)
from web.edge.fields import chosen
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep

router = APIRouter(prefix="/agendas/{office_id}", include_in_schema=False)


@router.get("/prepare")
def page(request: Request, runtime: RuntimeDep, visit: VisitDep, office_id: int) -> Response:
    """Everything of it."""
    scope = visit.scope(Permission.AGENDA_MANAGE)
    with runtime.database.begin(scope) as session:
        office = office_in(session, scope, office_id)
        today = clock.business_day(clock.now(session))
        plan, draft = queries.plan(session, office_id), queries.draft(session, office_id)
        published = from_now_on(plan.agendas, today)
        drawing = [one for one in (draft, *published) if one is not None]
        context = {
            "office": office, "ente": badges(session)[office.ente_id], "plan": plan, "draft": draft, "today": today,
            "services": [one for one in queries.services(session, office.ente_id) if one.active],
            "quotas": queries.quotas(session, office_id), "channels": tuple(Channel),
            "exceptions": [one for one in plan.exceptions if one.last >= today],
            "pictures": {one.id: drawn(one.windows, [desk.id for desk in plan.desks]) for one in drawing},
            "published": published,
            "desk_names": {one.id: one.name for one in plan.desks},
            "displaced": preparing.displaced_by_draft(session, office_id),
            "calendars": external.of_office(session, office_id),
            "outside": preparing.outside(session, office_id), "changes": bulk.of_office(session, office_id),
        }  # fmt: skip
    return show(request, visit, "agendas/prepare.html", **context)


@router.post("/desks")
def desk(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, desk: Box = "", name: Box = "", rank: Box = "0",
    active: Box = "", service: Several = None, seen: Several = None,
) -> Response:  # fmt: skip
    """One more desk, or what changed about one."""

    def work(session: Session, office: OfficeView) -> None:
        preparing.save_desk(
            session, visit.principal, ente_id=office.ente_id, office_id=office_id, desk_id=chosen(desk), name=name,
            services=ids_in(service), active=bool(active), rank=min(number_in(rank, "rank"), 999), seen=uuids_in(seen),
        )  # fmt: skip

    return prepare(runtime, visit, office_id, work)


@router.post("/quotas")
def quotas(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, web: Box = "", phone: Box = "", desk: Box = ""
) -> Response:
    """How much each channel may give away; nothing written: all of it."""
    told = {Channel.WEB: web, Channel.PHONE: phone, Channel.DESK: desk}

    def work(session: Session, office: OfficeView) -> None:
        for channel, text in told.items():
            share = number_in(text, channel.value) if text.strip() else None
            if share is not None and share > 100:
                raise FieldError("Scrivi una percentuale da 0 a 100.", channel.value)
            if share != queries.quotas(session, office_id).get(channel):
                preparing.set_quota(
                    session, visit.principal, ente_id=office.ente_id, office_id=office_id, channel=channel, share=share
                )

    return prepare(runtime, visit, office_id, work)


@router.post("/exceptions")
def add_exception(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, desk: Box = "", first: Box = "", last: Box = "",
    kind: Box = "closed", opens: Box = "", closes: Box = "", words: Box = "", seen: Several = None,
) -> Response:  # fmt: skip
    """Days that are otherwise."""
    since = day_needed(first, "first")
    told = Exceptional(
        0, chosen(desk), since, day_in(last, since, "last"), kind != "open",
        hour_in(opens, "opens") if opens.strip() else None, hour_in(closes, "closes") if closes.strip() else None,
        words,
    )  # fmt: skip
    if (told.opens is None) is not (told.closes is None) or (told.opens is None and not told.closed):
        raise FieldError("Scrivi da che ora a che ora.", "opens" if told.opens is None else "closes")

    def work(session: Session, office: OfficeView) -> None:
        preparing.add_exception(
            session, visit.principal, ente_id=office.ente_id, office_id=office_id, told=told, seen=uuids_in(seen)
        )

    return prepare(runtime, visit, office_id, work)


@router.post("/exceptions/{exception_id}/remove")
def remove_exception(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, exception_id: int, seen: Several = None
) -> Response:
    """They are like any other again."""

    def work(session: Session, office: OfficeView) -> None:
        preparing.remove_exception(
            session, visit.principal, ente_id=office.ente_id, exception_id=exception_id, seen=uuids_in(seen)
        )

    return prepare(runtime, visit, office_id, work)


@router.post("/draft")
def draft(runtime: RuntimeDep, visit: ChangeDep, office_id: int) -> Response:
    """Begin to prepare a week, from the last one."""
    return prepare(
        runtime, visit, office_id,
        lambda session, office: preparing.draft(session, visit.principal, ente_id=office.ente_id, office_id=office_id),
    )  # fmt: skip


@router.post("/draft/days")
def days(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, valid_from: Box = "", valid_to: Box = "",
    observes: Box = "",
) -> Response:  # fmt: skip
    """From when until when it is to be in force."""
    since = day_needed(valid_from, "valid_from")
    until = day_needed(valid_to, "valid_to") if valid_to else None

    def work(session: Session, office: OfficeView) -> None:
        now = _draft(session, visit, office)
        _save(session, visit, office, replace(now, valid_from=since, valid_to=until, observes_holidays=bool(observes)))

    return prepare(runtime, visit, office_id, work)


@router.post("/draft/add")
def add_hours(
    runtime: RuntimeDep, visit: ChangeDep, office_id: int, desk: Several = None, weekday: Several = None,
    opens: Box = "", closes: Box = "", places: Box = "1", service: Several = None,
) -> Response:  # fmt: skip
    """The same hours for some desks on some days."""
    since, until, count = hour_in(opens, "opens"), hour_in(closes, "closes"), number_in(places, "places")
    if not desk:
        raise FieldError("Scegli almeno uno sportello.", "desk")
    if not weekday:
        raise FieldError("Scegli almeno un giorno.", "weekday")
    if not 1 <= count <= 16:
        raise FieldError("Scrivi un numero da 1 a 16.", "places")
    if until <= since and (until.hour or until.minute):
        raise FieldError("Finisce prima di cominciare.", "closes")
    more = tuple(
        Window(day, since, until, one, count, ids_in(service))
        for one in sorted(ids_in(desk))
        for day in sorted(ids_in(weekday))
        if day < 7
    )

    def work(session: Session, office: OfficeView) -> None:
        now = _draft(session, visit, office)
        _save(session, visit, office, replace(now, windows=(*now.windows, *more)))

    return prepare(runtime, visit, office_id, work)


@router.post("/draft/remove")
def remove_hours(runtime: RuntimeDep, visit: ChangeDep, office_id: int, window: Several = None) -> Response:
    """Some hours less; each by its desk, weekday and beginning."""
    gone = set(window or ())

    def work(session: Session, office: OfficeView) -> None:
        now = _draft(session, visit, office)
        _save(session, visit, office, replace(now, windows=tuple(one for one in now.windows if name(one) not in gone)))

    return prepare(runtime, visit, office_id, work)


@router.post("/draft/drop")
def drop(runtime: RuntimeDep, visit: ChangeDep, office_id: int) -> Response:
    """It is not to be."""

    def work(session: Session, office: OfficeView) -> None:
        preparing.drop_draft(session, visit.principal, ente_id=office.ente_id, office_id=office_id)

    return prepare(runtime, visit, office_id, work)


@router.post("/publish")
def publish(runtime: RuntimeDep, visit: ChangeDep, office_id: int, seen: Several = None) -> Response:
    """Citizens book by it."""

    def work(session: Session, office: OfficeView) -> None:
        preparing.publish(
            session, visit.principal, ente_id=office.ente_id, office_id=office_id, seen=uuids_in(seen),
            public_url=runtime.settings.public_url,
        )  # fmt: skip

    return prepare(runtime, visit, office_id, work)


def name(window: Window) -> str:
    """By what a form names hours of a draft."""
    return f"{window.desk_id}-{window.weekday}-{window.opens:%H%M}"


def _draft(session: Session, visit: Visit, office: OfficeView) -> Agenda:
    preparing.draft(session, visit.principal, ente_id=office.ente_id, office_id=office.id)
    found = queries.draft(session, office.id)
    assert found is not None
    return found


def _save(session: Session, visit: Visit, office: OfficeView, one: Agenda) -> None:
    until = one.valid_to
    if until is not None and until > one.valid_from + timedelta(days=3660):
        raise FieldError("È troppo lontano.", "valid_to")
    preparing.save_draft(
        session, visit.principal, ente_id=office.ente_id, office_id=office.id, windows=one.windows,
        valid_from=one.valid_from, valid_to=until, observes_holidays=one.observes_holidays,
    )  # fmt: skip
