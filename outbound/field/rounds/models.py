"""Plans of a day's rounds, and what of them was published. Hours are seconds after midnight in Rome; lengths seconds.

Plans and their agents belong to a contract and tell of no taxpayer; the stops are their enti's.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.field.rounds.lifecycle import PlanState


class RoundPlan(Base):
    """A day of a contract. The settings are those of `settings.Settings`; `cost`: of the rounds it has."""

    __tablename__ = "field_round_plan"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    day: Mapped[date]
    state: Mapped[PlanState] = mapped_column(choice(PlanState))
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    seconds: Mapped[int] = mapped_column(SmallInteger)
    home_hours: Mapped[str] = mapped_column(String(60))
    business_hours: Mapped[str] = mapped_column(String(60))
    home_minutes: Mapped[int] = mapped_column(SmallInteger)
    business_minutes: Mapped[int] = mapped_column(SmallInteger)
    detour: Mapped[float]
    town_kmh: Mapped[float]
    country_kmh: Mapped[float]
    search: Mapped[int] = mapped_column(
        default=0, server_default=text("0")
    )  # which one is the latest: a job knows its own
    searching_since: Mapped[datetime | None]
    asked_to_stop: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    cost: Mapped[int | None]
    failure: Mapped[str] = mapped_column(String(200), default="", server_default="")
    published_at: Mapped[datetime | None]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (UniqueConstraint("contract_id", "day"),)


class RoundAgent(Base):
    """An agent of a plan's: how he works on the day (`settings.Working`), and the round that he has."""

    __tablename__ = "field_round_agent"

    plan_id: Mapped[int] = mapped_column(ForeignKey("field_round_plan.id"), primary_key=True, autoincrement=False)
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"), primary_key=True, autoincrement=False)
    begins: Mapped[int]
    ends: Mapped[int]
    start: Mapped[str] = mapped_column(String(120), default="", server_default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    returns: Mapped[bool]
    pause_earliest: Mapped[int | None]
    pause_latest: Mapped[int | None]
    pause_length: Mapped[int | None]
    most: Mapped[int | None] = mapped_column(SmallInteger)
    leaves: Mapped[int | None]  # from where he begins; none: he has no round
    done: Mapped[int | None]
    pause_at: Mapped[int | None]
    travel_s: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    travel_m: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    __table_args__ = (
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        CheckConstraint("(pause_earliest IS NULL) = (pause_length IS NULL)", name="pause"),
    )


class RoundStop(Base):
    """A practice of a plan's, and where it is in whose round. `must`: is left out only where there is no way at all;
    `why`: it is in no round (`problem.Why`, `problem.Fault`).
    """

    __tablename__ = "field_round_stop"

    plan_id: Mapped[int] = mapped_column(ForeignKey("field_round_plan.id"), primary_key=True, autoincrement=False)
    practice_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    must: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    fixed_agent_id: Mapped[int | None]
    fixed_at: Mapped[int | None]
    agent_id: Mapped[int | None]
    position: Mapped[int | None] = mapped_column(SmallInteger)  # in his round, from 1
    arrives: Mapped[int | None]
    begins: Mapped[int | None]
    leaves: Mapped[int | None]
    why: Mapped[str] = mapped_column(String(20), default="", server_default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        ForeignKeyConstraint(["plan_id", "agent_id"], ["field_round_agent.plan_id", "field_round_agent.agent_id"]),
        ForeignKeyConstraint(
            ["plan_id", "fixed_agent_id"], ["field_round_agent.plan_id", "field_round_agent.agent_id"]
        ),
        CheckConstraint("(agent_id IS NULL) = (position IS NULL)", name="placed"),
        Index("ix_field_round_stop_practice_id", "practice_id"),
    )  # fmt: skip


class PublishedRound(Base):
    """The round that an agent was given for a day, by a contract. `changes`: what is different from the one before, as
    `changes.Changed` has it; `times`: how often it was published.
    """

    __tablename__ = "field_round_published"

    plan_id: Mapped[int] = mapped_column(ForeignKey("field_round_plan.id"), primary_key=True, autoincrement=False)
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"), primary_key=True, autoincrement=False)
    day: Mapped[date]
    published_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(SmallInteger)
    leaves: Mapped[int | None]  # none: everything was taken from him
    done: Mapped[int | None]
    pause_at: Mapped[int | None]
    changes: Mapped[list[dict[str, Any]]]

    __table_args__ = (Index("ix_field_round_published_agent_id", "agent_id", "day"),)


class PublishedStop(Base):
    """A visit of a published round."""

    __tablename__ = "field_round_published_stop"

    plan_id: Mapped[int] = mapped_column(ForeignKey("field_round_plan.id"), primary_key=True, autoincrement=False)
    practice_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    position: Mapped[int] = mapped_column(SmallInteger)
    arrives: Mapped[int]
    begins: Mapped[int]
    leaves: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        Index("ix_field_round_published_stop_practice_id", "practice_id"),
    )


class TravelMatrix(Base):
    """Times and ways that the company measured for a plan: from a place's name to places' names, seconds and metres.

    A place is called `A` and an agent's id, or `P` and a practice's.
    """

    __tablename__ = "field_round_matrix"

    plan_id: Mapped[int] = mapped_column(ForeignKey("field_round_plan.id"), primary_key=True, autoincrement=False)
    legs: Mapped[dict[str, Any]]
    sent_at: Mapped[datetime]
    sent_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
