"""What is still to be registered in the enti's protocol systems."""

from datetime import datetime

from sqlalchemy import ForeignKeyConstraint, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class CaseRegistration(Base):
    """A case that is owed a protocol number; the row goes once it has one.

    `due_at`: when it is next asked for; none: no more, unless somebody says so. `trouble`: what came of the last try.
    """

    __tablename__ = "case_registration"

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    due_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    trouble: Mapped[str] = mapped_column(String(400), default="", server_default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        Index("ix_case_registration_due", "ente_id", "due_at"),
    )
