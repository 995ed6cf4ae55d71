"""Taxpayers: what the collection system states of them, and beside it what people told the centre."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from crm.contacts.disclosure import Matter, RelationKind
from crm.core.db import Base, choice


class PersonKind(StrEnum):
    NATURAL = "natural"
    LEGAL = "legal"


class ReachKind(StrEnum):
    PHONE = "phone"
    EMAIL = "email"
    PEC = "pec"
    DIGITAL_DOMICILE = "digital_domicile"  # the certified address at which the law lets public bodies write


class AddressKind(StrEnum):
    RESIDENCE = "residence"
    DOMICILE = "domicile"
    SEAT = "seat"


class Source(StrEnum):
    """Who told something."""

    GESTIONALE = "gestionale"
    TAXPAYER = "taxpayer"
    RELATED = "related"  # somebody who may speak for him
    ENTE = "ente"
    ARCHIVE = "archive"  # a public register, such as INI-PEC or INAD


class Verification(StrEnum):
    UNVERIFIED = "unverified"
    VERIFIED = "verified"
    WRONG = "wrong"


class LastOutcome(StrEnum):
    """What came of the last attempt to reach somebody there."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WRONG_PERSON = "wrong_person"
    UNREACHABLE = "unreachable"  # no such number, mail returned, address not found


class ConditionKind(StrEnum):
    DECEASED = "deceased"
    CEASED = "ceased"  # a business, or a company struck off
    INSOLVENT = "insolvent"


class Channel(StrEnum):
    PHONE = "phone"
    SMS = "sms"
    EMAIL = "email"
    PEC = "pec"
    LETTER = "letter"


class Purpose(StrEnum):
    """What a consent is for."""

    DIGITAL_MESSAGES = "digital_messages"  # SMS and e-mail where the law leaves the choice
    SURVEY = "survey"
    RECORDING = "recording"


class Collected(StrEnum):
    """How a consent was given or withdrawn."""

    SPOKEN = "spoken"
    WRITTEN = "written"
    WEB = "web"


class Told:
    """Who told it. `stated`: the collection system's latest statement says it, whoever else does.

    A row whose `source` is the collection system goes when that states it no more; what people told stays.
    """

    source: Mapped[Source] = mapped_column(choice(Source), default=Source.GESTIONALE)
    stated: Mapped[bool] = mapped_column(default=False)
    told_at: Mapped[datetime | None]  # these three: when people told it
    told_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # the user who wrote it down
    call_id: Mapped[UUID | None]


class Tried(Told):
    """Besides, whether it was found right, and what came of the last attempt to use it."""

    verification: Mapped[Verification] = mapped_column(choice(Verification), default=Verification.UNVERIFIED)
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    outcome: Mapped[LastOutcome | None] = mapped_column(choice(LastOutcome))
    outcome_at: Mapped[datetime | None]


def _of_contact() -> ForeignKeyConstraint:
    """A row that belongs to a contact of its own ente."""
    return ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"])


class Contact(Base):
    """A taxpayer of one ente, as stated. The same person under two enti is two rows, united only when read."""

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
    # By `crm.contacts.names`: surname first, given name first. Compared byte by byte, so that an index serves the
    # names that begin with something, in their order.
    name_key: Mapped[str] = mapped_column(String(250, collation="C"))
    given_key: Mapped[str | None] = mapped_column(String(250, collation="C"))
    language: Mapped[str] = mapped_column(String(2), default="it")
    residential: Mapped[bool | None]  # false: a business; none: not stated
    deceased_on: Mapped[date | None]
    ceased_on: Mapped[date | None]
    insolvent_since: Mapped[date | None]
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


class ContactReach(Tried, Base):
    """A phone number in E.164, an e-mail, a PEC or the digital domicile of a contact."""

    __tablename__ = "contact_reach"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    kind: Mapped[ReachKind] = mapped_column(choice(ReachKind))
    value: Mapped[str] = mapped_column(String(254))
    no_sms_since: Mapped[datetime | None]  # a number at which, says the carrier, no SMS arrives

    __table_args__ = (
        _of_contact(),
        UniqueConstraint("ente_id", "contact_id", "kind", "value"),
        Index("ix_contact_reach_value_ente_id", "value", "ente_id"),
    )


class ContactAddress(Tried, Base):
    """Where a contact lives, receives letters, or has its seat. `place_key` is the address folded: written otherwise
    it is the same address.
    """

    __tablename__ = "contact_address"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    kind: Mapped[AddressKind] = mapped_column(choice(AddressKind))
    street: Mapped[str | None] = mapped_column(String(160))
    postcode: Mapped[str | None] = mapped_column(String(10))  # taxpayers live abroad, too
    town: Mapped[str | None] = mapped_column(String(80))
    province: Mapped[str | None] = mapped_column(String(2))
    country: Mapped[str] = mapped_column(String(2), default="IT")  # ISO 3166-1
    place_key: Mapped[str] = mapped_column(String(250, collation="C"))

    __table_args__ = (_of_contact(), UniqueConstraint("ente_id", "contact_id", "kind", "place_key"))


class ContactCondition(Base):
    """Death, end of a business, insolvency as people told it; what the collection system states is in `Contact`."""

    __tablename__ = "contact_condition"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    kind: Mapped[ConditionKind] = mapped_column(choice(ConditionKind))
    since: Mapped[date | None]  # not always known
    source: Mapped[Source] = mapped_column(choice(Source))
    note: Mapped[str] = mapped_column(String(200))
    told_at: Mapped[datetime]
    told_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    call_id: Mapped[UUID | None]
    withdrawn_at: Mapped[datetime | None]  # it was not so after all
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        _of_contact(),
        Index(
            "uq_contact_condition_ente_id_contact_id_kind", "ente_id", "contact_id", "kind",
            unique=True, postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )  # fmt: skip


