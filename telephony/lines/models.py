"""Phone lines."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from telephony.ivr.models import IvrFlow


class LineKind(StrEnum):
    FREEPHONE = "freephone"
    GEOGRAPHIC = "geographic"


class PhoneLine(Base):
    """A number that can be called. Without an ente it serves its whole contract, as a regional number does; with a
    queue it leads to that one, without a menu.
    """

    __tablename__ = "phone_line"

    number: Mapped[str] = mapped_column(String(16), primary_key=True)  # E.164
    label: Mapped[str] = mapped_column(String(80))
    kind: Mapped[LineKind] = mapped_column(choice(LineKind))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    flow_id: Mapped[int | None] = mapped_column(ForeignKey(IvrFlow.id))  # none: the usual one over the queues
    hours: Mapped[list[str]] = mapped_column(JSONB, default=list)  # its own, as written each weekday
    told_at: Mapped[datetime | None]  # when the carrier was told that the number is ours
    closed_at: Mapped[datetime | None]  # by itself, until somebody reopens it; a contract's closure is of all its lines
    closed_reason: Mapped[str] = mapped_column(String(200), default="", server_default="")
    trouble: Mapped[str | None] = mapped_column(String(200))  # why it could not be; tried again when the line is saved
