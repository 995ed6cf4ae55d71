"""A call in which somebody serves himself: whom it is about, and that it was served without an operator."""

from typing import Any

from sqlalchemy import Row, update
from sqlalchemy.orm import Session

from crm.core import clock
from telephony.calls import service
from telephony.calls.addresses import Addresses
from telephony.calls.models import Call, ProposedBy
from telephony.calls.service import Heard
from telephony.ivr.languages import Language
from telephony.ivr.walk import Consult
from telephony.selfservice import service as answers
from telephony.selfservice.dialogue import FACTORS, Answer
from telephony.selfservice.service import Caller, Found


def consult(session: Session, call: Row[*tuple[Any, ...]], asked: Consult, language: Language, to: Addresses) -> Answer:
    """Answer a request of the caller's; what was told is written in the call, on the timeline and in the figures."""
    caller = Caller(call.id, call.contract_id, call.ente_id, call.caller, language, to.info())
    came = answers.consult(session, caller, asked.request, factor=asked.factor)
    if came.about is not None:
        _propose(session, call, came.about)
        if asked.request.want not in FACTORS:
            at = clock.now(session)
            told = (("told", asked.request.want.value), ("factor", asked.factor))
            service.self_served(session, call.id, Heard(f"self:{asked.request.want.value}", at, detail=told))
    return came.answer


def _propose(session: Session, call: Row[*tuple[Any, ...]], about: Found) -> None:
    """The call is about him. It proposes who calls, as a notice number does everywhere: the operator asks anew."""
    service.attribute(session, call.id, about.ente_id)
    session.execute(
        update(Call)
        .where(Call.id == call.id, Call.contact_id.is_distinct_from(about.contact_id))
        .values(contact_id=about.contact_id, proposed_by=ProposedBy.NOTICE_NUMBER)
    )
