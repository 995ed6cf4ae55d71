"""From a mail that comes to the answer that leaves: threads, acknowledgements, receipts, who may be told what."""

import csv
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import hearing, owners, resting, service, views
from crm.cases import queries as cases
from crm.cases.deadlines import Span, due_at
from crm.cases.lifecycle import Channel, Deed, State, Topic
from crm.cases.models import Case, PauseReason
from crm.cases.saying import Request, Said
from crm.cases.views import CaseView
from crm.contacts.models import ContactReach, ReachKind, Verification
from crm.core import clock, jobs
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.documents.scanning import NOT_SCANNED, Scanned, Scanner
from crm.levels import administration
from crm.levels.agreement import Agreement, Period
from crm.levels.known import Replied
from crm.levels.presets import PRESETS, of_contract
from crm.messages import outbox
from crm.messages.models import Message, MessageState, Reason
from crm.privacy import archive
from crm.privacy.archive import Copy
from crm.privacy.holders import Person
from crm.timeline.models import EntryKind, TimelineEntry
from telephony.mail import boxes, deeds, enclosing, measured, queries, requests
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
)
from telephony.mail.privacy import HOLDERS
from telephony.mail.queries import Folder
from telephony.mail.secrets import Secret, Tokens
from telephony.mail.writing import OF_MAILBOXES, did_not_leave, routes
from telephony.messages.delivery import Delivery
from telephony.queues.models import QueueMember
from tests.cast import AS_OF, principal_of
from tests.telephony.fake_carrier import FakeCarrier
from tests.telephony.mail.clamd import EICAR, clamd
from tests.telephony.mail.conftest import Post, opened, told
from tests.telephony.mail.letters import MARIO, PEC_BOX, bounced, letter, receipt, with_file
from tests.telephony.messages.conftest import TO, MailServer, mail_server

pytestmark = pytest.mark.integration
__all__ = ("mail_server",)  # a fixture


@dataclass
class Desk:
    """Anna before the inbox."""

    post: Post
    smtp: MailServer
    tokens: Tokens = field(default_factory=Tokens)

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
        kinds = dict.fromkeys(OF_MAILBOXES, routes(self.tokens, self.post.store))
        delivery = Delivery(FakeCarrier(), None, TO, routes=kinds, ended=did_not_leave)
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


def test_files_and_copies_go_with_an_answer_and_come_back_with_it(desk: Desk, tmp_path: Path) -> None:
    knows(desk.post, verified=True)
    thread = desk.comes(letter(Cc="studio@bini.example, tributi@comune.empoli.example"))
    file = enclosing.brought("modulo.pdf", b"%PDF-1.7 modulo")
    (tmp_path / "f").write_bytes(b"%PDF-1.7 modulo")
    desk.post.store.put(desk.post.cast.empoli, file.sha256, tmp_path / "f")
    with pytest.raises(FieldError):
        desk.do(enclosing.enclose, thread_id=thread.id, file=file, scanned=Scanned(Scan.INFECTED, "Eicar"))
    for _ in range(2):
        desk.do(enclosing.enclose, thread_id=thread.id, file=file, scanned=NOT_SCANNED)
    with pytest.raises(FieldError):  # the studio would read it, too
        desk.answer(thread, "Deve 120,50 euro.", copied=["studio@bini.example"])
    with pytest.raises(FieldError):
        desk.answer(thread, "Deve {totale}.")
    said = {"copied": ["studio@bini.example", "altri@x.example"], "quotes": True, "sure": True}
    first = desk.answer(thread, "Ecco il modulo.", **said)
    assert desk.do(enclosing.written, thread_id=thread.id) == []
    assert desk.do(deeds.undo, mail_id=first) == "Ecco il modulo."
    assert [one.name for one in desk.do(enclosing.written, thread_id=thread.id)] == ["modulo.pdf"]
    assert desk.do(enclosing.written, "luca", thread_id=thread.id) == []  # each has his own
    desk.answer(thread, "Ecco il modulo.", **said)
    sent = desk.leaves()[-1]
    assert (sent["to"], sent["cc"]) == (MARIO, "studio@bini.example")
    assert [(one.get_filename(), one.get_content()) for one in sent.iter_attachments()] == [
        ("modulo.pdf", b"%PDF-1.7 modulo")
    ]
    body = sent.get_body(("plain",))
    assert body is not None
    assert "> Buongiorno" in body.get_content()


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


