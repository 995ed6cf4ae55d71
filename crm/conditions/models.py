"""The conditions of a contract, version by version."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Identity, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class ContractCondition(Base):
    """What a contract agrees besides its levels, from a day on. Written once: the last of a day holds.

    `kept` is `agreed.stored`.
    """

    __tablename__ = "contract_condition"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    valid_from: Mapped[date]
    preset: Mapped[str] = mapped_column(String(40))  # which of the shipped ones it began as; empty: none
    kept: Mapped[dict[str, Any]]
    written_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the system
    written_at: Mapped[datetime]

    __table_args__ = (Index("ix_contract_condition_contract_id", "contract_id", "valid_from", "id"),)
