"""The end of a day at the desks: whoever was not served is no longer waiting, nobody sits anywhere, and whoever had an
appointment and was never seen did not come.
"""

from datetime import date
from functools import partial

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm.agendas import booking
from crm.agendas.models import GIVEN, Appointment, AppointmentState
from crm.agendas.times import DAY
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.each import total_of_each
from crm.enti import queries as enti
from crm.turns import queries, service
from crm.turns.models import Turn

KNOWN_FOR = 7  # days after a number was given: an office that gives none says of nobody whether he came
LOOKED_BACK = 14  # days, for what an engine that stood still left
AT_ONCE = 500


def end_days(database: Database) -> int:
    """End the days that are over, of every ente; how many turns were still open."""
    return total_of_each(
        _served(database), lambda one: database.transact(Scope.of_enti([one]), partial(service.end_days, ente_id=one))
    )


def mark_absent(database: Database) -> int:
    """Whoever was booked on a day that is over, at an office that works with turns, and was never seen there, did not
    come: of every ente; how many. Whoever did come after all is put right by the staff (`booking.settle`).
    """
    return total_of_each(
        _served(database), lambda one: database.transact(Scope.of_enti([one]), partial(_mark_absent, ente_id=one))
    )


def _served(database: Database) -> list[int]:
    with database.begin(Scope.nothing()) as session:
        return sorted(enti.served(session))


def _mark_absent(session: Session, ente_id: int) -> int:
    today = queries.today(session)
    first = today - LOOKED_BACK * DAY
    worked: dict[int, set[date]] = {}
    seen: set[tuple[int | None, date]] = set()  # who came that day, be it with a number of those without an appointment
    given = (Turn.ente_id == ente_id, Turn.day >= first - KNOWN_FOR * DAY, Turn.day < today)
    for office_id, day, contact_id in session.execute(
        select(Turn.office_id, Turn.day, Turn.contact_id).where(*given).distinct()
    ):
        worked.setdefault(office_id, set()).update(day + n * DAY for n in range(KNOWN_FOR + 1))
        if contact_id is not None:
            seen.add((contact_id, day))
    booked = (
        Appointment.office_id.in_(worked), Appointment.state == AppointmentState.BOOKED,
        Appointment.starts_at >= clock.start_of_day(first), Appointment.starts_at < clock.start_of_day(today),
        text(GIVEN),
    )  # fmt: skip
    rows = session.execute(
        select(Appointment.id, Appointment.office_id, Appointment.contact_id, Appointment.starts_at).where(*booked)
        .order_by(Appointment.starts_at, Appointment.id).with_for_update(skip_locked=True)
    )  # fmt: skip
    days = [(one, clock.business_day(one.starts_at)) for one in rows]
    found = [one.id for one, day in days if day in worked[one.office_id] and (one.contact_id, day) not in seen]
    for one in found[:AT_ONCE]:
        booking.step(session, None, ente_id=ente_id, appointment_id=one, to=AppointmentState.NO_SHOW)
    return len(found[:AT_ONCE])
