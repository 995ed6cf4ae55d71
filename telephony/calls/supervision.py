"""Supervisors in other people's conversations: they listen, whisper to the agent, or talk with both.

Whoever does so is audited. The agent sees it, unless the ente wants silent listening; whoever is heard is always seen.
All of it watches a worker, and is locked until the contract's agreement allows it (`crm.monitoring`), but for one
thing: an agent who asks for help may be helped, by a supervisor whom he sees.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.errors import ConflictError, NotFoundError
from crm.enti.administration import managed, record
from crm.enti.queries import coverage
from crm.monitoring import queries as monitoring
from crm.monitoring.errors import LockedError
from crm.monitoring.lock import Lock, Use
from telephony.calls import service
from telephony.calls.models import AgentLeg, Call, CallSetting, LegRole, LegState, Phase, WatchMode
from telephony.calls.service import Heard
from telephony.commands import service as commands
from telephony.commands.models import CommandKind
from telephony.recording.standing import Standing, standing

_LEG = table_of(AgentLeg)
TALKS = (Phase.TALKING,)


@dataclass(frozen=True, slots=True)
class Watcher:
    """A supervisor in a conversation; `joined` once he hears it."""

    name: str
    agent_id: int
    mode: WatchMode
    joined: bool
    helps: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation under way, as a supervisor sees it: who works, not who calls."""

    call_id: UUID
    agent: str
    queue_id: int | None
    ente_id: int | None
    since: datetime | None
    held: bool
    help_since: datetime | None
    watchers: tuple[Watcher, ...]
    recording: Standing | None = None
    lock: Lock | None = None  # why it cannot be listened to; then the agent is named only once he asks for help

    def of(self, agent_id: int) -> Watcher | None:
        """How this supervisor takes part."""
        return next((one for one in self.watchers if one.agent_id == agent_id), None)

    def modes_for(self, agent_id: int) -> tuple[WatchMode, ...]:
        """How this supervisor may take part now."""
        mine = self.of(agent_id)
        return open_modes(self.lock, helps=self.help_since is not None or (mine is not None and mine.helps))


def open_modes(lock: Lock | None, *, helps: bool) -> tuple[WatchMode, ...]:
    """How a supervisor may take part. Whoever was asked for help may, locked or not, where the agent sees him."""
    if lock is None:
        return tuple(WatchMode)
    return (WatchMode.WHISPER, WatchMode.BARGE) if helps else ()


def conversations(session: Session, scope: Scope) -> list[Conversation]:
    """Those of the scope's contracts: who asks for help first, the longest waiting of them before.

    An agent as to whom watching is locked has no name here until he asks for help.
    """
    calls = session.scalars(
        select(Call)
        .where(Call.contract_id.in_(scope.contracts), Call.phase.in_(TALKS))
        .order_by(Call.help_since.asc().nulls_last(), Call.talking_since, Call.id)
        .execution_options(populate_existing=True)
    ).all()
    names = access.named(session, {call.agent_id for call in calls if call.agent_id is not None})
    why = {
        contract_id: monitoring.locks(
            session, Use.LISTENING, contract_id=contract_id,
            agent_ids={call.agent_id for call in calls if call.contract_id == contract_id and call.agent_id},
        )
        for contract_id in {call.contract_id for call in calls}
    }  # fmt: skip
    found = []
    for call in calls:
        lock = why[call.contract_id].get(call.agent_id or 0)
        inside = tuple(watchers(session, call)) if call.watched else ()
        named = lock is None or call.help_since is not None or any(one.helps for one in inside)
        found.append(
            Conversation(
                call.id, names.get(call.agent_id or 0, "") if named else "", call.in_queue_id or call.queue_id,
                call.ente_id, call.answered_at, call.held_since is not None, call.help_since, inside, standing(call),
                lock,
            )
        )  # fmt: skip
    return found


