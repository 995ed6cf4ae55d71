"""Shifts, pure: reading them as people write them, how many are there in each quarter hour, who kept to them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from crm.core.clock import ROME
from telephony.staffing.forecast import QUARTERS

FEWEST = 3  # the sum of fewer agents would be a figure of a single one (L. 300/1970, art. 4)
_STRETCH = re.compile(r"(\d{1,2})(?:[:.](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[:.](\d{2}))?")


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """From and until, by Rome's clock; 00:00 as an end is midnight."""

    begins: time
    ends: time

    @property
    def places(self) -> range:
        """The quarter hours of the day that it covers."""
        return range(_place(self.begins), _place(self.ends) or QUARTERS)

    def on(self, day: date) -> tuple[datetime, datetime]:
        """The instants of a day, in UTC."""
        last = day + timedelta(days=1) if self.ends == time(0) else day
        return (
            datetime.combine(day, self.begins, tzinfo=ROME).astimezone(UTC),
            datetime.combine(last, self.ends, tzinfo=ROME).astimezone(UTC),
        )

    def __str__(self) -> str:
        return f"{_told(self.begins)}-{_told(self.ends)}"


def read(text: str) -> tuple[Stretch, ...]:
    """A day as people write it: `8-13, 14:00-17:30`. Raises `ValueError` for what is none, or none of quarter hours."""
    found = []
    for part in (one.strip() for one in re.split(r"[,;]", text)):
        if not part:
            continue
        match = _STRETCH.fullmatch(part)
        if match is None:
            raise ValueError(part)
        begins, ends = (time(int(h) % 24, int(m or 0)) for h, m in (match.group(1, 2), match.group(3, 4)))
        if int(match.group(1)) > 23 or int(match.group(3)) > 24 or begins.minute % 15 or ends.minute % 15:
            raise ValueError(part)
        found.append(Stretch(begins, ends))
    found.sort()
    if any(not one.places for one in found):
        raise ValueError(text)
    if any(a.places.stop > b.places.start for a, b in pairwise(found)):
        raise ValueError(text)
    return tuple(found)


def written(stretches: Iterable[Stretch]) -> str:
    """The same as text."""
    return ", ".join(str(one) for one in sorted(stretches))


def coverage(stretches: Iterable[Stretch]) -> list[int]:
    """How many are there in each quarter hour of a day."""
    there = [0] * QUARTERS
    for one in stretches:
        for place in one.places:
            there[place] += 1
    return there


@dataclass(frozen=True, slots=True)
class Adherence:
    """Of how many agents: for how long they were to be there, and for how much of that they were; milliseconds."""

    agents: int
    planned_ms: int
    there_ms: int

    @property
    def share(self) -> float | None:
        return self.there_ms / self.planned_ms if self.planned_ms else None


def may_be_told(agents: int, *, to_himself: bool = False) -> bool:
    """Who may be shown how shifts were kept to: an agent his own, others a sum of three agents or more.

    The one place that decides it (L. 300/1970, art. 4).
    """
    return to_himself or agents >= FEWEST


def _told(at: time) -> str:
    return f"{at.hour}:{at.minute:02}" if at.minute else f"{at.hour}"


def _place(at: time) -> int:
    return at.hour * 4 + at.minute // 15
