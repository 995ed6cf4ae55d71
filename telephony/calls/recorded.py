"""What of a conversation is recorded: only what the caller, who agreed, and an operator say to each other.

It is the caller's own line that is recorded, not the conference: in one channel what comes from him, in the other
what he hears. So nobody is in it whom he does not hear, and it can be paused while he is on hold. As for the room, the
state says what is wanted, and one command brings it about (decision 0024).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import touch
from telephony.calls.events import CallState
from telephony.calls.models import Consent, Phase
from telephony.carriers.port import Taking
from telephony.commands import service as commands
from telephony.commands.models import CommandKind
from telephony.floor.current import floor
from telephony.floor.port import CallRow, LiveCall

ASKED, PAUSED, RESUMED = "RecordingAsked", "RecordingPaused", "RecordingResumed"  # words of the call's log
VOIDED, FAILED = "RecordingVoided", "RecordingFailed"
OVER = frozenset({Phase.OUTSIDE, Phase.ENDED})


def taking(phase: Phase, *, held: bool, left_out: bool, outsider: bool) -> Taking:
    """How the line of a caller who agreed is recorded. `outsider`: somebody outside, whom nobody asked, is heard."""
    if phase is Phase.TALKING and not (held or left_out or outsider):
        return Taking.ON
    return Taking.OFF if phase in OVER else Taking.PAUSED


def wanted(call: CallRow) -> Taking:
    """How a call should be recorded now."""
    if call.consent is not Consent.AGREED:
        return Taking.OFF
    outsider = call.party_joined and call.party_agent_id is None
    return taking(
        call.phase, held=call.held_since is not None, left_out=call.unrecorded_until is not None, outsider=outsider
    )  # fmt: skip


def follow(session: Session, row: LiveCall, before: CallState, after: CallState, *, line_goes_on: bool) -> None:
    """The recording goes with the conversation; what an agent leaves out of it, he alone leaves out.

    A line that is over is recorded no longer, without our saying so.
    """
    if row.consent is not Consent.AGREED:
        return
    left_out = row.unrecorded_until is not None
    his_no_more = after.phase is not Phase.TALKING or after.agent_id != before.agent_id
    if left_out and his_no_more:
        go_on(session, row, why="left", at=clock.now(session))
    was, now = _of(before, left_out=left_out), _of(after, left_out=left_out and not his_no_more)
    if was is not now and (after.phase is not Phase.ENDED or line_goes_on):
        order(session, row.id)


def order(session: Session, call_id: UUID) -> None:
    """Have the recording brought into line."""
    commands.order(session, kind=CommandKind.RECORD, call_id=call_id, leg_id=None)


def go_on(session: Session, call: LiveCall | CallRow, *, why: str, at: datetime) -> None:
    """Nothing is left out any more: `agent` says so, `time` is over, or the agent `left` the conversation."""
    floor(session).write_call(call.id, unrecorded_until=None)
    commands.disarm_resume(session, call_id=call.id)
    note(session, call, RESUMED, at, {"why": why})


def void(session: Session, call: LiveCall | CallRow, *, to: Consent, why: str) -> None:
    """What he agreed to holds no more: the recording ends, and nothing of it is kept."""
    at = clock.now(session)
    floor(session).write_call(call.id, consent=to, unrecorded_until=None)
    commands.disarm_resume(session, call_id=call.id)
    note(session, call, VOIDED, at, {"why": why})
    if call.phase is not Phase.ENDED:
        order(session, call.id)
    announce(session, call)


def told(session: Session, call_id: UUID, last: Taking | None) -> Taking | None:
    """What to tell the carrier; none once what it was told `last` is what is wanted, which is then written down."""
    call = floor(session).whole_call(call_id, lock=True)
    assert call is not None
    now = wanted(call)
    if now is not last:
        return now
    if call.taking is not now and (call.taking is not None or now is not Taking.OFF):
        floor(session).write_call(call_id, taking=now)
        announce(session, call)
    return None


def refused(session: Session, call_id: UUID) -> None:
    """The carrier would not. What could not be left out must not be kept: then nothing is."""
    call = floor(session).whole_call(call_id, lock=True)
    assert call is not None
    if wanted(call) is Taking.ON:
        floor(session).write_call(call_id, taking=Taking.OFF)
        note(session, call, FAILED, clock.now(session), {})
        announce(session, call)
    elif call.consent is Consent.AGREED:
        void(session, call, to=Consent.VOID, why="not_paused")


def note(session: Session, call: Any, kind: str, at: datetime, detail: dict[str, str]) -> None:
    """A line of the call's log; what is left out of a recording is told by nothing else."""
    floor(session).append(
        call, key=f"{kind}:{at.isoformat()}", kind=kind, detail=detail, at=at, recorded_at=clock.now(session),
        repaired=False,
    )  # fmt: skip


def announce(session: Session, call: Any) -> None:
    """Whoever looks at this conversation sees how it is recorded."""
    touch(session, topics.board(call.contract_id), *([topics.agent(call.agent_id)] if call.agent_id else []))


def _of(state: CallState, *, left_out: bool) -> Taking:
    outsider = state.party is not None and state.party.joined and state.party.agent_id is None
    return taking(state.phase, held=state.held_since is not None, left_out=left_out, outsider=outsider)
