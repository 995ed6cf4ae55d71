"""Desks, services, agendas with their exceptions, and appointments.

All but appointments is published by the enti: it names no taxpayer. Offices themselves are of `crm.enti`.
"""

from datetime import date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.agendas.rules import Channel
from crm.core.db import Base, choice

MOST_PLACES = 16  # at one desk: four bits of what an appointment takes
_MINUTE = "(extract(epoch FROM {} - TIMESTAMPTZ '1970-01-01 00:00:00+00') / 60)::bigint"
_SEAT = f"((desk_id * {MOST_PLACES} + place) << 32)"
# A seat and its minutes as one range of numbers: two appointments overlap if these do. Core GiST excludes them so,
# without an extension that knows how to compare a desk and a range at once.
TAKEN = f"int8range({_SEAT} + {_MINUTE.format('starts_at')}, {_SEAT} + {_MINUTE.format('free_at')})"
GIVEN = "state NOT IN ('cancelled_by_citizen', 'cancelled_by_office')"


class AgendaState(StrEnum):
    DRAFT = "draft"
    PUBLISHED = "published"


class AppointmentState(StrEnum):
    HELD = "held"  # somebody is filling in the form
    BOOKED = "booked"
    ARRIVED = "arrived"
    CALLED = "called"
    SERVING = "serving"
    DONE = "done"
    NO_SHOW = "no_show"
    UNSERVED = "unserved"  # he came, and the day ended before he was served to an end
    CANCELLED_BY_CITIZEN = "cancelled_by_citizen"
    CANCELLED_BY_OFFICE = "cancelled_by_office"


class AppointmentDeed(StrEnum):
    """What happened with an appointment."""

    BOOKED = "booked"
    MOVED = "moved"
    CANCELLED = "cancelled"
    ARRIVED = "arrived"
    CALLED = "called"
    SERVED = "served"  # his turn has come: he is being served
    DONE = "done"
    MISSED = "missed"
    BACK = "back"  # a step that was a mistake
    CLOSED = "closed"  # with the day


class Desk(Base):
    """Where somebody is served, one at a time or a few. None of `services`: all that its office offers."""

    __tablename__ = "desk"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(60))
    rank: Mapped[int] = mapped_column(SmallInteger, default=0)  # in their order
    services: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        UniqueConstraint("office_id", "name"),
        UniqueConstraint("ente_id", "id"),  # lets other tables refer to a desk of the same ente only
    )


class BookableService(Base):
    """What people come for. Texts are by language, `it` always among them; times are minutes."""

    __tablename__ = "bookable_service"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    rank: Mapped[int] = mapped_column(SmallInteger, default=0)
    active: Mapped[bool] = mapped_column(default=True)
    name: Mapped[dict[str, Any]]
    description: Mapped[dict[str, Any]]
    bring: Mapped[dict[str, Any]]  # what to bring, one thing a line
    duration: Mapped[int] = mapped_column(SmallInteger)
    buffer: Mapped[int] = mapped_column(SmallInteger, default=0)
    step: Mapped[int] = mapped_column(SmallInteger)  # how far starts are apart
    notice: Mapped[int] = mapped_column(default=120)
    horizon_days: Mapped[int] = mapped_column(SmallInteger, default=60)
    cutoff: Mapped[int] = mapped_column(default=120)
    per_day: Mapped[int] = mapped_column(SmallInteger, default=1)
    ahead: Mapped[int] = mapped_column(SmallInteger, default=1)
    moves: Mapped[int] = mapped_column(SmallInteger, default=3)
    walk_ins: Mapped[int | None] = mapped_column(SmallInteger)  # numbers that a kiosk gives a day; none: any
    needs_code: Mapped[bool] = mapped_column(default=False)  # a one-time code, before it is booked on the web
    by_voice: Mapped[bool] = mapped_column(default=True)  # whoever calls books it by himself, in the voice menu

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("duration BETWEEN 5 AND 480 AND buffer BETWEEN 0 AND 120", name="duration"),
        CheckConstraint("step BETWEEN 5 AND 480", name="step"),
        CheckConstraint("notice BETWEEN 0 AND 43200 AND cutoff BETWEEN 0 AND 43200", name="notice"),
        CheckConstraint("horizon_days BETWEEN 1 AND 366", name="horizon"),
        CheckConstraint("walk_ins BETWEEN 0 AND 1000", name="walk_ins"),
        CheckConstraint("per_day BETWEEN 1 AND 50 AND ahead BETWEEN 1 AND 50 AND moves BETWEEN 0 AND 50", name="caps"),
    )


class ServiceOffice(Base):
    """An office at which a service is offered."""

    __tablename__ = "service_office"

    service_id: Mapped[int] = mapped_column(primary_key=True)
    office_id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
    )


