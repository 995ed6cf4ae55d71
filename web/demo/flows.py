"""The demonstration's own voice flow: the usual one, and a key by which one leaves a message."""

from sqlalchemy.orm import Session

from crm.core import clock
from telephony.ivr import queries as flows
from telephony.ivr.definition import Choice, Menu, ToVoicemail
from telephony.ivr.languages import Language
from telephony.ivr.models import IvrFlow, IvrPublication, IvrVersion
from telephony.lines.models import PhoneLine

NAME = "Numero regionale, con segreteria"
MESSAGE_KEY = "9"


def answer_with_machine(session: Session, *, contract_id: int, number: str, queue_id: int) -> None:
    """This number takes the flow; messages are work of this queue."""
    usual = flows.usual(session, contract_id)
    menu = usual.nodes["menu"]
    assert isinstance(menu, Menu)
    words = {Language.ITALIAN: "lasciare un messaggio ed essere richiamato"}
    leave = Choice(digit=MESSAGE_KEY, label=words, next="segreteria")
    nodes = {
        **usual.nodes,
        "menu": menu.model_copy(update={"choices": (*menu.choices, leave)}),
        "segreteria": ToVoicemail(queue=queue_id, otherwise=usual.operator),
    }
    row = IvrFlow(contract_id=contract_id, name=NAME)
    session.add(row)
    session.flush()
    at = clock.now(session)
    stored = usual.model_copy(update={"nodes": nodes}).model_dump(mode="json")
    version = IvrVersion(flow_id=row.id, number=1, definition=stored, changed_at=at)
    session.add(version)
    session.flush()
    session.add(IvrPublication(flow_id=row.id, version_id=version.id, at=at))
    session.get_one(PhoneLine, number).flow_id = row.id
