"""The supervisor's live board, read in one transaction: each contract's levels and queues, with where figures lead."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Scope
from crm.enti import queries as enti
from crm.enti.calendar import Opening, opening
from crm.enti.queries import Badge, Switch
from crm.levels import live as live_levels
from crm.levels import queries as levels
from crm.levels.agreement import Promise
from crm.levels.live import LiveLevel, LiveLevels
from crm.levels.metering import Callers, Counts, hour_of
from crm.levels.metrics import METRICS, MetricName, Source, Unit
from crm.levels.tracing import Figure
from telephony.agents import queries as agents
from telephony.agents.models import AgentState
from telephony.agents.queries import Staffed
from telephony.calls import queries as calls
from telephony.ivr import queries as ivr
from telephony.ivr.models import EmergencyMessage
from telephony.lines import queries as lines
from telephony.lines.queries import LineView
from telephony.practice.queries import practising
from telephony.queues import queries as queues
from telephony.queues import waits
from telephony.queues.expected import Range
from telephony.queues.figures import told_beside, untold
from telephony.queues.queries import Line, QueueView
from telephony.standing.health import failing_since
from web.levels.view import days_of

ON_DUTY = frozenset(AgentState) - {AgentState.OFFLINE}
SERVING = ON_DUTY - {AgentState.PAUSED}
TRACED = {  # the calls behind a level's share
    MetricName.WAITING_OVER: Figure.WAITED_OVER, MetricName.LOST: Figure.LOST,
    MetricName.ANSWERED_WITHIN: Figure.IN_TIME,
}  # fmt: skip
MEASURED_ON_ITSELF = frozenset({Source.SERVICE_TIME, Source.OPERATIONS, Source.PORTAL})


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue, or the whole contract without one; `expected` is what a newcomer would be told."""

    queue_id: int | None
    name: str | None
    waiting: int
    since: datetime | None
    talking: int
    away: int
    hour: Counts
    today: Counts
    ready: int | None = 0  # none, and neither who is on duty: it would tell of a single agent
    on_duty: int | None = 0
    expected: Range | None = None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """A level with the words and links of its metric."""

    of: LiveLevel
    metric: MetricName | None
    unit: Unit
    figure: Figure | None
    source: Source | None = None

    @property
    def facts(self) -> str:
        """Where what no call stands behind is shown in full."""
        if self.source is Source.OUTBOUND:
            return f"/levels/{self.promise.contract_id}/outbound"
        return "/continuity" if self.source in MEASURED_ON_ITSELF else f"/levels?contract={self.promise.contract_id}"

    @property
    def waiting(self) -> bool:
        """Whether it is about those who wait: just now they stand behind it."""
        return self.metric in {MetricName.QUEUE_CAP, MetricName.LONGEST_WAIT}

    @property
    def promise(self) -> Promise:
        """What was promised."""
        return self.of.promise

    @property
    def callers(self) -> Callers | None:
        """Of whose calls alone."""
        return None if self.promise.callers is None else Callers(self.promise.callers)


@dataclass(frozen=True, slots=True)
class ContractNow:
    """One contract on the board."""

    id: int
    name: str
    opening: Opening
    switch: Switch | None  # of its lines, for whoever may close them
    emergencies: tuple[EmergencyMessage, ...]
    lines: tuple[LineView, ...]  # each of which may be closed by itself
    enti: tuple[Badge, ...]  # to whose callers alone a message may be said
    live: LiveLevels | None
    rows: tuple[LevelRow, ...]
    queues: tuple[QueueNow, ...]
    total: QueueNow
    found_shut: int  # today, who called a number that was closed by itself: in no figure of its queues


@dataclass(frozen=True, slots=True)
class Now:
    """The board of some contracts. `states`: how many agents are in each; none where it would tell of a single one.
    `staffed`: where the time of all of them went today, never of single ones."""

    at: datetime
    carrier_silent_since: datetime | None
    contracts: tuple[ContractNow, ...]
    states: Mapping[AgentState, int] | None
    practising: int  # with simulated callers; they are in no state here
    staffed: Staffed
    topics: frozenset[str]


def read(session: Session, scope: Scope, closable: frozenset[int]) -> Now:
    """The board of a supervisor's contracts; `closable` are those whose lines he may close."""
    at = clock.now(session)
    staffing = queues.staffing(session, scope.contracts)
    kept_back = untold(session, staffing)
    since = clock.start_of_day(clock.business_day(at))
    told = told_beside(session, staffing)
    away = practising(session, scope.contracts) if told else 0
    states = {**staffing.all, AgentState.OFFLINE: staffing.all.get(AgentState.OFFLINE, 0) - away} if told else None
    return Now(
        at, failing_since(session),
        tuple(
            _contract(session, one, one in closable, staffing.queues, kept_back, at)
            for one in sorted(scope.contracts)
        ),
        states, away, agents.staffed_since(session, scope.contracts, since).all,
        frozenset({topics.carrier()})
        | frozenset(topics.board(one) for one in scope.contracts)
        | frozenset(topics.agents(domain) for domain in queues.domains(session, scope.contracts)),
    )  # fmt: skip


