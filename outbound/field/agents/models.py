"""The company, its field agents with their papers, what each ente decided about them, findings of unfitness, ties."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from outbound.field.agents.standing import Decision, Paper
from outbound.field.agents.ties import Tie


class FieldCompany(Base):
    """The company whose agents visit, as badges, letters and the register of operations name it; there is one.

    `holder` has the licence of the Questore (art. 115 TULPS); `phone`, E.164, is whom a citizen calls who doubts;
    `kept_years`: for how long papers and photo of an agent are kept after his last day (`leaving`);
    `alarm_phone`, E.164 or empty, is on call for agents in danger; `alarm_minutes`: how long nobody may answer one.
    """

    __tablename__ = "field_company"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(120))
    codice_fiscale: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(String(240))
    pec: Mapped[str] = mapped_column(String(254))
    phone: Mapped[str] = mapped_column(String(16))
    holder: Mapped[str] = mapped_column(String(120))
    licence: Mapped[str] = mapped_column(String(60))
    licence_issuer: Mapped[str] = mapped_column(String(120))
    licence_on: Mapped[date]
    kept_years: Mapped[int] = mapped_column(SmallInteger, default=5, server_default=text("5"))
    alarm_phone: Mapped[str] = mapped_column(String(16), default="", server_default="")
    alarm_minutes: Mapped[int] = mapped_column(SmallInteger, default=3, server_default="3")
    written_at: Mapped[datetime]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        CheckConstraint("id = 1", name="one"),
        CheckConstraint("kept_years BETWEEN 0 AND 10", name="kept_years"),
    )


class AgentFile(Base):
    """Bytes that the company keeps about its agents, by their SHA-256: a photo, a paper, a letter, its proof.

    They stand beside the rows that name them, and are written with them: of a letter that was told nothing is lost.
    """

    __tablename__ = "field_agent_file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    media: Mapped[str] = mapped_column(String(40))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    kept_at: Mapped[datetime]


class BadgePace(Base):
    """How often somebody at a place has asked about badges since an instant: the place is a keyed mark of it."""

    __tablename__ = "field_badge_pace"

    mark: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    asked: Mapped[int]


class FieldAgent(Base):
    """An agent of the company: a user with what is printed on his badge and what the Questura is told.

    `badge_code`, of digits, verifies the badge: whoever has it before him types it in, or keys it into his telephone.
    A new badge has another one, and the one before answers as one that never was.
    """

    __tablename__ = "field_agent"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), unique=True)
    surname: Mapped[str] = mapped_column(String(80))
    given_name: Mapped[str] = mapped_column(String(80))
    former_surnames: Mapped[str] = mapped_column(String(160), default="", server_default="")  # with commas between
    codice_fiscale: Mapped[str] = mapped_column(String(16), unique=True)
    born_on: Mapped[date]
    birthplace: Mapped[str] = mapped_column(String(80))
    street: Mapped[str] = mapped_column(String(160))  # where he lives
    postcode: Mapped[str] = mapped_column(String(10))
    town: Mapped[str] = mapped_column(String(80))
    province: Mapped[str] = mapped_column(String(2))
    phone: Mapped[str] = mapped_column(String(16))  # E.164
    photo: Mapped[str | None] = mapped_column(String(64))  # a `AgentFile`
    badge_number: Mapped[int] = mapped_column(unique=True)
    badge_code: Mapped[str] = mapped_column(String(8), unique=True)
    badge_until: Mapped[date | None]
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    ended_on: Mapped[date | None]  # his last day
    forgotten_on: Mapped[date | None]  # when his papers and photo went


class FieldPaper(Base):
    """A paper of an agent. `sha256`: its `AgentFile`."""

    __tablename__ = "field_paper"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    paper: Mapped[Paper] = mapped_column(choice(Paper))
    number: Mapped[str] = mapped_column(String(60))
    issuer: Mapped[str] = mapped_column(String(120))
    issued_on: Mapped[date]
    expires_on: Mapped[date | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    written_at: Mapped[datetime]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        Index("uq_field_paper_agent_id_paper", "agent_id", "paper", unique=True,
              postgresql_where=text("withdrawn_at IS NULL AND paper <> 'other'")),
    )  # fmt: skip


class Accreditation(Base):
    """An agent before an ente: proposed, decided about, told to the Questura, by a letter and its proof."""

    __tablename__ = "field_accreditation"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    decision: Mapped[Decision] = mapped_column(choice(Decision))
    proposed_at: Mapped[datetime]
    proposed_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str] = mapped_column(String(400), default="", server_default="")
    letter: Mapped[str | None] = mapped_column(String(64))  # to the Questura, a `AgentFile`
    letter_at: Mapped[datetime | None]
    notified_on: Mapped[date | None]  # the day of the proof
    proof: Mapped[str | None] = mapped_column(String(64))  # receipt of PEC, or stamp; a `AgentFile`
    proof_number: Mapped[str] = mapped_column(String(80), default="", server_default="")

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        # One stands of each agent before each ente; those that were refused or withdrawn stay to be read.
        Index("uq_field_accreditation_open", "ente_id", "agent_id", unique=True,
              postgresql_where=text("decision IN ('proposed', 'approved')")),
    )  # fmt: skip


class UnfitnessFinding(Base):
    """An agent was found unfit for an ente: out from `found_at`, his removal and his substitute are owed in days."""

    __tablename__ = "field_unfitness"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    found_at: Mapped[datetime]
    found_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    grounds: Mapped[str] = mapped_column(String(600))
    removal_due: Mapped[date]
    substitute_due: Mapped[date]
    removed_at: Mapped[datetime | None]  # badge, mandates and packets are back, the Questura told
    removed_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    substitute_id: Mapped[int | None] = mapped_column(ForeignKey("field_agent.id"))
    replaced_at: Mapped[datetime | None]  # when the substitute could act
    withdrawn_at: Mapped[datetime | None]  # by the ente: it was not so
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_why: Mapped[str] = mapped_column(String(400), default="", server_default="")
    practices: Mapped[list[Any]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'")
    )  # ids, as he lost them

    __table_args__ = (
        Index("uq_field_unfitness_open", "ente_id", "agent_id", unique=True,
              postgresql_where=text("withdrawn_at IS NULL")),
    )  # fmt: skip


class DeclaredTie(Base):
    """A tie that an agent declared with a taxpayer of an ente; it is never deleted while he works."""

    __tablename__ = "field_tie"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    agent_id: Mapped[int] = mapped_column(ForeignKey("field_agent.id"))
    contact_id: Mapped[int]
    tie: Mapped[Tie] = mapped_column(choice(Tie))
    past: Mapped[bool]
    note: Mapped[str] = mapped_column(String(200))
    declared_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "agent_id", "contact_id"),
    )
