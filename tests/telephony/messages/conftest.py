"""A real mail server on this machine that does what a test tells it, and the jobs that send to it."""

import asyncio
import base64
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from aiosmtpd.smtp import Session as SmtpSession
from sqlalchemy import select, text, update

from crm.contacts.models import ContactReach, ReachKind, Verification
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.follow_ups.models import FollowUp
from crm.messages import outbox, service
from crm.messages.models import Message, MessageChannel
from crm.messages.service import Order
from telephony.calls.addresses import Addresses
from telephony.messages.delivery import Delivery, Enclose
from telephony.messages.mail import Mailer
from tests.cast import Cast
from tests.telephony.fake_carrier import FakeCarrier

MAIL = "mario@example.it"
LINK = {"link": "https://cc.example.it/info/1"}
TO = Addresses("https://cc.example.it")


@dataclass
class MailServer:
    """An SMTP server. `conduct` says how it behaves with the next messages: accept, a reply such as `451 later` to the
    recipient or (`data:`) to the content, drop_before_data, drop_after_data, accept_and_drop, hang. `unknown`: for
    whom it takes none.
    """

    conduct: list[str] = field(default_factory=list)
    taken: list[EmailMessage] = field(default_factory=list)
    seen: list[EmailMessage] = field(default_factory=list)  # whatever it said of them
    transports: list[asyncio.Transport] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    port: int = 0
    limits: dict[str, Any] = field(default_factory=dict)  # of aiosmtpd, such as `data_size_limit`
    active: dict[str, str] = field(default_factory=dict)  # tokens, and whose they are

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """As large providers do it: a wrong token is told by a question, and then refused."""
        user, _, token = base64.b64decode(args[1]).decode().strip("\x01").partition("\x01auth=Bearer ")
        if self.active.get(token) == user.removeprefix("user="):
            return AuthResult(success=True)
        await server.challenge_auth(b'{"status":"401","schemes":"bearer"}')
        return AuthResult(success=False, handled=False)

    def now(self) -> str:
        return self.conduct[0] if self.conduct else "accept"

    def next(self) -> str:
        return self.conduct.pop(0) if self.conduct else "accept"

    async def handle_RCPT(
        self, server: SMTP, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.transports.append(server.transport)
        if self.now()[:1] in "45":
            return self.next()
        if self.now() == "drop_before_data":
            self.next()
            server.transport.abort()
            return "421 bye"
        if address in self.unknown:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: SmtpSession, envelope: Envelope) -> str:
        self.transports.append(server.transport)
        conduct, content = self.next(), envelope.content
        assert isinstance(content, bytes)
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.seen.append(mail)
        if conduct.startswith("data:"):
            return conduct.removeprefix("data:")
        if conduct == "drop_after_data":
            server.transport.abort()
            return "421 bye"
        if conduct == "hang":
            await asyncio.sleep(60)  # nobody is answered
        self.taken.append(mail)
        if conduct == "accept_and_drop":
            server.transport.write(b"250 OK\r\n")
            server.transport.close()
        return "250 OK"


@pytest.fixture
def mail_server(socket_enabled: None) -> Iterator[MailServer]:
    made = MailServer()
    controller = Controller(
        made, hostname="127.0.0.1", port=free_port(), auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=True),  # who signs in may
    )  # fmt: skip
    controller.start()
    made.port, made.limits = controller.port, controller.SMTP_kwargs
    yield made

    async def hang_up() -> None:
        for one in made.transports:
            one.abort()
        await asyncio.sleep(0.02)

    asyncio.run_coroutine_threadsafe(hang_up(), controller.loop).result()
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Post:
    """Messages owed, and the jobs that deal with them. Nothing sleeps: `passes` moves what is due nearer."""

    database: Database
    cast: Cast
    carrier: FakeCarrier
    delivery: Delivery

    @property
    def scope(self) -> Scope:
        return Scope.of_contract(self.cast.contract)

    def owe(self, channel: MessageChannel, template: str = "how_to_pay", **values: Any) -> UUID:
        order = Order(
            self.cast.empoli, template, values or LINK, contact_id=self.cast.mario, channel=channel,
        )  # fmt: skip
        with self.database.begin(self.scope) as session:
            return service.owe(session, None, order, cause=f"test:{time.monotonic_ns()}")

    def run(self, enclose: Enclose | None = None) -> int:
        """Do every job that is due, with files to go with how to pay; how many."""
        with self.database.begin(self.scope) as session:
            due = [job_id for job_id, ente_id in jobs.due(session) if ente_id == self.cast.empoli]
        runner = {outbox.DELIVER: self.delivery.runner({"how_to_pay": enclose} if enclose else {})}
        return sum(jobs.run(self.database, runner, job_id=one, ente_id=self.cast.empoli) for one in due)

    def passes(self, wait: timedelta) -> int:
        """Time passes, and whatever is due then is done."""
        with self.database.begin(self.scope) as session:
            for table, columns in (("job", ("due_at",)), ("message", ("due_at", "expires_at", "first_tried_at"))):
                moved = ", ".join(f"{one} = {one} - make_interval(secs => :s)" for one in columns)
                session.execute(text(f"UPDATE {table} SET {moved}"), {"s": wait.total_seconds()})
        return self.run()

    def message(self, message_id: UUID) -> Message:
        with self.database.begin(self.scope) as session:
            return session.get_one(Message, message_id)

    def state(self, message_id: UUID) -> tuple[str, str | None]:
        found = self.message(message_id)
        return found.state.value, found.reason.value if found.reason else None

    def shown_to_somebody(self) -> list[FollowUp]:
        with self.database.begin(self.scope) as session:
            return list(session.scalars(select(FollowUp)))

    def dies_while_sending(self, message_id: UUID) -> None:
        """A worker took job and row, and is gone; its lease runs out."""
        with self.database.begin(self.scope) as session:
            assert outbox.lease(session, message_id) is not None
            session.execute(update(jobs.Job).values(state=jobs.JobState.RUNNING, attempts=1))


@pytest.fixture
def post(database: Database, cast: Cast, mail_server: MailServer) -> Post:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.add(
            ContactReach(
                ente_id=cast.empoli, contact_id=cast.mario, kind=ReachKind.EMAIL, value=MAIL,
                verification=Verification.VERIFIED,
            )
        )  # fmt: skip
    mailer = Mailer(f"smtp://127.0.0.1:{mail_server.port}", "no-reply@cc.example.it", timeout_s=0.4)
    carrier = FakeCarrier()
    return Post(database, cast, carrier, Delivery(carrier, mailer, TO))
