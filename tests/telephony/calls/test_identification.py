"""Whoever was identified before one agent is established anew before the next; a file is open where it was opened."""

from uuid import UUID

import pytest
from sqlalchemy import select

from crm.core.errors import ConflictError
from crm.files import queries as files
from crm.files.gate import GateOutcome
from crm.files.models import FileOpening, Purpose
from crm.files.service import open_file
from telephony.agents.models import AgentState
from telephony.calls import conversation, story
from telephony.calls.events import LegEnd
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def identified(stage: Stage) -> UUID:
    """Anna knows that she speaks with Mario."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    identify(stage, call, stage.cast.anna)
    return call


def identify(stage: Stage, call: UUID, agent: int) -> None:
    by, mario = stage.principal(agent), stage.cast.mario
    stage.work(lambda s: conversation.identify(s, by, call_id=call, contact_id=mario))


def drops(stage: Stage, call: UUID) -> None:
    """Anna's line drops; she is not there for the next call."""
    stage.leg_ends(call, LegEnd.COMPLETED, after=60)
    stage.passes(90)  # for longer than she is waited for
    stage.crash()
    assert stage.presence(stage.cast.anna).state is not AgentState.TALKING


def is_open(stage: Stage, agent: int) -> bool:
    by = stage.principal(agent)
    return stage.work(lambda s: files.opening(s, by, contact_id=stage.cast.mario)) is not None


def test_after_a_dropped_line_the_file_is_closed_and_the_next_agent_opens_it(stage: Stage) -> None:
    cast = stage.cast
    call = identified(stage)
    drops(stage, call)
    assert not is_open(stage, cast.anna)
    assert (stage.call(call).contact_id, stage.call(call).identified_at) == (cast.mario, None)  # proposed, as before
    stage.ready(cast.luca)
    stage.matcher.match_now("main", found_by="test")
    stage.talks(call)
    assert stage.call(call).agent_id == cast.luca
    identify(stage, call, cast.luca)
    assert is_open(stage, cast.luca)
    identify(stage, call, cast.luca)  # pressed twice
    openings = stage.work(lambda s: s.scalars(select(FileOpening).order_by(FileOpening.id)).all())
    assert [(one.opened_by, one.closed_at is None) for one in openings] == [(cast.anna, False), (cast.luca, True)]


def test_a_caller_who_gives_up_after_the_drop_leaves_no_file_open(stage: Stage) -> None:
    call = identified(stage)
    drops(stage, call)
    stage.caller_leaves(call, after=90)
    assert not is_open(stage, stage.cast.anna)
    (entry,) = stage.timeline(stage.cast.mario)
    assert entry.detail["identified"]  # Anna did


def test_a_caller_who_was_identified_before_the_drop_is_gone_before_the_next_agent_asks(stage: Stage) -> None:
    """The file stays closed to Luca, but the call is not one of somebody whom nobody had identified."""
    cast = stage.cast
    call = identified(stage)
    drops(stage, call)
    stage.ready(cast.luca)
    stage.matcher.match_now("main", found_by="test")
    stage.talks(call)
    stage.caller_leaves(call, after=90)
    assert stage.presence(cast.luca).state is AgentState.WRAP_UP
    assert not is_open(stage, cast.luca)
    assert stage.call(call).identified_at is None
    assert stage.work(lambda s: story.was_identified(s, stage.call(call)))
    (entry,) = stage.timeline(cast.mario)
    assert entry.detail["identified"]


def test_the_next_agent_finds_that_it_was_not_him_and_the_mistake_is_told(stage: Stage) -> None:
    cast = stage.cast
    call = identified(stage)
    drops(stage, call)
    stage.ready(cast.luca)
    stage.matcher.match_now("main", found_by="test")
    stage.talks(call)
    by, wrong = stage.principal(cast.luca), GateOutcome.WRONG_PERSON
    stage.work(lambda s: conversation.turn_away(s, by, call_id=call, contact_id=cast.mario, outcome=wrong))
    assert stage.call(call).contact_id is None
    assert not stage.work(lambda s: story.was_identified(s, stage.call(call)))
    (entry,) = stage.timeline(cast.mario)
    assert entry.status == story.OPENED_BY_MISTAKE


def test_a_file_that_is_open_in_a_call_is_not_opened_beside_it(stage: Stage) -> None:
    call = identified(stage)
    by = stage.principal(stage.cast.anna)
    with pytest.raises(ConflictError):
        stage.work(lambda s: open_file(s, by, contact_id=stage.cast.mario, purpose=Purpose.DESK, reason=""))
    found = stage.work(lambda s: files.opening(s, by, contact_id=stage.cast.mario))
    assert found is not None
    assert found.call_id == call
