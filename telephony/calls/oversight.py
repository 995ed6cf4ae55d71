"""What a supervisor sees of the agents and may do: end a wrap-up, put somebody out of service, limit the pauses.

A limit ends no pause: whoever is over it is seen to be, on his own console, the board and the supervisors' page.

What a single agent does, and since when, is a means of watching him (INL circular 4/2017): locked until the agreement
of each of his contracts allows it (`crm.monitoring`). Then he is in a sum.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, NotFoundError
from crm.enti.queries import enti_of
from crm.monitoring.lock import Lock
from telephony.agents import presence
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentRelease, AgentState, PauseLimit, PauseReason
from telephony.agents.presence import Presence
from telephony.agents.queries import FEWEST, spent_since
from telephony.agents.times import Times
from telephony.calls import conversation
from telephony.calls.models import Call, Phase
from telephony.calls.service import lock_call
from telephony.queues.figures import figures_locked
from telephony.queues.models import Queue, QueueMember

MOST_MINUTES = 480
JUST_PASSED = timedelta(seconds=15)  # longer than between two looks of the engine
MAY_BE_PUT = frozenset({AgentState.READY, AgentState.PAUSED, AgentState.OFFLINE})


@dataclass(frozen=True, slots=True)
class Overseen:
    """An agent as his supervisor sees him. `limit` is that of his pause."""

    agent_id: int
    name: str
    state: AgentState
    since: datetime
    intended: AgentState
    pause_reason: PauseReason | None
    limit: timedelta | None
    over: bool
    ente_id: int | None = None  # with whose citizen he speaks, or spoke
    queue_id: int | None = None
    practising_since: datetime | None = None  # with simulated callers, out of service
    in_training: bool = False  # he may only practise
    today: "Today | None" = None  # none in what is only counted


@dataclass(frozen=True, slots=True)
class Today:
    """What one agent did today: the calls of these contracts that he answered, and his time, of all contracts."""

    answered: int
    times: Times


@dataclass(frozen=True, slots=True)
class Released:
    """Who changed an agent's state for him, since when nothing else has."""

    by: str
    was: AgentState


@dataclass(frozen=True, slots=True)
class Hidden:
    """The agents of whom nothing single is shown, and why. `states`: how many in each, none for so few.

    `practising` are among those out of service.
    """

    agents: int
    states: Mapping[AgentState, int]
    practising: int
    locks: frozenset[Lock]


def shown(
    session: Session, contract_ids: frozenset[int], among: Collection[int] | None = None
) -> tuple[list[Overseen], Hidden]:
    """`overview` as it may be looked at: agent by agent where that is open, the others summed; of some alone."""
    everybody = [one for one in overview(session, contract_ids) if among is None or one.agent_id in among]
    why = figures_locked(session, [one.agent_id for one in everybody])
    hidden = [one for one in everybody if why[one.agent_id] is not None]
    his = todays(session, contract_ids, [one.agent_id for one in everybody if why[one.agent_id] is None])
    states = {state: sum(one.state is state for one in hidden) for state in AgentState}
    return (
        [replace(one, today=his[one.agent_id]) for one in everybody if one.agent_id in his],
        Hidden(
            len(hidden),
            {one: many for one, many in states.items() if many and len(hidden) >= FEWEST},
            sum(one.practising_since is not None for one in hidden) if len(hidden) >= FEWEST else 0,
            frozenset(filter(None, why.values())),
        ),
    )


def todays(session: Session, contract_ids: frozenset[int], agent_ids: Collection[int]) -> dict[int, Today]:
    """What each of these agents did today; for whoever has asked whether it may be shown.

    Of his last minute nothing may be known yet.
    """
    midnight = clock.start_of_day(clock.business_day(clock.now(session)))
    times = spent_since(session, agent_ids, midnight)
    rows = session.execute(
        select(Call.agent_id, func.count())
        .where(
            Call.agent_id.in_(agent_ids), Call.arrived_at >= midnight, Call.answered_at.is_not(None),
            Call.contract_id.in_(contract_ids),
        )
        .group_by(Call.agent_id)
    ).all()  # fmt: skip
    answered = {row[0]: row[1] for row in rows}
    return {one: Today(answered.get(one, 0), times.get(one, Times())) for one in agent_ids}


