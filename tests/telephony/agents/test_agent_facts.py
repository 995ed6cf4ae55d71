"""What agents do is written down as it changes, and summed up by quarter hours; no figure is of one alone."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert, select, text, update

from crm.core import clock
from crm.core.db import Database, Scope
from crm.levels.metering import quarter_of
from telephony.agents import queries
from telephony.agents import service as agents
from telephony.agents.models import Activity, AgentFact, AgentPresence, AgentState, AgentTime, PauseReason
from telephony.agents.queries import FEWEST
from telephony.agents.times import QUARTER
from telephony.calls import conversation, talk
from telephony.calls.events import LegEnd
from tests.cast import Cast, principal_of
from tests.telephony.stage import Stage
from web.levels.terminal import verify_levels

pytestmark = pytest.mark.integration
R, W = Activity.READY, Activity.WRAP_UP


def told(stage: Stage, agent: int) -> list[Activity]:
    """What an agent did, one thing after the other."""
    rows = stage.work(
        lambda s: s.execute(select(AgentFact.activity).where(AgentFact.agent_id == agent).order_by(AgentFact.id))
    )
    return list(rows.scalars())


def write_up(stage: Stage, call: object, agent: int) -> None:
    stage.work(
        lambda s: conversation.conclude(
            s, stage.principal(agent), call_id=call, topic="payments", disposition="resolved", note=""
        )
    )


def test_a_call_from_ring_to_notes(stage: Stage) -> None:
    anna = stage.cast.anna
    stage.ready(anna)
    call = stage.queues()
    stage.talks(call)
    stage.work(lambda s: talk.hold(s, stage.principal(anna), call_id=call))
    stage.work(lambda s: talk.hold(s, stage.principal(anna), call_id=call))  # asked twice, done once
    stage.work(lambda s: talk.back(s, stage.principal(anna), call_id=call))
    stage.caller_leaves(call)
    assert told(stage, anna) == [
        Activity.OFFLINE, R, Activity.RINGING, Activity.TALKING, Activity.HOLDING, Activity.TALKING, W,
    ]  # fmt: skip
    of_call = stage.work(
        lambda s: (
            s.execute(select(AgentFact.call_id).where(AgentFact.agent_id == anna).order_by(AgentFact.id))
            .scalars()
            .all()
        )
    )
    assert of_call == [None, None, *[call] * 5]


def test_an_unanswered_ring_is_a_pause_with_its_reason(stage: Stage) -> None:
    stage.ready(stage.cast.luca)
    call = stage.queues()
    stage.run()
    stage.leg_ends(call, LegEnd.TIMED_OUT)
    assert told(stage, stage.cast.luca)[-2:] == [Activity.RINGING, Activity.PAUSED]
    reason = stage.work(lambda s: s.execute(select(AgentFact.reason).order_by(AgentFact.id.desc()).limit(1)).scalar())
    assert reason is PauseReason.MISSED_CALL


def test_a_wish_for_later_is_none_and_what_fails_leaves_none(stage: Stage) -> None:
    anna = stage.cast.anna
    stage.ready(anna)
    stage.talks(stage.queues())
    before = told(stage, anna)
    stage.work(lambda s: agents.wish(s, stage.principal(anna), intended=AgentState.PAUSED))

    def fails(session: object) -> None:
        agents.wish(session, stage.principal(stage.cast.luca), intended=AgentState.READY)  # type: ignore[arg-type]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        stage.work(fails)
    assert (told(stage, anna), told(stage, stage.cast.luca)) == (before, [Activity.OFFLINE])


def silent_for(stage: Stage, agent: int, seconds: int) -> None:
    with stage.database.begin(Scope.nothing()) as session:
        gone = clock.now(session) - timedelta(seconds=seconds)
        session.execute(update(AgentPresence).where(AgentPresence.agent_id == agent).values(live_until=gone))


def test_a_console_that_was_not_there_is_time_away_until_it_is_back_or_its_agent_put_out_of_service(
    stage: Stage,
) -> None:
    """Rule: liveness on the server."""
    anna, luca, marta = stage.cast.anna, stage.cast.luca, stage.cast.marta
    stage.ready(anna, luca, marta)
    for agent in (anna, luca, marta):
        silent_for(stage, agent, 60)
    stage.work(lambda s: agents.renew(s, [anna]))
    stage.work(lambda s: agents.attend(s, principal_of(s, luca)))
    stage.engine.retire_silent()
    assert told(stage, anna)[-2:] == told(stage, luca)[-2:] == [Activity.AWAY, R]
    assert told(stage, marta)[-2:] == [Activity.AWAY, Activity.OFFLINE]
    stage.work(lambda s: agents.renew(s, [anna, luca]))  # they stay
    assert told(stage, anna)[-2:] == [Activity.AWAY, R]


def test_facts_of_an_agent_never_go_back_in_time(stage: Stage) -> None:
    """Whoever waited for a lock has an earlier instant than whoever had it."""
    anna = stage.cast.anna
    with stage.database.begin(Scope.nothing()) as session:
        later = clock.now(session) + timedelta(minutes=5)
        session.execute(insert(AgentFact).values(agent_id=anna, at=later, activity=Activity.PAUSED))
    stage.ready(anna)
    last = stage.work(lambda s: s.execute(select(AgentFact.at).order_by(AgentFact.id.desc()).limit(1)).scalar())
    assert last == later


# -- quarter hours ---------------------------------------------------------------------------------------------------


def a_morning(stage: Stage, *people: int, minutes: int = 60) -> datetime:
    """So many minutes ago, at a quarter, these were ready; in the quarter's tenth minute they talked; its start."""
    with stage.database.begin(Scope.nothing()) as session:
        start = quarter_of(clock.now(session) - timedelta(minutes=minutes))
        rows = [(0, R), (10, Activity.TALKING), (14, W), (20, Activity.OFFLINE)]
        session.execute(
            insert(AgentFact),
            [
                {"agent_id": one, "at": start + timedelta(minutes=after), "activity": activity, "reason": None}
                for one in people
                for after, activity in rows
            ],
        )
    return start


