"""The free times of a service, as a citizen chooses among them: a month's days, and the times of one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.orm import Session

from crm.agendas import finding, queries, week
from crm.agendas.plan import Exceptional, from_now_on
from crm.agendas.rules import Channel
from crm.agendas.slots import Free
from crm.agendas.times import DAY, is_morning
from crm.core import clock
from crm.core.errors import InvalidError
from web.edge.fields import day_of, id_of, near_instant

NO_TIME = "Scegli un orario tra quelli liberi."


@dataclass(frozen=True, slots=True)
class Choice:
    """What a page offers: the months, a month's days with how many times each has, and the times of the day shown."""

    months: tuple[date, ...]
    month: date
    days: Mapping[date, int]
    day: date | None
    morning: tuple[Free, ...]
    afternoon: tuple[Free, ...]
    first: date | None  # the first day with a free time of a later month, where this one has none
    otherwise: tuple[
        Exceptional, ...
    ] = ()  # days of the month on which the office is closed or open otherwise, and why


def choice(session: Session, *, ente_id: int, service_id: int, office_id: int, month: str, day: str) -> Choice:
    """The month asked for, else the first that has a free time. What no calendar has is as if nothing were asked."""
    wanted = queries.service(session, ente_id, service_id)
    today = clock.business_day(clock.now(session))
    last = today + timedelta(days=wanted.limits.horizon_days)
    months = tuple(_months(today, last))
    asked = _day(day) or _day(f"{month}-01")
    shown = asked.replace(day=1) if asked else months[0]
    if shown not in months:
        shown, asked = months[0], None

    def free_in(of: date) -> list[Free]:
        return finding.free_times(
            session, ente_id=ente_id, service_id=service_id, channel=Channel.WEB, first=of, last=_end(of),
            office_id=office_id,
        )  # fmt: skip

    found, first = free_in(shown), None
    if not found:
        later = next((times for one in months if one > shown and (times := free_in(one))), None)
        if later and asked is None:
            shown, found = clock.business_day(later[0].starts_at).replace(day=1), later
        elif later:
            first = clock.business_day(later[0].starts_at)
    by_day: dict[date, list[Free]] = {}
    for one in found:
        by_day.setdefault(clock.business_day(one.starts_at), []).append(one)
    at = _day(day)
    if at not in by_day:
        at = min(by_day, default=None)
    times = by_day.get(at, []) if at else []
    early = tuple(one for one in times if is_morning(one.starts_at))
    return Choice(
        months, shown, {one: len(those) for one, those in by_day.items()}, at, early,
        tuple(times[len(early):]), first,
        _otherwise(queries.plan(session, office_id).exceptions, max(today, shown), _end(shown)),
    )  # fmt: skip


def received(
    session: Session, office_id: int, service_id: int
) -> list[tuple[tuple[int, ...], tuple[tuple[int, int], ...]]]:  # fmt: skip
    """When an office receives for a service in the week of today, or of the day on which it begins to."""
    plan, today = queries.plan(session, office_id), clock.business_day(clock.now(session))
    agenda = next(iter(from_now_on(plan.agendas, today)), None)
    desks = {one.id for one in plan.desks if one.active and (not one.services or service_id in one.services)}
    return week.received(
        one for one in (agenda.windows if agenda else ())
        if one.desk_id in desks and (not one.services or service_id in one.services)
    )  # fmt: skip


def _otherwise(told: Iterable[Exceptional], first: date, last: date) -> tuple[Exceptional, ...]:
    """What the office has written for citizens about days between these two; of single desks they know nothing."""
    near = [one for one in told if one.words and one.desk_id is None and one.first <= last and one.last >= first]
    return tuple(sorted(near, key=lambda one: (one.first, one.last, one.id)))


def written(office_id: int, starts_at: datetime) -> str:
    """A time as a form's field has it: its office, and its instant in UTC."""
    return f"{office_id}@{starts_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def read(text: str) -> tuple[int, datetime]:
    """Such a field, as it came back. Raises `InvalidError`, whatever is wrong with it."""
    office, _, at = text.partition("@")
    office_id = id_of(office)
    try:
        found = near_instant(datetime.fromisoformat(at))
    except ValueError:
        raise InvalidError(NO_TIME, field="time") from None
    if office_id is None or found.tzinfo is None or found.second or found.microsecond:
        raise InvalidError(NO_TIME, field="time")
    return office_id, found.astimezone(UTC)


def with_fields(times: Sequence[Free]) -> list[tuple[str, Free]]:
    """Times with what their fields hold."""
    return [(written(one.office_id, one.starts_at), one) for one in times]


def _day(text: str) -> date | None:
    try:
        return day_of(text)
    except ValueError:
        return None


def _months(first: date, last: date) -> list[date]:
    found = [first.replace(day=1)]
    while _end(found[-1]) < last:
        found.append(_end(found[-1]) + DAY)
    return found


def _end(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY
