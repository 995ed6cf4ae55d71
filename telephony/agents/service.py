"""Changing an agent's presence: one row, locked, folded through the pure rules, written back."""

import contextlib
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core import clock, topics
from crm.core.db import signal, table_of, touch
from crm.core.errors import ConflictError, NotFoundError
from telephony.agents import presence
from telephony.agents.models import AgentPresence, AgentState, PauseReason
from telephony.agents.presence import Presence
from telephony.commands.models import Timer, TimerKind
from telephony.queues.events import MatchDue

LEASE = timedelta(seconds=15)  # renewed by the console's socket every few seconds
FAREWELL = timedelta(seconds=4)  # how long a closed tab may take to come back before it is offered nothing

_PRESENCE, _TIMERS = table_of(AgentPresence), table_of(Timer)
_COLUMNS = (
    _PRESENCE.c.state, _PRESENCE.c.since, _PRESENCE.c.idle_since, _PRESENCE.c.intended,
    _PRESENCE.c.pause_reason, _PRESENCE.c.call_id, _PRESENCE.c.leg_id,
)  # fmt: skip
_THIS_AGENT = _PRESENCE.c.agent_id == bindparam("agent")
_LOCK = select(*_COLUMNS, _PRESENCE.c.domain).where(_THIS_AGENT).with_for_update()
_WRITE = update(_PRESENCE).where(_THIS_AGENT)


