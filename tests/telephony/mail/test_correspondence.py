"""From a mail that comes to the answer that leaves: threads, acknowledgements, receipts, who may be told what."""

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.models import ContactReach, ReachKind, Verification
from crm.core import jobs
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.documents.scanning import Scanner
from crm.messages import outbox
from crm.messages.models import Message
from crm.messages.templates import MessageTemplate
from crm.privacy.holders import Person
from crm.timeline.models import EntryKind, TimelineEntry
from telephony.mail import boxes, deeds, queries
from telephony.mail.errors import MailboxError
from telephony.mail.fetching import Fetcher
from telephony.mail.models import (
    Auth,
    MailAttachment,
    Mailbox,
    MailThread,
    Matched,
    PecReceipt,
    Scan,
    ThreadState,
    Tls,
    Trouble,
)
from telephony.mail.privacy import HOLDERS
from telephony.mail.queries import Folder
from telephony.mail.secrets import Secret, Tokens
from telephony.mail.writing import routes
from telephony.messages.delivery import Delivery
from tests.cast import principal_of
from tests.telephony.fake_carrier import FakeCarrier
from tests.telephony.mail.conftest import Post, opened, told
from tests.telephony.mail.letters import MARIO, PEC_BOX, letter, receipt, with_file
from tests.telephony.messages.conftest import TO, MailServer, mail_server

pytestmark = pytest.mark.integration
__all__ = ("mail_server",)  # a fixture


@dataclass
class Desk:
    """Anna before the inbox."""

    post: Post
    smtp: MailServer

    def do(self, deed: Callable[..., Any], who: str = "anna", **about: Any) -> Any:
        def work(session: Session) -> Any:
            return deed(session, principal(session, self.post, who), **about)

        return self.post.database.transact(self.post.scope, work)

    def comes(self, *mails: bytes) -> MailThread:
        """These come; the thread of the last."""
        self.post.maildir.deliver(*mails)
        assert self.post.fetch() == len(mails)
        last = max((one for one in self.post.mails() if one.inbound), key=lambda one: one.taken_at)
        return next(one for one in self.post.threads() if one.id == last.thread_id)

    def answer(self, thread: MailThread, text: str = "Certo, può.", **more: Any) -> Any:
        version = next(one.version for one in self.post.threads() if one.id == thread.id)
        return self.do(deeds.answer, thread_id=thread.id, text=text, **{"version": version, "once": uuid4()} | more)

    def leaves(self, wait: timedelta = timedelta(seconds=20)) -> list[EmailMessage]:
        """Time passes, and what is due is sent; all that was."""
        post = self.post
        with post.database.begin(post.scope) as session:
            for table in ("job", "message"):
                session.execute(text(f"UPDATE {table} SET due_at = due_at - make_interval(secs => :s)"),
                                {"s": wait.total_seconds()})  # fmt: skip
            due = jobs.due(session)
        kinds = dict.fromkeys((MessageTemplate.MAIL_RECEIVED, MessageTemplate.MAIL_ANSWER), routes(Tokens()))
        delivery = Delivery(FakeCarrier(), None, TO, routes=kinds)
        for job_id, ente_id in due:
            jobs.run(post.database, {outbox.DELIVER: delivery.runner()}, job_id=job_id, ente_id=ente_id)
        return self.smtp.taken

    def thread(self, thread: MailThread) -> MailThread:
        return next(one for one in self.post.threads() if one.id == thread.id)

    def rows(self, model: Any) -> list[Any]:
        with self.post.database.begin(self.post.scope) as session:
            return list(session.scalars(select(model)))


def principal(session: Session, post: Post, who: str) -> Principal:
    return principal_of(session, getattr(post.cast, who))


def smtp_at(post: Post, server: MailServer) -> Desk:
    with post.database.begin(post.scope) as session:
        session.execute(update(Mailbox).values(smtp_port=server.port))
    return Desk(post, server)


@pytest.fixture
def desk(post: Post, mail_server: MailServer) -> Desk:
    return smtp_at(post, mail_server)


def knows(post: Post, *, verified: bool, address: str = MARIO, contact: str = "mario") -> None:
    """Mario has an address."""
    with post.database.begin(post.scope) as session:
        session.add(
            ContactReach(
                ente_id=post.cast.empoli, contact_id=getattr(post.cast, contact), kind=ReachKind.EMAIL, value=address,
                verification=Verification.VERIFIED if verified else Verification.UNVERIFIED,
            )
        )  # fmt: skip


