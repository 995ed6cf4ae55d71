"""What the staff prepare: desks, services, agendas, first drafted and then published, exceptions, quotas.

Nothing of it touches an appointment. A change that would leave some outside what is open says which, and is made only
once somebody has seen them all: they stay as they are, to be moved or cancelled, and their people are told then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache, partial
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.queries import able_on
from crm.access.service import require_on
from crm.agendas import queries, sites
from crm.agendas.errors import DisplacedError
from crm.agendas.external.queries import Busy, busy, left_open
from crm.agendas.models import (
    MOST_PLACES,
    AgendaState,
    AgendaWindow,
    AppointmentSetting,
    BookableService,
    ChannelQuota,
    Desk,
    OfficeAgenda,
    OfficeException,
    ServiceClerk,
    ServiceOffice,
)
from crm.agendas.plan import Exceptional, Open, Plan, Window, open_on
from crm.agendas.queries import AppointmentView
from crm.agendas.rules import Channel
from crm.agendas.slots import Seat, Taken, misplaced
from crm.agendas.times import Stretch
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti.models import Office

LANGUAGES = ("it", "en", "de")
LONGEST = {"name": 80, "description": 1000, "bring": 1000}
# What a service may be set to: least, most and what it is without being told, by its field.
RANGES = {
    "duration": (5, 480, 20), "buffer": (0, 120, 0), "step": (5, 480, 20), "notice": (0, 43_200, 120),
    "horizon_days": (1, 366, 60), "cutoff": (0, 43_200, 120), "per_day": (1, 50, 1), "ahead": (1, 50, 1),
    "moves": (0, 50, 3),
}  # fmt: skip
NOBODY: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class ServiceTold:
    """A service as it is written: texts by language, numbers as in `RANGES`."""

    texts: Mapping[str, Mapping[str, str]]  # name, description, bring, each by language
    numbers: Mapping[str, int]
    offices: frozenset[int]
    clerks: frozenset[int] = frozenset()
    needs_code: bool = False
    active: bool = True
    rank: int = 0
    by_voice: bool = True
    walk_ins: int | None = None  # numbers that a kiosk gives for it a day, at each office; none: any


def save_desk(
    session: Session, by: Principal, *, ente_id: int, office_id: int, desk_id: int | None = None, name: str,
    services: Collection[int] = (), active: bool = True, rank: int = 0, seen: frozenset[UUID] = NOBODY,
) -> int:  # fmt: skip
    """Add a desk, or change one; its id. One that is used no more stays, with what happened there."""
    _office(session, by, ente_id, office_id)
    name = " ".join(name.split())
    if not name or len(name) > 60:
        raise FieldError("Scrivi come si chiama lo sportello, in al massimo 60 caratteri.", "name")
    _require_services(session, ente_id, services)
    taken = select(Desk.id).where(Desk.office_id == office_id, Desk.name == name, Desk.id != (desk_id or 0))
    if session.execute(taken).first() is not None:
        raise FieldError("In questo ufficio c'è già uno sportello con questo nome.", "name")
    row = Desk(ente_id=ente_id, office_id=office_id) if desk_id is None else _desk(session, office_id, desk_id)
    values = {"name": name, "services": sorted(services), "active": active, "rank": rank}

    def write() -> None:
        for field, value in values.items():
            setattr(row, field, value)
        session.add(row)

    _change(session, by, office_id, write, kind="desk.changed", after={**values, "office_id": office_id}, seen=seen)
    return row.id


def save_service(
    session: Session, by: Principal, *, ente_id: int, service_id: int | None = None, told: ServiceTold
) -> int:  # fmt: skip
    """Add a service, or change one; its id. What is booked keeps its length."""
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    _check(told)
    offices = set(session.scalars(select(Office.id).where(Office.ente_id == ente_id)))
    if not told.offices <= offices:
        raise InvalidError("Uno degli uffici non c'è più: ricarica la pagina.", field="offices")
    if not told.clerks <= set(able(session, ente_id)):
        raise InvalidError("Chi scegli deve lavorare per l'ente agli appuntamenti: ricarica la pagina.", field="clerks")
    changed(session)
    row = BookableService(ente_id=ente_id) if service_id is None else session.get(BookableService, service_id)
    if row is None or row.ente_id != ente_id:
        raise NotFoundError("Questo servizio non esiste.")
    for field in LONGEST:
        setattr(row, field, _written(told.texts.get(field, {})))
    for field, (_, _, usual) in RANGES.items():
        setattr(row, field, told.numbers.get(field, usual))
    row.needs_code, row.by_voice, row.active, row.rank = told.needs_code, told.by_voice, told.active, told.rank
    row.walk_ins = told.walk_ins
    session.add(row)
    session.flush()
    for model in (ServiceOffice, ServiceClerk):
        session.execute(delete(model).where(model.service_id == row.id))
    session.add_all(ServiceOffice(service_id=row.id, office_id=one, ente_id=ente_id) for one in sorted(told.offices))
    session.add_all(ServiceClerk(service_id=row.id, user_id=one, ente_id=ente_id) for one in sorted(told.clerks))
    session.flush()
    after = {"name": row.name.get("it"), **told.numbers, "active": row.active, "offices": sorted(told.offices)}
    audit.note(session, by, kind="service.changed", ente_id=ente_id, subject=f"service:{row.id}", after=after)
    touch(session, topics.ente(ente_id))
    return row.id


def able(session: Session, ente_id: int) -> dict[int, str]:
    """Who may be named as serving a service of an ente: whoever now works on its appointments. Names by id."""
    return able_on(session, Permission.APPOINTMENT_MANAGE, ente_id=ente_id)


def draft(session: Session, by: Principal, *, ente_id: int, office_id: int) -> int:
    """The agenda that is being prepared: the one there is, or a copy of the last that was published; its id."""
    _office(session, by, ente_id, office_id)
    own = (OfficeAgenda.office_id == office_id, OfficeAgenda.state == AgendaState.DRAFT)
    if (there := session.scalar(select(OfficeAgenda.id).where(*own))) is not None:
        return there
    last = session.scalars(
        select(OfficeAgenda).where(OfficeAgenda.office_id == office_id).order_by(OfficeAgenda.version.desc()).limit(1)
    ).one_or_none()
    changed(session)
    row = OfficeAgenda(
        ente_id=ente_id, office_id=office_id, version=last.version + 1 if last else 1, state=AgendaState.DRAFT,
        valid_from=clock.business_day(clock.now(session)) + timedelta(days=1), valid_to=None, made_by=by.user_id,
        observes_holidays=last.observes_holidays if last else True,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if last is not None:
        _put(session, row, queries.as_agenda(session, last).windows)
    return row.id


def save_draft(
    session: Session, by: Principal, *, ente_id: int, office_id: int, windows: Sequence[Window], valid_from: date,
    valid_to: date | None = None, observes_holidays: bool = True,
) -> int:  # fmt: skip
    """Write the week that is being prepared, whole; its id. Citizens see nothing of it. Raises `InvalidError`."""
    row = _draft(session, draft(session, by, ente_id=ente_id, office_id=office_id))
    if valid_to is not None and valid_to < valid_from:
        raise FieldError("L'ultimo giorno viene prima del primo.", "valid_to")
    desks = {one.id for one in queries.desks(session, office_id)}
    for one in windows:
        if one.desk_id not in desks or not 0 <= one.weekday <= 6 or not 1 <= one.places <= MOST_PLACES:
            raise InvalidError("Uno degli sportelli non c'è più: ricarica la pagina.")
        _require_services(session, ente_id, one.services)
    if overlap := _overlap(windows):
        raise InvalidError("Due orari dello stesso sportello si accavallano.", field=f"window-{overlap}")
    changed(session)
    row.valid_from, row.valid_to, row.observes_holidays = valid_from, valid_to, observes_holidays
    _put(session, row, windows)
    return row.id


def drop_draft(session: Session, by: Principal, *, ente_id: int, office_id: int) -> None:
    """It is not to be. Twice is once."""
    _office(session, by, ente_id, office_id)
    own = (OfficeAgenda.office_id == office_id, OfficeAgenda.state == AgendaState.DRAFT)
    row = session.scalars(select(OfficeAgenda).where(*own)).one_or_none()
    if row is not None:
        changed(session)
        session.execute(delete(AgendaWindow).where(AgendaWindow.agenda_id == row.id))
        session.delete(row)
        session.flush()


def publish(
    session: Session, by: Principal, *, ente_id: int, office_id: int, seen: frozenset[UUID] = NOBODY,
    public_url: str = "",
) -> int:  # fmt: skip
    """Let citizens book by the week that was prepared, from its first day on, at `public_url`; its id.

    Raises `DisplacedError` while appointments would be left outside that `seen` does not name.
    """
    _office(session, by, ente_id, office_id)
    own = (OfficeAgenda.office_id == office_id, OfficeAgenda.state == AgendaState.DRAFT)
    row = session.scalars(select(OfficeAgenda).where(*own).with_for_update()).one_or_none()
    if row is None:
        raise ConflictError("Non c'è un'agenda da pubblicare: qualcuno l'ha già pubblicata, o eliminata.")

    def write() -> None:
        row.state, row.published_at, row.published_by = AgendaState.PUBLISHED, clock.now(session), by.user_id

    after = {"version": row.version, "valid_from": row.valid_from.isoformat(), "office_id": office_id}
    _change(session, by, office_id, write, kind="agenda.published", after=after, seen=seen)
    sites.open_pages(session, by, ente_id=ente_id, public_url=public_url)
    return row.id


def displaced_by_draft(session: Session, office_id: int) -> list[AppointmentView]:
    """What publishing the draft would leave outside."""
    own = (OfficeAgenda.office_id == office_id, OfficeAgenda.state == AgendaState.DRAFT)
    row = session.scalars(select(OfficeAgenda).where(*own)).one_or_none()
    if row is None:
        return []
    plan = queries.plan(session, office_id)
    return displaced(session, plan, replace(plan, agendas=(*plan.agendas, queries.as_agenda(session, row))))


def displaced(session: Session, before: Plan, after: Plan) -> list[AppointmentView]:
    """The appointments ahead that a plan holds, and another does not."""
    then, now = _open_by_day(before), _open_by_day(after)
    return [one for one in queries.ahead(session, after.office_id) if _outside(now, one) and not _outside(then, one)]


def outside(session: Session, office_id: int) -> list[AppointmentView]:
    """The appointments ahead that no open stretch holds any more, or that lie where an external calendar of the office
    is busy: they wait to be moved or cancelled.
    """
    plan, ahead = queries.plan(session, office_id), queries.ahead(session, office_id)
    if not ahead:
        return []
    days = [clock.business_day(one.starts_at) for one in ahead]
    away = busy(session, [office_id], min(days), max(days))
    opened = _open_by_day(plan)
    return [one for one in ahead if _outside(opened, one, away)]


def add_exception(
    session: Session, by: Principal, *, ente_id: int, office_id: int, told: Exceptional, seen: frozenset[UUID] = NOBODY
) -> int:  # fmt: skip
    """Days on which the office, or one desk, is closed or open otherwise; its id. Raises as `publish` does."""
    _office(session, by, ente_id, office_id)
    words = " ".join(told.words.split())
    if told.last < told.first or (told.last - told.first).days > 366:
        raise FieldError("L'ultimo giorno viene prima del primo, o dopo più di un anno.", "last")
    if (told.opens is None) is not (told.closes is None) or (told.opens is None and not told.closed):
        raise FieldError("Scrivi da che ora a che ora.", "hours")
    if len(words) > 200:
        raise FieldError("Il motivo è troppo lungo: al massimo 200 caratteri.", "words")
    if told.desk_id is not None:
        _desk(session, office_id, told.desk_id)
    row = OfficeException(
        ente_id=ente_id, office_id=office_id, desk_id=told.desk_id, first=told.first, last=told.last,
        closed=told.closed, opens=told.opens, closes=told.closes, words=words, written_by=by.user_id,
        written_at=clock.now(session),
    )  # fmt: skip
    after = {"first": told.first.isoformat(), "last": told.last.isoformat(), "closed": told.closed, "words": words}
    _change(session, by, office_id, lambda: session.add(row), kind="office.exception_added", after=after, seen=seen)
    return row.id


def remove_exception(
    session: Session, by: Principal, *, ente_id: int, exception_id: int, seen: frozenset[UUID] = NOBODY
) -> None:  # fmt: skip
    """Those days are like any other again. Twice is once. Raises as `publish` does."""
    row = session.get(OfficeException, exception_id)
    if row is None or row.ente_id != ente_id:
        return
    _office(session, by, ente_id, row.office_id)
    after = {"first": row.first.isoformat(), "last": row.last.isoformat()}
    _change(
        session, by, row.office_id, lambda: session.delete(row), kind="office.exception_removed", after=after, seen=seen
    )  # fmt: skip


def set_quota(
    session: Session, by: Principal, *, ente_id: int, office_id: int, channel: Channel, share: int | None
) -> None:  # fmt: skip
    """How many per cent of an office's day a channel may give away; none: all of it."""
    _office(session, by, ente_id, office_id)
    if share is not None and not 0 <= share <= 100:
        raise FieldError("Scrivi una percentuale da 0 a 100.", "share")
    changed(session)
    session.execute(
        delete(ChannelQuota).where(ChannelQuota.office_id == office_id, ChannelQuota.channel == channel)
    )  # fmt: skip
    if share is not None:
        session.add(ChannelQuota(ente_id=ente_id, office_id=office_id, channel=channel, share=share))
    session.flush()
    after = {"channel": channel.value, "share": share, "office_id": office_id}
    audit.note(session, by, kind="quota.changed", ente_id=ente_id, subject=f"office:{office_id}", after=after)


