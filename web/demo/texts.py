"""The demonstration's conversations by SMS: one that is over, and two people who wait for an answer."""

from datetime import datetime, timedelta

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.contacts.models import Contact, ContactReach, ReachKind
from crm.contacts.phone import takes_sms
from crm.core import clock
from crm.core.db import table_of
from crm.enti.models import Ente
from telephony.calls.choices import Disposition, Topic
from telephony.lines import queries as lines
from telephony.lines.models import LineKind
from telephony.texts import reception, story
from telephony.texts.models import Closed, TextMessage, TextThread, ThreadState
from telephony.texts.reception import Received
from web.demo.accounts import COLLEAGUES
from web.demo.places import OVERSEEN

WAITING = (
    "Buongiorno, sono sordo e non posso telefonare. Ho ricevuto una lettera da voi, potete aiutarmi qui?",
    "Salve, a che ora apre lo sportello di giovedì?",
)
OVER = (
    (True, "Buonasera, posso scrivervi invece di chiamare? Non sento bene al telefono."),
    (False, "Certo, risponde {agent}. Mi scriva nome, cognome e data di nascita, per favore."),
    (True, "Ecco fatto, li trova nella mia lettera. Volevo sapere come si chiede di pagare in più volte."),
    (False, "Grazie. La domanda si presenta con il modulo che trova sul sito, oppure allo sportello."),
    (True, "Perfetto, molto gentile."),
)


def write(session: Session, *, contract_id: int) -> None:
    """They write, unless somebody has before."""
    if session.execute(select(TextThread.id).where(TextThread.contract_id == contract_id).limit(1)).first():
        return
    ente_id = session.scalars(select(Ente.id).where(Ente.cadastral_code == OVERSEEN)).one()
    fit = [one for one in lines.of_contract(session, contract_id) if one.ente_id == ente_id]
    line = next(one for one in fit if one.kind is LineKind.GEOGRAPHIC)
    reached = session.execute(
        select(ContactReach.value)
        .join(Contact, Contact.id == ContactReach.contact_id)
        .where(ContactReach.ente_id == ente_id, ContactReach.kind == ReachKind.PHONE)
        .order_by(ContactReach.id)
        .limit(400)
    ).scalars()
    mobiles = [one for one in dict.fromkeys(reached) if takes_sms(one)]
    for place, (citizen, body) in enumerate(zip(mobiles, (*WAITING, OVER[0][1]), strict=False)):
        reception.receive(session, Received(f"SMdemo{place}", citizen, body), line)
        if body == OVER[0][1]:
            _finish(session, citizen)


def _finish(session: Session, citizen: str) -> None:
    """Yesterday somebody answered."""
    agent = session.execute(select(User).where(User.username == COLLEAGUES[0].username)).scalar_one()
    thread = session.execute(select(TextThread).where(TextThread.citizen == citizen)).scalar_one()
    began = clock.now(session) - timedelta(days=1)
    message = table_of(TextMessage)
    session.execute(update(message).where(message.c.thread_id == thread.id).values(at=began))
    for minute, (inbound, body) in enumerate(OVER[1:], start=1):
        session.execute(
            insert(message).values(
                thread_id=thread.id, contract_id=thread.contract_id, ente_id=thread.ente_id, inbound=inbound,
                body=body.format(agent=agent.name.split(" ")[0]), media=0, at=_later(began, minute),
                agent_id=None if inbound else agent.id,
            )
        )  # fmt: skip
    for name, value in {
        "state": ThreadState.CLOSED, "closed": Closed.DONE, "agent_id": agent.id, "knows": agent.id,
        "begun_at": began, "entered_at": began, "waiting_since": None, "waited_ms": 60_000, "not_before": None,
        "taken_at": _later(began, 1), "answered_at": _later(began, 1), "wrote_at": _later(began, 4),
        "replied_at": _later(began, 3), "closed_at": _later(began, 5), "due_at": None,
        "topic": Topic.INSTALMENTS.value, "disposition": Disposition.ANSWERED.value,
        "note": "Chiede come si paga in più volte: spiegato il modulo.",
    }.items():  # fmt: skip
        setattr(thread, name, value)
    session.flush()
    story.tell(session, thread.id)


def _later(began: datetime, minutes: int) -> datetime:
    return began + timedelta(minutes=minutes)
