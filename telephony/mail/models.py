"""Mailboxes, the mails in them, the threads that they make, what is attached, and receipts of certified mail.

What belongs to a mailbox of a whole contract has no ente until somebody says, or it is known, which one it is about.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.documents.models import NAMES_CONTENT, Scan
from telephony.mail.automatic import Nature
from telephony.mail.certified import PecKind
from telephony.mail.kinds import FileKind
from telephony.mail.signed import Proof

MOST_BYTES = 150_000_000  # of a mail that is taken whole: a larger one stays where it is, and its beginning is taken


class MailboxKind(StrEnum):
    EMAIL = "email"
    PEC = "pec"


class Tls(StrEnum):
    """How a connection is encrypted."""

    TLS = "tls"  # from its beginning
    STARTTLS = "starttls"
    NONE = "none"  # on this very machine alone


class Auth(StrEnum):
    PASSWORD = "password"  # noqa: S105  # a way, not a password
    OAUTH2 = "oauth2"


class Trouble(StrEnum):
    """Why a mailbox cannot be read, or written from."""

    AWAY = "away"  # no answer, or not in time
    INSECURE = "insecure"  # its certificate is not to be trusted, or it does not encrypt
    CREDENTIALS = "credentials"
    TOKEN = "token"  # noqa: S105  # the authorisation server gives none
    NO_FOLDER = "no_folder"
    REFUSED = "refused"  # in another way
    STORE = "store"  # its mails cannot be kept here


class Mailbox(Base):
    """A mailbox of an ente, or of a whole contract. What opens it is encrypted.

    Read up to `last_uid` of the folder's `uidvalidity` (RFC 3501, 2.3.1.1), by whoever has it until `leased_until`.
    """

    __tablename__ = "mailbox"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))  # whose agents answer; none: all
    kind: Mapped[MailboxKind] = mapped_column(choice(MailboxKind))
    name: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(254))
    imap_host: Mapped[str] = mapped_column(String(253))
    imap_port: Mapped[int] = mapped_column()
    imap_tls: Mapped[Tls] = mapped_column(choice(Tls, name="imap_tls"))
    smtp_host: Mapped[str] = mapped_column(String(253))
    smtp_port: Mapped[int] = mapped_column()
    smtp_tls: Mapped[Tls] = mapped_column(choice(Tls, name="smtp_tls"))
    folder: Mapped[str] = mapped_column(String(120), default="INBOX")
    username: Mapped[str] = mapped_column(String(254))
    auth: Mapped[Auth] = mapped_column(choice(Auth))
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    acknowledges: Mapped[bool]
    signature: Mapped[str] = mapped_column(String(1_000), default="")
    topics: Mapped[list[dict[str, Any]]] = mapped_column(default=list)  # `suggesting.TopicRule`; none: the usual
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # since when it is not read any more; what was taken stays

    uidvalidity: Mapped[int | None]
    last_uid: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]  # when somebody may next take it
    leased_by: Mapped[UUID | None]
    leased_until: Mapped[datetime | None]
    good_at: Mapped[datetime | None]  # when it was read the last time
    failing_since: Mapped[datetime | None]
    trouble: Mapped[Trouble | None] = mapped_column(choice(Trouble))

    __table_args__ = (
        CheckConstraint("(failing_since IS NULL) = (trouble IS NULL)", name="failing"),
        CheckConstraint("(leased_by IS NULL) = (leased_until IS NULL)", name="lease"),
        Index("uq_mailbox_address", "address", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_mailbox_contract_id", "contract_id"),
    )


class ThreadState(StrEnum):
    OPEN = "open"  # somebody waits for our answer
    ANSWERED = "answered"
    ASIDE = "aside"  # nothing a person wrote: automatic answers, lists
    CLOSED = "closed"


class Matched(StrEnum):
    """How it is known who writes. None of it proves who he is: a sender can be forged."""

    VERIFIED = "verified"  # the address was verified as his, and is nobody else's
    PROPOSED = "proposed"  # somebody has this address
    AGENT = "agent"  # an agent said so


class MailThread(Base):
    """A correspondence in a mailbox. `version` changes with each mail and each deed: who answers says which he saw.

    `waiting_since`: when the first mail came that nobody has answered yet.
    """

    __tablename__ = "mail_thread"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailbox.id"))
    code: Mapped[str] = mapped_column(String(10), unique=True)
    subject: Mapped[str] = mapped_column(String(300))
    snippet: Mapped[str] = mapped_column(String(200))
    correspondent: Mapped[str] = mapped_column(String(254))  # the address of whoever began it
    correspondent_name: Mapped[str] = mapped_column(String(120))
    state: Mapped[ThreadState] = mapped_column(choice(ThreadState, name="mail_thread_state"))
    contact_id: Mapped[int | None]
    matched: Mapped[Matched | None] = mapped_column(choice(Matched))
    case_id: Mapped[int | None]  # that came of it
    suggested: Mapped[str | None] = mapped_column(String(40))  # topic, by rules
    topic: Mapped[str | None] = mapped_column(String(40))  # as an agent said
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    begun_at: Mapped[datetime]
    last_at: Mapped[datetime]
    waiting_since: Mapped[datetime | None]
    answer_by: Mapped[datetime | None]  # until when somebody who waits has to be answered
    closed_at: Mapped[datetime | None]
    answering_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # who is writing an answer
    answering_at: Mapped[datetime | None]
    mails: Mapped[int] = mapped_column(SmallInteger, default=0)
    attachments: Mapped[int] = mapped_column(SmallInteger, default=0)
    trouble: Mapped[bool] = mapped_column(default=False)  # something of ours did not arrive
    version: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        Index("ix_mail_thread_case_id", "case_id", postgresql_where=text("case_id IS NOT NULL")),
        CheckConstraint("(contact_id IS NULL) = (matched IS NULL)", name="contact"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'open') = (waiting_since IS NOT NULL)", name="waits"),
        Index("ix_mail_thread_state", "state", "last_at", "id"),
        CheckConstraint("(answer_by IS NULL) = (waiting_since IS NULL)", name="answered_by_when"),
        Index("ix_mail_thread_answer_by", "answer_by", "id", postgresql_where=text("state = 'open'")),
        # Who waits in each mailbox, counted in the index alone: with what the row policy asks for.
        Index(
            "ix_mail_thread_waiting", "mailbox_id", "contract_id", "ente_id", postgresql_where=text("state = 'open'")
        ),
        Index("ix_mail_thread_mailbox_id", "mailbox_id", "state", "last_at", "id"),
        Index("ix_mail_thread_assignee_id", "assignee_id", "state", "last_at"),
        Index("ix_mail_thread_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_mail_thread_correspondent", "correspondent"),
    )


class Mail(Base):
    """A mail that came, or left. Its bytes are in the store of documents under their digest, for the ente `kept_under`.

    `message_id` is the header's; `outbox_id` the outbox's row, of ours.
    """

    __tablename__ = "mail"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("mail_thread.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    mailbox_id: Mapped[int] = mapped_column(ForeignKey("mailbox.id"))
    inbound: Mapped[bool]
    uidvalidity: Mapped[int | None]
    uid: Mapped[int | None]
    message_id: Mapped[str] = mapped_column(String(250))
    answers: Mapped[str] = mapped_column(Text, default="")  # the Message-IDs that it refers to, parted by spaces
    digest: Mapped[str | None] = mapped_column(String(64))
    kept_under: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    size: Mapped[int]
    sender: Mapped[str] = mapped_column(String(254))
    sender_name: Mapped[str] = mapped_column(String(120))
    recipients: Mapped[list[dict[str, Any]]]  # address, name, copied
    subject: Mapped[str] = mapped_column(String(300))
    words: Mapped[str] = mapped_column(Text)
    has_html: Mapped[bool]
    cut: Mapped[bool]  # more than could be read: the original has it all
    nature: Mapped[Nature] = mapped_column(choice(Nature))
    pec: Mapped[PecKind | None] = mapped_column(choice(PecKind))
    proof: Mapped[Proof | None] = mapped_column(choice(Proof))
    sent_at: Mapped[datetime | None]  # as its sender claims
    at: Mapped[datetime]  # when it reached the mailbox, or was written by us
    taken_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]  # when we wrote an answer
    answered_by: Mapped[UUID | None] = mapped_column(ForeignKey("mail.id"))  # the answer
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    outbox_id: Mapped[UUID | None]

    __table_args__ = (
        UniqueConstraint("mailbox_id", "uidvalidity", "uid"),
        Index(
            "uq_mail_taken_once", "mailbox_id", "message_id", "digest", unique=True,
            postgresql_where=text("inbound AND digest IS NOT NULL"),
        ),
        Index("ix_mail_message_id", "message_id"),
        Index("ix_mail_thread_id", "thread_id", "at"),
        Index("ix_mail_outbox_id", "outbox_id", unique=True, postgresql_where=text("outbox_id IS NOT NULL")),
        Index("ix_mail_to_answer", "contract_id", "at", postgresql_where=text("inbound AND nature = 'person'")),
        CheckConstraint("(digest IS NULL) = (kept_under IS NULL)", name="kept"),
    )  # fmt: skip

    @property
    def is_beginning(self) -> bool:
        """Whether only its beginning was taken: it is too large."""
        return self.inbound and self.size > MOST_BYTES


class MailAttachment(Base):
    """A file of a mail, in the mail's bytes at its `part`."""

    __tablename__ = "mail_attachment"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    mail_id: Mapped[UUID] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    part: Mapped[int] = mapped_column(SmallInteger)
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(80))
    kind: Mapped[FileKind] = mapped_column(choice(FileKind))
    doubtful: Mapped[bool]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    scan: Mapped[Scan] = mapped_column(choice(Scan))
    virus: Mapped[str] = mapped_column(String(120), default="")

    __table_args__ = (
        UniqueConstraint("mail_id", "part"),
        Index("ix_mail_attachment_not_answered", "id", postgresql_where=text("scan = 'failed'")),
    )


