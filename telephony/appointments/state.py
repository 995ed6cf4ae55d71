"""Where a caller is who books by himself, what he asks for, and what may be answered. Values."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

AT_ONCE = 3  # times that are read together
PREFIX = "appointment:"
STAGE = f"{PREFIX}stage"
NOW = "now"


class Want(StrEnum):
    """What is asked of `service`."""

    TIMES = "times"  # the next free ones from `since`
    HOLD = "hold"
    BOOK = "book"
    FIND = "find"  # an appointment, by its code and a number
    CANCEL = "cancel"


class Did(StrEnum):
    """What the voice menu did for a caller, as his timeline tells it."""

    BOOKED = "appointment_booked"
    TOLD = "appointment_told"
    CANCELLED = "appointment_cancelled"


class Stage(StrEnum):
    """Where in the conversation the caller is."""

    BEGIN = "begin"
    ENTE = "ente"
    SERVICE = "service"
    OFFICE = "office"
    TIMES = "times"
    CONFIRM = "confirm"  # the time is held
    BOOKED = "booked"
    CODE = "code"
    NUMBER = "number"
    FOUND = "found"
    CANCEL = "cancel"


class Line(StrEnum):
    """What he may be told before he is asked on."""

    NOT_A_CHOICE = "not_a_choice"
    NOTHING_HEARD = "nothing_heard"
    NO_NUMBER = "no_number"  # he withholds his
    NOT_OFFERED = "not_offered"
    NOTHING_FREE = "nothing_free"
    NOTHING_HERE = "nothing_here"  # at this office
    NO_LATER = "no_later"
    JUST_TAKEN = "just_taken"
    TOO_MANY = "too_many"
    UNKNOWN = "unknown"  # no appointment with this code and number
    CANCELLED = "cancelled"
    TOO_LATE = "too_late"


@dataclass(frozen=True, slots=True)
class State:
    """Where a caller is, what he has chosen, and what he holds.

    `since` is the instant (ISO) from which the times that are read begin, `trail` those before it; `times` are read
    now. `held` is the id of the appointment that is held, `found` of one that he has. `told` is what he hears of it.
    """

    stage: Stage = Stage.BEGIN
    page: int = 0
    ente: int = 0
    service: int = 0
    office: int = 0
    since: str = NOW
    trail: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    held: str = ""
    starts_at: str = ""
    code: str = ""
    number: str = ""
    found: str = ""
    told: str = ""

    def kept(self) -> dict[str, str]:
        """As a place keeps it: no name of a `collect` node has a colon."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        written = {name: "|".join(value) if isinstance(value, tuple) else str(value) for name, value in every.items()}
        return {f"{PREFIX}{name}": value for name, value in written.items() if value not in {"", "0"}}

    @classmethod
    def of(cls, kept: Mapping[str, str]) -> "State":
        """The reverse; the beginning where nothing is kept, or nothing that was."""
        try:
            names = [one.name for one in fields(cls) if f"{PREFIX}{one.name}" in kept]
            return cls(**{name: _read(name, kept[f"{PREFIX}{name}"]) for name in names})
        except ValueError:
            return cls()


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted, by somebody who is here."""

    want: Want
    state: State


# -- what is answered -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Times:
    """The next free times, at most `AT_ONCE`; `gone`: they are in the place of one that somebody else has taken."""

    starts: tuple[datetime, ...]
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The time is his while he makes up his mind."""

    id: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Booked:
    """It is his; `code` is what he reads aloud when he comes."""

    code: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Found:
    """An appointment that he has; `what` and `where` are said as they are."""

    id: str
    ente_id: int
    starts_at: datetime
    what: str
    where: str


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot be; why."""

    why: Line


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Nobody comes."""


Answer = Times | Held | Booked | Found | Refused | Cancelled


def _read(name: str, text: str) -> Any:
    match name:
        case "stage":
            return Stage(text)
        case "page" | "ente" | "service" | "office":
            return int(text)
        case "trail" | "times":
            return tuple(text.split("|"))
        case _:
            return text
