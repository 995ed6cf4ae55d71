"""The language in which somebody booked, or waits, by the link that he was sent."""

from sqlalchemy.orm import Session

from crm.agendas import codes
from crm.agendas.codes import Use
from crm.agendas.models import Appointment
from crm.agendas.wishes.models import BookingOffer, BookingWish


def of_link(session: Session, ente_id: int, token: str) -> str | None:
    """The language of what a link leads to; none where it leads nowhere."""
    if (found := codes.read_token(session, Use.MANAGE, ente_id, token)) is not None:
        row = session.get(Appointment, found)
        return row.language if row is not None and row.ente_id == ente_id else None
    wish_id = codes.read_token(session, Use.WISH, ente_id, token)
    if (offered := codes.read_token(session, Use.OFFER, ente_id, token)) is not None:
        one = session.get(BookingOffer, offered)
        wish_id = one.wish_id if one is not None else None
    wish = session.get(BookingWish, wish_id) if wish_id is not None else None
    return wish.language if wish is not None and wish.ente_id == ente_id else None
