"""Practices' pages: those of the visitor's enti, and one with everything that happened in it and what may be done."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request, Response
from pydantic import BeforeValidator
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import FieldError
from crm.enti import queries as enti
from crm.enti.queries import Badge
from outbound.field.agents import queries as of_agents
from outbound.field.agents.ties import excluded
from outbound.field.closing import reports
from outbound.field.practices import judging, placed, queries, service, settings, told
from outbound.field.practices.lifecycle import Limits, State
from outbound.field.practices.models import Practice
from outbound.field.practices.queries import Filter
from outbound.field.rounds import queries as rounds
from outbound.field.visits import queries as visits
from outbound.field.visits.queries import Done
from web.edge.fields import NearDay, cents_of, id_of
from web.edge.templating import page
from web.edge.visits import RuntimeDep, Visit, VisitDep
from web.field.deeds import DecideDep, ManageDep
from web.field.forms import told_anew
from web.field.schematic import HEIGHT, WIDTH
from web.field.town import town

router = APIRouter(prefix="/field/practices", include_in_schema=False)
ReasonField = Annotated[str, Form(max_length=500)]
TextField = Annotated[str, Form(max_length=40)]
StreetField = Annotated[str, Form(max_length=160)]
NumberField = Annotated[str, Form(max_length=12)]
ChosenState = Annotated[State | None, BeforeValidator(lambda text: text or None), Query()]
ChosenId = Annotated[int | None, BeforeValidator(lambda text: text or None), Query()]
Area = Annotated[str, Query(max_length=80)]


@router.get("")
def all_of_them(
    request: Request, runtime: RuntimeDep, visit: VisitDep, ente: ChosenId = None, state: ChosenState = None,
    agent: ChosenId = None, area: Area = "", late: bool = False, unplaced: bool = False, after: int = 0,
) -> Response:  # fmt: skip
    """Those of the visitor's enti, by ente, state, agent, area; late mandates, and those that are not placed."""
    which = Filter(ente, state, agent, area.strip(), late, unplaced)
    scope = visit.scope(Permission.FIELD_WATCH)

    def work(session: Session) -> dict[str, Any]:
        rows, more = queries.practices(session, which, after=after)
        for ente_id in {one.ente_id for one in rows}:
            shown = sum(one.ente_id == ente_id for one in rows)
            audit.note(
                session, visit.principal, kind="field_practice.listed", ente_id=ente_id, after={"people": shown}
            )  # fmt: skip
        return {
            "which": which, "rows": rows, "more": more, "counts": queries.counted(session, which),
            "badges": enti.badges(session, scope.enti), "agents": queries.agents(session),
            "areas": queries.areas(session), "lost": queries.unplaced(session),
            "states": State, "ente_options": options(enti.badges(session, scope.enti)),
        }  # fmt: skip

    return _page(request, visit, "field/practices.html", **runtime.database.transact(scope, work))


@router.get("/{practice_id}")
def one(request: Request, runtime: RuntimeDep, visit: VisitDep, practice_id: int) -> Response:
    """One of them: whether somebody may go now, who has it, what happened."""

    def work(session: Session) -> dict[str, Any]:
        found = queries.one(session, practice_id)
        row = session.get_one(Practice, practice_id)
        told.note(session, visit.principal, row, "field_practice.looked")
        now = clock.now(session)
        over = found.state is State.CLOSED
        usual = settings.get(session, found.ente_id)
        day = clock.business_day(now)
        made = reports.editions(session, practice_id)
        visited = visits.of_practice(session, practice_id)
        return {
            "report": made[0].id if made else None, "walk": rounds.last_of(session, practice_id),
            "life": _life(found, visited),
            "one": found, "ente": enti.badges(session)[found.ente_id], "usual": usual, "today": day,
            "verdict": None if over else judging.judge(session, [practice_id], now)[practice_id],
            "hands": _hands(session, visit, found.ente_id, found.contact_id, day) if found.state is State.OPEN else [],
            **_where(session, found, lost=found.latitude is None and not over),
            "manages": _may(visit, Permission.FIELD_MANAGE, found.ente_id),
            "decides": _decides(visit, found.ente_id), "until": day + timedelta(days=usual.mandate_days),
        }  # fmt: skip

    return _page(
        request, visit, "field/practice.html", **runtime.database.transact(visit.scope(Permission.FIELD_WATCH), work)
    )


@router.post("/{practice_id}/offer")
def offer(
    deed: ManageDep, practice_id: int, agent_id: NumberField = "",
    valid_from: Annotated[NearDay | None, BeforeValidator(lambda text: text or None), Form()] = None,
    valid_to: Annotated[NearDay | None, BeforeValidator(lambda text: text or None), Form()] = None,
    cents: TextField = "", most_visits: NumberField = "", may_photograph: NumberField = "",
) -> Response:  # fmt: skip
    """Offer it to an agent."""
    chosen = id_of(agent_id)
    if chosen is None:
        raise FieldError("Scegli un agente.", "agent_id")
    limits = limits_of(valid_from, valid_to, most_visits, may_photograph)
    amount = cents_of(cents) if cents.strip() else None
    if cents.strip() and amount is None:
        raise FieldError("Un importo in euro, per esempio 812,00.", "cents")
    deed(service.offer, practice_id=practice_id, agent_id=chosen, limits=limits, cents=amount)
    return told_anew("Offerta all'agente: ora tocca a lui accettare.", deed.visit)


