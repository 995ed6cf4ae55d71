"""What the console shows, read in one transaction and cut into regions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Permission
from crm.contacts import card as cards
from crm.contacts import queries as contacts
from crm.contacts.queries import ContactView
from crm.core import clock, topics
from crm.core.db import Scope
from crm.enti import queries as enti
from crm.enti.queries import Badge
from crm.files import queries as files
from crm.files.gate import Gate, GateOutcome
from crm.follow_ups import queries as follow_ups
from crm.follow_ups.queries import FollowUpView
from crm.knowledge.queries import Where
from outbound.cati import by_keys, surveys
from outbound.dialer import queries as dialing
from telephony.agents.models import AgentPresence, AgentState, PauseReason
from telephony.appointments.state import Did
from telephony.broadcasts import queries as broadcasts
from telephony.callbacks import service as callbacks
from telephony.callbacks.models import Callback
from telephony.calls import conversation, story, supervision, whom
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Call, Phase, ProposedBy
from telephony.calls.oversight import Released, limit_of, released
from telephony.calls.supervision import Watcher
from telephony.commands.models import Timer, TimerKind
from telephony.ivr.turns import Place
from telephony.lines import queries as lines
from telephony.queues import queries as queues
from telephony.recording.standing import Standing, standing
from telephony.selfservice.dialogue import Want
from telephony.standing.health import failing_since
from telephony.voicemail import service as voicemail
from telephony.voicemail.models import Voicemail
from web.console.strip import strip
from web.dialer import console as campaigns
from web.edge.templating import fragment
from web.edge.visits import Visit
from web.files.speakers import Offered, offered_in
from web.files.view import TaxpayerFile, read_file
from web.knowledge.view import NO_GUIDE, Guide, guide_of
from web.live.hub import Rendered
from web.outcomes.panel import Panel, panel
from web.texts import view as threads
from web.texts.view import NONE, Threads
from web.wiring import Runtime

CHOSEN_BY_AGENT = tuple(reason for reason in PauseReason if reason is not PauseReason.MISSED_CALL)
BUSY = frozenset({AgentState.RINGING, AgentState.TALKING, AgentState.WRAP_UP})
REGIONS = ("band", "phone", "texts", "file", "talk", "thread")


@dataclass(frozen=True, slots=True)
class PartyView:
    """Whom the agent consults. `agent_id` none: a number outside."""

    name: str
    agent_id: int | None
    joined: bool


@dataclass(frozen=True, slots=True)
class AskedView:
    """A colleague asks this agent something about his call. Of the caller nothing is shown: he may be told."""

    call_id: UUID
    by: str
    queue_name: str | None
    joined: bool
    together: bool  # the caller hears him
    recording: Standing | None


@dataclass(frozen=True, slots=True)
class CallView:
    """The agent's call."""

    id: UUID
    phase: Phase
    closing: bool
    away: bool  # he is called back: nobody is on the line yet
    seated: bool  # nobody is called in it yet: the agent waits for whoever answers a campaign's call
    caller: str | None
    who: str | None
    line_label: str
    queue_name: str | None
    waited: timedelta  # once it is over
    waiting_since: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    times_today: int
    proposed_by: ProposedBy | None
    message: Voicemail | None  # that he left
    called_back: bool  # at the number that stands for his own: he asked for it, or the call was placed
    placed: bool  # we call him: he did not ask for it
    owed_since: datetime | None  # he asked to be called back in another call, then, and is still to be
    turned_away: GateOutcome | None  # the questions ended, and the file stayed closed
    retracted: bool  # a file was open, of somebody who is not the caller
    self_served: tuple[Want | Did, ...]  # what the voice menu has told him already
    keyed: Mapping[str, str]  # what it asked him for, by name
    identified: bool  # by whichever agent; his file is open to the last one alone
    topic: str | None
    disposition: str | None
    note: str
    held_since: datetime | None
    party: PartyView | None
    help_since: datetime | None
    watchers: tuple[Watcher, ...]  # supervisors of whom the agent is told
    recording: Standing | None
    unrecorded_until: datetime | None
    vouched_by: str | None  # the colleague who established in this call who it is, and passed it on
    missing: whom.Missing | None  # whom the agent asked, and who is not there
    by_keys: str = ""  # where his conversation goes on as a questionnaire that he answers by keys, if it may
    case: str = ""  # the address of a survey's case, of a call that was placed for one

    @property
    def over(self) -> bool:
        """Whether nothing is left of it for the agent but his notes."""
        return self.phase in conversation.OVER

    @property
    def standing(self) -> str:
        """How the conversation stands, in a word of the page's own."""
        if self.phase is not Phase.TALKING:
            return ""
        if self.party is None:
            return "held" if self.held_since else "talks"
        if not self.party.joined:
            return "rings"
        return "consults" if self.held_since else "together"


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A call whose time for the notes ran out, and what is written of it."""

    id: UUID
    contact_id: int | None
    who: str | None
    caller: str | None
    ended_at: datetime | None
    topic: str | None
    disposition: str | None
    note: str
    case: str  # the address of a survey's case, of a call that was placed for one


@dataclass(frozen=True, slots=True)
class Proposal:
    """Who may be calling, while his file is closed: enough to ask, nothing about debts."""

    id: int
    name: str
    codice_fiscale: str
    born_on: date | None
    birthplace: str | None
    address: str | None
    gate: Gate
    speakers: Offered
    rows: frozenset[int]  # of the same person: what is told of one of them concerns the questions
    version: str  # of his card


@dataclass(frozen=True, slots=True)
class Practised:
    """What a console in practice has beside. `promised`: that the caller is called back is noted; `over`: he practises
    no longer, and the page is still there.
    """

    promised: bool = False
    over: bool = False


@dataclass(frozen=True, slots=True)
class ConsoleView:
    """Everything on an agent's console."""

    state: AgentState
    since: datetime
    intended: AgentState
    pause_reason: PauseReason | None
    device_ready: bool
    own_phone: str | None  # where his calls ring instead of in the browser
    ente: Badge | None
    call: CallView | None
    proposal: Proposal | None
    file: TaxpayerFile | None
    wrap_up_ends: datetime | None
    unfinished: Unfinished | None
    now: datetime
    asked: AskedView | None = None
    texts: Threads = NONE
    promised: tuple[FollowUpView, ...] = ()  # in this call
    campaign: Panel | None = None  # for which the call was placed
    pause_limit: timedelta | None = None
    released: Released | None = None  # by a supervisor
    pause_reasons: tuple[PauseReason, ...] = CHOSEN_BY_AGENT
    guide: Guide = NO_GUIDE
    topics: tuple[Topic, ...] = tuple(Topic)
    dispositions: tuple[Disposition, ...] = tuple(Disposition)
    gate_outcomes: tuple[GateOutcome, ...] = tuple(GateOutcome)
    practising: bool = False  # on the page of practice, while this is the real console
    in_training: bool = False  # he may do nothing else
    practice: Practised | None = None  # this is the page of practice
    seated: bool = False  # alone on the line of a campaign, until somebody answers: no call yet

    @property
    def desk(self) -> str:
        """Where what is done here is sent."""
        return "/console" if self.practice is None else "/practice"

    @property
    def contact_id(self) -> int | None:
        """Whom the call is about, or may be about."""
        return self.file.contact_ids[0] if self.file else self.proposal.id if self.proposal else None

    @property
    def account_contact(self) -> int | None:
        """Whom the call is about that is written about."""
        return self.contact_id if self.writes else self.unfinished.contact_id if self.unfinished else None

    @property
    def busy(self) -> bool:
        """Whether what he asks for takes effect only after the call."""
        return self.state in BUSY and not self.seated

    @property
    def shown_state(self) -> AgentState:
        """What he does, as it is shown: nobody rings while he waits in a seat."""
        return AgentState.READY if self.seated else self.state

    @property
    def can_be_ready(self) -> bool:
        return self.intended is not AgentState.READY

    @property
    def can_pause(self) -> bool:
        return self.intended is AgentState.READY

    @property
    def can_leave(self) -> bool:
        return not self.busy and self.state is not AgentState.OFFLINE

    @property
    def writes(self) -> bool:
        """Whether there is something to write about: the conversation has begun."""
        return self.call is not None and self.call.phase not in {Phase.IVR, Phase.RINGING}

    @property
    def account(self) -> CallView | Unfinished | None:
        """The call that is written about: the present one, else one whose time ran out."""
        return self.call if self.writes else self.unfinished


