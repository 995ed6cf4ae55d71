"""Who finds no time at Empoli's tax office waits for one, and is offered what is freed, in order."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.agendas import booking, codes, holding, keeping
from crm.agendas.codes import Use
from crm.agendas.errors import FreeAlreadyError, OfferGoneError, SlotGoneError, TooManyError
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.people import Person
from crm.agendas.rules import Channel
from crm.agendas.slots import Free, Seat
from crm.agendas.times import Stretch, is_morning
from crm.agendas.wishes import offering, queries, service
from crm.agendas.wishes.models import BookingWish, Outcome, Part, WishState
from crm.agendas.wishes.order import AWAKE, LEAST, Waiting, answer_by, awake_until, matched, suits
from crm.agendas.wishes.service import Wanted
from crm.core.clock import ROME
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.messages.models import Message
from crm.messages.rules import Quiet
from tests.cast import principal_of
from tests.crm.agendas.conftest import MANAGE, MONDAY, PAOLA, TUESDAY, Desks, at, every_day

LUCA = Person("Luca", "Neri", email="luca@example.it")
GINO = Person("Gino", "Bini", phone="348 1234567")
NINE = at(TUESDAY, 9)
DAY, SLOT = timedelta(days=1), timedelta(minutes=20)
WEDNESDAY, UNTIL = MONDAY + 2 * DAY, MONDAY + 3 * DAY


@pytest.fixture
def full(desks: Desks) -> Desks:
    """One desk, each of whose times until Thursday is somebody's."""
    desks.publish(*every_day(desks.one))
    times = [at(MONDAY + DAY * day, 9) + SLOT * slot for day in range(4) for slot in range(12)]
    desks.work(lambda s: s.add_all([_given_away(desks, one) for one in times]))
    return desks


def _given_away(desks: Desks, when: datetime) -> Appointment:
    return Appointment(
        id=UUID(int=int(when.timestamp())), ente_id=desks.cast.empoli, office_id=desks.office, desk_id=desks.one,
        place=0, service_id=desks.tari, state=AppointmentState.BOOKED, channel=Channel.DESK,
        code=codes.new_code(), starts_at=when, ends_at=when + SLOT, free_at=when + SLOT, made_at=desks.now[0],
        changed_at=desks.now[0],
    )  # fmt: skip


def waits(desks: Desks, person: Person, **more: Any) -> str:
    desks.now[0] += timedelta(seconds=1)
    wanted = Wanted(**{"until": UNTIL, **more})
    return desks.work(
        lambda s: service.wish(
            s, ente_id=desks.cast.empoli, service_id=desks.tari, wanted=wanted, person=person, manage_at=MANAGE
        )
    )


def freed(desks: Desks, when: datetime) -> None:
    """Whoever had it does not come."""
    own = {"ente_id": desks.cast.empoli, "appointment_id": UUID(int=int(when.timestamp()))}
    desks.work(lambda s: booking.cancel(s, None, **own, manage_at=MANAGE))


def look(desks: Desks) -> int:
    """The engine's chore."""
    return offering.offer_all(desks.database, lambda _session, _ente: MANAGE)


def wish_of(desks: Desks, token: str) -> queries.WishView:
    return desks.work(lambda s: queries.by_token(s, desks.cast.empoli, token))


def offered(desks: Desks, token: str) -> list[datetime]:
    return [one.starts_at for one in wish_of(desks, token).offers if one.outcome is Outcome.OPEN]


def link(desks: Desks, token: str) -> str:
    """The token of the offer that is open, as its message has it."""
    one = wish_of(desks, token).offered
    assert one is not None
    return desks.work(lambda s: codes.token(s, Use.OFFER, desks.cast.empoli, one.id))


def answer(desks: Desks, deed: Callable[..., Any], token: str) -> Any:
    return desks.work(lambda s: deed(s, ente_id=desks.cast.empoli, token=token, manage_at=MANAGE))


def test_what_a_citizen_frees_is_the_first_ones_before_anybody_sees_it(full: Desks) -> None:
    first, second = waits(full, PAOLA), waits(full, LUCA)
    freed(full, NINE)
    assert (offered(full, first), offered(full, second)) == ([NINE], [])
    assert full.free(TUESDAY) == []
    with pytest.raises(SlotGoneError):
        full.hold(NINE)
    told = full.work(lambda s: s.scalars(select(Message).where(Message.template == "waiting_offer")).one())
    assert told.address == "paola@example.it"
    assert f"/appointments/posto/{link(full, first)}" in told.body
    assert answer(full, service.take, link(full, first)) == answer(full, service.take, link_of(full, first))
    assert wish_of(full, first).state is WishState.SERVED
    row = full.work(lambda s: s.scalars(select(Appointment).where(Appointment.surname == "Verdi")).one())
    assert (row.starts_at, row.state) == (NINE, AppointmentState.BOOKED)


