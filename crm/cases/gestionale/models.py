"""What was proposed of cases, and how long an ente waits for its collection system."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.cases.lifecycle import Outcome
from crm.core.db import Base, choice
from crm.proposals.lifecycle import State


class CaseProposal(Base):
    """What a case was granted about one of its debts, as it was proposed. `heard`: where the proposal stood when the
    case last looked.
    """

    __tablename__ = "case_proposal"

    proposal_id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    case_id: Mapped[int]
    reference: Mapped[str] = mapped_column(String(60))
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome))
    heard: Mapped[State] = mapped_column(choice(State, name="proposal_state"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        ForeignKeyConstraint(["ente_id", "proposal_id"], ["proposal.ente_id", "proposal.id"]),
        Index("ix_case_proposal_case_id", "case_id"),
    )


class GestionaleDays(Base):
    """How many days of the calendar an ente gives its collection system, in the place of `patience.USUAL`."""

    __tablename__ = "case_gestionale_days"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    days: Mapped[int] = mapped_column(SmallInteger)
    changed_at: Mapped[datetime]
    changed_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
