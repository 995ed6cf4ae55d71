"""What was pressed by mistake at Empoli's desks is taken back; its times and its appointment are right afterwards."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.access.models import RoleGrant
from crm.agendas import booking
from crm.agendas import queries as agendas
from crm.agendas.models import AppointmentState
from crm.agendas.people import Person
from crm.core.db import Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.timeline.models import EntryKind, TimelineEntry
from crm.turns import ending, mistakes, queries, service
from crm.turns.models import TurnEvent, TurnState
from crm.turns.times import Deed
from tests.cast import principal_of
from tests.crm.agendas.conftest import MANAGE, MONDAY, TUESDAY, Desks, at
from tests.crm.turns.test_service import Room

pytestmark = pytest.mark.integration

MARIO = Person("Mario", "Bianchi", "BNCMRA62A01D403X", email="mario@example.it")


@pytest.fixture
def room(desks: Desks, clock: list[datetime]) -> Room:
    clock[0] = at(MONDAY, 9)
    return Room(desks)


def undo(room: Room, user: int, turn: int, deed: Deed) -> None:
    room.do(user, mistakes.take_back, turn_id=turn, deed=deed)


def serve(room: Room, user: int) -> int:
    turn = room.next(user)
    assert turn is not None
    room.step(user, turn, Deed.SERVED)
    return turn


def stands(room: Room, booked: booking.Booked) -> AppointmentState:
    return room.desks.work(lambda s: agendas.get(s, booked.appointment_id).state)


def deeds(room: Room, turn: int) -> list[Deed]:
    return list(
        room.desks.work(
            lambda s: s.scalars(select(TurnEvent.deed).where(TurnEvent.turn_id == turn).order_by(TurnEvent.id)).all()
        )
    )


def test_who_is_still_there_is_served_on_and_his_time_goes_on(room: Room) -> None:
    anna = room.desks.cast.anna
    room.desks.now[0] = at(MONDAY, 8)
    booked = room.desks.book(at(MONDAY, 9, 20), MARIO)
    room.desks.now[0] = at(MONDAY, 9, 25)
    room.arrives(booked.appointment_id)
    turn = serve(room, anna)
    room.later(4)
    room.step(anna, turn, Deed.DONE)
    room.later(1)
    undo(room, anna, turn, Deed.DONE)
    assert (room.get(turn).state, room.get(turn).served_s, stands(room, booked)) == (
        TurnState.SERVING, None, AppointmentState.SERVING,
    )  # fmt: skip
    room.later(5)
    room.step(anna, turn, Deed.DONE)
    assert (room.get(turn).waited_s, room.get(turn).served_s) == (0, 600)
    assert stands(room, booked) is AppointmentState.DONE
    assert deeds(room, turn)[-3:] == [Deed.DONE, Deed.RETRACTED, Deed.DONE]


def test_an_end_seen_late_counts_nothing_of_those_served_meanwhile(room: Room) -> None:
    anna = room.desks.cast.anna
    first, second = room.ticket(), room.ticket()
    assert serve(room, anna) == first
    room.later(2)
    room.step(anna, first, Deed.DONE)
    assert serve(room, anna) == second
    with pytest.raises(ConflictError, match="Prima concludi"):
        undo(room, anna, first, Deed.DONE)
    room.later(20)
    room.step(anna, second, Deed.DONE)
    undo(room, anna, first, Deed.DONE)
    room.later(3)
    room.step(anna, first, Deed.DONE)
    assert (room.get(first).served_s, room.get(second).served_s) == (300, 1200)


def test_who_was_never_there_is_called_again_and_was_not_served(room: Room) -> None:
    anna = room.desks.cast.anna
    room.ticket()
    turn = serve(room, anna)
    room.step(anna, turn, Deed.DONE)
    for deed in (Deed.DONE, Deed.SERVED):
        undo(room, anna, turn, deed)
    assert room.get(turn).state is TurnState.CALLED
    room.step(anna, turn, Deed.MISSED)
    kept = room.get(turn)
    assert (kept.state, kept.served_s, kept.serving_since) == (TurnState.NO_SHOW, None, None)


def test_who_was_said_not_to_come_stands_at_the_desk(room: Room) -> None:
    anna = room.desks.cast.anna
    room.desks.now[0] = at(MONDAY, 8)
    booked = room.desks.book(at(MONDAY, 9, 20), MARIO)
    room.desks.now[0] = at(MONDAY, 9, 22)
    turn = room.arrives(booked.appointment_id)
    assert room.next(anna) == turn
    room.step(anna, turn, Deed.MISSED)
    assert stands(room, booked) is AppointmentState.NO_SHOW
    room.later(1)
    undo(room, anna, turn, Deed.MISSED)
    assert (room.get(turn).state, stands(room, booked)) == (TurnState.CALLED, AppointmentState.CALLED)
    room.step(anna, turn, Deed.MISSED)
    other = room.ticket()
    assert room.next(anna) == other
    room.step(anna, other, Deed.BACK)
    with pytest.raises(ConflictError, match="È arrivato"):
        undo(room, anna, turn, Deed.MISSED)


def test_a_coming_said_of_the_wrong_person_leaves_the_queue_and_he_may_still_come_or_move(room: Room) -> None:
    d, anna = room.desks, room.desks.cast.anna
    d.now[0] = at(MONDAY, 8)
    booked = d.book(at(MONDAY, 12), MARIO)
    d.now[0] = at(MONDAY, 9)
    turn = room.arrives(booked.appointment_id)
    visits = select(TimelineEntry.id).where(TimelineEntry.kind == EntryKind.VISIT)
    assert d.work(lambda s: s.scalars(visits).all())
    undo(room, anna, turn, Deed.ARRIVED)
    assert (room.get(turn).state, room.get(turn).contact_id, stands(room, booked)) == (
        TurnState.WITHDRAWN, None, AppointmentState.BOOKED,
    )  # fmt: skip
    assert not d.work(lambda s: s.scalars(visits).all())
    assert room.next(anna) is None
    again = room.arrives(booked.appointment_id)
    assert again != turn
    undo(room, anna, again, Deed.ARRIVED)
    to = at(TUESDAY, 10)
    d.work(
        lambda s: booking.move_to(
            s, d.sara(s), ente_id=d.cast.empoli, appointment_id=booked.appointment_id, office_id=d.office,
            starts_at=to, channel=booking.Channel.DESK, manage_at=MANAGE,
        )
    )  # fmt: skip
    d.now[0] = to
    assert room.get(room.arrives(booked.appointment_id)).state is TurnState.WAITING


def test_a_number_given_by_mistake_is_nobodys_and_one_of_somebody_called_stays(room: Room) -> None:
    anna = room.desks.cast.anna
    turn = room.ticket()
    undo(room, anna, turn, Deed.ARRIVED)
    assert room.next(anna) is None
    with pytest.raises(ConflictError):
        room.step(anna, turn, Deed.BACK)
    other = room.ticket()
    assert room.next(anna) == other
    room.step(anna, other, Deed.BACK)
    with pytest.raises(ConflictError, match="È già stato chiamato"):
        undo(room, anna, other, Deed.ARRIVED)
    found = room.desks.work(lambda s: queries.office(s, room.desks.office))
    assert [one.id for one in found.waiting] == [other]


def test_pressed_twice_it_is_taken_back_once(room: Room) -> None:
    anna = room.desks.cast.anna
    room.ticket()
    turn = serve(room, anna)
    room.step(anna, turn, Deed.DONE)

    def press(_: int) -> bool:
        try:
            undo(room, anna, turn, Deed.DONE)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(press, range(2))) == [False, True]
    assert room.get(turn).state is TurnState.SERVING


def test_it_is_taken_back_where_it_happened_by_whoever_sits_there(room: Room) -> None:
    anna, sara, cast = room.desks.cast.anna, room.desks.cast.sara, room.desks.cast
    room.ticket()
    turn = serve(room, anna)
    with pytest.raises(ConflictError, match="dove è successo"):
        undo(room, sara, turn, Deed.SERVED)
    room.step(anna, turn, Deed.DONE)
    room.do(anna, service.leave)
    with pytest.raises(ConflictError, match="Scegli prima il tuo sportello"):
        undo(room, anna, turn, Deed.DONE)
    for deed in (Deed.CALLED, Deed.BACK, Deed.PASSED_ON, Deed.CLOSED, Deed.RETRACTED):
        with pytest.raises(InvalidError):
            undo(room, sara, turn, deed)
    with pytest.raises(ConflictError):
        undo(room, sara, turn, Deed.MISSED)
    room.desks.work(
        lambda s: s.execute(update(RoleGrant).where(RoleGrant.user_id == cast.vera).values(ente_id=cast.siena))
    )
    with pytest.raises((ForbiddenError, NotFoundError)):
        room.desks.database.transact(
            Scope.of_enti([cast.siena]),
            lambda s: mistakes.take_back(s, principal_of(s, cast.vera), turn_id=turn, deed=Deed.DONE),
        )


def test_a_day_that_is_over_stays_as_it_was(room: Room) -> None:
    anna = room.desks.cast.anna
    room.ticket()
    turn = serve(room, anna)
    room.step(anna, turn, Deed.DONE)
    room.desks.now[0] = at(TUESDAY, 9)
    room.desks.work(lambda s: service.end_days(s, ente_id=room.desks.cast.empoli))
    room.sit(anna, room.desks.one)
    with pytest.raises(ConflictError, match="non è di oggi"):
        undo(room, anna, turn, Deed.DONE)


def test_what_was_said_of_yesterday_by_mistake_is_unsaid_within_a_week(room: Room) -> None:
    d = room.desks
    d.now[0] = at(MONDAY, 8)
    booked = d.book(at(MONDAY, 10), MARIO)
    of = {"ente_id": d.cast.empoli, "appointment_id": booked.appointment_id}
    d.now[0] = at(TUESDAY, 8)

    def say(what: Any, **more: Any) -> None:
        d.work(lambda s: what(s, d.sara(s), **of, **more))

    with pytest.raises(ConflictError):
        say(booking.unsettle)
    say(booking.settle, came=True)
    say(booking.unsettle)
    assert stands(room, booked) is AppointmentState.BOOKED
    with pytest.raises(ConflictError):  # twice takes back nothing more
        say(booking.unsettle)
    say(booking.settle, came=False)
    say(booking.settle, came=True)
    say(booking.unsettle)
    assert stands(room, booked) is AppointmentState.NO_SHOW
    say(booking.settle, came=True)
    d.now[0] = at(date(2026, 12, 1), 8) + timedelta(minutes=1)
    with pytest.raises(ConflictError):
        say(booking.unsettle)
    assert stands(room, booked) is AppointmentState.DONE


def test_what_the_desk_itself_measured_is_not_unsaid_afterwards(room: Room) -> None:
    d, anna = room.desks, room.desks.cast.anna
    d.now[0] = at(MONDAY, 8)
    booked, missed = d.book(at(MONDAY, 9), MARIO), d.book(at(MONDAY, 10))
    d.now[0] = at(MONDAY, 9)
    room.arrives(booked.appointment_id)
    room.step(anna, serve(room, anna), Deed.DONE)
    d.now[0] = at(TUESDAY, 9)
    ending.mark_absent(d.database)
    for one in (booked, missed):
        with pytest.raises(ConflictError):
            d.work(
                lambda s, one=one: booking.unsettle(  # type: ignore[misc]
                    s, d.sara(s), ente_id=d.cast.empoli, appointment_id=one.appointment_id
                )
            )
