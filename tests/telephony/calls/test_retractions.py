"""It was not him: an identification is taken back, and his timeline keeps nothing of the call but the mistake."""

from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.audit.models import AuditEntry
from crm.core.db import LiveTopic
from crm.core.errors import ConflictError
from crm.levels.metering import Counts
from crm.timeline.models import TimelineEntry
from telephony.calls import conversation, story
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import CallEvent, Outcome
from tests.cast import REGIONAL_LINE, STRANGER
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


def talk_with_mario(stage: Stage, line: str | None = None) -> UUID:
    """Anna speaks with somebody whom she takes for Mario."""
    stage.ready(stage.cast.anna)
    call = stage.queues(**({"line": line} if line else {}))
    stage.talks(call)
    identify(stage, call)
    return call


def identify(stage: Stage, call: UUID) -> frozenset[LiveTopic]:
    """Anna confirms who it is; what watches should look again."""
    by, contact = stage.principal(stage.cast.anna), stage.call(call).contact_id
    assert contact is not None

    def work(session: Session) -> frozenset[LiveTopic]:
        conversation.identify(session, by, call_id=call, contact_id=contact)
        return _told(session)

    return stage.work(work)


def _told(session: Session) -> frozenset[LiveTopic]:
    return frozenset(one for one in session.info.get("signals", {}) if isinstance(one, LiveTopic))


def propose(stage: Stage, call: UUID, contact: int) -> None:
    by = stage.principal(stage.cast.anna)
    stage.work(lambda s: conversation.propose(s, by, call_id=call, contact_id=contact))


def retract(stage: Stage, call: UUID, contact: int, agent: int | None = None) -> frozenset[LiveTopic]:
    """Take it back; what watches should look again."""
    by = stage.principal(agent or stage.cast.anna)

    def work(session: Session) -> frozenset[LiveTopic]:
        conversation.retract(session, by, call_id=call, contact_id=contact)
        return _told(session)

    return stage.work(work)


def write(stage: Stage, call: UUID, disposition: Disposition, note: str) -> None:
    """Anna writes it up and is done."""
    by = stage.principal(stage.cast.anna)

    def work(session: Session) -> None:
        conversation.draft(session, by, call_id=call, topic=Topic.PAYMENT, disposition=disposition, note=note)
        conversation.wrap_up(session, by, call_id=call, intended=None)

    stage.work(work)


def only_the_mistake(stage: Stage, call: UUID, contact: int) -> TimelineEntry:
    """The one entry of a timeline, which tells that the file was open by mistake and nothing of the call."""
    (entry,) = stage.timeline(contact)
    assert (entry.status, entry.source, entry.author_id) == (story.OPENED_BY_MISTAKE, call, stage.cast.anna)
    assert set(entry.detail) == {"opened_at", "closed_at"}
    assert entry.detail["opened_at"] <= entry.detail["closed_at"]
    return entry


