"""Where a caller comes to in the menu, and what its steps ask of others before they go on: whose a notice or a badge
is, what a service of the ente answers, which times are free, a questionnaire.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock
from telephony.calls import arranging, limits, self_service, service
from telephony.calls.addresses import Addresses
from telephony.calls.known import facts, flow_of
from telephony.calls.models import Phase, ProposedBy
from telephony.calls.service import Heard
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.ivr import walk
from telephony.ivr.definition import Flow, Questions, ToQueue
from telephony.ivr.turns import Arrange, Bearer, Consult, Enter, Facts, LookUp, Place, Turn, Verify

Verifies = Callable[[Session, str], Bearer | None]  # whose the badge with a code is; none: it is not valid


def walked(
    session: Session, call: CallRow, flow: Flow, walked: Callable[[Facts], Turn], judged_at: datetime | None = None
) -> Turn:  # fmt: skip
    """Where the caller comes to; elsewhere when that is a queue that holds all that it may."""
    known = facts(session, call, flow, judged_at)
    turn = walked(known)
    node = flow.nodes[turn.place.node]
    if not (isinstance(turn.then, Enter) and isinstance(node, ToQueue) and node.full):
        return turn
    if not limits.is_full(session, locked(session, call.id), node.queue):  # his notice may have told the ente since
        return turn
    full = frozenset(one.queue for one in flow.nodes.values() if isinstance(one, ToQueue))  # the whole centre is
    elsewhere = walked(replace(known, full=full))
    if not isinstance(elsewhere.then, Enter):
        service.turn_away(session, call.id, node.queue, Heard("turned-away", clock.now(session)))
    return elsewhere


def answered(
    session: Session, call: CallRow, flow: Flow, turn: Turn, to: Addresses, verifies: Verifies
) -> tuple[CallRow, Turn]:
    """The turn that follows once what it asks was answered; itself when it asks nothing. With the call as it is."""
    at = turn.place
    match turn.then:
        case LookUp(notice):
            found = _propose_by_notice(session, call, notice)
            return call, walked(session, call, flow, lambda facts: walk.on_notice(flow, at, facts, found=found))
        case Consult() as asks:
            answer = self_service.consult(session, call, asks, at.language, to)
            return call, walked(
                session, call, flow, lambda facts: walk.on_answer(flow, at, facts, asks.request, answer)
            )  # fmt: skip
        case Verify(code):
            bearer = verifies(session, code)
            return call, walked(session, call, flow, lambda facts: walk.on_verified(flow, at, facts, bearer))
        case Arrange() as wants:
            came = arranging.arrange(session, call, wants, at, facts(session, call, flow), to)
            call = locked(session, call.id)  # it may be another ente's now
            return call, walked(
                session, call, flow, lambda known: walk.on_arranged(flow, at, known, wants.request, came)
            )  # fmt: skip
        case _:
            return call, turn


def at_questions(session: Session, call_id: UUID, step: int) -> Questions | None:
    """The questionnaire that the caller stands at, at this step of the menu; none where he stands elsewhere by now.

    The call is locked.
    """
    call = locked(session, call_id)
    place = Place.restored(call.ivr)
    if call.phase is not Phase.IVR or step != place.step:
        return None
    node = flow_of(session, call).nodes.get(place.node)
    return node if isinstance(node, Questions) else None


def questioned(session: Session, call: CallRow, *, done: bool) -> Turn:
    """Where he goes on after a questionnaire; it may have taken until past closing."""
    place, flow = Place.restored(call.ivr), flow_of(session, call)
    return walked(
        session, call, flow, lambda facts: walk.on_questioned(flow, place, facts, done=done),
        judged_at=clock.now(session),
    )  # fmt: skip


def locked(session: Session, call_id: UUID) -> CallRow:
    """The call, until the transaction ends."""
    call = floor(session).whole_call(call_id, lock=True)
    assert call is not None
    return call


def _propose_by_notice(session: Session, call: CallRow, notice_number: str) -> bool:
    """Note whose notice it is. It proposes who may be calling; it proves nothing."""
    owners = {
        (found.ente_id, found.contact_id)
        for found in floor(session).by_notice(notice_number)
        if call.ente_id in {None, found.ente_id}
    }
    if len(owners) != 1:
        return False
    ((ente_id, contact_id),) = owners
    service.attribute(session, call.id, ente_id)
    floor(session).write_call(call.id, contact_id=contact_id, proposed_by=ProposedBy.NOTICE_NUMBER)
    return True
