"""Rules of other people's calendars that never happen, and those that do."""

import time
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import vRecur

from crm.agendas.external import reading
from crm.agendas.external.rules import may_happen

SINCE = datetime(2026, 11, 22, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=367)
LONG_AGO = datetime(2020, 1, 1, 9)


def entry(number: int, *lines: str, start: datetime = LONG_AGO) -> str:
    return "\r\n".join(
        (
            "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", "BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20200101T000000Z",
            f"DTSTART:{start:%Y%m%dT%H%M%S}", "DURATION:PT1H", *lines, "END:VEVENT", "END:VCALENDAR", "",
        )
    )  # fmt: skip


NEVER = (
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=-30",
    "FREQ=WEEKLY;BYMONTH=4;BYMONTHDAY=31",
    "FREQ=MONTHLY;BYDAY=6MO", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
    "FREQ=DAILY;INTERVAL=7;BYDAY=MO", "FREQ=DAILY;COUNT=3;BYMONTH=2;BYMONTHDAY=31",
    "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
)  # fmt: skip


@pytest.mark.parametrize("rule", NEVER)
def test_what_never_happens_blocks_nothing_but_its_first_time(rule: str) -> None:
    assert reading.busy([entry(1, f"RRULE:{rule}")], SINCE, UNTIL) == []
    first = entry(1, f"RRULE:{rule}", start=datetime(2026, 11, 24, 9))
    (one,) = reading.busy([first], SINCE, UNTIL)
    assert one.start == datetime(2026, 11, 24, 8, tzinfo=UTC)


def test_a_thousand_rules_that_never_happen_are_read_within_a_second() -> None:
    """Of processor time. Each of them alone took a library up to ten."""
    combinations = product(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"), ((2, 30), (2, 31), (4, 31), (11, 31), (2, -30)))
    rules = [f"RRULE:FREQ={often};BYMONTH={month};BYMONTHDAY={day}" for often, (month, day) in combinations] * 50
    objects = [entry(number, rule) for number, rule in enumerate(rules)]
    real = entry(9999, "RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2", start=datetime(2026, 11, 24, 9))
    began = time.process_time()
    assert len(reading.busy([*objects, real], SINCE, UNTIL)) == 2
    assert time.process_time() - began < 1


def test_of_two_rules_the_one_that_happens_stays() -> None:
    both = entry(1, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "RRULE:FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=3")
    assert [one.start.date() for one in reading.busy([both], SINCE, UNTIL)] == [date(2027, 3, 3)]


def test_what_cannot_be_a_number_is_no_calendar_and_nothing_worse() -> None:
    with pytest.raises(reading.UnreadableError):
        reading.busy([entry(1, "RRULE:FREQ=MONTHLY;BYDAY=XMO;BYMONTHDAY=a")], SINCE, UNTIL)


def several(low: int, high: int) -> st.SearchStrategy[list[int]]:
    numbers = st.integers(low, high).filter(bool)
    return st.lists(numbers, max_size=3, unique=True)


WEEKDAYS = st.tuples(
    st.sampled_from(["", "", "1", "2", "5", "-1", "-5"]), st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"])
)


@given(
    often=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]), every=st.integers(1, 8), months=several(1, 12),
    month_days=several(-31, 31), year_days=several(-366, 366), weeks=several(-53, 53),
    weekdays=st.lists(WEEKDAYS, max_size=2), places=several(-5, 5), begin=st.integers(0, 900),
    shown=st.integers(0, 900), which=st.sets(st.sampled_from(["m", "d", "y", "w", "b", "p"]), max_size=3),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_what_happens_is_never_said_to_be_impossible(
    often: str, every: int, months: list[int], month_days: list[int], year_days: list[int], weeks: list[int],
    weekdays: list[tuple[str, str]], places: list[int], begin: int, shown: int, which: set[str],
) -> None:  # fmt: skip
    """Against python-dateutil, near the end of its calendar: there it gives up soon."""
    ordinal = often in {"MONTHLY", "YEARLY"} and "w" not in which
    days = [f"{nth if ordinal else ''}{day}" for nth, day in weekdays]
    parts = {
        "BYMONTH": months if "m" in which else [],
        "BYMONTHDAY": month_days if "d" in which and often != "WEEKLY" else [],
        "BYYEARDAY": year_days if "y" in which and often == "YEARLY" else [],
        "BYWEEKNO": weeks if "w" in which and often == "YEARLY" else [],
        "BYDAY": days if "b" in which else [],
    }
    if "p" in which and any(parts.values()):
        parts["BYSETPOS"] = places
    written = ";".join(f"{name}={','.join(map(str, values))}" for name, values in parts.items() if values)
    text = f"FREQ={often};INTERVAL={every}" + (f";{written}" if written else "")
    start = datetime(9990, 1, 1, 9) + timedelta(days=begin)
    first = start + timedelta(days=shown)
    last = first + timedelta(days=370)
    happens = list(rrulestr(text, dtstart=start).between(first, last, inc=True))
    if happens:
        assert may_happen(vRecur.from_ical(text), start.date(), first.date(), last.date()), (text, happens)
