"""A supervisor ends for an agent what he does not end himself, and limits how long pauses last."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core import clock, topics
from crm.core.db import LiveTopic, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.enti.service import close_lines
from crm.levels.metering import Counts
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentState, PauseReason
from telephony.calls import conversation, oversight
from telephony.calls.models import Outcome, Phase
from telephony.calls.oversight import Overseen
from tests.cast import EMPOLI_LINE, STRANGER
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration
READY, OFFLINE, PAUSED = AgentState.READY, AgentState.OFFLINE, AgentState.PAUSED


@pytest.fixture
def sara(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))


def release(stage: Stage, by: Principal, agent: int, to: AgentState) -> None:
    stage.work(lambda session: oversight.release(session, by, agent_id=agent, to=to))


def told(stage: Stage, agent: int) -> oversight.Released | None:
    def work(session: Session) -> oversight.Released | None:
        found = session.get(AgentPresence, agent)
        assert found is not None
        return oversight.released(session, found)

    return stage.work(work)


def in_wrap_up(stage: Stage) -> UUID:
    """Anna has spoken with Mario, and writes her notes."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.caller_leaves(call)
    stage.run()
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP
    return call


def pauses(stage: Stage, agent: int, reason: PauseReason = PauseReason.BREAK, *, minutes_ago: float = 0) -> None:
    """Somebody went on a pause so long ago."""
    stage.ready(agent)
    stage.work(lambda s: agents.wish(s, stage.principal(agent), intended=PAUSED, reason=reason))
    with stage.database.begin(Scope.nothing()) as session:
        since = clock.now(session) - timedelta(minutes=minutes_ago)
        session.execute(update(AgentPresence).where(AgentPresence.agent_id == agent).values(since=since))


def seen(stage: Stage) -> dict[int, Overseen]:
    found = stage.work(lambda s: oversight.overview(s, frozenset({stage.cast.contract})))
    return {one.agent_id: one for one in found}


def limit(stage: Stage, by: Principal, **minutes: int | None) -> None:
    wanted = {PauseReason(reason): most for reason, most in minutes.items()}
    stage.work(lambda s: oversight.set_limits(s, by, contract_id=stage.cast.contract, minutes=wanted))


def audited(stage: Stage, kind: str) -> list[Any]:
    return stage.work(lambda s: list(s.execute(select(AuditEntry).where(AuditEntry.kind == kind)).scalars()))


def test_a_wrap_up_is_ended_by_the_supervisor_the_notes_are_kept_and_the_agent_is_told(
    stage: Stage, sara: Principal
) -> None:
    """Rule: wrap-up is the agent's.

    Wrap-up belongs to the agent and runs on the server; who ends it for him is known, and nothing is lost.
    """
    call = in_wrap_up(stage)
    anna = stage.principal(stage.cast.anna)
    stage.work(lambda s: conversation.draft(s, anna, call_id=call, topic="", disposition="", note="Rate, poi…"))
    release(stage, sara, stage.cast.anna, READY)
    assert stage.presence(stage.cast.anna).state is READY
    assert stage.timers() == 0
    assert told(stage, stage.cast.anna) == oversight.Released("Sara", AgentState.WRAP_UP)
    unfinished = stage.work(lambda s: conversation.unfinished(s, stage.cast.anna))
    assert unfinished is not None
    assert (unfinished.id, unfinished.note) == (call, "Rate, poi…")
    assert len(audited(stage, "agent.released")) == 2  # in each ente's log
    stage.queues(sid="CAnext")
    stage.run()
    assert stage.presence(stage.cast.anna).state is AgentState.RINGING  # free again for who waits
    assert told(stage, stage.cast.anna) is None  # old news


def test_out_of_service_from_wherever_he_rests(stage: Stage, sara: Principal) -> None:
    pauses(stage, stage.cast.luca)
    release(stage, sara, stage.cast.luca, OFFLINE)
    assert stage.presence(stage.cast.luca).state is OFFLINE
    assert told(stage, stage.cast.luca) == oversight.Released("Sara", PAUSED)
    with pytest.raises(ConflictError, match="già fuori servizio"):
        release(stage, sara, stage.cast.luca, OFFLINE)
    in_wrap_up(stage)
    release(stage, sara, stage.cast.anna, OFFLINE)
    assert stage.presence(stage.cast.anna).state is OFFLINE


