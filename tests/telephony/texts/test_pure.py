"""The life cycle of threads, what is not to be told, quick replies and automatic answers: no database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.messages.segments import segments
from crm.messages.wording import tells_of_debt
from telephony.queues.routing import FreeAgent, Rules
from telephony.texts.care import Care, care
from telephony.texts.lifecycle import (
    AgentGone,
    Ended,
    Event,
    FellSilent,
    Missed,
    Offered,
    PassedOn,
    Patience,
    Replied,
    Taken,
    Thread,
    Wrote,
    advance,
    due,
    happens,
)
from telephony.texts.models import Closed, ThreadState
from telephony.texts.phrases import Phrase, filled
from telephony.texts.prompts import Auto, words

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PATIENCE = Patience(45, 900, 8 * 3600)
NEW = Thread(
    ThreadState.WAITING, None, 0, 1, "main", START, None, START, 0, None, None, None, START, None, None, None, (),
    None, 0, None, None,
)  # fmt: skip
AGENT = st.sampled_from([1, 2])
KINDS = st.sampled_from(["wrote", "offered", "taken", "missed", "replied", "passed", "gone", "silent", "ended", "due"])


def an_event(kind: str, at: datetime, agent: int, now: Thread) -> Event | None:
    events: dict[str, Event | None] = {
        "wrote": Wrote(at, back=agent == 1), "offered": Offered(at, agent), "taken": Taken(at, agent),
        "missed": Missed(at, agent), "replied": Replied(at, agent), "passed": PassedOn(at, 2, "main", agent),
        "gone": AgentGone(at, agent), "silent": FellSilent(at), "ended": Ended(at, Closed.DONE),
        "due": happens(now, PATIENCE, at),
    }  # fmt: skip
    return events[kind]


@given(st.lists(st.tuples(KINDS, AGENT, st.integers(0, 3600)), max_size=40))
def test_whatever_happens_a_thread_is_in_one_place(course: list[tuple[str, int, int]]) -> None:
    """Rule: nobody is stuck. Nobody is stuck; what is lost is found again by itself."""
    now, at = NEW, START
    for kind, agent, seconds in course:
        at += timedelta(seconds=seconds)
        event = an_event(kind, at, agent, now)
        after = now if event is None else advance(now, event)
        if event is not None and not isinstance(event, Wrote | Missed | PassedOn):
            assert advance(after, event) == after or isinstance(event, Replied)  # told twice it is once
        assert after.waited_ms >= now.waited_ms
        assert after.reopened >= now.reopened
        now = after
        with_agent = now.state in {ThreadState.OFFERED, ThreadState.OPEN, ThreadState.IDLE}
        assert with_agent is (now.agent_id is not None) or now.state is ThreadState.CLOSED
        assert (now.state is ThreadState.CLOSED) is (now.closed_at is not None) is (now.closed is not None)
        when = due(now, PATIENCE, Rules(widens_s=10).widenings("it", known=False), at)
        waits_for_us = now.state is ThreadState.OPEN and now.owes_answer
        assert (when is None) is (now.state is ThreadState.CLOSED or waits_for_us)


def test_who_is_on_the_telephone_comes_after_who_is_not() -> None:
    idle, on_call = FreeAgent(1, START, {1: 1}), FreeAgent(2, START - timedelta(hours=1), {1: 1}, load=1)
    assert sorted((on_call, idle), key=lambda one: (one.load, one.idle_since)) == [idle, on_call]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Buongiorno, mi dice il nome?", None), ("Sono 812,00 in tutto", Care.TELLS), ("Deve 50 euro", Care.TELLS),
        ("€ 50", Care.TELLS), ("1.234,56", Care.TELLS), ("Avviso 301000000000012373", Care.TELLS),
        ("3010 0000 0000 0123 73", Care.TELLS), ("BNCMRA62A01D403X", Care.TELLS), ("C'è un'ingiunzione", Care.HINTS),
        ("Può pagare online", Care.HINTS), ("alle 9,30", None), ("lo sportello apre alle 9", None),
        ("chiami lo 055 123456", None),
    ],
)  # fmt: skip
def test_what_may_be_written_before_it_is_known_to_whom(text: str, said: Care | None) -> None:
    assert care(text, identified=False) is said
    assert care(text, identified=True) is None


@pytest.mark.parametrize("phrase", Phrase)
@pytest.mark.parametrize("language", ["it", "en", "de", "fr"])
def test_quick_replies_may_be_sent_to_anybody(phrase: Phrase, language: str) -> None:
    text = filled(phrase, language, agent="Anna", ente="Comune di Empoli", link="https://cc.example.it/info/1")
    assert care(text, identified=False, language=language if language in {"it", "en", "de"} else "it") is None
    assert segments(text) <= 2


@pytest.mark.parametrize("auto", Auto)
@pytest.mark.parametrize("language", ["it", "en", "de"])
def test_automatic_answers_tell_nothing_and_are_short(auto: Auto, language: str) -> None:
    text = words(auto, language, ente="Comune di Scarperia e San Piero", opens_at=START)
    assert not tells_of_debt(text, language)
    assert segments(text) <= 2
