"""The courtesy notice as a sheet: closed, neutral, with a number, a code and where to book."""

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.phone import spaced
from crm.core.clock import business_day
from crm.core.errors import NotFoundError
from crm.enti import queries as enti
from outbound.field.agents.models import FieldAgent
from outbound.field.visits import packets, wording
from telephony.lines import queries as lines
from web.edge import paper
from web.letters.paper import printable
from web.wiring import Runtime

SOURCE = Path(__file__).parent / "notice.typ"


def sheets(session: Session, runtime: Runtime, by: Principal, at: datetime) -> bytes:
    """The notices of an agent's practices of today and tomorrow. Raises `NotFoundError` when he has none."""
    agent = session.scalar(select(FieldAgent).where(FieldAgent.user_id == by.user_id))
    stops = list(packets.stops_of(session, by, agent, business_day(at))) if agent else []
    if not stops:
        raise NotFoundError("Non hai visite per oggi o domani: non c'è niente da stampare.")
    badges = enti.badges(session)
    booking = f"{runtime.settings.public_url}/prenota"
    told: list[dict[str, Any]] = [
        {
            "ente": badges[one.practice.ente_id].name, "to": one.person.name,
            "place": f"{one.practice.street}, {one.practice.town}", "code": one.code,
            "words": wording.of_ente(session, one.practice.ente_id)[1].notice,
            "phone": spaced(lines.sender(session, one.practice.ente_id) or ""), "booking": booking,
            "qr": _qr(booking),
        }
        for one in stops
    ]  # fmt: skip
    return paper.pdf(SOURCE, {"sheets": [printable(one) for one in told]}, at)


def _qr(content: str) -> str:
    drawn = BytesIO()
    segno.make_qr(content).save(drawn, kind="svg", border=4, omitsize=True, light="#fff", xmldecl=False, nl=False)
    return drawn.getvalue().decode()
