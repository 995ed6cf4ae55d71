"""Campaigns, the versions of their plans, the contacts of each, and every attempt to call one or write to him."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.collection.sources.port import Lookup
from crm.core.db import Base, choice
from outbound.campaigns.lifecycle import State
from outbound.compliance.rules import Ended, Reason, Written


class ContactState(StrEnum):
    """Where a contact stands within a campaign."""

    LATER = "later"  # not before `due_at`
    READY = "ready"  # the next one is taken of these
    CLAIMED = "claimed"  # somebody has to do with him, until `due_at`
    OUT = "out"  # he is not to be called, as far as is known: `why`
    DONE = "done"


class Campaign(Base):
    """What an ente has done about those on a list. Its plan is that of the version; without one it is being written."""

    __tablename__ = "campaign"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    list_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(80))
    state: Mapped[State] = mapped_column(choice(State))
    version: Mapped[int] = mapped_column(SmallInteger, default=1)  # the one that is being written, or holds
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    started_at: Mapped[datetime | None]  # for the first time
    admitted_at: Mapped[datetime | None]  # since when the list's members are its contacts
    ended_at: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    talked_ms: Mapped[int] = mapped_column(default=0, server_default="0")  # in its conversations that are over
    # Of its messages and letters, in ten-thousandths of a euro: the sum of their `WrittenAttempt.cost`.
    written_cost: Mapped[int] = mapped_column(default=0, server_default="0")

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        ForeignKeyConstraint(["ente_id", "list_id"], ["contact_list.ente_id", "contact_list.id"]),
        Index("ix_campaign_list_id", "list_id"),
    )


class CampaignVersion(Base):
    """A plan, as it was written; once it was submitted nothing of it changes. `approved`: what the ente decided."""

    __tablename__ = "campaign_version"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB)
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    submitted_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    submitted_at: Mapped[datetime | None]
    approved: Mapped[bool | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(400), default="")  # of a refusal

    __table_args__ = (ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),)


class CampaignContact(Base):
    """Somebody whom a campaign is to reach. `priority`: the higher the earlier; `step`: of the plan, from 0."""

    __tablename__ = "campaign_contact"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    state: Mapped[ContactState] = mapped_column(choice(ContactState))
    why: Mapped[Reason | None] = mapped_column(choice(Reason))
    due_at: Mapped[datetime]
    priority: Mapped[int] = mapped_column(default=0)
    step: Mapped[int] = mapped_column(SmallInteger, default=0)
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        # The next one of a million, and those whose time has come.
        Index(
            "ix_campaign_contact_ready", "campaign_id", "step", text("priority DESC"), "due_at", "contact_id",
            postgresql_where=text("state = 'ready'"),
        ),
        Index(
            "ix_campaign_contact_due_at", "campaign_id", "due_at",
            postgresql_where=text("state IN ('later', 'claimed')"),
        ),
        # Two campaigns do not have to do with one person at once.
        Index("uq_campaign_contact_claimed", "contact_id", unique=True, postgresql_where=text("state = 'claimed'")),
        Index("ix_campaign_contact_contact_id", "contact_id"),
        # Those who are put aside, by the reason.
        Index(
            "ix_campaign_contact_why", "campaign_id", "why", "contact_id", postgresql_where=text("why IS NOT NULL")
        ),
        # Those who are held while something of theirs is open, or for another row of theirs.
        Index(
            "ix_campaign_contact_held", "contact_id", "campaign_id",
            postgresql_where=text("state = 'out' AND why IN ('complaint', 'same_person')"),
        ),
    )  # fmt: skip


class Attempt(Base):
    """An attempt to reach somebody by telephone, or one that the rules did not let begin: `reasons` says why.

    `ended` is unknown until something tells; `operator`: one of ours was on the line.
    """

    __tablename__ = "attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    campaign_id: Mapped[int]
    version: Mapped[int] = mapped_column(SmallInteger)
    contact_id: Mapped[int]
    number: Mapped[str | None] = mapped_column(String(16))  # E.164
    at: Mapped[datetime]
    begun: Mapped[bool]  # the rules allowed it
    reasons: Mapped[list[str]] = mapped_column(ARRAY(String(20)))  # `Reason`, if they did not
    not_before: Mapped[datetime | None]
    agent_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    operator: Mapped[bool] = mapped_column(default=False)
    ended: Mapped[Ended | None] = mapped_column(choice(Ended))
    ended_at: Mapped[datetime | None]
    call_id: Mapped[UUID | None]
    known_at: Mapped[datetime | None]  # up to when his debt was known then
    lookup: Mapped[Lookup | None] = mapped_column(choice(Lookup))  # what came of asking the gestionale about him

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_attempt_contact_id", "contact_id", "at"),
        Index("ix_attempt_number", "number", "at", postgresql_where=text("begun")),
        Index("ix_attempt_campaign_id", "campaign_id", "at"),
        Index("ix_attempt_call_id", "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )


class WrittenAttempt(Base):
    """A message or letter to somebody at a step of the plan, or one that the rules did not let begin (`reasons`).

    `item_id`: the message, or letter, that says what became of it. `cost`: ten-thousandths of a euro, by the plan.
    """

    __tablename__ = "written_attempt"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    campaign_id: Mapped[int]
    version: Mapped[int] = mapped_column(SmallInteger)
    contact_id: Mapped[int]
    step: Mapped[int] = mapped_column(SmallInteger)
    channel: Mapped[Written] = mapped_column(choice(Written))
    address: Mapped[str | None] = mapped_column(String(254))  # E.164, e-mail, or the id of a postal address
    at: Mapped[datetime]
    begun: Mapped[bool]  # the rules allowed it
    reasons: Mapped[list[str]] = mapped_column(ARRAY(String(20)))  # `Reason`, if they did not
    not_before: Mapped[datetime | None]
    item_id: Mapped[UUID | None]
    parts: Mapped[int] = mapped_column(SmallInteger, default=1)  # segments of an SMS; else one
    cost: Mapped[int] = mapped_column(default=0)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        # A contact is written to once at a step, whatever happens.
        Index(
            "uq_written_attempt_step", "campaign_id", "contact_id", "step", unique=True, postgresql_where=text("begun")
        ),
        Index("ix_written_attempt_contact_id", "contact_id", "at"),
        Index("ix_written_attempt_campaign_id", "campaign_id", "at"),
        Index("ix_written_attempt_item_id", "item_id", postgresql_where=text("item_id IS NOT NULL")),
    )


class CampaignFigure(Base):
    """What was counted of a large campaign at an instant, for everybody who looks (`counted`). Names nobody."""

    __tablename__ = "campaign_figure"

    campaign_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    ente_id: Mapped[int]
    at: Mapped[datetime]
    took_ms: Mapped[int]
    value: Mapped[str] = mapped_column(Text)  # JSON, its keys in their order

    __table_args__ = (ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),)


class LookEnd(StrEnum):
    """What became of a look."""

    CALLED = "called"
    REFUSED = "refused"  # by the rules, at the instant of dialing
    SKIPPED = "skipped"
    LAPSED = "lapsed"  # nothing was done in the time of the claim
    NOBODY = "nobody"  # nobody could be called


class Skip(StrEnum):
    """Why an operator does not call somebody whom he was given."""

    KNOWN = "known"  # he knows him
    LANGUAGE = "language"
    DATA = "data"  # what is written of him seems wrong
    COLLEAGUE = "colleague"
    STOPS = "stops"  # the operator has to stop
    OTHER = "other"


class Look(Base):
    """An operator asked for the next one to call and looked at him; with nobody to call, `contact_id` is none.

    One is open at a time: who asks again has called, or said why not.
    """

    __tablename__ = "campaign_look"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contract_id: Mapped[int]
    campaign_id: Mapped[int]
    agent_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    contact_id: Mapped[int | None]
    asked_at: Mapped[datetime]
    over_at: Mapped[datetime | None]
    became: Mapped[LookEnd | None] = mapped_column(choice(LookEnd))
    skipped: Mapped[Skip | None] = mapped_column(choice(Skip))
    call_id: Mapped[UUID | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("uq_campaign_look_agent_id", "agent_id", unique=True, postgresql_where=text("over_at IS NULL")),
        Index("ix_campaign_look_campaign_id", "campaign_id", "asked_at"),
        Index("ix_campaign_look_contact_id", "contact_id"),
    )