def set_kept_days(session: Session, by: Principal, *, ente_id: int, days: int) -> None:
    """For how many days after his appointment it is kept who came, if he is on no file. Raises `FieldError`."""
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    if not 1 <= days <= 3650:
        raise FieldError("Scrivi i giorni con un numero intero, da 1 a 3650.", "days")
    changed(session)
    before = queries.kept_days(session, ente_id)
    row = session.get(AppointmentSetting, ente_id) or AppointmentSetting(ente_id=ente_id)
    row.kept_days = days
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="appointments.kept_changed", ente_id=ente_id, subject="appointments", before={"days": before},
        after={"days": days},
    )  # fmt: skip


def _change(
    session: Session, by: Principal, office_id: int, write: Callable[[], None], *, kind: str, after: Mapping[str, Any],
    seen: frozenset[UUID],
) -> None:  # fmt: skip
    """Change what is open, unless that would displace appointments that nobody has seen."""
    before = queries.plan(session, office_id)
    changed(session)
    write()
    session.flush()
    lost = displaced(session, before, queries.plan(session, office_id))
    if {one.id for one in lost} - seen:
        raise DisplacedError([one.id for one in lost])
    ente_id = queries.office(session, office_id).ente_id
    told = {**after, "left_outside": len(lost)} if lost else after
    audit.note(session, by, kind=kind, ente_id=ente_id, subject=f"office:{office_id}", after=told)
    touch(session, topics.office(office_id))


