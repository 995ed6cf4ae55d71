"""Reading enti, contracts and their timetables."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, exists, or_, select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.configuration import kept
from crm.enti.calendar import CALLED_BACK, ClosedSpell, Feasts, Hours, Special, Timetable, Week, woven
from crm.enti.consent import IN_FORCE, Agreed, ClosureStanding, agreed_by_all
from crm.enti.hours import parse_week
from crm.enti.models import Closure, Contract, ContractEnte, Ente, HolidayChange, OpeningWeek, SpecialDay


@dataclass(frozen=True, slots=True)
class Badge:
    """How an ente shows itself: its name and the colour band that heads whatever concerns it."""

    id: int
    name: str
    short_name: str
    band: int


@dataclass(frozen=True, slots=True)
class Switch:
    """A contract whose lines somebody has closed and nobody has reopened, or which can be closed."""

    contract_id: int
    name: str
    closed: bool


def badges(session: Session, ente_ids: frozenset[int] | None = None) -> dict[int, Badge]:
    """Enti by id, in the order of their names; all of them, or these."""
    return {badge.id: badge for badge in _all_badges(session) if ente_ids is None or badge.id in ente_ids}


@kept
def _all_badges(session: Session) -> tuple[Badge, ...]:
    rows = session.execute(select(Ente.id, Ente.name, Ente.short_name, Ente.band).order_by(Ente.name))
    return tuple(Badge(*row) for row in rows)


@kept
def creditor_code(session: Session, ente_id: int) -> str:
    """The codice fiscale of an ente, to which its payment notices are paid."""
    return session.execute(select(Ente.codice_fiscale).where(Ente.id == ente_id)).scalar_one()


@kept
def contract_name(session: Session, contract_id: int) -> str:
    """A contract's name."""
    return session.execute(select(Contract.name).where(Contract.id == contract_id)).scalar_one()


@kept
def cadastral_code(session: Session, ente_id: int) -> str:
    """The codice catastale of an ente, which names it in feeds."""
    return session.execute(select(Ente.cadastral_code).where(Ente.id == ente_id)).scalar_one()


def enti_of(session: Session, contract_id: int) -> frozenset[int]:
    """The enti a contract covers."""
    return coverage(session).get(contract_id, frozenset())


@kept
def coverage(session: Session) -> Mapping[int, frozenset[int]]:
    """The enti that each contract covers."""
    covered: dict[int, set[int]] = {}
    for contract_id, ente_id in session.execute(select(ContractEnte.contract_id, ContractEnte.ente_id)):
        covered.setdefault(contract_id, set()).add(ente_id)
    return MappingProxyType({contract_id: frozenset(enti) for contract_id, enti in covered.items()})


def contracts_of(session: Session, ente_id: int) -> frozenset[int]:
    """The contracts that cover an ente."""
    return frozenset(one for one, covered in coverage(session).items() if ente_id in covered)


def covering(ente_id: SQLColumnExpression[Any]) -> Select[int]:
    """Selects the contracts that cover the ente that a column of an enclosing statement names."""
    return select(ContractEnte.contract_id).where(ContractEnte.ente_id == ente_id).correlate_except(ContractEnte)


def served(session: Session) -> frozenset[int]:
    """The enti that a contract covers. For one whose contract ended nothing is begun any more."""
    return frozenset().union(*coverage(session).values())


@dataclass(frozen=True, slots=True)
class WrittenWeek:
    """Weekly hours as they were written, Monday first, and by whom."""

    id: int
    since: datetime
    days: tuple[str, ...]
    written_by: int | None
    written_at: datetime

    @property
    def parsed(self) -> Week:
        """Their hours."""
        return Week(self.since, tuple(parse_week(dict(enumerate(self.days)))))


@kept
def weeks(session: Session, contract_id: int, ente_id: int | None) -> tuple[WrittenWeek, ...]:
    """The weekly hours written for the contract itself, or for this ente under it, in the order in which they hold."""
    rows = session.scalars(
        select(OpeningWeek)
        .where(
            OpeningWeek.contract_id == contract_id, OpeningWeek.withdrawn_at.is_(None),
            OpeningWeek.ente_id.is_(None) if ente_id is None else OpeningWeek.ente_id == ente_id,
        )
        .order_by(OpeningWeek.since, OpeningWeek.id)
    )  # fmt: skip
    return tuple(WrittenWeek(row.id, row.since, tuple(row.days), row.written_by, row.written_at) for row in rows)


