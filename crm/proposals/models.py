"""Proposals, who repeated them, and the feeds in which they went."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.proposals.lifecycle import OPEN, State
from crm.proposals.subjects import KEY_LENGTH, ProposalKind

# Literal: PostgreSQL recognises the partial index of a prepared statement by constants alone.
STILL_OPEN = text(f"state IN ({', '.join(repr(state.value) for state in OPEN)})")

DELIVER = "proposals.deliver"  # the kind of the jobs that hand feeds over by HTTP
_EXPORTED = "fk_proposal_ente_id_export_id"  # the convention names a key by its first column alone


class Proposal(Base):
    """A correction proposed, a notification problem reported, or what a request was granted, about one taxpayer.

    `what` is a `Subject`, a `Problem` or a `Decision`; `value_key` tells two proposals apart while they are open: the
    value proposed, folded, the position whose notification went wrong, or the request and its position.
    """

    __tablename__ = "proposal"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    kind: Mapped[ProposalKind] = mapped_column(choice(ProposalKind))
    what: Mapped[str] = mapped_column(String(40))
    value_key: Mapped[str] = mapped_column(String(KEY_LENGTH + 1, collation="C"))
    now: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    proposed: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))  # none: to be struck out
    reference: Mapped[str | None] = mapped_column(String(60))  # of the position
    act_number: Mapped[str | None] = mapped_column(String(40))
    since: Mapped[date | None]
    note: Mapped[str] = mapped_column(String(1000))
    evidence: Mapped[str] = mapped_column(String(200))  # what the taxpayer shows for it
    call_id: Mapped[UUID | None]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    made_at: Mapped[datetime]
    state: Mapped[State] = mapped_column(choice(State, name="proposal_state"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_as: Mapped[str | None] = mapped_column(String(32))  # the role under which
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(400), default="")  # of a refusal, by the ente or the collection system
    export_id: Mapped[int | None]
    answered_at: Mapped[datetime | None]  # as the collection system says
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        ForeignKeyConstraint(
            ["ente_id", "export_id"], ["proposal_export.ente_id", "proposal_export.id"], name=_EXPORTED
        ),
        UniqueConstraint("ente_id", "id"),
        Index(
            "uq_proposal_open", "ente_id", "contact_id", "what", "value_key",
            unique=True, postgresql_where=STILL_OPEN,
        ),
        Index("ix_proposal_ente_id_state", "ente_id", "state", "made_at"),
        Index("ix_proposal_contact_id", "contact_id"),
        Index("ix_proposal_export_id", "export_id", postgresql_where=text("export_id IS NOT NULL")),
    )  # fmt: skip


class ProposalVoice(Base):
    """Somebody else heard the same while a proposal was open."""

    __tablename__ = "proposal_voice"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    proposal_id: Mapped[UUID]
    said_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    said_at: Mapped[datetime]
    call_id: Mapped[UUID | None]
    note: Mapped[str] = mapped_column(String(1000))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "proposal_id"], ["proposal.ente_id", "proposal.id"]),
        Index("ix_proposal_voice_proposal_id", "proposal_id"),
    )


class AnswerRefusal(Base):
    """An answer that came over HTTP and could not be taken. It goes once the proposal is answered well."""

    __tablename__ = "answer_refusal"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    proposal: Mapped[str] = mapped_column(String(36))  # its id as it was told, perhaps nobody's; empty: not readable
    reason: Mapped[str] = mapped_column(String(400))
    heard_at: Mapped[datetime]  # last

    __table_args__ = (UniqueConstraint("ente_id", "proposal", "reason"),)


class ProposalExport(Base):
    """One feed of approved proposals. Its content is not kept: it follows from the rows that name it.

    `sha256` says whether what is written again is what was written then.
    """

    __tablename__ = "proposal_export"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    number: Mapped[int]  # counts the ente's own, from 1
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the schedule
    corrections: Mapped[int]
    problems: Mapped[int]
    decisions: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    sha256: Mapped[str] = mapped_column(String(64))
    # The outbox of the HTTP contract (`delivery.py`); all none where the gestionale takes files alone.
    delivery_key: Mapped[UUID | None]  # sent as Idempotency-Key; none: not to be tried (again)
    delivered_at: Mapped[datetime | None]
    delivery_failure: Mapped[str | None] = mapped_column(String(400))

    __table_args__ = (UniqueConstraint("ente_id", "number"), UniqueConstraint("ente_id", "id"))
