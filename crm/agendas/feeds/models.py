"""Links to agendas."""

from datetime import datetime

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class CalendarFeed(Base):
    """A link by which somebody follows an office, one of its desks, or (no office) the services that he serves.

    It shows what its owner may see, and nothing once he may see it no more. The link is kept as a hash.
    """

    __tablename__ = "calendar_feed"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    office_id: Mapped[int | None]
    desk_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(60))  # on which device, in its owner's words
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the secret, which has 256 bits of its own
    made_at: Mapped[datetime]
    read_at: Mapped[datetime | None]  # the last time, to some minutes
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        UniqueConstraint("ente_id", "digest"),
        Index("ix_calendar_feed_user_id", "user_id"),
    )
