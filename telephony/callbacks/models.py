"""Callbacks that callers asked for."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class CallbackState(StrEnum):
    OPEN = "open"
    FULFILLED = "fulfilled"  # he has spoken with an operator
    GIVEN_UP = "given_up"  # not reached in time, or in as many attempts as are made


class Callback(Base):
    """A caller who hung up and is to be called when it is his turn: his call goes on without him until then."""

    __tablename__ = "callback"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("call.id"), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    number: Mapped[str] = mapped_column(String(16))  # E.164, as he confirmed it
    state: Mapped[CallbackState] = mapped_column(choice(CallbackState))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)  # that did not reach him
    not_before: Mapped[datetime | None]  # after an attempt: when the next one may be made
    leg_id: Mapped[UUID | None]  # the agent's leg of the attempt whose line is the call's `carrier_sid`
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "uq_callback_contract_id_number", "contract_id", "number", unique=True,
            postgresql_where=text("state = 'open'"),
        ),
    )  # fmt: skip
