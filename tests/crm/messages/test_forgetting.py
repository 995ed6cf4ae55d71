"""What messages hold of a person is copied and goes with him; what is on its way stands against it."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.messages import outbox, service
from crm.messages.models import Message, MessageChannel, MessageStop
from crm.messages.privacy import HOLDERS, ON_ITS_WAY
from crm.messages.service import Order
from crm.privacy.holders import Person
from tests.cast import MARIO_MOBILE, STRANGER, Cast

pytestmark = pytest.mark.integration
SMS = MessageChannel.SMS
LINK = {"link": "https://cc.example.it/info/1"}


def sent(session: Session, cast: Cast, **whom: Any) -> Message:
    order = Order(cast.empoli, "how_to_pay", LINK, channel=SMS, **whom)
    made = service.owe(session, None, order, cause=str(whom))
    leased = outbox.lease(session, made)
    assert leased is not None
    outbox.sent(session, leased, external_id=f"SM{made}"[:34])
    return session.get_one(Message, made)


def test_words_and_addresses_go_and_the_count_stays(everything: Session, cast: Cast) -> None:
    his = sent(everything, cast, contact_id=cast.mario)
    nobodys = sent(everything, cast, address=MARIO_MOBILE)  # before it was known whose number that is
    anothers = sent(everything, cast, address=STRANGER)
    for address in (MARIO_MOBILE, STRANGER):
        service.stop(everything, ente_id=cast.empoli, channel=SMS, address=address)
    mario = Person(cast.empoli, (cast.mario,))
    copied = [row for one in HOLDERS for section in one.export(everything, mario) for row in section.rows]
    assert [row["address"] for row in copied] == [MARIO_MOBILE] * 3
    assert [one.rows for holder in HOLDERS for one in holder.erase(everything, mario)] == [2, 1]
    everything.expire_all()
    assert [(one.address, one.body) for one in (his, nobodys)] == [("", "")] * 2
    assert anothers.address == STRANGER
    assert everything.scalars(select(MessageStop.address)).all() == [STRANGER]


def test_what_is_on_its_way_stands_against_it(everything: Session, cast: Cast) -> None:
    order = Order(cast.empoli, "how_to_pay", LINK, contact_id=cast.mario)
    made = service.owe(everything, None, order, cause="x")
    mario = Person(cast.empoli, (cast.mario,))
    assert HOLDERS[0].obstacles(everything, mario) == [ON_ITS_WAY]
    leased = outbox.lease(everything, made)
    assert leased is not None
    outbox.sent(everything, leased)
    assert HOLDERS[0].obstacles(everything, mario) == []
