"""A campaign's plan: what is kept comes back, what is wrong is said where, and its phases follow the ente's date."""

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core.errors import InvalidError
from crm.enti.calendar import Hours, Timetable
from outbound.campaigns.plan import (
    Channel,
    Mode,
    Phase,
    Plan,
    Purpose,
    Retry,
    Step,
    check,
    kept,
    missing,
    parsed,
)
from outbound.compliance.calls import judge
from outbound.compliance.rules import Ended, Person, Reason

DUE = date(2026, 12, 16)
WHOLE = Plan(
    voluntary_until=DUE, queue_id=1, line="+390571700100",
    scripts={Phase.VOLUNTARY: "Le ricordiamo la scadenza.", Phase.PERSONAL: "La chiamiamo per una posizione."},
)  # fmt: skip
plans = st.builds(
    Plan,
    purpose=st.sampled_from(Purpose), voluntary_until=st.none() | st.dates(), mode=st.sampled_from(Mode),
    steps=st.lists(st.builds(Step, st.sampled_from(Channel), st.integers(0, 9)), min_size=1).map(tuple),
    queue_id=st.none() | st.integers(1, 9), line=st.sampled_from(["", "+390571700100"]),
    retries=st.dictionaries(st.sampled_from(Ended), st.builds(Retry, st.integers(0, 99), st.integers(1, 9))),
    scripts=st.dictionaries(st.sampled_from(Phase), st.text(max_size=20)), budget_cents=st.none() | st.integers(0, 9),
)  # fmt: skip


@given(plans)
def test_what_is_kept_comes_back(plan: Plan) -> None:
    assert parsed(kept(plan)) == plan


def test_two_phases_by_the_date_of_the_ente() -> None:
    assert WHOLE.phase(DUE) is Phase.VOLUNTARY
    assert WHOLE.phase(date(2026, 12, 17)) is Phase.PERSONAL
    assert replace(WHOLE, voluntary_until=None).phase(DUE) is Phase.PERSONAL


def test_what_is_wrong_is_said_at_its_field() -> None:
    check(WHOLE)
    assert missing(WHOLE) == []
    wrong = replace(WHOLE, attempts=0, steps=(Step(Channel.CALL), Step(Channel.LETTER, 999)), hours=("9-", *[""] * 6))
    with pytest.raises(InvalidError) as refused:
        check(wrong)
    assert {one.field for one in refused.value.parts} == {"attempts", "step-1", "day-0"}
    with pytest.raises(InvalidError):
        check(replace(WHOLE, hours=("",) * 7))
    check(replace(WHOLE, steps=(Step(Channel.LETTER),), hours=("",) * 7))
    with pytest.raises(InvalidError) as refused:
        check(replace(WHOLE, business_hours=("", "25-26", *[""] * 5)))
    assert [one.field for one in refused.value.parts] == ["business-day-1"]
    assert {one.field for one in missing(Plan(voluntary_until=DUE))} == {
        "queue_id", "line", "script-voluntary", "script-personal",
    }  # fmt: skip


def test_its_hours_are_those_of_the_ente_s_calendar_and_never_wider_than_the_law() -> None:
    night = replace(WHOLE, hours=("6:00-23:00",) * 7, fresh_hours=720)
    empoli = Timetable((Hours(0, time(9), time(12)),), patron=(11, 30))  # its lines are open on Monday morning alone
    person = Person(("+390571700321",), due_cents=100, known_at=datetime(2026, 11, 27, tzinfo=UTC))

    def reasons(day: int, hour: int) -> tuple[Reason, ...]:
        return judge(person, night.rules(empoli), datetime(2026, 11, day, hour, tzinfo=UTC)).reasons

    assert reasons(27, 19) == ()  # Friday, eight in the evening
    assert reasons(27, 20) == (Reason.WINDOW,)  # nine: UNIREC
    assert reasons(28, 15) == (Reason.WINDOW,)  # Saturday afternoon
    assert reasons(30, 9) == (Reason.WINDOW, Reason.WINDOW)  # the patron's day
