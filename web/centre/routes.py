"""The page of a contract's numbers and queues. What is wrong with a form stands at its fields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.core.errors import FieldError
from crm.enti import queries as enti
from crm.enti.hours import written_week
from crm.enti.queries import Badge
from telephony.lines import queries as lines
from telephony.lines import service as line_service
from telephony.lines.models import LineKind
from telephony.lines.queries import LineView, Told
from telephony.lines.service import Leads
from telephony.queues import queries as queues
from telephony.queues import service as queue_service
from telephony.queues.queries import QueueView
from telephony.queues.service import KEYS, LEVELS, OTHERS, QueueSetting
from telephony.texts import settings as texts
from telephony.texts.settings import Wanted
from web.edge.fields import chosen, id_of
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.enti.forms import TypedDep, to
from web.enti.weeks import in_words
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
HOME = "/centre"


@dataclass(frozen=True, slots=True)
class Centre:
    """A contract's numbers and queues, as its page shows them."""

    contract_id: int
    name: str
    lines: list[LineView]
    told: dict[str, Told]
    unshown: frozenset[str]
    queues: tuple[QueueView, ...]
    members: dict[int, dict[int, int]]  # levels by agent, by queue
    speaks: dict[int, frozenset[str]]
    telephones: dict[int, str]
    able: dict[int, str]
    names: dict[int, str]
    enti: dict[int, Badge]
    texts: Wanted | None


@router.get("/centre")
def centre(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The numbers and queues of the visitor's contracts."""
    scope = visit.scope(Permission.QUEUE_MANAGE)
    with runtime.database.begin(scope) as session:
        shown = [_read(session, one) for one in sorted(visit.principal.contracts_for(Permission.QUEUE_MANAGE))]
    return page(
        request, "centre/page.html", visit.language, visit=visit, csrf=visit.csrf_token, centres=shown, keys=KEYS,
        kinds=tuple(LineKind), levels=LEVELS, others=sorted(OTHERS), written_week=written_week, in_words=in_words,
    )  # fmt: skip


@router.post("/centre/{contract_id}/queues")
def add_queue(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """A new queue."""
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: queue_service.add(
            session, visit.principal, contract_id=contract_id, setting=_setting(fields)
        ),
    )  # fmt: skip


@router.post("/centre/queues/{queue_id}")
def save_queue(runtime: RuntimeDep, visit: ChangeDep, queue_id: int, fields: TypedDep) -> Response:
    """A queue, written anew."""
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: queue_service.save(session, visit.principal, queue_id=queue_id, setting=_setting(fields)),
    )  # fmt: skip


@router.post("/centre/queues/{queue_id}/close")
def close_queue(runtime: RuntimeDep, visit: ChangeDep, queue_id: int) -> Response:
    """Nobody is led there any more."""
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: queue_service.close(session, visit.principal, queue_id=queue_id),
    )  # fmt: skip


@router.post("/centre/queues/{queue_id}/members")
def staff_queue(runtime: RuntimeDep, visit: ChangeDep, queue_id: int, fields: TypedDep) -> Response:
    """Who answers in a queue, at which level: a field for each, empty for whoever does not."""
    told = ((id_of(name.removeprefix("level-")), id_of(level)) for name, level in fields.items() if level)
    levels = {agent: level for agent, level in told if agent is not None and level is not None}
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: queue_service.staff(session, visit.principal, queue_id=queue_id, levels=levels),
    )  # fmt: skip


@router.post("/centre/{contract_id}/agents/{agent_id}/languages")
def teach(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, agent_id: int,
    language: Annotated[list[str] | None, Form()] = None,
) -> Response:  # fmt: skip
    """Which languages somebody speaks, beside Italian."""
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: queue_service.teach(
            session, visit.principal, contract_id=contract_id, agent_id=agent_id, languages=language or ()
        ),
    )  # fmt: skip


@router.post("/centre/{contract_id}/agents/{agent_id}/telephone")
def ring_at(
    runtime: RuntimeDep, visit: ChangeDep, contract_id: int, agent_id: int, number: Annotated[str, Form()] = ""
) -> Response:
    """At which telephone somebody's calls ring."""
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: queue_service.ring_at(
            session, visit.principal, contract_id=contract_id, agent_id=agent_id, number=number
        ),
    )  # fmt: skip


