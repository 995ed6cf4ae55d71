"""What contracts promise of agents who are found unfit: removed and replaced, within working days (A, 4.2.2)."""

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.enti import queries as enti
from crm.enti.days import Patron
from crm.levels.known import Unfit
from outbound.field.agents.models import UnfitnessFinding
from outbound.field.agents.queries import patron_of
from outbound.field.agents.standing import taken


def of_period(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> tuple[Unfit, ...]:
    """Those found unfit from `first` to before `after`, for the enti of a contract, or for one of them alone.

    What the ente took back is not among them. What is still owed counts by the days that it is late, as of now.
    """
    whose = enti.enti_of(session, contract_id) if ente_id is None else frozenset({ente_id})
    rows = session.scalars(
        select(UnfitnessFinding)
        .where(
            UnfitnessFinding.ente_id.in_(whose), UnfitnessFinding.withdrawn_at.is_(None),
            UnfitnessFinding.found_at >= start_of_day(first), UnfitnessFinding.found_at < start_of_day(after),
        )
        .order_by(UnfitnessFinding.found_at, UnfitnessFinding.id)
    )  # fmt: skip
    today = business_day(clock.now(session))
    found = []
    for row in rows:
        patron, on = patron_of(session, row.ente_id), business_day(row.found_at)
        found.append(
            Unfit(
                row.id, row.ente_id, on, _days(on, row.removal_due, row.removed_at, today, patron),
                _days(on, row.substitute_due, row.replaced_at, today, patron),
            )
        )  # fmt: skip
    return tuple(found)


def _days(on: date, due: date, done: datetime | None, today: date, patron: Patron) -> int | None:
    """How many working days it took; so far, where it is late; none, where there is time yet."""
    if done is not None:
        return taken(on, business_day(done), patron)
    return taken(on, today, patron) if today > due else None