def test_boards_and_the_entes_window_name_him_at_once(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    assert f"board:{stage.cast.contract}" in {topic.name for topic in identify(stage, call)}


def test_in_conversation_the_file_closes_and_the_call_is_nobodys(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage)
    topics = {topic.name for topic in retract(stage, call, cast.mario)}
    watching = {f"agent:{cast.anna}", f"contact:{cast.mario}", f"board:{cast.contract}"}
    assert watching <= topics  # also whoever else has his file open sees it, and the boards that name him
    found = stage.call(call)
    assert (found.contact_id, found.identified_at, found.proposed_by) == (None, None, None)
    assert found.ente_id == cast.empoli  # the line's own
    only_the_mistake(stage, call, cast.mario)
    stage.caller_leaves(call)
    write(stage, call, Disposition.ANSWERED, "Chiede della TARI.")
    only_the_mistake(stage, call, cast.mario)


def test_the_log_keeps_who_opened_whose_file_and_for_how_long(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage)
    retract(stage, call, cast.mario)
    rows = stage.work(
        lambda s: s.execute(
            select(CallEvent.kind, CallEvent.detail)
            .where(CallEvent.call_id == call, CallEvent.detail["contact"].astext == str(cast.mario))
            .order_by(CallEvent.id)
        ).all()
    )
    who = {"agent": str(cast.anna), "contact": str(cast.mario), "ente": str(cast.empoli)}
    (opened, first), (closed, last) = rows
    assert (opened, first) == ("Identified", who | {"interlocutor": "taxpayer", "right": ""})
    assert closed == story.RETRACTED
    assert last.items() >= who.items()
    assert "opened_at" in last


def test_the_right_person_is_found_afterwards_and_gets_the_note(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage, REGIONAL_LINE)
    retract(stage, call, cast.mario)
    assert stage.call(call).ente_id is None  # only Mario had said which
    assert stage.counts() == {(None, cast.operator): Counts(1, 1, answered=1, wait_ms=5_000, answered_within=1)}
    propose(stage, call, cast.gina)
    identify(stage, call)
    stage.caller_leaves(call)
    write(stage, call, Disposition.WILL_PAY, "Paga lunedì.")
    only_the_mistake(stage, call, cast.mario)
    (entry,) = stage.timeline(cast.gina)
    assert (entry.detail["identified"], entry.detail["note"]) == (True, "Paga lunedì.")
    assert stage.counts() == {
        (cast.vinci, cast.operator): Counts(
            1, 1, answered=1, wait_ms=5_000, answered_within=1, handled=1, talk_ms=55_000
        )
    }


def test_it_was_mario_after_all(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage)
    retract(stage, call, cast.mario)
    propose(stage, call, cast.mario)
    identify(stage, call)
    assert stage.call(call).identified_at is not None
    (entry,) = stage.timeline(cast.mario)
    assert (entry.status, entry.detail["identified"]) == (story.IN_PROGRESS, True)
    assert stage.log(call).count("Identified") == 2


def test_whoever_is_proposed_again_and_again_is_not_him_keeps_the_trace(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage, REGIONAL_LINE)
    retract(stage, call, cast.mario)
    propose(stage, call, cast.mario)
    propose(stage, call, cast.gina)
    only_the_mistake(stage, call, cast.mario)


def test_each_person_an_agent_looks_at_in_a_call_is_noted(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage, REGIONAL_LINE)
    retract(stage, call, cast.mario)
    for contact_id in (cast.gina, cast.mario):
        propose(stage, call, contact_id)
    shown = select(AuditEntry.contact_id).where(AuditEntry.kind == "file.gate_shown", AuditEntry.call_id == call)
    assert set(stage.work(lambda session: session.scalars(shown).all())) == {cast.gina, cast.mario}


def test_while_the_notes_are_written_it_can_still_be_taken_back(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage, REGIONAL_LINE)
    stage.caller_leaves(call)
    retract(stage, call, cast.mario)
    only_the_mistake(stage, call, cast.mario)
    propose(stage, call, cast.gina)
    with pytest.raises(ConflictError):
        identify(stage, call)  # nobody is in line: her file stays closed
    write(stage, call, Disposition.ANSWERED, "Era Gina.")
    (entry,) = stage.timeline(cast.gina)
    assert (entry.status, entry.detail["identified"], entry.detail["note"]) == (Outcome.ANSWERED, False, "Era Gina.")


@pytest.mark.parametrize("identified", [True, False])
def test_the_note_of_a_call_with_the_wrong_person_is_on_nobodys_timeline(stage: Stage, identified: bool) -> None:
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    if identified:
        identify(stage, call)
    stage.caller_leaves(call)
    write(stage, call, Disposition.WRONG_PERSON, "Non era Mario.")
    found = stage.call(call)
    assert (found.contact_id, found.note) == (None, "Non era Mario.")  # the call keeps it
    if identified:
        only_the_mistake(stage, call, cast.mario)
    else:
        assert stage.timeline(cast.mario) == []


def test_pressed_twice_it_is_taken_back_once(stage: Stage) -> None:
    call = talk_with_mario(stage)
    retract(stage, call, stage.cast.mario)
    before = stage.snapshot()
    retract(stage, call, stage.cast.mario)
    assert stage.snapshot() == before
    assert stage.log(call).count(story.RETRACTED) == 1


def test_a_page_that_shows_another_file_takes_nothing_back(stage: Stage) -> None:
    cast = stage.cast
    call = talk_with_mario(stage)
    with pytest.raises(ConflictError):
        retract(stage, call, cast.gina)
    with pytest.raises(ConflictError):
        retract(stage, call, cast.mario, agent=cast.luca)
    assert stage.call(call).identified_at is not None


def test_there_is_nothing_to_take_back_before_anybody_was_identified(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues(STRANGER)
    stage.talks(call)
    with pytest.raises(ConflictError):
        retract(stage, call, stage.cast.mario)
