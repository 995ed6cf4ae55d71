"""What happens with turns at Empoli's office, on a Monday from nine on."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant
from crm.agendas import booking, preparing
from crm.agendas import queries as agendas
from crm.agendas.booking import Booked
from crm.agendas.external.models import BusyTime, ExternalCalendar
from crm.agendas.models import AppointmentDeed, AppointmentState, OfficeAgenda
from crm.agendas.people import Person
from crm.agendas.plan import Exceptional
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.agendas.times import DAY
from crm.core.db import Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.levels import evidence
from crm.levels.known import AtDesks
from crm.timeline.models import EntryKind, TimelineEntry
from crm.turns import ending, queries, sampling, screens, service
from crm.turns.errors import NoNumberError, NotHere, NotHereError
from crm.turns.models import DeskSeat, FirstFree, ScreenKind, Turn, TurnState
from crm.turns.reception import Without
from crm.turns.times import Deed
from tests.cast import add_contact, principal_of
from tests.crm.agendas.conftest import MONDAY, NUMBERS, PAOLA, TUESDAY, Desks, at, every_day

pytestmark = pytest.mark.integration


class Room:
    """The office's waiting room, and who sits where: Anna at 1, Sara at 2."""

    def __init__(self, desks: Desks) -> None:
        self.desks = desks
        self.sit(desks.cast.anna, desks.one)
        self.sit(desks.cast.sara, desks.two)

    def do(self, user: int, what: Callable[..., Any], **more: Any) -> Any:
        return self.desks.work(lambda s: what(s, principal_of(s, user), **more))

    def sit(self, user: int, desk: int) -> None:
        self.do(user, service.sit, ente_id=self.desks.cast.empoli, desk_id=desk)

    def ticket(self) -> int:
        d = self.desks
        return d.work(
            lambda s: service.take_ticket(s, None, ente_id=d.cast.empoli, office_id=d.office, service_id=d.tari)
        )

    def arrives(self, appointment_id: Any, ente_id: int | None = None) -> int:
        d = self.desks
        of = {"ente_id": ente_id or d.cast.empoli, "office_id": d.office, "appointment_id": appointment_id}
        return d.work(lambda s: service.check_in(s, None, **of), of["ente_id"])

    def next(self, user: int) -> int | None:
        found: int | None = self.do(user, service.call_next)
        return found

    def step(self, user: int, turn: int, deed: Deed) -> None:
        self.do(user, service.step, turn_id=turn, deed=deed)

    def get(self, turn: int) -> Turn:
        return self.desks.work(lambda s: s.get_one(Turn, turn))

    def later(self, minutes: int) -> None:
        self.desks.now[0] += timedelta(minutes=minutes)


@pytest.fixture
def room(desks: Desks, clock: list[datetime]) -> Room:
    clock[0] = at(MONDAY, 9)
    return Room(desks)


def test_who_has_an_appointment_is_called_before_whoever_came_without(room: Room) -> None:
    anna, sara = room.desks.cast.anna, room.desks.cast.sara
    room.desks.now[0] = at(MONDAY, 8)
    booked = room.desks.book(at(MONDAY, 9, 20))
    room.desks.now[0] = at(MONDAY, 9, 10)
    walk_in, mine = room.ticket(), room.arrives(booked.appointment_id)
    assert room.arrives(booked.appointment_id) == mine
    room.later(5)
    assert room.next(anna) == mine
    assert room.next(sara) == walk_in
    with pytest.raises(ConflictError):
        room.next(sara)
    room.step(anna, mine, Deed.SERVED)
    room.later(7)
    room.step(anna, mine, Deed.DONE)
    turn = room.get(mine)
    assert (turn.state, turn.waited_s, turn.served_s, turn.letter, turn.number) == (TurnState.DONE, 0, 420, "P", 1)
    kept = room.desks.work(lambda s: agendas.get(s, booked.appointment_id))
    assert kept.state is AppointmentState.DONE
    assert room.get(walk_in).waited_s == 300


