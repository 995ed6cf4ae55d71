"""What an ente offers by self-service, its taxpayers' PINs, codes that were sent, and failures. No secret in clear."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class SelfServiceSetting(Base):
    """Whether an ente's callers may serve themselves, and by which second factors. Without a row they may not."""

    __tablename__ = "self_service_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    is_on: Mapped[bool]
    pins: Mapped[bool]  # the ente gave its taxpayers PINs
    codes: Mapped[bool]  # a code goes to a verified mobile number


class CallerPin(Base):
    """The PIN that an ente gave a taxpayer, as a mark under the master key.

    A slow hash would not help: a PIN has a million values. What helps is a key that the database does not hold.
    """

    __tablename__ = "caller_pin"

    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    mark: Mapped[bytes] = mapped_column(LargeBinary)
    set_at: Mapped[datetime]
    set_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),)


class CallerCode(Base):
    """A code that was sent by SMS for one call: of use once, in that call, for some minutes."""

    __tablename__ = "caller_code"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    call_id: Mapped[UUID]
    notice_mark: Mapped[bytes] = mapped_column(LargeBinary)
    mark: Mapped[bytes] = mapped_column(LargeBinary)
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_caller_code_call_id", "call_id"),
        Index("ix_caller_code_notice_mark", "notice_mark"),
        Index("ix_caller_code_sent_at", "sent_at"),
    )


class FactorFailure(Base):
    """Somebody gave a wrong factor, or asked about no notice of ours. Who, and about which, are marks; kept a day."""

    __tablename__ = "factor_failure"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    caller_mark: Mapped[bytes] = mapped_column(LargeBinary)  # one and the same for all who withhold their number
    notice_mark: Mapped[bytes] = mapped_column(LargeBinary)
    failed_at: Mapped[datetime]

    __table_args__ = (
        Index("ix_factor_failure_caller_mark", "caller_mark", "failed_at"),
        Index("ix_factor_failure_notice_mark", "notice_mark", "failed_at"),
        Index("ix_factor_failure_ente_id", "ente_id", "failed_at"),
        Index("ix_factor_failure_failed_at", "failed_at"),
    )
