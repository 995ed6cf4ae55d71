"""What is typed into the forms of rounds, as values; whatever is wrong is said at its field."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Annotated, TypeVar

from fastapi import Depends, Form, UploadFile

from crm.core.errors import FieldError, InvalidError
from outbound.field.rounds.problem import Pause
from outbound.field.rounds.settings import Settings, Working
from web.edge.fields import id_of

T = TypeVar("T")
Box = Annotated[str, Form(max_length=200)]
FileField = Annotated[UploadFile, Form()]
MOST_BYTES, MOST_LEGS = 20_000_000, 300_000
NOT_A_TIME = "Scrivi l'ora così: 9:30."
NOT_A_NUMBER = "Scrivi un numero."
NOT_A_PLACE = "Scrivi latitudine e longitudine, così: 43.7189, 10.9455."


def seconds_of(text: str, field: str) -> int:
    """An hour as a field has it, in seconds after midnight. Raises `FieldError`."""
    hours, found, minutes = text.strip().replace(".", ":").partition(":")
    whole, rest = id_of(hours), id_of(minutes)
    if not found or whole is None or rest is None or whole > 23 or rest > 59:
        raise FieldError(NOT_A_TIME, field)
    return whole * 3600 + rest * 60


@dataclass(frozen=True, slots=True)
class SettingsTyped:
    """How a day is planned, as its form has it."""

    seconds: Box = ""
    home_hours: Box = ""
    business_hours: Box = ""
    home_minutes: Box = ""
    business_minutes: Box = ""
    detour: Box = ""
    town_kmh: Box = ""
    country_kmh: Box = ""

    def read(self) -> Settings:
        """Raises `InvalidError`, one part for each field that cannot be read."""
        read = _Reader()
        found = Settings(
            read(_whole, self.seconds, "seconds", 0), self.home_hours, self.business_hours,
            read(_whole, self.home_minutes, "home_minutes", 0),
            read(_whole, self.business_minutes, "business_minutes", 0), read(_decimal, self.detour, "detour", 0.0),
            read(_decimal, self.town_kmh, "town_kmh", 0.0), read(_decimal, self.country_kmh, "country_kmh", 0.0),
        )  # fmt: skip
        read.done()
        return found


@dataclass(frozen=True, slots=True)
class WorkingTyped:
    """How an agent works on the day, as its form has it. `place`: latitude and longitude, with a comma between."""

    begins: Box = ""
    ends: Box = ""
    start: Annotated[str, Form(max_length=120)] = ""
    place: Box = ""
    returns: Box = ""
    pause_earliest: Box = ""
    pause_latest: Box = ""
    pause_length: Box = ""
    most: Box = ""

    def read(self) -> Working:
        """Raises `InvalidError`, one part for each field that cannot be read."""
        read = _Reader()
        at = read(_place, self.place, "place", None)
        pause = None
        if self.pause_length.strip() not in ("", "0"):
            pause = Pause(
                read(seconds_of, self.pause_earliest, "pause_earliest", 0),
                read(seconds_of, self.pause_latest, "pause_latest", 0),
                60 * read(_whole, self.pause_length, "pause_length", 0),
            )
        found = Working(
            read(seconds_of, self.begins, "begins", 0), read(seconds_of, self.ends, "ends", 0),
            " ".join(self.start.split()), at[0] if at else None, at[1] if at else None, bool(self.returns), pause,
            read(_whole, self.most, "most", None) if self.most.strip() else None,
        )  # fmt: skip
        read.done()
        return found


SettingsDep = Annotated[SettingsTyped, Depends(SettingsTyped)]
WorkingDep = Annotated[WorkingTyped, Depends(WorkingTyped)]


def legs_of(file: UploadFile | None) -> dict[str, dict[str, list[int]]]:
    """A file of measured ways: from, to, seconds, metres, with a head. Raises `FieldError` with the line."""
    if file is None or not file.filename:
        raise FieldError("Scegli il file.", "file")
    content = file.file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise FieldError("Il file è troppo grande.", "file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FieldError("Il file non è un testo in UTF-8.", "file") from None
    divider = ";" if ";" in text.partition("\n")[0] else ","
    found: dict[str, dict[str, list[int]]] = {}
    for line, row in enumerate(csv.reader(StringIO(text), delimiter=divider), start=1):
        if line == 1 or not row:
            continue
        if line > MOST_LEGS:
            raise FieldError("Il file ha troppe righe.", "file")
        seconds, metres = (id_of(one.strip()) for one in row[2:4]) if len(row) >= 4 else (None, None)
        if seconds is None or metres is None or seconds >= 86_400 or not row[0].strip() or not row[1].strip():
            raise FieldError(f"Servono quattro colonne: da, a, secondi, metri. Controlla la riga {line}.", "file")
        found.setdefault(row[0].strip(), {})[row[1].strip()] = [seconds, metres]
    if not found:
        raise FieldError("Nel file non c'è nessuna riga.", "file")
    return found


class _Reader:
    """Reads field by field, and keeps what is wrong until all are read."""

    def __init__(self) -> None:
        self.wrong: list[InvalidError] = []

    def __call__(self, how: Callable[[str, str], T], text: str, field: str, instead: T) -> T:
        """What a field says; `instead` where it cannot be read."""
        try:
            return how(text, field)
        except InvalidError as error:
            self.wrong.append(InvalidError(str(error), field=field))
            return instead

    def done(self) -> None:
        """Raises `InvalidError` if anything was wrong."""
        if self.wrong:
            raise InvalidError("Controlla i dati.", parts=self.wrong)


def _whole(text: str, field: str) -> int:
    found = id_of(text.strip())
    if found is None or found > 100_000:
        raise FieldError(NOT_A_NUMBER, field)
    return found


def _decimal(text: str, field: str) -> float:
    whole, _, rest = text.strip().replace(",", ".").partition(".")
    if id_of(whole) is None or (rest and id_of(rest) is None) or len(whole) > 5:
        raise FieldError(NOT_A_NUMBER, field)
    return float(f"{whole}.{rest or 0}")


def _place(text: str, field: str) -> tuple[float, float] | None:
    if not text.strip():
        return None
    try:
        latitude, longitude = (float(one) for one in text.split(","))
    except ValueError:
        raise FieldError(NOT_A_PLACE, field) from None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise FieldError(NOT_A_PLACE, field)
    return latitude, longitude