def test_two_desks_that_call_at_once_call_two_people(room: Room) -> None:
    tickets = {room.ticket() for _ in range(2)}
    with ThreadPoolExecutor(2) as pool:
        called = list(pool.map(room.next, (room.desks.cast.anna, room.desks.cast.sara)))
    assert set(called) == tickets


def test_tickets_taken_at_once_have_numbers_of_their_own(room: Room) -> None:
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda _: room.ticket(), range(12)))
    numbers = sorted(room.get(one).number for one in taken)
    assert numbers == list(range(1, 13))
    assert {room.get(one).letter for one in taken} == {"A"}


def test_who_did_not_come_has_his_place_again_when_he_does(room: Room) -> None:
    anna = room.desks.cast.anna
    first, second = room.ticket(), room.ticket()
    assert room.next(anna) == first
    room.step(anna, first, Deed.RECALLED)
    room.step(anna, first, Deed.MISSED)
    room.step(anna, first, Deed.BACK)
    assert room.next(anna) == first
    assert room.get(first).calls == 1
    room.step(anna, first, Deed.BACK)
    assert [one.id for one in room.desks.work(lambda s: queries.office(s, room.desks.office)).waiting] == [
        first,
        second,
    ]


def test_whoever_is_passed_on_goes_to_the_desk_that_is_meant(room: Room) -> None:
    anna, sara, d = room.desks.cast.anna, room.desks.cast.sara, room.desks
    turn = room.ticket()
    room.next(anna)
    room.step(anna, turn, Deed.SERVED)
    with pytest.raises(InvalidError):
        room.do(anna, service.pass_on, turn_id=turn, service_id=d.tari, desk_id=d.one)
    room.do(anna, service.pass_on, turn_id=turn, service_id=d.tari, desk_id=d.two)
    assert room.next(anna) is None
    assert room.next(sara) == turn
    with pytest.raises(ConflictError):
        room.step(anna, turn, Deed.SERVED)
    with pytest.raises(ConflictError):
        room.do(sara, service.leave)
    room.step(sara, turn, Deed.MISSED)
    room.do(sara, service.leave)
    room.sit(anna, d.two)


def test_whoever_is_passed_on_with_an_appointment_is_served_by_who_does_the_other_service(room: Room) -> None:
    """Only Anna does what he booked; Sara does what he is passed on to, and her desk goes on."""
    anna, sara, d = room.desks.cast.anna, room.desks.cast.sara, room.desks
    of = {"ente_id": d.cast.empoli}
    told = ServiceTold({"name": {"it": "Rate"}}, NUMBERS, frozenset({d.office}))
    rate = d.work(lambda s: preparing.save_service(s, d.sara(s), **of, told=told))
    hers = replace(told, texts={"name": {"it": "TARI"}}, clerks=frozenset({anna}))
    d.work(lambda s: preparing.save_service(s, d.sara(s), **of, service_id=d.tari, told=hers))
    d.now[0] = at(MONDAY, 8)
    appointment = d.book(at(MONDAY, 9, 20)).appointment_id
    d.now[0] = at(MONDAY, 9, 15)
    turn = room.arrives(appointment)
    assert room.next(sara) is None
    room.next(anna)
    room.step(anna, turn, Deed.SERVED)
    room.do(anna, service.pass_on, turn_id=turn, service_id=rate)
    assert room.next(sara) == turn
    for deed in (Deed.SERVED, Deed.DONE):
        room.step(sara, turn, deed)
    assert d.work(lambda s: agendas.get(s, appointment)).state.value == "done"


def test_to_one_desk_nobody_is_passed_on_whom_its_clerk_may_not_serve(room: Room) -> None:
    anna, d = room.desks.cast.anna, room.desks
    told = ServiceTold({"name": {"it": "Rate"}}, NUMBERS, frozenset({d.office}), clerks=frozenset({anna}))
    rate = d.work(lambda s: preparing.save_service(s, d.sara(s), ente_id=d.cast.empoli, told=told))
    turn = room.ticket()
    room.next(anna)
    room.step(anna, turn, Deed.SERVED)
    with pytest.raises(InvalidError, match="non segue"):
        room.do(anna, service.pass_on, turn_id=turn, service_id=rate, desk_id=d.two)


