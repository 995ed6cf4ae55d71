"""A call in which somebody serves himself: whom it is about, and that it was served without an operator."""

from sqlalchemy.orm import Session

from crm.core import clock
from telephony.calls import service
from telephony.calls.addresses import Addresses
from telephony.calls.models import ProposedBy
from telephony.calls.service import Heard
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.ivr.languages import Language
from telephony.ivr.turns import Consult
from telephony.lines import queries as lines
from telephony.selfservice import service as answers
from telephony.selfservice.dialogue import FACTORS, Answer
from telephony.selfservice.service import Caller, Found


def consult(session: Session, call: CallRow, asked: Consult, language: Language, to: Addresses) -> Answer:
    """Answer a request of the caller's; what was told is written in the call, on the timeline and in the figures."""
    line = lines.line(session, call.line)  # whoever calls a line of many enti may have notices of several
    ente_id = line.ente_id if line else call.ente_id
    caller = Caller(call.id, call.contract_id, ente_id, lines.of_his_own(session, call.caller), language, to.info())
    came = answers.consult(session, caller, asked.request, factor=asked.factor)
    if came.about is not None:
        _propose(session, call, came.about)
        if asked.request.want not in FACTORS:
            at = clock.now(session)
            told = (("told", asked.request.want.value), ("factor", asked.factor))
            service.self_served(session, call.id, Heard(f"self:{asked.request.want.value}", at, detail=told))
    return came.answer


def _propose(session: Session, call: CallRow, about: Found) -> None:
    """The call is about him. It proposes who calls, as a notice number does everywhere: the operator asks anew."""
    if (call.ente_id, call.contact_id) == (about.ente_id, about.contact_id):
        return
    service.attribute(session, call.id, about.ente_id)
    floor(session).write_call(call.id, contact_id=about.contact_id, proposed_by=ProposedBy.NOTICE_NUMBER)
