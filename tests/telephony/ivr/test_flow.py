"""The conversation before an operator."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.enti.calendar import ClosedBecause, Opening
from telephony.ivr import flow, prompts
from telephony.ivr.flow import MAX_ATTEMPTS, Choice, Node, Place, Setting, Turn

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
NOTICE, WRONG_CHECK = "301000000000012373", "301000000000012374"
NOTICES, PAYMENTS, OPERATOR = 1, 2, 9
SETTING = Setting(
    greeting_name="Comune di Empoli", opening=Opening(is_open=True),
    choices=(Choice("1", "informazioni su un avviso", NOTICES, asks_notice=True),
             Choice("2", "pagamenti e rate", PAYMENTS, asks_notice=False)),
    operator_queue_id=OPERATOR, caller_known=False, now=NOW,
)  # fmt: skip
AT_MENU = flow.begin(SETTING).place
AT_NOTICE = flow.on_keys(AT_MENU, "1", SETTING).place


def press(place: Place, *keys: str, setting: Setting = SETTING, notice_exists: bool = False) -> Turn:
    """The last turn of a caller who keys all this."""
    turn = Turn(place)
    for one in keys:
        turn = flow.on_keys(turn.place, one, setting)
        if turn.look_up is not None:
            turn = flow.on_notice(turn.place, found=notice_exists, setting=setting)
    return turn


def test_a_caller_hears_who_answers_and_where_the_keys_lead() -> None:
    turn = flow.begin(SETTING)
    assert (turn.place, turn.digits) == (Place(), 1)
    hello, menu = turn.says
    assert hello == "Buongiorno, servizio riscossione tributi, Comune di Empoli."
    assert menu.startswith("Per informazioni su un avviso, prema 1. Per pagamenti e rate, prema 2.")
    assert menu.endswith("Per parlare con un operatore, prema zero.")


def test_a_matter_that_needs_no_notice_leads_straight_to_its_queue() -> None:
    turn = press(AT_MENU, "2")
    assert (turn.place.node, turn.place.queue_id, turn.says) == (Node.QUEUE, PAYMENTS, (prompts.OPERATOR,))


def test_an_unknown_caller_is_asked_his_notice_number() -> None:
    turn = press(AT_MENU, "1")
    assert (turn.place.node, turn.digits, turn.says) == (Node.NOTICE, None, (prompts.ASK_NOTICE,))


def test_a_known_caller_is_not_asked_what_we_know() -> None:
    turn = press(AT_MENU, "1", setting=replace(SETTING, caller_known=True))
    assert (turn.place.node, turn.place.queue_id) == (Node.QUEUE, NOTICES)


@pytest.mark.parametrize(("place", "queue"), [(AT_MENU, OPERATOR), (AT_NOTICE, NOTICES)], ids=["menu", "notice"])
def test_zero_asks_for_an_operator_from_everywhere_and_keeps_the_matter_already_chosen(
    place: Place, queue: int
) -> None:
    turn = press(place, "0")
    assert (turn.place.node, turn.place.queue_id, turn.says) == (Node.QUEUE, queue, (prompts.OPERATOR,))


def test_a_notice_number_is_looked_up_before_anything_is_said() -> None:
    turn = flow.on_keys(AT_NOTICE, NOTICE, SETTING)
    assert (turn.look_up, turn.says) == (NOTICE, ())


def test_a_notice_that_we_know_leads_to_its_queue() -> None:
    turn = press(AT_NOTICE, NOTICE, notice_exists=True)
    assert (turn.place.node, turn.place.queue_id, turn.says) == (Node.QUEUE, NOTICES, (prompts.NOTICE_FOUND,))


def test_a_notice_that_we_do_not_know_may_be_keyed_again() -> None:
    turn = press(AT_NOTICE, NOTICE)
    assert (turn.place.node, turn.says) == (Node.NOTICE, (prompts.NOTICE_UNKNOWN, prompts.ASK_NOTICE))


@pytest.mark.parametrize("keyed", [WRONG_CHECK, "123", "9" * 18, "*" * 18])
def test_a_mistyped_notice_is_told_before_it_is_looked_up(keyed: str) -> None:
    turn = flow.on_keys(AT_NOTICE, keyed, SETTING)
    assert (turn.look_up, turn.says) == (None, (prompts.NOTICE_WRONG, prompts.ASK_NOTICE))


@pytest.mark.parametrize(
    ("place", "keys", "queue"),
    [(AT_MENU, ("7", "8", "9"), OPERATOR), (AT_MENU, ("", "", ""), OPERATOR),
     (AT_NOTICE, (WRONG_CHECK, "", NOTICE), NOTICES)],
    ids=["wrong keys", "no keys", "notices"],
)  # fmt: skip
def test_the_third_failure_leads_to_an_operator_and_never_to_a_dead_end(
    place: Place, keys: tuple[str, ...], queue: int
) -> None:
    assert press(place, *keys[:-1]).place.node is place.node
    turn = press(place, *keys)
    assert (turn.place.node, turn.place.queue_id, turn.says) == (Node.QUEUE, queue, (prompts.NEVER_MIND,))


def test_wrong_keys_at_the_menu_do_not_count_against_the_notice() -> None:
    turn = press(AT_MENU, "7", "8", "1", WRONG_CHECK, WRONG_CHECK)
    assert turn.place.node is Node.NOTICE


def test_at_the_menu_silence_and_a_wrong_key_are_told_apart() -> None:
    assert press(AT_MENU, "").says[0] == prompts.NOTHING_HEARD
    assert press(AT_MENU, "7").says[0] == prompts.NOT_A_CHOICE
    assert press(AT_MENU, "7").digits == 1


def test_when_closed_the_caller_hears_why_and_is_let_go() -> None:
    shut = Opening(is_open=False, because=ClosedBecause.HOLIDAY, opens_at=datetime(2026, 11, 23, 7, 30, tzinfo=UTC))
    turn = flow.begin(replace(SETTING, opening=shut))
    assert turn.place.node is Node.CLOSED
    assert turn.says == (prompts.greeting("Comune di Empoli"), prompts.closed(shut, NOW))


@pytest.mark.parametrize("node", [Node.QUEUE, Node.CLOSED])
def test_keys_pressed_where_none_are_awaited_lead_nowhere(node: Node) -> None:
    turn = flow.on_keys(Place(node, 4, queue_id=PAYMENTS), "0", SETTING)
    assert turn == Turn(Place(node, 5, queue_id=PAYMENTS))


@pytest.mark.parametrize("place", [AT_MENU, AT_NOTICE, Place(Node.QUEUE, 3, 0, PAYMENTS), Place(Node.CLOSED)])
def test_a_turn_delivered_twice_is_repeated_where_the_caller_stands(place: Place) -> None:
    turn = flow.repeat(place, SETTING)
    assert turn.place == place
    assert turn.look_up is None


def test_a_repeated_menu_does_not_greet_again() -> None:
    assert flow.repeat(AT_MENU, SETTING).says == flow.begin(SETTING).says[1:]


keys = st.sampled_from(["", "0", "1", "2", "7", NOTICE, WRONG_CHECK, "#"]) | st.text("0123456789*#", max_size=20)


@given(st.lists(st.tuples(keys, st.booleans()), min_size=1, max_size=12), st.booleans())
@settings(deadline=None)
def test_whoever_keys_anything_at_all_soon_reaches_an_operator(
    pressed: list[tuple[str, bool]], caller_known: bool
) -> None:
    setting = replace(SETTING, caller_known=caller_known)
    turn = flow.begin(setting)
    for n, (one, exists) in enumerate(pressed, start=1):
        if turn.place.node is Node.QUEUE:
            break
        turn = press(turn.place, one, setting=setting, notice_exists=exists)
        assert turn.place.step == n
        assert turn.says, "silence is taken for a broken line"
        assert Place.restored(turn.place.stored()) == turn.place
        if one == "0":
            assert turn.place.node is Node.QUEUE
    if len(pressed) >= 2 * MAX_ATTEMPTS:
        assert turn.place.node is Node.QUEUE
        assert turn.place.queue_id in {NOTICES, PAYMENTS, OPERATOR}
