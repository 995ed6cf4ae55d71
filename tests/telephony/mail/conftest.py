"""Empoli's mailbox on a real Dovecot, and whoever takes what comes to it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, update

from crm.core import clock
from crm.core.db import Database, Scope
from crm.documents.store import FolderStore
from telephony.mail import boxes
from telephony.mail.boxes import Told
from telephony.mail.errors import MailboxError
from telephony.mail.fetching import Fetcher
from telephony.mail.models import Auth, Mail, Mailbox, MailboxKind, MailThread, Tls
from telephony.mail.secrets import Secret
from tests.cast import Cast, principal_of
from tests.dovecot import PASSWORD, Dovecot, Maildir
from tests.telephony.mail.letters import BOX, PEC_BOX, anchor


@dataclass
class Post:
    """A mailbox, whoever reads it, and what has been taken."""

    database: Database
    cast: Cast
    store: FolderStore
    server: Dovecot
    maildir: Maildir
    mailbox_id: int
    fetcher: Fetcher

    @property
    def scope(self) -> Scope:
        return Scope.of_contract(self.cast.contract)

    def fetch(self, fetcher: Fetcher | None = None) -> int:
        """Read what is new, as a process does that has just started."""
        fetcher = fetcher or self.fetcher
        with self.database.begin(self.scope) as session:
            session.execute(update(Mailbox).values(due_at=clock.now(session), leased_by=None, leased_until=None))
        leased = fetcher.lease(self.mailbox_id, self.cast.contract, uuid4())
        assert leased is not None
        try:
            with fetcher.opened(leased) as inbox:
                taken = fetcher.round(leased, inbox)
        except MailboxError as error:
            fetcher.release(leased, error.trouble)
            raise
        fetcher.release(leased)
        return taken

    def mails(self) -> list[Mail]:
        with self.database.begin(self.scope) as session:
            return list(session.scalars(select(Mail).order_by(Mail.taken_at, Mail.id)))

    def threads(self) -> list[MailThread]:
        with self.database.begin(self.scope) as session:
            return list(session.scalars(select(MailThread).order_by(MailThread.begun_at, MailThread.id)))

    def row(self) -> Mailbox:
        with self.database.begin(self.scope) as session:
            return session.get_one(Mailbox, self.mailbox_id)

    def at_port(self, port: int) -> None:
        """It is reached there."""
        with self.database.begin(self.scope) as session:
            session.execute(update(Mailbox).values(imap_port=port))


def told(cast: Cast, **more: Any) -> Told:
    """Empoli's mailbox, as Sara writes it."""
    usual: dict[str, Any] = {
        "contract_id": cast.contract, "ente_id": cast.empoli, "queue_id": None, "kind": MailboxKind.EMAIL,
        "name": "Tributi Empoli", "address": BOX, "imap_host": "127.0.0.1", "imap_port": 143, "imap_tls": Tls.NONE,
        "smtp_host": "127.0.0.1", "smtp_port": 25, "smtp_tls": Tls.NONE, "username": "u", "auth": Auth.PASSWORD,
        "secret": Secret(password=PASSWORD), "signature": "Ufficio tributi",
    }  # fmt: skip
    return Told(**usual | more)


@pytest.fixture
def post(database: Database, cast: Cast, dovecot: Dovecot, loopback: None, tmp_path: Path) -> Post:
    """Empoli's mailbox, to which nothing has come yet."""
    return opened(database, cast, dovecot, tmp_path)


def opened(database: Database, cast: Cast, dovecot: Dovecot, folder: Path, **more: Any) -> Post:
    """A mailbox on the server."""
    maildir = dovecot.mailbox()
    maildir.deliver()
    store = FolderStore(folder)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        by = principal_of(session, cast.sara)
        id_ = boxes.add(session, by, told(cast, imap_port=dovecot.port, username=maildir.user, **more))
    fetcher = Fetcher(database, store, anchors=[anchor()[1]])
    return Post(database, cast, store, dovecot, maildir, id_, fetcher)


@pytest.fixture
def pec(database: Database, cast: Cast, dovecot: Dovecot, loopback: None, tmp_path: Path) -> Post:
    """Empoli's certified mailbox."""
    return opened(database, cast, dovecot, tmp_path, kind=MailboxKind.PEC, address=PEC_BOX, name="PEC Empoli")


@dataclass
class Cutter:
    """A network between us and a server, which fails after so many bytes of the server's."""

    port: int
    target: int
    after: int | None = None
    cut: int = field(default=0)


@contextlib.contextmanager
def cutter(target: int) -> Iterator[Cutter]:
    """Listens, passes on, and cuts."""
    listener = socket.create_server(("127.0.0.1", 0))
    made = Cutter(listener.getsockname()[1], target)

    def serve(client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", target))
        threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
        left = made.after
        with contextlib.suppress(OSError):
            while piece := server.recv(4096):
                if left is not None and len(piece) > left:
                    client.sendall(piece[:left])
                    made.cut += 1
                    break
                client.sendall(piece)
                left = left - len(piece) if left is not None else None
        for one in (client, server):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield made
    finally:
        listener.close()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(4096):
            sink.sendall(piece)
