"""Many appointments moved and cancelled together, killed on the way, and brought back."""

from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from crm.agendas import booking, preparing, queries
from crm.agendas.bulk import service as bulk
from crm.agendas.bulk.models import BulkKind, BulkState, ItemState
from crm.agendas.bulk.proposal import DayFor, Wanted, cleared, proposed
from crm.agendas.bulk.service import JOB, Which
from crm.agendas.errors import SlotGoneError
from crm.agendas.models import AppointmentState
from crm.agendas.people import Person
from crm.agendas.plan import EVERYTHING, Exceptional, Open
from crm.agendas.rules import Channel
from crm.agendas.slots import Measures
from crm.agendas.times import Stretch
from crm.core import jobs
from crm.core.db import Database
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.core.jobs import Job, LeaseLostError, Taken
from crm.messages.models import Message
from tests.cast import principal_of
from tests.crm.agendas.conftest import HOUR, MANAGE, MONDAY, TUESDAY, Desks, at

ALL_DAY = Which(TUESDAY, TUESDAY)
TWENTY = timedelta(minutes=20)
RUNNER = bulk.runner(lambda _session, _ente: MANAGE)


def come(desks: Desks, count: int) -> list[UUID]:
    """So many people on Tuesday from nine on, two at a time, at both desks."""
    return [
        desks.book(at(TUESDAY, 9) + TWENTY * (n // 2), Person("Anna", f"Numero{'ABCDEFGH'[n]}", email=f"n{n}@x.it"))
        .appointment_id
        for n in range(count)
    ]  # fmt: skip


def prepare(desks: Desks, kind: BulkKind = BulkKind.MOVE, which: Which = ALL_DAY) -> UUID:
    return desks.work(
        lambda s: bulk.prepare(
            s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, kind=kind, which=which,
            reason="Sciopero",
        )
    )  # fmt: skip


def start(desks: Desks, change: UUID, chosen: list[UUID]) -> None:
    desks.work(lambda s: bulk.start(s, desks.sara(s), ente_id=desks.cast.empoli, change_id=change, chosen=chosen))


def work(desks: Desks, database: Database | None = None) -> None:
    """The jobs that are due, as a worker does them."""
    for job_id, ente_id in desks.work(jobs.due):
        with desks.database.begin(desks.scope) as session:
            mine = session.get_one(Job, job_id).kind == JOB
        if mine:
            jobs.run(database or desks.database, {JOB: RUNNER}, job_id=job_id, ente_id=ente_id)


def found(desks: Desks, ids: list[UUID]) -> list[queries.AppointmentView]:
    return [desks.work(lambda s, one=one: queries.get(s, one)) for one in ids]


def messages(desks: Desks) -> int:
    with desks.database.begin(desks.scope) as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


@pytest.mark.integration
def test_a_day_is_emptied_and_each_is_told_once_although_the_job_was_killed(desks: Desks) -> None:
    people = come(desks, 4)
    change, before = prepare(desks), messages(desks)
    assert {one.starts_at for one in found(desks, people)} == {at(TUESDAY, 9), at(TUESDAY, 9, 20)}  # nothing yet
    start(desks, change, people)
    start(desks, change, people)  # said twice
    renewed = 0

    def killed_at_the_third() -> None:
        nonlocal renewed
        renewed += 1
        if renewed == 3:
            raise LeaseLostError

    with pytest.raises(LeaseLostError):
        RUNNER.do(desks.database, Taken(1, desks.cast.empoli, {"change": str(change)}, killed_at_the_third))
    assert messages(desks) - before == 2
    work(desks)
    now = found(desks, people)
    # The nearest on Monday, from an hour's notice on: everything of it is free.
    assert all(one.starts_at < at(TUESDAY, 0) or one.starts_at >= at(TUESDAY, 13) for one in now)
    assert len({(one.starts_at, one.desk_id) for one in now}) == 4
    assert {one.reason for one in now} == {"Sciopero"}
    assert messages(desks) - before == 4
    assert desks.work(lambda s: bulk.get(s, change).state) is BulkState.DONE


@pytest.mark.integration
def test_a_desk_is_emptied_to_the_other_at_the_same_hour_and_nobody_is_disturbed(desks: Desks) -> None:
    mine = desks.book(at(TUESDAY, 9))
    desk = found(desks, [mine.appointment_id])[0].desk_id
    change, before = prepare(desks, which=Which(TUESDAY, TUESDAY, desk)), messages(desks)
    start(desks, change, [mine.appointment_id])
    work(desks)
    now = found(desks, [mine.appointment_id])[0]
    assert (now.starts_at, now.desk_id != desk, messages(desks)) == (at(TUESDAY, 9), True, before)


@pytest.mark.integration
def test_a_cancelled_day_is_brought_back_but_for_a_time_that_somebody_has_meanwhile(desks: Desks) -> None:
    people = come(desks, 3)
    change = prepare(desks, BulkKind.CANCEL)
    start(desks, change, people)
    work(desks)
    assert {one.state for one in found(desks, people)} == {AppointmentState.CANCELLED_BY_OFFICE}
    for n in range(2):
        desks.book(at(TUESDAY, 9), Person("Luca", "Neri", email=f"l{n}@x.it"))
    desks.work(lambda s: bulk.undo(s, desks.sara(s), ente_id=desks.cast.empoli, change_id=change))
    work(desks)
    assert [one.state for one in found(desks, people)] == [
        AppointmentState.CANCELLED_BY_OFFICE, AppointmentState.CANCELLED_BY_OFFICE, AppointmentState.BOOKED,
    ]  # fmt: skip
    with desks.database.begin(desks.scope) as session:
        assert [one.state for one in bulk.items(session, change)] == [
            ItemState.KEPT, ItemState.KEPT, ItemState.UNDONE,
        ]  # fmt: skip
        assert bulk.get(session, change).state is BulkState.UNDONE


@pytest.mark.integration
def test_a_move_is_brought_back_and_what_changed_meanwhile_stays(desks: Desks) -> None:
    people = come(desks, 2)
    change = prepare(desks)
    start(desks, change, people)
    work(desks)
    desks.work(lambda s: booking.cancel(s, None, ente_id=desks.cast.empoli, appointment_id=people[0], manage_at=MANAGE))
    desks.work(lambda s: bulk.undo(s, desks.sara(s), ente_id=desks.cast.empoli, change_id=change))
    work(desks)
    first, second = found(desks, people)
    assert (first.state, second.starts_at) == (AppointmentState.CANCELLED_BY_CITIZEN, at(TUESDAY, 9))


@pytest.mark.integration
def test_what_is_left_outside_by_a_closure_is_moved_into_what_is_open(desks: Desks) -> None:
    people = come(desks, 2)
    told = Exceptional(0, None, TUESDAY, TUESDAY, closed=True, words="Sciopero")
    desks.work(
        lambda s: preparing.add_exception(
            s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, told=told, seen=frozenset(people)
        )
    )
    change = prepare(desks, which=Which(MONDAY, MONDAY, outside=True))
    start(desks, change, people[:1])  # the other is left out
    work(desks)
    assert desks.work(lambda s: [one.id for one in preparing.outside(s, desks.office)]) == people[1:]


@pytest.mark.integration
def test_only_whoever_prepares_the_entes_agendas_does_it(desks: Desks) -> None:
    people, cast = come(desks, 1), desks.cast
    change = prepare(desks)
    with pytest.raises(ForbiddenError):
        desks.work(
            lambda s: bulk.start(s, principal_of(s, cast.anna), ente_id=cast.empoli, change_id=change, chosen=people)
        )
    with pytest.raises(NotFoundError):
        desks.work(lambda s: bulk.start(s, desks.sara(s), ente_id=cast.empoli, change_id=uuid4(), chosen=people))
    with pytest.raises((NotFoundError, ForbiddenError)):
        desks.work(lambda s: bulk.undo(s, desks.sara(s), ente_id=cast.vinci, change_id=change), cast.vinci)
    with pytest.raises(InvalidError):
        prepare(desks, which=Which(MONDAY, MONDAY))
    desks.work(lambda s: bulk.drop(s, desks.sara(s), ente_id=cast.empoli, change_id=change))
    desks.work(lambda s: bulk.drop(s, desks.sara(s), ente_id=cast.empoli, change_id=change))


@pytest.mark.integration
def test_an_appointment_is_moved_by_less_than_it_takes(desks: Desks) -> None:
    """The new time overlaps its own, which stands in nobody's way; another's does."""
    mine = desks.book(at(TUESDAY, 9))
    desks.work(
        lambda s: preparing.save_service(
            s, desks.sara(s), ente_id=desks.cast.empoli, service_id=desks.tari,
            told=preparing.ServiceTold(
                {"name": {"it": "TARI"}}, {"duration": 40, "step": 20, "notice": 60, "horizon_days": 30},
                frozenset({desks.office}),
            ),
        )
    )  # fmt: skip
    other = [desks.book(at(TUESDAY, 10), Person("B", f"Neri{n}", email=f"b{n}@x.it")) for n in "ab"]
    assert len(other) == 2

    def to(when: datetime) -> booking.Booked:
        return desks.work(
            lambda s: booking.move_to(
                s, None, ente_id=desks.cast.empoli, appointment_id=mine.appointment_id, office_id=desks.office,
                starts_at=when, channel=Channel.WEB, manage_at=MANAGE,
            )
        )  # fmt: skip

    assert to(at(TUESDAY, 9, 20)).starts_at == at(TUESDAY, 9, 20)
    now = found(desks, [mine.appointment_id])[0]
    assert now.ends_at == at(TUESDAY, 10)
    with pytest.raises(SlotGoneError) as refused:
        to(at(TUESDAY, 9, 40))
    assert refused.value.alternatives
    assert found(desks, [mine.appointment_id])[0] == now


MEASURES = Measures(1, TWENTY, timedelta(minutes=5), timedelta(minutes=5))


@given(
    st.lists(st.integers(0, 47), min_size=1, max_size=12),
    st.integers(1, 3),
    st.integers(0, 4),
)
def test_no_two_get_one_seat_and_none_goes_into_what_is_emptied(
    quarters: list[int], places: int, earliest: int
) -> None:
    """New times for many: each is within open hours, nobody is on another's seat, and nothing is emptied into."""
    midnight = at(TUESDAY, 0)
    opened = [Open(1, places, EVERYTHING, Stretch(midnight + 9 * HOUR, midnight + 13 * HOUR))]
    hole = Stretch(midnight + 10 * HOUR, midnight + 11 * HOUR)
    left = cleared(opened, hole, None)
    wanted = [
        Wanted(UUID(int=n), midnight + quarter * timedelta(minutes=15), MEASURES, midnight + (8 + earliest) * HOUR)
        for n, quarter in enumerate(quarters)
    ]
    given_away = proposed(wanted, [DayFor(TUESDAY, left, [])])
    starts = sorted(aim.starts_at for aim in given_away.values())
    for start in starts:
        when = Stretch(start, start + TWENTY)
        assert any(one.when.holds(when) for one in left)
        assert not when.overlaps(hole)
        assert start >= midnight + (8 + earliest) * HOUR
        busy = [one for one in starts if one <= start < one + TWENTY + timedelta(minutes=5)]
        assert len(busy) <= places
