"""The outbox of messages, who said the opt-out word, and the quiet hours of an ente."""

from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class MessageChannel(StrEnum):
    SMS = "sms"
    EMAIL = "email"
    PEC = "pec"


class MessageState(StrEnum):
    OWED = "owed"
    SENDING = "sending"  # somebody is at it, or died at it: it may have been sent
    UNKNOWN = "unknown"  # nobody answered whether it was taken
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    WITHHELD = "withheld"  # it was not to be sent, or was taken back in time
    EXPIRED = "expired"  # by now it would mean nothing


UNDER_WAY = (MessageState.OWED, MessageState.SENDING, MessageState.UNKNOWN)


class Reason(StrEnum):
    """Why a message was not sent, or did not arrive."""

    NO_ADDRESS = "no_address"
    STOPPED = "stopped"
    NO_CONSENT = "no_consent"
    DO_NOT_CALL = "do_not_call"
    DECEASED = "deceased"
    NOT_VERIFIED = "not_verified"  # it discloses, and nobody verified that the address is his
    CANCELLED = "cancelled"
    BAD_ADDRESS = "bad_address"  # no such number or mailbox
    OPTED_OUT = "opted_out"  # the carrier knows that he said the opt-out word
    NOT_DELIVERED = "not_delivered"  # it left, and did not arrive
    TOO_LARGE = "too_large"  # the mail server takes none of that size
    REFUSED = "refused"  # by the carrier or the mail server, for good
    NOT_FOUND = "not_found"  # no answer came, and the carrier knows of no such message
    NOT_SURE = "not_sure"  # no answer came, twice: it may have arrived
    NO_SENDER = "no_sender"  # there is no line, or no mail server, to send it from
    BROKEN = "broken"  # a fault of ours
    TOO_LATE = "too_late"


class Message(Base):
    """A message that is owed to somebody, and what became of it. One cause makes one message."""

    __tablename__ = "message"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # stands in the Message-ID and in the carrier's callbacks
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contact_id: Mapped[int | None]
    cause: Mapped[str] = mapped_column(String(120))
    channel: Mapped[MessageChannel | None] = mapped_column(
        choice(MessageChannel)
    )  # none: withheld before one was found
    template: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(2))
    address: Mapped[str] = mapped_column(String(254))  # E.164, or an e-mail address
    sender: Mapped[str | None] = mapped_column(String(16))  # the number that it leaves from; none: the ente's
    subject: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(String(10_000))  # emptied once sent where it holds a code
    calendar: Mapped[str] = mapped_column(String(4_000), default="")  # goes with an e-mail (RFC 5545)
    state: Mapped[MessageState] = mapped_column(choice(MessageState))
    reason: Mapped[Reason | None] = mapped_column(choice(Reason))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    looks: Mapped[int] = mapped_column(SmallInteger, default=0)  # times that it was looked for, or repeated, unknown
    external_id: Mapped[str | None] = mapped_column(String(64))  # the carrier's
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the system
    call_id: Mapped[UUID | None]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tried_at: Mapped[datetime | None]  # the last attempt
    first_tried_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]  # delivered, failed, withheld or expired

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "cause"),
        CheckConstraint("channel IS NOT NULL OR state = 'withheld'", name="channel"),
        Index("ix_message_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_message_to_no_contact", "ended_at", postgresql_where=text("contact_id IS NULL")),
        Index("ix_message_address", "address", postgresql_where=text("external_id IS NOT NULL")),
    )


class MessageStop(Base):
    """Somebody said at this address that he wants no messages of this ente there."""

    __tablename__ = "message_stop"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    channel: Mapped[MessageChannel] = mapped_column(choice(MessageChannel), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    stopped_at: Mapped[datetime]


class MessageSetting(Base):
    """When an ente lets nobody be disturbed, in Roman time; without a row it is the default."""

    __tablename__ = "message_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    quiet_from: Mapped[time]
    quiet_until: Mapped[time]
    __table_args__ = (CheckConstraint("quiet_until < quiet_from", name="hours"),)
