"""The recordings of messages. Each belongs to a callback, which is the work that it makes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class Voicemail(Base):
    """A message. Its sound is with the carrier until it is in the store, under `kept_under` and its digest."""

    __tablename__ = "voicemail"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    recording_sid: Mapped[str] = mapped_column(String(34))
    seconds: Mapped[int] = mapped_column(SmallInteger)
    left_at: Mapped[datetime]
    sha256: Mapped[str | None] = mapped_column(String(64))
    kept_under: Mapped[int | None]  # the ente, or zero where it was not known then
    keep_until: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    let_go_at: Mapped[datetime | None]  # since when the carrier has it no more

    __table_args__ = (
        Index("ix_voicemail_at_the_carrier", "left_at", postgresql_where=text("sha256 IS NULL AND deleted_at IS NULL")),
        Index("ix_voicemail_let_go", "left_at", postgresql_where=text("let_go_at IS NULL AND sha256 IS NOT NULL")),
        Index("ix_voicemail_keep_until", "keep_until", postgresql_where=text("deleted_at IS NULL")),
    )
