"""Cases: board, list and calendar; a new one; one case with everything that may be done with it."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.audit import queries as audit_queries
from crm.audit import service as audit
from crm.cases import queries, service, teams, together
from crm.cases.lifecycle import Channel, State, Topic
from crm.cases.queries import Filter, Order, Row, Whose
from crm.cases.saying import OF_NOBODY
from crm.cases.saying import Request as Asked
from crm.contacts import queries as contacts
from crm.core import clock
from crm.core.clock import ROME
from crm.core.errors import FieldError, InvalidError
from crm.enti import queries as enti
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.positions import queries as positions
from telephony.calls import conversation
from telephony.mail import requests
from web.cases import from_mail
from web.cases.live import refreshed
from web.cases.words import HEAD, NOT_WHOLE, YES
from web.edge.answers import shown_anew
from web.edge.fields import NearDay, id_of
from web.edge.i18n import translations
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.edge.words import word_for

router = APIRouter(prefix="/cases", include_in_schema=False)
T = TypeVar("T")
Chosen = Annotated[T | None, BeforeValidator(lambda text: text or None), Query()]  # an empty field chooses nothing
Typed = Annotated[T | None, BeforeValidator(lambda text: text or None), Form()]
FieldText = Annotated[str, Form()]
WEEKS = 4


@router.get("")
def board(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: Chosen[int] = None, topic: Chosen[Topic] = None,
    whose: Whose = Whose.ANYBODYS, late: bool = False, team: Chosen[int] = None,
) -> Response:  # fmt: skip
    """What is open, by state."""
    which = Filter(ente, topic, whose=whose, late=late, team_id=team)

    def work(session: Session) -> dict[str, Any]:
        columns = queries.board(session, which, user_id=visit.principal.user_id)
        _seen(session, visit, request, [row for one in columns for row in one.rows])
        return {"columns": columns}

    return _several(request, runtime, visit, "cases/board.html", which, work)


@router.get("/news")
def news(runtime: RuntimeDep, visit: VisitDep) -> Response:
    """How many wait for the visitor, beside his name."""
    manages, decides = (visit.principal.can(one) for one in (Permission.CASE_MANAGE, Permission.CASE_DECIDE))
    with runtime.database.begin(visit.scope(Permission.CASE_READ)) as session:
        found = queries.waiting(session, user_id=visit.principal.user_id, manages=manages, decides=decides)
    return HTMLResponse(fragment("cases/_news.html", visit.language, waiting=found, decides=decides))


@router.get("/list")
def listed(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: Chosen[int] = None, topic: Chosen[Topic] = None,
    state: Chosen[State] = None, whose: Whose = Whose.ANYBODYS, late: bool = False, closed: bool = False,
    number: Chosen[int] = None, order: Order = Order.DUE, team: Chosen[int] = None,
    skip: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> Response:  # fmt: skip
    """All of them, with filters."""
    which = Filter(ente, topic, state, whose, late, closed, number, order, team)

    def work(session: Session) -> dict[str, Any]:
        rows, more = queries.listed(session, which, user_id=visit.principal.user_id, skip=skip)
        _seen(session, visit, request, rows)
        pages = {
            "before": max(0, skip - queries.PAGE) if skip else None,
            "after": skip + queries.PAGE if more else None,
        }
        return {"rows": rows, "chosen": _chosen(which), **pages}

    return _several(request, runtime, visit, "cases/list.html", which, work)


@router.get("/list.csv")
def as_csv(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: Chosen[int] = None, topic: Chosen[Topic] = None,
    state: Chosen[State] = None, whose: Whose = Whose.ANYBODYS, late: bool = False, closed: bool = False,
    number: Chosen[int] = None, order: Order = Order.DUE, team: Chosen[int] = None,
) -> Response:  # fmt: skip
    """The same as a file."""
    which = Filter(ente, topic, state, whose, late, closed, number, order, team)
    say = translations(visit.language).gettext
    with runtime.database.begin(visit.scope(Permission.CASE_READ)) as session:
        rows, _ = queries.listed(session, which, user_id=visit.principal.user_id, limit=queries.MOST)
        badges = enti.badges(session)
        _seen(session, visit, request, rows)

    def written(at: datetime | None) -> str:
        return clock.in_rome(at).strftime("%d/%m/%Y %H:%M") if at else ""

    return csv_answer(
        "richieste.csv", [say(one) for one in HEAD],
        (
            (
                one.label, badges[one.ente_id].name, say(word_for(one.topic)), say(word_for(one.state)),
                say(word_for(one.outcome)) if one.outcome else "", one.name, one.owner, one.team,
                written(one.received_at), written(one.due_at), say(YES) if one.rests else "", one.protocol,
                written(one.closed_at),
            )
            for one in rows
        ),
    )  # fmt: skip


@router.get("/due")
def due(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: Chosen[int] = None, topic: Chosen[Topic] = None,
    whose: Whose = Whose.ANYBODYS, team: Chosen[int] = None,
) -> Response:  # fmt: skip
    """What is due on each day of the next weeks; what is late is on today."""
    which = Filter(ente, topic, whose=whose, team_id=team)

    def work(session: Session) -> dict[str, Any]:
        today = clock.business_day(clock.now(session))
        monday = today - timedelta(days=today.weekday())
        days = [monday + timedelta(days=n) for n in range(WEEKS * 7)]
        found = queries.due_by_day(
            session, which, user_id=visit.principal.user_id, first=today, last=days[-1]
        )  # fmt: skip
        _seen(session, visit, request, [row for some in found.values() for row in some])
        return {"weeks": [days[n : n + 7] for n in range(0, len(days), 7)], "due": found, "today": today}

    return _several(request, runtime, visit, "cases/due.html", which, work)


@router.get("/new")
def new(
    request: Request, runtime: RuntimeDep, visit: VisitDep, contact: Chosen[int] = None, call: Chosen[UUID] = None,
    follow_up: Chosen[int] = None, thread: Chosen[UUID] = None, channel: Chosen[Channel] = None,
) -> Response:  # fmt: skip
    """A new case of a taxpayer's, or of an ente's own; perhaps of what somebody wrote."""

    def work(session: Session) -> dict[str, Any]:
        scope = visit.scope(Permission.CASE_WORK)
        mail = requests.suggested(session, visit.principal, thread_id=thread) if thread is not None else None
        whose = mail.contact_id if mail is not None else contact
        said: dict[str, Any] = {
            "today": clock.business_day(clock.now(session)), "channels": Channel, "call": call,
            "channel": channel, "person": None,
            "topics": [one for one in Topic if one in OF_NOBODY], "promised": None, "open": [], "debts": [],
            "ente_options": [(str(one.id), one.name) for one in enti.badges(session, scope.enti).values()],
            "mail": mail,
        }  # fmt: skip
        if whose is None:
            return said
        person = contacts.get(session, whose)
        his = [one.id for one in contacts.same_person(session, whose)]
        promised = follow_ups.get(session, follow_up) if follow_up is not None else None
        audit.note(session, visit.principal, kind="case.begun", ente_id=person.ente_id, contact_id=whose)
        return said | {
            "person": person,
            "ente": enti.badges(session)[person.ente_id],
            "topics": list(Topic),
            "debts": positions.of_contact(session, [whose], brief=True),
            "open": [one for one in queries.of_contacts(session, his) if one.state is not State.CLOSED],
            "promised": promised
            if promised and promised.contact_id == whose and promised.kind is FollowUpKind.CASE
            else None,
        }

    return _page(
        request, visit, "cases/new.html", **runtime.database.transact(visit.scope(Permission.CASE_WORK), work)
    )  # fmt: skip


@router.post("")
def make(
    runtime: RuntimeDep, visit: ChangeDep, topic: Annotated[Topic, Form()], channel: Annotated[Channel, Form()],
    reasons: FieldText = "", asked: FieldText = "", received_on: Typed[NearDay] = None, contact: Typed[int] = None,
    ente: Typed[int] = None, references: Annotated[tuple[str, ...], Form()] = (), surety: FieldText = "",
    call: Typed[UUID] = None, follow_up: Typed[int] = None, thread: Typed[UUID] = None,
    files: Annotated[tuple[int, ...], Form()] = (), instalments: FieldText = "",
) -> Response:  # fmt: skip
    """Register it. `files`: those of the conversation of which it comes."""
    documents = from_mail.brought(runtime, visit, thread, files) if thread is not None else []

    def work(session: Session) -> int:
        request = Asked(
            topic,
            channel,
            reasons,
            asked,
            _received(session, received_on) if thread is None else requests.came(session, visit.principal, thread),
            references,
            bool(surety),
            _own_call(session, visit, call),
            follow_up,
            _whole(instalments),
        )
        made = service.open_case(session, visit.principal, request=request, contact_id=contact, ente_id=ente)
        if thread is not None:
            requests.become(session, visit.principal, thread_id=thread, case_id=made, documents=documents)
        visit.sent(session)
        return made

    made = runtime.database.transact(visit.scope(Permission.CASE_WORK), work)
    return shown_anew(translations(visit.language).gettext("Richiesta registrata."), at=f"/cases/{made}")


def _whole(text: str) -> int | None:
    """A number that may be left out. Raises `FieldError`."""
    if not text.strip():
        return None
    if (found := id_of(text.strip())) is None:
        raise FieldError(NOT_WHOLE, "instalments")
    return found


def _own_call(session: Session, visit: Visit, call_id: UUID | None) -> UUID | None:
    """The call in which it is asked for: the visitor's own, or none."""
    call = conversation.current_call(session, visit.principal.user_id) if call_id else None
    return call.id if call is not None and call.id == call_id else None


