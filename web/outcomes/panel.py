"""The outcomes as an agent's page offers them, beside a call that was placed for a campaign."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.core import clock
from outbound.campaigns import running
from outbound.outcomes import queries
from outbound.outcomes.catalogue import CATALOGUE, Said, Whom
from outbound.outcomes.queries import OfCall
from telephony.calls.models import Call

# Whoever gives these is asked for something with it.
ASKS = frozenset(
    {Said.PROMISE, Said.CALL_AGAIN, Said.THIRD_PARTY, Said.WRONG_NUMBER, Said.MOVED, Said.DECEASED, Said.DISPUTE}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Offered:
    """An outcome; `ready`: it may be given now, `asks`: with something more."""

    said: Said
    ready: bool
    asks: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """A campaign's call: what the agent says, and what may have come of it."""

    call_id: UUID
    of: OfCall
    script: str
    offered: tuple[Offered, ...]
    identified: bool
    owed_about: str = ""  # whom it was with, of an earlier call whose outcome is owed


def panel(session: Session, agent_id: int, call_id: UUID | None) -> Panel | None:
    """Of the call that is written about, or, between calls, of the last one whose outcome is owed; none for a call that
    is no campaign's.
    """
    earlier = call_id is None
    call_id = call_id or queries.owing(session, agent_id)
    of = queries.of_call(session, call_id) if call_id else None
    if of is None or call_id is None:
        return None
    about = contacts.named(session, [of.contact_id]).get(of.contact_id, "") if earlier else ""
    identified = queries.reached(session, session.get_one(Call, call_id), of.contact_id)
    plan = running.get(session, of.campaign_id).plan
    script = plan.scripts.get(plan.phase(clock.business_day(clock.now(session))), "")
    offered = tuple(
        Offered(one, identified or CATALOGUE[one].whom is Whom.ANYBODY, one in ASKS)
        for one in plan.outcomes.offered(about_debt=plan.about_debt)
    )
    return Panel(call_id, of, script, offered, identified, about)