def test_mario_writes_is_acknowledged_answered_and_writes_again(desk: Desk) -> None:
    knows(desk.post, verified=True)
    thread = desk.comes(letter())
    assert (thread.state, thread.matched, thread.suggested) == (ThreadState.OPEN, Matched.VERIFIED, "instalments")
    (received,) = desk.leaves()
    assert thread.code in str(received["subject"])
    assert "rate" not in str(received["subject"]).lower().replace("ricevuto", "")
    assert (received["auto-submitted"], received["in-reply-to"]) == ("auto-replied", "<uno@example.it>")
    desk.answer(thread, "Sì: l'avviso da 120,50 euro si può pagare a rate.")
    assert desk.thread(thread).state is ThreadState.ANSWERED
    sent = desk.leaves()[-1]
    assert sent["auto-submitted"] is None
    assert sent["references"] == "<uno@example.it>"
    assert sent.get_content().replace("\r\n", "\n").endswith("-- \nUfficio tributi\n")
    again = desk.comes(letter("Grazie, e quante?", named="due@example.it", answers=str(sent["message-id"]).strip("<>")))
    assert (again.id, again.state) == (thread.id, ThreadState.OPEN)
    assert len(desk.leaves()) == 2  # acknowledged once
    told = [one for one in desk.rows(TimelineEntry) if one.kind is EntryKind.MAIL]
    assert sorted(one.status for one in told) == ["in", "in", "out"]


@pytest.mark.parametrize(
    ("raw", "state"),
    [
        (letter(Auto_Submitted="auto-replied"), ThreadState.ASIDE),
        (letter(List_Id="<x.example>"), ThreadState.ASIDE),
        (letter(X_Filodiretto="M-2222222"), ThreadState.ASIDE),
        (letter(sender="tributi@comune.empoli.example"), ThreadState.OPEN),
        (letter(sender="Mario <>"), ThreadState.OPEN),
    ],
)
def test_no_machine_is_answered_nor_we_ourselves(desk: Desk, raw: bytes, state: ThreadState) -> None:
    assert desk.comes(raw).state is state
    assert desk.leaves() == []


def test_an_answer_is_taken_back_while_it_has_not_left(desk: Desk) -> None:
    thread = desk.comes(letter())
    desk.leaves()
    mail_id = desk.answer(thread)
    desk.do(deeds.undo, mail_id=mail_id)
    assert desk.thread(thread).state is ThreadState.OPEN
    assert len(desk.leaves()) == 1
    desk.answer(thread)
    second = desk.post.mails()[-1].id
    desk.leaves()
    with pytest.raises(ConflictError):
        desk.do(deeds.undo, mail_id=second)


def test_two_who_answer_are_told_and_pressed_twice_it_is_one(desk: Desk) -> None:
    thread = desk.comes(letter())
    desk.do(deeds.begin, thread_id=thread.id)
    assert desk.do(deeds.look, "luca", thread_id=thread.id).answering == "Anna"
    assert desk.do(deeds.look, thread_id=thread.id).answering == ""
    desk.answer(thread, once=(once := uuid4()))
    with pytest.raises(ConflictError):
        desk.do(deeds.answer, "luca", thread_id=thread.id, version=thread.version, text="Anch'io", once=uuid4())
    desk.answer(thread, once=once)
    assert sum(one.template == "mail_answer" for one in desk.rows(Message)) == 1


def test_what_concerns_him_alone_is_told_at_a_verified_address(desk: Desk) -> None:
    knows(desk.post, verified=False)
    thread = desk.comes(letter())
    assert thread.matched is Matched.PROPOSED
    with pytest.raises(FieldError):
        desk.answer(thread, "Deve 120,50 euro.")
    with pytest.raises(FieldError):
        desk.answer(thread, "Per il pagamento passi da noi.")
    desk.do(deeds.identify, thread_id=thread.id, contact_id=desk.post.cast.mario)
    with pytest.raises(FieldError):  # that an agent thinks it is he makes the address no more his
        desk.answer(thread, "Deve 120,50 euro.")
    desk.answer(thread, "Per il pagamento passi da noi.", sure=True)
    assert desk.leaves()[-1]["to"] == MARIO