def _open_by_day(plan: Plan) -> Callable[[date], list[Open]]:
    """What is open on a day, worked out once for all who come on it."""
    return cache(partial(open_on, plan))


def _outside(opened: Callable[[date], list[Open]], one: AppointmentView, away: Collection[Busy] = ()) -> bool:
    served = Stretch(one.starts_at, one.ends_at)
    near = [each for each in away if each.when.overlaps(served)]
    left = left_open(opened(clock.business_day(one.starts_at)), near)
    return misplaced(left, Taken(Seat(one.desk_id, one.place), served), one.service_id, served)


def _office(session: Session, by: Principal, ente_id: int, office_id: int) -> None:
    """The office, locked against whoever else prepares it. Raises `NotFoundError`, or `ForbiddenError`."""
    require_on(session, by, Permission.AGENDA_MANAGE, ente_id=ente_id)
    if queries.office(session, office_id).ente_id != ente_id:
        raise NotFoundError("Questo ufficio non esiste.")
    session.execute(select(func.pg_advisory_xact_lock(ente_id, -office_id)))


def _desk(session: Session, office_id: int, desk_id: int) -> Desk:
    row = session.get(Desk, desk_id)
    if row is None or row.office_id != office_id:
        raise NotFoundError("Questo sportello non esiste.")
    return row