def overview(session: Session, contract_ids: frozenset[int]) -> list[Overseen]:
    """The agents of these contracts' queues: whoever is over his limit first, then who is in service, by name.

    For counting and deciding; what a page shows is `shown`.
    """
    members = (
        select(QueueMember.agent_id)
        .join(Queue, Queue.id == QueueMember.queue_id)
        .where(Queue.contract_id.in_(contract_ids))
    )
    rows = session.execute(select(AgentPresence).where(AgentPresence.agent_id.in_(members))).scalars().all()
    about, seated = {}, set()
    its = Call.id, Call.ente_id, func.coalesce(Call.in_queue_id, Call.queue_id), Call.seated, Call.phase
    busy_with = [one.call_id for one in rows if one.call_id is not None]
    for call_id, ente_id, queue_id, alone, phase in session.execute(
        select(*its).where(Call.id.in_(busy_with), Call.contract_id.in_(contract_ids))
    ):
        about[call_id] = (ente_id, queue_id)
        if alone and phase is Phase.JOINING:  # on the line of a campaign: he is there for whoever answers
            seated.add(call_id)
    names = access.named(session, [one.agent_id for one in rows])
    allowed = limits(session, contract_ids)
    now = clock.now(session)
    found = [
        Overseen(
            one.agent_id, names[one.agent_id], AgentState.READY if one.call_id in seated else one.state, one.since,
            one.intended,
            one.pause_reason if one.state is AgentState.PAUSED else None,
            limit := _limit(one.state, one.pause_reason, allowed), limit is not None and now - one.since > limit,
            (where := about.get(one.call_id, (None, None)) if one.call_id else (None, None))[0], where[1],
            one.practising_since, one.in_training,
        )
        for one in rows
    ]  # fmt: skip
    return sorted(found, key=lambda one: (not one.over, one.state is AgentState.OFFLINE, one.name))


def limits(session: Session, contract_ids: frozenset[int]) -> dict[PauseReason, timedelta]:
    """For how long a pause may last, by its reason; the strictest where contracts differ."""
    rows = session.execute(
        select(PauseLimit.reason, PauseLimit.minutes)
        .where(PauseLimit.contract_id.in_(contract_ids))
        .order_by(PauseLimit.minutes.desc())
    )
    return {reason: timedelta(minutes=minutes) for reason, minutes in rows}


def limit_of(session: Session, agent: AgentPresence) -> timedelta | None:
    """For how long the pause that an agent is on may last."""
    if agent.state is not AgentState.PAUSED:
        return None
    return _limit(agent.state, agent.pause_reason, limits(session, frozenset(agent.answers_for)))


def over_limit(session: Session, contract_ids: frozenset[int]) -> int:
    """How many of these contracts' agents are on a pause that has lasted too long."""
    return sum(one.over for one in overview(session, contract_ids)) if limits(session, contract_ids) else 0


def pauses_passed(session: Session) -> int:
    """Tell who watches of the agents whose pause has just become too long; how many there are."""
    now = clock.now(session)
    on_pause = session.execute(select(AgentPresence).where(AgentPresence.state == AgentState.PAUSED)).scalars()
    passed = 0
    for one in on_pause:
        limit = limit_of(session, one)
        if limit is not None and timedelta() <= now - one.since - limit < JUST_PASSED:
            agents.announce(session, one.agent_id, one.domain)
            passed += 1
    return passed


def set_limits(
    session: Session, by: Principal, *, contract_id: int, minutes: Mapping[PauseReason, int | None]
) -> None:  # fmt: skip
    """How long the pauses of a contract's agents may last, by reason; none: as long as it takes."""
    by.require(Permission.AGENT_OVERSEE, contract_id=contract_id)
    for reason, most in minutes.items():
        if most is not None and not 1 <= most <= MOST_MINUTES:
            raise FieldError("Scrivi i minuti, da 1 a 480, o lascia vuoto.", field=f"limit-{reason.value}")
    of_contract = PauseLimit.contract_id == contract_id
    written = session.execute(select(PauseLimit.reason, PauseLimit.minutes).where(of_contract))
    before: dict[PauseReason, int] = {reason: most for reason, most in written}  # noqa: C416  # rows, for mypy
    after = {reason: most for reason, most in minutes.items() if most is not None}
    if before == after:
        return
    session.execute(delete(PauseLimit).where(of_contract))
    session.add_all(PauseLimit(contract_id=contract_id, reason=reason, minutes=most) for reason, most in after.items())
    session.flush()
    told = [{one.value: most for one, most in sorted(limits.items())} for limits in (before, after)]
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(
            session, by, kind="pause.limited", ente_id=ente_id, subject="", before={"limits": told[0]},
            after={"limits": told[1]},
        )  # fmt: skip
    for one in session.execute(select(AgentPresence).where(AgentPresence.state == AgentState.PAUSED)).scalars():
        agents.announce(session, one.agent_id, one.domain)
    touch(session, topics.board(contract_id))


