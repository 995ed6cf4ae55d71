"""An agent calls whom he has claimed: the rules are asked once more, the call is placed, what came of it is kept."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti.queries import coverage
from outbound.campaigns import contacts, running
from outbound.campaigns.models import Attempt
from outbound.compliance.rules import Ended, Verdict
from telephony.calls import placing
from telephony.calls.models import Call, Phase
from telephony.calls.placing import How, Placed
from telephony.standing.pace import UNPACED, Pace

AT_ONCE = 500
ENDED = {
    How.SPOKEN: Ended.SPOKEN, How.ANSWERED: Ended.ANSWERED, How.MACHINE: Ended.MACHINE, How.BUSY: Ended.BUSY,
    How.NO_ANSWER: Ended.NO_ANSWER, How.FAILED: Ended.FAILED,
}  # fmt: skip
_A, _CALL = table_of(Attempt), table_of(Call)


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
        select(_A.c.id, _A.c.call_id)
        .join(_CALL, _CALL.c.id == _A.c.call_id)
        .where(_A.c.begun, _A.c.ended.is_(None), _CALL.c.phase == Phase.ENDED)
        .order_by(_A.c.at)
        .limit(AT_ONCE)
    ).all()
    for attempt_id, call_id in over:
        became = placing.ended(session, call_id)
        assert became is not None
        if became.how is How.NEVER_RANG:
            contacts.undone(session, attempt_id=attempt_id)
        else:
            spoke = became.how in {How.SPOKEN, How.ANSWERED, How.MACHINE}
            contacts.ended(session, attempt_id=attempt_id, ended=ENDED[became.how], operator=spoke)
    return len(over)
