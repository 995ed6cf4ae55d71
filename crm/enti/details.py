"""Reading what an ente publishes about itself: identity, hours, topics, ways to pay, offices, logo."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.clock import now
from crm.core.configuration import kept
from crm.core.errors import NotFoundError
from crm.enti import queries
from crm.enti.calendar import Hours, held_at
from crm.enti.hours import written, written_week
from crm.enti.identity import Identity
from crm.enti.models import (
    Contract,
    Ente,
    EnteLogo,
    Office,
    PaymentWay,
    ServiceTopic,
    SpecialDay,
)

Week = tuple[str, ...]  # the hours of each weekday as they are written, Monday first


@dataclass(frozen=True, slots=True)
class OfficeView:
    """An office of an ente, for whoever is told where to go."""

    id: int
    ente_id: int
    name: str
    address: str
    phone: str | None
    email: str | None
    competent_for: str
    accessibility: str
    week: Week


@dataclass(frozen=True, slots=True)
class ContractDays:
    """Days that a contract agrees on: within how many somebody is replaced, and for how many keyed input is kept."""

    replacement: int
    keyed: int


@dataclass(frozen=True, slots=True)
class SpecialView:
    """A day with hours of its own; without them closed."""

    id: int
    day: date
    hours: str


@kept
def identity(session: Session, ente_id: int) -> Identity:
    """What an ente is called and known by. Raises `NotFoundError`."""
    row = session.get(Ente, ente_id)
    if row is None:
        raise NotFoundError("Questo ente non esiste.")
    return Identity(**{name: getattr(row, name) for name in Identity.__dataclass_fields__})


@kept
def offices(session: Session, ente_id: int) -> tuple[OfficeView, ...]:
    """An ente's offices, by name."""
    rows = session.scalars(select(Office).where(Office.ente_id == ente_id).order_by(Office.name))
    return tuple(
        OfficeView(
            row.id, row.ente_id, row.name, row.address, row.phone, row.email, row.competent_for, row.accessibility,
            tuple(_written(row, day) for day in range(7)),
        )
        for row in rows
    )  # fmt: skip


@kept
def payment_ways(session: Session, ente_id: int) -> tuple[str, ...]:
    """The ways to pay an ente, in their order."""
    rows = session.scalars(select(PaymentWay.words).where(PaymentWay.ente_id == ente_id).order_by(PaymentWay.place))
    return tuple(rows)


@kept
def service_topics(session: Session, contract_id: int, ente_id: int | None) -> frozenset[str]:
    """The codes of the topics that lines are for: the ente's own, else its contract's; empty: all of them."""
    own = own_topics(session, contract_id, ente_id)
    return own or (own_topics(session, contract_id, None) if ente_id is not None else own)


@kept
def own_topics(session: Session, contract_id: int, ente_id: int | None) -> frozenset[str]:
    """Those written for the contract itself, or for this ente under it."""
    whose = ServiceTopic.ente_id.is_(None) if ente_id is None else ServiceTopic.ente_id == ente_id
    rows = session.scalars(select(ServiceTopic.topic).where(ServiceTopic.contract_id == contract_id, whose))
    return frozenset(rows)


def own_week(session: Session, contract_id: int, ente_id: int | None) -> Week:
    """The weekly hours that hold now for the contract itself, or of its own for this ente under it."""
    return written_week(held_at([one.parsed for one in queries.weeks(session, contract_id, ente_id)], now(session)))


@kept
def special_days(session: Session, contract_id: int, ente_id: int | None) -> tuple[SpecialView, ...]:
    """The days with hours of their own, of the contract itself or of this ente under it."""
    whose = SpecialDay.ente_id.is_(None) if ente_id is None else SpecialDay.ente_id == ente_id
    rows = session.scalars(
        select(SpecialDay).where(SpecialDay.contract_id == contract_id, whose).order_by(SpecialDay.day)
    )
    return tuple(
        SpecialView(
            row.id, row.day,
            written([Hours(row.day.weekday(), row.opens, row.closes)], row.day.weekday())
            if row.opens is not None and row.closes is not None
            else "",
        )
        for row in rows
    )  # fmt: skip


def contract_days(session: Session, contract_id: int) -> ContractDays:
    """The days that a contract agrees on. Raises `NotFoundError`."""
    row = session.get(Contract, contract_id)
    if row is None:
        raise NotFoundError("Questo contratto non esiste.")
    return ContractDays(row.replacement_days, row.keyed_days)


def called_back(session: Session, contract_id: int) -> Week:
    """The hours at which people are called back under a contract."""
    return written_week(queries.timetable(session, contract_id, None).called_back)


def logo(session: Session, ente_id: int) -> tuple[str, bytes] | None:
    """The media type and bytes of an ente's logo."""
    row = session.get(EnteLogo, ente_id)
    return (row.media_type, row.content) if row else None


@kept
def has_logo(session: Session, ente_id: int) -> bool:
    """Whether there is one."""
    return session.execute(select(EnteLogo.ente_id).where(EnteLogo.ente_id == ente_id)).first() is not None


def _written(row: Office, weekday: int) -> str:
    spans = sorted((one["opens"], one["closes"]) for one in row.hours if one["weekday"] == weekday)
    return ", ".join(f"{opens}-{closes if closes != '00:00' else '24:00'}" for opens, closes in spans)
