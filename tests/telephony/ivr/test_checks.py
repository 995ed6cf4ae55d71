"""What hinders a flow from being published, whoever drew it."""

from typing import Any

import pytest

from telephony.ivr.checks import Flaw, Problem, problems
from telephony.ivr.definition import Flow

QUEUES = {1}
QUEUE = {"kind": "queue", "queue": 1}
BYE = {"kind": "goodbye", "text": {"it": "Arrivederci."}}


def found(**nodes: Any) -> list[Problem]:
    flow = Flow.model_validate({"start": "ask", "operator": "queue", "nodes": {"queue": QUEUE, "bye": BYE, **nodes}})
    return [one for one in problems(flow, queues=QUEUES) if one.hinders]


def menu(zero: str | None = None, *, words: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())) -> dict[str, Any]:
    choices = [
        {"digit": str(n), "label": {"it": f"scelta {n}"}, "words": {"it": said}, "next": "bye"}
        for n, said in enumerate(words, 1)
    ]
    return {"kind": "menu", "choices": choices, "otherwise": "queue", "zero": zero}


def message(to: str) -> dict[str, Any]:
    return {"kind": "message", "text": {"it": "Un momento."}, "next": to}


@pytest.mark.parametrize("zero", ["bye", "ask"])
def test_a_zero_of_its_own_that_reaches_no_operator_is_refused(zero: str) -> None:
    """Issue: zero reaches an operator from every node."""
    assert found(ask=menu(zero)) == [Problem("ask", "zero", Flaw.ZERO_ASTRAY, zero)]


def test_it_may_lead_there_through_a_message_and_by_night_anywhere() -> None:
    """By night nobody waits for an operator who does not come."""
    assert found(ask=menu("moment"), moment=message("queue")) == []
    hours = {"kind": "hours", "opened": "queue", "closed": "night"}
    assert found(ask=hours, night=menu("bye")) == []
    assert found(ask=hours | {"opened": "night"}, night=menu("bye"))[0].flaw is Flaw.ZERO_ASTRAY


def test_a_word_that_means_two_choices_is_refused_at_both() -> None:
    """Said, it would mean neither: the caller is asked again, and again."""
    clash = found(ask=menu(words=(("pagare", "rate"), ("pagare a rate",))))
    assert clash == [Problem("ask", "choices.1.words", Flaw.SAME_WORD, "pagare a rate")]
    same = found(ask=menu(words=(("tari",), ("Tarì",))))
    assert [one.field for one in same] == ["choices.0.words", "choices.1.words"]
    assert found(ask=menu(words=(("pagare",), ("rateizzare",)))) == []
