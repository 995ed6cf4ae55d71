"""The taxpayer's file as the console shows it: the union, made when read, of one person's rows over the enti."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from crm.contacts import queries as contacts
from crm.contacts.queries import ContactView, ReachView
from crm.core import clock
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.positions import queries as positions
from crm.positions.queries import PositionView
from crm.positions.summary import describe, late_instalments, totals
from crm.timeline import queries as timeline
from crm.timeline.models import EntryKind, TimelineEntry
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Outcome
from telephony.calls.story import IN_PROGRESS, OPENED_BY_MISTAKE


@dataclass(frozen=True, slots=True)
class Instalment:
    """One instalment of a plan."""

    number: int
    due_on: date
    cents: int
    paid_on: date | None
    late: bool


@dataclass(frozen=True, slots=True)
class PositionLine:
    """A position, with the sentence an agent can read aloud."""

    position: PositionView
    sentence: str
    instalments: tuple[Instalment, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One ente's part of the file."""

    ente: Badge
    due_cents: int
    overdue_cents: int
    as_of: datetime
    lines: tuple[PositionLine, ...]


@dataclass(frozen=True, slots=True)
class Happening:
    """An entry of the timeline."""

    occurred_at: datetime
    in_progress: bool
    outcome: Outcome | None  # none while it goes on, and for a file that was opened by mistake
    identified: bool
    topic: Topic | None
    disposition: Disposition | None
    note: str
    talked_s: int | None
    author: str | None
    open_for: timedelta | None = None  # how long the file was open by mistake


@dataclass(frozen=True, slots=True)
class TaxpayerFile:
    """The file of a person, the caller's own ente first."""

    contact_ids: tuple[int, ...]
    name: str
    codice_fiscale: str
    born_on: date | None
    address: str | None
    reach: tuple[ReachView, ...]
    sections: tuple[Section, ...]
    timeline: tuple[Happening, ...]


def read_file(session: Session, contact: ContactView) -> TaxpayerFile:
    """Everything the scope shows of this person."""
    same = contacts.same_person(session, contact)
    ids = [one.id for one in same]
    badges = enti.badges(session, frozenset(one.ente_id for one in same))
    today = clock.business_day(clock.now(session))
    owed = positions.of_contact(session, ids)
    calls = [one for one in timeline.of_contacts(session, ids) if one[0].kind is EntryKind.CALL]
    return TaxpayerFile(
        contact_ids=tuple(ids), name=contact.name, codice_fiscale=contact.codice_fiscale,
        born_on=contact.born_on, address=contact.address.line if contact.address else None, reach=contact.reaches,
        sections=tuple(
            _section(badges[one.ente_id], one, [each for each in owed if each.contact_id == one.id], today)
            for one in same
        ),
        timeline=tuple(_happening(*one) for one in calls),
    )  # fmt: skip


def _section(ente: Badge, contact: ContactView, owed: list[PositionView], today: date) -> Section:
    sums = totals(owed, today)
    as_of = min([contact.as_of, *(each.as_of for each in owed)])
    lines = tuple(_line(each, today) for each in owed)
    return Section(ente, sums.owed, sums.overdue + sums.instalments_late, as_of, lines)


def _line(position: PositionView, today: date) -> PositionLine:
    late = {one.number for one in late_instalments(position, today)}
    return PositionLine(
        position,
        describe(position, today),
        tuple(
            Instalment(one.number, one.due_on, one.cents, one.paid_on, one.number in late)
            for one in position.instalments
        ),
    )


def _happening(entry: TimelineEntry, author: str | None) -> Happening:
    detail = entry.detail
    if entry.status == OPENED_BY_MISTAKE:
        opened, closed = (datetime.fromisoformat(detail[name]) for name in ("opened_at", "closed_at"))
        return Happening(
            occurred_at=opened, in_progress=False, outcome=None, identified=False, topic=None, disposition=None,
            note="", talked_s=None, author=author, open_for=closed - opened,
        )  # fmt: skip
    in_progress = entry.status == IN_PROGRESS
    return Happening(
        occurred_at=entry.occurred_at, in_progress=in_progress,
        outcome=None if in_progress else Outcome(entry.status), identified=detail["identified"],
        topic=Topic(detail["topic"]) if detail["topic"] else None,
        disposition=Disposition(detail["disposition"]) if detail["disposition"] else None,
        note=detail["note"], talked_s=detail["talked_s"], author=author,
    )  # fmt: skip
