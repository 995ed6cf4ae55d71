"""How a contact wants to be dealt with, as he told the centre; what the collection system states stays beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, time
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Row, any_, bindparam, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts import queries
from crm.contacts.models import Channel, Contact, ContactPreference
from crm.contacts.recording import as_json, recordable, trace, words, wrong
from crm.core import clock
from crm.core.db import table_of

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
class Refusal:
    """That a contact will not be called, since when and why; without an instant: that he may be."""

    since: datetime | None = None
    why: str = ""


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


_ROW = table_of(ContactPreference)
_ASKED = (
    select(*(_ROW.c[name] for name in (*_WISHES, *_CALLS)))
    .where(_ROW.c.contact_id == any_(bindparam("contacts", type_=ARRAY(BigInteger))))
    .order_by(_ROW.c.written_at.desc(), _ROW.c.contact_id)
)


def of_contacts(session: Session, contact_ids: Collection[int]) -> Preferences:
    """What a person asked for whose rows these are; nothing when he was never asked.

    The last wishes stand; that he will not be called stands whichever row says so, since the first time.
    """
    return united([_view(row) for row in session.execute(_ASKED, {"contacts": list(contact_ids)})])


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


def do_not_call(session: Session, by: Principal, *, contact_id: int, why: str = "") -> dict[int, Refusal]:
    """He asked not to be called. Asked again, the first time stands. Returns what stood before, by contact."""
    row = _row(session, by, contact_id)
    since = row.do_not_call_since or clock.now(session)
    return {contact_id: _refuse(session, by, row, Refusal(since, words(why, field="why")))}


def call_again(session: Session, by: Principal, *, contact_id: int) -> dict[int, Refusal]:
    """He may be called again, or never asked not to be, whichever of his rows of the ente says so. Returns the same."""
    contact = recordable(session, by, contact_id)
    same = queries.same_person(session, contact_id)
    refusing = session.scalars(
        select(ContactPreference.contact_id)
        .where(
            ContactPreference.contact_id.in_([one.id for one in queries.of_ente(same, contact.ente_id)]),
            ContactPreference.do_not_call_since.is_not(None),
        )
        .order_by(ContactPreference.contact_id)
    ).all()
    return call_as_before(session, by, before=dict.fromkeys(refusing, Refusal()))


def call_as_before(session: Session, by: Principal, *, before: Mapping[int, Refusal]) -> dict[int, Refusal]:
    """For each of these contacts this stands. Returns what stood until now."""
    if any(one.since and one.since > clock.now(session) for one in before.values()):
        raise wrong("La data è nel futuro: ricontrollala.", field="since")
    checked = {id_: Refusal(one.since, words(one.why, field="why")) for id_, one in before.items()}
    return {id_: _refuse(session, by, _row(session, by, id_), one) for id_, one in sorted(checked.items())}


def _refuse(session: Session, by: Principal, row: ContactPreference, refusal: Refusal) -> Refusal:
    was, before = Refusal(row.do_not_call_since, row.do_not_call_why), as_json(row, _CALLS)
    row.do_not_call_since, row.do_not_call_why = refusal.since, refusal.why if refusal.since else ""
    _write(
        session, by, row, "contact.do_not_call" if refusal.since else "contact.call_again", before, _CALLS
    )  # fmt: skip
    return was


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


def _view(row: "ContactPreference | Row[Any]") -> Preferences:
    wishes = Wishes(row.language, row.residential, row.channel, tuple(row.weekdays or ()), row.hours_from, row.hours_to)
    return Preferences(wishes, row.do_not_call_since, row.do_not_call_why)