def render(runtime: Runtime, visit: Visit) -> Rendered:
    """The console's regions for one agent."""
    with runtime.database.begin(visit.scope(Permission.CALLS_ANSWER)) as session:
        view = read(session, visit, runtime.settings.public_url)
        own_day = strip(session, visit.principal.user_id)
        beside = campaigns.read(session, visit.principal.user_id)
        unread = broadcasts.unread(session, visit.principal.user_id)
    regions = {name: fragment(f"console/{name}.html", visit.language, view=view, visit=visit) for name in REGIONS}
    regions["strip"] = fragment("console/strip.html", visit.language, strip=own_day)
    regions["campaign"] = fragment("dialer/console.html", visit.language, beside=beside)
    regions["broadcasts"] = fragment("console/broadcasts.html", visit.language, broadcasts=unread)
    watched = {topics.agent(visit.principal.user_id)}
    about = view.file.contact_ids if view.file else view.proposal.rows if view.proposal else ()
    watched |= {topics.contact(contact_id) for contact_id in about}
    watched |= {topics.knowledge(one) for one in visit.principal.contracts}
    watched |= view.texts.front.topics if view.texts.front else frozenset()
    return Rendered(regions, frozenset(watched))


def render_queues(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """How the queues stand: the one region that all agents of the same contracts share."""
    with runtime.database.begin(scope) as session:
        lines = queues.standing(session, scope.contracts)
        silent_since = failing_since(session)
    since = min((line.since for line in lines if line.since), default=None)
    html = fragment(
        "console/queues.html", language, waiting=sum(line.waiting for line in lines),
        away=sum(line.away for line in lines), since=since, silent_since=silent_since,
    )  # fmt: skip
    watched = frozenset(topics.board(one) for one in scope.contracts) | {topics.carrier()}
    return Rendered({"queues": html}, watched)


def read(session: Session, visit: Visit, public_url: str = "") -> ConsoleView:
    """An agent's console as it is now."""
    presence = session.get(AgentPresence, visit.principal.user_id, populate_existing=True)
    if presence is None:
        at = clock.now(session)
        return ConsoleView(
            AgentState.OFFLINE, at, AgentState.OFFLINE, None, device_ready=False, own_phone=None, ente=None, call=None,
            proposal=None, file=None, wrap_up_ends=None, unfinished=None, now=at,
        )  # fmt: skip
    busy = session.get(Call, presence.call_id, populate_existing=True) if presence.call_id else None
    call = busy if busy and busy.agent_id == presence.agent_id else None
    seated = call is not None and call.seated and call.phase is Phase.JOINING
    call = None if seated else call
    person = contacts.same_person(session, call.contact_id) if call and call.contact_id else []
    contact = person[0] if person else None
    ente = enti.badges(session, frozenset({busy.ente_id}))[busy.ente_id] if busy and busy.ente_id else None
    file = _file(session, visit, call, person) if call and person else None
    unfinished = _unfinished(session, presence.agent_id)
    about = call.id if call else unfinished.id if unfinished else None
    shown = _call(session, call, contact) if call else None
    return ConsoleView(
        state=presence.state, since=presence.since, intended=presence.intended,
        pause_reason=presence.pause_reason, device_ready=presence.device is not None,
        own_phone=presence.rings_at, ente=ente,
        call=shown,
        proposal=_proposal(session, visit, call, person) if call and person and not file else None, file=file,
        wrap_up_ends=_wrap_up_ends(session, presence), unfinished=unfinished,
        now=clock.now(session), asked=_asked(session, presence, busy) if busy and not call and not seated else None,
        pause_limit=limit_of(session, presence), released=released(session, presence),
        promised=tuple(follow_ups.of_call(session, about)) if about else (),
        campaign=panel(session, visit.principal.user_id, about),
        guide=guide_of(
            session, Where(call.contract_id, call.ente_id, call.topic or ""), agent=visit.principal.name,
            ente=ente.name if ente else "", queue=shown.queue_name or "", who=shown.who or "" if file else "",
        ) if call and shown else NO_GUIDE,
        texts=threads.read(session, visit, call.answered_at if call else None, public_url),
        practising=presence.practising_since is not None, in_training=presence.in_training, seated=seated,
    )  # fmt: skip


def _call(session: Session, call: Call, contact: ContactView | None) -> CallView:
    line = lines.line(session, call.line)
    callback = session.get(Callback, call.id, populate_existing=True)
    queue_id = call.in_queue_id or call.queue_id
    queue = queues.queue(session, queue_id) if queue_id else None
    today = clock.start_of_day(clock.business_day(clock.now(session)))
    times = session.execute(
        select(func.count()).where(Call.caller == call.caller, Call.arrived_at >= today)
    ).scalar_one()
    return CallView(
        id=call.id, phase=call.phase, closing=call.closing, away=_is_away(session, call), seated=call.seated,
        caller=callback.number if callback else call.caller, called_back=callback is not None, placed=call.placed,
        message=voicemail.of_call(session, call.id) if callback else None,
        who=contact.name if contact else None, line_label=line.label if line else call.line,
        queue_name=queue.name if queue else None, waited=timedelta(milliseconds=call.waited_ms),
        waiting_since=call.waiting_since, answered_at=call.answered_at,
        ended_at=call.ended_at, times_today=times if call.caller else 1, proposed_by=call.proposed_by,
        owed_since=owed.asked_at if (owed := callbacks.owed_to(session, call)) else None,
        turned_away=story.turned_away(session, call.id, contact.id) if contact else None,
        retracted=contact is None and story.retraction(session, call.id) is not None,
        self_served=tuple(story.told_by_voice(session, call.id)) if call.self_served_at else (),
        keyed=Place.restored(call.ivr).collected, identified=story.was_identified(session, call),
        topic=call.topic, disposition=call.disposition, note=call.note, held_since=call.held_since,
        party=_party(session, call), help_since=call.help_since,
        watchers=tuple(supervision.seen_by_agent(session, call)), vouched_by=_vouched_by(session, call),
        recording=standing(call), unrecorded_until=call.unrecorded_until, missing=whom.missing(session, call),
        case=_case(session, call) if call.placed else "", by_keys=_by_keys(session, call),
    )  # fmt: skip


def _is_away(session: Session, call: Call) -> bool:
    """Nobody is on the line yet; whoever was let into a seat is: his telephone rings no more."""
    joins = call.placed and call.phase is Phase.JOINING and not call.seated
    return call.away and not (joins and dialing.has_answered(session, call.id))


def _case(session: Session, call: Call) -> str:
    contact_id = call.contact_id
    found = surveys.of_call(session, contact_id=contact_id, call_id=call.id) if contact_id is not None else None
    return f"/survey-cases/{found[0]}/{found[1]}" if found is not None else ""


def _by_keys(session: Session, call: Call) -> str:
    """Of whom a survey asks: who was called for it, or called himself and was identified."""
    if call.phase is not Phase.TALKING or call.contact_id is None or not (call.placed or call.identified_at):
        return ""
    found = by_keys.surveys_of(session, call.contact_id)
    return f"/survey-cases/{found[0]}/{call.contact_id}/keys" if found else ""


def _party(session: Session, call: Call) -> PartyView | None:
    if call.party_leg_id is None:
        return None
    if call.party_agent_id is not None:
        name = access.named(session, [call.party_agent_id]).get(call.party_agent_id, "")
    else:
        name = whom.outside_name(session, call, call.party_leg_id)
    return PartyView(name, call.party_agent_id, call.party_joined)


def _vouched_by(session: Session, call: Call) -> str | None:
    if call.identified_at is None or call.contact_id is None:
        return None
    said = story.identification(session, call.id, call.contact_id)
    by = int(said.detail["agent"]) if said else call.agent_id
    return access.named(session, [by]).get(by) if by is not None and by != call.agent_id else None


def _asked(session: Session, presence: AgentPresence, call: Call) -> AskedView | None:
    if call.party_agent_id != presence.agent_id or call.agent_id is None:
        return None
    by = access.named(session, [call.agent_id]).get(call.agent_id, "")
    queue_id = call.in_queue_id or call.queue_id
    return AskedView(
        call.id, by, queues.queue(session, queue_id).name if queue_id else None, call.party_joined,
        call.party_joined and call.held_since is None, standing(call),
    )  # fmt: skip


def _unfinished(session: Session, agent_id: int) -> Unfinished | None:
    call = conversation.unfinished(session, agent_id)
    if call is None:
        return None
    who = contacts.get(session, call.contact_id).name if call.contact_id else None
    return Unfinished(
        call.id, call.contact_id, who, call.caller, call.ended_at, call.topic, call.disposition, call.note,
        _case(session, call) if call.placed else "",
    )  # fmt: skip


def _proposal(session: Session, visit: Visit, call: Call, same: Sequence[ContactView]) -> Proposal:
    contact = same[0]
    return Proposal(
        contact.id, contact.name, contact.codice_fiscale, contact.born_on, contact.birthplace,
        contact.address.line if contact.address else None, files.gate(session, contact.ente_id),
        offered_in(session, visit, same, talk=call.id.hex), frozenset(one.id for one in same),
        cards.summary(session, same).version,
    )  # fmt: skip


def _file(session: Session, visit: Visit, call: Call, person: Sequence[ContactView]) -> TaxpayerFile | None:
    """The file, once the agent has established whom he speaks with."""
    if call.identified_at is None:
        return None
    opening = files.opening(session, visit.principal, contact_id=person[0].id)
    return read_file(session, visit.principal, person, opening) if opening and opening.call_id == call.id else None


def _wrap_up_ends(session: Session, presence: AgentPresence) -> datetime | None:
    if presence.state is not AgentState.WRAP_UP:
        return None
    return session.execute(
        select(func.max(Timer.due_at)).where(Timer.agent_id == presence.agent_id, Timer.kind == TimerKind.WRAP_UP)
    ).scalar_one()