def test_a_desk_has_one_clerk(room: Room) -> None:
    with pytest.raises(ConflictError):
        room.sit(room.desks.cast.sara, room.desks.one)
    room.do(room.desks.cast.sara, service.relieve, ente_id=room.desks.cast.empoli, desk_id=room.desks.one)
    room.sit(room.desks.cast.sara, room.desks.one)


def test_an_appointment_of_another_day_or_ente_is_not_checked_in(room: Room) -> None:
    tomorrow = room.desks.book(at(TUESDAY, 9, 20)).appointment_id
    with pytest.raises(ConflictError, match="non è di oggi"):
        room.arrives(tomorrow)
    with pytest.raises(NotFoundError):
        room.arrives(tomorrow, room.desks.cast.siena)


def test_another_entes_staff_see_and_change_nothing(room: Room) -> None:
    turn, d = room.ticket(), room.desks
    with d.database.begin(Scope.nothing()) as session:
        session.query(RoleGrant).filter(RoleGrant.user_id == d.cast.anna).delete()
    with pytest.raises(ForbiddenError):
        room.do(d.cast.anna, service.step, turn_id=turn, deed=Deed.MISSED)
    with pytest.raises(ForbiddenError):
        room.do(d.cast.anna, service.call_next)
    with d.database.begin(Scope.of_enti([d.cast.siena])) as session, pytest.raises(NotFoundError):
        queries.get(session, turn)


def test_who_is_at_the_desk_is_said_for_the_file_and_of_this_ente_alone(room: Room) -> None:
    anna, d = room.desks.cast.anna, room.desks
    turn = room.ticket()
    with pytest.raises(ConflictError):
        room.do(anna, service.identify, turn_id=turn, contact_id=d.cast.mario)
    room.next(anna)
    room.do(anna, service.identify, turn_id=turn, contact_id=d.cast.mario)
    assert room.desks.work(lambda s: queries.get(s, turn)).contact_id == d.cast.mario


def test_who_comes_after_he_was_called_in_vain_waits_again_and_once_served_has_no_number_more(room: Room) -> None:
    """At the kiosk by his code, as he did the first time: he had only gone to the bar."""
    anna, d = room.desks.cast.anna, room.desks
    d.now[0] = at(MONDAY, 8)
    booked = d.book(at(MONDAY, 9, 20))
    d.now[0] = at(MONDAY, 9, 15)
    mine = room.arrives(booked.appointment_id)
    room.next(anna)
    room.step(anna, mine, Deed.MISSED)
    assert room.arrives(booked.appointment_id) == mine
    assert d.work(lambda s: agendas.get(s, booked.appointment_id)).state is AppointmentState.ARRIVED
    assert room.next(anna) == mine
    room.step(anna, mine, Deed.SERVED)
    room.step(anna, mine, Deed.DONE)
    with pytest.raises(NotHereError) as refused:
        room.arrives(booked.appointment_id)
    assert refused.value.why is NotHere.OVER


def test_whoever_was_called_to_a_desk_that_is_freed_waits_again(room: Room) -> None:
    anna, sara, d = room.desks.cast.anna, room.desks.cast.sara, room.desks
    first = room.ticket()
    assert room.next(anna) == first
    for _ in range(2):
        room.do(sara, service.relieve, ente_id=d.cast.empoli, desk_id=d.one)
    assert room.next(sara) == first
    assert room.get(first).desk_id == d.two


def test_nobody_is_called_to_a_desk_that_is_left_at_the_same_moment(room: Room) -> None:
    anna, d = room.desks.cast.anna, room.desks

    def tried(what: Callable[..., Any]) -> bool:
        try:
            room.do(anna, what)
        except ConflictError:
            return False
        return True

    for _ in range(8):
        turn = room.ticket()
        with ThreadPoolExecutor(2) as pool:
            called, left = pool.map(tried, (service.call_next, service.leave))
        assert called is not left
        assert (room.get(turn).state is TurnState.CALLED) is called
        if left:
            room.sit(anna, d.one)
            room.next(anna)
        room.step(anna, turn, Deed.MISSED)