def _draft(session: Session, agenda_id: int) -> OfficeAgenda:
    return session.get_one(OfficeAgenda, agenda_id, with_for_update=True, populate_existing=True)


def _put(session: Session, row: OfficeAgenda, windows: Sequence[Window]) -> None:
    session.execute(delete(AgendaWindow).where(AgendaWindow.agenda_id == row.id))
    session.add_all(
        AgendaWindow(
            ente_id=row.ente_id, agenda_id=row.id, desk_id=one.desk_id, weekday=one.weekday, opens=one.opens,
            closes=one.closes, places=one.places, services=sorted(one.services),
        )
        for one in windows
    )  # fmt: skip
    session.flush()


def _overlap(windows: Sequence[Window]) -> int:
    """The place, from one, of a window that begins before another of its desk has ended; 0: none does."""
    placed = sorted(enumerate(windows, 1), key=lambda one: (one[1].desk_id, one[1].weekday, one[1].opens))
    for (_, one), (place, other) in pairwise(placed):
        same = (one.desk_id, one.weekday) == (other.desk_id, other.weekday)
        if same and (other.opens < one.closes or one.closes.hour == one.closes.minute == 0):
            return place
    for place, one in enumerate(windows, 1):
        if one.closes <= one.opens and (one.closes.hour or one.closes.minute):
            return place
    return 0


def _require_services(session: Session, ente_id: int, services: Collection[int]) -> None:
    if not set(services) <= {one.id for one in queries.services(session, ente_id)}:
        raise InvalidError("Uno dei servizi non c'è più: ricarica la pagina.", field="services")


def _check(told: ServiceTold) -> None:
    wrong = [
        InvalidError("È troppo lungo: abbrevialo.", field=f"{field}_{language}")
        for field, texts in told.texts.items()
        for language, text in texts.items()
        if language not in LANGUAGES or len(text) > LONGEST[field]
    ]
    if not told.texts.get("name", {}).get("it", "").strip():
        wrong.append(InvalidError("Scrivi come si chiama.", field="name_it"))
    for field, number in told.numbers.items():
        least, most, _ = RANGES[field]
        if not least <= number <= most:
            wrong.append(InvalidError(f"Scrivi un numero da {least} a {most}.", field=field))
    if told.walk_ins is not None and not 0 <= told.walk_ins <= 1000:
        wrong.append(InvalidError("Scrivi un numero da 0 a 1000.", field="walk_ins"))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)


def _written(texts: Mapping[str, str]) -> dict[str, str]:
    return {language: text.strip() for language, text in texts.items() if text.strip()}