def link_of(desks: Desks, token: str) -> str:
    """The token of the last offer, whatever came of it."""
    last = wish_of(desks, token).offers[-1]
    return desks.work(lambda s: codes.token(s, Use.OFFER, desks.cast.empoli, last.id))


def test_what_nobody_answers_goes_to_the_next_and_to_nobody_twice(full: Desks) -> None:
    first, second = waits(full, PAOLA), waits(full, LUCA)
    freed(full, NINE)
    late = link(full, first)
    full.now[0] += AWAKE
    with pytest.raises(OfferGoneError):
        answer(full, service.take, late)
    assert full.free(TUESDAY) == []  # nobody comes between
    assert look(full) == 1
    assert (offered(full, first), offered(full, second)) == ([], [NINE])
    full.now[0] += AWAKE
    assert look(full) == 0  # each was asked once
    assert [one.starts_at for one in full.free(TUESDAY)] == [NINE]
    assert [one.outcome for one in wish_of(full, first).offers] == [Outcome.MISSED]


def _at_once(*deeds: Callable[[], Any]) -> None:
    start = Barrier(len(deeds))

    def do(deed: Callable[[], Any]) -> None:
        start.wait(10)
        deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        list(pool.map(do, deeds))


def test_two_times_freed_at_once_go_to_the_first_two_and_to_nobody_after_them(full: Desks) -> None:
    first, second, third = waits(full, PAOLA), waits(full, LUCA), waits(full, GINO)
    ten = at(TUESDAY, 10)
    _at_once(lambda: freed(full, NINE), lambda: freed(full, ten))
    assert sorted(offered(full, first) + offered(full, second)) == [NINE, ten]
    assert (len(offered(full, first)), offered(full, third)) == (1, [])


def test_an_offer_that_runs_out_while_another_time_is_freed_leaves_everybody_his_turn(full: Desks) -> None:
    """At the same moment the engine finds what nobody answered, and a citizen frees a time."""
    first, second, third = waits(full, PAOLA), waits(full, LUCA), waits(full, GINO)
    ten, eleven = at(TUESDAY, 10), at(TUESDAY, 11)
    freed(full, NINE)
    full.now[0] += AWAKE
    _at_once(lambda: freed(full, ten), lambda: look(full))
    look(full)
    has = [offered(full, one) for one in (first, second, third)]
    assert NINE not in has[0]  # nobody is offered a time twice
    assert sorted(one for each in has for one in each) == [NINE, ten]
    assert len(has[1]) == 1  # whoever is left out, it is not he: there are two times
    assert full.free(TUESDAY) == []
    freed(full, eleven)
    left = next(one for one, what in zip((first, second, third), has, strict=True) if not what)
    assert offered(full, left) == [eleven]


def test_refusing_and_leaving_pass_it_on_at_once(full: Desks) -> None:
    first, second, third = waits(full, PAOLA), waits(full, LUCA), waits(full, GINO)
    freed(full, NINE)
    answer(full, service.refuse, link(full, first))
    assert offered(full, second) == [NINE]
    answer(full, service.leave, second)
    answer(full, service.leave, second)
    assert offered(full, third) == [NINE]
    states = [wish_of(full, one).state for one in (first, second, third)]
    assert states == [WishState.WAITING, WishState.LEFT, WishState.WAITING]
    freed(full, at(TUESDAY, 10))
    assert offered(full, first) == [at(TUESDAY, 10)]  # he kept his place


def test_only_what_suits_him_is_offered(full: Desks) -> None:
    token = waits(full, PAOLA, weekdays=frozenset({2}), part=Part.MORNING, until=WEDNESDAY)
    freed(full, NINE)
    freed(full, at(UNTIL, 9))
    assert offered(full, token) == []
    freed(full, at(WEDNESDAY, 9))
    assert offered(full, token) == [at(WEDNESDAY, 9)]


def test_a_new_agenda_and_a_hold_that_ran_out_are_found_by_the_engine(full: Desks) -> None:
    first = waits(full, PAOLA)
    assert look(full) == 0
    full.publish(*every_day(full.one), *every_day(full.two), valid_from=TUESDAY)
    assert look(full) == 1
    (got,) = offered(full, first)
    assert got == NINE
    answer(full, service.take, link(full, first))
    for one in full.free(TUESDAY):
        full.hold(one.starts_at)
    second = waits(full, LUCA, until=TUESDAY)
    assert look(full) == 0
    full.now[0] += holding.HELD_FOR
    assert look(full) == 1
    assert offered(full, second) == [at(TUESDAY, 9, 20)]