def test_an_answer_that_was_taken_or_not_twice_is_shown_and_asked_about(desk: Desk) -> None:
    desk.smtp.conduct = ["accept", "drop_after_data", "drop_after_data"]
    thread = desk.comes(letter())
    since = thread.waiting_since
    desk.leaves()
    mail_id = desk.answer(thread)
    desk.leaves()
    (answer,) = [one for one in desk.do(queries.correspondence, thread_id=thread.id).pieces if one.mail.id == mail_id]
    assert (answer.state, desk.thread(thread).state) == (MessageState.UNKNOWN, ThreadState.ANSWERED)
    for _ in range(3):  # once more, and never again
        desk.leaves(timedelta(minutes=20))
    (answer,) = [one for one in desk.do(queries.correspondence, thread_id=thread.id).pieces if one.mail.id == mail_id]
    assert (answer.state, answer.reason) == (MessageState.FAILED, Reason.NOT_SURE)
    assert len([one for one in desk.smtp.seen if "Certo" in one.as_string()]) == 2
    again = desk.thread(thread)
    assert (again.state, again.trouble, again.waiting_since) == (ThreadState.OPEN, True, since)
    desk.do(deeds.close, thread_id=thread.id)  # it had arrived, he says
    desk.leaves(timedelta(hours=1))
    assert desk.thread(thread).state is ThreadState.CLOSED


def test_what_the_server_says_is_too_large_is_not_begun_with(desk: Desk, tmp_path: Path) -> None:
    desk.smtp.limits["data_size_limit"] = 20_000
    thread = desk.comes(letter())
    desk.leaves()
    content = b"%PDF-1.7" + bytes(30_000)
    found = enclosing.brought("foto.pdf", content)
    (tmp_path / "foto").write_bytes(content)
    desk.post.store.put(desk.post.cast.empoli, found.sha256, tmp_path / "foto")
    desk.do(enclosing.enclose, thread_id=thread.id, file=found, scanned=NOT_SCANNED)
    desk.answer(thread)
    desk.leaves()
    row = next(one for one in desk.rows(Message) if one.template == "mail_answer")
    assert (row.state, row.reason, len(desk.smtp.seen)) == (MessageState.FAILED, Reason.TOO_LARGE, 1)
    again = desk.thread(thread)
    assert (again.state, again.trouble) == (ThreadState.OPEN, True)
    desk.answer(again, "Senza allegati.")
    assert desk.leaves()[-1].get_content().startswith("Senza allegati.")


def test_levels_count_the_days_until_an_answer_left(desk: Desk) -> None:
    """Written is not sent; taken back, or come back, it is no answer."""
    post, day = desk.post, timedelta(days=1)
    with post.database.begin(post.scope) as session:
        today = clock.business_day(clock.now(session))
        levels = of_contract(PRESETS["step"].levels, post.cast.contract)
        administration.put(session, Agreement(post.cast.contract, today - 60 * day, Period.MONTH, levels))

    def known() -> tuple[Replied, ...]:
        with post.database.begin(post.scope) as session:
            return measured.replies_of_period(session, post.cast.contract, today - 40 * day, today + 40 * day)

    def aged(days: int) -> None:
        with post.database.begin(post.scope) as session:
            for table, names in {"mail": ("at",), "mail_thread": ("waiting_since", "answer_by")}.items():
                for name in names:
                    session.execute(
                        text(f"UPDATE {table} SET {name} = {name} - make_interval(days => :d)"), {"d": days}
                    )

    thread = desk.comes(letter())
    assert thread.answer_by == due_at(thread.waiting_since or AS_OF, Span(5, working=True), (11, 30))
    assert known() == ()  # there is time yet
    aged(14)
    (late,) = known()
    assert (late.metric, late.id, late.calendar_days) == ("email_reply_working_days", thread.code, 14)
    answer = desk.answer(thread)
    assert known() == (late,)  # it has not left
    desk.do(deeds.undo, mail_id=answer)
    assert desk.thread(thread).waiting_since is not None
    desk.answer(thread)
    sent = desk.leaves()[-1]
    (left,) = known()
    assert (left.days, left.calendar_days, left.due_on) == (late.days, 14, late.due_on)
    with post.database.begin(post.scope) as session:
        times = measured.times_of(session, post.mailbox_id)
    assert (times.answered, times.in_time, times.slowest, times.waiting) == (1, 0, 14, 0)
    desk.comes(bounced(str(sent["message-id"])))
    again = desk.thread(thread)
    assert (again.state, again.waiting_since is not None) == (ThreadState.OPEN, True)
    assert known()[0].calendar_days == 14  # it came back: he waits still


