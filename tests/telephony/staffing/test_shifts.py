"""Shifts as people write them, what they cover, and who may be told how they were kept."""

from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.conditions.agreed import Reinforcement
from crm.levels.agreement import Promise
from crm.levels.metering import Counts
from crm.levels.metrics import ANSWERED_WITHIN, WAITING_OVER
from crm.levels.terms import USUAL
from telephony.staffing.erlang import Target
from telephony.staffing.forecast import NOTHING, QUARTERS, Driver, Expected
from telephony.staffing.known_days import Kind, Known
from telephony.staffing.need import Basis, Need, needs, patience_of, target_of
from telephony.staffing.reinforcement import Proposal, proposals
from telephony.staffing.shifts import Stretch, coverage, may_be_told, read, written

DUE = date(2026, 12, 16)
IMU = Reinforcement(after=20, operators=2, due="IMU")


def test_hours_are_read_as_people_write_them() -> None:
    assert read("8:30-13, 14.00–17:30") == (Stretch(time(8, 30), time(13)), Stretch(time(14), time(17, 30)))
    assert read("22-24") == (Stretch(time(22), time(0)),)
    assert read(" ; ") == ()


@pytest.mark.parametrize("text", ["mattina", "9", "13-9", "9-9", "9:10-13", "25-26", "9-13, 12-14", "9-13-17", "24-3"])
def test_what_is_no_shift_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        read(text)


@given(st.lists(st.integers(0, 96), min_size=2, max_size=8, unique=True))
def test_what_is_written_is_read_again(places: list[int]) -> None:
    edges = sorted(places)[: len(places) // 2 * 2]
    times = [time(one // 4 % 24, one % 4 * 15) for one in edges]
    stretches = tuple(Stretch(a, b) for a, b in zip(times[::2], times[1::2], strict=True))
    assert read(written(stretches)) == stretches
    assert sum(coverage(stretches)) == sum(b - a for a, b in zip(edges[::2], edges[1::2], strict=True))


def test_a_shift_at_the_change_of_clocks_is_as_long_as_it_is() -> None:
    since, until = Stretch(time(0), time(0)).on(date(2026, 10, 25))
    assert until - since == timedelta(hours=25)


def test_of_fewer_than_three_nobody_else_is_told() -> None:
    assert [may_be_told(n) for n in (0, 1, 2, 3)] == [False, False, False, True]
    assert may_be_told(1, to_himself=True)


def test_the_target_is_the_contract_s_promise() -> None:
    level = Promise(1, ANSWERED_WITHIN, ">=", Decimal("0.9"))
    over = Promise(1, WAITING_OVER, "<", Decimal("0.2"), Decimal(40))
    assert target_of([over, level], USUAL, 0.85) == (Target(0.9, 20.0, 0.85), True)
    assert target_of([over], USUAL, 0.85) == (Target(0.8, 40.0, 0.85), True)
    assert target_of([], USUAL, 0.85) == (Target(0.8, 20.0, 0.85), False)


def test_patience_is_all_the_waiting_by_those_who_gave_up() -> None:
    counts = Counts(answered=80, abandoned=20, wait_ms=800_000, abandoned_wait_ms=400_000)
    assert patience_of(counts) == 60
    assert patience_of(Counts(abandoned=19, abandoned_wait_ms=1)) is None


def test_more_are_planned_than_have_to_be_there() -> None:
    basis = Basis(Target(0.8, 20, 0.85), 180, None, 0.25)
    (need, nobody) = needs([50.0, 0.0], basis)
    assert need == Need(14, None, 19)
    assert nobody == Need(0, None, 0)


def forecast(on: date, driver: Driver | None = None) -> Expected:
    calls = (0.0,) * 36 + (10.0,) + (0.0,) * (QUARTERS - 37)
    return Expected(calls, NOTHING.low, calls, () if driver is None else ((driver, 1.5),))


def test_extra_operators_are_those_that_the_busiest_day_takes_more_than_an_ordinary_one() -> None:
    expected = {
        DUE + timedelta(days=n): forecast(DUE, Driver.OVERDUE if 0 < n <= 20 else None) for n in range(-3, 23)
    }  # fmt: skip
    wanted = {on: [Need(9, None, 12 if told.drivers else 9)] for on, told in expected.items()}
    known = [Known(DUE, Kind.DUE, "TARI"), Known(DUE, Kind.NOTICES, "TARI")]
    first, last = DUE + timedelta(days=1), DUE + timedelta(days=20)
    assert proposals(known, expected, wanted, None) == [Proposal(DUE, "TARI", first, last, 3, 200)]
    flat = {on: [Need(9, None, 9)] for on in expected}
    assert proposals(known, expected, flat, None) == []


def test_so_many_are_proposed_as_the_contract_agrees_on() -> None:
    expected = {DUE + timedelta(days=n): forecast(DUE) for n in range(22)}
    flat = {on: [Need(9, None, 9)] for on in expected}
    known = [Known(DUE, Kind.DUE, "IMU, saldo")]
    (one,) = proposals(known, expected, flat, IMU)
    assert (one.operators, one.calls) == (2, 200)
    near = {on: told for on, told in expected.items() if on <= DUE + timedelta(days=5)}
    assert proposals(known, near, flat, IMU) == []  # the forecast does not reach
    assert proposals([Known(DUE, Kind.DUE, "TARI")], expected, flat, IMU) == []  # agreed for the IMU's alone
    (other,) = proposals([Known(DUE, Kind.DUE, "TARI")], expected, flat, Reinforcement(3, 10, 4))
    assert (other.operators, other.calls) == (4, 110)  # of the three days before it none is foretold any more
    assert (other.first, other.last) == (DUE - timedelta(days=3), DUE + timedelta(days=10))
    many = Known(DUE, Kind.DUE, "", acts=40)  # falls due on the same day, and is known of no contract
    (imu,) = proposals([many, Known(DUE, Kind.DUE, "IMU, saldo")], expected, {**flat, DUE: [Need(9, None, 9)]}, IMU)
    assert (imu.name, imu.operators) == ("IMU, saldo", 2)
    busy = {on: [Need(9, None, 12)] if on > DUE else [Need(9, None, 9)] for on in expected}
    loud = {on: replace(told, drivers=((Driver.OVERDUE, 1.5),)) if on > DUE else told for on, told in expected.items()}
    (both,) = proposals([many, Known(DUE, Kind.DUE, "IMU, saldo")], loud, busy, IMU)
    assert (both.name, both.operators) == ("IMU, saldo", 3)
    (today,) = proposals([Known(DUE, Kind.DUE, "TARI")], expected, flat, Reinforcement(1, 1, 1))
    assert (today.first, today.last) == (DUE - timedelta(days=1), DUE + timedelta(days=1))
