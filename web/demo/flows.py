"""The demonstration's own voice flow: the usual one, and keys for appointments, a message and an ente's office."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from telephony.ivr import outside
from telephony.ivr import usual as flows
from telephony.ivr.definition import (
    Appointment,
    AskMark,
    Choice,
    Menu,
    Node,
    SelfService,
    ToNumber,
    ToQueue,
    ToVoicemail,
)
from telephony.ivr.languages import Language
from telephony.ivr.models import IvrFlow, IvrPublication, IvrVersion
from telephony.lines import queries as lines
from telephony.lines.models import PhoneLine

NAME = "Numero regionale, con segreteria"
MESSAGE_KEY, OFFICE_KEY, APPOINTMENT_KEY = "9", "8", "7"


def answer_with_machine(session: Session, *, contract_id: int, number: str) -> None:
    """This number takes the flow, unless there is one; messages are work of the operators' queue."""
    if session.scalar(select(IvrFlow.id).where(IvrFlow.contract_id == contract_id, IvrFlow.name == NAME)) is not None:
        return
    usual = flows.usual(session, contract_id)
    operator = usual.nodes[usual.operator]
    assert isinstance(operator, ToQueue)
    menu = usual.nodes["menu"]
    assert isinstance(menu, Menu)
    words = {Language.ITALIAN: "lasciare un messaggio ed essere richiamato"}
    added = [Choice(digit=MESSAGE_KEY, label=words, next="segreteria")]
    nodes: dict[str, Node] = {**usual.nodes, "segreteria": ToVoicemail(queue=operator.queue, otherwise=usual.operator)}
    ours = {one.number for one in lines.all_lines(session)}
    offices = [one for one in outside.numbers(session, contract_id).items() if one[0] not in ours]
    for phone, whose in offices[:1]:
        words = {Language.ITALIAN: f"parlare con {whose}"}
        added.insert(0, Choice(digit=OFFICE_KEY, label=words, next="ufficio"))
        nodes["ufficio"] = ToNumber(number=phone, otherwise=usual.operator)
    words = {Language.ITALIAN: "prenotare o disdire un appuntamento allo sportello"}
    added.insert(0, Choice(digit=APPOINTMENT_KEY, label=words, next="appuntamenti"))
    nodes["appuntamenti"] = Appointment(
        next="menu", otherwise=usual.operator, nothing="segreteria", by_word=True
    )  # whoever finds no time leaves a message
    served = nodes.get("da-soli")
    if isinstance(served, SelfService):  # whoever found what he wanted says what he thinks of it, and may go on
        nodes["da-soli"] = served.model_copy(update={"next": "voto"})
        nodes["voto"] = AskMark(next="menu", otherwise="menu")
    nodes["menu"] = menu.model_copy(update={"choices": (*menu.choices, *added)})
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
