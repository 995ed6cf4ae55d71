"""Conferences and their participants, and the events they send."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from telephony.carriers.simulator.callbacks import Callbacks, Target
from telephony.carriers.simulator.calls import Call, HungUp
from telephony.carriers.simulator.instants import now, rfc2822
from telephony.carriers.simulator.sids import new_sid


class ConferenceStatus(StrEnum):
    INIT = "init"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"


class Left(StrEnum):
    """ReasonParticipantLeft."""

    HUNG_UP = "participant_hung_up"
    UPDATED = "participant_updated_via_api"
    ADD_FAILED = "participant_add_failed"
    MODERATOR = "moderator_ended_conference"
    ENDED_VIA_API = "conference_ended_via_api"


EVENT_NAMES: Mapping[str, str] = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
}
"""The event that is sent, and the word by which it is asked for."""
DEFAULT_EVENTS = frozenset({"start", "end"})


@dataclass(eq=False)
class Participant:
    """`joined` is false while its call is still being placed. `removed` is set with the reason when
    somebody else takes it out."""

    call: Call
    label: str | None = None
    muted: bool = False
    hold: bool = False
    coaching: bool = False
    call_sid_to_coach: str | None = None
    start_on_enter: bool = True
    end_on_exit: bool = False
    joined: bool = False
    hold_url: str | None = None
    hold_method: str = "GET"
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    removed: asyncio.Future[Left] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    changed: Callable[[], None] = field(default=lambda: None)

    @property
    def status(self) -> str:
        if self.joined:
            return "connected"
        return {"queued": "queued", "ringing": "ringing", "in-progress": "connecting"}.get(
            self.call.status.value, "failed"
        )

    def remove(self, reason: Left) -> None:
        """Take out; a call that is still ringing is given up."""
        if not self.removed.done():
            self.removed.set_result(reason)
        if not self.joined:
            self.call.interrupt(HungUp("conference"))


@dataclass(eq=False)
class Conference:
    """Its callback is the first participant's; those of later ones are ignored."""

    friendly_name: str
    account_sid: str
    ordinal: int
    callbacks: Callbacks
    callback: Target | None = None
    sid: str = field(default_factory=lambda: new_sid("CF"))
    status: ConferenceStatus = ConferenceStatus.INIT
    participants: dict[str, Participant] = field(default_factory=dict)
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)
    reason_ended: str | None = None
    ended_by: str | None = None
    sequence: int = 0
    _ever_joined: bool = False

    @property
    def live(self) -> bool:
        return self.status is not ConferenceStatus.COMPLETED

    def by_label(self, label: str) -> Participant | None:
        return next((who for who in self.participants.values() if who.label == label), None)

    def add(self, participant: Participant) -> None:
        """Take a place before the call is answered."""
        self.participants[participant.call.sid] = participant

    def join(self, participant: Participant) -> None:
        """Enter; the conference begins with two inside, one of whom may start it."""
        self.add(participant)
        participant.joined = True
        self._ever_joined = True
        self.tell("participant-join", participant)
        inside = self._inside()
        if self.status is ConferenceStatus.INIT and len(inside) >= 2 and any(who.start_on_enter for who in inside):
            self._become(ConferenceStatus.IN_PROGRESS)
            self.tell("conference-start", participant)
        self._refresh()

    def leave(self, participant: Participant, reason: Left) -> None:
        """Go out, whatever the cause; ends the conference when nobody is left or a moderator left."""
        if self.participants.pop(participant.call.sid, None) is None:
            return
        was_inside = participant.joined
        self._tell_left(participant, reason)
        kicked = reason is Left.UPDATED
        if was_inside and participant.end_on_exit and self.live:
            self.end(f"participant-with-end-conference-on-exit-{'kicked' if kicked else 'left'}",
                     Left.MODERATOR, by=participant.call.sid)  # fmt: skip
        elif not self.participants and self.live:
            self.end(f"last-participant-{'kicked' if kicked else 'left'}", Left.MODERATOR,
                     by=participant.call.sid)  # fmt: skip
        self._refresh()

    def end(self, reason: str, left: Left, by: str | None = None) -> None:
        """Finish: everybody still inside is taken out."""
        self._become(ConferenceStatus.COMPLETED)
        self.reason_ended, self.ended_by = reason, by
        for participant in list(self.participants.values()):
            participant.remove(left)
            self._tell_left(participant, left)
        self.participants.clear()
        if self._ever_joined:
            extra = {"ReasonConferenceEnded": reason}
            self.tell("conference-end", None, extra | ({"CallSidEndingConference": by} if by else {}))

    def set_hold(self, participant: Participant, hold: bool) -> None:
        if participant.hold != hold:
            participant.hold = hold
            self._touch(participant, "participant-hold" if hold else "participant-unhold")

    def set_muted(self, participant: Participant, muted: bool) -> None:
        if participant.muted != muted:
            participant.muted = muted
            self._touch(participant, "participant-mute" if muted else "participant-unmute")

    def hear_tones(self, participant: Participant, digits: str) -> None:
        """Somebody pressed keys: whoever is not on hold hears them."""
        for who in self._inside():
            if who is not participant and not who.hold:
                who.call.note("play", f"tones {digits}")

    def modify(self, participant: Participant) -> None:
        """Coaching or end-on-exit changed."""
        self._touch(participant, "participant-modify")

    def tell(self, event: str, participant: Participant | None, extra: Mapping[str, str] | None = None) -> None:
        """Send one event, numbered in the order in which things happened, if it was asked for."""
        if self.callback is None or EVENT_NAMES[event] not in (self.callback.events or DEFAULT_EVENTS):
            return
        params = {
            "AccountSid": self.account_sid,
            "ConferenceSid": self.sid,
            "FriendlyName": self.friendly_name,
            "StatusCallbackEvent": event,
            "SequenceNumber": str(self.sequence),
            "Timestamp": rfc2822(now()) or "",
        }
        self.sequence += 1
        if participant is not None:
            params |= _facts(participant)
        self.callbacks.send(f"conference-{self.ordinal}", self.callback, params | dict(extra or {}))

    def _tell_left(self, participant: Participant, reason: Left) -> None:
        participant.joined = False
        status = participant.call.status.value
        self.tell("participant-leave", participant, {"ReasonParticipantLeft": reason.value,
                                                     "ParticipantCallStatus": status})  # fmt: skip

    def _touch(self, participant: Participant, event: str) -> None:
        participant.updated = now()
        self.tell(event, participant)
        self._refresh()

    def _become(self, status: ConferenceStatus) -> None:
        self.status = status
        self.updated = now()

    def _inside(self) -> list[Participant]:
        return [who for who in self.participants.values() if who.joined]

    def _refresh(self) -> None:
        """Say to each call where it is now."""
        talking = self.status is ConferenceStatus.IN_PROGRESS and len(self._inside()) >= 2
        for who in self._inside():
            if talking:
                other = next((one.call for one in self._inside() if one is not who and one.call.device), None)
                who.call.answered_by = None if other is None else "colleague" if other.by_robot else "person"
            who.call.move("hold" if who.hold else "conversation" if talking else "waiting")
            who.changed()
            who.call.changes.notify()


def _facts(participant: Participant) -> dict[str, str]:
    flags = {
        "Muted": participant.muted,
        "Hold": participant.hold,
        "Coaching": participant.coaching,
        "EndConferenceOnExit": participant.end_on_exit,
        "StartConferenceOnEnter": participant.start_on_enter,
    }
    facts = {"CallSid": participant.call.sid, **{name: str(on).lower() for name, on in flags.items()}}
    if participant.label:
        facts["ParticipantLabel"] = participant.label
    if participant.call_sid_to_coach:
        facts["CallSidToCoach"] = participant.call_sid_to_coach
    return facts
