"""The taxpayer's file as it is shown: the union, made when read, of one person's rows over the enti.

What may not be told to whom the file is open before never leaves the server.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.collection import queries as collection
from crm.collection.sources import lookups
from crm.contacts import card as cards
from crm.contacts import queries as contacts
from crm.contacts.card import Summary
from crm.contacts.disclosure import GENERAL, Matter
from crm.contacts.models import ReachKind
from crm.contacts.queries import ContactView, ReachView
from crm.core import clock
from crm.documents import queries as documents
from crm.documents.queries import DocumentView
from crm.enti import details
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.files import letters, news, refreshing
from crm.files import queries as files
from crm.files.queries import Opening
from crm.positions import queries as positions
from crm.positions.history import Happening, Sort, history
from crm.positions.models import PositionState, Tax
from crm.positions.payable import Payable, payable_now, qr_content, qr_svg
from crm.positions.relief import reliefs
from crm.positions.summary import (
    Totals,
    describe,
    grouped,
    has_lapsed,
    is_lapsed_plan,
    late_instalments,
    missed_instalments,
    owed_cents,
    totals,
)
from crm.positions.views import InstalmentView, PaymentView, PositionView
from crm.timeline import queries as timeline
from crm.timeline.models import EntryKind
from crm.timeline.queries import ALL, Filter
from outbound.field.practices import queries as practices
from outbound.field.practices.queries import Open
from outbound.outcomes import queries as outcomes
from outbound.outcomes.queries import OfCampaign
from telephony.mail import waiting
from telephony.mail.models import MailThread
from web.files.entries import Shown, shown

# What a line of the history is about, and which topic covers it.
SAID_UNDER = {Sort.PAYMENT: Matter.PAYMENTS, Sort.PLAN: Matter.PLANS, Sort.INSTALMENT: Matter.PLANS}


@dataclass(frozen=True, slots=True)
class Shows:
    """Which parts may be shown."""

    amounts: bool
    acts: bool
    payments: bool
    plans: bool
    contact_data: bool
    documents: bool

    @classmethod
    def of(cls, told: frozenset[Matter]) -> "Shows":
        """By the matters that may be told."""
        return cls(**{name: name in told for name in cls.__dataclass_fields__})

    @property
    def debts(self) -> bool:
        """Whether anything of what is owed may be told, were it the sums alone."""
        return self.amounts or self.acts or self.payments or self.plans

    @property
    def nothing(self) -> bool:
        """Whether only general matters may be spoken of."""
        return not any(getattr(self, name) for name in self.__dataclass_fields__)

    @property
    def everything(self) -> bool:
        """Whether nothing has to be kept back."""
        return all(getattr(self, name) for name in self.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Line:
    """A position in the list. `news` are the payments that arrived since the file was opened; `late`, that rates of its
    plan are; `lapsed`, that the plan is over and the whole payable."""

    position: PositionView
    owed: int  # cents
    news: tuple[PaymentView, ...]
    late: bool
    lapsed: bool


@dataclass(frozen=True, slots=True)
class TaxGroup:
    """What is owed for one tax."""

    tax: Tax
    totals: Totals
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One ente's part of the file. Stale: older than the ente is promised. `gone_since`: it no longer has him. `asks`:
    of which of his rows the gestionale may be asked for the present state; none: it does not answer about one taxpayer.
    """

    ente: Badge
    shows: Shows
    totals: Totals
    as_of: datetime
    stale: bool
    gone_since: datetime | None
    groups: tuple[TaxGroup, ...]
    asks: int | None = None


@dataclass(frozen=True, slots=True)
class TaxpayerFile:
    """The file of a person, the asked-for ente first."""

    contact_ids: tuple[int, ...]
    left_out: tuple[tuple[int, Badge], ...]  # rows of other enti that were not opened, each ente's first
    name: str
    codice_fiscale: str
    born_on: date | None
    birthplace: str | None
    address: str | None
    reach: tuple[ReachView, ...]
    opening: Opening
    shows: Shows
    sections: tuple[Section, ...]
    news: tuple[PaymentView, ...]
    documents: tuple[DocumentView, ...]
    timeline: "TimelinePart"
    card: Summary
    kinds: tuple[EntryKind, ...] = tuple(EntryKind)
    campaigns: tuple[OfCampaign, ...] = ()  # that tried to reach him
    visited: Open | None = None  # the practice for which he is to be visited
    wrote: tuple[MailThread, ...] = ()  # conversations in which he waits for an answer

    @property
    def lines(self) -> int:
        """How many positions there are."""
        return sum(len(group.lines) for section in self.sections for group in section.groups)


@dataclass(frozen=True, slots=True)
class TimelinePart:
    """Some of the timeline, and what leads to the rest. Its list is told from those of other openings by `key`."""

    contact_id: int
    key: str
    entries: tuple[Shown, ...]
    only: Filter
    after: str  # the cursor of the next part; empty when there is none

    @property
    def version(self) -> str:
        """Changes when what is shown does."""
        return sha256(repr(self.entries).encode()).hexdigest()[:12]

    @property
    def is_filtered(self) -> bool:
        """Whether there may be others."""
        return self.only != ALL


