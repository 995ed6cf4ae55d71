"""Where an agent's time went, from the facts about him."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.core import clock
from crm.levels.formulas import occupancy
from telephony.agents.models import Activity, AgentState, PauseReason
from telephony.agents.presence import Presence, Stated, absence, change_of, stated, wish
from telephony.agents.times import MEASURES, QUARTER, Times, by_quarter, durations, staffed_ms

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def did(*facts: tuple[float, Activity]) -> list[Stated]:
    return [Stated(at(minutes), activity) for minutes, activity in facts]


MORNING = did(
    (-30, Activity.READY), (5, Activity.RINGING), (5.5, Activity.TALKING), (10, Activity.HOLDING),
    (12, Activity.TALKING), (20, Activity.WRAP_UP), (22, Activity.READY), (40, Activity.PAUSED), (50, Activity.AWAY),
    (55, Activity.OFFLINE),
)  # fmt: skip


def test_an_hour_of_anna_s() -> None:
    minutes = {activity: ms / 60_000 for activity, ms in durations(MORNING, NINE, NINE + HOUR).items()}
    assert minutes == {
        Activity.READY: 23, Activity.RINGING: 0.5, Activity.TALKING: 12.5, Activity.HOLDING: 2, Activity.WRAP_UP: 2,
        Activity.PAUSED: 10, Activity.AWAY: 5, Activity.OFFLINE: 5,
    }  # fmt: skip


def test_her_quarters_and_her_occupancy() -> None:
    """Metric: occupancy."""
    quarters = by_quarter(MORNING, NINE, NINE + 2 * HOUR)
    assert [quarter.minute for quarter in quarters] == [0, 15, 30, 45]
    hour = sum(quarters.values(), Times())
    assert (hour.busy_ms, hour.ready_ms) == (16.5 * 60_000, 23 * 60_000)
    assert occupancy(hour.busy_ms, hour.ready_ms) == Decimal(33) / 79
    assert hour.served_ms == 50 * 60_000


def test_who_stays_in_service_past_midnight_of_the_long_night_has_an_hour_more() -> None:
    """A business day may have 23 or 25 hours; quarter hours are as long as ever."""
    for day, hours in ((date(2026, 10, 25), 25), (date(2026, 3, 29), 23), (date(2026, 11, 20), 24)):
        start, end = clock.start_of_day(day), clock.start_of_day(day + timedelta(days=1))
        facts = [Stated(start - HOUR, Activity.READY)]
        assert durations(facts, start, end)[Activity.READY] == hours * 3_600_000
        assert set(by_quarter(facts, start, end).values()) == {Times(ready_ms=900_000)}
        assert len(by_quarter(facts, start, end)) == 4 * hours


def test_staffed_is_when_somebody_was_there_however_many() -> None:
    """Metric: outbound per hour."""
    luca = did((-10, Activity.READY), (10, Activity.OFFLINE))
    marta = did((5, Activity.PAUSED), (15, Activity.TALKING), (20, Activity.AWAY))
    assert staffed_ms([luca, marta], [(NINE, NINE + HOUR)]) == 20 * 60_000
    assert staffed_ms([luca, marta], [(NINE, at(8)), (at(12), at(30))]) == (8 + 8) * 60_000
    assert staffed_ms([], [(NINE, NINE + HOUR)]) == 0


instants = st.integers(-7_200_000_000, 7_200_000_000).map(lambda us: NINE + timedelta(microseconds=us))
stories = st.lists(st.tuples(instants, st.sampled_from(Activity)), max_size=12).map(
    lambda told: [Stated(when, what) for when, what in sorted(told, key=lambda one: one[0])]
)


@given(stories, instants, instants)
def test_the_durations_of_an_interval_add_up_to_it(story: list[Stated], one: datetime, other: datetime) -> None:
    since, until = sorted((one, other))
    whole = timedelta(milliseconds=sum(durations(story, since, until).values()))
    assert abs(whole - (until - since)) < timedelta(milliseconds=1)


@given(stories, st.lists(instants, min_size=2, max_size=6))
def test_however_an_interval_is_cut_the_sums_are_the_same(story: list[Stated], cuts: list[datetime]) -> None:
    cuts = sorted(cuts)
    parts = [durations(story, since, until) for since, until in pairwise(cuts)]
    assert {one: sum(part[one] for part in parts) for one in Activity} == durations(story, cuts[0], cuts[-1])


@given(stories, instants, instants)
def test_quarter_hours_add_up_to_the_whole_and_none_is_longer(
    story: list[Stated], one: datetime, other: datetime
) -> None:
    since, until = sorted((one, other))
    quarters, whole = by_quarter(story, since, until), durations(story, since, until)
    assert sum(quarters.values(), Times()) == Times(**{name: whole[Activity(name[:-3])] for name in MEASURES})
    assert all(one.served_ms + one.away_ms <= QUARTER.total_seconds() * 1000 for one in quarters.values())


@given(st.lists(stories, max_size=3), instants, instants)
def test_nobody_is_staffed_for_longer_than_all_together_and_never_longer_than_the_window(
    everybody: list[list[Stated]], one: datetime, other: datetime
) -> None:
    since, until = sorted((one, other))
    each = [staffed_ms([his], [(since, until)]) for his in everybody]
    together = staffed_ms(everybody, [(since, until)])
    assert max(each, default=0) <= together <= min(sum(each), durations([], since, until)[Activity.OFFLINE])


# -- which changes are facts ----------------------------------------------------------------------------------------

READY = Presence(AgentState.READY, NINE, NINE, AgentState.READY)


def test_what_he_only_means_to_do_is_no_fact() -> None:
    talking = Presence(AgentState.TALKING, NINE, NINE, AgentState.READY)
    assert change_of(talking, wish(talking, AgentState.PAUSED, PauseReason.BREAK, at(1)), at(1)) is None
    assert change_of(READY, wish(READY, AgentState.READY, None, at(1)), at(1)) is None


def test_another_reason_of_a_pause_is_a_fact() -> None:
    pause = wish(READY, AgentState.PAUSED, PauseReason.BREAK, at(1))
    meeting = wish(pause, AgentState.PAUSED, PauseReason.MEETING, at(3))
    assert change_of(READY, pause, at(1)) == Stated(at(1), Activity.PAUSED, PauseReason.BREAK)
    assert change_of(pause, meeting, at(3)) == Stated(at(3), Activity.PAUSED, PauseReason.MEETING)


@pytest.mark.parametrize("state", AgentState)
def test_every_state_has_its_activity_and_only_who_is_at_his_desk_can_be_away(state: AgentState) -> None:
    assert stated(Presence(state, NINE, NINE, AgentState.READY), NINE).activity.value == state.value
    gone = absence(state, at(1), at(2))
    assert (gone is not None) == (state in {AgentState.READY, AgentState.PAUSED})
    assert gone is None or gone == Stated(at(1), Activity.AWAY)
    assert absence(state, at(2), at(1)) is None
