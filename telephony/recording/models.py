"""What an ente wants recorded, the recordings, and who listened to them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Purpose(StrEnum):
    """What recordings are made for; callers are told."""

    QUALITY = "quality"
    EVIDENCE = "evidence"  # what was said and agreed


class RecordingSetting(Base):
    """What an ente wants recorded. Without a row, nothing."""

    __tablename__ = "recording_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    is_on: Mapped[bool]
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    workers: Mapped[str] = mapped_column(String(200))  # the agreement or authorisation of art. 4, L. 300/1970
    share: Mapped[int] = mapped_column(SmallInteger)  # of how many calls in a hundred the caller is asked
    keep_days: Mapped[int] = mapped_column(SmallInteger)
    pause_s: Mapped[int] = mapped_column(SmallInteger)  # for how long an agent leaves something out at most

    __table_args__ = (
        CheckConstraint("share BETWEEN 1 AND 100", name="share"),
        CheckConstraint("keep_days BETWEEN 1 AND 3650", name="keep_days"),
        CheckConstraint("pause_s BETWEEN 30 AND 600", name="pause_s"),
    )


class Gone(StrEnum):
    """Why a recording was deleted."""

    EXPIRED = "expired"
    ERASED = "erased"  # with the person
    NOT_AGREED = "not_agreed"  # what the caller agreed to does not hold (any more)
    ABSENT = "absent"  # the carrier recorded nothing


class Recording(Base):
    """A recording, or a part of one. Its sound is with the carrier until it is in the store.

    There it is encrypted under a key of its own, which is kept here, sealed: without it, what may be left of the sound
    in a backup of the store cannot be heard. The row stays when the sound goes.
    """

    __tablename__ = "recording"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), index=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    carrier_sid: Mapped[str] = mapped_column(String(34), unique=True)
    began_at: Mapped[datetime]
    seconds: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None]  # since when it can be fetched
    at_carrier: Mapped[bool] = mapped_column(default=True)
    key: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[str | None] = mapped_column(String(64))  # of what is in the store
    size: Mapped[int | None]  # bytes of it
    kept_under: Mapped[int | None]  # the ente under which it is there
    keep_until: Mapped[datetime]
    held_because: Mapped[str] = mapped_column(String(200), default="")  # a complaint: it is not deleted meanwhile
    held_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    held_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    gone: Mapped[Gone | None] = mapped_column(choice(Gone))

    __table_args__ = (
        Index(
            "ix_recording_to_fetch", "ready_at",
            postgresql_where=text("at_carrier AND ready_at IS NOT NULL AND deleted_at IS NULL"),
        ),
        Index("ix_recording_began_at", "began_at"),
        Index("ix_recording_keep_until", "keep_until", postgresql_where=text("deleted_at IS NULL")),
    )  # fmt: skip


class RecordingListening(Base):
    """Somebody said why, and may listen to the recording of a call for a while."""

    __tablename__ = "recording_listening"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"))
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str] = mapped_column(String(200))
    began_at: Mapped[datetime]

    __table_args__ = (Index("ix_recording_listening_call_id", "call_id", "user_id"),)