class ContactPreference(Base):
    """How a contact wants to be dealt with, as he told the centre. What is none, he did not say."""

    __tablename__ = "contact_preference"

    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    language: Mapped[str | None] = mapped_column(String(2))
    residential: Mapped[bool | None]
    channel: Mapped[Channel | None] = mapped_column(choice(Channel))
    weekdays: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))  # 0 is Monday; empty: any
    hours_from: Mapped[time | None]  # Roman time
    hours_to: Mapped[time | None]
    do_not_call_since: Mapped[datetime | None]
    do_not_call_why: Mapped[str] = mapped_column(String(200))
    written_at: Mapped[datetime]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        _of_contact(),
        CheckConstraint("(hours_from IS NULL) = (hours_to IS NULL) AND hours_from < hours_to", name="hours"),
    )


class ConsentText(Base):
    """What people are asked to consent to: each wording of an ente's is a version, and stays as it was asked."""

    __tablename__ = "consent_text"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    purpose: Mapped[Purpose] = mapped_column(choice(Purpose))
    version: Mapped[int]
    text: Mapped[str]
    published_at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (UniqueConstraint("ente_id", "purpose", "version"), UniqueConstraint("ente_id", "id"))


class Consent(Base):
    """A consent given or withdrawn. Rows are added, never altered: for each purpose the last one stands that no later
    row annuls because it was written by mistake.
    """

    __tablename__ = "consent"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]
    text_id: Mapped[int]
    given: Mapped[bool]
    collected: Mapped[Collected] = mapped_column(choice(Collected))
    occurred_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    call_id: Mapped[UUID | None]
    annuls_id: Mapped[int | None] = mapped_column(ForeignKey("consent.id"))

    __table_args__ = (
        _of_contact(),
        ForeignKeyConstraint(["ente_id", "text_id"], ["consent_text.ente_id", "consent_text.id"]),
        Index("ix_consent_contact_id_occurred_at", "contact_id", "occurred_at"),
    )


class Mandate(Base):
    """Leave to speak for others, given in writing: to an accountant who acts for many, or to somebody's delegate.

    `covers` are the matters he may be told. Whose mandate it is, the relations that name it say.
    """

    __tablename__ = "mandate"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    codice_fiscale: Mapped[str | None] = mapped_column(String(16))  # of the holder
    name: Mapped[str] = mapped_column(String(160))
    document: Mapped[str] = mapped_column(String(120))  # where it is kept: protocol number, archive reference
    covers: Mapped[list[Matter]] = mapped_column(ARRAY(String(20)))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]  # the last day
    written_at: Mapped[datetime]
    written_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("valid_from <= valid_to", name="days"),
        Index("ix_mandate_codice_fiscale", "codice_fiscale", postgresql_where=text("codice_fiscale IS NOT NULL")),
    )


class Relation(Told, Base):
    """Who else has to do with a contact. He may be a contact of the ente too: that is looked up when it is read."""

    __tablename__ = "relation"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    contact_id: Mapped[int]  # whose file it is
    kind: Mapped[RelationKind] = mapped_column(choice(RelationKind))
    who_key: Mapped[str] = mapped_column(String(250, collation="C"))  # the codice fiscale, else the name folded
    codice_fiscale: Mapped[str | None] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(160))  # empty when the codice fiscale alone is known
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]  # the last day
    mandate_id: Mapped[int | None]

    __table_args__ = (
        _of_contact(),
        ForeignKeyConstraint(["ente_id", "mandate_id"], ["mandate.ente_id", "mandate.id"]),
        UniqueConstraint("ente_id", "contact_id", "kind", "who_key"),
        CheckConstraint("codice_fiscale IS NOT NULL OR name <> ''", name="somebody"),
        CheckConstraint("valid_from <= valid_to", name="days"),
        Index("ix_relation_codice_fiscale", "codice_fiscale", postgresql_where=text("codice_fiscale IS NOT NULL")),
        Index("ix_relation_mandate_id", "mandate_id", postgresql_where=text("mandate_id IS NOT NULL")),
    )


class DisclosureRule(Base):
    """An ente tells those who stand in a relation less than `crm.contacts.disclosure` allows: these matters alone."""

    __tablename__ = "disclosure_rule"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    relation: Mapped[RelationKind] = mapped_column(choice(RelationKind, name="relation"), primary_key=True)
    matters: Mapped[list[Matter]] = mapped_column(ARRAY(String(20)))


class ContactMerge(Base):
    """Somebody saw that two contacts of an ente are one person. No row moves: they are united when read."""

    __tablename__ = "contact_merge"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    kept_id: Mapped[int]
    merged_id: Mapped[int]
    merged_at: Mapped[datetime]
    merged_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    reason: Mapped[str] = mapped_column(String(200))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "kept_id"], ["contact.ente_id", "contact.id"]),
        ForeignKeyConstraint(["ente_id", "merged_id"], ["contact.ente_id", "contact.id"]),
        CheckConstraint("kept_id <> merged_id", name="two"),
        Index("ix_contact_merge_kept_id", "kept_id", postgresql_where=text("undone_at IS NULL")),
        Index("ix_contact_merge_merged_id", "merged_id", postgresql_where=text("undone_at IS NULL")),
    )
