"""Callers and agents who become available in the same instant find each other, once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from time import monotonic
from uuid import UUID

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.db import Database, Scope
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls import reception
from telephony.calls.events import LegEnd
from telephony.calls.models import AgentLeg, Call, Phase
from telephony.queues.events import MatchDue
from telephony.queues.matching import Assigned, Matcher
from telephony.queues.models import QueueEntry, QueueMember
from tests.cast import DOMAIN, STRANGER
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

ROUNDS = 30
PATIENCE_S = 20


def commits(
    database: Database, scope: Scope, work: Callable[[Session], object], together: threading.Barrier
) -> Callable[[], list[Assigned]]:
    """A process: its transaction waits at its end for the other's, both commit, then each matches."""

    def process() -> list[Assigned]:
        with database.begin(scope) as session:
            work(session)
            session.flush()
            together.wait(PATIENCE_S)
        return Matcher(database).match_now(DOMAIN, found_by="event")

    return process


def test_an_agent_becomes_ready_and_a_caller_enters_the_queue_in_the_same_instant(stage: Stage) -> None:
    """Rule: one winner.

    Neither transaction sees the other's row. Whoever matches second does; nobody is matched twice.
    """
    anna = stage.cast.anna
    stage.ready(anna)
    with ThreadPoolExecutor(2) as pool:
        for n in range(ROUNDS):
            paused(stage, anna)
            call = stage.arrives(STRANGER, sid=f"CA{n}")
            together = threading.Barrier(2)
            caller = commits(
                stage.database, Scope.of_contract(stage.cast.contract),
                lambda s, call=call: reception.keys(s, call, step=0, pressed="0", to=TO), together,
            )  # fmt: skip
            agent = commits(
                stage.database, Scope.nothing(),
                lambda s: agents.wish(s, stage.principal(anna), intended=AgentState.READY), together,
            )  # fmt: skip
            both = [pool.submit(caller), pool.submit(agent)]
            made = [one for future in both for one in future.result(PATIENCE_S)]
            assert [(one.call_id, one.agent_id) for one in made] == [(call, anna)]
            assert stage.presence(anna).call_id == call
            stage.caller_leaves(call)
            stage.crash()


def test_many_matchers_at_once_give_no_call_and_no_agent_away_twice(stage: Stage) -> None:
    """Rule: one winner."""
    cast = stage.cast
    names = (cast.anna, cast.luca, cast.marta)
    numbers = count()
    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            stage.ready(*names)
            calls = [stage.queues(STRANGER, sid=f"CA{next(numbers)}") for _ in range(5)]
            stage.crash()
            together = threading.Barrier(4)

            def match(together: threading.Barrier = together) -> list[Assigned]:
                together.wait(PATIENCE_S)
                return stage.matcher.match_now(DOMAIN, found_by="event")

            made = [one for future in [pool.submit(match) for _ in range(4)] for one in future.result(PATIENCE_S)]
            assert [one.agent_id for one in made] == list(names)  # one matcher made them all, in order
            assert [one.call_id for one in made] == calls[:3]
            everybody_is_where_he_should_be(stage)
            for call in calls:
                stage.caller_leaves(call)
            stage.crash()


def test_callers_give_up_while_they_are_being_matched(stage: Stage) -> None:
    """The caller's end and the match contend for the same rows; either order is right, and nobody is stuck."""
    numbers = count()
    with ThreadPoolExecutor(2) as pool:
        for _ in range(15):
            stage.ready(stage.cast.anna)
            call = stage.queues(STRANGER, sid=f"CA{next(numbers)}")
            stage.crash()
            together = threading.Barrier(2)

            def leave(call: UUID = call, together: threading.Barrier = together) -> None:
                together.wait(PATIENCE_S)
                stage.caller_leaves(call, after=10)

            def match(together: threading.Barrier = together) -> list[Assigned]:
                together.wait(PATIENCE_S)
                return stage.matcher.match_now(DOMAIN, found_by="event")

            left, matched = pool.submit(leave), pool.submit(match)
            left.result(PATIENCE_S)
            assert len(matched.result(PATIENCE_S)) <= 1
            assert stage.call(call).phase is Phase.ENDED
            assert stage.presence(stage.cast.anna).state is AgentState.READY
            stage.crash()


