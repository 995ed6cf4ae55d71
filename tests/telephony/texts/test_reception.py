"""What is received: closed lines, full queues, numbers that nobody knows, pictures, opt-outs, lost messages."""

import pytest
from sqlalchemy import delete, select

from crm.core.db import Scope
from crm.core.errors import ConflictError, ForbiddenError
from crm.messages.models import MessageState
from telephony.lines import queries as lines
from telephony.texts import conversation, queries, reception
from telephony.texts.models import TextThread
from telephony.texts.reception import Received
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER, open_week
from tests.telephony.stage import Stage
from tests.telephony.texts.desk import Texts

pytestmark = pytest.mark.integration


def close_the_line(stage: Stage) -> None:
    """Until tomorrow: open a minute a day, and not this one."""
    with stage.database.begin(Scope.of_contract(stage.cast.contract)) as session:
        now = session.info["now"]
        opens = (now.hour + 4) % 24
        session.add(open_week(stage.cast.contract, f"{opens:02}:00-{opens:02}:01", since=now))


def test_at_night_it_waits_for_the_opening_and_says_so(texts: Texts, stage: Stage) -> None:
    close_the_line(stage)
    stage.ready(stage.cast.anna)
    thread = texts.writes()
    assert thread.not_before is not None
    assert not thread.metered
    assert "riapre" in texts.said(thread.id)[1]
    assert texts.offered().state.value == "waiting"
    texts.writes("Ci siete?")
    assert len(texts.owed()) == 1  # told once
    left = (thread.not_before - thread.begun_at).total_seconds()
    texts.passes(left + 1)
    assert texts.offered().state.value == "offered"


def test_nobody_in_service_is_said(texts: Texts, stage: Stage) -> None:
    assert "ma ci vorrà tempo" in texts.said(texts.writes().id)[1]
    stage.ready(stage.cast.anna)
    assert "appena è libero" in texts.said(texts.writes(citizen=STRANGER).id)[1]


def test_too_many_who_wait_are_told_once_and_metered_apart(texts: Texts, stage: Stage) -> None:
    texts.hold(most_waiting=1)
    texts.writes()
    refused = texts.writes(citizen=STRANGER)
    assert (refused.state.value, refused.closed) == ("closed", "full")
    texts.writes("E adesso?", STRANGER)
    assert [one for one in texts.said(refused.id) if one.startswith("*")] == [texts.said(refused.id)[1]]
    found = stage.work(lambda s: queries.figures(s, frozenset({stage.cast.contract})))
    assert found is not None
    assert (found.waiting, found.received, found.refused, found.answered) == (1, 2, 1, 0)
    texts.hold(most_waiting=5)
    assert texts.writes("Riprovo.", STRANGER).state.value == "waiting"