class MailEnclosure(Base):
    """A file of ours: of the answer that `agent_id` is writing, and then of the mail with which it went."""

    __tablename__ = "mail_enclosure"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    thread_id: Mapped[UUID] = mapped_column(ForeignKey("mail_thread.id"))
    mail_id: Mapped[UUID | None] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    name: Mapped[str] = mapped_column(String(120))
    kind: Mapped[FileKind] = mapped_column(choice(FileKind))
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), info={NAMES_CONTENT: True})
    scan: Mapped[Scan] = mapped_column(choice(Scan))
    added_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_mail_enclosure_thread_id", "thread_id", "agent_id"),
        Index("ix_mail_enclosure_mail_id", "mail_id", postgresql_where=text("mail_id IS NOT NULL")),
        Index("ix_mail_enclosure_ente_id_sha256", "ente_id", "sha256"),
    )


class PecReceipt(Base):
    """What a provider says of a mail of ours; or somebody who pretends to be one, and then it is not `believed`."""

    __tablename__ = "pec_receipt"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    mail_id: Mapped[UUID] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"), unique=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    of_mail_id: Mapped[UUID | None] = mapped_column(ForeignKey("mail.id", ondelete="CASCADE"))
    kind: Mapped[PecKind] = mapped_column(choice(PecKind))
    original_id: Mapped[str] = mapped_column(String(250))
    recipient: Mapped[str] = mapped_column(String(254))
    provider: Mapped[str] = mapped_column(String(120))
    identifier: Mapped[str] = mapped_column(String(200))
    error: Mapped[str] = mapped_column(String(400))
    at: Mapped[datetime | None]
    believed: Mapped[bool]

    __table_args__ = (Index("ix_pec_receipt_of_mail_id", "of_mail_id"),)