class ServiceClerk(Base):
    """Somebody who may serve a service; of one that names nobody, whoever works at the desks."""

    __tablename__ = "service_clerk"

    service_id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    ente_id: Mapped[int]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
    )


class OfficeAgenda(Base):
    """A week of an office's desks, being prepared or published; published, it is never changed, but followed."""

    __tablename__ = "office_agenda"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    version: Mapped[int]
    state: Mapped[AgendaState] = mapped_column(choice(AgendaState), default=AgendaState.DRAFT)
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    observes_holidays: Mapped[bool] = mapped_column(default=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    published_at: Mapped[datetime | None]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        UniqueConstraint("office_id", "version"),
        UniqueConstraint("ente_id", "id"),
        CheckConstraint("valid_to >= valid_from", name="days"),
        CheckConstraint("(state = 'published') = (published_at IS NOT NULL)", name="published"),
        Index("ix_office_agenda_draft", "office_id", unique=True, postgresql_where=text("state = 'draft'")),
    )


class AgendaWindow(Base):
    """A stretch of an agenda's week, in Roman time; `closes` at 00:00 is the day's end."""

    __tablename__ = "agenda_window"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    agenda_id: Mapped[int]
    desk_id: Mapped[int]
    weekday: Mapped[int] = mapped_column(SmallInteger)  # 0 is Monday
    opens: Mapped[time]
    closes: Mapped[time]
    places: Mapped[int] = mapped_column(SmallInteger, default=1)
    services: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), default=list)  # none: all that the desk serves

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "agenda_id"], ["office_agenda.ente_id", "office_agenda.id"]),
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint("closes > opens OR closes = '00:00'", name="hours"),
        CheckConstraint(f"places BETWEEN 1 AND {MOST_PLACES}", name="places"),
        Index("ix_agenda_window_agenda_id", "agenda_id"),
    )


class OfficeException(Base):
    """Days on which an office, or one of its desks, is closed against its agenda, or open at other hours."""

    __tablename__ = "office_exception"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    desk_id: Mapped[int | None]
    first: Mapped[date]
    last: Mapped[date]
    closed: Mapped[bool]
    opens: Mapped[time | None]
    closes: Mapped[time | None]
    words: Mapped[str] = mapped_column(String(200))  # why, for citizens
    written_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    written_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        CheckConstraint("first <= last", name="days"),
        CheckConstraint("(opens IS NULL) = (closes IS NULL) AND (closed OR opens IS NOT NULL)", name="hours"),
        CheckConstraint("closes > opens OR closes = '00:00'", name="order"),
        Index("ix_office_exception_office_id", "office_id", "last"),
    )


class ChannelQuota(Base):
    """How much of an office's day (per cent of its minutes) a channel may give away; without a row all of it."""

    __tablename__ = "channel_quota"

    office_id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[Channel] = mapped_column(choice(Channel), primary_key=True)
    ente_id: Mapped[int]
    share: Mapped[int] = mapped_column(SmallInteger)

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        CheckConstraint("share BETWEEN 0 AND 100", name="share"),
    )


class AppointmentSetting(Base):
    """What an ente decides about appointments; one without a row has the defaults."""

    __tablename__ = "appointment_setting"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    kept_days: Mapped[int] = mapped_column(SmallInteger)  # who came, if he is on no file, after he did

    __table_args__ = (CheckConstraint("kept_days BETWEEN 1 AND 3650", name="kept_days"),)


