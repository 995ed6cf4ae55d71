"""What the engine that leads does for the service's continuity: its own sign, what it sees, and telling users."""

from sqlalchemy.orm import Session

from crm.continuity import notices, service
from crm.continuity.models import Part
from crm.core.db import Database, Scope
from telephony.standing.health import failing_since


def look(database: Database) -> None:
    """Leave the engine's sign, write down what stopped or is over, and tell who wants to know."""
    with database.begin(Scope.across_enti()) as session:
        since = failing_since(session)

    def work(session: Session) -> None:
        service.beat(session, Part.ENGINE)
        service.review(session, carrier_failing_since=since, carrier_known=True)

    database.transact(Scope.nothing(), work)
    notices.tell(database)
