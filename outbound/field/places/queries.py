"""Where addresses are, by the civic numbers that were read; which files those came from."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.core.db import table_of
from outbound.field.places.models import CivicFile, CivicNumber, CivicStreet
from outbound.field.places.placing import Place, Point, Street, Town, place
from outbound.field.places.streets import Located, located, town_key

_S, _N = table_of(CivicStreet), table_of(CivicNumber)
DRAWN = 400  # streets of a town
_LINES = text(
    """
    SELECT s.name, s.latitude, s.longitude, f.latitude AS from_lat, f.longitude AS from_lon, t.latitude AS to_lat,
           t.longitude AS to_lon
    FROM civic_street s,
         LATERAL (SELECT * FROM civic_number WHERE street_id = s.id ORDER BY number, suffix LIMIT 1) f,
         LATERAL (SELECT * FROM civic_number WHERE street_id = s.id ORDER BY number DESC, suffix DESC LIMIT 1) t
    WHERE s.town = :town ORDER BY s.numbers DESC, s.key LIMIT :most
    """
)


@dataclass(frozen=True, slots=True)
class Line:
    """A street as it is drawn: through its middle, from its first number to its last."""

    name: str
    centre: Point
    first: Point
    last: Point


@dataclass(frozen=True, slots=True)
class FileView:
    """A file of civic numbers, as its page shows it."""

    id: int
    name: str
    towns: tuple[str, ...]
    rows: int
    refused: int
    mistakes: tuple[tuple[int, str], ...]
    read_at: datetime
    read_by: str


def files(session: Session) -> list[FileView]:
    """Those that were read, the newest first."""
    rows = session.execute(
        select(CivicFile, User.name).join(User, User.id == CivicFile.read_by).order_by(CivicFile.id.desc()).limit(50)
    )
    return [
        FileView(
            one.id, one.name, tuple(one.towns), one.rows, one.refused,
            tuple((int(str(line)), str(why)) for line, why in one.mistakes), one.read_at, name,
        )
        for one, name in rows
    ]  # fmt: skip


def locate(session: Session, addresses: Mapping[int, tuple[str, str]]) -> dict[int, Place]:
    """Where each address is: of street with number, and town. Two statements, however many they are."""
    written = {key: (located(street), town_key(town)) for key, (street, town) in addresses.items()}
    towns = _towns(session, {town for _, town in written.values()})
    meant = {
        key: towns[town].street(address.key) if town in towns else None for key, (address, town) in written.items()
    }
    numbers = _numbers(session, {one.id for one in meant.values() if one is not None}, written, meant)
    found = {}
    for key, (address, _) in written.items():
        of = meant[key]
        found[key] = place(address, of, numbers.get(of.id, {}) if of else {})
    return found


def suggestions(session: Session, street: str, town: str) -> list[Street]:
    """Streets of a town whose names are near to what an address says."""
    towns = _towns(session, {town_key(town)})
    return [name for one in towns.values() for name in one.suggestions(located(street).key)]


def street(session: Session, street_id: int) -> Street | None:
    """One of them."""
    row = session.execute(select(_S).where(_S.c.id == street_id)).one_or_none()
    return None if row is None else _street(row)


def lines(session: Session, town: str) -> list[Line]:
    """The streets of a town, those with most numbers first, as far as they can be drawn."""
    rows = session.execute(_LINES, {"town": town_key(town), "most": DRAWN}).all()
    return [
        Line(
            one.name,
            Point(one.latitude, one.longitude),
            Point(one.from_lat, one.from_lon),
            Point(one.to_lat, one.to_lon),
        )
        for one in rows
    ]


def at_number(session: Session, of: Street, address: str) -> Place:
    """Where the number of an address is in a street that somebody chose."""
    meant = Located(of.key, located(address).civic)
    return place(meant, of, _numbers(session, {of.id}, {0: (meant, "")}, {0: of}).get(of.id, {}))


def known_towns(session: Session) -> list[tuple[str, int]]:
    """The towns whose civic numbers were read, and how many streets each has."""
    found: dict[str, int] = defaultdict(int)
    for (town,) in session.execute(select(_S.c.town)):
        found[town] += 1
    return sorted(found.items())


def _towns(session: Session, towns: Collection[str]) -> dict[str, Town]:
    streets = defaultdict(list)
    for row in session.execute(select(_S).where(_S.c.town.in_(towns))):
        streets[row.town].append(_street(row))
    return {town: Town(some) for town, some in streets.items()}


def _street(row: object) -> Street:
    return Street(row.id, row.key, row.name, Point(row.latitude, row.longitude))  # type: ignore[attr-defined]


def _numbers(
    session: Session, streets: Collection[int], written: Mapping[int, tuple[Located, str]],
    meant: Mapping[int, Street | None],
) -> dict[int, dict[tuple[int, str], Point]]:  # fmt: skip
    """The numbers of these streets; only of those of which some address has a number."""
    wanted = {one.id for key, one in meant.items() if one is not None and written[key][0].civic.number is not None}
    found: dict[int, dict[tuple[int, str], Point]] = defaultdict(dict)
    rows = select(_N.c.street_id, _N.c.number, _N.c.suffix, _N.c.latitude, _N.c.longitude).where(
        _N.c.street_id.in_(wanted & set(streets))
    )
    for street_id, number, suffix, latitude, longitude in session.execute(rows):
        found[street_id][number, suffix] = Point(latitude, longitude)
    return found
