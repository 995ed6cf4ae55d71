"""Changing an agent's presence: one row, locked, folded through the pure rules, written back."""

import contextlib
from collections.abc import Callable, Collection
from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core import clock, topics
from crm.core.db import signal, touch
from crm.core.errors import ConflictError, NotFoundError
from telephony.agents import presence
from telephony.agents.models import Activity, AgentPresence, AgentState, PauseReason
from telephony.agents.presence import Presence, Stated
from telephony.commands import service as commands
from telephony.floor.current import floor
from telephony.floor.port import AtDesk
from telephony.queues.events import MatchDue
from telephony.texts import settings as texts

LEASE = timedelta(seconds=15)  # renewed by the console's socket every few seconds
FAREWELL = timedelta(seconds=4)  # how long a closed tab may take to come back before it is offered nothing


def enrol(session: Session, *, agent_id: int, domain: str) -> None:
    """Give an agent his row: out of service until he says otherwise."""
    at = clock.now(session)
    enrolled = session.execute(
        insert(AgentPresence)
        .values(
            agent_id=agent_id, domain=domain, state=AgentState.OFFLINE, since=at, idle_since=at,
            intended=AgentState.OFFLINE, live_until=at,
        )
        .on_conflict_do_nothing()
        .returning(AgentPresence.agent_id)
    )  # fmt: skip
    if enrolled.first() is not None:
        floor(session).state_agent(agent_id, Stated(at, Activity.OFFLINE))


def attend(session: Session, by: Principal) -> None:
    """The agent's console has connected: he is there, and answers for the contracts on which he may.

    Those are written down here, so that a match costs nothing more: it must not read grants, and is made at every
    event, while a console connects a few times a day. They stay true, because a page whose grants have changed is
    closed, and connects again. Whoever is member of a queue of any other contract is offered nothing of it, and no
    call is offered to whom its ente keeps away.
    """
    by.require(Permission.CALLS_ANSWER)
    at = clock.now(session)
    found = floor(session).attend(
        by.user_id, until=at + LEASE, answers_for=by.contracts_for(Permission.CALLS_ANSWER), not_for=by.kept_from
    )
    if found is not None:  # supervisors have a console too, and are nobody's agents
        if found.live_until < at:
            _is_back(session, found)
        signal(session, MatchDue(found.domain))
        announce(session, by.user_id, found.domain)


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
        return presence.wish(presence.end_practice(now), AgentState.OFFLINE, None, at)

    with contextlib.suppress(NotFoundError):
        change(session, by.user_id, go)


def change(session: Session, agent_id: int, fold: Callable[[Presence], Presence]) -> Presence:
    """Lock an agent's presence and fold a change into it. A call's row, if any, is locked before."""
    found = floor(session).lock_agent(agent_id)
    if found is None:
        raise NotFoundError("Questo utente non è un operatore di call center.")
    before, domain, live_until = found
    after = fold(before)
    if after == before:
        return after
    at = clock.now(session)
    fact = presence.change_of(before, after, at)
    if fact is not None and (gone := presence.absence(before.state, live_until, at)) is not None:
        floor(session).state_agent(agent_id, gone)
    floor(session).write_agent(agent_id, after, fact)
    if before.state is AgentState.WRAP_UP and after.state is not AgentState.WRAP_UP:
        commands.disarm_wrap_up(session, agent_id=agent_id)
    writes = bool(texts.all_settings(session))
    if after.state is AgentState.READY or (writes and after.state is AgentState.TALKING):
        signal(session, MatchDue(domain))  # on the telephone he may have threads
    if writes and after.state is AgentState.OFFLINE:
        floor(session).hasten_threads(agent_id, at)  # to somebody else
    announce(session, agent_id, domain)
    return after


def announce(session: Session, agent_id: int, domain: str) -> None:
    """Tell who watches this agent, and the boards of his domain."""
    touch(session, topics.agent(agent_id), topics.agents(domain))


def renew(session: Session, agent_ids: Collection[int]) -> None:
    """The consoles of these agents are still connected: nobody is offered a call without that."""
    at = clock.now(session)
    for found in floor(session).renew(agent_ids, at=at, until=at + LEASE):
        _is_back(session, found)
        signal(session, MatchDue(found.domain))  # back from a silence: he may be who somebody waits for
        announce(session, found.agent_id, found.domain)


def lapse(session: Session, agent_id: int) -> None:
    """An agent's last console socket closed: shortly nothing more is offered to him."""
    floor(session).lapse(agent_id, until=clock.now(session) + FAREWELL)


def forget_device(session: Session, agent_id: int) -> None:
    """An agent's leg was cut off in conversation: his telephone counts as gone until it says that it is there."""
    floor(session).drop_device(agent_id)


def set_device(session: Session, by: Principal, *, device: str, ready: bool) -> None:
    """One of the agent's telephones says whether it is registered with the carrier.

    Two tabs that hand the telephone over may be heard in any order: only the device in use can take itself away.
    """
    by.require(Permission.CALLS_ANSWER)
    change_it = floor(session).set_device if ready else floor(session).drop_device
    domain = change_it(by.user_id, device)
    if domain is not None:
        announce(session, by.user_id, domain)
        if ready:
            signal(session, MatchDue(domain))


def retire_silent(session: Session, *, after: timedelta) -> list[int]:
    """Put out of service the ready agents whose console has been silent for longer than `after`."""
    at = clock.now(session)
    retired = floor(session).silent_agents(since=at - after)
    for agent_id in retired:
        forget_device(session, agent_id)
        change(session, agent_id, lambda now: presence.wish(now, AgentState.OFFLINE, None, at))
    return retired


def _is_back(session: Session, found: AtDesk) -> None:
    """His console was not there for a while: that is time away."""
    at = clock.now(session)
    gone = presence.absence(found.presence.state, found.live_until, at)
    if gone is not None:
        floor(session).state_agent(found.agent_id, gone)
        floor(session).state_agent(found.agent_id, presence.stated(found.presence, at))
