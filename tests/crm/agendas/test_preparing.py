"""What the staff prepare, and what it does to appointments that people have: nothing, without saying so."""

from datetime import time
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.agendas import preparing, queries, sites
from crm.agendas.errors import DisplacedError
from crm.agendas.plan import Exceptional, Window
from crm.agendas.preparing import ServiceTold
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti import administration
from tests.crm.agendas.conftest import MONDAY, NUMBERS, TUESDAY, Desks, at, every_day

pytestmark = pytest.mark.integration
NINE = at(TUESDAY, 9)


def add_exception(desks: Desks, told: Exceptional, seen: frozenset[UUID] = frozenset()) -> int:
    return desks.work(
        lambda s: preparing.add_exception(
            s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, told=told, seen=seen
        )
    )


def test_a_new_agenda_says_whom_it_leaves_outside_and_leaves_them_their_time(desks: Desks) -> None:
    booked = desks.book(NINE).appointment_id
    afternoon = [*every_day(desks.one, time(14), time(17)), *every_day(desks.two, time(14), time(17))]
    with pytest.raises(DisplacedError) as refused:
        desks.publish(*afternoon)
    assert refused.value.appointment_ids == (booked,)
    assert desks.free(TUESDAY)[0].starts_at.hour == NINE.hour  # nothing was published
    desks.publish(*afternoon, seen=frozenset({booked}))
    assert desks.free(TUESDAY)[0].starts_at == at(TUESDAY, 14)
    one = desks.work(lambda s: queries.get(s, booked))
    assert (one.starts_at, one.state.value) == (NINE, "booked")
    assert [each.id for each in desks.work(lambda s: preparing.outside(s, desks.office))] == [booked]
    desks.publish(*afternoon)  # who was outside before is nobody's surprise


def test_the_first_agenda_gives_the_ente_an_address_and_the_next_ones_leave_it(desks: Desks) -> None:
    def address(session: Session) -> str:
        site = sites.of_ente(session, desks.cast.empoli)
        assert site is not None
        return site.slug

    assert desks.work(address) == "empoli"
    desks.work(lambda s: sites.save(s, desks.sara(s), ente_id=desks.cast.empoli, slug="comune"))
    desks.publish(*every_day(desks.one, time(9), time(12)))
    assert desks.work(address) == "comune"


def test_a_draft_is_nobodys_business_until_it_is_published(desks: Desks) -> None:
    booked = desks.book(NINE).appointment_id
    of = {"ente_id": desks.cast.empoli, "office_id": desks.office}
    desks.work(lambda s: preparing.save_draft(s, desks.sara(s), **of, windows=[], valid_from=TUESDAY))
    assert desks.free(TUESDAY)
    assert [one.id for one in desks.work(lambda s: preparing.displaced_by_draft(s, desks.office))] == [booked]
    for _ in range(2):
        desks.work(lambda s: preparing.drop_draft(s, desks.sara(s), **of))
    with pytest.raises(ConflictError):
        desks.work(lambda s: preparing.publish(s, desks.sara(s), **of))
    first, second = (desks.work(lambda s: preparing.draft(s, desks.sara(s), **of)) for _ in range(2))
    assert first == second  # a copy of what is published, made once


def test_an_agenda_holds_from_its_first_day(desks: Desks) -> None:
    desks.publish(*every_day(desks.one, time(14), time(17)), valid_from=TUESDAY)
    assert desks.free(MONDAY)[0].starts_at == at(MONDAY, 9)
    assert desks.free(TUESDAY)[0].starts_at == at(TUESDAY, 14)


def test_closing_a_day_or_a_desk_says_whom_it_concerns(desks: Desks) -> None:
    booked = desks.book(NINE)
    desk = desks.work(lambda s: queries.get(s, booked.appointment_id)).desk_id
    other = next(one for one in desks.desks if one != desk)
    closed = Exceptional(0, desk, TUESDAY, TUESDAY, closed=True, words="Assemblea")
    with pytest.raises(DisplacedError):
        add_exception(desks, closed)
    add_exception(desks, Exceptional(0, other, TUESDAY, TUESDAY, closed=True))
    with pytest.raises(DisplacedError):
        desks.work(
            lambda s: preparing.save_desk(
                s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, desk_id=desk, name="Chiuso",
                active=False,
            )
        )  # fmt: skip
    made = add_exception(desks, closed, frozenset({booked.appointment_id}))
    assert desks.free(TUESDAY) == []
    for _ in range(2):
        desks.work(lambda s: preparing.remove_exception(s, desks.sara(s), ente_id=desks.cast.empoli, exception_id=made))
    assert desks.work(lambda s: preparing.outside(s, desks.office)) == []


def test_what_is_wrong_with_a_week_is_said_before_it_is_kept(desks: Desks) -> None:
    nine, ten, eleven = time(9), time(10), time(11)

    def save(*windows: Window) -> None:
        desks.work(
            lambda s: preparing.save_draft(
                s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, windows=windows,
                valid_from=TUESDAY,
            )
        )  # fmt: skip

    for wrong in (
        (Window(0, nine, eleven, desks.one), Window(0, ten, eleven, desks.one)),
        (Window(0, nine, time(0), desks.one), Window(0, ten, eleven, desks.one)),
        (Window(0, eleven, nine, desks.one),),
        (Window(0, nine, ten, 10**9),),
        (Window(7, nine, ten, desks.one),),
        (Window(0, nine, ten, desks.one, 17),),
        (Window(0, nine, ten, desks.one, 1, frozenset({10**9})),),
    ):
        with pytest.raises(InvalidError):
            save(*wrong)
    save(Window(0, nine, ten, desks.one), Window(0, ten, eleven, desks.one), Window(0, nine, ten, desks.two))


def test_a_service_says_what_is_wrong_with_it(desks: Desks) -> None:
    told = ServiceTold({"name": {"it": " "}, "bring": {"fr": "x"}}, {**NUMBERS, "duration": 4}, frozenset())
    with pytest.raises(InvalidError) as refused:
        desks.work(lambda s: preparing.save_service(s, desks.sara(s), ente_id=desks.cast.empoli, told=told))
    assert {part.field for part in refused.value.parts} == {"name_it", "bring_fr", "duration"}
    elsewhere = ServiceTold({"name": {"it": "TARI"}}, NUMBERS, frozenset({10**9}))
    with pytest.raises(InvalidError):
        desks.work(lambda s: preparing.save_service(s, desks.sara(s), ente_id=desks.cast.empoli, told=elsewhere))


def test_another_entes_offices_are_not_there(desks: Desks) -> None:
    cast = desks.cast
    with pytest.raises(NotFoundError):
        desks.work(
            lambda s: preparing.draft(s, desks.sara(s), ente_id=cast.vinci, office_id=desks.office), cast.vinci
        )  # fmt: skip
    with pytest.raises(FieldError):
        desks.work(
            lambda s: preparing.save_desk(s, desks.sara(s), ente_id=cast.empoli, office_id=desks.office, name=" ")
        )


def test_an_office_with_desks_is_not_removed(desks: Desks) -> None:
    admin = Principal(desks.cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, desks.cast.contract)}))
    with pytest.raises(ConflictError):
        desks.work(
            lambda s: administration.remove_office(s, admin, ente_id=desks.cast.empoli, office_id=desks.office)
        )  # fmt: skip