@kept
def timetable(session: Session, contract_id: int, ente_id: int | None) -> Timetable:
    """When the lines of an ente are open, and were, under a contract; without an ente, those of the contract itself."""
    common = [one.parsed for one in weeks(session, contract_id, None)]
    own = [] if ente_id is None else [one.parsed for one in weeks(session, contract_id, ente_id)]
    held = woven(common, own)
    ente = None if ente_id is None else session.get(Ente, ente_id)
    return Timetable(
        hours=(),
        closures=_closed_spells(session, contract_id, ente_id),
        observes_holidays=ente.observes_holidays if ente else _all_observe(session, contract_id),
        patron=(ente.patron_month, ente.patron_day) if ente else None,
        special=_special_days(session, contract_id, ente_id),
        called_back=_called_back(session, contract_id),
        later=held,
        feasts_before=_feasts(session, contract_id, ente_id),
    )


def _feasts(session: Session, contract_id: int, ente_id: int | None) -> tuple[Feasts, ...]:
    """What an ente kept before it changed its holidays; without an ente, what all enti of the contract kept."""
    whose = enti_of(session, contract_id) if ente_id is None else {ente_id}
    rows = session.scalars(
        select(HolidayChange).where(HolidayChange.ente_id.in_(whose)).order_by(HolidayChange.until, HolidayChange.id)
    ).all()
    if ente_id is not None:
        return tuple(Feasts(row.until, row.observes_holidays, (row.patron_month, row.patron_day)) for row in rows)
    kept_by = dict(session.execute(select(Ente.id, Ente.observes_holidays).where(Ente.id.in_(whose))).all())
    found = []
    for row in reversed(rows):
        kept_by[row.ente_id] = row.observes_holidays
        found.append(Feasts(row.until, all(kept_by.values())))
    return tuple(reversed(found))


def _called_back(session: Session, contract_id: int) -> tuple[Hours, ...]:
    texts = session.scalars(select(Contract.called_back).where(Contract.id == contract_id)).one()
    return tuple(parse_week(dict(enumerate(texts)))) or CALLED_BACK


def _special_days(session: Session, contract_id: int, ente_id: int | None) -> tuple[Special, ...]:
    """The days with hours of their own: the contract's, and over them the ente's."""
    rows = session.execute(
        select(SpecialDay.day, SpecialDay.opens, SpecialDay.closes)
        .where(SpecialDay.contract_id == contract_id)
        .where(or_(SpecialDay.ente_id == ente_id, SpecialDay.ente_id.is_(None)))
        .order_by(SpecialDay.day, SpecialDay.ente_id.is_not(None))
    )
    return tuple({row.day: Special(*row) for row in rows}.values())


def _closed_spells(session: Session, contract_id: int, ente_id: int | None) -> tuple[ClosedSpell, ...]:
    """What closes the lines of an ente, or those on which no ente is known: only what all its enti approved does."""
    rows = session.scalars(
        select(Closure)
        .where(
            Closure.contract_id == contract_id,
            Closure.standing.in_(IN_FORCE),
            Closure.number.is_(None),
            or_(Closure.ends_at.is_(None), Closure.ends_at > clock.now(session)),
        )
        .order_by(Closure.starts_at, Closure.id)
    ).all()
    spells = [
        ClosedSpell(row.starts_at, row.ends_at, row.message, agreed=row.standing is ClosureStanding.APPROVED)
        for row in rows
        if row.ente_id is None or row.ente_id == ente_id
    ]
    if ente_id is None:
        approved = [
            Agreed(row.proposal, row.ente_id, row.starts_at, row.ends_at, row.message)
            for row in rows
            if row.proposal is not None and row.ente_id is not None
        ]
        common = agreed_by_all(approved, enti_of(session, contract_id))
        spells += [ClosedSpell(one.starts_at, one.ends_at, one.message) for one in common]
    return tuple(spells)


def switches(session: Session, contract_ids: frozenset[int]) -> list[Switch]:
    """The switches of these contracts, by name."""
    closed = exists().where(Closure.contract_id == Contract.id, *until_reopened(session))
    rows = session.execute(
        select(Contract.id, Contract.name, closed).where(Contract.id.in_(contract_ids)).order_by(Contract.name)
    )
    return [Switch(*row) for row in rows]


def until_reopened(session: Session) -> tuple[ColumnElement[bool], ...]:
    """A contract's own open-ended closure that has begun; an ente's closures are the ente's."""
    return (
        Closure.standing == ClosureStanding.EMERGENCY,
        Closure.ente_id.is_(None),
        Closure.ends_at.is_(None),
        Closure.starts_at <= clock.now(session),
    )


def _all_observe(session: Session, contract_id: int) -> bool:
    kept = session.execute(
        select(Ente.observes_holidays)
        .join(ContractEnte, ContractEnte.ente_id == Ente.id)
        .where(ContractEnte.contract_id == contract_id)
    ).scalars()
    return all(kept)
