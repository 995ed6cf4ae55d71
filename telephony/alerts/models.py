"""Thresholds, alerts with their history, and the browsers that supervisors want to be told in."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from telephony.alerts.judging import AlertKind


class AlertRule(Base):
    """A threshold of a contract's, of one of its queues or of one of its numbers; what `judging.State` it is in. Ended,
    it is looked at no more; its alerts keep it.
    """

    __tablename__ = "alert_rule"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    queue_id: Mapped[int | None] = mapped_column(ForeignKey("queue.id"))
    line: Mapped[str] = mapped_column(String(16), default="", server_default="")  # of the callers of a number alone
    kind: Mapped[AlertKind] = mapped_column(choice(AlertKind))
    metric: Mapped[str] = mapped_column(String(60), default="")  # of the level, where it is about one
    callers: Mapped[str] = mapped_column(String(8), default="")
    threshold: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    after_s: Mapped[int] = mapped_column(SmallInteger)  # for how long it has to be over
    by_mail: Mapped[bool]
    by_push: Mapped[bool]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    over_since: Mapped[datetime | None]
    calm_since: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("after_s BETWEEN 0 AND 3600", name="after"),
        Index("ix_alert_rule_contract_id", "contract_id", postgresql_where=text("ended_at IS NULL")),
    )


class Alert(Base):
    """A threshold was passed. Written once, cleared once; whoever takes notice says so, with a note."""

    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    rule_id: Mapped[int] = mapped_column(ForeignKey("alert_rule.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    measured: Mapped[Decimal] = mapped_column(Numeric(14, 4))  # when it was raised
    raised_at: Mapped[datetime]
    cleared_at: Mapped[datetime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    acknowledged_at: Mapped[datetime | None]
    note: Mapped[str] = mapped_column(String(280), default="")

    __table_args__ = (
        Index("uq_alert_open", "rule_id", unique=True, postgresql_where=text("cleared_at IS NULL")),
        Index("ix_alert_contract_id_raised_at", "contract_id", "raised_at"),
        CheckConstraint("(acknowledged_by IS NULL) = (acknowledged_at IS NULL)", name="acknowledged"),
    )


class PushSubscription(Base):
    """A browser in which a supervisor is told (Push API): its address at the push service, and the keys under which
    nobody on the way can read what is sent there (RFC 8291). Ended by himself, or when the service knows it no more.
    """

    __tablename__ = "push_subscription"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    endpoint: Mapped[str] = mapped_column(String(600))
    p256dh: Mapped[str] = mapped_column(String(100))
    auth: Mapped[str] = mapped_column(String(40))
    browser: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_push_subscription_endpoint", "endpoint", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_push_subscription_user_id", "user_id"),
    )


class PushState(StrEnum):
    """What became of telling one browser."""

    OWED = "owed"
    SENDING = "sending"  # somebody is at it, or died at it
    SENT = "sent"  # the push service has it
    FAILED = "failed"
    EXPIRED = "expired"


class PushNotice(Base):
    """One alert to be told in one browser, once. `due_at`: when it may next be taken, or the end of a lease."""

    __tablename__ = "push_notice"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    subscription_id: Mapped[int] = mapped_column(ForeignKey("push_subscription.id"))
    state: Mapped[PushState] = mapped_column(choice(PushState))
    attempts: Mapped[int] = mapped_column(SmallInteger, default=0)
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (
        UniqueConstraint("alert_id", "subscription_id"),
        Index("ix_push_notice_due", "due_at", postgresql_where=text("state IN ('owed', 'sending')")),
    )