def test_who_had_an_appointment_and_never_came_is_marked_so_once_the_day_is_over(room: Room) -> None:
    d = room.desks
    d.now[0] = at(MONDAY, 8)
    missed, came = d.book(at(MONDAY, 9, 20)), d.book(at(MONDAY, 10), replace(PAOLA, email="a@b.example", phone=""))
    d.now[0] = at(MONDAY, 10)
    turn = room.arrives(came.appointment_id)
    d.now[0] = at(MONDAY, 23, 59)
    assert ending.mark_absent(d.database) == 0
    d.now[0] = at(TUESDAY, 0, 1)
    assert ending.mark_absent(d.database) == 1
    assert ending.mark_absent(d.database) == 0

    def state(one: Booked) -> AppointmentState:
        return d.work(lambda s: agendas.get(s, one.appointment_id)).state

    assert (state(missed), state(came)) == (AppointmentState.NO_SHOW, AppointmentState.ARRIVED)
    ending.end_days(d.database)
    assert room.get(turn).state is TurnState.CLOSED
    assert state(came) is AppointmentState.UNSERVED
    for one in (missed, came):  # and is put right, if it was otherwise
        for _ in range(2):
            room.do(d.cast.anna, booking.settle, ente_id=d.cast.empoli, appointment_id=one.appointment_id, came=True)
        assert state(one) is AppointmentState.DONE
        with pytest.raises(ConflictError):
            room.do(d.cast.anna, booking.settle, ente_id=d.cast.empoli, appointment_id=one.appointment_id, came=False)
    told = d.work(lambda s: [one.deed for one in agendas.events(s, missed.appointment_id)])
    assert told == [AppointmentDeed.BOOKED, AppointmentDeed.MISSED, AppointmentDeed.DONE]


def test_who_was_served_with_a_number_in_the_place_of_his_appointment_did_come(room: Room) -> None:
    anna, d = room.desks.cast.anna, room.desks
    d.now[0] = at(MONDAY, 8)
    booked = d.book(at(MONDAY, 9, 20), Person("Mario", "Bianchi", "BNCMRA62A01D403X", email="m@example.it"))
    d.now[0] = at(MONDAY, 9, 20)
    turn = room.ticket()
    room.next(anna)
    room.do(anna, service.identify, turn_id=turn, contact_id=d.cast.mario)
    d.now[0] = at(TUESDAY, 0, 5)
    assert ending.mark_absent(d.database) == 0
    assert d.work(lambda s: agendas.get(s, booked.appointment_id)).contact_id == d.cast.mario


def test_an_office_that_gives_no_numbers_says_of_nobody_that_he_did_not_come(room: Room) -> None:
    d = room.desks
    d.now[0] = at(MONDAY, 8)
    booked = d.book(at(MONDAY, 9, 20))
    of = {"ente_id": d.cast.empoli, "appointment_id": booked.appointment_id, "came": False}
    with pytest.raises(ConflictError, match="giornata finita"):
        room.do(d.cast.anna, booking.settle, **of)
    d.now[0] = at(TUESDAY, 9)
    room.ticket()  # the first one ever is given the day after
    assert ending.mark_absent(d.database) == 0
    room.do(d.cast.anna, booking.settle, **of)
    assert d.work(lambda s: agendas.get(s, booked.appointment_id)).state is AppointmentState.NO_SHOW
    with pytest.raises(ForbiddenError):
        room.do(d.cast.vera, booking.settle, **of)


