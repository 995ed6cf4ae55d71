"""Enti and contracts. What is here is published by the enti themselves; it names no taxpayer."""

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice
from crm.enti.consent import ClosureStanding


class Ente(Base):
    """A municipality (or another public body) for which taxes are collected: a data controller of its own."""

    __tablename__ = "ente"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    short_name: Mapped[str] = mapped_column(String(40))
    istat_code: Mapped[str] = mapped_column(String(6), unique=True)
    cadastral_code: Mapped[str] = mapped_column(String(4), unique=True)
    codice_fiscale: Mapped[str] = mapped_column(String(11), unique=True)
    province: Mapped[str] = mapped_column(String(2))
    band: Mapped[int] = mapped_column(SmallInteger)  # which of the design's colour bands heads its pages
    patron_name: Mapped[str] = mapped_column(String(80))
    patron_month: Mapped[int] = mapped_column(SmallInteger)
    patron_day: Mapped[int] = mapped_column(SmallInteger)
    observes_holidays: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (CheckConstraint("band BETWEEN 1 AND 6", name="band"),)


class Contract(Base):
    """The agreement under which one or many enti are served, and whose levels are measured."""

    __tablename__ = "contract"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    # Within how many calendar days somebody is replaced when an ente asks for it.
    replacement_days: Mapped[int] = mapped_column(SmallInteger, default=20, server_default="20")
    # For how many days after a call what its caller keyed in the voice menu is kept.
    keyed_days: Mapped[int] = mapped_column(SmallInteger, default=30, server_default="30")
    # When people are called back, as written each weekday; nothing: `calendar.CALLED_BACK`.
    called_back: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")

    __table_args__ = (CheckConstraint("keyed_days BETWEEN 0 AND 3650", name="keyed_days"),)


class ContractEnte(Base):
    """An ente covered by a contract."""

    __tablename__ = "contract_ente"

    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)


class OpeningWeek(Base):
    """The weekly hours of a contract's lines from an instant on, in Roman time; an ente's own replace the contract's.

    What is written first for a contract holds from the `BEGINNING` (`crm.enti.calendar`), unless it is for a day to
    come; of one instant the last one written holds. Nothing is changed: the past is judged by its own hours. What
    has yet to begin can be withdrawn.
    """

    __tablename__ = "opening_week"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    since: Mapped[datetime]
    # The hours of each weekday as they are written, Monday first; all of them empty: the ente gives up its own.
    days: Mapped[list[str]] = mapped_column(JSONB)
    written_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint("jsonb_array_length(days) = 7", name="days"),
        CheckConstraint("withdrawn_at IS NULL OR withdrawn_at < since", name="withdrawn"),
        Index("ix_opening_week_contract_id", "contract_id", "ente_id", "since"),
    )


class HolidayChange(Base):
    """Which holidays an ente kept on the days that began before an instant; since then those of its own row."""

    __tablename__ = "holiday_change"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    until: Mapped[datetime]
    observes_holidays: Mapped[bool]
    patron_month: Mapped[int] = mapped_column(SmallInteger)
    patron_day: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (Index("ix_holiday_change_ente_id", "ente_id", "until"),)


class Closure(Base):
    """A time in which the lines stay closed against their hours; open-ended until somebody reopens.

    An emergency's holds for the whole contract at once. A planned one has a row for each ente concerned, all with the
    same `proposal`: each ente's row closes its own lines once it approves. One of a single number has such rows too,
    and closes that number alone, at once; what each ente decides says whether it counts (`crm.enti.numbers`).
    """

    __tablename__ = "closure"

    id: Mapped[int] = mapped_column(primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    number: Mapped[str | None] = mapped_column(String(16))  # E.164: this one alone
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200))  # why, for the ente
    message: Mapped[str] = mapped_column(String(200), default="")  # what callers hear and citizens read
    standing: Mapped[ClosureStanding] = mapped_column(choice(ClosureStanding), default=ClosureStanding.EMERGENCY)
    proposal: Mapped[UUID | None]
    declared_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    declared_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    decision_reason: Mapped[str] = mapped_column(String(400), default="")
    reopened_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # whoever ended one begun at once

    __table_args__ = (
        UniqueConstraint("proposal", "ente_id"),
        CheckConstraint(
            "standing = 'emergency' OR number IS NOT NULL OR "
            "(proposal IS NOT NULL AND ente_id IS NOT NULL AND ends_at IS NOT NULL)",
            name="planned",
        ),
        CheckConstraint("number IS NULL OR (proposal IS NOT NULL AND ente_id IS NOT NULL)", name="of_a_number"),
        Index("ix_closure_number", "number", postgresql_where=text("number IS NOT NULL")),
    )


class SpecialDay(Base):
    """A day with hours of its own, whatever weekday or holiday it is; without hours the lines stay closed.

    An ente's own row replaces its contract's.
    """

    __tablename__ = "special_day"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    day: Mapped[date]
    opens: Mapped[time | None]
    closes: Mapped[time | None]

    __table_args__ = (
        UniqueConstraint("contract_id", "ente_id", "day", postgresql_nulls_not_distinct=True),
        CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="hours"),
    )


class ServiceTopic(Base):
    """What the lines of a contract are for, by the codes of calls' topics; an ente's rows replace its contract's."""

    __tablename__ = "service_topic"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int | None] = mapped_column(ForeignKey("ente.id"))
    topic: Mapped[str] = mapped_column(String(40))

    __table_args__ = (UniqueConstraint("contract_id", "ente_id", "topic", postgresql_nulls_not_distinct=True),)


class PaymentWay(Base):
    """A way to pay an ente, as an agent says it and citizens read it."""

    __tablename__ = "payment_way"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    place: Mapped[int] = mapped_column(SmallInteger)  # in their order
    words: Mapped[str] = mapped_column(String(200))

    __table_args__ = (UniqueConstraint("ente_id", "place"),)


class Office(Base):
    """An office of an ente, for whoever is told where to go. `hours`: {"weekday", "opens", "closes"}, Roman time."""

    __tablename__ = "office"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    name: Mapped[str] = mapped_column(String(120))
    address: Mapped[str] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164
    email: Mapped[str | None] = mapped_column(String(254))
    competent_for: Mapped[str] = mapped_column(String(400))
    accessibility: Mapped[str] = mapped_column(String(400))
    hours: Mapped[list[dict[str, Any]]]

    __table_args__ = (
        UniqueConstraint("ente_id", "name"),
        UniqueConstraint("ente_id", "id"),  # lets other tables refer to an office of the same ente only
    )


class EnteLogo(Base):
    """An ente's coat of arms, for the head of its pages: PNG or JPEG, checked when it was sent."""

    __tablename__ = "ente_logo"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    media_type: Mapped[str] = mapped_column(String(20))
    content: Mapped[bytes]
    sha256: Mapped[str] = mapped_column(String(64))