def _contract(
    session: Session,
    contract_id: int,
    may_close: bool,
    staffing: Mapping[int, Mapping[AgentState, int]],
    kept_back: frozenset[int | None],
    at: datetime,
) -> ContractNow:
    this = frozenset({contract_id})
    held = queues.standing(session, this)
    midnight = clock.start_of_day(clock.business_day(at))
    today, hour = (_by_queue(session, this, since) for since in (midnight, hour_of(at)))
    known = queues.with_closed(session, this)
    rows = [
        _queue(session, one, held, hour, today, staffing.get(one.id, {}), told=one.id not in kept_back)
        for one in known
        if one.closed_at is None or one.id in today
    ]
    if None in today or any(line.queue_id is None for line in held):
        rows.append(_row(None, held, hour, today))
    live = live_levels.live(
        session, contract_id, days_of(session, contract_id, None), [one.of for one in queues.waiting(session, this)]
    )
    return ContractNow(
        contract_id, enti.contract_name(session, contract_id),
        opening(enti.timetable(session, contract_id, None), at),
        next(iter(enti.switches(session, this)), None) if may_close else None,
        tuple(ivr.emergencies(session, this)) if may_close else (),
        tuple(lines.of_contract(session, contract_id)) if may_close else (),
        tuple(enti.badges(session, enti.enti_of(session, contract_id)).values()) if may_close else (), live,
        tuple(_level(one) for one in live.levels) if live else (), tuple(rows),
        _total(rows, held), len(calls.found_shut(session, contract_id, midnight, at)),
    )  # fmt: skip


def _by_queue(session: Session, contract_ids: frozenset[int], since: datetime) -> dict[int | None, Counts]:
    found: dict[int | None, Counts] = {}
    for (_, queue_id), counts in levels.tally_since(session, contract_ids, since).rows.items():
        found[queue_id] = found.get(queue_id, Counts()) + counts
    return found


def _queue(
    session: Session, view: QueueView, lines: Iterable[Line], hour: Mapping[int | None, Counts],
    today: Mapping[int | None, Counts], staff: Mapping[AgentState, int], *, told: bool,
) -> QueueNow:  # fmt: skip
    bare = _row(view, lines, hour, today)
    serving = sum(count for state, count in staff.items() if state in SERVING)
    grounds = waits.for_newcomer(
        session, contract_id=view.contract_id, queue_id=view.id, waiting=bare.waiting, agents=serving
    )
    ready = staff.get(AgentState.READY, 0)
    return QueueNow(
        view.id, view.name, bare.waiting, bare.since, bare.talking, bare.away, bare.hour, bare.today,
        ready if told else None, sum(count for state, count in staff.items() if state in ON_DUTY) if told else None,
        None if ready and not bare.waiting else grounds.wait,  # whoever comes now is answered at once
    )  # fmt: skip


def _row(
    view: QueueView | None, lines: Iterable[Line], hour: Mapping[int | None, Counts], today: Mapping[int | None, Counts]
) -> QueueNow:  # fmt: skip
    queue_id = view.id if view else None
    mine = [line for line in lines if line.queue_id == queue_id]
    return QueueNow(
        queue_id, view.name if view else None, sum(line.waiting for line in mine),
        min((line.since for line in mine if line.since), default=None), sum(line.talking for line in mine),
        sum(line.away for line in mine), hour.get(queue_id, Counts()), today.get(queue_id, Counts()),
    )  # fmt: skip


def _total(rows: Iterable[QueueNow], lines: Iterable[Line]) -> QueueNow:
    rows, lines = list(rows), list(lines)
    return QueueNow(
        None, None, sum(one.waiting for one in lines), min((one.since for one in lines if one.since), default=None),
        sum(one.talking for one in lines), sum(one.away for one in lines),
        sum((one.hour for one in rows), Counts()), sum((one.today for one in rows), Counts()),
    )  # fmt: skip


def _level(one: LiveLevel) -> LevelRow:
    metric = MetricName(one.promise.metric) if one.promise.metric in METRICS else None
    unit = METRICS[one.promise.metric].unit if metric else Unit.CONTACTS
    source = METRICS[one.promise.metric].source if metric else None
    return LevelRow(one, metric, unit, TRACED.get(metric) if metric else None, source)
