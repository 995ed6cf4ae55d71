"""Weekly hours in a sentence, so that nobody has to guess what a form with empty days comes to."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from babel.dates import format_date, get_day_names
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.core import clock
from crm.enti import queries as enti
from crm.enti.calendar import BEGINNING
from crm.enti.details import Week
from web.edge.i18n import LANGUAGES, translations


def in_words(week: Week, language: str) -> str:
    """Such as `lun 08:30-13:00; gli altri giorni chiuso`."""
    gettext = translations(language).gettext
    names = get_day_names("abbreviated", locale=LANGUAGES[language])
    open_days = [f"{names[day]} {hours}" for day, hours in enumerate(week) if hours]
    if not open_days:
        return gettext("sempre chiuso")
    return "; ".join(open_days if len(open_days) == len(week) else [*open_days, gettext("gli altri giorni chiuso")])


def from_now_on(week: Week, common: Week | None, language: str, day: date | None = None) -> str:
    """What hours hold once they are saved; `common` are those of the contract, where an ente's own were written; `day`
    is the one from which they hold, if it is to come.
    """
    gettext = translations(language).gettext
    since = gettext("Da adesso")
    if day is not None:
        since = gettext("Dal {day}").format(day=format_date(day, "d MMMM y", locale=LANGUAGES[language]))
    if common is not None and not any(week):
        return gettext("{since} valgono gli orari del contratto: {hours}.").format(
            since=since, hours=in_words(common, language)
        )
    return f"{since}: {in_words(week, language)}."


class Standing(StrEnum):
    """When weekly hours hold."""

    TO_COME = "to_come"
    NOW = "now"
    PAST = "past"


@dataclass(frozen=True, slots=True)
class HoursInTime:
    """Weekly hours as they were written once, and when they hold; `since` is none for those that held from the first.

    `writer` is none where nobody knows who wrote them.
    """

    id: int
    since: datetime | None
    week: Week
    standing: Standing
    writer: str | None
    written_at: datetime


def hours_in_time(session: Session, contract_id: int, ente_id: int | None) -> list[HoursInTime]:
    """What was written of the hours of a contract, or of an ente's own under it; what comes last is first."""
    now = clock.now(session)
    weeks = enti.weeks(session, contract_id, ente_id)
    writers = access.named(session, {one.written_by for one in weeks if one.written_by is not None})
    shown: list[HoursInTime] = []
    for n, one in enumerate(weeks):
        following = weeks[n + 1].since if n + 1 < len(weeks) else None
        standing = (
            Standing.TO_COME if one.since > now
            else Standing.NOW if following is None or following > now
            else Standing.PAST
        )  # fmt: skip
        since = None if one.since == BEGINNING else one.since
        writer = writers.get(one.written_by) if one.written_by is not None else None
        shown.append(HoursInTime(one.id, since, one.days, standing, writer, one.written_at))
    return shown[::-1]