def test_a_case_comes_of_a_mail_and_is_told_and_answered_in_it(desk: Desk) -> None:
    knows(desk.post, verified=True)
    thread = desk.comes(letter())
    found = desk.do(requests.suggested, thread_id=thread.id)
    assert (found.topic, found.channel, found.contact_id) == (Topic.INSTALMENTS, Channel.EMAIL, desk.post.cast.mario)

    def opens(session: Session, by: Principal) -> int:
        asked = Request(Topic.INFORMATION, found.channel, found.reasons, received_at=found.thread.begun_at)
        case_id = service.open_case(session, by, request=asked, contact_id=found.contact_id)
        requests.become(session, by, thread_id=thread.id, case_id=case_id)
        owners.assign(session, by, case_id=case_id, version=1, user_id=by.user_id)
        return case_id

    case_id = desk.do(opens)
    with pytest.raises(ConflictError):
        desk.do(opens)
    desk.do(deeds.assign, thread_id=thread.id, agent_id=None)
    desk.leaves()

    def case() -> Case:
        return next(one for one in desk.rows(Case) if one.id == case_id)

    before = case()
    assert before.heard_at is None
    desk.comes(letter("Ecco i documenti.", named="due@example.it", answers="uno@example.it"))
    told = desk.leaves()[-1]
    assert f"{before.year}/{before.number}" in told.get_content()
    after = case()
    assert (after.heard_at is not None, after.version) == (True, before.version)
    assert desk.thread(thread).assignee_id == desk.post.cast.anna
    desk.do(lambda session, by: hearing.looked(session, by, session.get_one(Case, case_id)))
    assert case().heard_at is None
    day = clock.business_day(after.opened_at)
    desk.do(service.register, case_id=case_id, version=after.version, number="12", day=day)
    for deed, words in ((Deed.TAKE, ""), (Deed.REPLY, "Sì: paghi pure a rate.")):
        step = partial(service.step, deed=deed, answers=requests.reply)
        desk.do(step, case_id=case_id, version=case().version, said=Said(words))
    sent = desk.leaves()[-1]
    assert (sent["to"], "<due@example.it>" in str(sent["references"])) == (MARIO, True)
    assert "Sì: paghi pure a rate." in sent.get_content()
    assert desk.thread(thread).state is ThreadState.ANSWERED
    assert case().state is State.CLOSED


def case_of(desk: Desk, thread: MailThread, topic: Topic = Topic.INFORMATION) -> int:
    """A case that Anna opens of a conversation, and looks after."""

    def opens(session: Session, by: Principal) -> int:
        found = requests.suggested(session, by, thread_id=thread.id)
        asked = Request(topic, found.channel, found.reasons, received_at=found.thread.begun_at)
        case_id = service.open_case(session, by, request=asked, contact_id=found.contact_id, ente_id=thread.ente_id)
        requests.become(session, by, thread_id=thread.id, case_id=case_id)
        owners.assign(session, by, case_id=case_id, version=1, user_id=by.user_id)
        return case_id

    return int(desk.do(opens))


