"""Service facts (append-only), their insert-only deltas, and the folded counters."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
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
from crm.levels.agreement import Period
from crm.levels.metering import Callers, EndedBy, FactKind
from crm.levels.metrics import Each
from crm.levels.terms import Denominator, Formula


class Channel(StrEnum):
    PHONE = "phone"


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
    imported: Mapped[bool] = mapped_column(default=False, server_default=text("false"))  # told by another system
    callers: Mapped[Callers] = mapped_column(choice(Callers))
    position: Mapped[int | None] = mapped_column(SmallInteger)  # in the queue when it was entered: 1 is next
    announced_from_s: Mapped[int | None] = mapped_column(SmallInteger)  # the wait that was announced:
    announced_s: Mapped[int | None] = mapped_column(SmallInteger)  # as long as this at most; none: longer
    agent_id: Mapped[int | None]  # who answered, held, was cut off, wrapped up
    ended_by: Mapped[EndedBy | None] = mapped_column(choice(EndedBy))

    __table_args__ = (
        Index("ix_service_fact_subject", "subject"),
        Index(
            "ix_service_fact_received", "contract_id", "occurred_at", postgresql_where=text("kind = 'received'")
        ),
        Index(
            "ix_service_fact_announced", "contract_id", "occurred_at", postgresql_where=text("kind = 'announced'")
        ),
        Index(
            "ix_service_fact_ended", "contract_id", "occurred_at",
            postgresql_where=text("kind IN ('served', 'left', 'callback', 'not_reached')"),
        ),
    )  # fmt: skip


class _Counted:
    """The measures that add up: `metering.Counts` says what each is."""

    received: Mapped[int]
    entered: Mapped[int]
    answered: Mapped[int]
    lost: Mapped[int]
    waited_over: Mapped[int]
    wait_ms: Mapped[int]
    answered_within: Mapped[int] = mapped_column(server_default=text("0"))
    abandoned: Mapped[int] = mapped_column(server_default=text("0"))
    abandoned_within: Mapped[int] = mapped_column(server_default=text("0"))
    abandoned_short: Mapped[int] = mapped_column(server_default=text("0"))
    abandoned_wait_ms: Mapped[int] = mapped_column(server_default=text("0"))
    handled: Mapped[int] = mapped_column(server_default=text("0"))
    talk_ms: Mapped[int] = mapped_column(server_default=text("0"))
    hold_ms: Mapped[int] = mapped_column(server_default=text("0"))
    wrap_up_ms: Mapped[int] = mapped_column(server_default=text("0"))


class ServiceDelta(_Counted, Base):
    """A change of the counters, inserted so that no two calls wait for one row; folded and deleted later."""

    __tablename__ = "service_delta"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int]
    ente_id: Mapped[int | None]
    queue_id: Mapped[int | None]
    callers: Mapped[Callers] = mapped_column(choice(Callers))
    quarter: Mapped[datetime]  # the start of the quarter hour in which the call arrived

    __table_args__ = (Index("ix_service_delta_contract_id_quarter", "contract_id", "quarter"),)


class ServiceCount(_Counted, Base):
    """The folded counters. Zero stands for an ente or a queue not known, so that the key has no NULL."""

    __tablename__ = "service_count"

    contract_id: Mapped[int] = mapped_column(primary_key=True)
    quarter: Mapped[datetime] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(primary_key=True)
    callers: Mapped[Callers] = mapped_column(choice(Callers), primary_key=True)


class ServiceHour(_Counted, Base):
    """The same counters by the hour, folded from the same deltas; with the shortest and the longest of its calls.

    `unsettled`: something was taken back, which leaves sums right and extremes not. Until they are read from the facts
    again (`folding.settle`), whoever wants them reads the facts himself.
    """

    __tablename__ = "service_hour"

    contract_id: Mapped[int] = mapped_column(primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(primary_key=True)
    queue_id: Mapped[int] = mapped_column(primary_key=True)
    callers: Mapped[Callers] = mapped_column(choice(Callers), primary_key=True)
    shortest_talk_ms: Mapped[int | None]
    longest_talk_ms: Mapped[int | None]
    shortest_wait_ms: Mapped[int | None]
    longest_wait_ms: Mapped[int | None]
    unsettled: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    __table_args__ = (
        Index("ix_service_hour_contract_id_ente_id_hour", "contract_id", "ente_id", "hour"),
        Index("ix_service_hour_unsettled", "contract_id", "hour", postgresql_where=text("unsettled")),
    )


class ContractAgreement(Base):
    """What a contract promises from a day on: the head of its levels. Never changed: of one day the last one is valid.

    Withdrawn before its day came, it never was in force.
    """

    __tablename__ = "contract_agreement"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    valid_from: Mapped[date]
    period: Mapped[Period] = mapped_column(choice(Period))
    net_value: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))  # in euro; penalties are per mille of it
    preset: Mapped[str] = mapped_column(String(40), default="")
    written_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("net_value >= 0", name="net_value"),
        CheckConstraint("(withdrawn_by IS NULL) = (withdrawn_at IS NULL)", name="withdrawn"),
        Index("ix_contract_agreement_contract_id", "contract_id", "valid_from"),
    )


class ContractLevel(Base):
    """A service level of an agreement (`agreement.Promise`): `metric` `op` `target`, as waiting over 40 s `<` 0.20."""

    __tablename__ = "contract_level"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agreement_id: Mapped[int] = mapped_column(ForeignKey("contract_agreement.id"))
    metric: Mapped[str] = mapped_column(String(60))
    op: Mapped[str] = mapped_column(String(2))
    target: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    threshold_s: Mapped[Decimal | None] = mapped_column(Numeric(8, 3))
    callers: Mapped[str | None] = mapped_column(String(8))  # of whose calls alone: landline, mobile
    service: Mapped[str] = mapped_column(String(80), default="", server_default="")
    period: Mapped[Period | None] = mapped_column(choice(Period))
    share_of_days: Mapped[Decimal | None] = mapped_column(Numeric(5, 4))
    tolerated_excluded: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    penalty_per_mille: Mapped[Decimal | None] = mapped_column(Numeric(8, 4))
    penalty_each: Mapped[Each | None] = mapped_column(choice(Each))
    penalty_group: Mapped[str] = mapped_column(String(20), default="", server_default="")

    __table_args__ = (
        UniqueConstraint("agreement_id", "metric", "callers", "service", postgresql_nulls_not_distinct=True),
        CheckConstraint("op IN ('<', '<=', '>', '>=')", name="op"),
        CheckConstraint("callers IN ('landline', 'mobile')", name="callers"),
        CheckConstraint("share_of_days > 0 AND share_of_days <= 1", name="share_of_days"),
        CheckConstraint("(penalty_per_mille IS NULL) = (penalty_each IS NULL)", name="penalty"),
    )


class ClosedPeriod(Base):
    """A period of a contract that is over, as it stood: of the whole contract, or of one ente. Never changed.

    Judged again on purpose, it is a further version with the reason why; the newest one is shown.
    """

    __tablename__ = "closed_period"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    first: Mapped[date]
    last: Mapped[date]
    version: Mapped[int] = mapped_column(SmallInteger, default=1, server_default=text("1"))
    reason: Mapped[str] = mapped_column(String(400), default="", server_default="")  # of a further version
    closed_at: Mapped[datetime]
    seal: Mapped[str] = mapped_column(String(64))  # `frozen.seal`
    kept: Mapped[dict[str, Any]]  # `frozen.Frozen`

    __table_args__ = (
        UniqueConstraint("contract_id", "ente_id", "first", "last", "version", postgresql_nulls_not_distinct=True),
        CheckConstraint("first <= last", name="days"),
        CheckConstraint("version >= 1", name="version"),
    )


class RemarkState(StrEnum):
    """What a remark is, and what became of it."""

    NOTE = "note"  # asks for nothing
    ASKED = "asked"  # to leave it out of the penalties
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class PenaltyRemark(Base):
    """Something said of a call or a day that passed a limit, by whoever answers for the contract; the ente decides."""

    __tablename__ = "penalty_remark"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    metric: Mapped[str] = mapped_column(String(60))
    subject: Mapped[str] = mapped_column(String(40))  # the call, or the day (`metrics.OF_DAYS`)
    words: Mapped[str] = mapped_column(String(400))
    state: Mapped[RemarkState] = mapped_column(choice(RemarkState))
    said_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    said_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(String(400))

    __table_args__ = (
        Index("ix_penalty_remark_contract_id_metric_subject", "contract_id", "metric", "subject"),
        Index(
            "uq_penalty_remark_open", "contract_id", "metric", "subject", "ente_id", unique=True,
            postgresql_where=text("state IN ('asked', 'approved')"),
        ),
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided"),
    )  # fmt: skip


class ContractTerms(Base):
    """How a contract's figures are computed from an instant on (`terms.Terms`). Only added to: the past stays."""

    __tablename__ = "contract_terms"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    valid_from: Mapped[datetime]  # the start of an hour, so that no counter is of two versions
    formula: Mapped[Formula] = mapped_column(choice(Formula))
    within_ms: Mapped[int]
    short_ms: Mapped[int]
    over_ms: Mapped[int]
    denominator: Mapped[Denominator] = mapped_column(choice(Denominator))
    agreement_id: Mapped[int | None] = mapped_column(ForeignKey("contract_agreement.id"))  # which they came with

    __table_args__ = (
        CheckConstraint("within_ms >= 0 AND short_ms >= 0 AND over_ms >= 0", name="milliseconds"),
        CheckConstraint("valid_from = date_trunc('hour', valid_from, 'UTC')", name="on_the_hour"),
        Index("ix_contract_terms_contract_id", "contract_id", "valid_from"),
    )


class ContractEventKind(StrEnum):
    QUEUE_OVER = "queue_over"  # one more caller than the queue may hold
    WAIT_OVER = "wait_over"  # a wait longer than agreed
    HOUR_OVER = "hour_over"  # an hour whose share is over its limit


class ContractEvent(Base):
    """A limit of the contract that was passed, written once as it happens.

    `withdrawn_at`: what was learnt later (a late callback, a call of another ente) says that it did not happen.
    """

    __tablename__ = "contract_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None]
    queue_id: Mapped[int | None]
    kind: Mapped[ContractEventKind] = mapped_column(choice(ContractEventKind))
    metric: Mapped[str] = mapped_column(String(60))  # the level that was passed
    subject: Mapped[str] = mapped_column(String(40))  # the call, or the hour's start
    limit: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    measured: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_contract_event_contract_id_metric_subject", "contract_id", "metric", "subject", unique=True),
        Index("ix_contract_event_contract_id_occurred_at", "contract_id", "occurred_at"),
    )
