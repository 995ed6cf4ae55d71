"""A thread from the first word to the end: offered, taken, answered, silent, closed, written to again."""

import pytest
from sqlalchemy import select

from crm.core.errors import ConflictError, InvalidError
from crm.levels.models import ServiceFact
from crm.timeline.models import TimelineEntry
from telephony.agents import service as agents
from telephony.agents.models import AgentState
from telephony.texts import conversation
from tests.cast import EMPOLI_LINE, STRANGER
from tests.telephony.stage import Stage
from tests.telephony.texts.desk import WORDS, Texts

pytestmark = pytest.mark.integration


def test_a_citizen_writes_and_is_answered(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    thread = texts.writes()
    assert (thread.state.value, thread.contact_id, thread.metered) == ("waiting", stage.cast.mario, True)
    thread = texts.offered()
    assert (thread.state.value, thread.agent_id) == ("offered", stage.cast.anna)
    assert stage.presence(stage.cast.anna).state is AgentState.READY  # calls still find her
    texts.takes(stage.cast.anna, thread.id)
    texts.replies(stage.cast.anna, thread.id, "Buongiorno, mi dice il suo nome?")
    texts.closes(stage.cast.anna, thread.id)
    assert [one[:2] for one in texts.said(thread.id)] == ["> ", "* ", "< "]
    assert texts.log(thread.id) == ["Begun", "Offered", "Taken", "Replied", "Ended"]
    ours = texts.owed()
    assert [one.sender for one in ours] == [EMPOLI_LINE] * 2
    assert {one.contact_id for one in ours} == {None}
    assert texts.thread(thread.id).state.value == "closed"
    entry = stage.work(lambda s: s.execute(select(TimelineEntry)).scalar_one())
    assert (entry.kind.value, entry.status, entry.detail["received"], entry.detail["sent"]) == ("text", "done", 1, 1)
    assert entry.detail["identified"] is False
    assert stage.work(lambda s: s.execute(select(ServiceFact)).first()) is None  # no figure of the telephone's


def test_an_agent_on_the_telephone_is_offered_threads_up_to_his_number(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues(STRANGER)
    stage.talks(call)
    for n in range(3):
        texts.writes(citizen=f"+39348000010{n}")
    stage.run()
    states = [texts.last(f"+39348000010{n}").state.value for n in range(3)]
    assert states == ["offered", "offered", "waiting"]
    texts.takes(stage.cast.anna, texts.last("+393480000100").id)
    texts.closes(stage.cast.anna, texts.last("+393480000100").id)
    assert texts.offered("+393480000102").state.value == "offered"  # freed capacity pulls what waits


def test_calls_come_first_and_a_wrap_up_is_left_alone(texts: Texts, stage: Stage) -> None:
    """Rule: wrap-up is the agent's. The wrap-up belongs to the agent."""
    stage.ready(stage.cast.anna)
    call = stage.queues(STRANGER)
    stage.talks(call)
    stage.caller_leaves(call)
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP
    texts.writes()
    assert texts.offered().state.value == "waiting"
    before = stage.presence(stage.cast.anna)
    texts.passes(31)
    assert stage.presence(stage.cast.anna).state is before.state


def test_who_does_not_take_it_loses_it_and_is_not_paused(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna, stage.cast.luca)
    first = texts.writes()
    owner = texts.offered().agent_id
    texts.passes(46)
    thread = texts.thread(first.id)
    assert thread.state.value == "offered"
    assert thread.agent_id != owner
    assert stage.presence(owner or 0).state is AgentState.READY
    texts.passes(46)  # the other one lets it go, too
    assert texts.thread(first.id).state.value == "waiting"
    texts.passes(61)  # a minute later they may have it again
    assert texts.thread(first.id).state.value == "offered"


def test_the_same_sms_told_twice_is_one(texts: Texts, stage: Stage) -> None:
    thread = texts.writes(sid="SM-once")
    texts.writes(sid="SM-once")
    texts.writes("E un'altra cosa.", sid="SM-two")
    assert [one for one in texts.said(thread.id) if one.startswith(">")] == [f"> {WORDS}", "> E un'altra cosa."]
    assert len(texts.owed()) == 1  # received is said once


def test_a_silent_citizen_counts_no_more_and_is_closed_in_the_end(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    texts.writes()
    thread = texts.offered()
    texts.takes(stage.cast.anna, thread.id)
    texts.passes(3600)
    assert texts.thread(thread.id).state.value == "open"  # it is the agent who owes an answer
    texts.replies(stage.cast.anna, thread.id, "Mi dica.")
    texts.passes(15 * 60 + 1)
    assert texts.thread(thread.id).state.value == "idle"
    texts.writes("Eccomi.")
    assert texts.thread(thread.id).state.value == "open"
    assert texts.thread(thread.id).agent_id == stage.cast.anna
    texts.replies(stage.cast.anna, thread.id, "Bene.")
    texts.passes(15 * 60 + 1)
    texts.passes(8 * 3600 + 1)
    thread = texts.thread(thread.id)
    assert (thread.state.value, thread.closed) == ("closed", "silent")


def test_who_writes_again_finds_the_same_agent(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna, stage.cast.luca)
    texts.writes()
    thread = texts.offered()
    agent = thread.agent_id or 0
    texts.takes(agent, thread.id)
    texts.closes(agent, thread.id)
    again = texts.writes("Ancora una domanda.")
    assert (again.id, again.reopened) == (thread.id, 1)
    assert texts.offered().agent_id == agent
    texts.takes(agent, thread.id)
    texts.closes(agent, thread.id)
    texts.passes(25 * 3600)
    assert texts.writes("Giorni dopo.").id != thread.id


def test_whoever_goes_home_leaves_what_he_owes_to_the_others(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    texts.writes()
    thread = texts.offered()
    texts.takes(stage.cast.anna, thread.id)
    stage.ready(stage.cast.luca)
    with pytest.raises(ConflictError):
        texts.replies(stage.cast.luca, thread.id, "Rispondo io")
    stage.work(lambda s: agents.leave(s, texts.by(stage.cast.anna)))
    texts.passes(0)
    thread = texts.offered()
    assert (thread.state.value, thread.agent_id) == ("offered", stage.cast.luca)


def test_what_is_not_to_be_said_is_not_sent(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    anna = stage.cast.anna
    texts.writes()
    thread = texts.offered()
    texts.takes(anna, thread.id)
    for words in ("Deve 812,00 euro", "L'avviso 301000000000012373", "BNCMRA62A01D403X è lei?"):
        with pytest.raises(InvalidError) as caught:
            texts.replies(anna, thread.id, words, sure=True)
        assert caught.value.parts[0].field == "body"
    with pytest.raises(InvalidError):
        texts.replies(anna, thread.id, "Può pagare in tabaccheria")
    texts.replies(anna, thread.id, "Può pagare in tabaccheria", sure=True)
    stage.work(lambda s: conversation.identify(s, texts.by(anna), thread_id=thread.id, contact_id=stage.cast.mario))
    texts.replies(anna, thread.id, "Deve 812,00 euro")
    for words in ("", "   \n ", "x" * 460, "\u2019" * 202):
        with pytest.raises(InvalidError):
            texts.replies(anna, thread.id, words)
    texts.replies(anna, thread.id, "Una volta", once="11111111-1111-4111-8111-111111111111")
    texts.replies(anna, thread.id, "Una volta", once="11111111-1111-4111-8111-111111111111")
    assert [one for one in texts.said(thread.id) if one.startswith("<")] == [
        "< Può pagare in tabaccheria", "< Deve 812,00 euro", "< Una volta",
    ]  # fmt: skip