class Appointment(Base):
    """A time that somebody has: first held, then booked, then whatever became of it. One seat, one person: see TAKEN.

    `starts_at` and `ends_at` are when he is served; at `free_at` the seat may be another's.
    """

    __tablename__ = "appointment"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    office_id: Mapped[int]
    desk_id: Mapped[int]
    place: Mapped[int] = mapped_column(SmallInteger)
    service_id: Mapped[int]
    state: Mapped[AppointmentState] = mapped_column(choice(AppointmentState))
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    free_at: Mapped[datetime]
    # Held:
    held_until: Mapped[datetime | None]
    extended: Mapped[int] = mapped_column(SmallInteger, default=0)
    holder: Mapped[bytes | None] = mapped_column(LargeBinary(16))  # a keyed hash of whose browser or call it is
    # Booked:
    code: Mapped[str | None] = mapped_column(String(8))
    contact_id: Mapped[int | None]
    given_name: Mapped[str] = mapped_column(String(80), default="")
    surname: Mapped[str] = mapped_column(String(160), default="")  # or the name of a company
    codice_fiscale: Mapped[str | None] = mapped_column(String(16))
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164
    email: Mapped[str | None] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(2), default="it")
    notes: Mapped[str] = mapped_column(String(400), default="")
    reason: Mapped[str] = mapped_column(String(200), default="")  # why it was cancelled or moved
    moved: Mapped[int] = mapped_column(SmallInteger, default=0)  # by the citizen
    sequence: Mapped[int] = mapped_column(SmallInteger, default=0)  # changes, as calendars count them
    made_at: Mapped[datetime]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the citizen himself
    booked_at: Mapped[datetime | None]
    changed_at: Mapped[datetime]
    rated: Mapped[bool] = mapped_column(default=False)  # that he rated the pages; what he said is kept without him

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "desk_id"], ["desk.ente_id", "desk.id"]),
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        ExcludeConstraint((text(TAKEN), "&&"), using="gist", where=text(GIVEN), name="one_to_a_seat"),
        UniqueConstraint("ente_id", "code"),
        CheckConstraint("starts_at < ends_at AND ends_at <= free_at", name="times"),
        CheckConstraint(
            "starts_at = date_bin('1 minute', starts_at, TIMESTAMPTZ '1970-01-01 00:00:00+00')", name="minute"
        ),
        CheckConstraint(f"place BETWEEN 0 AND {MOST_PLACES - 1}", name="place"),
        CheckConstraint("(state = 'held') = (held_until IS NOT NULL)", name="held"),
        CheckConstraint("(state = 'held') = (code IS NULL)", name="code"),
        Index("ix_appointment_office_id", "office_id", "starts_at", postgresql_where=text(GIVEN)),
        Index("ix_appointment_held_until", "held_until", postgresql_where=text("state = 'held'")),
        Index("ix_appointment_contact_id", "contact_id", postgresql_where=text("contact_id IS NOT NULL")),
        Index("ix_appointment_codice_fiscale", "codice_fiscale", postgresql_where=text("codice_fiscale IS NOT NULL")),
        Index("ix_appointment_phone", "phone", postgresql_where=text("phone IS NOT NULL")),
        Index("ix_appointment_email", "email", postgresql_where=text("email IS NOT NULL")),
    )


class AppointmentEvent(Base):
    """What happened with an appointment, for its times, its story and the levels. Never altered; it names nobody.

    `detail`: of a move, from where (`starts_at`, `desk_id`, `office_id`).
    """

    __tablename__ = "appointment_event"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ente_id: Mapped[int]
    appointment_id: Mapped[UUID]
    deed: Mapped[AppointmentDeed] = mapped_column(choice(AppointmentDeed))
    at: Mapped[datetime]
    by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # none: the citizen, or the system
    channel: Mapped[Channel] = mapped_column(choice(Channel))
    detail: Mapped[dict[str, Any]]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id"], ["ente.id"]),
        Index("ix_appointment_event_appointment_id", "appointment_id", "id"),
        Index("ix_appointment_event_ente_id", "ente_id", "at"),
    )


class BookingSite(Base):
    """Where citizens of an ente book on the web; an ente without one has no such pages. Published."""

    __tablename__ = "booking_site"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    host: Mapped[str | None] = mapped_column(String(253), unique=True)  # the ente's own host name, if it has one
    framed_by: Mapped[list[str]] = mapped_column(ARRAY(String(253)), default=list)  # origins whose pages may embed it
    needs_code: Mapped[bool] = mapped_column(default=False)  # a one-time code, whatever is booked
    links: Mapped[dict[str, Any]] = mapped_column(default=dict)  # of the pages' foot, by `sites.Link`

    __table_args__ = (CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug"),)


class BookingDraft(Base):
    """What a citizen has said so far, on his way through the steps; forgotten two hours after the last of them.

    `told` is what he said of himself, encrypted. `verified` is the address at which he got a code, likewise a mark.
    """

    __tablename__ = "booking_draft"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    service_id: Mapped[int]
    office_id: Mapped[int]
    language: Mapped[str] = mapped_column(String(2))
    hold_id: Mapped[UUID | None]  # the time that he holds, or held
    appointment_id: Mapped[UUID | None]  # what became of it
    told: Mapped[bytes | None]
    code_mark: Mapped[bytes | None]  # a keyed hash of the code and of where it was sent
    code_until: Mapped[datetime | None]
    code_tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    codes_sent: Mapped[int] = mapped_column(SmallInteger, default=0)
    verified: Mapped[bytes | None]
    changed_at: Mapped[datetime]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "office_id"], ["office.ente_id", "office.id"]),
        ForeignKeyConstraint(["ente_id", "service_id"], ["bookable_service.ente_id", "bookable_service.id"]),
        Index("ix_booking_draft_changed_at", "changed_at"),
    )


class BookingPace(Base):
    """How often something was asked from one place (a keyed hash of its address) in a stretch of time."""

    __tablename__ = "booking_pace"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True, autoincrement=False)
    mark: Mapped[bytes] = mapped_column(LargeBinary(16), primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    asked: Mapped[int]

    __table_args__ = (Index("ix_booking_pace_since", "since"),)
