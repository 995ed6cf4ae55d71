"""The enti's own rules about instalments."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base


class InstalmentRules(Base):
    """Those of an ente, in the place of the law's; `kept` is `rules.stored`. What they were is in the access log."""

    __tablename__ = "instalment_rules"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    kept: Mapped[dict[str, Any]]
    changed_at: Mapped[datetime]
    changed_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
