"""The conversation of the self-service, whatever is keyed in it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.enti.calendar import Opening
from telephony.ivr import walk
from telephony.ivr.checks import problems
from telephony.ivr.definition import Flow
from telephony.ivr.languages import Language
from telephony.ivr.standard import Matter, standard
from telephony.ivr.turns import Await, Consult, Enter, Facts, Turn
from telephony.selfservice import prompts
from telephony.selfservice.dialogue import FACTORS, Answer, Offers, Request, Stage, State, Want
from telephony.selfservice.prompts import Line
from tests.telephony.ivr.test_walk import NOW

NOTICE, PIN = "301000000000012373", "481632"
SECRET = "quattrocento euro"
FLOW = standard([Matter("1", {Language.ITALIAN: "un avviso"}, 1, asks_notice=True)], 9, self_service=True)
BOTH = Offers(pins=True, codes=True)
ASKED = f"{prompts.line(Line.ASK_NOTICE)} {prompts.line(Line.OPERATOR)}"


def facts(offers: Offers | None = BOTH) -> Facts:
    return Facts(ente="Comune di Empoli", opening=Opening(is_open=True), now=NOW, offers=offers)


def answer(request: Request) -> Answer:
    """Somebody who knows this PIN, and the same as a code."""
    match request.want:
        case Want.PIN | Want.CODE:
            return Answer(granted=request.keyed == PIN)
        case Want.SEND_CODE:
            return Answer(granted=False)
        case Want.PAPER:
            return Answer(granted=True, says=("stampato",))
        case _:
            return Answer(granted=True, says=(SECRET,))


def play(*keys: str, offers: Offers | None = BOTH, flow: Flow = FLOW) -> list[Turn]:
    """Every turn of a caller who keys all this."""
    known = facts(offers)
    turns = [walk.begin(flow, known)]
    for one in keys:
        if not isinstance(turns[-1].then, Await):
            break
        turn = walk.on_input(flow, turns[-1].place, known, keys=one)
        if isinstance(turn.then, Consult):
            turn = walk.on_answer(flow, turn.place, known, turn.then.request, answer(turn.then.request))
        turns.append(turn)
    return turns


def said(turn: Turn) -> str:
    return " ".join(one.text for one in turn.says)


def test_the_usual_flow_offers_it_and_has_nothing_wrong() -> None:
    assert problems(FLOW, queues={1, 9}) == ()
    assert "Per sapere subito quanto c'è da pagare su un avviso, prema 2." in said(play()[0])


def test_by_pin() -> None:
    *_, at_notice, at_factor, at_topics, told = play("2", NOTICE, PIN, "1")
    assert said(at_notice) == ASKED
    assert said(at_factor).startswith("Ora digiti il suo PIN")
    assert (at_factor.then, at_topics.then) == (Await(None, 10), Await(1, 6))
    assert said(at_topics).startswith("Grazie. Per sapere quanto c'è da pagare")
    assert said(told).startswith(SECRET)
    assert State.of(told.place.kept) == State(Stage.TOPICS, NOTICE, "pin")


def test_by_code_whose_sending_is_not_told() -> None:
    *_, sent, at_topics = play("2", NOTICE, "*", PIN)
    assert said(sent).startswith("Se per questo avviso conosciamo un cellulare verificato")
    assert said(at_topics).startswith("Grazie.")


def test_without_a_factor_only_the_paper_is_repeated() -> None:
    *_, heard, ways, topic = play("2", NOTICE, "9", "2", "3")
    assert said(heard).startswith("stampato")
    assert said(ways).startswith(SECRET)  # how to pay is no secret
    assert said(topic).startswith(prompts.line(Line.NOT_A_CHOICE))


def test_where_the_ente_has_no_factor_the_paper_is_all() -> None:
    heard = play("2", NOTICE, offers=Offers(pins=False, codes=False))[-1]
    assert said(heard).startswith("stampato")
    assert "PIN" not in said(heard)


@pytest.mark.parametrize("wrong", ["111111", "12", "4816321", "*1", "#"])
def test_whatever_is_wrong_is_refused_in_the_same_words(wrong: str) -> None:
    assert said(play("2", NOTICE, wrong)[-1]).startswith(prompts.line(Line.REFUSED))


def test_the_third_wrong_factor_leads_to_an_operator() -> None:
    assert play("2", NOTICE, "111111", "222222", "333333")[-1].then == Enter(9)


def test_the_notice_may_be_keyed_anew_and_something_else_asked() -> None:
    assert said(play("2", NOTICE, "1")[-1]) == ASKED
    left = play("2", NOTICE, PIN, "9")[-1]
    assert left.place.node == "menu"
    assert left.place.kept == {}
    assert said(play("2", NOTICE, PIN, "9", "2")[-1]) == ASKED  # proves anew who he is


def test_switched_off_in_between_leads_to_an_operator() -> None:
    at_factor = play("2", NOTICE)[-1]
    assert walk.on_input(FLOW, at_factor.place, facts(None), keys=PIN).then == Enter(9)
    assert walk.repeat(FLOW, at_factor.place, facts(None)).then == Enter(9)


keyed = st.sampled_from(["", "0", "1", "2", "3", "5", "9", "*", NOTICE, PIN, "111111"]) | st.text(
    "0123456789*", max_size=8
)


@given(st.lists(keyed, max_size=25), st.builds(Offers, st.booleans(), st.booleans()))
@settings(max_examples=300)
def test_nothing_of_the_debt_is_said_before_a_factor_was_right(keys: list[str], offers: Offers) -> None:
    known = facts(offers)
    turn = walk.begin(FLOW, known)
    proved = False
    for one in ["2", *keys]:
        if not isinstance(turn.then, Await):
            break
        turn = walk.on_input(FLOW, turn.place, known, keys=one)
        if isinstance(turn.then, Consult):
            request = turn.then.request
            came = answer(request)
            assert proved or request.want in FACTORS | {Want.SEND_CODE, Want.PAPER, Want.WAYS}
            proved = proved or (request.want in FACTORS and came.granted)
            turn = walk.on_answer(FLOW, turn.place, known, request, came)
        if State.of(turn.place.kept).stage not in {Stage.TOPICS, Stage.CODE, Stage.FACTOR}:
            proved = False
        if State.of(turn.place.kept).stage is Stage.TOPICS:
            assert proved
        assert turn.says
        assert PIN not in str(turn.place.stored()), "a factor is compared, never kept"
        if one == "0":
            assert isinstance(turn.then, Enter)


@given(st.integers(0, 5), st.data())
def test_a_line_left_open_ends_with_an_operator(count: int, data: Any) -> None:
    keys = data.draw(st.lists(keyed, min_size=count, max_size=count))
    assert not isinstance(play("2", *keys, *[""] * 12)[-1].then, Await)
