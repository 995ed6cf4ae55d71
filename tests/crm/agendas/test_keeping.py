"""Who came is forgotten in time; who is on a file is not, and nor is that somebody came."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm.agendas import keeping, preparing, queries
from crm.agendas.models import Appointment
from crm.agendas.people import Person
from crm.core.errors import ForbiddenError, InvalidError
from crm.messages.models import Message
from tests.cast import principal_of
from tests.crm.agendas.conftest import TUESDAY, Desks, at

pytestmark = pytest.mark.integration
DAY = timedelta(days=1)


def test_who_is_on_no_file_is_forgotten_after_the_days_that_his_ente_says(desks: Desks) -> None:
    ente = desks.cast.empoli
    stranger = desks.book(at(TUESDAY, 9))
    known = desks.book(at(TUESDAY, 9), Person("Mario", "Bianchi", "BNCMRA62A01D403X", email="m@example.it"))
    desks.work(lambda s: preparing.set_kept_days(s, desks.sara(s), ente_id=ente, days=30))
    desks.now[0] = at(TUESDAY, 9, 20) + 30 * DAY
    assert keeping.forget_people(desks.database) == 0  # at its minute not yet
    desks.now[0] += timedelta(microseconds=1)
    assert keeping.forget_people(desks.database) == 1
    assert keeping.forget_people(desks.database) == 0
    with desks.database.begin(desks.scope) as session:
        row = session.get_one(Appointment, stranger.appointment_id)
        assert (row.surname, row.given_name, row.phone, row.email) == ("", "", None, None)
        assert queries.get(session, stranger.appointment_id).name == "—"
        assert session.get_one(Appointment, known.appointment_id).surname == "Bianchi"
        assert {one.address for one in session.scalars(select(Message))} == {"", "m@example.it"}


def test_only_whoever_prepares_the_agendas_says_for_how_long(desks: Desks) -> None:
    ente = desks.cast.empoli
    assert desks.work(lambda s: queries.kept_days(s, ente)) == 90
    with pytest.raises(ForbiddenError):
        desks.work(lambda s: preparing.set_kept_days(s, principal_of(s, desks.cast.anna), ente_id=ente, days=1))
    with pytest.raises(InvalidError):
        desks.work(lambda s: preparing.set_kept_days(s, desks.sara(s), ente_id=ente, days=0))
