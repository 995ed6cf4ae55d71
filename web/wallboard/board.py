"""The wallboard's figures, read in one transaction: one reading serves everybody who sees the same enti."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from crm.access.service import contracts_watched
from crm.core import clock, topics
from crm.core.db import Scope
from crm.enti import queries as enti
from crm.enti.calendar import Opening, opening
from crm.enti.queries import Badge
from crm.levels import contract_events, formulas
from crm.levels import queries as levels
from crm.levels.contract_events import Passed
from crm.levels.formulas import Level
from crm.levels.metering import Counts
from crm.levels.metrics import LOST, WAITING_OVER
from crm.levels.terms import EVER, USUAL, Denominator, Terms, in_force
from telephony.agents import queries as agents
from telephony.agents.models import AgentState
from telephony.agents.queries import Staffed, StaffedBy
from telephony.calls.oversight import over_limit
from telephony.ivr import queries as ivr
from telephony.ivr.languages import Language
from telephony.queues import queries as queues
from telephony.queues.figures import untold
from telephony.queues.queries import Line, QueueView
from telephony.standing.health import failing_since
from telephony.texts import queries as texts
from telephony.texts.queries import TextFigures

HOURS_SHOWN = 12
ALERTS_SHOWN = 6
UNSTATED_LIMITS = {WAITING_OVER: Decimal("0.20"), LOST: Decimal("0.15")}


@dataclass(frozen=True, slots=True)
class Limits:
    """The two shares that a contract limits, and the wait that counts as long."""

    waiting_over: Decimal
    lost: Decimal
    threshold_s: Decimal
    denominator: Denominator


@dataclass(frozen=True, slots=True)
class Figures:
    """One row: the whole centre, a queue or an ente."""

    waiting: int
    since: datetime | None
    talking: int
    counts: Counts
    waited_over: Level
    lost: Level
    away: int = 0  # to be called back


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A queue; without a name, the calls that have not asked for an operator (yet), so that the column adds up."""

    name: str | None
    figures: Figures
    ready: int | None = 0  # none, and neither how many agents: it would tell of a single one
    agents: int | None = 0
    occupancy: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EnteRow:
    """An ente; without one, the calls to a regional number of which it is not known (yet)."""

    ente: Badge | None
    figures: Figures


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of today, for the small chart: how many calls and what share of them was late and lost."""

    start: datetime
    received: int
    waited_over: Level
    lost: Level


@dataclass(frozen=True, slots=True)
class Service:
    """The service level and the means of today, with the terms by which they are computed. Milliseconds."""

    terms: Terms
    share: Decimal | None
    abandoned: Decimal | None
    wait_ms: Decimal | None
    abandoned_wait_ms: Decimal | None
    handling_ms: Decimal | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A limit of the contract that was passed today."""

    passed: Passed
    ente: Badge | None
    queue: str | None


@dataclass(frozen=True, slots=True)
class Board:
    """Everything on the wallboard."""

    opening: Opening
    carrier_silent_since: datetime | None
    emergencies: tuple[str, ...]  # what callers of these contracts, or enti, hear just now
    centre: Figures
    limits: Limits
    agents: Mapping[AgentState, int] | None  # none for who watches an ente only, or where it would tell of one agent
    occupancy: Decimal | None  # of the same, today
    pauses_over: int  # how many of them are on a pause that has lasted too long
    queues: tuple[QueueRow, ...]
    enti: tuple[EnteRow, ...]
    hours: tuple[Hour, ...]
    service: Service | None  # none where contracts of different terms are watched together
    alerts: tuple[Alert, ...]
    texts: TextFigures | None
    topics: frozenset[str]