def test_whoever_answers_none_of_three_is_written_to_no_more(full: Desks) -> None:
    token = waits(full, PAOLA)
    for slot in range(3):
        freed(full, at(UNTIL, 12) + SLOT * slot)
        assert offered(full, token)
        full.now[0] += AWAKE
        look(full)
    assert wish_of(full, token).state is WishState.SILENT


def test_whoever_books_himself_waits_no_more_and_his_offer_is_the_next_ones(full: Desks) -> None:
    first, second = waits(full, PAOLA), waits(full, LUCA)
    freed(full, NINE)
    full.work(lambda s: s.delete(s.get_one(Appointment, UUID(int=int(at(TUESDAY, 11).timestamp())))))
    full.book(at(TUESDAY, 11))
    assert wish_of(full, first).state is WishState.SERVED
    assert look(full) == 1
    assert offered(full, second) == [NINE]


def test_nobody_waits_for_what_is_free_nor_twice_nor_without_an_address(desks: Desks) -> None:
    with pytest.raises(FreeAlreadyError) as there:
        waits(desks, PAOLA)
    assert len(there.value.alternatives) == service.NEAREST
    token = waits(desks, PAOLA, part=Part.AFTERNOON)
    assert wish_of(desks, token).waits
    with pytest.raises(TooManyError):
        waits(desks, PAOLA, part=Part.AFTERNOON)
    for wrong, person in (
        ({}, Person("Ugo", "Foschi", phone="0571 700123")),
        ({"until": MONDAY - timedelta(days=1)}, LUCA),
        ({"until": MONDAY + timedelta(days=91)}, LUCA),
    ):
        with pytest.raises(InvalidError):
            waits(desks, person, **{"part": Part.AFTERNOON, **wrong})
    for forged in ({"offices": frozenset({99_999})}, {"weekdays": frozenset({7})}):
        with pytest.raises(NotFoundError):
            waits(desks, LUCA, part=Part.AFTERNOON, **forged)


def test_links_are_nobody_elses_and_each_for_its_own_deed(full: Desks) -> None:
    token = waits(full, PAOLA)
    freed(full, NINE)
    offer = link(full, token)
    for deed, wrong in ((service.take, token), (service.refuse, token), (service.leave, "x" + offer[2:])):
        with pytest.raises(NotFoundError):
            answer(full, deed, wrong)
    with pytest.raises(NotFoundError):
        full.work(lambda s: service.take(s, ente_id=full.cast.vinci, token=offer, manage_at=MANAGE), full.cast.vinci)
    assert offered(full, token) == [NINE]


def test_the_staff_take_somebody_off_and_who_may_not_does_not(full: Desks) -> None:
    token = waits(full, PAOLA)
    one = wish_of(full, token)
    of: Any = {"ente_id": full.cast.empoli, "wish_id": one.id, "manage_at": MANAGE}
    with pytest.raises(ForbiddenError):
        full.work(lambda s: service.remove(s, principal_of(s, full.cast.vera), **of))
    for _ in range(2):
        full.work(lambda s: service.remove(s, full.sara(s), **of))
    assert wish_of(full, token).state is WishState.LEFT


def test_many_free_and_many_want_at_once_and_no_time_is_given_twice(full: Desks) -> None:
    """Six cancel at the same moment, while ten wait and somebody at the page tries for each of the times."""
    tokens = [waits(full, Person("Ada", f"Numero {'ABCDEFGHIJ'[n]}", email=f"n{n}@example.it")) for n in range(10)]
    times = [at(WEDNESDAY, 10) + SLOT * n for n in range(6)]
    start = Barrier(12)

    def cancel(when: datetime) -> None:
        start.wait(10)
        freed(full, when)

    def grab(when: datetime) -> int:
        start.wait(10)
        try:
            full.hold(when)
        except SlotGoneError:
            return 0
        return 1

    with ThreadPoolExecutor(12) as pool:
        grabbed = [pool.submit(grab, one) for one in times]
        for one in [pool.submit(cancel, one) for one in times]:
            one.result(30)
        by_page = sum(one.result(30) for one in grabbed)
    look(full)
    given = [when for token in tokens for when in offered(full, token)]
    assert by_page == 0
    assert sorted(given) == times
    assert [bool(offered(full, token)) for token in tokens] == [True] * 6 + [False] * 4


def test_the_last_day_goes_by_and_in_time_he_is_forgotten(full: Desks) -> None:
    token = waits(full, PAOLA, until=TUESDAY)
    full.now[0] += timedelta(days=2)
    look(full)
    assert wish_of(full, token).state is WishState.OVER
    full.now[0] += timedelta(days=91)
    assert keeping.forget_people(full.database) >= 1
    assert full.work(lambda s: s.scalars(select(BookingWish)).all()) == []
    told = full.work(lambda s: s.scalars(select(Message).where(Message.cause.startswith("wish:"))).all())
    assert {(one.address, one.body) for one in told} == {("", "")}


