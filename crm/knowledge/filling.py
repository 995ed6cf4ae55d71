"""Places in scripts and note templates, such as `{ente}`, that are filled in when they are shown. Pure."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from crm.core.clock import in_rome

PLACES = ("saluto", "ente", "operatore", "coda", "chi", "oggi", "ora")
OF_REPLIES = ("conversazione", "richiesta", "debiti", "totale")  # in replies to mails, too
_PLACE = re.compile(r"\{(\w+)\}")
EVENING_H = 17  # from then on one says *buonasera*


@dataclass(frozen=True, slots=True)
class Situation:
    """What a call tells of its own. Empty where it is not known; `who` only of somebody who was identified."""

    now: datetime
    agent: str
    ente: str = ""
    queue: str = ""
    who: str = ""

    @property
    def values(self) -> Mapping[str, str]:
        """What stands in each place."""
        at = in_rome(self.now)
        return {
            "saluto": "Buonasera" if at.hour >= EVENING_H else "Buongiorno", "ente": self.ente or "suo Comune",
            "operatore": self.agent, "coda": self.queue, "chi": self.who or "il cittadino",
            "oggi": f"{at.day}/{at.month}/{at.year}", "ora": f"{at:%H:%M}",
        }  # fmt: skip


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its places filled in; a place that nobody knows stays as it stands."""
    return _PLACE.sub(lambda place: values.get(place[1], place[0]), text)


def unknown(text: str, *, more: Collection[str] = ()) -> tuple[str, ...]:
    """The places of a text that nobody will fill in, in their order, each once. `more`: those that there are, too."""
    return tuple(dict.fromkeys(name for name in _PLACE.findall(text) if name not in PLACES and name not in more))


def places_in(text: str) -> tuple[str, ...]:
    """The places of a text, in their order, each once."""
    return tuple(dict.fromkeys(_PLACE.findall(text)))


def named(text: str) -> tuple[str, ...]:
    """The places that a text still has, with their braces: they were to be filled in and are not."""
    known = {*PLACES, *OF_REPLIES}
    return tuple(dict.fromkeys(f"{{{name}}}" for name in _PLACE.findall(text) if name in known))
