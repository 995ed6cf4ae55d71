"""Self-service in the demonstration: every ente offers it, and every taxpayer has the same PIN."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.contacts.models import Contact
from telephony.selfservice import administration, queries
from telephony.selfservice.queries import Setting
from web.demo.accounts import ADMINISTRATOR
from web.demo.enti import person

DEMO_PIN = "135790"


def offer(session: Session, *, ente_id: int) -> None:
    """Switch it on, once."""
    if queries.setting(session, ente_id).is_on:
        return
    by = person(session, ADMINISTRATOR.username)
    codes = session.scalars(select(Contact.codice_fiscale).where(Contact.ente_id == ente_id))
    content = "\n".join(f"{code};{DEMO_PIN}" for code in codes)
    if content:
        administration.set_pins(session, by, ente_id=ente_id, content=content.encode())
    wanted = Setting(is_on=True, pins=True, codes=True)
    administration.save_setting(session, by, ente_id=ente_id, wanted=wanted)