def test_the_kiosk_gives_no_numbers_while_the_offices_calendar_elsewhere_is_busy(room: Room) -> None:
    """The two desks' meeting is from ten to twelve, the second desk's own leave for the rest of the day."""
    d = room.desks
    of = {"ente_id": d.cast.empoli, "office_id": d.office}

    def busy(session: Session, hours: tuple[int, int], desk: int | None) -> None:
        calendar = ExternalCalendar(
            **of, desk_id=desk, name="Sala", url="https://c.example/", username="", password=b"",
            made_by=d.cast.sara, made_at=d.now[0], due_at=d.now[0],
        )  # fmt: skip
        session.add(calendar)
        session.flush()
        start, end = (at(MONDAY, hour) for hour in hours)
        session.add(BusyTime(**of, calendar_id=calendar.id, desk_id=desk, starts_at=start, ends_at=end))

    d.work(lambda s: busy(s, (10, 12), None))
    d.now[0] = at(MONDAY, 10, 15)
    with pytest.raises(NoNumberError) as refused:
        room.ticket()
    assert refused.value.why is Without.CLOSED
    assert d.work(lambda s: queries.received(s, d.cast.empoli, d.office)).opens_at == at(MONDAY, 12)
    d.now[0] = at(MONDAY, 11, 30)
    assert room.ticket()
    d.work(lambda s: busy(s, (12, 13), d.one))
    d.now[0] = at(MONDAY, 12, 30)
    assert room.ticket()
    d.work(lambda s: busy(s, (12, 13), d.two))
    with pytest.raises(NoNumberError):
        room.ticket()


def test_a_screens_link_opens_its_kind_until_it_is_revoked(room: Room) -> None:
    d, sara = room.desks, room.desks.cast.sara
    of = {"ente_id": d.cast.empoli, "office_id": d.office, "name": "Ingresso", "language": "it"}
    token = room.do(sara, screens.hang, kind=ScreenKind.KIOSK, **of)

    def opened(session: Session, kind: ScreenKind = ScreenKind.KIOSK, text: str = token) -> int | None:
        found = screens.opened(session, text, kind)
        return found.id if found else None

    screen = d.work(opened)
    assert screen is not None
    assert d.work(lambda s: opened(s, ScreenKind.ROOM)) is None
    assert d.work(lambda s: opened(s, text=token + "x")) is None
    with pytest.raises(ForbiddenError):
        room.do(d.cast.anna, screens.revoke, screen_id=screen)
    room.do(sara, screens.revoke, screen_id=screen)
    assert d.work(opened) is None


def test_the_first_free_appointment_is_sampled_once_a_day(room: Room) -> None:
    """Monday at nine: the first one, after the notice, is on the same day, and so no working day away."""
    d = room.desks
    d.now[0] = at(MONDAY, 7)
    assert sampling.sample_due(d.database) == 0
    d.now[0] = at(MONDAY, 9)
    assert sampling.sample_due(d.database) == 1
    assert sampling.sample_due(d.database) == 0
    (row,) = d.work(lambda s: list(s.scalars(select(FirstFree))))
    assert (row.first, row.working_days) == (MONDAY, 0)


def test_a_sample_is_of_each_office_and_service_as_it_can_be_had_from_afar(room: Room) -> None:
    """TARI is full until Wednesday on the web; rates are booked three days ahead and there are none."""
    d = room.desks
    of = {"ente_id": d.cast.empoli}

    def prepare(session: Session) -> int:
        told = ServiceTold({"name": {"it": "Rate"}}, NUMBERS | {"horizon_days": 3}, frozenset({d.office}))
        rate = preparing.save_service(session, d.sara(session), **of, told=told)
        for name, desk in (("1", d.one), ("2", d.two)):
            kept = frozenset({d.tari})
            preparing.save_desk(
                session, d.sara(session), **of, office_id=d.office, desk_id=desk, name=name, services=kept
            )
        for day in (MONDAY, TUESDAY):
            when = Exceptional(0, None, day, day, closed=True, words="")
            preparing.add_exception(session, d.sara(session), **of, office_id=d.office, told=when)
        return rate

    rate = d.work(prepare)
    assert sampling.sample_due(d.database) == 2

    def taken() -> dict[int, tuple[date | None, int]]:
        rows = d.work(lambda s: list(s.scalars(select(FirstFree).where(FirstFree.day == d.now[0].date()))))
        return {row.service_id: (row.first, row.working_days) for row in rows}

    found = taken()
    assert found[d.tari] == (TUESDAY + DAY, 2)
    assert found[rate][0] is None
    assert found[rate][1] >= 20  # a month: never as few as the days for which it can be booked
    d.now[0] += DAY
    d.work(
        lambda s: preparing.set_quota(s, d.sara(s), **of, office_id=d.office, channel=Channel.WEB, share=0)
    )  # by telephone alone
    sampling.sample_due(d.database)
    assert taken()[d.tari] == (TUESDAY + DAY, 1)


