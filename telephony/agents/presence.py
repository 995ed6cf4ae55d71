"""What becomes of an agent's presence, pure.

Two wishes meet here: what the system needs of him (ring, talk, wrap up) and what he means to do (ready, paused,
offline). What he means is kept through a call and takes effect once he is free again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from crm.core.errors import ConflictError
from telephony.agents.models import Activity, AgentState, PauseReason

RESTING = frozenset({AgentState.OFFLINE, AgentState.READY, AgentState.PAUSED})
AT_HIS_DESK = RESTING - {AgentState.OFFLINE}  # which he is only as long as his console is there


@dataclass(frozen=True, slots=True)
class Presence:
    """One agent's state, since when, and what he means to do next."""

    state: AgentState
    since: datetime
    idle_since: datetime
    intended: AgentState
    pause_reason: PauseReason | None = None
    call_id: UUID | None = None
    leg_id: UUID | None = None
    practising_since: datetime | None = None  # with simulated callers; he is out of service meanwhile
    in_training: bool = False  # he may practise, and do nothing else, until a supervisor lets him


@dataclass(frozen=True, slots=True)
class Stated:
    """A fact about an agent: from this instant on he does this."""

    at: datetime
    activity: Activity
    reason: PauseReason | None = None
    call_id: UUID | None = None


def stated(now: Presence, at: datetime) -> Stated:
    """What an agent does from an instant on."""
    reason = now.pause_reason if now.state is AgentState.PAUSED else None
    return Stated(at, Activity(now.state), reason, now.call_id)


def change_of(before: Presence, after: Presence, at: datetime) -> Stated | None:
    """What he does from now on, if it is something else than before: what he only means to do is no fact yet."""
    now = stated(after, at)
    return None if now == stated(before, at) else now


def absence(state: AgentState, live_until: datetime, at: datetime) -> Stated | None:
    """That his console has not been there since its lease ended, when he is said to be at his desk."""
    return Stated(live_until, Activity.AWAY) if state in AT_HIS_DESK and live_until < at else None


def wish(now: Presence, intended: AgentState, reason: PauseReason | None, at: datetime) -> Presence:
    """The agent asks to be ready, paused or offline: at once when he is resting, else after his call and its notes.

    Raises `ConflictError` for a state nobody can ask for, and while he practises, for any but out of service.
    """
    if intended not in RESTING:
        raise ConflictError("Si può chiedere solo di essere pronti, in pausa o fuori servizio.")
    if now.practising_since is not None and intended is not AgentState.OFFLINE:
        raise ConflictError("Stai facendo una prova: prima finiscila.")
    if now.in_training and intended is not AgentState.OFFLINE:
        raise ConflictError("Sei in formazione: mettiti alla prova. Ti fa cominciare chi coordina.")
    wished = replace(now, intended=intended, pause_reason=reason if intended is AgentState.PAUSED else None)
    if now.state in RESTING:
        return _rest(wished, at)
    return wished


def ring(now: Presence, call_id: UUID, leg_id: UUID, at: datetime) -> Presence:
    """His telephone rings. Raises `ConflictError` when he has just stopped being ready."""
    if now.state is not AgentState.READY:
        raise ConflictError("L'operatore non è più pronto.")
    return replace(now, state=AgentState.RINGING, since=at, call_id=call_id, leg_id=leg_id)


def talk(now: Presence, at: datetime) -> Presence:
    """He is in conversation."""
    return replace(now, state=AgentState.TALKING, since=at)


def wrap_up(now: Presence, at: datetime) -> Presence:
    """The conversation is over; its notes are his for a while."""
    return replace(now, state=AgentState.WRAP_UP, since=at, leg_id=None)


def missed(now: Presence, at: datetime) -> Presence:
    """He did not answer: paused, for a reason everybody sees, until he says he is ready."""
    paused = replace(now, intended=AgentState.PAUSED, pause_reason=PauseReason.MISSED_CALL)
    return _rest(paused, at)


def free(now: Presence, at: datetime) -> Presence:
    """The call is none of his business any more: he goes where he meant to go, keeping his turn."""
    rested = _rest(now, at)
    return replace(rested, idle_since=now.idle_since)


def wrapped_up(now: Presence, at: datetime) -> Presence:
    """The wrap-up is over: he goes where he meant to go, last in turn."""
    return _rest(now, at)


def practise(now: Presence, at: datetime) -> Presence:
    """He goes out of service, to practise with simulated callers. Raises `ConflictError` while he has a real call."""
    if now.state not in RESTING:
        raise ConflictError("Hai una chiamata: finiscila, poi puoi metterti alla prova.")
    if now.practising_since is not None:
        return now
    if now.state is not AgentState.OFFLINE:
        now = _rest(replace(now, intended=AgentState.OFFLINE, pause_reason=None), at)
    return replace(now, practising_since=at)


def train(now: Presence, at: datetime, *, on: bool) -> Presence:
    """A supervisor wants him to practise first, or no longer. Raises `ConflictError` while he has a real call."""
    if not on or now.in_training:
        return replace(now, in_training=on)
    if now.state not in RESTING:
        raise ConflictError("Ha una chiamata: aspetta che l'abbia finita.")
    if now.state is not AgentState.OFFLINE:
        now = _rest(replace(now, intended=AgentState.OFFLINE, pause_reason=None), at)
    return replace(now, in_training=True)


def end_practice(now: Presence) -> Presence:
    """He practises no longer. He stays out of service until he says that he is ready."""
    return replace(now, practising_since=None)


def _rest(now: Presence, at: datetime) -> Presence:
    changed = now.state is not now.intended
    return replace(
        now, state=now.intended, since=at if changed else now.since, idle_since=at, call_id=None, leg_id=None
    )
