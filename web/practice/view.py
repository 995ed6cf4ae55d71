"""What the console shows in practice: its own templates, over people who do not exist."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.contacts.card import Summary
from crm.contacts.disclosure import EVERYTHING, kinds_of
from crm.contacts.models import ReachKind, Source
from crm.contacts.preferences import Preferences
from crm.contacts.queries import ReachView
from crm.core import clock, topics
from crm.enti.queries import Badge
from crm.files.models import Interlocutor, Purpose
from crm.files.queries import Opening
from crm.knowledge.queries import Where
from crm.positions.history import history
from crm.positions.payable import payable_now, qr_content, qr_svg
from crm.positions.summary import (
    describe,
    grouped,
    is_lapsed_plan,
    late_instalments,
    missed_instalments,
    owed_cents,
    totals,
)
from crm.positions.views import PositionView
from crm.timeline.queries import ALL
from telephony.agents.models import AgentState
from telephony.calls.models import Phase, ProposedBy
from telephony.practice import queries
from telephony.practice.course import GATE, Choice, Course, Voice, advice, choices
from telephony.practice.debrief import Debrief, debrief
from telephony.practice.people import BY_ID, CREDITOR, ENTE, ENTE_ID, Invented, owed_by
from telephony.practice.queries import Kept, Practice
from telephony.practice.stories import STORIES
from telephony.practice.story import Advice, StoryKey
from telephony.recording.standing import Standing
from web.console.view import CallView, ConsoleView, PartyView, Practised, Proposal
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.files.speakers import Offered
from web.files.view import Detail, Line, Notice, Section, Shows, TaxGroup, TaxpayerFile, TimelinePart
from web.knowledge.view import NO_GUIDE, guide_of
from web.live.hub import Render, Rendered
from web.practice.words import ABOUT, AGAIN, KEYS
from web.wiring import Runtime

REGIONS = ("band", "phone", "talk")
BADGE = Badge(ENTE_ID, ENTE, "Prova", 0)
QUEUE, LINE = "Coda di prova", "Numero di prova"
WAITED = timedelta(seconds=12)
UNKNOWN = "+393000000099"  # that of a caller whom his number does not tell
NOTHING_ASKED = Summary("practice", Preferences(), ())
STATES = {Phase.RINGING: AgentState.RINGING, Phase.TALKING: AgentState.TALKING}


@dataclass(frozen=True, slots=True)
class Said:
    """A bubble. `{operatore}` is filled in."""

    by: Voice
    words: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SpeechView:
    """What is said, and what may be. `advised` is shown at once where a call is guided, else when help is asked for."""

    call_id: str
    bubbles: tuple[Said, ...]
    choices: tuple[Choice, ...]
    advised: Advice | None
    key: str
    held: bool


@dataclass(frozen=True, slots=True)
class StoryRow:
    """A story in the list, and what is kept of it for whoever looks."""

    key: StoryKey
    about: str
    kept: Kept | None


@dataclass(frozen=True, slots=True)
class StartView:
    """Between two calls: how the last one went, and which come next."""

    since: datetime | None  # none: practice is over
    finished: StoryKey | None
    debrief: Debrief | None
    rows: tuple[StoryRow, ...]
    next: StoryKey

    @property
    def done(self) -> int:
        """How many stories were finished once."""
        return sum(row.kept is not None for row in self.rows)


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Practice is its trainee's own audience, which his tabs share."""
    visit.scope(Permission.CALLS_ANSWER)
    return [(f"practice:{visit.principal.user_id}:{visit.language}", partial(render, runtime, visit))]