def test_an_office_whose_agenda_has_ended_promises_no_appointment(room: Room) -> None:
    """Empoli's ended on Monday; what is only a draft is no promise either, and what is published again is one."""
    d = room.desks

    def sampled() -> int:
        return d.work(lambda s: sampling.sample(s, d.cast.empoli))

    d.work(lambda s: s.execute(update(OfficeAgenda).values(valid_to=MONDAY)))
    d.now[0] = at(MONDAY, 9)
    assert sampled() == 1
    d.now[0] = at(TUESDAY, 9)
    assert sampled() == 0
    windows, of = every_day(d.one), {"ente_id": d.cast.empoli, "office_id": d.office}
    draft: dict[str, Any] = {"windows": windows, "valid_from": TUESDAY, "observes_holidays": False}
    d.work(lambda s: preparing.save_draft(s, d.sara(s), **of, **draft))
    assert sampled() == 0
    d.work(lambda s: preparing.publish(s, d.sara(s), **of))
    assert sampled() == 1


def test_the_levels_read_waits_and_handling_of_the_period_and_of_the_ente(room: Room) -> None:
    """Two walk-ins on Monday: called after 4 and 30 minutes, served for 10 and 20. Vinci has none of it."""
    anna, d = room.desks.cast.anna, room.desks
    for waits, served in ((4, 10), (30, 20)):
        turn = room.ticket()
        room.later(waits)
        assert room.next(anna) == turn
        room.step(anna, turn, Deed.SERVED)
        room.later(served)
        room.step(anna, turn, Deed.DONE)
    room.ticket()
    sampling.sample_due(d.database)

    def read(session: Session, ente_id: int | None = None) -> AtDesks | None:
        return evidence.of_period(session, d.cast.contract, MONDAY, TUESDAY, ente_id=ente_id).desks

    found = d.work(read)
    whose = {MONDAY: {d.cast.empoli: 1800}}
    assert found == AtDesks({MONDAY: 1800}, served=2, served_s=1800, lead=0, of_enti=whose)
    assert d.work(lambda s: read(s, d.cast.empoli)) == found
    assert d.work(lambda s: read(s, d.cast.vinci)) is None
    assert d.work(lambda s: evidence.of_period(s, d.cast.contract, TUESDAY, TUESDAY + DAY)).desks is None


def test_the_kiosk_keeps_to_the_hours_and_to_how_many_numbers_a_service_gives(room: Room) -> None:
    d = room.desks

    def at_most(most: int | None, offered: bool = True) -> None:
        told = ServiceTold({"name": {"it": "TARI"}}, NUMBERS, frozenset({d.office}), walk_ins=most)
        d.work(lambda s: preparing.save_service(s, d.sara(s), ente_id=d.cast.empoli, service_id=d.tari, told=told))

    def why(turn: Callable[[], int]) -> Without:
        with pytest.raises(NoNumberError) as refused:
            turn()
        return refused.value.why

    d.now[0] = at(MONDAY, 8, 29)
    assert why(room.ticket) is Without.CLOSED
    assert d.work(lambda s: queries.received(s, d.cast.empoli, d.office)).opens_at == at(MONDAY, 9)
    d.now[0] = at(MONDAY, 8, 30)
    first = room.ticket()
    at_most(2)
    room.ticket()
    assert why(room.ticket) is Without.FULL
    of = {"ente_id": d.cast.empoli, "office_id": d.office, "service_id": d.tari}
    assert room.do(d.cast.anna, service.take_ticket, **of) > first  # at the desk somebody decides for himself
    at_most(0)
    d.now[0] = at(TUESDAY, 9)
    assert why(room.ticket) is Without.FULL
    d.now[0] = at(TUESDAY, 13)
    assert why(room.ticket) is Without.CLOSED
    assert d.work(lambda s: queries.received(s, d.cast.empoli, d.office)).opens_at == at(TUESDAY + DAY, 9)


