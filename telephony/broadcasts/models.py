"""Broadcasts, and who of the agents has seen and read each."""

from datetime import datetime

from sqlalchemy import ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class Broadcast(Base):
    """Words of a supervisor's to those who answered for a contract, or in one of its queues, as he wrote them.

    They name no citizen: every agent reads them. `withdrawn_at`: shown no more; the history keeps it.
    """

    __tablename__ = "broadcast"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    words: Mapped[str] = mapped_column(String(280))
    by_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    at: Mapped[datetime]
    until: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_broadcast_contract_id_at", "contract_id", "at"),)


class BroadcastReader(Base):
    """An agent it is meant for. `seen_at`: when it first stood on his screen; `read_at`: when he said so."""

    __tablename__ = "broadcast_reader"

    broadcast_id: Mapped[int] = mapped_column(ForeignKey("broadcast.id"), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    seen_at: Mapped[datetime | None]
    read_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_broadcast_reader_agent_id", "agent_id"),)