def test_a_matcher_asked_many_times_at_once_finishes_what_it_was_asked(stage: Stage) -> None:
    stage.ready(stage.cast.anna, stage.cast.luca)
    calls = [stage.queues(STRANGER, sid=f"CA{n}") for n in range(2)]
    for _ in range(20):
        stage.matcher.ask([MatchDue(DOMAIN), MatchDue(DOMAIN)])
    stage.matcher.close()
    assert [stage.call(call).phase for call in calls] == [Phase.RINGING, Phase.RINGING]


# -- who is offered a call ----------------------------------------------------------------------------------------


def test_nobody_is_offered_a_call_whose_console_fell_silent(stage: Stage) -> None:
    """Rule: liveness on the server."""
    stage.ready(stage.cast.anna)
    stage.queues()
    silence(stage, stage.cast.anna, seconds=1)
    assert stage.run() == []
    with stage.database.begin(Scope.nothing()) as session:
        agents.renew(session, [stage.cast.anna])
    assert [one.agent_id for one in stage.run()] == [stage.cast.anna]  # coming back is an event: no sweep needed


def test_nobody_is_offered_a_call_whose_telephone_is_not_registered(stage: Stage) -> None:
    """Rule: liveness on the server."""
    anna = stage.cast.anna
    stage.ready(anna)
    device(stage, anna, ready=False)
    stage.queues()
    assert stage.run() == []
    device(stage, anna, ready=True)
    assert [one.agent_id for one in stage.run()] == [anna]


def test_a_tab_that_hands_the_telephone_over_does_not_take_it_away_from_the_next(stage: Stage) -> None:
    """Rule: one tab leads."""
    anna = stage.cast.anna
    stage.ready(anna)
    device(stage, anna, ready=True, name="another tab")
    device(stage, anna, ready=False)  # the first tab's farewell, heard late
    stage.queues()
    assert [one.agent_id for one in stage.run()] == [anna]


def test_nobody_is_offered_a_call_of_a_queue_that_is_not_his(stage: Stage) -> None:
    stage.ready(stage.cast.anna, stage.cast.luca)
    with stage.database.begin(Scope.nothing()) as session:
        member = session.get(QueueMember, (stage.cast.operator, stage.cast.anna))
        session.delete(member)
    stage.queues()
    assert [one.agent_id for one in stage.run()] == [stage.cast.luca]


def test_an_agent_whose_grant_has_ended_is_offered_no_call_of_that_contract(stage: Stage) -> None:
    """Anna is still member of the queues. Her page was closed when her grants changed, and has connected again."""
    cast = stage.cast
    stage.ready(cast.anna, cast.luca)
    grants(stage, cast.anna, cast.other_contract)
    stage.queues()
    assert [one.agent_id for one in stage.run()] == [cast.luca]
    stage.queues(STRANGER, sid="CAother")
    assert stage.run() == []
    grants(stage, cast.anna, cast.other_contract, cast.contract)
    assert [one.agent_id for one in stage.run()] == [cast.anna]  # connecting is an event: no sweep needed


def test_a_grant_on_one_ente_makes_nobody_an_agent_of_its_contract(stage: Stage) -> None:
    """The contract's queues hold the calls of other enti too, and calls that are nobody's yet."""
    anna = stage.cast.anna
    stage.ready(anna)
    here = frozenset({Held(Role.AGENT, stage.cast.empoli, None)})
    stage.work(lambda session: agents.attend(session, Principal(anna, "Anna", "it", here)))
    stage.queues()
    assert stage.run() == []


def test_an_agent_whose_console_stays_silent_is_put_out_of_service(stage: Stage) -> None:
    stage.ready(stage.cast.anna, stage.cast.luca)
    silence(stage, stage.cast.anna, seconds=11)
    stage.engine.retire_silent()
    assert stage.presence(stage.cast.anna).state is AgentState.OFFLINE
    assert stage.presence(stage.cast.luca).state is AgentState.READY