@dataclass(frozen=True, slots=True)
class Notice:
    """Something payable, with what is read out or scanned to pay it."""

    payable: Payable
    qr: str


@dataclass(frozen=True, slots=True)
class Detail:
    """A position, opened."""

    position: PositionView
    owed: int  # cents
    ente: Badge
    creditor: str  # the ente's codice fiscale
    shows: Shows
    sentence: str
    history: tuple[Happening, ...]
    late: frozenset[int]  # numbers of the rates that are late
    plan: tuple[InstalmentView, ...]
    notices: tuple[Notice, ...]
    ways: tuple[str, ...]  # to pay, in the ente's own words; none where it has not said
    documents: tuple[DocumentView, ...]
    proofs: Mapping[str, DocumentView]
    reliefs: tuple[date, ...] = ()  # days of those about which there is a letter
    hands: bool = False  # whoever the letter is for is there


def read_file(session: Session, by: Principal, person: Sequence[ContactView], opening: Opening) -> TaxpayerFile:
    """Everything that the opening shows him of a person, whose rows in the scope these are (`contacts.same_person`)."""
    contact = person[0]
    same = [one for one in person if one.id in opening.contact_ids]
    ids = [one.id for one in same]
    shows = {one: Shows.of(opening.told[one]) for one in ids}
    owed = positions.of_contact(session, [one for one in ids if shows[one].debts], brief=True)
    new = {
        one.id: news.arrived(one, opening.seen)
        for one in owed
        if shows[one.contact_id].payments and shows[one.contact_id].amounts
    }
    asked = shows[contact.id]
    return TaxpayerFile(
        contact_ids=tuple(ids), left_out=_left_out(session, person, same), name=contact.name,
        codice_fiscale=contact.codice_fiscale,
        born_on=contact.born_on if asked.contact_data else None,
        birthplace=contact.birthplace if asked.contact_data else None,
        address=contact.address.line if asked.contact_data and contact.address else None,
        reach=_reaches(contacts.of_ente(same, contact.ente_id)) if asked.contact_data else (), opening=opening,
        shows=asked,
        sections=_sections(session, same, shows, owed, new), news=tuple(paid for some in new.values() for paid in some),
        documents=tuple(documents.of_contacts(session, [one for one in ids if shows[one].documents])),
        timeline=_timeline(session, same, opening),
        card=cards.summary(session, same),
        campaigns=tuple(outcomes.of_person(session, [one for one in ids if shows[one].amounts])),
        visited=practices.open_of(session, [one for one in ids if shows[one].amounts]),
        wrote=tuple(waiting.of_contacts(session, by, [one for one in ids if not opening.told[one] <= GENERAL])),
    )  # fmt: skip


def read_timeline(
    session: Session, contact_id: int, opening: Opening, *, only: Filter = ALL, after: str = "", least: int = 0
) -> TimelinePart:
    """A part of the timeline of the person's rows, as far as they are open: a page, or so many entries as are shown
    already.
    """
    same = contacts.same_person(session, contact_id)
    rows = [one for one in same if one.id in opening.contact_ids]
    return _timeline(session, rows, opening, only=only, after=after, least=least)


def _timeline(
    session: Session, same: Sequence[ContactView], opening: Opening, *, only: Filter = ALL, after: str = "",
    least: int = 0,
) -> TimelinePart:  # fmt: skip
    """Of rows about which whoever listens may hear general matters alone, nothing is told."""
    ids = [one.id for one in same if not opening.told[one.id] <= GENERAL]
    found = timeline.of_contacts(
        session, ids, only=only, after=timeline.cursor(after), limit=max(timeline.PAGE, least)
    )  # fmt: skip
    entries = tuple(shown(entry, author, opening.told[entry.contact_id]) for entry, author in found.entries)
    key = f"{same[0].id}-{opening.opened_at:%Y%m%d%H%M%S%f}"
    return TimelinePart(same[0].id, key, entries, only, found.after.written if found.after else "")


def read_detail(session: Session, position: PositionView, opening: Opening) -> Detail:
    """A position with its history, what can be paid of it, and its documents."""
    shows = Shows.of(opening.told[position.contact_id])
    today = clock.business_day(clock.now(session))
    position = told_of(position, shows)
    listed = documents.of_contacts(session, [position.contact_id]) if shows.documents else []
    own = tuple(one for one in listed if one.position_reference == position.reference)
    return Detail(
        position=position, owed=owed_cents(position),
        ente=enti.badges(session, frozenset({position.ente_id}))[position.ente_id],
        creditor=enti.creditor_code(session, position.ente_id), shows=shows,
        sentence=describe(position, today) if shows.everything else "",
        history=tuple(one for one in history(position, today) if _may_be_said(one, shows)),
        late=frozenset(one.number for one in missed_instalments(position, today)),
        plan=position.instalments if shows.plans and shows.amounts else (),
        notices=tuple(_notices(session, position, today)) if shows.amounts and shows.payments else (),
        ways=details.payment_ways(session, position.ente_id), documents=own,
        proofs={one.reference: one for one in listed},
        reliefs=tuple(reliefs(position, today)) if opening.told[position.contact_id] >= set(letters.NEEDED) else (),
        hands=opening.purpose in letters.PRESENT,
    )  # fmt: skip


