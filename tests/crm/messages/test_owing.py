"""A message is owed once, with its cause; what stands against it is written down, and nothing tells a code."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.contacts.models import ContactReach, ReachKind, Verification
from crm.core import clock, jobs
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.follow_ups.models import FollowUp
from crm.messages import outbox, queries, service
from crm.messages.models import Message, MessageChannel, MessageState, MessageStop, Reason
from crm.messages.service import Order
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import MARIO_MOBILE, Cast, principal_of

pytestmark = pytest.mark.integration
LINK = {"link": "https://cc.example.it/info/1"}
SMS, EMAIL = MessageChannel.SMS, MessageChannel.EMAIL


@pytest.fixture
def anna(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.anna)


def how_to_pay(cast: Cast, **more: Any) -> Order:
    return Order(cast.empoli, "how_to_pay", LINK, contact_id=cast.mario, **more)


def row(session: Session, message_id: Any) -> Message:
    return session.get_one(Message, message_id, populate_existing=True)


def test_owed_with_its_cause_once(everything: Session, cast: Cast, anna: Principal) -> None:
    made = service.owe(everything, anna, how_to_pay(cast), cause="call:1")
    assert service.owe(everything, anna, how_to_pay(cast), cause="call:1") == made
    found = row(everything, made)
    assert (found.state, found.channel, found.address) == (MessageState.OWED, SMS, MARIO_MOBILE)
    assert found.body == "Comune di Empoli: le informazioni che ha chiesto al telefono sono qui: " + LINK["link"]
    (entry,) = everything.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.MESSAGE))
    assert (entry.source, entry.status, entry.author_id) == (made, "owed", cast.anna)
    (owed,) = everything.scalars(select(jobs.Job).where(jobs.Job.kind == outbox.DELIVER))
    assert owed.argument == {"message": str(made)}


def test_two_at_the_same_moment_make_one(database: Database, cast: Cast) -> None:
    scope = Scope.of_contract(cast.contract)
    with database.begin(scope) as first:
        made = service.owe(first, None, how_to_pay(cast), cause="x")
    with database.begin(scope) as second:
        assert service.owe(second, None, how_to_pay(cast), cause="x") == made
        assert len(second.scalars(select(jobs.Job).where(jobs.Job.kind == outbox.DELIVER)).all()) == 1


def test_what_is_sent_by_hand_waits_to_be_taken_back(everything: Session, cast: Cast, anna: Principal) -> None:
    made = service.owe(everything, anna, how_to_pay(cast), cause="x", delay=service.UNDO)
    (owed,) = everything.scalars(select(jobs.Job).where(jobs.Job.kind == outbox.DELIVER))
    assert owed.due_at == clock.now(everything) + service.UNDO
    service.cancel(everything, anna, message_id=made)
    service.cancel(everything, anna, message_id=made)
    assert (row(everything, made).state, row(everything, made).reason) == (MessageState.WITHHELD, Reason.CANCELLED)
    assert outbox.lease(everything, made) is None


def test_what_is_being_sent_cannot_be_taken_back(everything: Session, cast: Cast, anna: Principal) -> None:
    made = service.owe(everything, anna, how_to_pay(cast), cause="x")
    leased = outbox.lease(everything, made)
    assert leased is not None
    with pytest.raises(ConflictError):
        service.cancel(everything, anna, message_id=made)
    outbox.again(everything, leased)  # it may not have left, but somebody has tried
    with pytest.raises(ConflictError):
        service.cancel(everything, anna, message_id=made)


def test_what_is_withheld_says_why_and_is_not_sent(everything: Session, cast: Cast, anna: Principal) -> None:
    service.stop(everything, ente_id=cast.empoli, channel=SMS, address=MARIO_MOBILE)
    service.stop(everything, ente_id=cast.empoli, channel=SMS, address=MARIO_MOBILE)
    made = service.owe(everything, anna, how_to_pay(cast), cause="x")
    assert (row(everything, made).state, row(everything, made).reason) == (MessageState.WITHHELD, Reason.STOPPED)
    assert not everything.scalars(select(jobs.Job).where(jobs.Job.kind == outbox.DELIVER)).all()
    (entry,) = everything.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.MESSAGE))
    assert (entry.status, entry.detail["why"]) == ("withheld", "stopped")
    service.restart(everything, ente_id=cast.empoli, channel=SMS, address=MARIO_MOBILE)
    assert row(everything, service.owe(everything, anna, how_to_pay(cast), cause="y")).state is MessageState.OWED
    kinds = [one.kind for one in everything.scalars(select(AuditEntry))]
    assert kinds.count("message.stopped") == 1
    assert kinds.count("message.restarted") == 1


def test_a_stop_that_came_meanwhile_is_kept(everything: Session, cast: Cast) -> None:
    made = service.owe(everything, None, how_to_pay(cast), cause="x")
    service.stop(everything, ente_id=cast.empoli, channel=SMS, address=MARIO_MOBILE)
    assert outbox.lease(everything, made) is None
    assert row(everything, made).reason is Reason.STOPPED


def test_one_entes_stop_is_not_anothers(everything: Session, cast: Cast) -> None:
    service.stop(everything, ente_id=cast.vinci, channel=SMS, address=MARIO_MOBILE)
    assert row(everything, service.owe(everything, None, how_to_pay(cast), cause="x")).state is MessageState.OWED


def test_a_code_is_nowhere_but_in_the_message_until_it_is_sent(everything: Session, cast: Cast) -> None:
    order = Order(cast.empoli, "one_time_code", {"code": "839201", "minutes": "10"}, contact_id=cast.mario)
    made = service.owe(everything, None, order, cause="code:1")
    assert "839201" in row(everything, made).body
    leased = outbox.lease(everything, made)
    assert leased is not None
    outbox.sent(everything, leased, external_id="SM1")
    assert row(everything, made).body == ""
    for table in ("timeline_entry", "audit_entry", "job", "message", "follow_up"):
        rows = everything.execute(text(f"SELECT to_jsonb(t)::text FROM {table} t")).scalars()
        assert not any("839201" in one for one in rows), table


def test_a_code_that_is_late_is_not_sent(everything: Session, cast: Cast) -> None:
    order = Order(cast.empoli, "one_time_code", {"code": "839201", "minutes": "10"}, contact_id=cast.mario)
    made = service.owe(everything, None, order, cause="code:1")
    everything.execute(update(Message).values(expires_at=clock.now(everything)))
    assert outbox.lease(everything, made) is None
    assert (row(everything, made).state, row(everything, made).body) == (MessageState.EXPIRED, "")
    assert not everything.scalars(select(FollowUp)).all()  # he asks for another


def test_what_does_not_arrive_is_shown_to_somebody(everything: Session, cast: Cast) -> None:
    made = service.owe(everything, None, how_to_pay(cast), cause="x")
    leased = outbox.lease(everything, made)
    assert leased is not None
    outbox.failed(everything, leased, Reason.BAD_ADDRESS)
    (todo,) = everything.scalars(select(FollowUp))
    assert (todo.contact_id, todo.kind.value, todo.made_by, todo.owner_id) == (cast.mario, "check", None, None)
    (entry,) = everything.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.MESSAGE))
    assert (entry.status, entry.detail["why"]) == ("failed", "bad_address")
    outbox.failed(everything, leased, Reason.BAD_ADDRESS)  # told again it is no second one
    assert len(everything.scalars(select(FollowUp)).all()) == 1


def test_what_does_not_arrive_at_somebody_who_is_no_contact_is_shown_too(everything: Session, cast: Cast) -> None:
    def fails(template: str, values: dict[str, Any]) -> Any:
        order = Order(cast.empoli, template, values, channel=SMS, address="+393489999999")
        made = service.owe(everything, None, order, cause=f"x:{template}")
        outbox.end(everything, row(everything, made), MessageState.FAILED, Reason.NOT_DELIVERED)
        return made

    made = fails("how_to_pay", LINK)
    fails("one_time_code", {"code": "123456", "minutes": 10})  # whoever wants one asks again
    (found,) = queries.undelivered(everything, [cast.empoli])
    assert (found.id, found.address, found.reason) == (made, "+393489999999", Reason.NOT_DELIVERED)
    assert queries.undelivered(everything, [cast.vinci]) == []
    everything.execute(update(Message).values(ended_at=Message.ended_at - timedelta(days=31)))
    assert queries.undelivered(everything, [cast.empoli]) == []


def test_whoever_is_late_writes_nothing_over_whoever_took_over(everything: Session, cast: Cast) -> None:
    made = service.owe(everything, None, how_to_pay(cast), cause="x")
    first = outbox.lease(everything, made)
    second = outbox.lease(everything, made)
    assert first is not None
    assert second is not None
    assert second.may_have_left
    outbox.failed(everything, first, Reason.REFUSED)
    outbox.again(everything, first)
    assert row(everything, made).state is MessageState.SENDING
    outbox.sent(everything, second, external_id="SM1")
    outbox.unknown(everything, second, wait=timedelta(minutes=1))
    assert row(everything, made).state is MessageState.SENT


def test_trouble_that_does_not_pass_in_time_ends_it(everything: Session, cast: Cast) -> None:
    made = service.owe(everything, None, how_to_pay(cast), cause="x")
    waits = []
    while (leased := outbox.lease(everything, made)) is not None:
        outbox.again(everything, leased)
        waits.append(row(everything, made).due_at - clock.now(everything))
        everything.execute(update(Message).values(due_at=clock.now(everything)))
        everything.execute(update(Message).values(expires_at=Message.expires_at - waits[-1]))
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15)]
    assert len(waits) > 20
    assert row(everything, made).state is MessageState.EXPIRED
    assert len(everything.scalars(select(FollowUp)).all()) == 1


def test_an_email_tells_only_where_somebody_verified_the_address(everything: Session, cast: Cast) -> None:
    reach = ContactReach(ente_id=cast.empoli, contact_id=cast.mario, kind=ReachKind.EMAIL, value="mario@example.it")
    everything.add(reach)
    everything.flush()
    values = {**LINK, "notice": "301000000000012373", "amount": 81_200}
    order = Order(cast.empoli, "how_to_pay", values, contact_id=cast.mario, channel=EMAIL)
    assert "301000000000012373" not in service.prepare(everything, order).written.body
    reach.verification = Verification.VERIFIED
    everything.flush()
    assert "301000000000012373" in service.prepare(everything, order).written.body
    reply = Order(cast.empoli, "reply", {"protocol": "7/2026", "answer": "La sua istanza."}, contact_id=cast.mario)
    reach.verification = Verification.UNVERIFIED
    everything.flush()
    made = service.owe(everything, None, reply, cause="x")
    assert row(everything, made).reason is Reason.NOT_VERIFIED


# -- attacks --------------------------------------------------------------------------------------------------------


def test_nobody_writes_to_another_entes_contact(everything: Session, cast: Cast, anna: Principal) -> None:
    for contact_id, ente_id in ((cast.gina, cast.empoli), (cast.stranger_in_siena, cast.empoli), (10**9, cast.empoli)):
        with pytest.raises(NotFoundError):
            service.owe(everything, anna, Order(ente_id, "how_to_pay", LINK, contact_id=contact_id), cause="x")
    with pytest.raises(ForbiddenError):
        service.owe(everything, anna, Order(cast.siena, "how_to_pay", LINK, contact_id=cast.mario), cause="x")
    vera = principal_of(everything, cast.vera)
    with pytest.raises(ForbiddenError):
        service.owe(everything, vera, how_to_pay(cast), cause="x")
    made = service.owe(everything, anna, how_to_pay(cast), cause="x")
    with pytest.raises(ForbiddenError):
        service.cancel(everything, vera, message_id=made)
    with pytest.raises(NotFoundError):
        service.cancel(everything, anna, message_id=uuid4())


def test_an_address_that_is_not_his_is_not_written_to(everything: Session, cast: Cast, anna: Principal) -> None:
    made = service.owe(everything, anna, how_to_pay(cast, channel=SMS, address="+393489999999"), cause="x")
    assert (row(everything, made).state, row(everything, made).reason) == (MessageState.WITHHELD, Reason.NO_ADDRESS)


@pytest.mark.parametrize(
    "address", ["a@b.it\r\nBcc: x@y.it", "a\x00@b.it", "", "a" * 300 + "@b.it", "<a@b.it>", "a@b.it,c@d.it"]
)
def test_an_address_is_one_address(everything: Session, cast: Cast, address: str) -> None:
    order = Order(cast.empoli, "how_to_pay", LINK, channel=EMAIL, address=address)
    with pytest.raises(InvalidError):
        service.owe(everything, None, order, cause="x")


def test_somebody_who_is_no_contact_can_be_written_to(everything: Session, cast: Cast) -> None:
    order = Order(cast.empoli, "how_to_pay", LINK, channel=SMS, address="+393489999999")
    made = service.owe(everything, None, order, cause="x")
    leased = outbox.lease(everything, made)
    assert leased is not None
    outbox.failed(everything, leased, Reason.REFUSED)
    assert row(everything, made).state is MessageState.FAILED
    assert everything.scalars(select(MessageStop)).all() == []
