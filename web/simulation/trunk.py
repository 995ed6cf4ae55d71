"""The carrier as the product's port to it, in the simulated network: time passes while it is asked, and it may fail."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

from telephony.carriers.port import (
    CarrierCall,
    CarrierError,
    CarrierMessage,
    CarrierRecording,
    DeviceCredentials,
    Dial,
    Instruction,
    LiveCall,
    Ring,
    Room,
    Spoken,
    Taken,
    TextMessage,
    Written,
)
from telephony.carriers.twilio import markup
from telephony.carriers.twilio.carrier import LIVE, NOT_IN_PROGRESS
from web.simulation.clockwork import Killed
from web.simulation.lines import Line, Party
from web.simulation.network import Network

T = TypeVar("T")
TIMEOUT_S = 5.0
LAG_S = 8.0  # how far a list may be behind
SLOW_S = 3.0
CLIENT = "client:"


class Trunk:
    """`Carrier`, for what the simulation has: calls, no messages. `party` says who is at a number or identity."""

    def __init__(self, network: Network, party: Callable[[str], Party], is_open: Callable[[], bool]) -> None:
        """`is_open`: whether a transaction is, which none may be while the carrier is asked."""
        self._network, self._party, self._is_open = network, party, is_open

    def ring(self, ring: Ring) -> str:
        def do() -> str:
            line = self._network.ring(
                to=ring.number or f"{CLIENT}{ring.agent}", party=self._party(ring.number or ring.agent),
                room=ring.conference, label=ring.label,
                from_=ring.caller_id, timeout_s=ring.timeout_s, status_url=ring.status_url,
                room_url=ring.conference_url,
            )  # fmt: skip
            return line.sid

        return self._ask(do)

    def redirect(self, sid: str, url: str) -> None:
        self._ask(lambda: self._network.redirect(self._in_progress(sid), url))

    def end(self, sid: str) -> None:
        def do() -> None:
            line = self._network.lines.get(sid)
            if line is not None:
                self._network.hang_up(line)

        self._ask(do)

    def dial(self, dial: Dial) -> str:
        raise NotImplementedError

    def fetch(self, sid: str) -> CarrierCall | None:
        def do() -> CarrierCall | None:
            line = self._network.lines.get(sid)
            if line is None:
                return None
            ended = None if line.ended is None else self._network.clockwork.instant(int(line.ended))
            return CarrierCall(sid, line.status in LIVE, line.status, ended)

        return self._ask(do)

    def labels_in(self, conference: str) -> Mapping[str, datetime | None]:
        instant = self._network.clockwork.instant

        def do() -> dict[str, datetime]:
            room, since = self._network.rooms.get(conference), self._listed_since()
            inside = (room.inside if room else {}).items()
            return {label: instant(int(line.entered)) for label, line in inside if line.entered < since}

        return self._ask(do)

    def find_ring(self, ring: Ring) -> str | None:
        def do() -> str | None:
            line = self._participants(ring.conference).get(ring.label)
            return None if line is None or line.began >= self._listed_since() else line.sid

        return self._ask(do)

    def render(self, instructions: tuple[Instruction, ...]) -> str:
        return markup.render(instructions)

    def is_genuine(self, url: str, params: Mapping[str, str], signature: str) -> bool:
        return True

    def send_message(self, message: TextMessage) -> str:
        raise NotImplementedError

    def find_message(
        self, message: TextMessage, *, since: datetime, known: frozenset[str]
    ) -> CarrierMessage | None:  # fmt: skip
        raise NotImplementedError

    def fetch_message(self, sid: str) -> CarrierMessage | None:
        raise NotImplementedError

    def written_to(self, number: str, *, since: datetime) -> list[Written]:
        raise NotImplementedError

    def provision(
        self, number: str, *, voice_url: str, fallback_url: str, status_url: str, message_url: str, label: str
    ) -> None:  # fmt: skip
        raise NotImplementedError

    def arrange(self, room: Room) -> None:
        held = {label: standing.hold for label, standing in room.standing.items()}
        self._ask(lambda: self._network.arrange(room.conference, held))

    def put_through(self, sid: str) -> Spoken | None:
        def do() -> Spoken | None:
            line = self._network.lines.get(sid)
            spoke = [one for one in line.outside if one.since is not None] if line else []
            if not spoke or spoke[-1].since is None or spoke[-1].until is None:
                return None
            since, until = int(spoke[-1].since), int(spoke[-1].until)
            return Spoken(self._network.clockwork.instant(since), until - since)

        return self._ask(do)

    def live_calls(self) -> list[LiveCall]:
        instant, since = self._network.clockwork.instant, self._listed_since()
        return self._ask(
            lambda: [
                LiveCall(
                    line.sid, line.inbound, line.from_, line.to, line.answered is not None, instant(int(line.began)),
                    placed=not line.inbound,
                )
                for line in self._network.live()
                if line.began < since
            ]
        )  # fmt: skip

    def record(self, taken: Taken) -> None:
        raise NotImplementedError

    def recordings_of(self, sid: str) -> list[CarrierRecording]:
        raise NotImplementedError

    def fetch_recording(self, sid: str, *, channels: int = 1) -> bytes:
        raise NotImplementedError

    def delete_recording(self, sid: str) -> None:
        raise NotImplementedError

    def probe(self) -> None:
        """It is there."""

    def device(self, identity: str, now: datetime) -> DeviceCredentials:
        raise NotImplementedError

    def origins(self) -> tuple[str, ...]:
        return ()

    # -- parts --------------------------------------------------------------------------------------------------

    def _listed_since(self) -> float:
        """What has happened since then is in no list yet."""
        return self._network.clockwork.seconds - (LAG_S if self._network.strikes("lagging") else 0.0)

    def _participants(self, conference: str) -> dict[str, Line]:
        room = self._network.rooms.get(conference)
        return {} if room is None else {**room.expected, **room.inside}

    def _in_progress(self, sid: str) -> Line:
        line = self._network.lines.get(sid)
        if line is None or line.status != "in-progress":
            raise CarrierError("La chiamata è già finita.", permanent=True, gone=True, code=NOT_IN_PROGRESS)
        return line

    def _ask(self, do: Callable[[], T]) -> T:
        assert not self._is_open(), "the carrier is asked within a transaction"
        network, clockwork = self._network, self._network.clockwork
        self._wait(network.way())
        if network.strikes("unreachable"):
            raise CarrierError("Il gestore telefonico non è raggiungibile.", permanent=False)
        done = do()
        if network.strikes("unanswered"):
            clockwork.sleep(TIMEOUT_S)
            raise CarrierError("Il gestore telefonico non ha risposto in tempo.", permanent=False, unknown=True)
        self._wait(SLOW_S if network.strikes("slow") else network.way())
        if network.strikes("killed_waiting"):
            raise Killed
        return done

    def _wait(self, seconds: float) -> None:
        if seconds:
            self._network.clockwork.sleep(seconds)