def read(session: Session, scope: Scope) -> Board:
    """The board of a scope. Row-level security leaves out what it does not cover."""
    contract_ids = contracts_watched(session, scope)
    since = clock.start_of_day(clock.business_day(clock.now(session)))
    terms = {one: in_force(levels.terms(session, one), clock.now(session)) for one in contract_ids}
    limits = _limits(session, terms)
    lines = queues.standing(session, contract_ids)
    tally = levels.tally_since(session, contract_ids, since)
    staffed = queues.staffing(session, scope.contracts) if scope.contracts else None
    kept_back = untold(session, staffed) if staffed else frozenset[int | None]()
    told = staffed is not None and None not in kept_back
    spent = agents.staffed_since(session, scope.contracts, since) if scope.contracts else StaffedBy()

    def of_queue(queue_id: int | None) -> Figures:
        return _figures(
            [line for line in lines if line.queue_id == queue_id],
            [count for (_, counted), count in tally.rows.items() if counted == queue_id],
            limits,
        )

    def of_ente(ente_id: int | None) -> Figures:
        return _figures(
            [line for line in lines if line.ente_id == ente_id],
            [count for (counted, _), count in tally.rows.items() if counted == ente_id],
            limits,
        )

    nowhere, nobodys = of_queue(None), of_ente(None)
    return Board(
        opening=_opening(session, contract_ids, scope),
        carrier_silent_since=failing_since(session),
        emergencies=tuple(
            one.text[Language.ITALIAN] for one in ivr.emergencies(session, contract_ids) if one.switched_on_at
        ),
        centre=_figures(lines, tally.rows.values(), limits),
        limits=limits,
        agents=staffed.all if staffed and told else None,
        occupancy=spent.all.occupancy,
        pauses_over=over_limit(session, scope.contracts) if told else 0,
        queues=tuple(
            _queue_row(
                queue, figures, staffed.queues.get(queue.id, {}) if staffed and queue.id not in kept_back else None,
                spent.queues.get(queue.id),
            )
            for queue in queues.with_closed(session, contract_ids)
            if (figures := of_queue(queue.id)).counts or queue.closed_at is None
        )
        + ((QueueRow(None, nowhere),) if nowhere.counts else ()),
        enti=tuple(EnteRow(ente, of_ente(ente.id)) for ente in enti.badges(session, scope.enti).values())
        + ((EnteRow(None, nobodys),) if nobodys.counts else ()),
        hours=tuple(
            Hour(
                start, count.received, formulas.waiting_over(count, limits.waiting_over, limits.denominator),
                formulas.lost(count, limits.lost, limits.denominator),
            )
            for start, count in tally.hours[-HOURS_SHOWN:]
        ),
        service=_service(sum(tally.rows.values(), Counts()), terms.values()),
        alerts=_alerts(session, contract_ids, since),
        texts=texts.figures(session, contract_ids),
        topics=frozenset({topics.carrier()})
        | frozenset(topics.board(one) for one in contract_ids)
        | frozenset(topics.agents(domain) for domain in queues.domains(session, contract_ids)),
    )  # fmt: skip


def _queue_row(
    queue: QueueView, figures: Figures, staff: Mapping[AgentState, int] | None, spent: Staffed | None
) -> QueueRow:  # fmt: skip
    occupied = spent.occupancy if spent else None
    if staff is None:
        return QueueRow(queue.name, figures, None, None, occupied)
    present = sum(count for state, count in staff.items() if state is not AgentState.OFFLINE)
    return QueueRow(queue.name, figures, staff.get(AgentState.READY, 0), present, occupied)


def _figures(lines: Iterable[Line], counts: Iterable[Counts], limits: Limits) -> Figures:
    lines, total = list(lines), sum(counts, Counts())
    waits = [line.since for line in lines if line.since is not None]
    return Figures(
        away=sum(line.away for line in lines),
        waiting=sum(line.waiting for line in lines),
        since=min(waits, default=None),
        talking=sum(line.talking for line in lines),
        counts=total,
        waited_over=formulas.waiting_over(total, limits.waiting_over, limits.denominator),
        lost=formulas.lost(total, limits.lost, limits.denominator),
    )


def _service(counts: Counts, terms: Collection[Terms]) -> Service | None:
    different = {replace(one, valid_from=EVER) for one in terms}
    if len(different) != 1:
        return None
    (common,) = different
    return Service(
        common, formulas.service_level(counts, common.formula), formulas.abandon_rate(counts),
        formulas.mean_wait_ms(counts), formulas.mean_abandoned_wait_ms(counts), formulas.mean_handling_ms(counts),
    )  # fmt: skip


def _alerts(session: Session, contract_ids: frozenset[int], since: datetime) -> tuple[Alert, ...]:
    passed = contract_events.latest(session, contract_ids, since, most=ALERTS_SHOWN)
    badges = enti.badges(session, frozenset(one.ente_id for one in passed if one.ente_id is not None))
    names = {queue.id: queue.name for queue in queues.with_closed(session, contract_ids)} if passed else {}
    return tuple(
        Alert(
            one, badges.get(one.ente_id) if one.ente_id else None, names.get(one.queue_id) if one.queue_id else None
        )
        for one in passed
    )  # fmt: skip


def _limits(session: Session, terms: Mapping[int, Terms]) -> Limits:
    """The strictest limits among the contracts watched; shares of the received unless all want them otherwise."""
    promised = levels.promises(session, frozenset(terms))
    targets = {
        metric: min((p.target for p in promised if p.metric == metric), default=unstated)
        for metric, unstated in UNSTATED_LIMITS.items()
    }
    threshold = Decimal(min((one.over_ms for one in terms.values()), default=USUAL.over_ms)) / 1000
    wanted = {one.denominator for one in terms.values()}
    denominator = wanted.pop() if len(wanted) == 1 else Denominator.RECEIVED
    return Limits(targets[WAITING_OVER], targets[LOST], threshold, denominator)


def _opening(session: Session, contract_ids: frozenset[int], scope: Scope) -> Opening:
    ente_id = min(scope.enti) if scope.enti and not scope.contracts else None
    at = clock.now(session)
    states = [opening(enti.timetable(session, one, ente_id), at) for one in sorted(contract_ids)]
    return next((state for state in states if state.is_open), states[0] if states else Opening(is_open=False))
