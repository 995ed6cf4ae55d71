"""Reads of positions, as frozen values. Row-level security bounds them to the scope's enti."""

from collections.abc import Collection

from sqlalchemy import Select, select, union
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core.errors import NotFoundError
from crm.positions.models import Position, PositionAlias
from crm.positions.numbers import act_key
from crm.positions.views import InstalmentView, PaymentView, PositionView

__all__ = ["InstalmentView", "PaymentView", "PositionView", "by_notice", "get", "of_contact"]


def get(session: Session, position_id: int) -> PositionView:
    """One position. Raises `NotFoundError` when there is none in the scope."""
    row = session.get(Position, position_id, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa posizione non esiste più: ricarica la pagina.")
    return PositionView.of(row)


def of_contact(session: Session, contact_ids: Collection[int]) -> list[PositionView]:
    """Every position of these contacts: by ente, tax, then the newest year and act first."""
    rows = session.scalars(
        select(Position)
        .where(Position.contact_id.in_(contact_ids))
        .order_by(Position.ente_id, Position.tax, Position.year.desc(), Position.issued_on.desc(), Position.reference)
    )
    return [PositionView.of(row) for row in rows]


def by_notice(session: Session, notice_number: str) -> list[PositionView]:
    """The positions to which a notice number belongs (see `notice.parse_notice_number`), newest first.

    The number of an instalment's notice finds the position, too.
    """
    ids = union(*_known_as(Position.id, Position.notice_number, notice_number))
    rows = session.scalars(
        select(Position).where(Position.id.in_(ids)).order_by(Position.issued_on.desc(), Position.id)
    )
    return [PositionView.of(row) for row in rows]


def owners_by_notice(notice_number: str) -> tuple[Select[int], ...]:
    """Selects the contacts to whose positions or instalments a notice number belongs."""
    return _known_as(Position.contact_id, Position.notice_number, notice_number)


def owners_by_act_number(text: str) -> tuple[Select[int], ...]:
    """Selects the contacts about whom an act with this number was issued, whatever way it is written."""
    key = act_key(text)
    return _known_as(Position.contact_id, Position.act_key, key) if any(char.isdigit() for char in key) else ()


def _known_as(
    wanted: InstrumentedAttribute[int],
    own: InstrumentedAttribute[str] | InstrumentedAttribute[str | None],
    key: str,
) -> tuple[Select[int], ...]:
    """By its own number or another one: two descents of an index each."""
    same = (PositionAlias.ente_id == Position.ente_id) & (PositionAlias.reference == Position.reference)
    return select(wanted).where(own == key), select(wanted).join(PositionAlias, same).where(PositionAlias.key == key)