def test_the_mail_that_a_case_waited_for_is_told_to_its_owner_who_lets_the_terms_run(desk: Desk) -> None:
    knows(desk.post, verified=True)
    thread = desk.comes(letter())
    case_id = case_of(desk, thread)

    def seen() -> CaseView:
        found: CaseView = desk.do(lambda session, _by: views.one(session, case_id))
        return found

    def waits_for(who: str) -> int:
        def count(session: Session, by: Principal) -> int:
            return cases.waiting(session, user_id=by.user_id, manages=False, decides=False)

        return int(desk.do(count, who))

    desk.do(
        resting.pause, case_id=case_id, version=seen().version, reason=PauseReason.PAPERS_MISSING, papers="La visura"
    )
    assert (seen().due_at, waits_for("anna")) == (None, 0)
    desk.comes(with_file("visura.pdf", b"%PDF", named="due@example.it", answers="uno@example.it"))
    one = seen()
    assert (one.rests, one.heard_at is not None, one.steps[0].deed) == (True, True, Deed.HEAR)
    assert (waits_for("anna"), waits_for("luca")) == (1, 0)
    desk.do(lambda session, by: hearing.looked(session, by, session.get_one(Case, case_id)))
    desk.do(resting.resume, case_id=case_id, version=one.version)
    one = seen()
    assert (one.rests, one.due_at is not None, one.steps[0].deed) == (False, True, Deed.RESUME)
    assert waits_for("anna") == 0
    bodies = [one.body for one in desk.rows(Message) if one.template == "case_goes_on"]
    assert len(bodies) == 1


def test_a_copy_that_does_not_arrive_is_shown_and_the_answer_stands(desk: Desk) -> None:
    knows(desk.post, verified=True)
    thread = desk.comes(letter(Cc="studio@bini.example, perito@bini.example"))
    case_id = case_of(desk, thread)
    desk.smtp.unknown = {"studio@bini.example"}
    desk.answer(thread, "Ecco.", copied=["studio@bini.example", "perito@bini.example"])
    sent = desk.leaves()[-1]
    desk.comes(bounced(str(sent["message-id"]), "perito@bini.example"))
    found = desk.do(deeds.look, thread_id=thread.id)
    assert {who: why.value for piece in found.pieces for who, why in piece.lost} == {
        "studio@bini.example": "refused", "perito@bini.example": "not_delivered",
    }  # fmt: skip
    assert (found.thread.state, found.thread.trouble) == (ThreadState.ANSWERED, False)
    assert {one.state.value for one in desk.rows(Message) if one.template == "mail_answer"} == {"sent"}
    (its,) = desk.do(requests.of_case, case_id=case_id)
    assert set(its.lost) == {"studio@bini.example", "perito@bini.example"}
    desk.comes(bounced(str(sent["message-id"]), MARIO))  # and now his own
    assert desk.thread(thread).trouble


def test_whoever_does_not_look_after_a_mailbox_sees_nothing_of_it_on_a_case(desk: Desk) -> None:
    """Luca answers mails for the ente, and works on its cases; but not in the queue whose mailbox it is."""
    post = desk.post
    thread = desk.comes(letter())
    case_id = case_of(desk, thread, Topic.COMPLAINT)
    with post.database.begin(post.scope) as session:
        its = QueueMember.queue_id == post.cast.notices
        session.execute(delete(QueueMember).where(its, QueueMember.agent_id == post.cast.luca))
        session.execute(update(Mailbox).values(queue_id=post.cast.notices))
    assert len(desk.do(requests.of_case, case_id=case_id)) == 1
    assert desk.do(requests.of_case, "luca", case_id=case_id) == []
    assert len(desk.do(requests.of_case, "sara", case_id=case_id)) == 1  # she sets mailboxes up
    assert desk.do(requests.of_case, "vera", case_id=case_id) == []  # of the ente

    def replies(session: Session, by: Principal) -> object:
        return requests.reply(session, by, session.get_one(Case, case_id), "Certo")

    assert desk.do(replies, "luca") is None  # it goes another way
    assert desk.do(replies) is not None


