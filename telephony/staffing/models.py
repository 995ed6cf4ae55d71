"""Forecasts as they were made, what supervisors know of days, shifts, extra operators. Of contracts, not of enti."""

from datetime import date, datetime, time
from decimal import Decimal

from sqlalchemy import (
    REAL,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Numeric,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from telephony.staffing.known_days import Kind


class ForecastDay(Base):
    """What was expected of a day, as it was expected on another: never changed, so that its error can be told.

    96 quarter hours by Rome's clock: `expected` calls, and between `low` and `high` four days in five.
    """

    __tablename__ = "forecast_day"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    made_on: Mapped[date] = mapped_column(primary_key=True)
    made_at: Mapped[datetime]
    expected: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    low: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    high: Mapped[list[float]] = mapped_column(ARRAY(REAL))
    drivers: Mapped[list[str]] = mapped_column(ARRAY(String(32)))  # `forecast.Driver`
    effects: Mapped[list[float]] = mapped_column(ARRAY(REAL))  # by how much each multiplied the day

    __table_args__ = (Index("ix_forecast_day_contract_id_made_on", "contract_id", "made_on"),)


class KnownDay(Base):
    """A day on which something falls due or notices arrive, as a supervisor wrote it down."""

    __tablename__ = "known_day"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    day: Mapped[date]
    kind: Mapped[Kind] = mapped_column(choice(Kind, name="kind"))
    name: Mapped[str] = mapped_column(String(80))
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("contract_id", "day", "kind", "name"),)


class StaffingSetting(Base):
    """By what a contract's need for agents is reckoned, where it is not the usual."""

    __tablename__ = "staffing_setting"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    shrinkage: Mapped[Decimal] = mapped_column(Numeric(4, 3))  # of paid time: breaks, training, absences
    occupancy: Mapped[Decimal] = mapped_column(Numeric(4, 3))  # at the most
    handling_s: Mapped[int | None] = mapped_column(SmallInteger)  # none: as measured

    __table_args__ = (
        CheckConstraint("shrinkage >= 0 AND shrinkage < 1", name="shrinkage"),
        CheckConstraint("occupancy > 0 AND occupancy <= 1", name="occupancy"),
        CheckConstraint("handling_s > 0", name="handling_s"),
    )


class Shift(Base):
    """When an agent is to be there: on a day, from and until, by Rome's clock. 00:00 as an end is midnight."""

    __tablename__ = "shift"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    day: Mapped[date]
    begins: Mapped[time]
    ends: Mapped[time]

    __table_args__ = (
        UniqueConstraint("contract_id", "agent_id", "day", "begins"),
        CheckConstraint("ends > begins OR ends = '00:00'", name="hours"),
        Index("ix_shift_contract_id_day", "contract_id", "day"),
        Index("ix_shift_agent_id_day", "agent_id", "day"),
    )


class RosterWeek(Base):
    """A week of shifts that the agents may see, known by its Monday."""

    __tablename__ = "roster_week"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    monday: Mapped[date] = mapped_column(primary_key=True)
    published_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    published_at: Mapped[datetime]


class Reinforcement(Base):
    """Extra operators around a due date, as they were proposed, and what was decided; with the reason."""

    __tablename__ = "reinforcement"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    due_on: Mapped[date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    first: Mapped[date]
    last: Mapped[date]
    operators: Mapped[int] = mapped_column(SmallInteger)
    calls: Mapped[int]  # expected in those days when it was decided
    accepted: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(400))
    decided_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime]

    __table_args__ = (CheckConstraint("first <= last AND operators > 0", name="days"),)
