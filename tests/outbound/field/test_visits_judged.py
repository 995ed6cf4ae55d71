"""Whether somebody may be visited: whatever happened, no forbidden visit is allowed, and a visit counts as a call."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.core.clock import ROME
from crm.enti.calendar import Hours, Timetable, is_holiday
from outbound.compliance.calls import A_WEEK, judge
from outbound.compliance.rules import Attempt, Ended, Person, Reason, Rules
from outbound.compliance.visited import PAUSES, Visited
from outbound.compliance.visits import VisitRules, judge_visit, visit_rules
from outbound.compliance.windows import WEEK
from outbound.field.visits.door import Outcome

MOBILE = "+393331234567"
EMPOLI = Timetable(tuple(Hours(weekday, time(0), time(0)) for weekday in range(7)), patron=(11, 30))
RULES = VisitRules((EMPOLI,))
MARIO = Person((MOBILE,), due_cents=12_000)


def rome(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=ROME).astimezone(UTC)


def known(person: Person, at: datetime) -> Person:
    return replace(person, known_at=at)


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        (rome(11, 20, 8, 29), False),
        (rome(11, 20, 8, 30), True),
        (rome(11, 20, 20, 59), True),
        (rome(11, 20, 21), False),
        (rome(11, 21, 14, 59), True),  # a Saturday
        (rome(11, 21, 15), False),
        (rome(11, 22, 11), False),  # a Sunday
        (rome(11, 30, 11), False),  # the patron saint of the ente
        (rome(12, 8, 11), False),
    ],
)
def test_nobody_is_visited_outside_of_the_hours_of_the_code(at: datetime, allowed: bool) -> None:
    assert judge_visit(known(MARIO, at), RULES, at).allowed is allowed


def test_an_ente_may_be_stricter_and_never_looser() -> None:
    mornings = visit_rules(EMPOLI, tuple(Hours(day, time(7), time(12)) for day in range(7)), 72)
    at = rome(11, 20, 14)
    assert judge_visit(known(MARIO, at), mornings, at).not_before == rome(11, 21, 8, 30)


def test_who_was_spoken_with_at_his_door_is_called_by_nobody_that_day() -> None:
    met, afternoon = rome(11, 19, 9), rome(11, 19, 17)
    person = known(replace(MARIO, visits=(Visited(met, True, Outcome.MET),)), afternoon)
    found = judge(person, Rules((EMPOLI,)), afternoon)
    assert Reason.SPOKEN_TODAY in found.reasons
    assert found.not_before == rome(11, 20, 8, 30)


def test_who_was_spoken_with_by_telephone_is_visited_by_nobody_that_day() -> None:
    at = rome(11, 19, 17)
    person = known(replace(MARIO, attempts=(Attempt(rome(11, 19, 9), MOBILE, Ended.SPOKEN),)), at)
    assert judge_visit(person, RULES, at).reasons == (Reason.SPOKEN_TODAY,)


def test_calls_and_visits_of_a_week_are_counted_together() -> None:
    calls = tuple(Attempt(rome(11, day, 9), MOBILE, Ended.SPOKEN) for day in (16, 17))
    person = replace(MARIO, attempts=calls, visits=(Visited(rome(11, 10, 9), True, Outcome.ABSENT),))
    at = rome(11, 19, 10)
    assert judge_visit(known(person, at), RULES, at).allowed
    person = replace(person, visits=(Visited(rome(11, 13, 9), True, None),))
    found = judge_visit(known(person, at), RULES, at)
    assert (found.reasons, found.not_before) == ((Reason.SPOKEN_THIS_WEEK,), rome(11, 20, 9))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deceased": True}, Reason.DECEASED),
        ({"insolvent": True}, Reason.INSOLVENT),
        ({"suspended": True}, Reason.SUSPENDED),
        ({"due_cents": 0, "paid": True}, Reason.PAID),
        ({"due_cents": 0}, Reason.NOTHING_DUE),
        ({"complaint": True}, Reason.COMPLAINT),
        ({"claimed": True}, Reason.CLAIMED),
        ({"do_not_visit": True}, Reason.DO_NOT_VISIT),
        ({"running": False}, Reason.NOT_RUNNING),
        ({"known_at": rome(11, 16, 9)}, Reason.STALE),
    ],
)
def test_what_no_time_puts_right_names_no_instant(changes: dict[str, object], reason: Reason) -> None:
    at = rome(11, 20, 10)
    found = judge_visit(replace(known(MARIO, at), **changes), RULES, at)  # type: ignore[arg-type]
    assert (found.reasons, found.not_before) == ((reason,), None)


def test_who_wants_no_calls_may_be_visited_and_who_wants_no_visits_may_be_called() -> None:
    at = rome(11, 20, 10)
    assert judge_visit(known(replace(MARIO, do_not_call=True), at), RULES, at).allowed
    assert judge(known(replace(MARIO, do_not_visit=True), at), Rules((EMPOLI,)), at).allowed


instants = st.datetimes(datetime(2026, 11, 1), datetime(2027, 1, 10), timezones=st.just(UTC))
people = st.builds(
    Person, st.just((MOBILE,)),
    st.lists(st.builds(Attempt, instants, st.just(MOBILE), st.sampled_from(Ended)), max_size=6).map(tuple),
    due_cents=st.just(100), wants_after=st.none() | instants, promised_until=st.none() | instants,
    visits=st.lists(
        st.builds(Visited, instants, st.booleans(), st.none() | st.sampled_from(Outcome)), max_size=6
    ).map(tuple),
)  # fmt: skip


def forbidden(person: Person, at: datetime) -> list[str]:
    """What the code says, told otherwise than by the module."""
    wall = at.astimezone(ROME)
    ends = {5: time(15), 6: time(0)}.get(wall.weekday(), time(21))
    spoken = [one.at for one in person.attempts if one.ended is Ended.SPOKEN and one.at <= at]
    spoken += [one.at for one in person.visits if one.spoken and one.at <= at]
    return [
        words
        for words, holds in (
            ("window", not time(8, 30) <= wall.time() < ends),
            ("holiday", is_holiday(EMPOLI, wall.date())),
            ("day", any(one.astimezone(ROME).date() == wall.date() for one in spoken)),
            ("week", sum(one > at - WEEK for one in spoken) >= A_WEEK),
            ("promise", person.promised_until is not None and at < person.promised_until),
            ("twice a day", any(one.at.astimezone(ROME).date() == wall.date() for one in person.visits)),
            ("pause", any(one.outcome and one.at <= at < one.at + PAUSES[one.outcome] for one in person.visits)),
        )
        if holds
    ]


@given(people, instants)
@settings(max_examples=300)
def test_whatever_happened_no_forbidden_visit_is_allowed(person: Person, at: datetime) -> None:
    """Rule: a visit is a call."""
    if judge_visit(known(person, at), RULES, at).allowed:
        assert forbidden(person, at) == []


@given(people, instants, st.floats(0, 1))
@settings(max_examples=300)
def test_when_he_may_be_visited_is_told_and_not_too_late(person: Person, at: datetime, share: float) -> None:
    happened = tuple(one for one in person.attempts if one.at <= at)
    person = replace(person, attempts=happened, visits=tuple(one for one in person.visits if one.at <= at))
    found = judge_visit(known(person, at), RULES, at)
    if found.allowed or found.not_before is None:
        return
    when = found.not_before
    assert judge_visit(known(person, when), RULES, when).allowed
    before = at + (when - at) * share
    if before < when:
        assert not judge_visit(known(person, before), RULES, before).allowed


@given(st.lists(st.tuples(st.sampled_from(Outcome), st.booleans(), st.booleans()), min_size=5, max_size=20))
@settings(max_examples=60)
def test_whoever_goes_or_calls_as_soon_as_he_may_breaks_nothing(
    events: list[tuple[Outcome, bool, bool]],
) -> None:
    """Calls and visits in any order, each at the first instant that is told."""
    person, at = MARIO, rome(9, 1)
    calls = Rules((EMPOLI,), attempts=999, attempts_a_day=99)
    for outcome, spoken, by_visit in events:
        now = known(person, at)
        found = judge_visit(now, RULES, at) if by_visit else judge(now, calls, at)
        if not found.allowed:
            if found.not_before is None:
                return
            at = found.not_before
        spoken_at = [one.at for one in person.attempts if one.ended is Ended.SPOKEN]
        spoken_at += [one.at for one in person.visits if one.spoken]
        assert sum(one > at - WEEK for one in spoken_at) < A_WEEK
        assert all(one.astimezone(ROME).date() != at.astimezone(ROME).date() for one in spoken_at)
        if by_visit:
            person = replace(person, visits=(*person.visits, Visited(at, spoken, outcome)))
        else:
            ended = Ended.SPOKEN if spoken else Ended.MACHINE
            person = replace(person, attempts=(*person.attempts, Attempt(at, MOBILE, ended)))
        at += timedelta(minutes=20)
