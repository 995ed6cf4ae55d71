from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.enti.days import is_working_day, working_day_after, working_days

ANDREW = (11, 30)  # Empoli's patron saint


@pytest.mark.parametrize(
    ("after", "until", "days"),
    [
        (date(2026, 11, 27), date(2026, 11, 27), 0),  # the same day
        (date(2026, 11, 27), date(2026, 11, 30), 0),  # over the weekend to the patron saint's
        (date(2026, 11, 27), date(2026, 12, 1), 1),
        (date(2026, 12, 4), date(2026, 12, 9), 2),  # the 8th is a holiday
        (date(2026, 12, 18), date(2026, 12, 28), 5),  # Christmas is a Friday
        (date(2026, 12, 18), date(2026, 12, 11), 0),
    ],
)  # fmt: skip
def test_working_days_leave_out_weekends_and_holidays(after: date, until: date, days: int) -> None:
    assert working_days(ANDREW, after, until) == days


def test_a_term_ends_on_a_working_day() -> None:
    assert working_day_after(date(2026, 11, 27), 2, ANDREW) == date(2026, 12, 2)
    assert working_day_after(date(2026, 11, 27), 1, None) == date(2026, 11, 30)
    assert working_day_after(date(2026, 12, 7), 1, ANDREW) == date(2026, 12, 9)
    assert working_day_after(date(2026, 11, 28), 0, ANDREW) == date(2026, 11, 28)


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 60), st.sampled_from([None, ANDREW, (1, 7)]))
def test_the_end_of_a_term_is_the_first_day_by_which_so_many_have_passed(
    day: date, days: int, patron: tuple[int, int] | None
) -> None:
    end = working_day_after(day, days, patron)
    assert is_working_day(end, patron)
    assert working_days(patron, day, end) == days
    assert working_days(patron, day, end - timedelta(days=1)) == days - 1
