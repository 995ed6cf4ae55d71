"""Whether somebody may be dialed: whatever happened, no forbidden call is ever made, and who may be called is."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.core.clock import ROME
from crm.enti.calendar import Hours, Timetable, is_holiday
from outbound.campaigns.plan import days_after
from outbound.compliance.calls import A_WEEK, judge, open_to, opens
from outbound.compliance.rules import (
    SILENT_LOCK,
    Attempt,
    Ended,
    Person,
    Reason,
    Rules,
    Written,
    Wrote,
)
from outbound.compliance.windows import WEEK
from outbound.compliance.writing import judge_written

MOBILE, HOME = "+393331234567", "+390571757100"
EMPOLI = Timetable(tuple(Hours(weekday, time(8), time(22)) for weekday in range(7)), patron=(11, 30))
RULES = Rules((EMPOLI,))
MARIO = Person((MOBILE, HOME), due_cents=12_000)


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
        (rome(3, 30, 8, 30), True),  # the first morning of summer time, by the clock on the wall
        (rome(10, 26, 8, 29), False),
    ],
)
def test_nobody_is_called_outside_of_the_hours_of_the_code(at: datetime, allowed: bool) -> None:
    found = judge(known(MARIO, at), RULES, at)
    assert found.allowed is allowed
    assert found.reasons == (() if allowed else (Reason.WINDOW,) * len(found.reasons))


def test_the_strictest_of_all_windows_wins() -> None:
    evenings = replace(RULES, windows=(EMPOLI, Timetable(tuple(Hours(day, time(17), time(23)) for day in range(7)))))
    at = rome(11, 20, 10)
    assert judge(known(MARIO, at), evenings, at).not_before == rome(11, 20, 17)
    late = rome(11, 20, 21)
    assert judge(known(MARIO, late), evenings, late).not_before == rome(11, 23, 17)  # on Saturday the code ends at 15


def test_homes_are_called_in_the_evening_and_businesses_in_theirs() -> None:
    """Requirement O3: in the hours when people can be reached, by residential or business."""
    evening, office = (
        Timetable(tuple(Hours(day, time(a), time(b)) for day in range(5))) for a, b in ((17, 20), (9, 12))
    )
    rules, firm = replace(RULES, windows=(evening,), business_windows=(office,)), replace(MARIO, business=True)
    ten, six = rome(11, 20, 10), rome(11, 20, 18)
    assert judge(known(firm, ten), rules, ten).allowed
    assert judge(known(MARIO, ten), rules, ten).not_before == rome(11, 20, 17)
    assert judge(known(firm, six), rules, six).not_before == rome(11, 23, 9)
    assert [open_to(rules, one) for one in (ten, six, rome(11, 20, 13))] == [{True}, {False}, set()]
    assert (opens(rules, ten), opens(rules, rome(11, 20, 13))) == (ten, rome(11, 20, 17))
    assert open_to(replace(rules, business_windows=()), six) == {True, False}, (
        "who has no hours of his own has the usual"
    )


def test_one_conversation_a_day_and_three_in_any_seven_whatever_the_number() -> None:
    days = (16, 18, 20)
    spoken = tuple(Attempt(rome(11, day), HOME, Ended.SPOKEN, operator=True, of_campaign=False) for day in days)
    same_day = replace(known(MARIO, rome(11, 16, 18)), attempts=spoken[:1])
    assert judge(same_day, RULES, rome(11, 16, 18)).reasons == (Reason.SPOKEN_TODAY,)
    assert judge(same_day, RULES, rome(11, 16, 18)).not_before == rome(11, 17, 8, 30)
    full = replace(known(MARIO, rome(11, 21)), attempts=spoken)
    found = judge(full, RULES, rome(11, 21))
    assert (found.reasons, found.number) == ((Reason.SPOKEN_THIS_WEEK,), MOBILE)
    assert found.not_before == rome(11, 23, 10)


def test_after_a_silent_call_five_days_pass_and_an_operator_is_there_first() -> None:
    silent = replace(known(MARIO, rome(11, 20)), attempts=(Attempt(rome(11, 16, 11), MOBILE, Ended.SILENT),))
    found = judge(silent, RULES, rome(11, 20))
    assert Reason.SILENT in found.reasons
    assert found.not_before == rome(11, 21, 11)
    after = judge(replace(silent, known_at=rome(11, 21, 11)), RULES, rome(11, 21, 11))
    assert (after.allowed, after.operator_first) == (True, True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"deceased": True}, Reason.DECEASED),
        ({"do_not_call": True}, Reason.DO_NOT_CALL),
        ({"insolvent": True}, Reason.INSOLVENT),
        ({"consented": False}, Reason.NO_CONSENT),
        ({"due_cents": 0}, Reason.NOTHING_DUE),
        ({"suspended": True}, Reason.SUSPENDED),
        ({"complaint": True}, Reason.COMPLAINT),
        ({"claimed": True}, Reason.CLAIMED),
        ({"numbers": ()}, Reason.NO_NUMBER),
        ({"running": False}, Reason.NOT_RUNNING),
        ({"known_at": None}, Reason.STALE),
        ({"known_at": rome(11, 18)}, Reason.STALE),
    ],
)
def test_what_no_time_puts_right_says_so_and_names_no_instant(changes: dict[str, object], reason: Reason) -> None:
    at = rome(11, 20)
    found = judge(replace(known(MARIO, at), **changes), RULES, at)  # type: ignore[arg-type]
    assert (found.reasons, found.not_before) == ((reason,), None)


def test_a_survey_asks_nothing_of_the_debt() -> None:
    at = rome(11, 20)
    survey = replace(RULES, about_debt=False)
    assert judge(replace(MARIO, due_cents=0, insolvent=True), survey, at).allowed


def test_whoever_has_promised_to_pay_is_not_called_about_it_until_then() -> None:
    at, until = rome(11, 20), rome(11, 25, 0)
    promised = replace(known(MARIO, at), promised_until=until)
    found = judge(promised, RULES, at)
    assert (found.reasons, found.not_before) == ((Reason.PROMISED,), rome(11, 25, 8, 30))
    assert judge(promised, replace(RULES, about_debt=False), at).allowed


@pytest.mark.parametrize("channel", list(Written))
def test_whoever_has_promised_to_pay_is_not_written_to_about_it_until_then(channel: Written) -> None:
    at, until = rome(11, 20), rome(11, 25, 0)
    promised = replace(known(REACHED, at), promised_until=until)
    found = judge_written(promised, RULES, at, channel)
    assert found.reasons == (Reason.PROMISED,)
    assert found.not_before == (rome(11, 25, 8, 30) if channel is Written.SMS else until)
    assert judge_written(promised, replace(RULES, about_debt=False), at, channel).allowed


def test_a_number_that_was_tried_too_often_leaves_the_place_to_the_next() -> None:
    at = rome(11, 20)
    tried = tuple(Attempt(rome(11, 2 + n), MOBILE, Ended.FAILED) for n in range(2))
    assert judge(replace(known(MARIO, at), attempts=tried), RULES, at).number == HOME
    both = (*tried, *(Attempt(rome(11, 5 + n), HOME, Ended.FAILED) for n in range(2)))
    assert judge(replace(known(MARIO, at), attempts=both), RULES, at).reasons == (Reason.EXHAUSTED,)


def test_whom_a_survey_did_not_find_is_tried_at_another_time_of_the_day() -> None:
    survey = replace(RULES, about_debt=False, vary_hours=True)
    mario = replace(MARIO, numbers=(MOBILE,))

    def after(at: datetime, ended: Ended, **changes: object) -> datetime | None:
        tried = replace(mario, attempts=(Attempt(at, MOBILE, ended),), **changes)  # type: ignore[arg-type]
        return judge(tried, survey, at + timedelta(minutes=1)).not_before

    assert after(rome(11, 19, 9), Ended.NO_ANSWER) == rome(11, 19, 13), "the usual three hours are still the morning"
    assert after(rome(11, 19, 15), Ended.MACHINE) == rome(11, 19, 18), "which is the evening"
    assert after(rome(11, 19, 18), Ended.NO_ANSWER) == rome(11, 20, 8, 30)
    assert after(rome(11, 19, 9), Ended.BUSY) == rome(11, 19, 9, 15), "he was there"
    assert after(rome(11, 19, 9), Ended.NO_ANSWER, wants_after=rome(11, 19, 11)) == rome(11, 19, 11), "his own wish"
    past = after(rome(11, 19, 9), Ended.NO_ANSWER, wants_after=rome(11, 18, 11))
    assert past == rome(11, 19, 13), "a wish that was tried is fulfilled"
    mornings = replace(survey, windows=(Timetable(tuple(Hours(day, time(9), time(12)) for day in range(7))),))
    tried = replace(mario, attempts=(Attempt(rome(11, 16, 9), MOBILE, Ended.NO_ANSWER),))
    assert judge(tried, mornings, rome(11, 16, 10)).not_before == rome(11, 20, 9), "there are no other hours"


instants = st.integers(0, 90 * 24 * 60).map(lambda minutes: rome(9, 1, 0) + timedelta(minutes=minutes))
attempts = st.builds(
    Attempt, instants, st.sampled_from((MOBILE, HOME)), st.sampled_from(Ended), operator=st.booleans(),
    of_campaign=st.booleans(),
)  # fmt: skip
people = st.builds(
    Person, st.sampled_from(((MOBILE,), (MOBILE, HOME))), st.lists(attempts, max_size=8).map(tuple),
    due_cents=st.just(100), wants_after=st.none() | instants, promised_until=st.none() | instants,
)  # fmt: skip


def forbidden(person: Person, at: datetime) -> list[str]:
    """What the law says, told otherwise than by the module."""
    wall = at.astimezone(ROME)
    ends = {5: time(15), 6: time(0)}.get(wall.weekday(), time(21))
    spoken = [one.at for one in person.attempts if one.ended is Ended.SPOKEN and one.at <= at]
    silent = [one.at for one in person.attempts if one.ended is Ended.SILENT and one.at <= at]
    return [
        words
        for words, holds in (
            ("window", not time(8, 30) <= wall.time() < ends),
            ("holiday", is_holiday(EMPOLI, wall.date())),
            ("day", any(one.astimezone(ROME).date() == wall.date() for one in spoken)),
            ("week", sum(one > at - WEEK for one in spoken) >= A_WEEK),
            ("silent", any(one > at - SILENT_LOCK for one in silent)),
            ("promise", person.promised_until is not None and at < person.promised_until),
        )
        if holds
    ]


@given(people, instants)
@settings(max_examples=300)
def test_whatever_happened_no_forbidden_call_is_allowed(person: Person, at: datetime) -> None:
    if judge(known(person, at), RULES, at).allowed:
        assert forbidden(person, at) == []


@given(people, instants, st.floats(0, 1))
@settings(max_examples=300)
def test_when_he_may_be_dialed_is_told_and_not_too_late(person: Person, at: datetime, share: float) -> None:
    person = replace(person, attempts=tuple(one for one in person.attempts if one.at <= at))
    found = judge(known(person, at), RULES, at)
    if found.allowed or found.not_before is None:
        return
    when = found.not_before
    assert judge(known(person, when), RULES, when).allowed
    before = at + (when - at) * share
    if before < when:
        assert not judge(known(person, before), RULES, before).allowed


@given(st.lists(st.sampled_from(Ended), min_size=10, max_size=40), st.booleans())
def test_no_schedule_of_events_makes_it_dial_a_forbidden_call(outcomes: list[Ended], operator: bool) -> None:
    """Whoever dials at the first instant that is told, again and again, breaks nothing."""
    rules = replace(RULES, attempts=999, again={one: replace(RULES.again[one], most=999) for one in Ended})
    person, at = MARIO, rome(9, 1)
    days: dict[date, int] = {}
    for ended in outcomes:
        found = judge(known(person, at), rules, at)
        at = at if found.allowed else found.not_before or at
        found = judge(known(person, at), rules, at)
        assert found.allowed
        assert found.number is not None
        assert forbidden(person, at) == []
        days[at.astimezone(ROME).date()] = days.get(at.astimezone(ROME).date(), 0) + (ended is Ended.SPOKEN)
        person = replace(person, attempts=(*person.attempts, Attempt(at, found.number, ended, operator=operator)))
        at += timedelta(minutes=1)
    assert max(days.values()) <= 1


# -- in writing ---------------------------------------------------------------------------------------------------

EVERYWHERE = {Written.SMS: (MOBILE,), Written.EMAIL: ("mario@example.org",), Written.LETTER: ("7",)}
REACHED = replace(MARIO, addresses=EVERYWHERE, to_messages=True)
wrote = st.builds(Wrote, instants, st.sampled_from(Written))
correspondents = st.builds(
    lambda person, written, changes: replace(
        person, **{"addresses": EVERYWHERE, "to_messages": True, "written": written, **changes}
    ),
    people, st.lists(wrote, max_size=6).map(tuple),
    st.fixed_dictionaries(
        {},
        optional={
            "deceased": st.booleans(), "do_not_call": st.booleans(), "insolvent": st.booleans(),
            "complaint": st.booleans(), "claimed": st.booleans(), "running": st.booleans(),
            "to_messages": st.sampled_from((None, False, True)), "stopped": st.frozensets(st.sampled_from(Written)),
            "due_cents": st.sampled_from((0, 100)), "suspended": st.booleans(),
            "promised_until": st.sampled_from((None, rome(9, 3, 0), rome(11, 25, 0))),
        },
    ),
)  # fmt: skip


def forbidden_in_writing(person: Person, at: datetime, channel: Written) -> list[str]:
    """What may not be, told otherwise than by the module."""
    wall, quiet = at.astimezone(ROME), is_holiday(EMPOLI, at.astimezone(ROME).date())
    ends = {5: time(15), 6: time(0)}.get(wall.weekday(), time(21))
    digital, sms = channel is not Written.LETTER, channel is Written.SMS
    return [
        words
        for words, holds in (
            ("window", sms and (quiet or not time(8, 30) <= wall.time() < ends)),
            ("working day", channel is Written.EMAIL and (quiet or wall.weekday() == 6)),
            ("week", sum(at - WEEK < one.at for one in person.written) >= RULES.written_a_week),
            ("dead", person.deceased or person.insolvent),
            ("asked", (person.do_not_call and sms) or channel in person.stopped),
            ("agreed", digital and person.to_messages is not True),
            ("paid", person.due_cents <= 0 or person.suspended),
            ("promised", person.promised_until is not None and at < person.promised_until),
            ("other", person.complaint or person.claimed or not person.running),
        )
        if holds
    ]


@given(correspondents, instants, st.sampled_from(Written))
@settings(max_examples=400)
def test_nobody_is_written_to_who_may_not_be(person: Person, at: datetime, channel: Written) -> None:
    found, wrong = judge_written(known(person, at), RULES, at, channel), forbidden_in_writing(person, at, channel)
    assert found.allowed is (not wrong)
    assert not found.allowed or found.number == EVERYWHERE[channel][0]


@given(correspondents, instants, st.sampled_from(Written), st.floats(0, 1))
@settings(max_examples=300)
def test_when_he_may_be_written_to_is_told_and_not_too_late(
    person: Person, at: datetime, channel: Written, share: float
) -> None:
    person = replace(person, written=tuple(one for one in person.written if one.at <= at))
    found = judge_written(known(person, at), RULES, at, channel)
    if found.allowed or found.not_before is None:
        return
    when = found.not_before
    assert judge_written(known(person, when), RULES, when, channel).allowed
    before = at + (when - at) * share
    if before < when:
        assert not judge_written(known(person, before), RULES, before, channel).allowed


@given(st.lists(st.sampled_from(Written), min_size=5, max_size=30))
def test_no_schedule_of_messages_exceeds_the_week(channels: list[Written]) -> None:
    person, at, sent = REACHED, rome(9, 1), list[datetime]()
    for channel in channels:
        found = judge_written(known(person, at), RULES, at, channel)
        at = at if found.allowed else found.not_before or at
        assert judge_written(known(person, at), RULES, at, channel).allowed
        assert forbidden_in_writing(person, at, channel) == []
        sent.append(at)
        person = replace(person, written=(*person.written, Wrote(at, channel)))
        at += timedelta(minutes=1)
    assert all(sum(first <= one < first + WEEK for one in sent) <= RULES.written_a_week for first in sent)


@pytest.mark.parametrize(
    ("changes", "channel", "reason"),
    [
        ({"addresses": {}}, Written.SMS, Reason.NO_ADDRESS),
        ({"stopped": frozenset({Written.SMS}), "addresses": {}}, Written.SMS, Reason.STOPPED),
        ({"to_messages": None}, Written.EMAIL, Reason.NO_CONSENT),
        ({"do_not_call": True}, Written.SMS, Reason.DO_NOT_CALL),
        ({"deceased": True}, Written.LETTER, Reason.DECEASED),
        ({"running": False}, Written.LETTER, Reason.NOT_RUNNING),
    ],
)
def test_why_he_is_not_written_to(changes: dict[str, object], channel: Written, reason: Reason) -> None:
    at = rome(11, 20)
    found = judge_written(replace(known(REACHED, at), **changes), RULES, at, channel)  # type: ignore[arg-type]
    assert (found.reasons, found.not_before) == ((reason,), None)


def test_an_sms_keeps_the_hours_of_the_ente_and_those_he_asked_for() -> None:
    at = rome(11, 20, 9)
    quiet = replace(RULES, quiet=Timetable(tuple(Hours(day, time(10), time(20)) for day in range(7))))
    assert judge_written(known(REACHED, at), quiet, at, Written.SMS).not_before == rome(11, 20, 10)
    evening = replace(known(REACHED, at), hours=tuple(Hours(day, time(18), time(0)) for day in range(7)))
    found = judge_written(evening, quiet, at, Written.SMS)
    assert (set(found.reasons), found.not_before) == ({Reason.WISH, Reason.WINDOW}, rome(11, 20, 18))
    assert judge_written(evening, quiet, at, Written.EMAIL).allowed


# Both changes of clocks and the days around them: the night of 29 March has no 2:30, that of 25 October has it twice.
changes = st.sampled_from([date(2026, 3, 29), date(2026, 10, 25)]).flatmap(
    lambda day: st.integers(-3 * 24 * 60, 4 * 24 * 60).map(
        lambda minutes: datetime.combine(day, time(), ROME).astimezone(UTC) + timedelta(minutes=minutes)
    )
)
ANYBODY = Person((MOBILE,), due_cents=100, to_messages=True, addresses=dict.fromkeys(Written, ("x",)))


def on_the_wall(at: datetime, channel: Written) -> bool:
    """Whether something may arrive, read off the clock on the wall of Rome, without the rules."""
    wall = at.astimezone(ROME)
    if channel is Written.LETTER:
        return True
    if wall.weekday() == 6 or is_holiday(EMPOLI, wall.date()):
        return False
    if channel is Written.EMAIL:
        return True
    until = time(15) if wall.weekday() == 5 else time(21)
    return time(8, 30) <= wall.time() < until


@given(changes, st.sampled_from(Written))
@settings(max_examples=300)
def test_when_clocks_change_it_is_the_clock_on_the_wall_that_counts(at: datetime, channel: Written) -> None:
    found = judge_written(known(ANYBODY, at), RULES, at, channel)
    assert found.allowed is on_the_wall(at, channel)
    if not found.allowed:
        first = found.not_before
        assert first is not None
        assert on_the_wall(first, channel)
        assert not on_the_wall(first - timedelta(seconds=1), channel), "neither an hour early nor one late"
        assert not any(on_the_wall(one, channel) for one in steps_between(at, first))


def steps_between(at: datetime, until: datetime) -> list[datetime]:
    quarter = timedelta(minutes=15)
    return [at + n * quarter for n in range(int((until - at) / quarter) + 1) if at + n * quarter < until]


@given(changes, st.integers(0, 180))
def test_the_next_step_s_days_are_days_on_the_wall(at: datetime, days: int) -> None:
    then, wall = days_after(at, days), at.astimezone(ROME)
    day = wall.date() + timedelta(days=days)
    assert then.astimezone(ROME).date() == day
    same = then.astimezone(ROME).time() == wall.time()
    skipped = day in {date(2026, 3, 29), date(2027, 3, 28)} and wall.hour == 2
    assert same is not skipped, "but for a time that there is not on that day"
    assert not skipped or then.astimezone(ROME).hour == 3
    if days == 0:
        assert then == at
