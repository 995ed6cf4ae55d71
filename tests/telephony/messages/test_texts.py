"""SMS through the carrier's port: sent once, looked for when nobody answers, and given up where somebody sees it."""

from datetime import timedelta

import pytest

from crm.core.db import Scope
from crm.messages import outbox
from crm.messages.models import MessageChannel, MessageState, MessageStop
from telephony.carriers.port import CarrierError
from telephony.messages.delivery import LOOKED_FOR, RECEIPT_AFTER
from tests.cast import EMPOLI_LINE, MARIO_MOBILE
from tests.telephony.fake_carrier import unreachable
from tests.telephony.messages.conftest import Post

pytestmark = pytest.mark.integration
SMS = MessageChannel.SMS
DAY = timedelta(days=1)


def answered(code: int | None, *, permanent: bool) -> CarrierError:
    return CarrierError("…", permanent=permanent, unknown=not permanent, answered=True, code=code)


def test_what_is_owed_is_sent_once_from_the_entes_line(post: Post) -> None:
    made = post.owe(SMS)
    post.run()
    assert post.state(made) == ("sent", None)
    (text,) = post.carrier.texts.values()
    assert (text.line, text.to) == (EMPOLI_LINE, MARIO_MOBILE)
    assert text.status_url.startswith(f"https://cc.example.it/telephony/messages/{post.cast.empoli}/{made}")
    post.passes(DAY)
    assert len(post.carrier.texts) == 1


def test_trouble_that_passes_is_tried_again(post: Post) -> None:
    post.carrier.sending.extend([unreachable(), answered(20429, permanent=False), answered(None, permanent=False)])
    made = post.owe(SMS)
    post.run()
    for _ in range(3):
        assert post.state(made) == ("owed", None)
        post.passes(timedelta(minutes=20))
    assert post.state(made) == ("sent", None)
    assert len(post.carrier.texts) == 1


def test_an_error_after_which_it_was_there_all_the_same(post: Post) -> None:
    """The carrier answered 503 and had it: before the next attempt it is looked for."""
    made = post.owe(SMS)
    post.run()
    (text,) = post.carrier.texts.values()
    post.carrier.texts.clear()
    again = post.owe(SMS)
    post.carrier.sending.append(answered(None, permanent=False))
    post.run()
    post.carrier.texts["SMlate"] = text
    post.passes(timedelta(minutes=1))
    assert post.message(again).external_id == "SMlate"
    assert post.message(made).external_id == "SM0"
    assert list(post.carrier.texts) == ["SMlate"]


@pytest.mark.parametrize(
    ("code", "reason"), [(21211, "bad_address"), (21614, "bad_address"), (21408, "refused"), (21610, "opted_out")]
)
def test_a_refusal_for_good_is_shown(post: Post, code: int, reason: str) -> None:
    post.carrier.sending.append(answered(code, permanent=True))
    made = post.owe(SMS)
    post.run()
    assert post.state(made) == ("failed", reason)
    assert post.passes(DAY) == 0
    assert len(post.shown_to_somebody()) == 1
    with post.database.begin(post.scope) as session:
        stopped = session.get(MessageStop, (post.cast.empoli, SMS, MARIO_MOBILE))
    assert (stopped is not None) == (code == 21610)


def test_a_lost_reply_is_looked_for_and_never_sent_twice(post: Post) -> None:
    """Rule: unknown, not repeated."""
    post.carrier.loses_replies = True
    made = post.owe(SMS)
    post.run()
    assert post.state(made) == ("unknown", None)
    post.passes(LOOKED_FOR[0])
    assert post.state(made) == ("sent", None)
    assert post.message(made).external_id == "SM0"
    assert len(post.carrier.texts) == 1


def test_of_two_alike_each_finds_its_own(post: Post) -> None:
    first = post.owe(SMS)
    post.run()
    post.carrier.loses_replies = True
    second = post.owe(SMS)
    post.run()
    post.passes(LOOKED_FOR[0])
    assert (post.message(first).external_id, post.message(second).external_id) == ("SM0", "SM1")


def test_killed_while_sending_it_is_looked_for(post: Post) -> None:
    made = post.owe(SMS)
    post.dies_while_sending(made)
    post.carrier.looking.append(unreachable())
    post.passes(timedelta(seconds=90))
    for wait in (timedelta(minutes=1), *LOOKED_FOR):
        assert post.state(made) == ("unknown", None)
        post.passes(wait)
    assert post.state(made) == ("failed", "not_found")
    assert post.carrier.texts == {}
    assert len(post.shown_to_somebody()) == 1


def test_what_was_given_up_and_arrives_after_all_has_arrived(post: Post) -> None:
    made = post.owe(SMS)
    post.dies_while_sending(made)
    for _ in range(4):
        post.passes(timedelta(minutes=11))
    assert post.state(made) == ("failed", "not_found")
    with post.database.begin(Scope.of_enti([post.cast.empoli])) as session:
        outbox.heard(session, message_id=made, external_id="SMx", told=MessageState.DELIVERED)
    assert post.state(made) == ("delivered", None)


def test_a_receipt_that_was_lost_is_asked_for(post: Post) -> None:
    made = post.owe(SMS)
    post.run()
    post.carrier.became["SM0"] = ("undelivered", 30003)
    post.passes(RECEIPT_AFTER)
    assert post.state(made) == ("failed", "not_delivered")
    assert len(post.shown_to_somebody()) == 1


def test_nobody_asks_for_ever(post: Post) -> None:
    post.owe(SMS)
    post.run()
    for _ in range(3):
        assert post.passes(DAY) == 1
    assert post.passes(DAY) == 0


def test_a_callback_before_the_reply_is_no_contradiction(post: Post) -> None:
    made = post.owe(SMS)
    with post.database.begin(post.scope) as session:
        leased = outbox.lease(session, made)
    assert leased is not None
    with post.database.begin(post.scope) as session:
        outbox.heard(session, message_id=made, external_id="SM0", told=MessageState.DELIVERED)
    with post.database.begin(post.scope) as session:
        outbox.sent(session, leased, external_id="SM0")
    assert post.state(made) == ("delivered", None)


def test_a_fault_of_ours_is_shown_too(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(post.carrier, "send_message", fails)
    monkeypatch.setattr(post.carrier, "find_message", fails)
    made = post.owe(SMS)
    post.run()
    for _ in range(6):
        post.passes(timedelta(minutes=2))
    assert post.state(made) == ("failed", "broken")
    assert len(post.shown_to_somebody()) == 1