def test_the_day_ends_for_whoever_was_not_served_and_nobody_sits_there_any_more(room: Room) -> None:
    d = room.desks
    d.now[0] = at(MONDAY, 8)
    booked = d.book(at(MONDAY, 9, 20))
    d.now[0] = at(MONDAY, 9, 20)
    came, second, third = room.arrives(booked.appointment_id), room.ticket(), room.ticket()
    assert room.next(d.cast.anna) == came
    room.step(d.cast.anna, came, Deed.SERVED)
    room.later(5)
    room.do(d.cast.anna, service.pass_on, turn_id=came, service_id=d.tari)
    assert room.next(d.cast.anna) == came
    room.later(1)
    assert ending.end_days(d.database) == 0  # not while it lasts
    d.now[0] = at(TUESDAY, 0, 5)
    assert ending.end_days(d.database) == 3
    assert {room.get(one).state for one in (came, second, third)} == {TurnState.CLOSED}
    assert room.get(came).served_s is None
    assert d.work(lambda s: agendas.get(s, booked.appointment_id)).state is AppointmentState.UNSERVED
    assert d.work(lambda s: s.scalars(select(DeskSeat)).all()) == []
    assert ending.end_days(d.database) == 0
    days = d.work(lambda s: queries.counter_days(s, [d.cast.empoli], MONDAY, TUESDAY))
    assert (days[MONDAY].called, days[MONDAY].served) == (1, 0)


def test_a_visit_stands_on_the_timeline_of_whoever_came_with_its_note(room: Room) -> None:
    d = room.desks
    anna = d.cast.anna
    turn = room.ticket()
    room.later(7)
    room.next(anna)
    room.step(anna, turn, Deed.SERVED)
    with pytest.raises(ConflictError):
        room.do(anna, service.note, turn_id=turn, text="Rateizzazione")

    def entries(contact: int) -> list[TimelineEntry]:
        own = (TimelineEntry.kind == EntryKind.VISIT, TimelineEntry.contact_id == contact)
        return list(d.work(lambda s: s.scalars(select(TimelineEntry).where(*own)).all()))

    twin = d.work(lambda s: add_contact(s, d.cast.empoli, "VRDPLA80A41D403X", "VERDI", "PAOLA", None))
    room.do(anna, service.identify, turn_id=turn, contact_id=twin)
    room.do(anna, service.note, turn_id=turn, text="Era un altro")
    room.do(anna, service.identify, turn_id=turn, contact_id=d.cast.mario)
    assert entries(twin) == []
    assert room.get(turn).note == ""
    room.do(anna, service.note, turn_id=turn, text="  Chiede le rate ")
    with pytest.raises(FieldError):
        room.do(anna, service.note, turn_id=turn, text="x" * 2001)
    room.later(12)
    room.step(anna, turn, Deed.DONE)
    (entry,) = entries(d.cast.mario)
    assert (entry.status, entry.author_id) == ("done", anna)
    told = {name: entry.detail[name] for name in ("waited_s", "served_s", "note", "booked", "service", "desk")}
    assert told == {
        "waited_s": 420, "served_s": 720, "note": "Chiede le rate", "booked": False, "service": "TARI", "desk": "1",
    }  # fmt: skip
    with pytest.raises(ConflictError):
        room.do(d.cast.sara, service.note, turn_id=turn, text="x")