def test_a_bounce_opens_what_was_answered(desk: Desk) -> None:
    thread = desk.comes(letter())
    desk.answer(thread)
    sent = desk.leaves()[-1]
    assert desk.comes(bounced(str(sent["message-id"]))).id == thread.id
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


def test_a_receipt_of_what_was_given_up_ends_the_waiting_of_whoever_wrote_before(
    pec: Post, mail_server: MailServer
) -> None:
    desk = smtp_at(pec, mail_server)
    desk.smtp.conduct = ["accept", "drop_after_data", "drop_after_data"]  # the first is that it came
    thread = desk.comes(letter(to=PEC_BOX, sender="mario@pec.example"))
    desk.leaves()
    desk.answer(thread)
    for _ in range(4):
        desk.leaves(timedelta(minutes=20))
    given_up = desk.thread(thread)
    assert (given_up.state, given_up.trouble) == (ThreadState.OPEN, True)
    ours = str(next(one for one in desk.smtp.seen if "Certo" in one.as_string())["message-id"]).strip("<>")
    desk.comes(receipt("avvenuta-consegna", ours))
    heard = desk.thread(thread)
    assert (heard.state, heard.trouble, heard.waiting_since) == (ThreadState.ANSWERED, False, None)
    assert {one.template: one.state.value for one in desk.rows(Message)}["mail_answer"] == "delivered"
    assert len([one for one in desk.post.mails() if one.answered_by is not None]) == 1


def test_files_are_scanned_by_whoever_there_is(desk: Desk) -> None:
    with clamd(most=3_000) as daemon:
        scanner = Scanner(daemon.address, timeout_s=2)
        desk.post.fetcher = Fetcher(desk.post.database, desk.post.store, scanner=scanner)
        desk.comes(with_file("x.pdf", b"%PDF " + EICAR))
        desk.comes(with_file("z.pdf", b"%PDF" + bytes(500_000), named="z@example.it"))
    desk.comes(with_file("y.pdf", b"%PDF buono", named="y@example.it"))  # by now it does not answer
    assert [(one.scan, one.virus) for one in desk.rows(MailAttachment)] == [
        (Scan.INFECTED, "Eicar-Signature"), (Scan.TOO_LARGE, ""), (Scan.FAILED, ""),
    ]  # fmt: skip
    desk.comes()
    assert desk.rows(MailAttachment)[-1].scan is Scan.FAILED
    with clamd() as daemon:
        desk.post.fetcher = Fetcher(desk.post.database, desk.post.store, scanner=Scanner(daemon.address, timeout_s=2))
        desk.comes()
        assert len(daemon.seen) == 1, "what has its answer is not asked about again"
    assert [one.scan for one in desk.rows(MailAttachment)] == [Scan.INFECTED, Scan.TOO_LARGE, Scan.CLEAN]


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


def test_what_a_stranger_writes_is_no_formula_in_the_copy_of_his_data(desk: Desk, tmp_path: Path) -> None:
    knows(desk.post, verified=True)
    subject, words = "=cmd|'/C calc'!A0", '=HYPERLINK("https://spia.example")'
    desk.comes(letter(words, subject=subject), with_file("+1.pdf", b"%PDF"))
    person, (holder,) = Person(desk.post.cast.empoli, (desk.post.cast.mario,)), HOLDERS
    with desk.post.database.begin(desk.post.scope) as session:
        copy = Copy("Empoli", AS_OF, holder.export(session, person))
    archive.write(tmp_path / "copia.zip", copy, lambda _copy: "", lambda _sha256: b"", lambda: None)
    with zipfile.ZipFile(tmp_path / "copia.zip") as made:
        written = [made.read(name).decode("utf-8-sig") for name in made.namelist() if name.endswith(".csv")]
    cells = [cell for one in written for row in csv.reader(one.splitlines(), delimiter=";") for cell in row]
    assert {f"'{subject}", f"'{words}", "'+1.pdf"} <= {cell.strip() for cell in cells}
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "|", "%"))]


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
