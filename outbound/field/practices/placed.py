"""Placing practices: anew by the civic numbers that were read since, or by hand."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core.errors import FieldError, NotFoundError
from outbound.field.places import queries as places
from outbound.field.places.civic_file import ITALY
from outbound.field.places.placing import Place, Placed, Point, Street
from outbound.field.practices import service, told
from outbound.field.practices.lifecycle import State
from outbound.field.practices.models import Practice
from outbound.field.practices.rights import require_deciding

AT_ONCE = 5_000
UNSURE = (Placed.NOWHERE.value, Placed.NEAR.value, Placed.STREET.value)  # which a better file may place better


def anew(session: Session, by: Principal, *, ente_ids: Collection[int]) -> tuple[int, int]:
    """Look again for those that are not placed, or not surely: how many there were, and how many stand better now."""
    for ente_id in ente_ids:
        require_deciding(session, by, ente_id)
    rows = session.scalars(
        select(Practice)
        .where(
            Practice.ente_id.in_(list(ente_ids)), Practice.state != State.CLOSED, Practice.placed.in_(UNSURE)
        )
        .order_by(Practice.id).limit(AT_ONCE).with_for_update()
    ).all()  # fmt: skip
    found = places.locate(session, {one.id: (one.street, one.town) for one in rows})
    better = 0
    for one in rows:
        place = found[one.id]
        if place.at is not None and place.placed.value != one.placed:
            _put(one, place)
            better += 1
    session.flush()
    return len(rows), better


def in_street(session: Session, by: Principal, *, practice_id: int, street_id: int) -> None:
    """Somebody says which street is meant: it is placed there, at its number as far as that is known."""
    practice = service.locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    street = places.street(session, street_id)
    if street is None:
        raise NotFoundError("Questa via non c'è più: il file dei civici è cambiato.")
    _put(practice, places.at_number(session, street, practice.street))
    _note(session, by, practice, street.name)


def beside(session: Session, by: Principal, *, practice_id: int, street: str, civic: str) -> None:
    """Somebody says at which number of which street of its town it is, or beside which. Raises `FieldError`."""
    practice = service.locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    found = places.locate(session, {practice_id: (f"{street.strip()}, {civic.strip()}", practice.town)})[practice_id]
    if found.street is None or found.at is None:
        raise FieldError(f"Fra i numeri civici caricati di {practice.town} questa via non c'è.", "street")
    _put(practice, Place(Placed.BY_HAND, found.at))
    _note(session, by, practice, found.street.name)


def at(session: Session, by: Principal, *, practice_id: int, latitude: str, longitude: str) -> None:
    """Somebody says where it is, in degrees. Raises `FieldError` for what is no place in Italy."""
    practice = service.locked(session, practice_id)
    require_deciding(session, by, practice.ente_id)
    south, north, west, east = ITALY
    point = Point(
        _degrees(latitude, "latitude", south, north), _degrees(longitude, "longitude", west, east)
    )  # fmt: skip
    _put(practice, Place(Placed.BY_HAND, point))
    _note(session, by, practice, "")


def suggestions(session: Session, street: str, town: str) -> tuple[Street, ...]:
    """The streets that may be meant by an address."""
    return tuple(places.suggestions(session, street, town))


def lines(session: Session, town: str) -> list[places.Line]:
    """The streets of a town, to point at."""
    return places.lines(session, town)


def _put(practice: Practice, place: Place) -> None:
    practice.placed = place.placed.value
    practice.latitude = place.at.latitude if place.at else None
    practice.longitude = place.at.longitude if place.at else None


def _note(session: Session, by: Principal, practice: Practice, street: str) -> None:
    session.flush()
    told.note(session, by, practice, "field_practice.placed", street=street, placed=practice.placed)


def _degrees(written: str, field: str, least: float, most: float) -> float:
    try:
        value = float(written.strip().replace(",", "."))
    except ValueError:
        value = float("nan")
    if not least <= value <= most:
        raise FieldError(f"Gradi da {least:g} a {most:g}, per esempio 43,7189.", field)
    return value