# -- pure ----------------------------------------------------------------------------------------------------------

QUIET = Quiet()
DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
SLOTS = st.integers(0, 30).map(lambda n: at(TUESDAY, 7) + timedelta(minutes=20 * n))
TIMES = st.lists(
    st.builds(
        lambda office, start, seats: Free(office, start, start + timedelta(minutes=30), tuple(sorted(seats))),
        st.integers(1, 2), SLOTS, st.sets(st.builds(Seat, st.integers(1, 3), st.integers(0, 1)), min_size=1),
    ),
    max_size=12, unique_by=lambda one: (one.office_id, one.starts_at),
).map(lambda those: sorted(those, key=lambda one: (one.starts_at, one.office_id)))  # fmt: skip
WISHES = st.lists(
    st.builds(
        Waiting, st.uuids(), st.just(1), INSTANTS, st.sampled_from([MONDAY, TUESDAY, UNTIL]),
        st.frozensets(st.integers(1, 2), max_size=1), st.frozensets(st.integers(0, 6)), st.sampled_from(Part),
        st.frozensets(st.tuples(st.integers(1, 2), SLOTS), max_size=3),
    ),
    max_size=8, unique_by=lambda one: one.id,
)  # fmt: skip


@given(WISHES, TIMES)
def test_whoever_came_later_has_nothing_that_suited_one_before_him_who_has_none(
    wishes: list[Waiting], times: list[Free]
) -> None:
    """And nobody has two, nothing is offered again, and no seat goes to two at once."""
    buffer = timedelta(minutes=5)
    found = matched(wishes, {1: times}, {1: buffer})
    got = {one.id: time for one, time in found}
    assert len(got) == len(found)
    ranked = sorted(wishes, key=lambda one: (one.since, one.id))
    for n, one in enumerate(ranked):
        for later in ranked[n + 1 :]:
            if (theirs := got.get(later.id)) is not None and suits(one, theirs):
                assert one.id in got
                assert got[one.id].starts_at <= theirs.starts_at
    for one, time in found:
        assert suits(one, time)
        assert (time.office_id, time.starts_at) not in one.had
        assert one.part is Part.ANY or is_morning(time.starts_at) is (one.part is Part.MORNING)
    for at_once in found:
        when = Stretch(at_once[1].starts_at, at_once[1].ends_at + buffer)
        same = [one for _, one in found if Stretch(one.starts_at, one.ends_at + buffer).overlaps(when)]
        assert len(same) <= len({seat for one in same for seat in one.seats})


@given(INSTANTS, st.integers(1, 20 * 60).map(lambda minutes: timedelta(minutes=minutes)))
def test_time_to_answer_passes_while_people_are_awake_alone(now: datetime, length: timedelta) -> None:
    end = awake_until(now, length, QUIET)
    assert end >= now + length
    assert QUIET.ends <= end.astimezone(ROME).time() <= QUIET.starts
    assert awake_until(now, length + timedelta(minutes=1), QUIET) > end


@given(INSTANTS, INSTANTS, st.integers(0, 3000).map(lambda minutes: timedelta(minutes=minutes)))
def test_an_offer_ends_before_the_notice_and_leaves_time_to_answer(
    now: datetime, starts_at: datetime, notice: timedelta
) -> None:
    until = answer_by(starts_at, notice, QUIET, now=now)
    if until is None:
        assert awake_until(now, LEAST, QUIET) > starts_at - notice
    else:
        assert now + LEAST <= until <= starts_at - notice
        assert until <= awake_until(now, AWAKE, QUIET)


@pytest.mark.parametrize(("now", "until"), [
    (at(MONDAY, 9), at(MONDAY, 11)), (at(MONDAY, 20), at(TUESDAY, 9)), (at(MONDAY, 23), at(TUESDAY, 10)),
    (at(MONDAY, 19), at(MONDAY, 21)), (at(MONDAY, 2), at(MONDAY, 10)),
    (at(date(2027, 3, 27), 20, 30), at(date(2027, 3, 28), 9, 30)),  # in the night an hour is left out
    (at(date(2026, 10, 24), 20, 30), at(date(2026, 10, 25), 9, 30)),  # and in this one there is one more
])  # fmt: skip
def test_what_is_freed_in_the_evening_is_his_until_the_morning(now: datetime, until: datetime) -> None:
    assert answer_by(at(MONDAY, 9) + timedelta(days=365), timedelta(hours=2), QUIET, now=now) == until
