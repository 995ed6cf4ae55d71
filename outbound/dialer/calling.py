"""An agent calls whom he has claimed: the rules are asked once more, the call is placed, what came of it is kept."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.core import clock
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.core.errors import ConflictError
from crm.enti.queries import coverage
from outbound.campaigns import contacts, looks, running, spending
from outbound.campaigns.contacts import Chosen
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Skip
from outbound.compliance.rules import Ended, Verdict
from outbound.dialer import fit, lines, recalls
from outbound.dialer.models import DialerLine
from outbound.outcomes.queries import reached
from telephony.agents import queries as agents
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
    """Claim the next one who may be dialed: first of all those who asked to be called by `by` at this time.

    Raises `ConflictError` while he has somebody before him whom he has neither called nor let go, or takes part in a
    campaign that calls for him; `ForbiddenError` for who is not of its operators.
    """
    campaign, now = running.get(session, campaign_id), clock.now(session)
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=campaign.ente_id)
    fit.require(session, campaign, by.user_id)
    looks.require_none(session, by.user_id)
    his = recalls.due(session, campaign, by.user_id, now) if campaign.state is State.RUNNING else None
    chosen = his or contacts.next_contact(session, by, campaign_id=campaign_id)
    looks.began(session, campaign, by.user_id, chosen.contact_id if chosen is not None else None)
    return chosen


def before_him(session: Session, by: Principal) -> tuple[int, Chosen] | None:
    """Whom an operator has before him, and of which campaign: he asked for him, and has done nothing yet."""
    found = looks.open_of(session, by.user_id)
    if found is None or found.contact_id is None:
        return None
    return found.campaign_id, contacts.still(session, campaign_id=found.campaign_id, contact_id=found.contact_id)


def look(session: Session, by: Principal, *, campaign_id: int, contact_id: int) -> Chosen:
    """Whom `by` has before him, judged anew: it may have been learned meanwhile that he is not to be called."""
    seen = contacts.look(session, by, campaign_id=campaign_id, contact_id=contact_id)
    if not seen.verdict.allowed:
        looks.called(session, by.user_id, contact_id, None)
    return seen


def let_go(session: Session, by: Principal, *, campaign_id: int, contact_id: int, why: Skip | None) -> None:
    """He does not call him, and says why: a colleague may. Raises `FieldError` without a reason."""
    require_on(session, by, Permission.CALLS_ANSWER, ente_id=running.get(session, campaign_id).ente_id)
    if looks.skipped(session, by, campaign_id=campaign_id, contact_id=contact_id, why=why):
        contacts.let_go(session, by, campaign_id=campaign_id, contact_id=contact_id)


def call(
    session: Session, by: Principal, *, campaign_id: int, contact_id: int, paced: Pace = UNPACED
) -> tuple[UUID | None, Verdict]:  # fmt: skip
    """Call somebody whom `by` has claimed: the call, unless the rules forbid it now, and their verdict.

    Raises `ConflictError` when he is no longer the agent's, when the agent is not free or has no telephone, or when
    somebody is calling this number already.
    """
    if not agents.can_ring(session, by.user_id):
        raise ConflictError("Il tuo telefono non è collegato: apri la console, e chiama da lì.")
    attempt_id, verdict = contacts.dial(session, by, campaign_id=campaign_id, contact_id=contact_id)
    if not verdict.allowed or verdict.number is None:
        looks.called(session, by.user_id, contact_id, None)
        return None, verdict
    of = running.get(session, campaign_id)
    assert of.plan.queue_id is not None
    wanted = Placed(of.ente_id, of.contract_id, contact_id, verdict.number, of.plan.line, of.plan.queue_id)
    call_id = placing.place(session, by, wanted, paced=paced)
    session.get_one(Attempt, attempt_id).call_id = call_id
    looks.called(session, by.user_id, contact_id, call_id)
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
    for campaign_id in sorted({row.campaign_id for row in over}):
        spending.alone(session, campaign_id)
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
        spending.talked(session, campaign_id=row.campaign_id, call_id=row.call_id)
        recalls.keep(session, row.campaign_id, row.contact_id)
    return len(over)
