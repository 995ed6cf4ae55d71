"""How a day is planned: hours in which people are visited, how long it takes, how fast one gets on. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, fields

from crm.core.errors import InvalidError
from crm.enti.calendar import Hours
from crm.enti.hours import parse_day
from outbound.field.rounds.places import HOUR_S, Pace
from outbound.field.rounds.problem import DAY_S, Pause, Window

MINUTE_S = 60
LONGEST_SEARCH_S = 600
LONGEST_HOURS = 60  # letters
MOST_A_DAY = 100  # visits of an agent


@dataclass(frozen=True, slots=True)
class Settings:
    """Of a plan. Hours as people write them; speeds in km/h; `detour`: streets against the straight line."""

    seconds: int = 30  # for which it is searched
    home_hours: str = "9:00-13:00, 15:00-19:30"
    business_hours: str = "9:00-12:30, 14:30-18:00"
    home_minutes: int = 20
    business_minutes: int = 30
    detour: float = 1.35
    town_kmh: float = 20.0
    country_kmh: float = 45.0

    @property
    def pace(self) -> Pace:
        """How one gets on."""
        return Pace(self.detour, self.town_kmh, self.country_kmh)

    def length(self, *, residential: bool) -> int:
        """How long a visit takes, in seconds."""
        return MINUTE_S * (self.home_minutes if residential else self.business_minutes)

    def windows(self, *, residential: bool, weekday: int, after: int = 0) -> tuple[Window, ...]:
        """In which a visit may begin, so that it ends in time; none before `after`, seconds after midnight."""
        text, length = (
            self.home_hours if residential else self.business_hours,
            self.length(residential=residential),
        )
        found = (
            Window(max(after, seconds_of(one)[0]), seconds_of(one)[1] - length)
            for one in parse_day(weekday, text, field="hours")
        )
        return tuple(one for one in found if one.opens <= one.closes)


RANGES = {
    "seconds": (1, LONGEST_SEARCH_S), "home_minutes": (5, 240), "business_minutes": (5, 240), "detour": (1.0, 3.0),
    "town_kmh": (2.0, 130.0), "country_kmh": (2.0, 130.0),
}  # fmt: skip


def check(settings: Settings) -> None:
    """Raises `InvalidError` with what is wrong at each field."""
    if wrong := list(_wrong(settings)):
        raise InvalidError("Controlla i dati.", parts=wrong)


def _wrong(settings: Settings) -> Iterator[InvalidError]:
    for one in fields(settings):
        value = getattr(settings, one.name)
        if one.name in RANGES:
            least, most = RANGES[one.name]
            if not least <= value <= most:
                yield InvalidError(f"Scrivi un numero da {least:g} a {most:g}.", field=one.name)
        elif len(value) > LONGEST_HOURS:
            yield InvalidError("Scrivi meno orari: questi sono troppo lunghi.", field=one.name)
        else:
            try:
                if not parse_day(0, value, field=one.name):
                    yield InvalidError("Scrivi almeno un orario, così: 9:00-13:00.", field=one.name)
            except InvalidError as error:
                yield InvalidError(str(error), field=one.name)


NOON = Pause(12 * HOUR_S, 15 * HOUR_S, HOUR_S)


@dataclass(frozen=True, slots=True)
class Working:
    """How an agent works on the day. Hours in seconds after midnight; `start`: in words; coordinates in degrees, none
    where his day begins at his first visit; `pause`: none where he has no break.
    """

    begins: int = 9 * HOUR_S
    ends: int = 18 * HOUR_S
    start: str = ""
    latitude: float | None = None
    longitude: float | None = None
    returns: bool = True  # to where he began
    pause: Pause | None = NOON
    most: int | None = None


def check_working(his: Working) -> None:
    """Raises `InvalidError` with what is wrong at each field."""
    wrong = []
    if not 0 <= his.begins < his.ends <= DAY_S - 1:
        wrong.append(InvalidError("La fine viene prima dell'inizio: ricontrolla l'orario.", field="ends"))
    if his.pause is not None and not 0 <= his.pause.earliest <= his.pause.latest - his.pause.length:
        wrong.append(InvalidError("La pausa non ci sta tra le due ore.", field="pause_length"))
    if (his.latitude is None) is not (his.longitude is None) or not _on_earth(his.latitude, his.longitude):
        wrong.append(InvalidError("Scrivi latitudine e longitudine, così: 43.7189, 10.9455.", field="place"))
    if his.most is not None and not 1 <= his.most <= MOST_A_DAY:
        wrong.append(InvalidError(f"Scrivi un numero da 1 a {MOST_A_DAY}, o lascia vuoto.", field="most"))
    if wrong:
        raise InvalidError("Controlla i dati.", parts=wrong)


def _on_earth(latitude: float | None, longitude: float | None) -> bool:
    return (latitude is None or -90 <= latitude <= 90) and (longitude is None or -180 <= longitude <= 180)


def seconds_of(hours: Hours) -> tuple[int, int]:
    """When hours open and close, in seconds after midnight; midnight at the end is the day's last second."""
    opens = (hours.opens.hour * 60 + hours.opens.minute) * MINUTE_S
    closes = (hours.closes.hour * 60 + hours.closes.minute) * MINUTE_S
    return opens, closes or DAY_S - 1
