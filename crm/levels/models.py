"""Service facts (append-only), their insert-only deltas, and the folded counters."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Channel(StrEnum):
    PHONE = "phone"


class FactKind(StrEnum):
    RECEIVED = "received"  # reached the platform within the metering hours
    ENTERED = "entered"  # asked for an operator
    SERVED = "served"  # both parties joined
    RETURNED = "returned"  # cut off from the operator: waits again
    LEFT = "left"  # ended without (or after) an operator
    ATTRIBUTED = "attributed"  # known from here on to be about this ente


class ServiceFact(Base):
    """Something that a contract measures, as it was seen. Any figure can be recomputed from these rows."""

    __tablename__ = "service_fact"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    queue_id: Mapped[int | None]
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    subject: Mapped[UUID]  # the call
    kind: Mapped[FactKind] = mapped_column(choice(FactKind))
    waited_ms: Mapped[int]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    repaired: Mapped[bool]

    __table_args__ = (Index("ix_service_fact_subject", "subject"),)


class _Counted:
    """The measures that add up. `waited_over` includes the abandoned; `wait_ms` is of the answered alone."""

    received: Mapped[int]
    entered: Mapped[int]
    answered: Mapped[int]
    lost: Mapped[int]
    waited_over: Mapped[int]
    wait_ms: Mapped[int]


class ServiceDelta(_Counted, Base):
    """A change of the counters, inserted so that no two calls wait for one row; folded and deleted later."""

    __tablename__ = "service_delta"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    queue_id: Mapped[int | None]
    quarter: Mapped[datetime]  # the start of the quarter hour in which the call arrived

    __table_args__ = (Index("ix_service_delta_contract_id_quarter", "contract_id", "quarter"),)


class ServiceCount(_Counted, Base):
    """The folded counters. Zero stands for an ente or a queue not known, so that the key has no NULL."""

    __tablename__ = "service_count"

    contract_id: Mapped[int] = mapped_column(primary_key=True)
    quarter: Mapped[datetime] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(primary_key=True)
