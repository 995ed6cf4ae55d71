"""What thresholds are held against: read once a look for a contract, then pure."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from crm.core import clock
from crm.enti import queries as enti
from crm.enti.calendar import opening
from crm.levels import live as live_levels
from crm.levels.closing import Days
from crm.levels.formulas import Standing
from crm.levels.live import LiveLevels
from telephony.agents.models import AgentState
from telephony.alerts.judging import AlertKind
from telephony.queues import queries as queues
from telephony.queues.figures import untold
from telephony.staffing.unstaffed import minutes_ahead
from telephony.standing.health import failing_since
from telephony.walls import queries as walls

Of = int | None  # a queue; none: the whole contract


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a rule is about."""

    kind: AlertKind
    threshold: Decimal
    queue_id: int | None = None
    metric: str = ""
    callers: str = ""
    line: str = ""  # of the callers of a number alone


@dataclass(frozen=True, slots=True)
class Facts:
    """How a contract stands. Seconds; none where there is nothing to be said."""

    waiting: Mapping[Of, int] = field(default_factory=dict)
    longest_s: Mapping[Of, float] = field(default_factory=dict)
    ready: Mapping[Of, int] = field(default_factory=dict)
    asked: Set[Of] = frozenset({None})  # where somebody should be ready, and it tells of no single agent if not
    levels: LiveLevels | None = None
    carrier_silent_s: float = 0
    wall_silent_s: float | None = None
    lines: Mapping[str, tuple[int, float]] = field(default_factory=dict)  # how many wait, and how long the longest
    unstaffed_min: int | None = None  # until the end of the next day on which lines open


def read(
    session: Session, contract_id: int, days: Days | None, *, by_line: bool = False, plan: bool = False
) -> Facts:  # fmt: skip
    """How a contract stands now; its levels, which take longest to read, where `days` says how to; who waits on each
    number, and the plan of shifts, where some threshold is of those."""
    at, this = clock.now(session), frozenset({contract_id})
    waiting: dict[Of, int] = {}
    longest: dict[Of, float] = {}
    now = queues.waiting(session, this)
    for one in now:
        for of in {one.queue_id, None}:
            waiting[of] = waiting.get(of, 0) + one.of.count
            longest[of] = max(longest.get(of, 0.0), one.of.longest_ms / 1000)
    staffing = queues.staffing(session, this)
    lines_open = opening(enti.timetable(session, contract_id, None), at).is_open
    ready: dict[Of, int] = {queue_id: states.get(AgentState.READY, 0) for queue_id, states in staffing.queues.items()}
    ready[None] = staffing.all.get(AgentState.READY, 0)
    asked: set[Of] = {*queues.open_ids(session, contract_id), None} if lines_open else set()
    return Facts(
        waiting, longest, ready, asked - untold(session, staffing),
        live_levels.live(session, contract_id, days, [one.of for one in now]) if days else None,
        _seconds(failing_since(session), at) or 0, _seconds(walls.least_seen(session, contract_id), at),
        queues.waiting_by_line(session, contract_id) if by_line else {},
        minutes_ahead(session, contract_id) if plan else None,
    )  # fmt: skip


def measured(rule: Threshold, facts: Facts) -> Decimal:
    """The figure that a rule looks at. Where there is nothing to be said (the lines are closed, a day or a period has
    had no call yet, no screen hangs, so few answer that it would tell of a single agent) its threshold itself, which
    passes nothing: so what was said of before is over, and what comes afterwards is told anew.
    """
    match rule.kind:
        case AlertKind.WAITING if rule.line:
            return Decimal(facts.lines.get(rule.line, (0, 0.0))[0])
        case AlertKind.LONGEST if rule.line:
            return _decimal(facts.lines.get(rule.line, (0, 0.0))[1])
        case AlertKind.WAITING:
            return Decimal(facts.waiting.get(rule.queue_id, 0))
        case AlertKind.LONGEST:
            return _decimal(facts.longest_s.get(rule.queue_id, 0))
        case AlertKind.READY:
            return Decimal(facts.ready.get(rule.queue_id, 0)) if rule.queue_id in facts.asked else rule.threshold
        case AlertKind.CARRIER:
            return _decimal(facts.carrier_silent_s)
        case AlertKind.WALL:
            return rule.threshold if facts.wall_silent_s is None else _decimal(facts.wall_silent_s)
        case AlertKind.UNSTAFFED:
            return Decimal(facts.unstaffed_min or 0)
        case AlertKind.LEVEL | AlertKind.SPENDABLE:
            return _of_level(rule, facts)


def _of_level(rule: Threshold, facts: Facts) -> Decimal:
    found = (
        one
        for one in (facts.levels.levels if facts.levels else ())
        if (one.promise.metric, one.promise.callers or "") == (rule.metric, rule.callers)
    )
    level = next(found, None)
    if rule.kind is AlertKind.LEVEL:
        return Decimal(level is not None and level.today.standing is Standing.BROKEN)
    if level is None or level.spendable is None or level.period.standing is Standing.UNKNOWN:
        return rule.threshold
    return Decimal(level.spendable)


def _seconds(since: datetime | None, at: datetime) -> float | None:
    return None if since is None else (at - since).total_seconds()


def _decimal(seconds: float) -> Decimal:
    return Decimal(seconds).quantize(Decimal("0.001"))