def test_smtp_that_takes_and_then_drops_is_tried_once_more_with_the_same_id(desk: Desk) -> None:
    desk.smtp.conduct = ["drop_after_data"]
    desk.comes(letter())
    desk.leaves()
    assert desk.leaves(timedelta(minutes=20))
    assert [one["message-id"] for one in desk.smtp.seen] == [desk.smtp.taken[0]["message-id"]] * 2


def test_a_bounce_opens_what_was_answered(desk: Desk) -> None:
    thread = desk.comes(letter())
    desk.answer(thread)
    sent = desk.leaves()[-1]
    bounce = (
        b"Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.it\r\nContent-Type: multipart/report; "
        b'report-type=delivery-status; boundary="b"\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n'
        b"Final-Recipient: rfc822; mario.bianchi@example.it\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
        b"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: " + str(sent["message-id"]).encode() + b"\r\n--b--\r\n"
    )  # fmt: skip
    assert desk.comes(bounce).id == thread.id
    found = desk.thread(thread)
    assert (found.state, found.trouble) == (ThreadState.OPEN, True)
    assert {one.state.value for one in desk.rows(Message) if one.template == "mail_answer"} == {"failed"}


def test_a_receipt_proves_a_delivery_and_a_forged_one_nothing(pec: Post, mail_server: MailServer) -> None:
    desk = smtp_at(pec, mail_server)
    thread = desk.comes(letter(to=PEC_BOX, sender="mario@pec.example"))
    desk.answer(thread)
    sent = desk.leaves()[-1]
    ours = str(sent["message-id"]).strip("<>")
    desk.comes(receipt("avvenuta-consegna", ours, forger=True))
    assert {one.state.value for one in desk.rows(Message)} == {"sent"}
    desk.comes(
        receipt("accettazione", ours), receipt("avvenuta-consegna", ours), receipt("avvenuta-consegna", "altro@x")
    )
    states = {one.template: one.state.value for one in desk.rows(Message)}
    assert states["mail_answer"] == "delivered"
    assert sorted((one.kind.value, one.believed) for one in desk.rows(PecReceipt)) == [
        ("accepted", True), ("delivered", False), ("delivered", False), ("delivered", True),
    ]  # fmt: skip
    found = desk.do(deeds.look, thread_id=thread.id)
    assert sum(len(one.receipts) for one in found.pieces) == 3
    assert desk.thread(thread).state is ThreadState.ANSWERED
    assert {one.state for one in desk.post.threads() if one.id != thread.id} == {ThreadState.ASIDE}


