"""Reports on campaigns, as they were made for the ente."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Identity, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class CampaignReport(Base):
    """What a campaign had brought by an instant. Never changed: made again, it is a further version."""

    __tablename__ = "campaign_report"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    campaign_id: Mapped[int]
    version: Mapped[int] = mapped_column(SmallInteger)
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    seal: Mapped[str] = mapped_column(String(64))  # SHA-256 of what it says, as JSON without spaces
    kept: Mapped[dict[str, Any]]  # `results.Results`

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "campaign_id"], ["campaign.ente_id", "campaign.id"]),
        UniqueConstraint("campaign_id", "version"),
    )