@router.post("/{practice_id}/revoke")
def revoke(deed: DecideDep, practice_id: int, reason: ReasonField = "") -> Response:
    """Its mandate ends before its time."""
    deed(service.revoke, practice_id=practice_id, reason=reason)
    return told_anew("Incarico revocato.", deed.visit)


@router.post("/{practice_id}/freeze")
def freeze(deed: DecideDep, practice_id: int, reason: ReasonField = "") -> Response:
    """Nobody goes until it is released."""
    deed(service.freeze, practice_id=practice_id, why=reason)
    return told_anew("Sospesa: nessuno va finché non la riprendi.", deed.visit)


@router.post("/{practice_id}/release")
def release(deed: DecideDep, practice_id: int) -> Response:
    """It may be offered again."""
    deed(service.release, practice_id=practice_id)
    return told_anew("Ripresa: si può affidare di nuovo.", deed.visit)


@router.post("/{practice_id}/recall")
def recall(deed: DecideDep, practice_id: int) -> Response:
    """Nobody goes any more."""
    deed(service.recall, practice_id=practice_id)
    return told_anew("Richiamata: la pratica è chiusa.", deed.visit)


@router.post("/{practice_id}/no-visits")
def no_visits(deed: DecideDep, practice_id: int, reason: ReasonField = "") -> Response:
    """He wants nobody at his door."""
    deed(service.no_more_visits, practice_id=practice_id, why=reason)
    return told_anew("Segnato: non si va più da questa persona.", deed.visit)


@router.post("/{practice_id}/visits-again")
def visits_again(deed: DecideDep, practice_id: int) -> Response:
    """He may be visited after all."""
    deed(service.visits_again, practice_id=practice_id)
    return told_anew("Tolto: si può aprire un'altra pratica.", deed.visit)


@router.post("/{practice_id}/place")
def place(
    deed: DecideDep, practice_id: int, street_id: NumberField = "", street: StreetField = "",
    civic: NumberField = "", latitude: TextField = "", longitude: TextField = "",
) -> Response:  # fmt: skip
    """Say where it is: which street is meant, beside which number, or the coordinates."""
    meant = id_of(street_id)
    if meant is not None:
        deed(placed.in_street, practice_id=practice_id, street_id=meant)
    elif street.strip():
        deed(placed.beside, practice_id=practice_id, street=street, civic=civic)
    else:
        deed(placed.at, practice_id=practice_id, latitude=latitude, longitude=longitude)
    return told_anew("Segnato dov'è.", deed.visit)


def _life(one: queries.PracticeView, visited: Sequence[Done]) -> list[tuple[datetime, str, Any]]:
    """What happened in it, the latest first; of one instant what was written later."""
    told: list[tuple[datetime | None, str, Any]] = [(one.opened_at, "opened", None)]
    for mandate in reversed(one.mandates):
        its = (mandate.given_at, "given"), (mandate.accepted_at, "accepted"), (mandate.ended_at, "ended")
        told += [(at, what, mandate) for at, what in its]
    told += [(each.began_at, "visit", each) for each in reversed(visited)]
    told.append((one.closed_at, "closed", None))
    happened = [(at, what, it) for at, what, it in told if at is not None]
    return sorted(happened, key=lambda each: each[0])[::-1]


def _where(session: Session, one: queries.PracticeView, *, lost: bool) -> dict[str, Any]:
    """What helps whoever places by hand what was not found."""
    lines = placed.lines(session, one.town) if lost else []
    streets = placed.suggestions(session, one.street, one.town) if lost else ()
    return {"streets": streets, "lines": lines, "town": town(lines), "wide": WIDTH, "high": HEIGHT}


def limits_of(valid_from: date | None, valid_to: date | None, most_visits: str, may_photograph: str) -> Limits:
    """The limits of a mandate, as a form has them. Raises `FieldError`."""
    if valid_from is None:
        raise FieldError("Scrivi da che giorno vale.", "valid_from")
    if valid_to is None:
        raise FieldError("Scrivi fino a che giorno vale.", "valid_to")
    most = id_of(most_visits)
    if most is None or most > 99:  # the service says which are too many
        raise FieldError("Un numero.", "most_visits")
    return Limits(valid_from, valid_to, most, bool(may_photograph))


def options(badges: Mapping[int, Badge]) -> list[tuple[str, str]]:
    """Enti to choose one of."""
    return [(str(one.id), one.name) for one in badges.values()]


def _may(visit: Visit, permission: Permission, ente_id: int) -> bool:
    return visit.principal.can(permission) and ente_id in (visit.scope(permission).enti or ())


def _decides(visit: Visit, ente_id: int) -> bool:
    return any(_may(visit, one, ente_id) for one in (Permission.FIELD_MANAGE, Permission.FIELD_APPROVE))


def _hands(session: Session, visit: Visit, ente_id: int, contact_id: int, day: date) -> list[tuple[Any, Any, bool]]:
    """The agents who may act, with what speaks for a tie, and whether that excludes them."""
    if not _may(visit, Permission.FIELD_MANAGE, ente_id):
        return []
    able = of_agents.active(session, ente_id=ente_id, day=day)
    signs = of_agents.ties(session, agent_ids=[one.id for one in able], contact_ids=[contact_id])
    return [(one, found, excluded(found)) for one in able for found in [signs[one.id][contact_id]]]


def _page(request: Request, visit: Visit, template: str, **context: Any) -> Response:
    return page(request, template, visit.language, visit=visit, csrf=visit.csrf_token, **context)
