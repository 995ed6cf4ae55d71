"""Users and sessions. These tables say what a scope is, so they stand outside row-level security."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Role(StrEnum):
    AGENT = "agent"
    SUPERVISOR = "supervisor"
    CAMPAIGN_MANAGER = "campaign_manager"
    FIELD_AGENT = "field_agent"
    DESK_CLERK = "desk_clerk"
    ENTE_VIEWER = "ente_viewer"
    ENTE_APPROVER = "ente_approver"
    CONTRACT_SUPERVISOR = "contract_supervisor"  # of a purchasing body: watches several enti of one contract
    ADMINISTRATOR = "administrator"


class User(Base):
    """A member of staff, or of an ente. Individual: never shared."""

    __tablename__ = "app_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    password_hash: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2), default="it")
    active: Mapped[bool] = mapped_column(default=True)


class RoleGrant(Base):
    """A role held on one ente, or on all enti of a contract, from an instant to another."""

    __tablename__ = "role_grant"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    role: Mapped[Role] = mapped_column(choice(Role))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    contract_id: Mapped[int | None] = mapped_column(ForeignKey("contract.id"))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]

    __table_args__ = (CheckConstraint("(ente_id IS NULL) <> (contract_id IS NULL)", name="one_subject"),)


class UserSession(Base):
    """A signed-in browser. Only a hash of its token is kept."""

    __tablename__ = "user_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    __table_args__ = (Index("ix_user_session_user_id", "user_id"),)


class SignInAttempt(Base):
    """An attempt to sign in that failed, or whose password is being checked.

    Hashes alone: what was typed as a name may be a mistyped password, and an address is a person's.
    """

    __tablename__ = "sign_in_attempt"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name_hash: Mapped[str] = mapped_column(String(64), index=True)
    place_hash: Mapped[str] = mapped_column(String(64), index=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