def enrol(session: Session, *, agent_id: int, domain: str) -> None:
    """Give an agent his row: out of service until he says otherwise."""
    at = clock.now(session)
    session.execute(
        insert(AgentPresence)
        .values(
            agent_id=agent_id, domain=domain, state=AgentState.OFFLINE, since=at, idle_since=at,
            intended=AgentState.OFFLINE, live_until=at,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip


def attend(session: Session, by: Principal) -> None:
    """The agent's console has connected: he is there, and answers for the contracts on which he may.

    Those are written down here, so that a match costs nothing more: it must not read grants, and is made at every
    event, while a console connects a few times a day. They stay true, because a page whose grants have changed is
    closed, and connects again. Whoever is member of a queue of any other contract is offered nothing of it, and no
    call is offered to whom its ente keeps away.
    """
    by.require(Permission.CALLS_ANSWER)
    lease = func.greatest(AgentPresence.live_until, clock.now(session) + LEASE)
    row = session.execute(
        update(AgentPresence)
        .where(AgentPresence.agent_id == by.user_id)
        .values(
            live_until=lease,
            answers_for=sorted(by.contracts_for(Permission.CALLS_ANSWER)),
            not_for=sorted(by.kept_from),
        )
        .returning(AgentPresence.domain)
    ).one_or_none()
    if row is not None:  # supervisors have a console too, and are nobody's agents
        signal(session, MatchDue(row.domain))
        announce(session, by.user_id, row.domain)


def wish(session: Session, by: Principal, *, intended: AgentState, reason: PauseReason | None = None) -> None:
    """The agent asks to be ready, paused or out of service; during a call it is kept for afterwards."""
    by.require(Permission.CALLS_ANSWER)
    at = clock.now(session)
    change(session, by.user_id, lambda now: presence.wish(now, intended, reason, at))


def leave(session: Session, by: Principal) -> None:
    """Whoever signs out goes out of service; that needs no permission, and nothing happens to who is no agent.

    Raises `ConflictError` while he has a call: ringing, in conversation, or to be written up.
    """
    at = clock.now(session)

    def go(now: Presence) -> Presence:
        if now.call_id is not None:
            raise ConflictError("Hai una chiamata in corso: chiudila e salva le note, poi esci.")
        return presence.wish(now, AgentState.OFFLINE, None, at)

    with contextlib.suppress(NotFoundError):
        change(session, by.user_id, go)


def change(session: Session, agent_id: int, fold: Callable[[Presence], Presence]) -> Presence:
    """Lock an agent's presence and fold a change into it. A call's row, if any, is locked before."""
    row = session.execute(_LOCK, {"agent": agent_id}).one_or_none()
    if row is None:
        raise NotFoundError("Questo utente non è un operatore di call center.")
    before = _presence(row)
    after = fold(before)
    if after == before:
        return after
    session.execute(_WRITE, {"agent": agent_id, **{column.key: getattr(after, column.key) for column in _COLUMNS}})
    if before.state is AgentState.WRAP_UP and after.state is not AgentState.WRAP_UP:
        session.execute(delete(_TIMERS).where(_TIMERS.c.agent_id == agent_id, _TIMERS.c.kind == TimerKind.WRAP_UP))
    if after.state is AgentState.READY:
        signal(session, MatchDue(row.domain))
    announce(session, agent_id, row.domain)
    return after


def announce(session: Session, agent_id: int, domain: str) -> None:
    """Tell who watches this agent, and the boards of his domain."""
    touch(session, topics.agent(agent_id), topics.agents(domain))


def renew(session: Session, agent_ids: Collection[int]) -> None:
    """The consoles of these agents are still connected: nobody is offered a call without that."""
    at = clock.now(session)
    returned = session.execute(
        update(AgentPresence)
        .where(AgentPresence.agent_id.in_(agent_ids), AgentPresence.live_until < at)
        .values(live_until=at + LEASE)
        .returning(AgentPresence.agent_id, AgentPresence.domain)
    ).all()
    session.execute(
        update(AgentPresence)
        .where(AgentPresence.agent_id.in_(agent_ids))
        .values(live_until=func.greatest(AgentPresence.live_until, at + LEASE))
    )
    for agent_id, domain in returned:  # back from a silence: he may be who somebody waits for
        signal(session, MatchDue(domain))
        announce(session, agent_id, domain)


def lapse(session: Session, agent_id: int) -> None:
    """An agent's last console socket closed: shortly nothing more is offered to him."""
    at = clock.now(session)
    session.execute(
        update(AgentPresence)
        .where(AgentPresence.agent_id == agent_id, AgentPresence.live_until > at + FAREWELL)
        .values(live_until=at + FAREWELL, device=None)
    )


def forget_device(session: Session, agent_id: int) -> None:
    """An agent's leg was cut off in conversation: his telephone counts as gone until it says that it is there."""
    session.execute(update(AgentPresence).where(AgentPresence.agent_id == agent_id).values(device=None))


def set_device(session: Session, by: Principal, *, device: str, ready: bool) -> None:
    """One of the agent's telephones says whether it is registered with the carrier.

    Two tabs that hand the telephone over may be heard in any order: only the device in use can take itself away.
    """
    by.require(Permission.CALLS_ANSWER)
    statement = update(AgentPresence).where(AgentPresence.agent_id == by.user_id)
    statement = (
        statement.where(AgentPresence.device.is_distinct_from(device)).values(device=device)
        if ready
        else statement.where(AgentPresence.device == device).values(device=None)
    )
    row = session.execute(statement.returning(AgentPresence.domain)).one_or_none()
    if row is not None:
        announce(session, by.user_id, row.domain)
        if ready:
            signal(session, MatchDue(row.domain))


def retire_silent(session: Session, *, after: timedelta) -> list[int]:
    """Put out of service the ready agents whose console has been silent for longer than `after`."""
    at = clock.now(session)
    silent = session.execute(
        select(AgentPresence.agent_id).where(
            AgentPresence.state.in_([AgentState.READY, AgentState.PAUSED]),
            AgentPresence.live_until < at - after,
        )
    ).scalars()
    retired = list(silent)
    for agent_id in retired:
        forget_device(session, agent_id)
        change(session, agent_id, lambda now: presence.wish(now, AgentState.OFFLINE, None, at))
    return retired


def _presence(row: Row[*tuple[Any, ...]]) -> Presence:
    return Presence(*row[: len(_COLUMNS)])
