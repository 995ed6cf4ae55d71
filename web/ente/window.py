"""What an ente's window shows, read in one transaction that sees this ente alone."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.agendas.models import AppointmentState
from crm.audit import queries as log
from crm.audit.queries import Wanted
from crm.cases.lifecycle import State as CaseState
from crm.collection import queries as collection
from crm.collection.queries import RunView
from crm.contacts import queries as contacts
from crm.continuity import queries as continuity
from crm.core import clock, topics
from crm.core.db import Scope
from crm.enti import closure_queries
from crm.enti import queries as enti
from crm.enti.closure_queries import ClosureView
from crm.enti.queries import Badge
from crm.files.letters import LetterState
from crm.follow_ups.models import FollowUpKind, FollowUpState
from crm.levels.remarks import Waiting, waiting
from crm.messages.models import MessageState
from crm.proposals import queries as proposals
from crm.proposals.lifecycle import State
from crm.reports import queries as reports
from crm.reports.queries import Made
from crm.staff import queries as staff
from crm.staff.queries import Insider, News
from crm.timeline import queries as timeline
from crm.timeline.models import EntryKind
from crm.timeline.queries import Stand
from crm.turns.models import TurnState
from outbound.campaigns import queries as campaigns
from outbound.campaigns.queries import CampaignView
from outbound.cati.aapor import Disposition
from outbound.field.agents import overview as field_agents
from outbound.field.practices.lifecycle import State as PracticeState
from outbound.field.visits.door import Outcome as AtTheDoor
from outbound.outcomes.catalogue import Said
from telephony.calls import queries as calls
from telephony.calls.choices import Topic
from telephony.calls.models import Outcome, Phase
from telephony.calls.story import IN_PROGRESS, OPENED_BY_MISTAKE
from telephony.lines import queries as phone_lines
from telephony.mail.story import Way
from telephony.queues import queries as queues
from telephony.texts.models import Closed
from web.audit.view import Line, lines
from web.wallboard.board import Board, read

CONTACTS_SHOWN = 40
LOOKS_SHOWN = 10
REPORTS_SHOWN = 3
Standing: TypeAlias = (
    Outcome
    | State
    | FollowUpState
    | MessageState
    | Closed
    | AppointmentState
    | TurnState
    | LetterState
    | Disposition
    | Said
    | PracticeState
    | AtTheDoor
    | CaseState
    | Way
)
STATES: Mapping[EntryKind, type[Standing]] = {
    EntryKind.CALL: Outcome, EntryKind.PROPOSAL: State, EntryKind.FOLLOW_UP: FollowUpState,
    EntryKind.MESSAGE: MessageState, EntryKind.TEXT: Closed,
    EntryKind.APPOINTMENT: AppointmentState, EntryKind.VISIT: TurnState, EntryKind.LETTER: LetterState,
    EntryKind.INTERVIEW: Disposition, EntryKind.OUTCOME: Said, EntryKind.PRACTICE: PracticeState,
        EntryKind.FIELD_VISIT: AtTheDoor, EntryKind.CASE: CaseState, EntryKind.MAIL: Way,
}  # fmt: skip
TALKS = frozenset({Phase.JOINING, Phase.TALKING, Phase.OUTSIDE})


@dataclass(frozen=True, slots=True)
class Rights:
    """What this visitor may see of one ente beyond figures."""

    personal: bool  # names of taxpayers
    access: bool  # who looked at them
    decides: bool
    staff: bool  # decides who works for it


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call under way. `name` is the taxpayer's, once identified and for whoever may know it."""

    line: str
    queue: str | None
    talking: bool
    since: datetime
    name: str | None
    topic: Topic | None


@dataclass(frozen=True, slots=True)
class Happened:
    """A contact with a taxpayer today, and how it stands. `contact_id` and `name` are for whoever may know them."""

    contact_id: int | None
    name: str
    at: datetime
    kind: EntryKind
    state: Standing | None  # none while it is going on
    mistaken: bool
    about: Topic | FollowUpKind | None


@dataclass(frozen=True, slots=True)
class Window:
    """Everything in one ente's window."""

    ente: Badge
    rights: Rights
    board: Board
    calls: tuple[LiveCall, ...]
    contacts: tuple[Happened, ...]
    proposals: int
    closures: tuple[ClosureView, ...]
    agents: int  # who visit, proposed to it
    exclusions: tuple[Waiting, ...]  # from the penalties, asked for
    interruptions: int  # that somebody asks not to count
    lost: timedelta  # this month, of the lines' hours, to closures that the ente did not approve
    feed: RunView | None
    as_of: datetime | None
    insiders: tuple[Insider, ...]
    news: News | None  # of its register of the staff, for whoever decides
    looks: tuple[Line, ...]  # who looked at, or changed, what
    reports: tuple[Made, ...]  # the latest ones
    campaigns: tuple[CampaignView, ...]  # that have begun: those under way first

    @property
    def topics(self) -> frozenset[str]:
        """After which it must be looked at again."""
        own = {
            name(self.ente.id) for name in (topics.campaigns, topics.ente, topics.imports, topics.jobs, topics.staff)
        }
        return self.board.topics | own


