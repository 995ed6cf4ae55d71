"""Reports as they were made, and who wants to be written to about them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.levels.agreement import Period


class ServiceReport(Base):
    """A report on the service of a contract, for an ente or (none) all of them. Made again, it is a further version."""

    __tablename__ = "service_report"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    period: Mapped[Period] = mapped_column(choice(Period))
    first: Mapped[date]
    last: Mapped[date]
    version: Mapped[int] = mapped_column(SmallInteger)
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the system
    seal: Mapped[str] = mapped_column(String(64))  # `report.seal`
    kept: Mapped[dict[str, Any]]  # `report.Report`

    __table_args__ = (
        UniqueConstraint("ente_id", "contract_id", "period", "first", "version", postgresql_nulls_not_distinct=True),
        CheckConstraint("first <= last", name="days"),
        CheckConstraint("version >= 1", name="version"),
    )


class ReportWish(Base):
    """A user who wants an e-mail once a report of an ente's is ready."""

    __tablename__ = "report_wish"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    wished_at: Mapped[datetime]


class ReportAddressee(Base):
    """An address of an ente's offices, which is told of each monthly report."""

    __tablename__ = "report_addressee"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    added_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    added_at: Mapped[datetime]
