"""One row an account of ours at a carrier. It belongs to no ente and names nobody."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class CarrierStanding(Base):
    """What all processes must agree on about an account."""

    __tablename__ = "carrier_standing"

    account: Mapped[str] = mapped_column(String(34), primary_key=True)
    next_call_at: Mapped[datetime | None]  # when the bucket will be full again, see `pace.take`
    failing_since: Mapped[datetime | None]  # since when the carrier does not answer
