"""When an office gives numbers, and what it says when it does not."""

from datetime import date, datetime, time, timedelta
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from crm.agendas.plan import Agenda, DeskView, Exceptional, Plan, Window, open_on
from crm.core.clock import business_day
from crm.turns.reception import EARLY, Without, reception
from tests.crm.agendas.conftest import MONDAY, TUESDAY, at

MORNING, NOON, THREE, SIX = time(9), time(13), time(15), time(18)
TARI, IMU = 1, 2


def plan(*windows: Window, exceptions: tuple[Exceptional, ...] = ()) -> Plan:
    agenda = Agenda(1, 1, date(2026, 1, 1), None, True, windows)
    return Plan(1, (DeskView(1, "1"), DeskView(2, "2")), (agenda,), exceptions, (11, 30))


USUAL = plan(*(Window(day, MORNING, NOON, 1) for day in range(5)), Window(0, THREE, SIX, 2, 1, frozenset({IMU})))
HOURS = partial(open_on, USUAL)
INSTANTS = st.datetimes(datetime(2026, 11, 1), datetime(2027, 3, 1)).map(
    lambda one: at(one.date(), one.hour, one.minute)
)


def test_numbers_are_given_from_half_an_hour_before_until_the_desks_close() -> None:
    for now, is_open, opens in (
        (at(MONDAY, 8, 29), False, at(MONDAY, 9)), (at(MONDAY, 8, 30), True, at(MONDAY, 9)),
        (at(MONDAY, 12, 59), True, at(MONDAY, 15)), (at(MONDAY, 13), False, at(MONDAY, 15)),
        (at(MONDAY, 14, 30), True, at(MONDAY, 15)), (at(MONDAY, 18), False, at(TUESDAY, 9)),
        (at(date(2026, 11, 27), 13), False, at(date(2026, 12, 1), 9)),  # the Monday after is the patron saint's
    ):  # fmt: skip
        found = reception(HOURS, [(IMU, None)], {}, now)
        assert (found.open, found.opens_at) == (is_open, opens), now


def test_a_service_that_no_desk_does_any_more_today_or_that_is_used_up_has_no_number() -> None:
    services = [(TARI, None), (IMU, 3)]
    morning = reception(HOURS, services, {IMU: 2}, at(MONDAY, 10))
    assert (morning.why_not(TARI), morning.why_not(IMU)) == (None, None)
    assert reception(HOURS, services, {IMU: 3}, at(MONDAY, 10)).why_not(IMU) is Without.FULL
    later = reception(HOURS, services, {}, at(MONDAY, 16))
    assert (later.why_not(TARI), later.why_not(IMU)) == (Without.NOT_TODAY, None)
    assert reception(HOURS, services, {}, at(MONDAY, 20)).why_not(IMU) is Without.CLOSED
    assert reception(HOURS, [(TARI, 0)], {}, at(MONDAY, 10)).why_not(TARI) is Without.FULL


def test_an_office_without_an_agenda_never_opens() -> None:
    found = reception(partial(open_on, Plan(1)), [(TARI, None)], {}, at(MONDAY, 10))
    assert (found.open, found.opens_at) == (False, None)


@given(INSTANTS, st.integers(0, 5), st.none() | st.integers(0, 5))
def test_a_number_is_given_only_where_somebody_will_serve_it_that_day(
    now: datetime, given_: int, most: int | None
) -> None:
    found = reception(HOURS, [(TARI, most), (IMU, None)], {TARI: given_}, now)
    opened = open_on(USUAL, business_day(now))
    for service, limit in ((TARI, most), (IMU, None)):
        if found.why_not(service) is None:
            assert any(one.serves(service) and one.when.end > now for one in opened)
            assert any(one.when.start - EARLY <= now < one.when.end for one in opened)
            assert limit is None or given_ < limit
    if found.opens_at is not None:
        assert found.opens_at > now
        assert any(one.when.start == found.opens_at for one in open_on(USUAL, business_day(found.opens_at)))
        assert found.opens_at - now < timedelta(days=6)
