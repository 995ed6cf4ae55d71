"""Cases, what they are about, the steps that were taken, and the terms within which. Amounts are whole euro cents."""

from datetime import date, datetime
from enum import StrEnum
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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from crm.cases.lifecycle import Channel, Deed, Outcome, State, Topic
from crm.cases.terms import TermKind
from crm.core.db import Base, choice
from crm.documents.models import NAMES_CONTENT, Scan


class PauseReason(StrEnum):
    """Why the terms of a case rest; the citizen is told in these words."""

    PAPERS_MISSING = "papers_missing"  # he was asked for them
    OTHER_OFFICE = "other_office"  # another one has to answer first
    COURT = "court"  # a judge has to decide first


class ExtensionReason(StrEnum):
    """Why a term is longer; the citizen is told in these words."""

    COMPLEX = "complex"
    CHECKS = "checks"  # more has to be looked into
    ASKED = "asked"  # he wanted more time himself


class Case(Base):
    """A request to an ente, from when it came in to its end. `number` counts the ente's of a year, from 1, without a
    gap. Without a contact it is the ente's own, or nobody knows whose.

    `due_at`: when the first of its terms is over; none while none runs. `version` counts its changes.
    """

    __tablename__ = "case_request"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    year: Mapped[int] = mapped_column(SmallInteger)
    number: Mapped[int]
    topic: Mapped[Topic] = mapped_column(choice(Topic))
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    contact_id: Mapped[int | None]
    call_id: Mapped[UUID | None]  # in which it was made
    received_at: Mapped[datetime]
    opened_at: Mapped[datetime]
    opened_by: Mapped[int | None] = mapped_column(
        ForeignKey("app_user.id")
    )  # none: the system, or it came from the pages
    state: Mapped[State] = mapped_column(choice(State))
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: whoever takes it
    team_id: Mapped[int | None]  # whose people take it up, and who stand in for its owner
    surety: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    reasons: Mapped[str] = mapped_column(String(4000))  # as the citizen gives them
    asked: Mapped[str] = mapped_column(String(400))  # what he wants, and for how long
    instalments_asked: Mapped[int | None] = mapped_column(SmallInteger)
    instalments_granted: Mapped[int | None] = mapped_column(SmallInteger)
    office_id: Mapped[int | None]  # the one that is competent
    protocol_number: Mapped[str] = mapped_column(String(40), default="", server_default="")
    protocol_on: Mapped[date | None]
    due_at: Mapped[datetime | None]
    rests: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    heard_at: Mapped[datetime | None]  # since when something he wrote waits to be looked at
    closed_at: Mapped[datetime | None]
    busy_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # who wrote something about it, at `busy_at`
    busy_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["contract_id", "team_id"], ["case_team.contract_id", "case_team.id"]),
        UniqueConstraint("ente_id", "id"),
        UniqueConstraint("ente_id", "year", "number"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(protocol_number = '') = (protocol_on IS NULL)", name="protocol"),
        CheckConstraint("instalments_asked > 1 AND instalments_granted > 1", name="instalments"),
        Index("ix_case_request_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_case_request_open", "ente_id", "due_at", postgresql_where=text("state <> 'closed'")),
        Index("ix_case_request_owner_id", "owner_id", postgresql_where=text("state <> 'closed'")),
        Index("ix_case_request_team_id", "team_id", postgresql_where=text("state <> 'closed' AND team_id IS NOT NULL")),
        Index("ix_case_request_ente_id_received_at", "ente_id", "received_at"),
    )


class CasePosition(Base):
    """A debt that a case is about, as it stood when the case was opened: `as_of` is the collection system's instant."""

    __tablename__ = "case_position"

    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reference: Mapped[str] = mapped_column(String(60), primary_key=True)
    ente_id: Mapped[int]
    act_number: Mapped[str] = mapped_column(String(40))
    standing: Mapped[str] = mapped_column(String(32))  # `PositionState`
    residual_cents: Mapped[int]
    as_of: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        Index("ix_case_position_reference", "ente_id", "reference"),
    )


