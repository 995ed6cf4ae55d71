"""In which order people are called. Pure.

Everybody who waits has one instant, and the earliest goes first:

- of an **appointment** it is its time, less five minutes (`EARLY`): a desk that is free just before need not idle.
  Until that instant has come he goes after everybody else, but before nobody at all;
- of a **walk-in** it is twenty minutes (`PATIENCE`) after he came. Appointments whose time has come so go before him,
  until he has waited as long: then he goes before each appointment of later, and nobody waits for ever;
- whoever comes to his appointment later than a quarter of an hour (`LATE`) waits as one who had none.

Twenty minutes are five below what the strictest of the contracts that measure days leaves (Intercent-ER: 25). A turn
that is passed on to another service keeps its instant: nobody waits twice from the beginning.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

EARLY = timedelta(minutes=5)
LATE = timedelta(minutes=15)
PATIENCE = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits. `starts_at` is his appointment's; `desk_id` the one desk that he is for, if it is one."""

    id: int
    arrived_at: datetime
    service_id: int
    starts_at: datetime | None = None
    desk_id: int | None = None

    @property
    def kept(self) -> datetime | None:
        """When his appointment is, if he came in time for it."""
        return self.starts_at if self.starts_at is not None and self.arrived_at <= self.starts_at + LATE else None

    @property
    def instant(self) -> datetime:
        """What he is ordered by."""
        return self.arrived_at + PATIENCE if self.kept is None else self.kept - EARLY

    def rank(self, now: datetime) -> tuple[bool, datetime, datetime, int]:
        """Who has the least is called first."""
        return (self.kept is not None and self.instant > now, self.instant, self.arrived_at, self.id)


def in_order(waiting: Iterable[Waiting], *, now: datetime) -> list[Waiting]:
    """Those who wait, the next one first."""
    return sorted(waiting, key=lambda one: one.rank(now))


def for_desk(
    waiting: Iterable[Waiting], *, desk_id: int, services: Collection[int], now: datetime
) -> Waiting | None:  # fmt: skip
    """Whom a desk at which these services are done calls next."""
    mine = [
        one
        for one in waiting
        if one.desk_id == desk_id or (one.desk_id is None and one.service_id in services)
    ]  # fmt: skip
    return min(mine, key=lambda one: one.rank(now), default=None)
