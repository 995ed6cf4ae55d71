"""A file of civic numbers, line by line: its columns under whatever of their usual names, its coordinates. Pure.

Known are ANNCSU's and OpenAddresses' columns and those that enti publish. Coordinates are degrees (WGS 84, EPSG:4326),
with a comma or a point; metres of another system are refused, since nobody could tell which it is.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from crm.contacts.names import fold
from crm.core.errors import FieldError, InvalidError
from outbound.field.places.placing import Point
from outbound.field.places.streets import located, street_key, suffix_of, town_key

ITALY = (35.0, 47.5, 6.0, 19.0)  # south, north, west, east, in degrees
MOST_MISTAKES = 100
_DIALECTS = ",;\t|"


class Column(StrEnum):
    TOWN = "town"
    STREET = "street"
    NUMBER = "number"
    SUFFIX = "suffix"
    POSTCODE = "postcode"
    LATITUDE = "latitude"
    LONGITUDE = "longitude"


KNOWN: Mapping[Column, frozenset[str]] = {
    Column.TOWN: frozenset({"COMUNE", "CITY", "MUNICIPALITY", "TOWN", "CITTA", "NOME COMUNE", "DENOMINAZIONE COMUNE"}),
    Column.STREET: frozenset(
        {"STREET", "VIA", "ODONIMO", "STRADA", "TOPONIMO", "INDIRIZZO", "NOME VIA", "DENOMINAZIONE", "NOME STRADA"}
    ),
    Column.NUMBER: frozenset(
        {"NUMBER", "CIVICO", "NUMERO", "NUMERO CIVICO", "N CIVICO", "NUM CIV", "HOUSENUMBER", "N"}
    ),
    Column.SUFFIX: frozenset({"SUFFIX", "ESPONENTE", "BARRATO", "LETTERA", "SUB", "UNIT", "BARRA"}),
    Column.POSTCODE: frozenset({"POSTCODE", "CAP", "POST CODE", "ZIP"}),
    Column.LATITUDE: frozenset({"LAT", "LATITUDE", "LATITUDINE", "Y", "COORD Y COMUNE", "COORD Y", "LAT WGS84"}),
    Column.LONGITUDE: frozenset(
        {"LON", "LONG", "LNG", "LONGITUDE", "LONGITUDINE", "X", "COORD X COMUNE", "COORD X", "LON WGS84"}
    ),
}
# Without these it is no file of civic numbers; as what we would have them called.
NEEDED = {Column.STREET: "VIA", Column.NUMBER: "CIVICO", Column.LATITUDE: "LAT", Column.LONGITUDE: "LON"}
DEGREES = 360  # beyond which a number is none


@dataclass(frozen=True, slots=True)
class Row:
    """A civic number of a file. `town`, `key` as addresses are compared; `street` as it is written."""

    town: str
    key: str
    street: str
    number: int
    suffix: str
    postcode: str
    at: Point


@dataclass(frozen=True, slots=True)
class Wrong:
    """A line that was left out, counted from 1 with the heading, and why."""

    line: int
    why: str


def columns(heading: Iterable[str]) -> dict[Column, int]:
    """Where each column is. Raises `InvalidError` naming those that are missing."""
    at: dict[Column, int] = {}
    for place, written in enumerate(heading):
        name = fold(written.replace("_", " ").lstrip("\ufeff"))
        for column, names in KNOWN.items():
            if name in names:
                at.setdefault(column, place)
    if missing := [one for one in NEEDED if one not in at]:
        wanted = ", ".join(f"«{NEEDED[one]}»" for one in missing)
        raise InvalidError(f"Nel file mancano delle colonne: {wanted}.", field="file")
    return at


def rows(lines: Iterable[str], *, town: str = "") -> Iterator[Row | Wrong]:
    """Each line of a file. `town`: where the file names none.

    Raises `InvalidError` when columns are missing, when no town is known, or when the coordinates are no degrees.
    """
    source = iter(lines)
    first = next(source, "")
    delimiter = max(_DIALECTS, key=first.count)
    at = columns(next(csv.reader([first], delimiter=delimiter), []))
    if Column.TOWN not in at and not town.strip():
        raise InvalidError("Il file non dice di quale comune è: scrivilo qui.", field="town")
    keys: dict[str, str] = {}
    towns: dict[str, str] = {}
    for n, cells in enumerate(csv.reader(source, delimiter=delimiter), 2):
        if not any(cells):
            continue
        try:
            yield _row(cells, at, town, keys, towns)
        except FieldError as error:
            yield Wrong(n, str(error))


def _row(cells: list[str], at: Mapping[Column, int], town: str, keys: dict[str, str], towns: dict[str, str]) -> Row:
    def cell(column: Column) -> str:
        if at.get(column, -1) >= len(cells):
            raise FieldError("La riga è più corta dell'intestazione.", "line")
        return cells[at[column]].strip() if column in at else ""

    street, where = cell(Column.STREET), cell(Column.TOWN) or town
    if street not in keys:
        keys[street] = street_key(street)
    if where not in towns:
        towns[where] = town_key(where)
    if not keys[street] or not towns[where]:
        raise FieldError("Manca la via o il comune.", "line")
    number, suffix = _civic(cell(Column.NUMBER), cell(Column.SUFFIX))
    point = Point(_degrees(cell(Column.LATITUDE)), _degrees(cell(Column.LONGITUDE)))
    south, north, west, east = ITALY
    if not (south <= point.latitude <= north and west <= point.longitude <= east):
        if max(abs(point.latitude), abs(point.longitude)) > DEGREES:
            raise InvalidError(
                "Le coordinate non sono in gradi (EPSG:4326, WGS 84): sono metri di un altro sistema, per esempio"
                " Gauss-Boaga o UTM. Converti il file in EPSG:4326 e caricalo di nuovo.", field="file",
            )  # fmt: skip
        raise FieldError("Il punto non è in Italia: forse latitudine e longitudine sono scambiate.", "line")
    return Row(
        towns[where], keys[street], " ".join(street.split())[:160], number, suffix, cell(Column.POSTCODE)[:10], point
    )


def _civic(number: str, suffix: str) -> tuple[int, str]:
    if number.isdigit():
        return int(number[:7]), suffix_of(suffix)
    found = located(f"X {number}").civic
    if found.number is None:
        raise FieldError("Il numero civico non si legge.", "line")
    return found.number, suffix_of(found.suffix, suffix)


_DEGREES = re.compile(r"-?\d+(?:[.,]\d+)?$")


def _degrees(written: str) -> float:
    if not _DEGREES.match(written):
        raise FieldError("Le coordinate non si leggono.", "line")
    return float(written.replace(",", "."))