def test_quarter_hours_are_summed_up_again_as_long_as_they_may_change(stage: Stage) -> None:
    anna = stage.cast.anna
    start = a_morning(stage, anna)
    assert (stage.engine.tally_agents(), stage.engine.tally_agents()) == (2, 0)
    rows = stage.work(lambda s: s.execute(select(AgentTime).order_by(AgentTime.quarter)).scalars().all())
    assert [(one.quarter, one.ready_ms, one.talking_ms, one.wrap_up_ms) for one in rows] == [
        (start, 600_000, 240_000, 60_000), (start + QUARTER, 0, 0, 300_000),
    ]  # fmt: skip
    late = insert(AgentFact).values(agent_id=anna, at=start + timedelta(minutes=18), activity=Activity.OFFLINE)
    with stage.database.begin(Scope.nothing()) as session:
        session.execute(late)
    stage.engine.tally_agents()
    written_up = select(AgentTime.wrap_up_ms).order_by(AgentTime.quarter)
    assert stage.work(lambda s: s.execute(written_up).scalars().all()) == [60_000, 180_000]


def test_occupancy_is_told_of_three_agents_and_of_no_fewer(stage: Stage) -> None:
    """Metric: occupancy.

    L. 300/1970, art. 4: nobody's own figures are shown to others. Whoever is in two queues counts in each.
    """
    cast, contracts = stage.cast, frozenset({stage.cast.contract})
    start = a_morning(stage, cast.anna, cast.luca)
    stage.engine.tally_agents()
    two = stage.work(lambda s: queries.staffed_since(s, contracts, start))
    assert (two.all.agents, two.all.occupancy, two.queues[cast.notices].occupancy) == (2, None, None)
    with stage.database.begin(Scope.nothing()) as session:
        for minutes, activity in ((21, Activity.PAUSED), (25, Activity.OFFLINE)):  # she was there, and on no call
            at = start + timedelta(minutes=minutes)
            session.execute(insert(AgentFact).values(agent_id=cast.marta, at=at, activity=activity))
    stage.engine.tally_agents()
    still_two = stage.work(lambda s: queries.staffed_since(s, contracts, start))
    assert (still_two.all.agents, still_two.all.occupancy, still_two.all.times.paused_ms) == (2, None, 240_000)
    a_morning(stage, cast.marta)
    stage.engine.tally_agents()
    three = stage.work(lambda s: queries.staffed_since(s, contracts, start))
    assert three.all.agents == FEWEST
    assert three.all.times == three.queues[cast.notices].times == three.queues[cast.operator].times
    assert three.all.occupancy == three.queues[cast.operator].occupancy == (three.all.times.busy_ms / (20 * 180_000))
    other = stage.work(lambda s: queries.staffed_since(s, frozenset({cast.other_contract}), start))
    assert (other.all.agents, other.all.occupancy, other.queues) == (0, None, {})


def test_the_command_that_proves_the_counters_proves_the_agents_time(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    a_morning(stage, stage.cast.anna, minutes=150)
    stage.ready(stage.cast.luca)
    stage.engine.tally_agents()
    everything = {"contract": None, "since": None, "until": None}
    capsys.readouterr()
    assert verify_levels(stage.database, **everything, mend=False)  # type: ignore[arg-type]
    assert capsys.readouterr().out.splitlines()[0] == "agents  equal      2 quarter hours"
    stage.work(lambda s: s.execute(text("UPDATE agent_time SET ready_ms = ready_ms + 5 WHERE talking_ms > 0")))
    assert not verify_levels(stage.database, **everything, mend=False)  # type: ignore[arg-type]
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "agents  DIFFERENT  2 quarter hours, 1 of them other than their facts"
    assert out[1].endswith("ready_ms 600005 instead of 600000")
    assert not verify_levels(stage.database, **everything, mend=True)  # type: ignore[arg-type]
    assert verify_levels(stage.database, **everything, mend=False)  # type: ignore[arg-type]


def test_what_was_kept_for_two_years_goes(database: Database, cast: Cast, stage: Stage) -> None:
    with database.begin(Scope.nothing()) as session:
        old = clock.now(session) - timedelta(days=740)
        session.execute(insert(AgentFact).values(agent_id=cast.anna, at=old, activity=R))
    assert stage.engine.forget_agents() == 1
    assert stage.engine.forget_agents() == 0
    assert told(stage, cast.anna) == [Activity.OFFLINE]
