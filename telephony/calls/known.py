"""What a voice flow needs to know of a call: the flow it began with, the line, the caller, the queues, the offers."""

from datetime import datetime

from sqlalchemy.orm import Session

from crm.core import clock
from crm.enti import queries as enti
from crm.enti.calendar import opening
from telephony.callbacks import service as callbacks
from telephony.calls import arranging
from telephony.floor.port import CallRow
from telephony.ivr import outside
from telephony.ivr import queries as flows
from telephony.ivr.definition import Flow, ToCallback, ToVoicemail
from telephony.ivr.turns import Facts
from telephony.ivr.usual import usual
from telephony.lines import queries as lines
from telephony.recording import queries as recordings
from telephony.selfservice import queries as offered


def flow_of(session: Session, call: CallRow) -> Flow:
    """The flow that the call began with. Of one that an older edition received, the one that its line has now."""
    if call.ivr_version_id is None:
        line = lines.line(session, call.line)
        return usual(session, call.contract_id, line.queue_id if line else None, line.ente_id if line else None)
    return flows.of_call(session, call.ivr_version_id)


def facts(session: Session, call: CallRow, flow: Flow, judged_at: datetime | None = None) -> Facts:
    """Whoever came while the line was open finds it open; unless it is judged anew, at an instant."""
    ente = None if call.ente_id is None else enti.badges(session, frozenset({call.ente_id}))[call.ente_id]
    return Facts(
        ente=ente.name if ente else enti.contract_name(session, call.contract_id),
        opening=opening(
            lines.timetable(session, call.line, call.contract_id, call.ente_id), judged_at or call.arrived_at
        ),
        now=clock.now(session), caller_known=call.contact_id is not None,
        caller=lines.of_his_own(session, call.caller),
        calls_back=not any(isinstance(one, ToCallback | ToVoicemail) for one in flow.nodes.values())
        or callbacks.may_be_called(session, call),
        urgent=flows.urgent(session, call.contract_id, call.ente_id),
        offers=offered.offers(session, call.contract_id, call.ente_id),
        bookable=arranging.bookable(session, call, flow),
        records=recordings.purpose_of(session, ente_id=call.ente_id, call_id=call.id),
        reaches=outside.reached_from(session, call.contract_id, flow, line=call.line, caller=call.caller),
    )  # fmt: skip
