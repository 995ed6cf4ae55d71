"""What a telephone tells of a visit, read from its outbox. Pure: text in, facts out, and never a refusal for one
field that is odd, as whoever stands at a door cannot write it again.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from crm.contacts.addresses import Address
from crm.core.errors import InvalidError
from outbound.field.visits.door import Deed, Done, Outcome, Whom
from outbound.field.visits.jpeg import stripped
from outbound.field.visits.models import FileKind
from outbound.field.visits.timing import Told

MOST_DEEDS, MOST_FILES = 60, 4
MOST_VERSIONS = 2**15 - 1  # of an ente's words
LARGEST_FILE = 600_000  # bytes
PNG = b"\x89PNG\r\n\x1a\n"
LONGEST = {"note": 1000, "name": 160, "capacity": 120}
Kind = TypeVar("Kind", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Checked:
    """Where he checked in, in degrees and metres; `why` there is no position, where there is none."""

    latitude: float | None = None
    longitude: float | None = None
    accuracy_m: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Details:
    """What was told with an outcome. `cents` none: everything that is due."""

    note: str = ""
    pay_on: date | None = None
    cents: int | None = None
    address: Address | None = None
    since: date | None = None  # of a death


@dataclass(frozen=True, slots=True)
class Picture:
    """A file that came with a visit."""

    kind: FileKind
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """A visit as it was told."""

    id: UUID
    ente_id: int
    practice_id: int
    mandate_id: UUID | None
    sequence: int
    written: Told
    deeds: tuple[Done, ...]
    told: tuple[Told, ...]  # when each was
    checked: Checked
    details: Details
    pictures: tuple[Picture, ...]
    body: dict[str, Any]  # as it came, without the contents of files

    @property
    def seen(self) -> tuple[str, str]:
        """With whom he spoke, and in what capacity: of whoever was named last."""
        named = next((one for one in reversed(self.deeds) if one.deed is Deed.WHO and one.name), None)
        return (named.name, named.capacity) if named else ("", "")


def told_of(raw: Mapping[str, Any]) -> Told:
    """An instant. Raises `InvalidError` when there is none."""
    try:
        at = datetime.fromisoformat(str(raw["at"]))
        found = Told(at.astimezone(UTC), str(raw["run"])[:40], int(raw["elapsed"]))
    except (KeyError, ValueError, OverflowError, TypeError):
        raise InvalidError("Manca l'ora di quello che è successo.") from None
    if at.tzinfo is None or not 2000 < at.year < 2200:
        raise InvalidError("L'ora di quello che è successo non si capisce.")
    return found


def read(raw: Mapping[str, Any]) -> Entry:
    """A visit. Raises `InvalidError` for what cannot be read at all."""
    try:
        ids = UUID(str(raw["id"])), int(raw["ente"]), int(raw["practice"]), int(raw["sequence"])
        deeds = raw["deeds"]
        if not isinstance(deeds, Sequence) or not all(isinstance(one, Mapping) for one in deeds):
            raise TypeError
    except (KeyError, ValueError, TypeError):
        raise InvalidError("Questa visita non si può leggere.") from None
    entry_id, ente_id, practice_id, sequence = ids
    if max(ids[1:]) >= 2**63 or min(ids[1:]) < 0 or not 0 < len(deeds) <= MOST_DEEDS:
        raise InvalidError("Questa visita non si può leggere.")
    details = raw.get("details") or {}
    body = {**raw, "files": [str(one.get("kind")) for one in _list(raw, "files")]}
    return Entry(
        entry_id, ente_id, practice_id, _uuid(raw.get("mandate")), sequence, told_of(raw),
        tuple(_done(one) for one in deeds), tuple(told_of(one) for one in deeds), checked_of(raw.get("position")),
        _details(details if isinstance(details, Mapping) else {}),
        tuple(one for one in map(_picture, _list(raw, "files")[:MOST_FILES]) if one), without_nul(body),
    )  # fmt: skip


def words_said(deed: Mapping[str, Any]) -> int | None:
    """Which version of the ente's words was said by a deed; none where the telephone does not tell it."""
    version = deed.get("words")
    if deed.get("deed") != Deed.TOLD or not isinstance(version, int) or isinstance(version, bool):
        return None
    return version if 0 <= version <= MOST_VERSIONS else None


def without_nul(value: Any) -> Any:
    """The same without the character that PostgreSQL keeps in no text."""
    match value:
        case str():
            return value.replace("\x00", "")
        case Mapping():
            return {str(name): without_nul(one) for name, one in value.items()}
        case list():
            return [without_nul(one) for one in value]
    return value


def _list(raw: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = raw.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _done(raw: Mapping[str, Any]) -> Done:
    deed = _member(Deed, raw.get("deed"))
    if deed is None:
        raise InvalidError("Questa visita non si può leggere.")
    return Done(
        deed, _member(Whom, raw.get("whom")), _text(raw, "name"), _text(raw, "capacity"),
        _member(Outcome, raw.get("outcome")),
    )  # fmt: skip


def checked_of(raw: Any) -> Checked:
    """A position as a telephone has it; none for what is no place on earth."""
    if not isinstance(raw, Mapping):
        return Checked()
    try:
        latitude, longitude = float(raw["latitude"]), float(raw["longitude"])
        accuracy = min(10**6, max(0, round(float(raw["accuracy"]))))
    except (KeyError, ValueError, TypeError, OverflowError):
        return Checked(why=str(raw.get("why", ""))[:40])
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return Checked(why="outside")
    return Checked(latitude, longitude, accuracy)


def _details(raw: Mapping[str, Any]) -> Details:
    where = raw.get("address")
    address = None
    if isinstance(where, Mapping) and _plain(where.get("street")):
        address = Address(
            _plain(where.get("street"))[:160], _plain(where.get("postcode"))[:10], _plain(where.get("town"))[:80],
            _plain(where.get("province"))[:2],
        )  # fmt: skip
    cents = raw.get("cents")
    return Details(
        _text(raw, "note"), _day(raw.get("pay_on")), cents if isinstance(cents, int) and 0 < cents < 2**53 else None,
        address, _day(raw.get("since")),
    )  # fmt: skip


def _picture(raw: Mapping[str, Any]) -> Picture | None:
    kind = _member(FileKind, raw.get("kind"))
    try:
        content = b64decode(str(raw.get("data", "")), validate=True)
        if kind is FileKind.SIGNATURE and content.startswith(PNG) and len(content) <= LARGEST_FILE:
            return Picture(kind, "image/png", content)
        if kind is FileKind.PHOTOGRAPH and len(content) <= LARGEST_FILE:
            return Picture(kind, "image/jpeg", stripped(content))
    except (ValueError, InvalidError):
        return None
    return None


def _member(kind: type[Kind], value: Any) -> Kind | None:
    return kind(value) if isinstance(value, str) and value in set(kind) else None


def _text(raw: Mapping[str, Any], name: str) -> str:
    return _plain(raw.get(name))[: LONGEST[name]]


def _plain(value: Any) -> str:
    return " ".join(str(value or "").replace("\x00", "").split())


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(str(value)) if value else None
    except ValueError:
        return None


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value)) if value else None
    except ValueError:
        return None
