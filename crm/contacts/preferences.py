"""How a contact wants to be dealt with, as he told the centre; what the collection system states stays beside it."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.models import Channel, Contact, ContactPreference
from crm.contacts.recording import as_json, recordable, trace, words, wrong
from crm.core import clock

# Those who answer for taxes in Tuscany and Emilia speak these; ISO 639-1.
LANGUAGES = (
    "it", "en", "fr", "de", "es", "pt", "ro", "sq", "uk", "ru", "pl", "ar", "zh", "ur", "bn", "pa", "hi", "tl", "si",
)  # fmt: skip
_WISHES = ("language", "residential", "channel", "weekdays", "hours_from", "hours_to")
_CALLS = ("do_not_call_since", "do_not_call_why")


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a contact asked for; none is what he did not say. `weekdays`: 0 is Monday, none at all is any. The hours
    are Roman time.
    """

    language: str | None = None
    residential: bool | None = None
    channel: Channel | None = None
    weekdays: tuple[int, ...] = ()
    hours_from: time | None = None
    hours_to: time | None = None


NOTHING_ASKED = Wishes()


@dataclass(frozen=True, slots=True)
class Preferences:
    """His wishes, and whether he may be called at all."""

    wishes: Wishes = NOTHING_ASKED
    do_not_call_since: datetime | None = None
    do_not_call_why: str = ""

    @property
    def do_not_call(self) -> bool:
        """Whether he asked not to be called."""
        return self.do_not_call_since is not None


def of_contacts(session: Session, contact_ids: Collection[int]) -> Preferences:
    """What a person asked for whose rows these are; nothing when he was never asked.

    The last wishes stand; that he will not be called stands whichever row says so, since the first time.
    """
    rows = session.scalars(
        select(ContactPreference)
        .where(ContactPreference.contact_id.in_(contact_ids))
        .order_by(ContactPreference.written_at.desc(), ContactPreference.contact_id)
    )
    return united([_view(row) for row in rows])


def united(told: Sequence[Preferences]) -> Preferences:
    """The preferences of one person as his rows have them, the last written first. Pure."""
    wishes = next((one.wishes for one in told if one.wishes != NOTHING_ASKED), NOTHING_ASKED)
    refusals = {one.do_not_call_since: one.do_not_call_why for one in told if one.do_not_call_since}
    if not refusals:
        return Preferences(wishes)
    first = min(refusals)
    return Preferences(wishes, first, refusals[first])


def wish(session: Session, by: Principal, *, contact_id: int, wishes: Wishes) -> Wishes:
    """Write down what he asks for. Returns what he had asked for before."""
    row = _row(session, by, contact_id)
    _check(wishes, row)
    was, before = _view(row).wishes, as_json(row, _WISHES)
    for name, value in asdict(wishes).items():
        setattr(row, name, sorted(set(value)) if name == "weekdays" else value)
    _write(session, by, row, "preference.written", before, _WISHES)
    return was


def do_not_call(session: Session, by: Principal, *, contact_id: int, why: str = "") -> None:
    """He asked not to be called. Asked again, the first time stands."""
    row = _row(session, by, contact_id)
    before = as_json(row, _CALLS)
    row.do_not_call_since = row.do_not_call_since or clock.now(session)
    row.do_not_call_why = words(why, field="why")
    _write(session, by, row, "contact.do_not_call", before, _CALLS)


def call_again(session: Session, by: Principal, *, contact_id: int) -> None:
    """He may be called again, or never asked not to be."""
    row = _row(session, by, contact_id)
    before = as_json(row, _CALLS)
    row.do_not_call_since, row.do_not_call_why = None, ""
    _write(session, by, row, "contact.call_again", before, _CALLS)


def _row(session: Session, by: Principal, contact_id: int) -> ContactPreference:
    contact: Contact = recordable(session, by, contact_id)
    row = session.get(ContactPreference, contact_id, populate_existing=True)
    if row is None:
        row = ContactPreference(
            contact_id=contact_id, ente_id=contact.ente_id, weekdays=[], do_not_call_why="",
            written_at=clock.now(session), written_by=by.user_id,
        )  # fmt: skip
        session.add(row)
        session.flush()
    return row


def _check(wishes: Wishes, row: ContactPreference) -> None:
    if wishes.language is not None and wishes.language not in {*LANGUAGES, row.language}:
        raise wrong("Scegli una lingua dell'elenco.", field="language")
    if not set(wishes.weekdays) <= set(range(7)):
        raise wrong("Scegli i giorni dell'elenco.", field="weekdays")
    match wishes.hours_from, wishes.hours_to:
        case (None, time()):
            raise wrong("Scrivi anche da che ora.", field="hours_from")
        case (time(), None):
            raise wrong("Scrivi anche fino a che ora.", field="hours_to")
        case (time() as starts, time() as ends) if ends <= starts:
            raise wrong("La fine viene prima dell'inizio: ricontrolla le ore.", field="hours_to")


def _write(
    session: Session, by: Principal, row: ContactPreference, kind: str, before: dict[str, Any], names: tuple[str, ...]
) -> None:
    row.written_at, row.written_by = clock.now(session), by.user_id
    session.flush()
    trace(session, by, kind, ente_id=row.ente_id, contact_id=row.contact_id, before=before, after=as_json(row, names))


def _view(row: ContactPreference) -> Preferences:
    wishes = Wishes(row.language, row.residential, row.channel, tuple(row.weekdays or ()), row.hours_from, row.hours_to)
    return Preferences(wishes, row.do_not_call_since, row.do_not_call_why)