def _received(session: Session, day: date | None) -> datetime | None:
    """Of a day before today, its noon; of today, now. Raises `InvalidError` for a day to come."""
    today = clock.business_day(clock.now(session))
    if day is None or day == today:
        return None
    if day > today:
        raise InvalidError(
            "Qualcosa non va: guarda i campi segnati.",
            parts=[InvalidError("Il giorno di arrivo è nel futuro: ricontrollalo.", field="received_on")],
        )
    return datetime.combine(day, time(12), tzinfo=ROME)


def _several(
    request: Request, runtime: RuntimeDep, visit: Visit, template: str, which: Filter, work: Any
) -> Response:  # fmt: skip
    """A page of several cases: what all of them have in common, and what `work` reads."""
    scope = visit.scope(Permission.CASE_READ)

    def both(session: Session) -> Mapping[str, Any]:
        badges = enti.badges(session, scope.enti)
        whole, late, nobodys = queries.counted(session, Filter(which.ente_id), user_id=visit.principal.user_id)
        its_teams = teams.names(session, visit.principal.contracts_for(Permission.CASE_WORK))
        deciding = []
        if visit.principal.can(Permission.CASE_DECIDE):
            for state in (State.AT_ENTE, State.TO_SIGN):
                waiting, _ = queries.listed(session, Filter(state=state), user_id=visit.principal.user_id)
                deciding += waiting
        return {
            "which": which, "badges": badges, "topics": Topic, "states": State, "orders": Order,
            "whose": [one for one in Whose if its_teams or one is not Whose.TEAMS],
            "team_options": [(str(team_id), name) for team_id, name in its_teams.items()],
            "ente_options": [(str(one.id), one.name) for one in badges.values()], "whole": whole, "late": late,
            "nobodys": nobodys, "stamp": together.last_step(session), "deciding": deciding, "now": clock.now(session),
            **work(session),
        }  # fmt: skip

    return _page(request, visit, template, **runtime.database.transact(scope, both))


def _chosen(which: Filter) -> str:
    """The filters as an address has them."""
    said = {
        "ente": which.ente_id, "topic": which.topic, "state": which.state, "whose": which.whose,
        "late": which.late or None, "closed": which.closed or None, "number": which.number, "order": which.order,
        "team": which.team_id,
    }  # fmt: skip
    return urlencode({name: value for name, value in said.items() if value is not None})


def _seen(session: Session, visit: Visit, request: Request, rows: list[Row]) -> None:
    """Names were read: the access log says of how many, once for a page that shows itself anew."""
    named = [one.ente_id for one in rows if one.contact_id is not None]
    for ente_id in sorted(set(named)):
        if refreshed(request) and audit_queries.has_open(session, visit.principal, kind="case.listed", ente_id=ente_id):
            continue
        audit.note(
            session, visit.principal, kind="case.listed", ente_id=ente_id, after={"people": named.count(ente_id)}
        )  # fmt: skip


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