def test_who_is_unknown_writes_to_a_regional_number(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    thread = texts.writes(citizen=STRANGER, line=REGIONAL_LINE)
    assert (thread.ente_id, thread.contact_id) == (None, None)
    thread = texts.offered(STRANGER)
    anna = stage.cast.anna
    texts.takes(anna, thread.id)
    texts.replies(anna, thread.id, "Mi dice chi è?")
    assert {one.sender for one in texts.owed()} == {REGIONAL_LINE}
    stage.work(lambda s: conversation.propose(s, texts.by(anna), thread_id=thread.id, contact_id=stage.cast.gina))
    thread = texts.thread(thread.id)
    assert (thread.ente_id, thread.contact_id) == (stage.cast.vinci, stage.cast.gina)
    stage.work(lambda s: conversation.retract(s, texts.by(anna), thread_id=thread.id, contact_id=stage.cast.gina))
    thread = texts.thread(thread.id)
    assert (thread.ente_id, thread.contact_id) == (None, None)


def test_pictures_are_not_taken_and_an_opt_out_ends_what_waits(texts: Texts, stage: Stage) -> None:
    thread = texts.writes("", media=2)
    texts.writes("", media=1)
    assert sum("allegati" in one for one in texts.said(thread.id)) == 1

    def stop(session):  # type: ignore[no-untyped-def]
        line = lines.line(session, EMPOLI_LINE)
        assert line is not None
        reception.stopped(session, Received("SM-stop", MARIO_MOBILE, "STOP"), line)

    stage.work(stop)
    thread = texts.thread(thread.id)
    assert (thread.state.value, thread.closed) == ("closed", "stopped")
    stage.ready(stage.cast.anna)
    texts.writes("No, aspettate.")
    thread = texts.offered()
    texts.takes(stage.cast.anna, thread.id)
    stage.work(stop)  # told twice
    assert texts.thread(thread.id).state.value == "open"


def test_without_a_setting_nobody_reads(texts: Texts, stage: Stage) -> None:
    from crm.core.configuration import changed  # noqa: PLC0415
    from telephony.texts.models import TextSetting  # noqa: PLC0415

    def work(session):  # type: ignore[no-untyped-def]
        session.execute(delete(TextSetting))
        changed(session)
        line = lines.line(session, EMPOLI_LINE)
        assert line is not None
        return reception.receive(session, Received("SM1", MARIO_MOBILE, "Buongiorno"), line)

    assert stage.work(work) is False
    assert stage.work(lambda s: s.execute(select(TextThread)).first()) is None


def test_a_landline_is_not_written_to(texts: Texts, stage: Stage) -> None:
    def work(session):  # type: ignore[no-untyped-def]
        line = lines.line(session, EMPOLI_LINE)
        assert line is not None
        return reception.receive(session, Received("SM1", "+390571700123", "Buongiorno"), line)

    assert stage.work(work) is False


def test_another_agents_thread_is_nobodys_business(texts: Texts, stage: Stage) -> None:
    anna, luca = stage.cast.anna, stage.cast.luca
    stage.ready(anna)
    texts.writes()
    thread = texts.offered()
    for deed in (
        lambda s: conversation.take(s, texts.by(luca), thread_id=thread.id),
        lambda s: conversation.close(s, texts.by(luca), thread_id=thread.id, topic="", disposition="", note=""),
        lambda s: conversation.choose(s, texts.by(luca), thread_id=thread.id),
        lambda s: conversation.pass_on(s, texts.by(luca), thread_id=thread.id),
        lambda s: conversation.propose(s, texts.by(luca), thread_id=thread.id, contact_id=stage.cast.mario),
        lambda s: conversation.propose(s, texts.by(anna), thread_id=thread.id, contact_id=stage.cast.mario),
    ):
        with pytest.raises((ConflictError, ForbiddenError)):
            stage.work(deed)
    assert texts.thread(thread.id).state.value == "offered"


def test_identity_ends_with_the_agent(texts: Texts, stage: Stage) -> None:
    """Whoever gets a thread establishes anew with whom he writes."""
    anna, luca = stage.cast.anna, stage.cast.luca
    stage.ready(anna)
    texts.writes()
    thread = texts.offered()
    texts.takes(anna, thread.id)
    stage.work(lambda s: conversation.identify(s, texts.by(anna), thread_id=thread.id, contact_id=stage.cast.mario))
    stage.ready(luca)
    stage.work(lambda s: conversation.pass_on(s, texts.by(anna), thread_id=thread.id, agent_id=luca))
    thread = texts.offered()
    assert (thread.state.value, thread.agent_id, thread.identified_at) == ("offered", luca, None)
    texts.takes(luca, thread.id)
    live = stage.work(lambda s: conversation.own_thread(s, texts.by(luca), thread.id))
    assert not stage.work(lambda s: conversation.is_identified(s, texts.by(luca), live))
    assert not stage.work(lambda s: conversation.is_identified(s, texts.by(anna), live))


def test_words_leave_the_outbox_once_they_have_left(texts: Texts, stage: Stage) -> None:
    from crm.messages import outbox  # noqa: PLC0415

    stage.ready(stage.cast.anna)
    texts.writes()
    thread = texts.offered()
    texts.takes(stage.cast.anna, thread.id)
    texts.replies(stage.cast.anna, thread.id, "Mi dica.")
    message = texts.owed()[-1]
    assert (message.body, message.state) == ("Mi dica.", MessageState.OWED)

    def send(session):  # type: ignore[no-untyped-def]
        one = outbox.lease(session, message.id)
        assert one is not None
        assert one.sender == EMPOLI_LINE
        outbox.sent(session, one, external_id="SM9")

    stage.work(send)
    assert (texts.owed()[-1].body, texts.owed()[-1].state) == ("", MessageState.SENT)
    assert texts.said(thread.id)[-1] == "< Mi dica."
