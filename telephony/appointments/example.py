"""Invented answers, for trying a flow in words: times are read as they are free, and nothing is held or booked."""

from datetime import datetime

from sqlalchemy.orm import Session

from crm.core.errors import NotFoundError
from telephony.appointments import service
from telephony.appointments.offers import EnteOffered
from telephony.appointments.prompts import where
from telephony.appointments.state import (
    Answer,
    Booked,
    Cancelled,
    Found,
    Held,
    Line,
    Refused,
    Request,
    Want,
)  # fmt: skip
from telephony.ivr.languages import Language

ID = "00000000-0000-0000-0000-000000000000"
CODE, ON_KEYS = "CDFG3467", "23343467"


def answer(
    session: Session, request: Request, offered: tuple[EnteOffered, ...], now: datetime, language: Language
) -> Answer:
    """What would be answered. Whoever keys `ON_KEYS` has an appointment."""
    state = request.state
    match request.want:
        case Want.TIMES:
            try:
                return service.times(session, state)
            except NotFoundError:
                return Refused(Line.NOT_OFFERED)
        case Want.HOLD:
            return Held(ID, datetime.fromisoformat(state.starts_at))
        case Want.BOOK:
            return Booked(CODE, datetime.fromisoformat(state.starts_at))
        case Want.FIND:
            if state.code != ON_KEYS:
                return Refused(Line.UNKNOWN)
            first = offered[0].services[0]
            return Found(ID, offered[0].id, now, first.called(language), where(first.offices[0]))
        case Want.CANCEL:
            return Cancelled()