def test_files_are_scanned_by_whoever_there_is(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as daemon:

        def serve() -> None:
            client, _ = daemon.accept()
            found = b""
            while not found.endswith(b"\0\0\0\0"):
                found += client.recv(65536)
            client.sendall(b"stream: Eicar-Signature FOUND\0" if b"EICAR" in found else b"stream: OK\0")
            client.close()

        threading.Thread(target=serve, daemon=True).start()
        scanner = Scanner(f"tcp://127.0.0.1:{daemon.getsockname()[1]}", timeout_s=2)
        desk.post.fetcher = Fetcher(desk.post.database, desk.post.store, scanner=scanner)
        desk.comes(with_file("x.pdf", b"%PDF EICAR"))
    desk.comes(with_file("y.pdf", b"%PDF buono", named="y@example.it"))  # by now it does not answer
    assert [(one.scan, one.virus) for one in desk.rows(MailAttachment)] == [
        (Scan.INFECTED, "Eicar-Signature"), (Scan.FAILED, ""),
    ]  # fmt: skip


def test_of_a_whole_contract_s_mailbox_the_ente_is_known_when_somebody_says(
    desk: Desk, tmp_path: Any, dovecot: Any
) -> None:
    regional = Desk(opened(desk.post.database, desk.post.cast, dovecot, tmp_path, ente_id=None, address="r@x.example",
                           name="Regionale"), desk.smtp)  # fmt: skip
    thread = regional.comes(letter(to="r@x.example"))
    assert (thread.ente_id, thread.contact_id) == (None, None)
    with pytest.raises(ConflictError):
        regional.answer(thread)
    regional.do(deeds.identify, thread_id=thread.id, contact_id=desk.post.cast.gina)
    assert regional.thread(thread).ente_id == desk.post.cast.vinci
    assert {one.ente_id for one in regional.post.mails()} == {desk.post.cast.vinci}
    with pytest.raises(InvalidError):
        desk.do(deeds.identify, thread_id=desk.comes(letter(named="z@x")).id, contact_id=desk.post.cast.gina)


def test_the_inbox_has_who_waits_longest_first(desk: Desk) -> None:
    first = desk.comes(letter(named="a@x", sender="a@example.it"))
    second = desk.comes(letter(named="b@x", sender="b@example.it"))
    boxes_ = [desk.post.mailbox_id]
    listed = [one.id for one in desk.do(queries.listed, folder=Folder.OPEN, boxes=boxes_)]
    assert set(listed) == {first.id, second.id}
    desk.do(deeds.assign, thread_id=first.id, agent_id=desk.post.cast.anna)
    assert [one.id for one in desk.do(queries.listed, folder=Folder.MINE, boxes=boxes_)] == [first.id]
    desk.do(deeds.close, thread_id=second.id)
    assert [one.id for one in desk.do(queries.listed, folder=Folder.CLOSED, boxes=boxes_)] == [second.id]
    with desk.post.database.begin(desk.post.scope) as session:
        assert [one.id for one in queries.found(session, f"re: {first.code}", boxes=boxes_)] == [first.id]
        assert [one.id for one in queries.found(session, "B@example.it", boxes=boxes_)] == [second.id]
    with pytest.raises(NotFoundError):
        desk.do(deeds.look, thread_id=uuid4())


def test_who_is_erased_leaves_dates_alone(desk: Desk) -> None:
    knows(desk.post, verified=True)
    thread = desk.comes(with_file("ricevuta.pdf", b"%PDF"))
    person, (holder,) = Person(desk.post.cast.empoli, (desk.post.cast.mario,)), HOLDERS
    with desk.post.database.begin(desk.post.scope) as session:
        assert holder.obstacles(session, person)
        sections = {one.name: one for one in holder.export(session, person)}
        assert sections["mail"].contents[0][1] in {one.digest for one in desk.post.mails()}
    desk.do(deeds.close, thread_id=thread.id)
    with desk.post.database.begin(desk.post.scope) as session:
        assert holder.obstacles(session, person) == []
        holder.erase(session, person)
    assert "mario" not in str([vars(one) for one in (*desk.post.mails(), *desk.post.threads())]).lower()
    assert [one.kind for one in desk.rows(jobs.Job) if one.kind == "documents.forget"]


def test_a_mailbox_is_written_rightly_or_not_at_all(post: Post) -> None:
    def add(**more: Any) -> set[str]:
        with post.database.begin(post.scope) as session:
            try:
                boxes.add(
                    session, principal(session, post, "sara"), told(post.cast, **{"address": "n@x.example"} | more)
                )
            except InvalidError as error:
                return {one.field for one in error.parts}
        return set()

    assert add(name="", smtp_host="", smtp_port=0, smtp_tls=Tls.TLS) == {"name", "smtp_host", "smtp_port"}
    assert add(imap_host="imap.example.it") == {"imap_tls"}
    assert add(auth=Auth.OAUTH2, secret=Secret(token_url="http://x.example")) == {"refresh_token", "token_url"}
    assert add(topics="niente") == {"topics"}
    assert add(address="tributi@comune.empoli.example") == {"address"}
    with post.database.begin(post.scope) as session:
        assert b"segreto" not in session.get_one(Mailbox, post.mailbox_id).secret


def test_tokens_are_got_once_and_again_when_they_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(url: str, *, data: dict[str, str], timeout: float) -> httpx.Response:
        asked.append(data["grant_type"])
        return httpx.Response(
            200 if len(asked) < 3 else 400, json={"access_token": f"t{len(asked)}", "expires_in": 600}
        )

    monkeypatch.setattr(httpx, "post", answer)
    tokens, secret = Tokens(), Secret(token_url="https://x.example", client_id="c", refresh_token="r")
    assert [tokens.access(secret), tokens.access(secret)] == ["t1", "t1"]
    tokens.refused(secret)
    assert tokens.access(secret) == "t2"
    tokens.refused(secret)
    with pytest.raises(MailboxError) as error:
        tokens.access(secret)
    assert error.value.trouble is Trouble.CREDENTIALS
