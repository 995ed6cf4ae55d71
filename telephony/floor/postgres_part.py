"""What the parts of the floor in PostgreSQL have in common: the session by which they ask."""

from sqlalchemy.orm import Session


class PostgresPart:
    """Statements of one session."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session
