"""The floor of a transaction."""

from sqlalchemy.orm import Session

from telephony.floor.port import Floor
from telephony.floor.postgres import PostgresFloor


def floor(session: Session) -> Floor:
    """The live state as this transaction sees it: in PostgreSQL, unless the session was opened over another store."""
    return session.info.get("floor") or PostgresFloor(session)
