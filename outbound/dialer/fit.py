"""Who may call for a campaign: whoever may answer the queue of its plan, as well as the plan asks, in its languages."""

from enum import StrEnum

from sqlalchemy.orm import Session

from crm.core.errors import ConflictError
from outbound.campaigns import running
from outbound.campaigns.running import Running
from telephony.queues import queries as queues


class Lack(StrEnum):
    """Why an operator does not call for a campaign."""

    QUEUE = "queue"  # he does not answer its queue
    LEVEL = "level"  # not well enough
    LANGUAGE = "language"


def lack(session: Session, campaign: Running, agent_id: int) -> Lack | None:
    """What an operator lacks; none: he may call for it."""
    plan = campaign.plan
    level = queues.members(session, campaign.contract_id).get(plan.queue_id or 0, {}).get(agent_id)
    if level is None:
        return Lack.QUEUE
    if plan.level is not None and level > plan.level:
        return Lack.LEVEL
    if plan.languages and not queues.spoken(session, [agent_id]).get(agent_id, frozenset()).issuperset(plan.languages):
        return Lack.LANGUAGE
    return None


def lack_of(session: Session, campaign_id: int, agent_id: int) -> Lack | None:
    """The same of a campaign by its id."""
    return lack(session, running.get(session, campaign_id), agent_id)


def require(session: Session, campaign: Running, agent_id: int) -> None:
    """Raises `ConflictError` for who may not call for it, with why."""
    match lack(session, campaign, agent_id):
        case Lack.QUEUE:
            raise ConflictError("In questa campagna chiama chi risponde alla sua coda: chiedi a chi coordina.")
        case Lack.LEVEL:
            raise ConflictError("In questa campagna chiama chi ha più esperienza: chiedi a chi coordina.")
        case Lack.LANGUAGE:
            raise ConflictError("In questa campagna chiama chi parla le sue lingue: chiedi a chi coordina.")
