"""Practices, the debts they are about, and the mandates by which agents act in them. Amounts are whole euro cents."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.field.practices.lifecycle import AssignmentState, Closed, MandateState, Occasion, Origin, State


class Practice(Base):
    """Somebody who is to be visited. `number`: in its ente, from 1; the address is the one settled when it was opened,
    and corrected since. `latitude` and `longitude` in degrees (WGS 84), none while it could not be placed.
    """

    __tablename__ = "field_practice"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    number: Mapped[int]
    contact_id: Mapped[int]
    campaign_id: Mapped[int | None]
    origin: Mapped[Origin] = mapped_column(choice(Origin))
    state: Mapped[State] = mapped_column(choice(State))
    priority: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))  # the higher the sooner
    cents: Mapped[int]  # what was due when it was opened
    residential: Mapped[bool]  # a home, not a business
    street: Mapped[str] = mapped_column(String(160))
    postcode: Mapped[str] = mapped_column(String(10))
    town: Mapped[str] = mapped_column(String(80))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    placed: Mapped[str] = mapped_column(String(20), default="", server_default="")  # how it was placed
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("field_agent.id"))  # who has it, or was offered it
    opened_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: its campaign's turn came
    not_before: Mapped[datetime | None]  # when a visit is possible again
    frozen_why: Mapped[str] = mapped_column(String(400), default="", server_default="")
    closed_at: Mapped[datetime | None]
    closed: Mapped[Closed | None] = mapped_column(choice(Closed))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        UniqueConstraint("ente_id", "id"),
        UniqueConstraint("ente_id", "number"),
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="place"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
        # Nobody is visited for two practices at once.
        Index("uq_field_practice_open", "ente_id", "contact_id", unique=True,
              postgresql_where=text("state <> 'closed'")),
        Index("ix_field_practice_ente_id_state", "ente_id", "state"),
        Index("ix_field_practice_agent_id", "agent_id", postgresql_where=text("state <> 'closed'")),
        Index("ix_field_practice_contact_id", "contact_id"),
    )  # fmt: skip


class PracticeDebt(Base):
    """A position that a practice is about, and what was due on it when it was opened."""

    __tablename__ = "field_practice_debt"

    practice_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(String(60), primary_key=True)  # the position's
    ente_id: Mapped[int]
    cents: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        Index("ix_field_practice_debt_reference", "ente_id", "reference"),
    )


class FieldMandate(Base):
    """By which an agent acts in a practice, from a day to a day. `cents`: up to what amount; `no_ties_at`: when he
    declared that nothing ties him to the taxpayer.
    """

    __tablename__ = "field_mandate"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    practice_id: Mapped[int]
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    state: Mapped[MandateState] = mapped_column(choice(MandateState))
    valid_from: Mapped[date]
    valid_to: Mapped[date]
    cents: Mapped[int]
    most_visits: Mapped[int] = mapped_column(SmallInteger)
    may_photograph: Mapped[bool]
    given_at: Mapped[datetime]
    given_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    accepted_at: Mapped[datetime | None]
    no_ties_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(400), default="", server_default="")  # declined, revoked
    assignment_id: Mapped[int | None]  # the one by which it was given, with others

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("valid_from <= valid_to", name="days"),
        Index("uq_field_mandate_open", "practice_id", unique=True,
              postgresql_where=text("state IN ('offered', 'accepted')")),
        Index("ix_field_mandate_practice_id", "practice_id"),
        Index("ix_field_mandate_agent_id", "agent_id"),
        ForeignKeyConstraint(["ente_id", "assignment_id"], ["field_assignment.ente_id", "field_assignment.id"]),
        Index("ix_field_mandate_assignment_id", "assignment_id", postgresql_where=text("assignment_id IS NOT NULL")),
    )  # fmt: skip


class FieldJudgement(Base):
    """What the rules answered about a visit to somebody, each time that it mattered: kept as it was answered."""

    __tablename__ = "field_judgement"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    practice_id: Mapped[int]
    mandate_id: Mapped[UUID | None]
    visit_id: Mapped[UUID | None]
    occasion: Mapped[Occasion] = mapped_column(choice(Occasion))
    at: Mapped[datetime]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(String(20)))  # `Reason`; none: it was allowed
    not_before: Mapped[datetime | None]
    known_at: Mapped[datetime | None]  # up to when his debt was known then

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "practice_id"], ["field_practice.ente_id", "field_practice.id"]),
        Index("ix_field_judgement_practice_id", "practice_id", "at"),
    )


class NoVisit(Base):
    """Somebody wants nobody at his door, since and why; until it is withdrawn no practice of his is opened."""

    __tablename__ = "field_no_visit"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    why: Mapped[str] = mapped_column(String(200))
    since: Mapped[datetime]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("uq_field_no_visit_contact_id", "contact_id", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
    )


class VisitSetting(Base):
    """How an ente has its people visited, within what the law allows. `hours`: Monday first, as people write them."""

    __tablename__ = "field_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    hours: Mapped[list[str]] = mapped_column(ARRAY(String(60)))
    fresh_hours: Mapped[int] = mapped_column(SmallInteger)  # how old what is known of a debt may be
    mandate_days: Mapped[int] = mapped_column(SmallInteger)  # that a mandate is valid for, if nobody says otherwise
    most_visits: Mapped[int] = mapped_column(SmallInteger)
    may_photograph: Mapped[bool]
    changed_at: Mapped[datetime]
    changed_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))


class Assignment(Base):
    """Practices shared out among agents at once: first to be looked at, then done, and undone while nobody accepted.

    `terms`: of the mandates; `given`: for each practice its agent and why; `left`: those that nobody can have, and why.
    """

    __tablename__ = "field_assignment"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    state: Mapped[AssignmentState] = mapped_column(choice(AssignmentState))
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    given: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    left: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    done_at: Mapped[datetime | None]
    done: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # how many mandates came of it
    undone_at: Mapped[datetime | None]

    __table_args__ = (UniqueConstraint("ente_id", "id"),)
