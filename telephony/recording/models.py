"""What an ente wants recorded, the recordings, and who listened to them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from telephony.sounds.models import SoundColumns


class Purpose(StrEnum):
    """What recordings are made for; callers are told."""

    QUALITY = "quality"
    EVIDENCE = "evidence"  # what was said and agreed


class HeardFor(StrEnum):
    """Why somebody listens. To judge the work is to watch a worker, and locked until the agreement allows it; what a
    taxpayer or an authority asks about is the ente's own business with them, and no judgement of the work follows.
    """

    COMPLAINT = "complaint"
    REQUEST = "request"  # what was said, for the taxpayer himself, the ente or an authority
    WORK = "work"


class RecordingSetting(Base):
    """What an ente wants recorded, without a row nothing, and for how long what callers say is kept."""

    __tablename__ = "recording_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    is_on: Mapped[bool]
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    workers: Mapped[str] = mapped_column(String(200))  # the agreement or authorisation of art. 4, L. 300/1970
    share: Mapped[int] = mapped_column(SmallInteger)  # of how many calls in a hundred the caller is asked
    keep_days: Mapped[int] = mapped_column(SmallInteger)
    pause_s: Mapped[int] = mapped_column(SmallInteger)  # for how long an agent leaves something out at most
    voicemail_days: Mapped[int] = mapped_column(SmallInteger, default=30, server_default="30")

    __table_args__ = (
        CheckConstraint("share BETWEEN 1 AND 100", name="share"),
        CheckConstraint("keep_days BETWEEN 1 AND 3650", name="keep_days"),
        CheckConstraint("pause_s BETWEEN 30 AND 600", name="pause_s"),
        CheckConstraint("voicemail_days BETWEEN 1 AND 365", name="voicemail_days"),
    )


class Recording(SoundColumns, Base):
    """A recording, or a part of one."""

    __tablename__ = "recording"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), index=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    carrier_sid: Mapped[str] = mapped_column(String(34), unique=True)
    began_at: Mapped[datetime]
    seconds: Mapped[int] = mapped_column(default=0)
    ready_at: Mapped[datetime | None]  # since when it can be fetched
    held_because: Mapped[str] = mapped_column(String(200), default="")  # a complaint: it is not deleted meanwhile
    held_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    held_at: Mapped[datetime | None]

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
    heard_for: Mapped[HeardFor | None] = mapped_column(choice(HeardFor))  # none: it was not asked yet

    __table_args__ = (Index("ix_recording_listening_call_id", "call_id", "user_id"),)