@router.post("/centre/{contract_id}/texts")
def save_texts(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """Whether and how conversations by SMS are held."""
    wanted = _wanted(fields) if "held" in fields else None
    return _changed(
        runtime, visit, Permission.QUEUE_MANAGE,
        lambda session: texts.save(session, visit.principal, contract_id=contract_id, wanted=wanted),
    )  # fmt: skip


@router.post("/centre/{contract_id}/lines")
def add_line(runtime: RuntimeDep, visit: ChangeDep, contract_id: int, fields: TypedDep) -> Response:
    """A new number."""
    return _changed(
        runtime, visit, Permission.ENTE_MANAGE,
        lambda session: line_service.add(
            session, visit.principal, contract_id=contract_id, number=fields.get("number", ""), leads=_leads(fields)
        ),
    )  # fmt: skip


@router.post("/centre/lines/{number}")
def save_line(runtime: RuntimeDep, visit: ChangeDep, number: str, fields: TypedDep) -> Response:
    """A number leads elsewhere."""
    return _changed(
        runtime, visit, Permission.ENTE_MANAGE,
        lambda session: line_service.save(session, visit.principal, number=number, leads=_leads(fields)),
    )  # fmt: skip


@router.post("/centre/lines/{number}/hours")
def save_line_hours(runtime: RuntimeDep, visit: ChangeDep, number: str, fields: TypedDep) -> Response:
    """The hours of a number of its own."""
    week = {day: fields.get(f"day-{day}", "") for day in range(7)}
    return _changed(
        runtime, visit, Permission.ENTE_MANAGE,
        lambda session: line_service.save_hours(session, visit.principal, number=number, week=week),
    )  # fmt: skip


@router.post("/centre/lines/{number}/remove")
def remove_line(runtime: RuntimeDep, visit: ChangeDep, number: str) -> Response:
    """A number is not in use any more."""
    return _changed(
        runtime, visit, Permission.ENTE_MANAGE,
        lambda session: line_service.remove(session, visit.principal, number=number),
    )  # fmt: skip


# -- parts ------------------------------------------------------------------------------------------------------


def _read(session: Session, contract_id: int) -> Centre:
    members = queues.members(session, contract_id)
    able = access.able(session, Permission.CALLS_ANSWER, contract_id=contract_id)
    return Centre(
        contract_id, enti.contract_name(session, contract_id), lines.of_contract(session, contract_id),
        lines.told(session, contract_id), lines.unshown(session, contract_id),
        queues.queues(session, frozenset({contract_id})), members,
        queues.spoken(session, able), queues.telephones(session, able), able,
        access.named(session, frozenset().union(*members.values())) | able,
        enti.badges(session, enti.enti_of(session, contract_id)), texts.of_contract(session, contract_id),
    )  # fmt: skip


def _changed(runtime: Runtime, visit: Visit, permission: Permission, work: Callable[[Session], object]) -> Response:
    runtime.database.transact(visit.scope(permission), work)
    return to(HOME)


def _setting(fields: dict[str, str]) -> QueueSetting:
    return QueueSetting(
        name=fields.get("name", ""), menu_digit=fields.get("digit") or None, menu_label=fields.get("label"),
        asks_notice="asks_notice" in fields, ring_timeout_s=_seconds(fields, "ring"),
        wrap_up_s=_seconds(fields, "wrap"), priority=_seconds(fields, "priority"),
        ages_s=_seconds(fields, "ages"), widens_s=_seconds(fields, "widens"),
        overflow_id=chosen(fields.get("overflow", "")), overflow_s=_seconds(fields, "overflow_s"),
        sticky_s=_seconds(fields, "sticky"), language_s=_seconds(fields, "language"),
        calls_back="calls_back" in fields, asks_survey="asks_survey" in fields,
    )  # fmt: skip


def _wanted(fields: dict[str, str]) -> Wanted:
    def number(name: str) -> int:
        if (found := id_of(fields.get(name, "").strip() or "0")) is None:
            raise FieldError("Scrivi un numero.", name)
        return found

    return Wanted(
        queue_id=chosen(fields.get("queue", "")) or 0, most=number("most"), beside_calls="beside_calls" in fields,
        most_waiting=number("most_waiting") if fields.get("most_waiting", "").strip() else None,
        idle_min=number("idle_min"), close_h=number("close_h"), kept_days=number("kept_days"),
    )  # fmt: skip


def _seconds(fields: dict[str, str], name: str) -> int:
    if (seconds := id_of(fields.get(name, "").strip() or "0")) is None:
        raise FieldError("Scrivi un numero di secondi.", name)
    return seconds


def _leads(fields: dict[str, str]) -> Leads:
    kind = fields.get("kind", "")
    if kind not in {one.value for one in LineKind}:
        raise FieldError("Scegli che numero è.", "kind")
    return Leads(
        label=fields.get("label", ""), kind=LineKind(kind), ente_id=chosen(fields.get("ente", "")),
        queue_id=chosen(fields.get("queue", "")),
    )  # fmt: skip
