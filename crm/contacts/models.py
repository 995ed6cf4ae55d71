"""Taxpayers and how to reach them."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class PersonKind(StrEnum):
    NATURAL = "natural"
    LEGAL = "legal"


class ReachKind(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    PEC = "pec"


class Contact(Base):
    """A taxpayer of one ente. The same person under two enti is two rows, united only when read."""

    __tablename__ = "contact"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    codice_fiscale: Mapped[str] = mapped_column(String(16))  # 11 digits for a legal person
    partita_iva: Mapped[str | None] = mapped_column(String(11))
    kind: Mapped[PersonKind] = mapped_column(choice(PersonKind))
    surname: Mapped[str] = mapped_column(String(160))  # or the name of the company
    given_name: Mapped[str | None] = mapped_column(String(80))
    born_on: Mapped[date | None]
    birthplace: Mapped[str | None] = mapped_column(String(80))
    address: Mapped[str | None] = mapped_column(String(160))
    postcode: Mapped[str | None] = mapped_column(String(10))  # taxpayers live abroad, too
    town: Mapped[str | None] = mapped_column(String(80))
    # By `crm.contacts.names`: surname first, given name first. Compared byte by byte, so that an index serves the
    # names that begin with something, in their order.
    name_key: Mapped[str] = mapped_column(String(250, collation="C"))
    given_key: Mapped[str | None] = mapped_column(String(250, collation="C"))
    language: Mapped[str] = mapped_column(String(2), default="it")
    as_of: Mapped[datetime]  # when the collection system's statement was true
    digest: Mapped[str] = mapped_column(String(32))  # of the record that said so: an unchanged one is skipped
    withdrawn_as_of: Mapped[datetime | None]  # since when the collection system no longer has it

    __table_args__ = (
        UniqueConstraint("ente_id", "codice_fiscale"),
        UniqueConstraint("ente_id", "id"),  # lets other tables refer to a contact of the same ente only
        Index("ix_contact_codice_fiscale", "codice_fiscale"),
        Index("ix_contact_partita_iva", "partita_iva", postgresql_where=text("partita_iva IS NOT NULL")),
        Index("ix_contact_name_key", "name_key"),
        Index("ix_contact_given_key", "given_key", postgresql_where=text("given_key IS NOT NULL")),
    )


class NameStump(Base):
    """A word of somebody's name, filed under each of its stumps (`crm.contacts.slips`). It says of no ente."""

    __tablename__ = "name_stump"

    stump: Mapped[str] = mapped_column(String(40, collation="C"), primary_key=True)
    word: Mapped[str] = mapped_column(String(40, collation="C"), primary_key=True)


class ContactReach(Base):
    """A phone number in E.164, an e-mail or a PEC of a contact, with who told it."""

    __tablename__ = "contact_reach"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    kind: Mapped[ReachKind] = mapped_column(choice(ReachKind))
    value: Mapped[str] = mapped_column(String(254))
    source: Mapped[str] = mapped_column(String(40), default="gestionale")

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        UniqueConstraint("ente_id", "contact_id", "kind", "value"),
        Index("ix_contact_reach_value_ente_id", "value", "ente_id"),
    )
