"""What administrators write about when lines are open: weekly hours, from an instant on, and special days.

The past is judged by the hours that it had, so nothing here changes them: whoever loses minutes of service cannot make
them up by writing shorter hours afterwards.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.configuration import changed
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti import queries
from crm.enti.administration import own_rows, record, require_under
from crm.enti.calendar import BEGINNING, held_at, spans
from crm.enti.hours import DAYS, parse_day, parse_week, written, written_week
from crm.enti.models import OpeningWeek, SpecialDay


def save_hours(
    session: Session, by: Principal, *, contract_id: int, ente_id: int | None, week: Mapping[int, str],
    day: date | None = None,
) -> None:  # fmt: skip
    """Write the weekly hours of a contract, or an ente's own, which replace them; an empty week gives them up.

    They hold from the beginning of `day`, which is yet to come; without one from now on. What was before stays; a
    contract's first hours hold for calls of before as well, such as another system's.
    """
    require_under(session, by, contract_id, ente_id)
    hours = parse_week(week)
    if ente_id is None and not hours:
        raise InvalidError("Le linee di un contratto hanno bisogno di almeno un orario.")
    now = clock.now(session)
    since = now if day is None or day == clock.business_day(now) else clock.start_of_day(day)
    if since < now:
        raise FieldError("Gli orari dei giorni passati non cambiano: scegli oggi o un giorno futuro.", field="since")
    weeks = queries.weeks(session, contract_id, ente_id)
    old = held_at([one.parsed for one in weeks], since)
    if ente_id is None and not weeks and since == now:
        since = BEGINNING
    changed(session)
    row = OpeningWeek(
        contract_id=contract_id, ente_id=ente_id, since=since, days=list(written_week(hours)), written_by=by.user_id,
        written_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    before, after = ({str(day): written(rows, day) for day in range(DAYS)} for rows in (old, hours))
    if since > now:
        after["since"] = clock.business_day(since).isoformat()
    record(session, by, "hours.changed", ente_id, before, after, contract_id=contract_id)


def withdraw_hours(session: Session, by: Principal, *, week_id: int) -> None:
    """Hours that were written for a day to come do not hold; twice is once. Raises `ConflictError` once they hold."""
    row = session.get(OpeningWeek, week_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questi orari non ci sono.")
    require_under(session, by, row.contract_id, row.ente_id)
    if row.withdrawn_at is not None:
        return
    now = clock.now(session)
    if row.since <= now:
        raise ConflictError("Questi orari valgono già: scrivine altri.")
    changed(session)
    row.withdrawn_by, row.withdrawn_at = by.user_id, now
    before = dict(zip(map(str, range(DAYS)), row.days, strict=True))
    before["since"] = clock.business_day(row.since).isoformat()
    record(session, by, "hours.withdrawn", row.ente_id, before, {}, contract_id=row.contract_id)


def save_special_day(
    session: Session, by: Principal, *, contract_id: int, ente_id: int | None, day: date, hours: str
) -> None:
    """Give a day hours of its own; none written: closed. Raises `FieldError` where that would change the past."""
    require_under(session, by, contract_id, ente_id)
    spans = parse_day(day.weekday(), hours, field="hours")
    if len(spans) > 1:
        raise FieldError("Per un giorno speciale scrivi un orario solo.", field="hours")
    opens, closes = (spans[0].opens, spans[0].closes) if spans else (None, None)
    changed(session)
    with _past_kept(session, contract_id, ente_id, day):
        session.execute(delete(SpecialDay).where(*own_rows(SpecialDay, contract_id, ente_id), SpecialDay.day == day))
        session.add(SpecialDay(contract_id=contract_id, ente_id=ente_id, day=day, opens=opens, closes=closes))
    after = {"day": day.isoformat(), "hours": written(spans, day.weekday())}
    record(session, by, "special_day.changed", ente_id, {}, after, contract_id=contract_id)


def remove_special_day(session: Session, by: Principal, *, special_day_id: int) -> None:
    """The day is like any other again. Twice is once. Raises `FieldError` where that would change the past."""
    row = session.get(SpecialDay, special_day_id)
    if row is None:
        return
    require_under(session, by, row.contract_id, row.ente_id)
    changed(session)
    with _past_kept(session, row.contract_id, row.ente_id, row.day):
        session.delete(row)
    before = {"day": row.day.isoformat(), "hours": _shown(row.opens, row.closes)}
    record(session, by, "special_day.removed", row.ente_id, before, {}, contract_id=row.contract_id)


@contextmanager
def _past_kept(session: Session, contract_id: int, ente_id: int | None, day: date) -> Iterator[None]:
    """Refuse what alters when the lines were open on `day` up to now: by that their minutes of service are judged."""
    now = clock.now(session)
    whose = (ente_id,) if ente_id is not None else (None, *sorted(queries.enti_of(session, contract_id)))

    def been() -> list[list[tuple[datetime, datetime]]]:
        tables = (queries.timetable(session, contract_id, one) for one in whose)
        return [
            [(opens, min(closes, now)) for opens, closes in spans(table, day, 1) if opens < now] for table in tables
        ]

    before = been()
    yield
    session.flush()
    if been() != before:
        raise FieldError(
            "Cambierebbe l'orario di ore già passate: scegli un giorno futuro, o dichiara una chiusura.", field="day"
        )


def _shown(opens: time | None, closes: time | None) -> str:
    return f"{opens:%H:%M}-{closes:%H:%M}" if opens and closes else ""