@dataclass(frozen=True, slots=True)
class Beside:
    """One ente among several: what it has to decide. Its calls are in the board."""

    proposals: Mapping[int, int]
    closures: Mapping[int, int]
    exclusions: Mapping[int, int]  # of calls and of interruptions, from what counts


def rights_on(session: Session, by: Principal, ente_id: int) -> Rights:
    """What somebody may see and do of an ente that he watches."""

    def may(permission: Permission) -> bool:
        return ente_id in (scope_for(session, by, permission).enti or ())

    return Rights(
        personal=may(Permission.FILE_READ), access=may(Permission.ACCESS_READ),
        decides=may(Permission.PROPOSAL_DECIDE) or may(Permission.CLOSURE_APPROVE),
        staff=may(Permission.USER_REMOVE),
    )  # fmt: skip


def look_into(session: Session, by: Principal, ente_id: int, language: str) -> Window:
    """The window of the one ente that the session's scope holds. What is not for `by` is not read."""
    runs, rights = collection.latest(session, limit=1), rights_on(session, by, ente_id)
    return Window(
        ente=enti.badges(session)[ente_id], rights=rights, board=read(session, Scope.of_enti([ente_id])),
        calls=_calls(session, by, ente_id), contacts=_contacts(session, by, ente_id, named=rights.personal),
        proposals=proposals.counts(session, State.MADE).get(ente_id, 0),
        closures=tuple(closure_queries.to_approve(session, [ente_id])),
        agents=field_agents.waiting(session, [ente_id]),
        exclusions=tuple(waiting(session, [ente_id])),
        interruptions=continuity.asked(session, [ente_id]).get(ente_id, 0),
        lost=sum((one.this_month for one in closure_queries.lost(session, [ente_id])), timedelta()),
        feed=runs[0] if runs else None,
        as_of=collection.heard(session, [ente_id]).get(ente_id),
        insiders=tuple(staff.insiders(session, by, ente_id)),
        news=next((one for one in staff.news(session, by) if one.ente_id == ente_id), None),
        looks=_looks(session, by, ente_id, language) if rights.access else (),
        reports=tuple(reports.latest(session, [ente_id])[:REPORTS_SHOWN]),
        campaigns=tuple(one for one in campaigns.campaigns(session) if one.started_at)[:REPORTS_SHOWN],
    )  # fmt: skip


def beside(session: Session, ente_ids: frozenset[int]) -> Beside:
    """What several enti have to decide."""
    closures: dict[int, int] = {}
    for one in closure_queries.to_approve(session, ente_ids):
        if one.ente_id is not None:
            closures[one.ente_id] = closures.get(one.ente_id, 0) + 1
    exclusions = Counter(continuity.asked(session, ente_ids))
    for asked in waiting(session, ente_ids):
        exclusions[asked.ente_id] += asked.count
    return Beside(proposals.counts(session, State.MADE), closures, exclusions)


def _calls(session: Session, by: Principal, ente_id: int) -> tuple[LiveCall, ...]:
    under_way = calls.under_way(session, by, ente_id=ente_id)
    names = contacts.named(session, {one.contact_id for one in under_way if one.contact_id})
    found = []
    for one in under_way:
        line = phone_lines.line(session, one.line)
        since = one.answered_at if one.phase in TALKS else one.waiting_since
        found.append(
            LiveCall(
                line=line.label if line else one.line,
                queue=queues.queue(session, one.queue_id).name if one.queue_id else None,
                talking=one.phase in TALKS, since=since or one.arrived_at,
                name=names.get(one.contact_id or 0),
                topic=Topic(one.topic) if one.topic else None,
            )
        )  # fmt: skip
    return tuple(found)


def _contacts(session: Session, by: Principal, ente_id: int, *, named: bool) -> tuple[Happened, ...]:
    today = clock.start_of_day(clock.business_day(clock.now(session)))
    if not named:
        stands = timeline.standing_of_ente(session, by, ente_id=ente_id, since=today, limit=CONTACTS_SHOWN)
        return tuple(_happened(one) for one in stands)
    entries = timeline.of_ente(session, by, ente_id=ente_id, since=today, limit=CONTACTS_SHOWN)
    names = contacts.named(session, {one.contact_id for one in entries})
    return tuple(_happened(Stand.of(one), one.contact_id, names[one.contact_id]) for one in entries)


def _happened(stand: Stand, contact_id: int | None = None, name: str = "") -> Happened:
    mistaken = stand.status == OPENED_BY_MISTAKE
    kind = STATES.get(stand.kind)
    known = kind is not None and not mistaken and stand.status != IN_PROGRESS
    about: Topic | FollowUpKind | None = Topic(stand.topic) if stand.topic else None
    if stand.follow_up:
        about = FollowUpKind(stand.follow_up)
    return Happened(
        contact_id=contact_id, name=name, at=stand.occurred_at, kind=stand.kind,
        state=kind(stand.status) if kind is not None and known else None, mistaken=mistaken, about=about,
    )  # fmt: skip


def _looks(session: Session, by: Principal, ente_id: int, language: str) -> tuple[Line, ...]:
    wanted = Wanted(frozenset({ente_id}), of_somebody=True)
    return tuple(lines(session, log.page(session, by, wanted, limit=LOOKS_SHOWN), language))
