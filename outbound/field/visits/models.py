"""Visits as the agents' telephones told them. Device and server time are kept: a telephone's clock may be wrong."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.field.visits.door import Outcome, Whom


class Visit(Base):
    """A visit, under the id that the telephone gave it. `began_at`, `ended_at`: instants set right by how far the
    telephone's clock was off (`off_s`, seconds, positive: fast); `device_began_at` as it showed them. `faults`: what
    was not as it has to be (`door.Fault`), with the deed's place. Position, in degrees, at check-in alone.
    """

    __tablename__ = "field_visit"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    practice_id: Mapped[int]
    mandate_id: Mapped[UUID | None]  # none: nobody had one any more
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    device_began_at: Mapped[datetime]
    off_s: Mapped[int]
    received_at: Mapped[datetime]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[int | None]
    distance_m: Mapped[int | None]  # from where the practice was placed
    whom: Mapped[Whom | None] = mapped_column(choice(Whom))
    spoke_with: Mapped[str] = mapped_column(String(160), default="", server_default="")
    capacity: Mapped[str] = mapped_column(String(120), default="", server_default="")
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    note: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    number: Mapped[int] = mapped_column(SmallInteger)  # of the practice's visits, from 1
    deeds: Mapped[list[dict[str, Any]]]  # each with its device time
    faults: Mapped[list[dict[str, Any]]]
    signs: Mapped[list[dict[str, Any]]]  # what speaks for a doubt: a clock off, a position that cannot be

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        ForeignKeyConstraint(["ente_id", "mandate_id"], ["field_mandate.ente_id", "field_mandate.id"]),
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        Index("ix_field_visit_practice_id", "practice_id"),
        Index("ix_field_visit_agent_id", "agent_id", "began_at"),
    )


class FieldDevice(Base):
    """A telephone on which an agent visits. It proves itself by a token; `enti`: whose taxpayers it was ever given;
    `off_s`: how far its clock was ahead when it was last in touch, in seconds. `wiped_at`: when it said that it knows
    nothing any more.
    """

    __tablename__ = "field_device"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    name: Mapped[str] = mapped_column(String(60))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    enti: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    registered_at: Mapped[datetime]
    contacted_at: Mapped[datetime]
    off_s: Mapped[int] = mapped_column(default=0, server_default="0")
    last_sequence: Mapped[int] = mapped_column(default=0, server_default="0")
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: its agent may act no more
    wiped_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_field_device_agent_id", "agent_id"),)


class FieldPacket(Base):
    """What of an ente's was put on a telephone, and when."""

    __tablename__ = "field_packet"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    device_id: Mapped[UUID] = mapped_column(ForeignKey("field_device.id"))
    practice_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    made_at: Mapped[datetime]

    __table_args__ = (Index("ix_field_packet_device_id", "device_id", "made_at"),)


class Apart(StrEnum):
    """Why what a telephone told was not taken as a visit."""

    REVOKED = "revoked"  # it happened after its agent might act no more
    UNKNOWN = "unknown"  # no such practice, or never his
    UNREADABLE = "unreadable"


class FieldEntry(Base):
    """What a telephone told, as it came; never lost. `apart`: why it made no visit, for a supervisor to settle."""

    __tablename__ = "field_entry"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the telephone's
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    device_id: Mapped[UUID] = mapped_column(ForeignKey("field_device.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    practice_id: Mapped[int | None]
    sequence: Mapped[int]
    device_at: Mapped[datetime]
    at: Mapped[datetime]  # set right
    off_s: Mapped[int]
    received_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]  # without the contents of files
    apart: Mapped[Apart | None] = mapped_column(choice(Apart))
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    settled: Mapped[str] = mapped_column(String(400), default="", server_default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        Index("ix_field_entry_practice_id", "practice_id"),
        Index("ix_field_entry_agent_id", "agent_id", "at"),
    )


class FileKind(StrEnum):
    SIGNATURE = "signature"  # for the receipt of a document, nothing else
    PHOTOGRAPH = "photograph"  # of the place, never of a person


class FieldFile(Base):
    """What a visit brought: a picture, as PNG or JPEG without what a camera writes beside it."""

    __tablename__ = "field_file"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    visit_id: Mapped[UUID]
    kind: Mapped[FileKind] = mapped_column(choice(FileKind))
    media_type: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "visit_id"], ["field_visit.ente_id", "field_visit.id"], ondelete="CASCADE"),
        Index("ix_field_file_visit_id", "visit_id"),
    )


class AlarmKind(StrEnum):
    HELP = "help"  # a question that cannot wait
    PANIC = "panic"  # he is in danger


class FieldAlarm(Base):
    """An agent calls for help. His position only if he allows it; it goes when the alarm is settled."""

    __tablename__ = "field_alarm"

    id: Mapped[UUID] = mapped_column(primary_key=True)  # the telephone's
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    device_id: Mapped[UUID] = mapped_column(ForeignKey("field_device.id"))
    kind: Mapped[AlarmKind] = mapped_column(choice(AlarmKind))
    practice_id: Mapped[int | None]
    raised_at: Mapped[datetime]
    received_at: Mapped[datetime]
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    accuracy_m: Mapped[int | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    answer: Mapped[str] = mapped_column(String(200), default="", server_default="")
    told: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid), server_default="{}")  # messages about it

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        Index("ix_field_alarm_ente_id", "ente_id", "received_at"),
    )


class FieldWords(Base):
    """A version of an ente's words at the door (`words.Words`); the latest holds."""

    __tablename__ = "field_words"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    version: Mapped[int] = mapped_column(SmallInteger)
    said: Mapped[dict[str, Any]]
    written_at: Mapped[datetime]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (UniqueConstraint("ente_id", "version"),)
