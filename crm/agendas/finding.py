"""The free times of a service: what web, telephone and desk offer, all from here."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.agendas import queries
from crm.agendas.external.queries import Busy, busy, left_open
from crm.agendas.plan import Open, open_on
from crm.agendas.queries import ServiceView
from crm.agendas.rules import Channel, Gone, against, has_room
from crm.agendas.slots import MOST_NEAR, Free, Measures, Seat, Taken, by_seat, free, minutes_open, nearest
from crm.agendas.times import DAY, Stretch
from crm.core import clock

AROUND = (1, 4, 14)  # days, before and after, in which a time that is gone has its alternatives: the near ones first


@dataclass(frozen=True, slots=True)
class DayAt:
    """A day at an office: what is open, what is given away, and how many minutes of it by a channel with a quota."""

    office_id: int
    day: date
    opened: tuple[Open, ...]
    taken: tuple[Taken, ...]
    expired: frozenset[UUID]  # held too long: whoever wants the seat may have it
    by_channel: int
    busy: tuple[Busy, ...] = ()  # elsewhere: nothing of it is open

    def load(self) -> dict[int, int]:
        """How many each desk has that day."""
        found: dict[int, int] = {}
        for one in self.taken:
            found[one.seat.desk_id] = found.get(one.seat.desk_id, 0) + 1
        return found

    def has_room(self, share: int | None, measures: Measures) -> bool:
        """Whether the channel may give away one more."""
        wanted = measures.duration // timedelta(minutes=1)
        return has_room(share, capacity=minutes_open(self.opened), given=self.by_channel, wanted=wanted)

    def free(self, measures: Measures) -> list[Free]:
        """The day's free times, whoever may have them."""
        held = [one for one in self.taken if one.appointment_id not in self.expired]
        return free(self.office_id, self.opened, by_seat(held), measures)


def free_times(
    session: Session, *, ente_id: int, service_id: int, channel: Channel, first: date, last: date,
    office_id: int | None = None, moving: UUID | None = None,
) -> list[Free]:  # fmt: skip
    """The times at which somebody could have this service on these days, at one office or any that offers it, in order.

    `moving` is the appointment that is to have another time: its own stands in nobody's way. Raises `NotFoundError`.
    """
    wanted = queries.service(session, ente_id, service_id)
    offices = wanted.offices if office_id is None else wanted.offices & {office_id}
    now = clock.now(session)
    today = clock.business_day(now)
    first, last = max(first, today), min(last, today + timedelta(days=wanted.limits.horizon_days))
    if not wanted.active or not offices or first > last:
        return []
    found = [
        time
        for day in days_at(session, sorted(offices), first, last, channel=channel, moving=moving)
        if day.has_room(queries.quotas(session, day.office_id).get(channel), wanted.measures)
        for time in day.free(wanted.measures)
        if against(time.starts_at, wanted.limits, channel, now=now) is None
    ]
    return sorted(found, key=lambda one: (one.starts_at, one.office_id))


def days_at(
    session: Session, office_ids: Collection[int], first: date, last: date, *, channel: Channel,
    moving: UUID | None = None,
) -> Iterator[DayAt]:  # fmt: skip
    """Each of these days at each of these offices; without the appointment that is being moved."""
    now = clock.now(session)
    given: dict[tuple[int, date], list[Any]] = {}
    for row in queries.given(session, office_ids, first, last):
        if row.id != moving:
            given.setdefault((row.office_id, clock.business_day(row.starts_at)), []).append(row)
    elsewhere = busy(session, office_ids, first, last)
    for office_id in office_ids:
        plan, day = queries.plan(session, office_id), first
        while day <= last:
            there = given.get((office_id, day), ())
            expired = frozenset(row.id for row in there if row.held_until is not None and row.held_until <= now)
            taken = tuple(
                Taken(Seat(row.desk_id, row.place), Stretch(row.starts_at, row.free_at), row.id) for row in there
            )
            counted = there if channel in queries.quotas(session, office_id) else ()
            minutes = sum(
                (row.ends_at - row.starts_at) // timedelta(minutes=1)
                for row in counted
                if row.channel == channel and row.id not in expired
            )
            whole = Stretch(clock.start_of_day(day), clock.start_of_day(day + DAY))
            away = tuple(one for one in elsewhere if one.office_id == office_id and one.when.overlaps(whole))
            opened = tuple(left_open(open_on(plan, day), away))
            yield DayAt(office_id, day, opened, taken, expired, minutes, away)
            day += DAY


def why_not(wanted: ServiceView, day: DayAt, starts_at: datetime, channel: Channel, *, now: datetime) -> Gone:
    """Why a time that is not free cannot be had."""
    if (told := against(starts_at, wanted.limits, channel, now=now)) is not None:
        return told
    served = Stretch(starts_at, starts_at + wanted.measures.duration)
    if not any(one.serves(wanted.id) and one.when.holds(served) for one in day.opened):
        return Gone.CLOSED
    return Gone.TAKEN


def alternatives(
    session: Session, wanted: ServiceView, *, channel: Channel, starts_at: datetime, office_id: int,
    moving: UUID | None = None,
) -> list[Free]:  # fmt: skip
    """The nearest times that can be had in the place of one, at the same office before others."""
    day = clock.business_day(max(starts_at, clock.now(session)))
    found: list[Free] = []
    for days in AROUND:
        times = free_times(
            session, ente_id=wanted.ente_id, service_id=wanted.id, channel=channel, first=day - days * DAY,
            last=day + days * DAY, moving=moving,
        )  # fmt: skip
        found = nearest(times, starts_at, office_id=office_id)
        if sum(one.office_id == office_id for one in found) == len(found) == MOST_NEAR:
            break
    return found
