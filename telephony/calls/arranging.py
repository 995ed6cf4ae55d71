"""A call in which somebody books an appointment, or cancels one: what he may book, what is written, what he lets go."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from crm.core import clock
from telephony.appointments import service as appointments
from telephony.appointments.offers import EnteOffered, offered
from telephony.appointments.service import Caller
from telephony.appointments.state import Answer, Booked, Cancelled, Did, Found, State
from telephony.calls import service
from telephony.calls.addresses import Addresses
from telephony.calls.service import Heard
from telephony.floor.port import CallRow
from telephony.ivr.definition import Appointment, Flow
from telephony.ivr.turns import Arrange, Facts, Place
from telephony.lines import queries as lines

DONE = {Booked: Did.BOOKED, Found: Did.TOLD, Cancelled: Did.CANCELLED}


def bookable(session: Session, call: CallRow, flow: Flow) -> tuple[EnteOffered, ...]:
    """What the caller may book along this flow; on a line of many enti, first at the one that he seems to belong to."""
    if not any(isinstance(one, Appointment) for one in flow.nodes.values()):
        return ()
    line = lines.line(session, call.line)
    found = offered(session, call.contract_id, line.ente_id if line else call.ente_id)
    return tuple(sorted(found, key=lambda one: one.id != call.ente_id))


def arrange(session: Session, call: CallRow, asked: Arrange, place: Place, facts: Facts, to: Addresses) -> Answer:
    """See to what he asks for. The call is then about that ente, and served by the voice menu."""
    caller = Caller(call.id, call.contract_id, facts.caller, place.language, to.public_url)
    answer = appointments.arrange(session, caller, asked.request, facts.bookable)
    did = DONE.get(type(answer))
    if did is not None:
        service.attribute(session, call.id, answer.ente_id if isinstance(answer, Found) else asked.request.state.ente)
        told = Heard(f"self:{did}", clock.now(session), detail=(("told", did.value),))
        service.self_served(session, call.id, told)
    return answer


def let_go(session: Session, before: Mapping[str, str], after: Mapping[str, str] = {}) -> None:
    """The time that he held, and holds no more, is free again; a place's `kept` before and after."""
    held = State.of(before)
    if held.held and held.held != State.of(after).held:
        appointments.let_go(session, held)
