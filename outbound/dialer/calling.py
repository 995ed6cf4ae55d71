"""An agent calls whom he has claimed: the rules are asked once more, the call is placed, what came of it is kept."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti.queries import coverage
from outbound.campaigns import contacts, running
from outbound.campaigns.contacts import Chosen
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt
from outbound.compliance.rules import Ended, Verdict
from outbound.dialer import lines, recalls
from outbound.dialer.models import DialerLine
from outbound.outcomes.queries import reached
from telephony.calls import placing
from telephony.calls.models import Call, Phase
from telephony.calls.placing import How, Placed
from telephony.standing.pace import UNPACED, Pace

AT_ONCE = 500
ENDED = {
    How.SPOKEN: Ended.SPOKEN, How.ANSWERED: Ended.ANSWERED, How.MACHINE: Ended.MACHINE, How.BUSY: Ended.BUSY,
    How.NO_ANSWER: Ended.NO_ANSWER, How.FAILED: Ended.FAILED,
}  # fmt: skip
MET = frozenset({Ended.SPOKEN, Ended.ANSWERED, Ended.MACHINE})  # one of ours was on the line
_A, _CALL, _LINE = table_of(Attempt), table_of(Call), table_of(DialerLine)


def next_contact(session: Session, by: Principal, *, campaign_id: int) -> Chosen | None:
    """Claim the next one who may be dialed: first of all those who asked to be called by `by` at this time."""
    campaign, now = running.get(session, campaign_id), clock.now(session)
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=campaign.ente_id)
    his = recalls.due(session, campaign, by.user_id, now) if campaign.state is State.RUNNING else None
    return his or contacts.next_contact(session, by, campaign_id=campaign_id)


def call(
    session: Session, by: Principal, *, campaign_id: int, contact_id: int, paced: Pace = UNPACED
) -> tuple[UUID | None, Verdict]:  # fmt: skip
    """Call somebody whom `by` has claimed: the call, unless the rules forbid it now, and their verdict.

    Raises `ConflictError` when he is no longer the agent's, when the agent is not free, or when somebody is calling
    this number already.
    """
    attempt_id, verdict = contacts.dial(session, by, campaign_id=campaign_id, contact_id=contact_id)
    if not verdict.allowed or verdict.number is None:
        return None, verdict
    of = running.get(session, campaign_id)
    assert of.plan.queue_id is not None
    wanted = Placed(of.ente_id, contact_id, verdict.number, of.plan.line, of.plan.queue_id)
    call_id = placing.place(session, by, wanted, paced=paced)
    session.get_one(Attempt, attempt_id).call_id = call_id
    recalls.done(session, campaign_id, contact_id, clock.now(session))
    session.flush()
    return call_id, verdict


def settle_all(database: Database) -> int:
    """Write what came of attempts whose calls are over, of every ente; how many."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(contracts, lambda one: database.transact(Scope.of_contract(one), settle))


def settle(session: Session) -> int:
    """The same, in the scope of the session."""
    over = session.execute(
        select(_A.c.id, _A.c.call_id, _A.c.campaign_id, _A.c.contact_id, _LINE.c.id.label("line_id"))
        .join(_CALL, _CALL.c.id == _A.c.call_id)
        .outerjoin(_LINE, _LINE.c.id == _A.c.id)
        .where(_A.c.begun, _A.c.ended.is_(None), _CALL.c.phase == Phase.ENDED)
        .order_by(_A.c.at)
        .limit(AT_ONCE)
    ).all()
    for row in over:
        became = placing.ended(session, row.call_id)
        assert became is not None
        came = ENDED.get(became.how)
        if came is Ended.SPOKEN and not reached(session, session.get_one(Call, row.call_id), row.contact_id):
            came = Ended.ANSWERED  # somebody else said who he is
        if row.line_id is not None:
            came = lines.settled(session, row.line_id, came)
        if came is None:
            contacts.undone(session, attempt_id=row.id)
        else:
            contacts.ended(session, attempt_id=row.id, ended=came, operator=came in MET)
        recalls.keep(session, row.campaign_id, row.contact_id)
    return len(over)
