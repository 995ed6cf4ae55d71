"""What was handed to whom, and when he opened it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.messages.models import MessageChannel


class Consignment(Base):
    """Documents of a case for its taxpayer, until a day. The code goes to an address verified as his.

    Of the code, and of the pass that it is exchanged for, keyed hashes are kept. `codes_since`: from when `codes_sent`
    counts.
    """

    __tablename__ = "case_consignment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    case_id: Mapped[int]
    contact_id: Mapped[int]
    language: Mapped[str] = mapped_column(String(2))
    made_at: Mapped[datetime]
    made_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    until: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    code_channel: Mapped[MessageChannel] = mapped_column(choice(MessageChannel))
    code_address: Mapped[str] = mapped_column(String(254))
    code_mark: Mapped[bytes | None]
    code_until: Mapped[datetime | None]
    code_tries: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    codes_sent: Mapped[int] = mapped_column(SmallInteger, default=0, server_default=text("0"))
    codes_since: Mapped[datetime | None]
    pass_mark: Mapped[bytes | None]
    pass_until: Mapped[datetime | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "case_id"], ["case_request.ente_id", "case_request.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_case_consignment_case_id", "case_id"),
        Index("ix_case_consignment_contact_id", "contact_id"),
    )


class ConsignedDocument(Base):
    """One of its documents; `opened_at`: when he first did."""

    __tablename__ = "case_consigned_document"

    consignment_id: Mapped[UUID] = mapped_column(ForeignKey("case_consignment.id"), primary_key=True)
    document_id: Mapped[UUID] = mapped_column(ForeignKey("case_document.id"), primary_key=True)
    ente_id: Mapped[int]
    opened_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_case_consigned_document_document_id", "document_id"),)
