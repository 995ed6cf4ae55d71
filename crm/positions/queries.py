"""Reads of positions, as frozen values. Row-level security bounds them to the scope's enti."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CompoundSelect, Select, any_, bindparam, func, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core.db import table_of
from crm.core.errors import NotFoundError
from crm.positions.models import Position, PositionAlias, Tax
from crm.positions.numbers import act_key, spoken
from crm.positions.views import PaymentView, PositionView, payment

_P = table_of(Position)
_THERE = _P.c.withdrawn_as_of.is_(None)  # the others are kept for what refers to them
_WHOLE: tuple[Any, ...] = tuple(_P.c[name] for name in PositionView.__dataclass_fields__)
_BRIEF = tuple(column for column in _WHOLE if column.key not in {"acts", "steps"})
_ORDER = (_P.c.ente_id, _P.c.tax, _P.c.year.desc(), _P.c.issued_on.desc(), _P.c.reference)
_THEIRS = (_P.c.contact_id == any_(bindparam("contacts", type_=ARRAY(BigInteger))), _THERE)
_ALL_OF = select(*_WHOLE).where(*_THEIRS).order_by(*_ORDER)  # built once: a file is opened for each call
_BRIEFLY_OF = select(*_BRIEF).where(*_THEIRS).order_by(*_ORDER)
_PAID_OF = select(Position.id, Position.payments).where(*_THEIRS)


def get(session: Session, position_id: int) -> PositionView:
    """One position. Raises `NotFoundError` when there is none in the scope."""
    found = _views(session, select(*_WHOLE).where(Position.id == position_id, _THERE))
    if not found:
        raise NotFoundError("Questa posizione non esiste più: ricarica la pagina.")
    return found[0]


def of_contact(session: Session, contact_ids: Collection[int], *, brief: bool = False) -> list[PositionView]:
    """Every position of these contacts: by ente, tax, then the newest year and act first.

    In brief they come without acts and steps, the longest parts, of which lists and sums know nothing.
    """
    return _views(session, _BRIEFLY_OF if brief else _ALL_OF, contacts=list(contact_ids))


def payments_of(session: Session, contact_ids: Collection[int]) -> dict[int, tuple[PaymentView, ...]]:
    """The payments of every position of these contacts, by the position's id."""
    rows = session.execute(_PAID_OF, {"contacts": list(contact_ids)})
    return {row.id: tuple(payment(one) for one in row.payments) for row in rows}


def by_notice(session: Session, notice_number: str) -> list[PositionView]:
    """The positions to which a notice number belongs (see `notice.parse_notice_number`), newest first.

    The number of an instalment's notice finds the position, too.
    """
    ids = union(*_known_as(Position.id, Position.notice_number, notice_number))
    return _views(
        session, select(*_WHOLE).where(Position.id.in_(ids), _THERE).order_by(Position.issued_on.desc(), Position.id)
    )


def known_as(session: Session, keys: Collection[str], *, ente_id: int) -> list[PositionView]:
    """The positions of an ente that have one of these as a notice's number, or as the key of an act's; in brief."""
    there = (Position.ente_id == ente_id, _THERE)
    same = (PositionAlias.ente_id == Position.ente_id) & (PositionAlias.reference == Position.reference)
    ids = union(
        select(Position.id).where(*there, Position.notice_number.in_(keys)),
        select(Position.id).where(*there, Position.act_key.in_(keys)),
        select(Position.id).join(PositionAlias, same).where(*there, PositionAlias.key.in_(keys)),
    )
    return _views(session, select(*_BRIEF).where(Position.id.in_(ids)).order_by(*_ORDER))


def owners_by_notice(notice_number: str) -> tuple[Select[int], ...]:
    """Selects the contacts to whose positions or instalments a notice number belongs."""
    return _known_as(Position.contact_id, Position.notice_number, notice_number)


def owners_of_notices(session: Session, numbers: Collection[str], *, ente_id: int) -> dict[str, set[int]]:
    """The contacts of an ente to whose positions or instalments these notice numbers belong, by the number."""
    there = (Position.ente_id == ente_id, _THERE)
    same = (PositionAlias.ente_id == Position.ente_id) & (PositionAlias.reference == Position.reference)
    own = select(Position.notice_number, Position.contact_id).where(*there, Position.notice_number.in_(numbers))
    other = select(PositionAlias.key, Position.contact_id).join_from(PositionAlias, Position, same)
    found: dict[str, set[int]] = {}
    both: CompoundSelect[Any, Any] = union(own, other.where(*there, PositionAlias.key.in_(numbers)))
    for number, contact_id in session.execute(both):
        found.setdefault(number, set()).add(contact_id)
    return found


def owners_by_act_number(text: str) -> tuple[Select[int], ...]:
    """Selects the contacts about whom an act with this number was issued, whatever way it is written."""
    keys = {act_key(text), act_key(spoken(text))}
    return tuple(
        owners
        for key in sorted(keys)
        if any(char.isdigit() for char in key)
        for owners in _known_as(Position.contact_id, Position.act_key, key)
    )


def sums(session: Session, *, ente_id: int) -> dict[Tax, tuple[int, int, int]]:
    """What an ente's positions come to by tax: how many they are, cents of residual, cents paid."""
    rows = session.execute(
        select(
            Position.tax, func.count(), func.sum(Position.residual_cents).cast(BigInteger),
            func.sum(Position.paid_cents).cast(BigInteger),
        )
        .where(Position.ente_id == ente_id, _THERE)
        .group_by(Position.tax)
    )  # fmt: skip
    return {tax: (count, residual, paid) for tax, count, residual, paid in rows}


def newer(session: Session, *, ente_id: int, than: datetime) -> int:
    """How many positions of an ente were stated as of later than an instant."""
    wanted = (Position.ente_id == ente_id, _THERE, Position.as_of > than)
    return session.execute(select(func.count()).select_from(Position).where(*wanted)).scalar_one()


def _known_as(
    wanted: InstrumentedAttribute[int],
    own: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    key: str,
) -> tuple[Select[int], ...]:
    """By its own number or another one: two descents of an index each."""
    same = (PositionAlias.ente_id == Position.ente_id) & (PositionAlias.reference == Position.reference)
    other = select(wanted).join(PositionAlias, same).where(PositionAlias.key == key)
    return select(wanted).where(own == key, _THERE), other.where(_THERE)


def acts_by_day(session: Session, first: date, last: date) -> tuple[dict[date, int], dict[date, int]]:
    """How many acts fall due on each day of a period, and how many were notified on it; days without any left out."""
    found = []
    for column in (Position.due_on, Position.notified_on):
        rows = select(column, func.count()).where(column >= first, column <= last, _THERE).group_by(column)
        found.append({day: count for day, count in session.execute(rows) if day is not None})
    return found[0], found[1]


def _views(session: Session, statement: Select[*tuple[Any, ...]], **about: Any) -> list[PositionView]:
    return [PositionView.of(dict(row)) for row in session.execute(statement, about).mappings()]