def watchers(session: Session, call: Call) -> list[Watcher]:
    """Who takes part in a conversation as a supervisor, or is being rung to."""
    rows = session.execute(
        select(AgentLeg.agent_id, AgentLeg.mode, AgentLeg.state, AgentLeg.helps)
        .where(AgentLeg.call_id == call.id, AgentLeg.role == LegRole.WATCHER, AgentLeg.state != LegState.ENDED)
        .order_by(AgentLeg.offered_at)
    ).all()
    names = access.named(session, {row.agent_id for row in rows})
    return [
        Watcher(names.get(row.agent_id, ""), row.agent_id, row.mode, row.state is LegState.ANSWERED, row.helps)
        for row in rows
    ]


def seen_by_agent(session: Session, call: Call) -> list[Watcher]:
    """Whom the agent is told of."""
    if not call.watched:
        return []
    shown = shows_listeners(session, call.ente_id)
    return [one for one in watchers(session, call) if one.joined and (shown or one.mode is not WatchMode.LISTEN)]


def watch(session: Session, by: Principal, *, call_id: UUID, mode: WatchMode) -> None:
    """Ring the supervisor into a conversation, unheard until he is in; or change how he takes part.

    Raises `ConflictError` once it is over, or where he takes part already as somebody else; `LockedError` where
    watching is locked, unless the agent asked for help.
    """
    call = _watched(session, by, call_id)
    if call.phase not in TALKS or call.closing:
        raise ConflictError("Questa conversazione è finita.")
    if by.user_id in {call.agent_id, call.party_agent_id}:
        raise ConflictError("In questa conversazione ci sei già.")
    mine = _mine(session, by, call_id)
    if mine is not None and mine.mode is mode:
        return
    helps = call.help_since is not None or (mine is not None and mine.helps)
    lock = monitoring.lock(session, Use.LISTENING, contract_id=call.contract_id, agent_id=call.agent_id)
    if lock is not None and mode not in open_modes(lock, helps=helps):
        raise LockedError(lock)
    at = clock.now(session)
    if mine is None:
        _leave_others(session, by, at)
        leg_id = uuid4()
        session.execute(
            insert(_LEG).values(
                id=leg_id, call_id=call.id, contract_id=call.contract_id, ente_id=call.ente_id, agent_id=by.user_id,
                role=LegRole.WATCHER, mode=mode, state=LegState.RINGING, offered_at=at, helps=helps,
            )
        )  # fmt: skip
        session.execute(update(Call).where(Call.id == call_id).values(watched=True))
        commands.order(session, kind=CommandKind.RING_AGENT, call_id=call_id, leg_id=leg_id)
    else:
        session.execute(update(_LEG).where(_LEG.c.id == mine.id).values(mode=mode))
        commands.order(session, kind=CommandKind.ARRANGE, call_id=call_id, leg_id=None)
    audit.note(
        session, by, kind="call.watched", ente_id=call.ente_id, call_id=call.id, after={"mode": mode.value},
        contact_id=call.contact_id if call.identified_at else None,
    )  # fmt: skip
    detail = (("agent", str(by.user_id)), ("mode", mode.value))
    service.note(session, call.id, "Watched", Heard(f"watched:{by.user_id}:{at.isoformat()}", at, detail=detail))
    _tell(session, call)


def leave(session: Session, by: Principal, *, call_id: UUID) -> None:
    """The supervisor goes. Asked twice, or after the end, is no error."""
    call = _watched(session, by, call_id)
    mine = _mine(session, by, call_id)
    if mine is not None:
        _end(session, mine, clock.now(session))
        _tell(session, call)


def end_locked_anywhere(database: Database) -> int:
    """`end_locked` on all contracts: an agreement ends at midnight without anybody's doing."""
    with database.begin(Scope.nothing()) as session:
        covered = coverage(session)
    everywhere = Scope.of_enti(frozenset().union(*covered.values()), covered)
    return database.transact(everywhere, end_locked)


def end_locked(session: Session, contract_id: int | None = None) -> int:
    """Whoever listens where it is locked by now goes, as soon as an agreement is withdrawn or over; how many went.

    Whoever was asked for help stays, unless he only listens: the agent may not see that.
    """
    inside = select(AgentLeg).where(
        AgentLeg.role == LegRole.WATCHER, AgentLeg.state != LegState.ENDED,
        AgentLeg.helps.is_(False) | (AgentLeg.mode == WatchMode.LISTEN),
    )  # fmt: skip
    if contract_id is not None:
        inside = inside.where(AgentLeg.contract_id == contract_id)
    gone = 0
    for leg in session.scalars(inside).all():
        service.lock_call(session, leg.call_id)
        call = session.get_one(Call, leg.call_id, populate_existing=True)
        if monitoring.lock(session, Use.LISTENING, contract_id=call.contract_id, agent_id=call.agent_id) is not None:
            _end(session, leg, clock.now(session))
            _tell(session, call)
            gone += 1
    return gone


