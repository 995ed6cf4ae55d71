"""Enti and contracts. What is here is published by the enti themselves; it names no taxpayer."""

from datetime import datetime, time
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class Ente(Base):
    """A municipality (or another public body) for which taxes are collected: a data controller of its own."""

    __tablename__ = "ente"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    short_name: Mapped[str] = mapped_column(String(40))
    istat_code: Mapped[str] = mapped_column(String(6), unique=True)
    cadastral_code: Mapped[str] = mapped_column(String(4), unique=True)
    codice_fiscale: Mapped[str] = mapped_column(String(11), unique=True)
    province: Mapped[str] = mapped_column(String(2))
    band: Mapped[int] = mapped_column(SmallInteger)  # which of the design's colour bands heads its pages
    patron_name: Mapped[str] = mapped_column(String(80))
    patron_month: Mapped[int] = mapped_column(SmallInteger)
    patron_day: Mapped[int] = mapped_column(SmallInteger)
    observes_holidays: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (CheckConstraint("band BETWEEN 1 AND 6", name="band"),)


class Contract(Base):
    """The agreement under which one or many enti are served, and whose levels are measured."""

    __tablename__ = "contract"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    # Within how many calendar days somebody is replaced when an ente asks for it.
    replacement_days: Mapped[int] = mapped_column(SmallInteger, default=20, server_default="20")


class ContractEnte(Base):
    """An ente covered by a contract."""

    __tablename__ = "contract_ente"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)


class ContractLevel(Base):
    """A service level promised by a contract: `metric` `op` `target`, such as waiting over 40 s `<` 0.20."""

    __tablename__ = "contract_level"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    metric: Mapped[str] = mapped_column(String(60))
    op: Mapped[str] = mapped_column(String(2))
    target: Mapped[Decimal] = mapped_column(Numeric(8, 4))
    threshold_s: Mapped[Decimal | None] = mapped_column(Numeric(8, 3))

    __table_args__ = (
        UniqueConstraint("contract_id", "metric"),
        CheckConstraint("op IN ('<', '<=', '>', '>=')", name="op"),
    )


class OpeningHours(Base):
    """When the lines of a contract are open, in Roman time; an ente's own rows replace the contract's.

    `closes` is exclusive; 00:00 stands for midnight at the day's end.
    """

    __tablename__ = "opening_hours"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    weekday: Mapped[int] = mapped_column(SmallInteger)  # 0 is Monday
    opens: Mapped[time]
    closes: Mapped[time]

    __table_args__ = (CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),)


class Closure(Base):
    """A time in which the lines stay closed against their hours; open-ended until somebody reopens."""

    __tablename__ = "closure"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200))
    declared_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
