"""Who knows a taxpayer, for a while: so that he need not tell his story again."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from telephony.floor.current import floor

KNOWN_FOR = timedelta(days=30)  # for so long whoever spoke with a taxpayer is said to know him


def who_knows(session: Session, contact_id: int, at: datetime) -> int | None:
    """Of the agents who have something to do for a taxpayer, or spoke with him last, the first who is in service; when
    none is, the first.
    """
    known = floor(session).who_know(contact_id, since=at - KNOWN_FOR)
    there = floor(session).in_service(known, at) if len(known) > 1 else frozenset()
    return next((one for one in known if one in there), known[0] if known else None)