def heard(session: Session, call_id: UUID, leg_id: UUID, *, sid: str, answered: bool, ended: bool) -> None:
    """What the carrier tells of a supervisor's telephone, in whatever order, once or twice."""
    service.lock_call(session, call_id)
    service.learn_sid(session, leg_id, sid)
    call = session.get_one(Call, call_id, populate_existing=True)
    leg = session.get(AgentLeg, leg_id, populate_existing=True)
    if leg is None:
        return
    at = clock.now(session)
    if ended and leg.state is not LegState.ENDED:
        leg.state, leg.ended_at = LegState.ENDED, at
    elif answered and leg.state is LegState.RINGING:
        leg.state, leg.answered_at = LegState.ANSWERED, at
        call.help_since = None  # it has come
        commands.order(session, kind=CommandKind.ARRANGE, call_id=call_id, leg_id=None)
    elif answered and leg.state is LegState.ENDED:  # too late: the conversation is over, or he changed his mind
        commands.order(session, kind=CommandKind.END_LEG, call_id=call_id, leg_id=leg_id)
    session.flush()
    _tell(session, call)


def save_setting(session: Session, by: Principal, *, ente_id: int, shows_listeners: bool) -> None:
    """Whether the agents of an ente see that a supervisor listens. Whoever is heard is seen, whatever it says."""
    managed(session, by, ente_id)
    row = session.get(CallSetting, ente_id)
    before = row is None or row.shows_listeners
    if before is shows_listeners:
        return
    if row is None:
        row = CallSetting(ente_id=ente_id)
        session.add(row)
    row.shows_listeners = shows_listeners
    session.flush()
    was, now = {"shows_listeners": before}, {"shows_listeners": shows_listeners}
    record(session, by, "listening.changed", ente_id, was, now)


def shows_listeners(session: Session, ente_id: int | None) -> bool:
    """Whether agents see that somebody listens."""
    row = session.get(CallSetting, ente_id) if ente_id is not None else None
    return row is None or row.shows_listeners


# -- parts ------------------------------------------------------------------------------------------------------


def _watched(session: Session, by: Principal, call_id: UUID) -> Call:
    service.lock_call(session, call_id)
    call = session.get(Call, call_id, populate_existing=True)
    if call is None or not by.can(Permission.CALLS_WATCH, contract_id=call.contract_id):
        raise NotFoundError("Questa conversazione non c'è.")
    if call.ente_id in by.kept_from:
        raise NotFoundError("Questa conversazione non c'è.")
    return call


def _mine(session: Session, by: Principal, call_id: UUID) -> AgentLeg | None:
    return session.execute(
        select(AgentLeg)
        .where(AgentLeg.call_id == call_id, *_by(by))
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()  # fmt: skip


def _leave_others(session: Session, by: Principal, at: datetime) -> None:
    """One has two ears: whoever begins to listen elsewhere leaves where he was."""
    for leg in session.scalars(select(AgentLeg).where(*_by(by))):
        _end(session, leg, at)


def _by(by: Principal) -> tuple[ColumnElement[bool], ...]:
    return AgentLeg.agent_id == by.user_id, AgentLeg.role == LegRole.WATCHER, AgentLeg.state != LegState.ENDED


def _end(session: Session, leg: AgentLeg, at: datetime) -> None:
    leg.state, leg.ended_at = LegState.ENDED, at
    session.flush()
    commands.order(session, kind=CommandKind.END_LEG, call_id=leg.call_id, leg_id=leg.id)


def _tell(session: Session, call: Call) -> None:
    touch(session, topics.board(call.contract_id), *([topics.agent(call.agent_id)] if call.agent_id else []))