class CaseStep(Base):
    """Something that was done with a case, by whom (none: the system); only appended. `state`: where it stood then."""

    __tablename__ = "case_step"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    case_id: Mapped[int]
    deed: Mapped[Deed] = mapped_column(choice(Deed))
    at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    state: Mapped[State] = mapped_column(choice(State))
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome))
    words: Mapped[str] = mapped_column(String(2000), default="", server_default="")
    message_id: Mapped[UUID | None]  # by which the citizen was told

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        Index("ix_case_step_case_id", "case_id", "id"),
    )


class CaseTerm(Base):
    """A step that is due. `source`: the level of the contract (`by_contract`), or the law, that says so.

    `days` are as they were agreed when it began to run; `extended`, how many more there are. `met_at`: the step was
    taken; `dropped_at`: it is not wanted any more. `due_at` is none while it rests.
    """

    __tablename__ = "case_term"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    case_id: Mapped[int]
    kind: Mapped[TermKind] = mapped_column(choice(TermKind))
    days: Mapped[int] = mapped_column(SmallInteger)
    working: Mapped[bool]
    extended: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    source: Mapped[str] = mapped_column(String(80))
    by_contract: Mapped[bool]
    since_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    met_at: Mapped[datetime | None]
    dropped_at: Mapped[datetime | None]
    owner_told_at: Mapped[datetime | None]
    supervisor_told_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        CheckConstraint("met_at IS NULL OR dropped_at IS NULL", name="ended"),
        Index("ix_case_term_case_id", "case_id"),
        Index("ix_case_term_ente_id_due_at", "ente_id", "due_at"),
    )


class CasePause(Base):
    """The terms of a case rest, from when until when and why; `message_id`: by which the citizen was told.

    `papers`: those that he is asked for, in words that he reads.
    """

    __tablename__ = "case_pause"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    case_id: Mapped[int]
    reason: Mapped[PauseReason] = mapped_column(choice(PauseReason))
    since_at: Mapped[datetime]
    until_at: Mapped[datetime | None]
    message_id: Mapped[UUID | None]
    papers: Mapped[str] = mapped_column(String(1000), default="", server_default="")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        CheckConstraint("until_at >= since_at", name="spell"),
        Index("uq_case_pause_open", "case_id", unique=True, postgresql_where=text("until_at IS NULL")),
        Index("ix_case_pause_case_id", "case_id"),
    )


class CaseDocument(Base):
    """A file that belongs to a case; its contents are in the store of documents."""

    __tablename__ = "case_document"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    case_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(80))
    size: Mapped[int]  # bytes
    sha256: Mapped[str] = mapped_column(String(64), info={NAMES_CONTENT: True})
    scan: Mapped[Scan | None] = mapped_column(choice(Scan))  # none: brought when none was looked at
    added_at: Mapped[datetime]
    added_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the citizen, on the pages

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        UniqueConstraint("case_id", "sha256"),
        Index("ix_case_document_ente_id_sha256", "ente_id", "sha256"),
        Index("ix_case_document_not_answered", "ente_id", postgresql_where=text("scan = 'failed'")),
    )


class CaseWorker(Base):
    """Who works on cases of a contract: on which topics, and how many of them at once."""

    __tablename__ = "case_worker"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, autoincrement=False)
    topics: Mapped[list[str]] = mapped_column(ARRAY(String(32)))  # `Topic`
    most: Mapped[int] = mapped_column(SmallInteger)


class CaseTeam(Base):
    """People of a contract to whom a case may be given together. `topics`: new cases about them are the team's; a topic
    is of one team of a contract at most.
    """

    __tablename__ = "case_team"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    name: Mapped[str] = mapped_column(String(80))
    topics: Mapped[list[str]] = mapped_column(ARRAY(String(32)))  # `Topic`
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (UniqueConstraint("contract_id", "name"), UniqueConstraint("contract_id", "id"))


class CaseTeamMember(Base):
    """Somebody who is of a team."""

    __tablename__ = "case_team_member"

    team_id: Mapped[int] = mapped_column(ForeignKey("case_team.id"), primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True, autoincrement=False)

    __table_args__ = (Index("ix_case_team_member_user_id", "user_id"),)