def render(runtime: Runtime, visit: Visit) -> Rendered:
    """The regions of somebody's own practice."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        own = queries.current(session, visit.principal.user_id)
        view = read(session, visit, own)
        beside = start(session, visit.principal.user_id, own)
    show = partial(fragment, language=visit.language, view=view, visit=visit)
    regions = {name: show(f"console/{name}.html") for name in REGIONS}
    regions["file"] = (
        show("console/file.html") if view.call else show("practice/start.html", start=beside, again=AGAIN, keys=KEYS)
    )
    regions["speech"] = show("practice/speech.html", speech=speech(own, visit.principal.name))
    regions["foot"] = show("practice/foot.html", start=beside)
    watched = {topics.agent(visit.principal.user_id)}
    watched |= {topics.knowledge(one) for one in visit.principal.contracts}
    return Rendered(regions, frozenset(watched))


def read(session: Session, visit: Visit, own: Practice | None) -> ConsoleView:
    """The console of a practice; of none, or between two calls, one without a call."""
    now = clock.now(session)
    course = own.course if own else None
    if own is None or course is None or course.saved_at is not None:
        return ConsoleView(
            AgentState.OFFLINE, own.since if own else now, AgentState.OFFLINE, None, device_ready=True, own_phone=None,
            ente=BADGE, call=None, proposal=None, file=None, wrap_up_ends=None, unfinished=None, now=now,
            practice=Practised(over=own is None),
        )  # fmt: skip
    person = BY_ID[course.proposed] if course.proposed is not None else None
    call = _call(own, course, person, now)
    opened = course.identified_at is not None and person is not None
    contract = min(visit.principal.contracts, default=None)
    where = Where(contract, None, own.written.topic or "")
    return ConsoleView(
        state=STATES.get(course.phase, AgentState.WRAP_UP), since=_since(course), intended=AgentState.READY,
        pause_reason=None, device_ready=True, own_phone=None, ente=BADGE, call=call,
        proposal=_proposal(person) if person and not opened else None,
        file=_file(own, course, person, now) if person and opened else None, wrap_up_ends=None, unfinished=None,
        now=now, practice=Practised(promised="promised" in course.facts),
        guide=guide_of(
            session, where, agent=visit.principal.name, ente=ENTE, queue=QUEUE,
            who=person.name if person and opened else "",
        ) if contract is not None else NO_GUIDE,
    )  # fmt: skip


def start(session: Session, agent_id: int, own: Practice | None) -> StartView:
    """What stands beside the list of stories."""
    kept = queries.kept(session, agent_id)
    over = own.course if own and own.course and own.course.saved_at is not None else None
    return StartView(
        own.since if own else None, over.story.key if over else None,
        debrief(over, own.written) if own and over else None,
        tuple(StoryRow(key, ABOUT[key], kept.get(key)) for key in STORIES), queries.next_story(kept),
    )  # fmt: skip


def speech(own: Practice | None, name: str) -> SpeechView | None:
    """The conversation of a call; none without one."""
    course = own.course if own else None
    if own is None or course is None or course.saved_at is not None:
        return None
    first = name.split(" ", maxsplit=1)[0]

    def filled(words: str) -> str:
        return words.replace("{operatore}", first)

    shown = course.story.guided or course.helped_at is not None
    advised = advice(course, topic=own.written.topic, disposition=own.written.disposition) if shown else None
    return SpeechView(
        str(own.row.call_id), tuple(Said(one.by, filled(one.words), one.at) for one in course.speech),
        tuple(Choice(one.key, filled(one.words), one.asks) for one in choices(course)), advised,
        KEYS.get(advised, "") if advised else "", course.held_since is not None,
    )  # fmt: skip


def detail(person: Invented, now: datetime) -> Detail:
    """What somebody owes, opened."""
    today = clock.business_day(now)
    position = owed_by(person, today, _as_of(now))[0]
    return Detail(
        position=position, owed=owed_cents(position), ente=BADGE, creditor=CREDITOR, shows=Shows.of(EVERYTHING),
        sentence=describe(position, today), history=tuple(history(position, today)),
        late=frozenset(one.number for one in missed_instalments(position, today)), plan=position.instalments,
        notices=tuple(_notices(position, today)), ways=(), documents=(), proofs={},
    )  # fmt: skip


# -- parts ------------------------------------------------------------------------------------------------------------


def _since(course: Course) -> datetime:
    return course.ended_at or course.answered_at or course.rang_at


def _call(own: Practice, course: Course, person: Invented | None, now: datetime) -> CallView:
    assert own.row.call_id is not None
    talks = course.phase is Phase.TALKING
    party = PartyView("Carla", 0, joined=True) if course.consults and talks else None
    written = own.written
    return CallView(
        id=own.row.call_id, phase=course.phase, closing=False, seated=False, away=False,
        caller=course.story.person.phone if course.story.knows_number else UNKNOWN,
        who=person.name if person else None, line_label=LINE, queue_name=QUEUE, waited=WAITED, waiting_since=None,
        answered_at=course.answered_at, ended_at=course.ended_at, times_today=1,
        proposed_by=ProposedBy.AGENT if course.found_by_search else ProposedBy.CALLER_NUMBER, message=None,
        called_back=False, placed=False,
        owed_since=None, turned_away=course.turned_away, retracted=course.retracted and not person,
        self_served=(), keyed={}, identified=course.identified_at is not None, topic=written.topic,
        disposition=written.disposition, note=written.note, held_since=course.held_since, party=party,
        help_since=course.helped_at if talks else None, watchers=(), recording=_recording(course, now),
        unrecorded_until=course.left_out_until, vouched_by=None, missing=None,
    )  # fmt: skip


def _recording(course: Course, now: datetime) -> Standing | None:
    if not course.story.recorded or course.phase is not Phase.TALKING:
        return None
    if course.withdrawn:
        return Standing.WITHDRAWN
    if course.held_since is not None:
        return Standing.HELD
    return Standing.ON if course.is_recorded(now) else Standing.LEFT_OUT


def _proposal(person: Invented) -> Proposal:
    return Proposal(
        person.id, person.name, person.codice_fiscale, person.born_on, person.birthplace, person.address, GATE,
        Offered(himself=True, known=(), kinds=kinds_of(legal=False)), frozenset({person.id}), "practice",
    )  # fmt: skip


def _file(own: Practice, course: Course, person: Invented, now: datetime) -> TaxpayerFile:
    assert course.identified_at is not None
    today = clock.business_day(now)
    owed = owed_by(person, today, _as_of(now))
    shows = Shows.of(EVERYTHING)
    opening = Opening(
        course.identified_at, Purpose.CALL, "", own.row.call_id, Interlocutor.TAXPAYER, None, {person.id: EVERYTHING},
        (), {},
    )  # fmt: skip
    groups = tuple(
        TaxGroup(one.tax, one.totals, tuple(_line(position, today) for position in one.positions))
        for one in grouped(owed, today)
    )
    return TaxpayerFile(
        contact_ids=(person.id,), left_out=(), name=person.name, codice_fiscale=person.codice_fiscale,
        born_on=person.born_on, birthplace=person.birthplace, address=person.address,
        reach=(ReachView(ReachKind.PHONE, person.phone, Source.GESTIONALE),), opening=opening, shows=shows,
        sections=(Section(BADGE, shows, totals(owed, today), _as_of(now), False, None, groups),),
        news=(), documents=(), timeline=TimelinePart(person.id, f"practice-{own.row.call_id}", (), ALL, ""),
        card=NOTHING_ASKED, kinds=(),
    )  # fmt: skip


def _line(position: PositionView, today: date) -> Line:
    late = bool(late_instalments(position, today))
    return Line(position, owed_cents(position), (), late, is_lapsed_plan(position))


def _notices(position: PositionView, today: date) -> list[Notice]:
    return [
        Notice(
            one,
            qr_svg(qr_content(notice_number=one.notice_number, codice_fiscale=CREDITOR, cents=one.cents))
            if one.notice_number
            else "",
        )
        for one in payable_now(position, today)
    ]


def _as_of(now: datetime) -> datetime:
    """This morning's feed."""
    return clock.start_of_day(clock.business_day(now))
