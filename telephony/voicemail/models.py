"""The recordings of messages. Each belongs to a callback, which is the work that it makes."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base
from telephony.sounds.models import SoundColumns


class Voicemail(SoundColumns, Base):
    """A message. `unsealed` is the digest of a copy in the store that was made before messages were encrypted."""

    __tablename__ = "voicemail"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    carrier_sid: Mapped[str] = mapped_column(String(34))
    seconds: Mapped[int] = mapped_column(SmallInteger)
    left_at: Mapped[datetime]
    unsealed: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index("ix_voicemail_elsewhere", "left_at", postgresql_where=text("at_carrier OR unsealed IS NOT NULL")),
        Index("ix_voicemail_keep_until", "keep_until", postgresql_where=text("deleted_at IS NULL")),
    )