def _sections(
    session: Session, same: list[ContactView], shows: Mapping[int, Shows], owed: list[PositionView],
    new: Mapping[int, tuple[PaymentView, ...]],
) -> tuple[Section, ...]:  # fmt: skip
    at = clock.now(session)
    today = clock.business_day(at)
    ente_ids = frozenset(one.ente_id for one in same)
    badges, promised = enti.badges(session, ente_ids), files.promises(session, ente_ids)
    heard = collection.heard(session, ente_ids)
    unanswered = collection.unanswered(session, [one.id for one in same])
    answered = lookups.last(session, [one.id for one in same])
    groups = grouped([one for one in owed if shows[one.contact_id].acts], today)
    sections = []
    for ente_id in dict.fromkeys(one.ente_id for one in same):
        mine = [one for one in owed if one.ente_id == ente_id]
        rows = [row for row in same if row.ente_id == ente_id]
        oldest = min([one.as_of for one in mine] + [row.as_of for row in rows])
        as_of = oldest if ente_id in unanswered else max(oldest, heard.get(ente_id, oldest))
        answers = [one.as_of for row in rows if (one := answered.get(row.id)) is not None and one.as_of is not None]
        if len(answers) == len(rows):
            as_of = max(as_of, min(answers))
        sections.append(
            Section(
                badges[ente_id], shows[rows[0].id], totals(mine, today), as_of, as_of < at - promised[ente_id],
                _gone_since(rows),
                tuple(
                    TaxGroup(
                        one.tax, one.totals,
                        tuple(_line(told_of(each, shows[each.contact_id]), new, today) for each in one.positions),
                    )
                    for one in groups
                    if one.ente_id == ente_id
                ),
                rows[0].id if refreshing.offered(session, ente_id) else None,
            )
        )  # fmt: skip
    return tuple(sections)


def _left_out(
    session: Session, everywhere: Sequence[ContactView], same: Sequence[ContactView]
) -> tuple[tuple[int, Badge], ...]:  # fmt: skip
    """Other enti that have the person, and whose rows are not open: they may want other answers than he gave."""
    there = {one.ente_id for one in same}
    first = {one.ente_id: one.id for one in reversed(everywhere) if one.ente_id not in there}
    badges = enti.badges(session, frozenset(first))
    return tuple((first[ente_id], badges[ente_id]) for ente_id in sorted(first))


def _reaches(rows: Iterable[ContactView]) -> tuple[ReachView, ...]:
    """How to reach him, each way once."""
    found: dict[tuple[ReachKind, str], ReachView] = {}
    for one in (one for row in rows for one in row.reaches):
        found.setdefault((one.kind, one.value), one)
    return tuple(found.values())


def _gone_since(rows: list[ContactView]) -> datetime | None:
    """Since when the collection system has none of these rows any more; none while it has one."""
    withdrawn = [row.withdrawn_as_of for row in rows if row.withdrawn_as_of]
    return max(withdrawn) if len(withdrawn) == len(rows) else None


def _line(position: PositionView, new: Mapping[int, tuple[PaymentView, ...]], today: date) -> Line:
    late = bool(late_instalments(position, today))
    return Line(position, owed_cents(position), new.get(position.id, ()), late, is_lapsed_plan(position))


def _may_be_said(one: Happening, shows: Shows) -> bool:
    may: bool = getattr(shows, SAID_UNDER.get(one.sort, Matter.ACTS))
    with_amounts = one.sort in {Sort.PAYMENT, Sort.INSTALMENT}
    return may and (shows.amounts or not with_amounts)


def told_of(position: PositionView, shows: Shows) -> PositionView:
    """A position without what may not be told. Without its plan it is one debt, whose first due date means nothing."""
    if not shows.amounts:
        position = replace(position, steps=tuple(replace(step, cents=None) for step in position.steps))
    if not shows.plans and (position.plan or position.instalments or position.state is PositionState.IN_INSTALMENTS):
        state, due_on = position.state, position.due_on
        if state is PositionState.IN_INSTALMENTS:
            state, due_on = (PositionState.OVERDUE, due_on) if has_lapsed(position) else (PositionState.TO_PAY, None)
        position = replace(position, plan=None, instalments=(), state=state, due_on=due_on)
    return position


def _notices(session: Session, position: PositionView, today: date) -> Iterable[Notice]:
    creditor = enti.creditor_code(session, position.ente_id)
    for one in payable_now(position, today):
        qr = ""
        if one.notice_number:
            qr = qr_svg(qr_content(notice_number=one.notice_number, codice_fiscale=creditor, cents=one.cents))
        yield Notice(one, qr)
