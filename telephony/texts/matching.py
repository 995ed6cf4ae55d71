"""Matching threads and agents, after calls, in the transaction and under the lock in which calls are matched.

The routing is that of calls (`telephony.queues.routing`): what differs is that an agent can have several threads, and
that they may be offered to who is on the telephone.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from crm.core import clock
from telephony.floor.current import floor
from telephony.floor.texts_port import TextAgent, WaitingThread
from telephony.queues import queries
from telephony.queues.routing import Desk, FreeAgent, Waiting, match
from telephony.texts import service, settings
from telephony.texts.lifecycle import AGAIN_S, Offered
from telephony.texts.settings import Wanted

MOST_ROUNDS = 10  # each gives every agent one more


def assign(session: Session, domain: str) -> int:
    """Offer waiting threads to agents who can have one more; how many. The session must be cross-ente."""
    wanted = settings.all_settings(session)
    at = clock.now(session)
    if not wanted or not floor(session).waiting_threads(domain, at):
        return 0
    floor(session).match_alone(domain)
    made = 0
    for _ in range(MOST_ROUNDS):
        offered = sum(_once(session, domain, contract_id, one) for contract_id, one in sorted(wanted.items()))
        if not offered:
            break
        made += offered
    return made


def room(agent: TextAgent, wanted: Wanted) -> bool:
    """Whether an agent can have one more thread."""
    return agent.threads < wanted.most and (wanted.beside_calls or not agent.on_call)


def _once(session: Session, domain: str, contract_id: int, wanted: Wanted) -> int:
    """Offer each agent one more of a contract's threads at most."""
    at = clock.now(session)
    there = floor(session).waiting_threads(domain, at)
    waiting = [_now(one, at) for one in there if one.contract_id == contract_id]
    if not waiting:
        return 0
    able = [_loaded(one) for one in floor(session).text_agents(domain, at) if room(one, wanted)]
    known = {one.knows for one in waiting if one.knows is not None}
    in_service = floor(session).in_service(known, at) if known else frozenset()
    given = match(waiting, able, Desk(at, queries.rules(session, domain), in_service))
    for one in given:
        offer = Offered(at, one.agent_id)
        service.apply(session, one.call_id, offer, key=f"offered:{one.agent_id}:{at.isoformat()}")
    return len(given)


def _now(one: WaitingThread, at: datetime) -> Waiting:
    """As it is routed: not to who let it go by a moment ago."""
    just = one.missed_at is not None and at - one.missed_at < timedelta(seconds=AGAIN_S)
    return replace(one.waiting, not_by=one.missed_by) if just else one.waiting


def _loaded(one: TextAgent) -> FreeAgent:
    return replace(one.agent, load=one.threads + one.on_call)
