"""The time for the notes: what is written when it runs out is kept, and may be completed afterwards."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from crm.core.db import Scope
from crm.core.errors import ConflictError, InvalidError
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls import conversation, story
from telephony.calls.choices import Disposition, Topic
from tests.cast import NOTICE, REGIONAL_LINE, STRANGER
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def to_be_written_up(stage: Stage, *, sid: str = "CAmario", identified: bool = True) -> UUID:
    """Anna has spoken with Mario; her time for the notes has begun."""
    stage.ready(stage.cast.anna)
    call = stage.queues(sid=sid)
    stage.talks(call)
    if identified:
        by = stage.principal(stage.cast.anna)
        stage.work(lambda s: conversation.identify(s, by, call_id=call, contact_id=stage.cast.mario))
    stage.caller_leaves(call)
    return call


def types(stage: Stage, call: UUID, note: str, topic: str = "", disposition: str = "", agent: int = 0) -> None:
    """She pauses in typing."""
    by = stage.principal(agent or stage.cast.anna)
    stage.work(
        lambda s: conversation.autosave(s, by, call_id=call, topic=topic, disposition=disposition, note=note)
    )  # fmt: skip


def completes(stage: Stage, call: UUID, topic: str, disposition: str, note: str, agent: int = 0) -> None:
    by = stage.principal(agent or stage.cast.anna)
    stage.work(
        lambda s: conversation.complete(s, by, call_id=call, topic=topic, disposition=disposition, note=note)
    )  # fmt: skip


def leaves(stage: Stage, call: UUID) -> None:
    by = stage.principal(stage.cast.anna)
    stage.work(lambda s: conversation.leave(s, by, call_id=call))


def runs_out(stage: Stage) -> None:
    """A minute passes."""
    stage.passes(61)
    stage.engine.fire_timers()


def unfinished(stage: Stage) -> UUID | None:
    found = stage.work(lambda s: conversation.unfinished(s, stage.cast.anna))
    return found.id if found else None


def test_what_is_typed_as_the_time_runs_out_is_kept_and_the_call_can_be_completed(stage: Stage) -> None:
    cast = stage.cast
    call = to_be_written_up(stage)
    types(stage, call, "Paga lune")
    assert unfinished(stage) is None
    runs_out(stage)
    assert stage.presence(cast.anna).state is AgentState.READY
    assert unfinished(stage) == call
    types(stage, call, "Paga lunedì.")  # the keys she pressed in the last instant
    (entry,) = stage.timeline(cast.mario)
    assert (entry.detail["note"], entry.detail["topic"]) == ("Paga lunedì.", None)
    completes(stage, call, Topic.PAYMENT, Disposition.WILL_PAY, "Paga lunedì in banca.")
    (entry,) = stage.timeline(cast.mario)
    assert (entry.detail["note"], entry.detail["topic"], entry.detail["disposition"]) == (
        "Paga lunedì in banca.", "payment", "will_pay",
    )  # fmt: skip
    assert unfinished(stage) is None


def test_there_is_a_minute_more_for_the_notes_a_few_times(stage: Stage) -> None:
    call, anna = to_be_written_up(stage), stage.principal(stage.cast.anna)

    def asks() -> None:
        stage.work(lambda session: conversation.more_time(session, anna, call_id=call))

    asks()
    runs_out(stage)
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP
    for _ in range(conversation.MOST_MINUTES - 1):
        asks()
    with pytest.raises(ConflictError, match="tutto il tempo"):
        asks()
    stage.passes(60 * conversation.MOST_MINUTES)
    stage.engine.fire_timers()
    assert stage.presence(stage.cast.anna).state is AgentState.READY
    with pytest.raises(ConflictError):
        asks()


def test_a_call_that_was_saved_in_time_is_nothing_to_come_back_to(stage: Stage) -> None:
    cast = stage.cast
    call = to_be_written_up(stage)
    by = stage.principal(cast.anna)
    types(stage, call, "Fatto.", Topic.PAYMENT, Disposition.ANSWERED)
    stage.work(lambda s: conversation.wrap_up(s, by, call_id=call, intended=None))
    runs_out(stage)
    types(stage, call, "Arriva tardi")  # a draft that was on its way
    assert unfinished(stage) is None
    assert stage.call(call).note == "Fatto."
    with pytest.raises(ConflictError):
        completes(stage, call, Topic.OTHER, Disposition.ANSWERED, "")


def test_completing_needs_what_saving_needs_and_says_where_it_is_missing(stage: Stage) -> None:
    call = to_be_written_up(stage)
    with pytest.raises(InvalidError) as both:
        stage.work(lambda s: conversation.wrap_up(s, stage.principal(stage.cast.anna), call_id=call, intended=None))
    assert [part.field for part in both.value.parts] == ["topic", "disposition"]
    runs_out(stage)
    with pytest.raises(InvalidError) as outcome:
        completes(stage, call, Topic.PAYMENT, "", "")
    assert [part.field for part in outcome.value.parts] == ["disposition"]
    assert unfinished(stage) == call


def test_a_call_can_be_left_as_it_is(stage: Stage) -> None:
    call = to_be_written_up(stage)
    runs_out(stage)
    leaves(stage, call)
    assert unfinished(stage) is None
    types(stage, call, "Troppo tardi")
    assert stage.call(call).note == ""
    with pytest.raises(ConflictError):
        leaves(stage, call)


def test_it_waits_while_she_speaks_with_the_next_one(stage: Stage) -> None:
    first = to_be_written_up(stage)
    runs_out(stage)
    second = to_be_written_up(stage, sid="CAsecond")
    runs_out(stage)
    assert unfinished(stage) == second
    leaves(stage, second)
    assert unfinished(stage) == first


def test_nobody_completes_annas_call_for_her(stage: Stage) -> None:
    call = to_be_written_up(stage)
    runs_out(stage)
    with pytest.raises(ConflictError):
        completes(stage, call, Topic.PAYMENT, Disposition.ANSWERED, "", agent=stage.cast.luca)
    with pytest.raises(ConflictError):
        types(stage, call, "Mia!", agent=stage.cast.luca)
    assert stage.call(call).note == ""


def test_completed_as_the_wrong_person_it_leaves_his_timeline(stage: Stage) -> None:
    cast = stage.cast
    call = to_be_written_up(stage)
    types(stage, call, "Era suo fratello.")
    runs_out(stage)
    types(stage, call, "Era suo fratello.", "", Disposition.WRONG_PERSON)  # chosen, and perhaps chosen otherwise yet
    assert stage.timeline(cast.mario)[0].detail["note"] == ""
    assert stage.call(call).contact_id == cast.mario
    completes(stage, call, Topic.OTHER, Disposition.WRONG_PERSON, "Era suo fratello.")
    (entry,) = stage.timeline(cast.mario)
    assert entry.status == story.OPENED_BY_MISTAKE
    assert (stage.call(call).contact_id, stage.call(call).note) == (None, "Era suo fratello.")


def test_a_stranger_s_call_can_be_completed_too(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues(STRANGER)
    stage.talks(call)
    stage.caller_leaves(call)
    runs_out(stage)
    completes(stage, call, Topic.OTHER, Disposition.DROPPED, "")
    assert stage.call(call).topic == Topic.OTHER


def test_a_wrap_up_keeps_the_calls_of_every_queue_away_and_is_ended_by_nobody_else_s(stage: Stage) -> None:
    """Rule: wrap-up is the agent's. It is of one queue, he is of two; and a colleague ends his own meanwhile."""
    cast = stage.cast
    call = to_be_written_up(stage)  # in the queue of the operator
    other = stage.arrives(STRANGER, REGIONAL_LINE, sid="CAother")
    stage.presses(other, "1")
    stage.presses(other, NOTICE)
    assert stage.entry(other).queue_id == cast.notices
    assert stage.run() == []
    stage.ready(cast.luca)
    stage.talks(other)
    stage.caller_leaves(other)
    luca = stage.principal(cast.luca)
    done = {"topic": Topic.PAYMENT, "disposition": Disposition.ANSWERED, "note": ""}
    stage.work(lambda s: conversation.draft(s, luca, call_id=other, **done))
    stage.work(lambda s: conversation.wrap_up(s, luca, call_id=other, intended=None))
    assert stage.presence(cast.luca).state is AgentState.READY
    assert (stage.presence(cast.anna).state, stage.presence(cast.anna).call_id) == (AgentState.WRAP_UP, call)


def test_a_browser_that_is_closed_ends_no_wrap_up(stage: Stage) -> None:
    """Rule: wrap-up is the agent's. It runs on the server: neither shorter nor longer, and the notes are kept."""
    call, anna = to_be_written_up(stage), stage.cast.anna
    types(stage, call, "Paga lunedì.")
    stage.work(lambda s: agents.lapse(s, anna))
    with stage.database.begin(Scope.nothing()) as session:
        session.execute(update(AgentPresence).values(live_until=AgentPresence.live_until - timedelta(minutes=1)))
    stage.engine.retire_silent()
    assert stage.presence(anna).state is AgentState.WRAP_UP
    runs_out(stage)
    assert stage.presence(anna).state is AgentState.READY
    stage.engine.retire_silent()
    assert stage.presence(anna).state is AgentState.OFFLINE
    assert (stage.call(call).note, unfinished(stage)) == ("Paga lunedì.", call)
