"""Users, grants, sessions and second factors. They say what a scope is, so they stand outside row-level security."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, String, UniqueConstraint, text
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
    password_hash: Mapped[str | None] = mapped_column(String(200))  # none yet, or signs in through a provider alone
    password_expired: Mapped[bool] = mapped_column(default=False, server_default="false")  # choose another at sign-in
    language: Mapped[str] = mapped_column(String(2), default="it")
    active: Mapped[bool] = mapped_column(default=True)
    email: Mapped[str | None] = mapped_column(String(254), unique=True)  # lower case
    qualification: Mapped[str] = mapped_column(String(120), default="", server_default="")  # for the enti's register
    shortcuts: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")  # as the pages keep them
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the command line, or a provider


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


class EnteExclusion(Base):
    """An ente keeps somebody away from its taxpayers, whatever he is granted. Lifted when both sides agree."""

    __tablename__ = "ente_exclusion"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    reason: Mapped[str] = mapped_column(String(400))
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    readmission_reason: Mapped[str | None] = mapped_column(String(400))  # an administrator asks the ente to lift it
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    asked_at: Mapped[datetime | None]
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    lifted_at: Mapped[datetime | None]

    __table_args__ = (
        Index(
            "ix_ente_exclusion_in_force", "user_id", "ente_id", unique=True,
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )  # fmt: skip


class Method(StrEnum):
    PASSWORD = "password"  # noqa: S105  # a way to sign in
    CODE = "code"  # password, and a code of the authenticator
    RECOVERY = "recovery"  # password, and one of the codes kept for when it is lost
    PROVIDER = "provider"  # the organisation's own identity provider


class Step(StrEnum):
    """What somebody has yet to do before he is signed in."""

    CODE = "code"
    ENROLMENT = "enrolment"  # set up the second factor
    PASSWORD = "password"  # noqa: S105  # choose another one


class UserSession(Base):
    """A signed-in browser, or one that is signing in and `awaits` a step. Only a hash of its token is kept."""

    __tablename__ = "user_session"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    id: Mapped[int] = mapped_column(Identity(), unique=True)  # for whoever ends it: the token stays in its browser
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    csrf_token: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(45), default="", server_default="")
    browser: Mapped[str] = mapped_column(String(60), default="", server_default="")  # such as Chrome su Windows
    method: Mapped[Method] = mapped_column(choice(Method))
    provider: Mapped[str | None] = mapped_column(String(40))
    awaits: Mapped[Step | None] = mapped_column(choice(Step))
    secret: Mapped[bytes | None] = mapped_column(LargeBinary)  # of the authenticator that it sets up, as `SecondFactor`

    __table_args__ = (Index("ix_user_session_user_id", "user_id"),)


class AccessLink(Base):
    """A link, used once, by which somebody chooses his password. Only a hash of its token is kept."""

    __tablename__ = "access_link"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    expires_at: Mapped[datetime]


class SecondFactor(Base):
    """An authenticator's secret (RFC 6238), sealed under the master key; a code proved that it has it."""

    __tablename__ = "second_factor"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    confirmed_at: Mapped[datetime]
    last_step: Mapped[int] = mapped_column(default=0)  # no code of this time step or of an earlier one counts again


class RecoveryCode(Base):
    """A code for when the authenticator is lost; used once. Only a keyed hash is kept."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    used_at: Mapped[datetime | None]


class UserIdentity(Base):
    """Who somebody is at an identity provider: `subject` never changes there, a name or an address may."""

    __tablename__ = "user_identity"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    provider: Mapped[str] = mapped_column(String(40))
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    linked_at: Mapped[datetime]
    linked_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: by a verified address

    __table_args__ = (UniqueConstraint("issuer", "subject"),)


class EventKind(StrEnum):
    """What is done to accounts; the audit knows it by the same names."""

    CREATED = "user.created"
    EDITED = "user.edited"
    ENABLED = "user.enabled"
    DISABLED = "user.disabled"
    GRANTED = "user.granted"
    REVOKED = "user.revoked"
    LINK_MADE = "user.link_made"
    PASSWORD_SET = "user.password_set"  # noqa: S105
    PASSWORD_CHANGED = "user.password_changed"  # noqa: S105
    SESSIONS_ENDED = "user.sessions_ended"
    SESSION_ENDED = "user.session_ended"
    SECOND_FACTOR_SET = "user.second_factor_set"
    SECOND_FACTOR_RESET = "user.second_factor_reset"
    SECOND_FACTOR_TAKEN_OFF = "user.second_factor_taken_off"
    RECOVERY_CODE_USED = "user.recovery_code_used"
    RECOVERY_CODES_RENEWED = "user.recovery_codes_renewed"
    IDENTITY_LINKED = "user.identity_linked"
    IDENTITY_UNLINKED = "user.identity_unlinked"
    REMOVED = "user.removed"
    READMISSION_ASKED = "user.readmission_asked"
    READMITTED = "user.readmitted"
    READMISSION_REFUSED = "user.readmission_refused"
    REPLACEMENT_ASKED = "user.replacement_asked"
    REPLACEMENT_WITHDRAWN = "user.replacement_withdrawn"
    REPLACED = "user.replaced"


class UserEvent(Base):
    """What was done to a user's account, by whom. Rows are added, never altered."""

    __tablename__ = "user_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), index=True)
    at: Mapped[datetime]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    kind: Mapped[str] = mapped_column(String(60))
    detail: Mapped[dict[str, Any]]  # `before`, `after`, `reason`


class SignInAttempt(Base):
    """An attempt to sign in that failed, or whose password is being checked.

    Hashes alone: what was typed as a name may be a mistyped password, and an address is a person's. `name_hash` is
    of the name, or of the browser known to have signed in by that name (`crm.access.devices`), or of a user whose
    second factor is asked for.
    """

    __tablename__ = "sign_in_attempt"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name_hash: Mapped[str] = mapped_column(String(64), index=True)
    place_hash: Mapped[str] = mapped_column(String(64), index=True)
    made_at: Mapped[datetime] = mapped_column(index=True)