def test_a_conversation_is_not_cut_short(stage: Stage, sara: Principal) -> None:
    """Rule: the intention is kept. The intended state is kept through a call."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    with pytest.raises(ConflictError):
        release(stage, sara, stage.cast.anna, READY)
    release(stage, sara, stage.cast.anna, OFFLINE)
    now = stage.presence(stage.cast.anna)
    assert (now.state, now.intended, now.call_id) == (AgentState.TALKING, OFFLINE, call)


def test_only_who_oversees_him_may(stage: Stage, sara: Principal) -> None:
    pauses(stage, stage.cast.luca)
    elsewhere = Principal(9, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.other_contract)}))
    with pytest.raises(NotFoundError):
        release(stage, elsewhere, stage.cast.luca, OFFLINE)
    with pytest.raises(ForbiddenError):
        release(stage, stage.principal(stage.cast.anna), stage.cast.luca, OFFLINE)
    with pytest.raises(ForbiddenError):
        limit(stage, elsewhere, **{"break": 10})
    with pytest.raises(ConflictError):
        release(stage, sara, stage.cast.luca, PAUSED)


def test_a_pause_over_its_limit_is_seen_and_goes_on(stage: Stage, sara: Principal) -> None:
    """Rule: a pause, not an exile. A pause is visible and reversible; nobody is evicted by it."""
    pauses(stage, stage.cast.anna, minutes_ago=16)
    pauses(stage, stage.cast.luca, PauseReason.MEETING, minutes_ago=16)
    contracts = frozenset({stage.cast.contract})
    assert stage.work(lambda s: oversight.over_limit(s, contracts)) == 0
    limit(stage, sara, **{"break": 15, "meeting": 60, "training": None})
    limit(stage, sara, **{"break": 15, "meeting": 60, "training": None})  # again: nothing changes
    assert [seen(stage)[one].over for one in (stage.cast.anna, stage.cast.luca)] == [True, False]
    assert stage.work(lambda s: oversight.over_limit(s, contracts)) == 1
    assert stage.presence(stage.cast.anna).state is PAUSED
    assert len(audited(stage, "pause.limited")) == 2
    assert next(iter(seen(stage))) == stage.cast.anna  # whoever is over his limit comes first
    with pytest.raises(FieldError):
        limit(stage, sara, **{"break": 0})
    limit(stage, sara)
    assert seen(stage)[stage.cast.anna].over is False


def test_the_pages_are_told_when_a_pause_becomes_too_long_and_not_for_ever_after(stage: Stage, sara: Principal) -> None:
    limit(stage, sara, **{"break": 15})
    heard: list[LiveTopic] = []
    stage.database.on(LiveTopic, heard.extend)
    for minutes, passed in ((14.9, 0), (15.1, 1), (16, 0)):
        pauses(stage, stage.cast.anna, minutes_ago=minutes)
        heard.clear()
        assert stage.work(oversight.pauses_passed) == passed
        assert (topics.agent(stage.cast.anna) in {one.name for one in heard}) is bool(passed)


def test_who_is_waiting_at_closing_is_served_and_who_calls_later_hears_that_it_is_closed(
    stage: Stage, sara: Principal
) -> None:
    """The lines close on whoever calls, not on whoever has been let in."""
    call = stage.queues()
    stage.work(lambda s: close_lines(s, sara, contract_id=stage.cast.contract, reason="Fine turno"))
    assert "Fine turno" in repr(stage.announced(STRANGER, EMPOLI_LINE, sid="CAlate"))
    assert stage.call(call).phase is Phase.WAITING
    stage.ready(stage.cast.anna)
    stage.talks(call)
    stage.caller_leaves(call)
    assert stage.call(call).outcome is Outcome.ANSWERED
    counts = sum(stage.counts().values(), Counts())
    assert (counts.received, counts.answered) == (2, 1)  # the late one came within the hours, and nobody answered


def test_a_supervisor_has_an_agent_pause_at_once_or_after_his_call(stage: Stage, sara: Principal) -> None:
    anna, luca = stage.cast.anna, stage.cast.luca
    stage.ready(anna)

    def pause(agent: int, reason: PauseReason | None) -> None:
        stage.work(lambda s: oversight.release(s, sara, agent_id=agent, to=PAUSED, reason=reason))

    call = stage.queues()
    stage.talks(call)
    pause(anna, PauseReason.MEETING)
    assert stage.presence(anna).state is AgentState.TALKING
    assert (stage.presence(anna).intended, stage.presence(anna).pause_reason) == (PAUSED, PauseReason.MEETING)
    assert seen(stage)[anna].ente_id == stage.cast.empoli
    stage.ready(luca)
    pause(luca, PauseReason.TRAINING)
    assert stage.presence(luca).state is PAUSED
    for reason in (None, PauseReason.MISSED_CALL):
        with pytest.raises(ConflictError):
            pause(luca, reason)
