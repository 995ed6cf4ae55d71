"""A centre that exists in memory alone: its configuration, its floor, and letting go of what is over."""

from collections.abc import Callable
from datetime import datetime, time
from types import MappingProxyType
from typing import Any
from uuid import UUID

from crm.core.configuration import given
from crm.core.db import Memory, Scope
from crm.enti import details
from crm.enti import queries as enti
from crm.enti.calendar import Hours, Timetable
from crm.enti.details import OfficeView
from crm.enti.queries import Badge
from crm.levels import queries as levels
from crm.levels.terms import USUAL
from telephony.floor.memory import MemoryDatabase
from telephony.ivr import queries as flows
from telephony.ivr.definition import Choice, Flow, Menu, ToNumber
from telephony.ivr.languages import Language
from telephony.ivr.queries import Current
from telephony.ivr.standard import Matter, standard
from telephony.lines import queries as lines
from telephony.lines.models import LineKind
from telephony.lines.queries import LineView
from telephony.queues import queries as queues
from telephony.queues.queries import QueueView
from telephony.recording import queries as recordings
from telephony.selfservice import queries as offered
from telephony.texts import settings as texts
from telephony.texts.settings import Wanted
from web.simulation.centre import Numbers
from web.simulation.plan import Plan

CONTRACT, ENTE, LINE, DOMAIN = 1, 1, "+390571000001", "main"
NOTICES, OPERATOR = 1, 2
OFFICE, OFFICE_KEY = "+390571757999", "2"
WRITTEN = Wanted(OPERATOR, most=2, idle_min=1, close_h=1)


def in_memory(
    plan: Plan, clock: Callable[[], datetime], new_id: Callable[[], UUID]
) -> tuple[MemoryDatabase, Numbers]:  # fmt: skip
    """The centre of a plan, its agents out of service."""
    database = MemoryDatabase(clock, new_id, _configuration(plan))
    agents = tuple(range(1, plan.agents + 1))
    with database.begin(Scope.nothing()):
        for agent_id in agents:
            database.floor.enrol(agent_id, domain=DOMAIN, at=clock(), levels={NOTICES: 1, OPERATOR: 1})
    return database, Numbers(CONTRACT, LINE, agents)


def _with_office(flow: Flow) -> Flow:
    """The usual flow, with a key that leads to an office of the ente's."""
    menu = flow.nodes["menu"]
    assert isinstance(menu, Menu)
    choice = Choice(digit=OFFICE_KEY, label={Language.ITALIAN: "l'ufficio tributi"}, next="ufficio")
    office = ToNumber(number=OFFICE, otherwise="operatore")
    nodes = {**flow.nodes, "menu": menu.model_copy(update={"choices": (*menu.choices, choice)}), "ufficio": office}
    return flow.model_copy(update={"nodes": nodes})


def _configuration(plan: Plan) -> Memory:
    """An ente that is always open; with a menu, two queues."""
    memory = Memory()
    served = QueueView(
        OPERATOR, CONTRACT, "Operatore", DOMAIN, None, None, asks_notice=False, ring_timeout_s=plan.ring_timeout_s,
        wrap_up_s=plan.wrap_up_s, priority=0, ages_s=0, widens_s=0, overflow_id=None, overflow_s=0, sticky_s=0,
        language_s=60, closed_at=None, calls_back=plan.calls_back > 0, asks_survey=False,
    )  # fmt: skip
    notices = QueueView(
        NOTICES, CONTRACT, "Avvisi", DOMAIN, "1", "informazioni su un avviso", asks_notice=False,
        ring_timeout_s=plan.ring_timeout_s, wrap_up_s=plan.wrap_up_s, priority=1, ages_s=60, widens_s=0,
        overflow_id=None, overflow_s=0, sticky_s=0, language_s=60, closed_at=None, calls_back=plan.calls_back > 0,
        asks_survey=False,
    )  # fmt: skip
    matter = Matter("1", {Language.ITALIAN: "informazioni su un avviso"}, NOTICES, asks_notice=False)
    flow = standard([matter] if plan.menu else (), OPERATOR)
    if plan.menu and plan.outside:
        flow = _with_office(flow)
    always = Timetable(tuple(Hours(day, time(0), time(0)) for day in range(7)), observes_holidays=False)
    line = LineView(LINE, "Verde", LineKind.GEOGRAPHIC, CONTRACT, ENTE, None if plan.menu else OPERATOR)
    office = OfficeView(1, ENTE, "Tributi", "", OFFICE, "", "", "", ())
    ours = frozenset({CONTRACT})
    known: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = [
        (enti.coverage, (), MappingProxyType({CONTRACT: frozenset({ENTE})})),
        (enti.contract_name, (CONTRACT,), "Riscossione"),
        (enti._all_badges, (), (Badge(ENTE, "Comune di Empoli", "Empoli", 1),)),  # noqa: SLF001
        (enti.timetable, (CONTRACT, None), always), (enti.timetable, (CONTRACT, ENTE), always),
        (levels.agreements, (ours,), ()), (levels.terms, (CONTRACT,), (USUAL,)),
        (texts.all_settings, (), MappingProxyType({CONTRACT: WRITTEN} if plan.texts_per_hour else {})),
        (queues.rules, (DOMAIN,), MappingProxyType({NOTICES: notices.rules})),
        (queues.with_closed, (ours,), (notices, served)),
        (queues.queue, (OPERATOR,), served), (queues.queue, (NOTICES,), notices),
        (lines._lines, (), MappingProxyType({LINE: line})),  # noqa: SLF001
        (flows.current, (LINE,), Current(1, flow)), (flows.of_call, (1,), flow),
        (offered.offers, (CONTRACT, None), None), (offered.offers, (CONTRACT, ENTE), None),
        (recordings.setting, (ENTE,), recordings.OFF), (details.offices, (ENTE,), (office,)),
        (flows.urgent, (CONTRACT, None), ()), (flows.urgent, (CONTRACT, ENTE), ()),
    ]  # fmt: skip
    for read, args, value in known:
        given(memory, read, *args, value=value)
    return memory