def test_an_agent_in_conversation_is_not_retired_by_a_silent_console(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    stage.talks(stage.queues())
    silence(stage, stage.cast.anna, seconds=60)
    stage.engine.retire_silent()
    assert stage.presence(stage.cast.anna).state is AgentState.TALKING


def test_a_freed_agent_pulls_whoever_waits_without_any_sweep(stage: Stage) -> None:
    """Rule: capacity pulls."""
    stage.ready(stage.cast.anna)
    first = stage.queues()
    second = stage.queues(STRANGER, sid="CAother")
    stage.run()
    stage.caller_leaves(first)
    assert [one.call_id for one in stage.run()] == [second]
    assert stage.engine.sweep_queues() == 0


def test_the_sweep_catches_a_match_that_a_crash_forgot(stage: Stage) -> None:
    """Rule: heartbeat and take-over."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.crash()
    assert stage.engine.sweep_queues() == 0  # a match by event takes no second
    waiting = update(QueueEntry).values(entered_at=QueueEntry.entered_at - timedelta(seconds=2))
    with stage.database.begin(Scope.across_enti()) as session:
        session.execute(waiting)
    assert stage.engine.sweep_queues() == 1
    assert stage.call(call).phase is Phase.RINGING


def test_who_missed_a_call_is_not_offered_it_again_at_once(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    stage.leg_ends(call, LegEnd.BUSY)
    assert stage.run() == []
    assert stage.call(call).phase is Phase.WAITING


# -- parts --------------------------------------------------------------------------------------------------------


def paused(stage: Stage, agent: int) -> None:
    with stage.database.begin(Scope.nothing()) as session:
        agents.wish(session, stage.principal(agent), intended=AgentState.PAUSED)


def device(stage: Stage, agent: int, *, ready: bool, name: str = "desk") -> None:
    with stage.database.begin(Scope.nothing()) as session:
        agents.set_device(session, stage.principal(agent), device=name, ready=ready)


def grants(stage: Stage, agent: int, *contracts: int) -> None:
    """He may answer for these contracts, and his console connects."""
    held = frozenset(Held(Role.AGENT, None, contract) for contract in contracts)
    stage.work(lambda session: agents.attend(session, Principal(agent, "", "it", held)))


def silence(stage: Stage, agent: int, *, seconds: int) -> None:
    """The console's lease ran out so many seconds ago."""
    with stage.database.begin(Scope.nothing()) as session:
        ago = clock.now(session) - timedelta(seconds=seconds)
        session.execute(update(AgentPresence).where(AgentPresence.agent_id == agent).values(live_until=ago))


def everybody_is_where_he_should_be(stage: Stage) -> None:
    """No agent with two calls, no call with two agents, and both sides agree."""

    def work(session: Session) -> None:
        live = session.execute(
            select(Call.agent_id, Call.id, Call.leg_id).where(Call.phase != Phase.ENDED, Call.agent_id.is_not(None))
        ).all()
        busy = session.execute(
            select(AgentPresence.agent_id, AgentPresence.call_id, AgentPresence.leg_id).where(
                AgentPresence.call_id.is_not(None)
            )
        ).all()
        assert sorted(live) == sorted(busy)
        legs = session.execute(select(AgentLeg.call_id).where(AgentLeg.ended_at.is_(None))).scalars().all()
        assert len(legs) == len(set(legs)) == len(live)

    stage.work(work)


def test_anna_goes_on_a_break_while_she_is_being_matched_and_luca_gets_the_call(stage: Stage) -> None:
    """Her pause is not committed yet when the match reads who is free; the match waits for it, and sees it."""
    stage.ready(stage.cast.anna, stage.cast.luca)
    call = stage.arrives(STRANGER)
    with stage.database.begin(Scope.of_contract(stage.cast.contract)) as session:
        reception.keys(session, call, step=0, pressed="0", to=TO)
    with ThreadPoolExecutor(1) as pool:
        with stage.database.begin(Scope.nothing()) as session:
            agents.wish(session, stage.principal(stage.cast.anna), intended=AgentState.PAUSED)
            matched = pool.submit(Matcher(stage.database).match_now, DOMAIN, found_by="event")
            _until_it_waits(stage.database)
        (made,) = matched.result(PATIENCE_S)
    assert (made.call_id, made.agent_id) == (call, stage.cast.luca)


def _until_it_waits(database: Database) -> None:
    """Until somebody waits for a row that another transaction holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    deadline = monotonic() + PATIENCE_S
    while monotonic() < deadline:
        with database.begin(Scope.nothing()) as session:
            if session.execute(waiting).scalar_one():
                return
    raise AssertionError("nobody waited")