def release(
    session: Session, by: Principal, *, agent_id: int, to: AgentState, reason: PauseReason | None = None
) -> None:  # fmt: skip
    """Do for an agent what he does not: end his wrap-up, as if its time had run out, pause him, put him out of service.

    During a call he goes on pause, or out of service, after it. Raises `ConflictError` when there is nothing to end.
    """
    contracts = _overseen_by(session, by, agent_id)
    if to not in MAY_BE_PUT or (to is AgentState.PAUSED) is (reason in {None, PauseReason.MISSED_CALL}):
        raise ConflictError("Un operatore può essere messo in pausa, fuori servizio, o pronto dopo le note.")
    at = clock.now(session)
    found = session.get(AgentPresence, agent_id)
    assert found is not None
    if found.call_id is not None:
        lock_call(session, found.call_id)  # before the agent's row: locks are taken in one order
    session.refresh(found, with_for_update=True)
    was = found.state
    if to is AgentState.READY and was is not AgentState.WRAP_UP:
        raise ConflictError("Non sta scrivendo le note: aggiorna la pagina.")
    if was is AgentState.OFFLINE:
        raise ConflictError("È già fuori servizio.")

    def wished(now: Presence) -> Presence:
        return presence.wish(now, to, reason, at)

    agents.change(session, agent_id, wished)
    if was is AgentState.WRAP_UP and found.call_id is not None:
        conversation.run_out(session, call_id=found.call_id, agent_id=agent_id)
    told = insert(AgentRelease).values(agent_id=agent_id, by_id=by.user_id, at=at, was=was)
    session.execute(
        told.on_conflict_do_update(
            index_elements=["agent_id"],
            set_={"by_id": told.excluded.by_id, "at": told.excluded.at, "was": told.excluded.was},
        )
    )
    agents.announce(session, agent_id, found.domain)
    name = access.named(session, [agent_id]).get(agent_id, "")
    for ente_id in sorted({one for contract in contracts for one in enti_of(session, contract)}):
        audit.note(
            session, by, kind="agent.released", ente_id=ente_id, subject=name, before={"state": was.value},
            after={"state": to.value, **({"reason": reason.value} if reason else {})},
        )  # fmt: skip


def train(session: Session, by: Principal, *, agent_id: int, on: bool) -> None:
    """Have an agent practise before he answers anybody, or let him begin. Raises `ConflictError` during his call."""
    contracts = _overseen_by(session, by, agent_id)
    at, was = clock.now(session), False

    def trained(now: Presence) -> Presence:
        nonlocal was
        was = now.in_training
        return presence.train(now, at, on=on)

    agents.change(session, agent_id, trained)
    if was is on:
        return
    name = access.named(session, [agent_id]).get(agent_id, "")
    for ente_id in sorted({one for contract in contracts for one in enti_of(session, contract)}):
        audit.note(
            session, by, kind="agent.training", ente_id=ente_id, subject=name, before={"in_training": was},
            after={"in_training": on},
        )  # fmt: skip


def released(session: Session, agent: AgentPresence) -> Released | None:
    """Who changed this agent's state for him, until it changes again."""
    row = session.execute(
        select(AgentRelease.by_id, AgentRelease.was).where(
            AgentRelease.agent_id == agent.agent_id, AgentRelease.at >= agent.since
        )
    ).one_or_none()
    return None if row is None else Released(access.named(session, [row.by_id]).get(row.by_id, ""), row.was)


def overseen(session: Session, by: Principal, *, agent_id: int) -> frozenset[int]:
    """The contracts on which somebody oversees an agent. Raises `NotFoundError` when there is none."""
    return frozenset(_overseen_by(session, by, agent_id))


def _overseen_by(session: Session, by: Principal, agent_id: int) -> list[int]:
    """The contracts on which somebody oversees an agent. Raises `NotFoundError` when there is none."""
    mine = by.contracts_for(Permission.AGENT_OVERSEE)
    by.require(Permission.AGENT_OVERSEE)
    served = session.execute(
        select(Queue.contract_id)
        .distinct()
        .join(QueueMember, QueueMember.queue_id == Queue.id)
        .where(QueueMember.agent_id == agent_id, Queue.contract_id.in_(mine))
    ).scalars()
    found = sorted(served)
    if not found:
        raise NotFoundError("Questo operatore non risponde per i tuoi contratti.")
    return found


def _limit(
    state: AgentState, reason: PauseReason | None, allowed: Mapping[PauseReason, timedelta]
) -> timedelta | None:  # fmt: skip
    return allowed.get(reason or PauseReason.BREAK) if state is AgentState.PAUSED else None
