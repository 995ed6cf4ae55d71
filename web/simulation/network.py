"""The telephone network in virtual time: lines, queues and rooms, as Twilio has them; and what goes wrong there.

It asks and tells by the product's own webhooks, and reads the TwiML that they answer.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

from telephony.carriers.simulator.twiml import Verb, parse
from web.simulation.clockwork import Clockwork
from web.simulation.lines import CUSTOMER, Author, Fields, Line, Outside, Party, Room
from web.simulation.plan import Plan

CHARACTERS_PER_S, PLAY_S = 15.0, 30.0
RING_BUFFER_S = 5.0  # a carrier rings this much longer than asked
AGAIN_S, TRIES = 1.0, 3  # who does not answer is asked again, as our addresses want it
APOLOGY_S = 8.0
INTERRUPTS = 0.1  # so often somebody presses a key while something is announced to him
OUTSIDE_ANSWERS, OUTSIDE_S = 0.6, 60.0  # how often somebody outside answers, and for how long he speaks on average
Post = Callable[[str, Fields], str | None]  # to the product: an address and a form; what it answers, if it does


class Network:
    """Every line that is in use. `ended` lines are kept until they are let go."""

    def __init__(self, clockwork: Clockwork, plan: Plan, seed: str) -> None:
        self.clockwork, self.plan = clockwork, plan
        self.draw = random.Random(f"{seed}:network")
        self.lines: dict[str, Line] = {}
        self.rooms: dict[str, Room] = {}
        self.post: Post = lambda _url, _fields: ""
        self.voice_url = ""
        self.status_url = ""
        self.apology_url = ""
        self.text_url = ""
        self._made = 0
        self._rooms_made = 0
        self.struck: Counter[str] = Counter()
        self._told: dict[str, float] = {}  # when the last callback about a subject arrives

    def strikes(self, fault: str, share: float = 1.0) -> bool:
        """Whether a fault of the plan's happens this time, or that share of its times. It is counted by its name."""
        chance = getattr(self.plan.faults, fault) * share
        struck: bool = chance > 0 and self.draw.random() < chance
        self.struck[fault] += struck
        return struck

    def way(self) -> float:
        """How long a request travels."""
        return self.draw.uniform(0.1, 1.0) * self.plan.latency_s if self.plan.latency_s else 0.0

    def live(self) -> list[Line]:
        """The lines in use."""
        return [line for line in self.lines.values() if line.live]

    # -- what people do -----------------------------------------------------------------------------------------

    def dial(self, number: str, party: Party, caller: str) -> Line:
        """A citizen calls one of our numbers."""
        line = self._new(caller, number, party, self.status_url, inbound=True)
        self._fetch(line, self.voice_url, {})
        return line

    def pick_up(self, line: Line) -> None:
        """An agent answers; his leg enters its room."""
        line.turn += 1
        line.answered = self.clockwork.seconds
        line.status = "in-progress"
        self._progress(line)
        self.rooms[line.room].expected.pop(line.label, None)
        self._join(line, line.room)

    def hang_up(self, line: Line, status: str = "") -> None:
        """A line ends, whoever ended it."""
        if not line.live:
            return
        line.turn += 1
        unanswered = "no-answer" if line.inbound else "canceled"
        line.status = status or ("completed" if line.answered is not None else unanswered)
        line.ended = self.clockwork.seconds
        self._leave(line, "hangup")
        self._progress(line)
        line.party.ended(line)

    def text(self, writer: Author, body: str) -> str:
        """A citizen writes an SMS; the carrier's name of it."""
        self._made += 1
        sid = f"SM{self._made:032x}"
        fields = {"MessageSid": sid, "From": writer.number, "To": writer.line, "Body": body, "NumMedia": "0"}
        self._tell(f"text-{sid}", self.text_url, fields, lambda: writer.heard.add(sid))
        return sid

    # -- what the product asks ------------------------------------------------------------------------------------

    def ring(
        self, *, to: str, party: Party, room: str, label: str, from_: str, timeout_s: float, status_url: str,
        room_url: str,
    ) -> Line:  # fmt: skip
        """Ring an agent, for whom a place is kept in a room."""
        line = self._new(from_, to, party, status_url, inbound=False)
        line.label, line.room, line.entered = label, room, self.clockwork.seconds
        self._room(room, room_url).expected[label] = line
        self._progress(line, "initiated")
        self._progress(line)
        self.unless_changed(line, timeout_s + RING_BUFFER_S, lambda: self.hang_up(line, "no-answer"))
        party.rings(line)
        return line

    def redirect(self, line: Line, url: str) -> None:
        """A live line asks this address what to do."""
        line.turn += 1
        line.party.happens(line)
        if line.live:
            self._leave(line, "redirected")
            self._fetch(line, url, {})

    def arrange(self, room: str, held: Mapping[str, bool]) -> None:
        """Who in a room is on hold, by label; whoever is not there is let be."""
        inside = self.rooms[room].inside if room in self.rooms else {}
        for label in inside.keys() & held.keys():
            inside[label].held = held[label]

    # -- courses of a line ----------------------------------------------------------------------------------------

    def _new(self, from_: str, to: str, party: Party, status_url: str, *, inbound: bool) -> Line:
        self._made += 1
        line = Line(f"CA{self._made:032x}", self._made, from_, to, inbound, party, status_url, self.clockwork.seconds)
        self.lines[line.sid] = line
        return line

    def unless_changed(self, line: Line, seconds: float, do: Callable[[], object]) -> None:
        """Unless its course changes before."""
        turn = line.turn
        self.clockwork.after(seconds, lambda: do() if line.turn == turn else None)

    def _fetch(self, line: Line, url: str, more: Mapping[str, str]) -> None:
        if url == self.apology_url:
            self._apologise(line)
            return
        fields, turn = self._facts(line) | dict(more), line.turn

        def post() -> str | None:
            document = self.post(url, fields)
            if document is not None:
                line.party.told(line, document)
            return document

        def ask(tries: int) -> None:
            document = post()
            if document is not None and self.strikes("repeated"):
                document = post() or document
            if document is not None:
                self.clockwork.after(self.way(), lambda: self._read(line, turn, url, document))
            elif tries < TRIES:
                self.clockwork.after(AGAIN_S, lambda: ask(tries + 1))
            else:
                line.announced = line.announced and url != self.voice_url
                if line.turn == turn:
                    self._fails(line)

        self.clockwork.after(self.way(), lambda: ask(1))

    def _fails(self, line: Line) -> None:
        """Nobody says what is to be done: a queue lets him out, and whatever else there is ends."""
        if not line.queued:
            self._apologise(line)
            return
        action, line.action, line.queued = line.action, "", False
        self._fetch(line, action, {"QueueResult": "system-error"})

    def _apologise(self, line: Line) -> None:
        """The address of last resort is hosted elsewhere: its words, and the end."""
        if line.answered is None:
            line.answered, line.status = self.clockwork.seconds, "in-progress"
        self.unless_changed(line, APOLOGY_S, lambda: self.hang_up(line))

    def _read(self, line: Line, turn: int, url: str, document: str) -> None:
        if line.turn == turn:
            self._go(line, parse(document, url), 0)

    def _go(self, line: Line, verbs: tuple[Verb, ...], n: int) -> None:
        if line.answered is None:
            line.answered, line.status = self.clockwork.seconds, "in-progress"
        spoken = 0.0
        while n < len(verbs) and verbs[n].name in {"Say", "Play", "Pause"}:
            spoken += self._lasts(verbs[n])
            n += 1
        end = Verb("Redirect", {}, line.wait_url) if line.queued else Verb("Hangup", {}, "")
        verb = verbs[n] if n < len(verbs) else end
        rest = verbs[n + 1 :]
        if spoken:
            self.unless_changed(line, spoken, lambda: self._do(line, verb, rest))
        else:
            self._do(line, verb, rest)

    def _do(self, line: Line, verb: Verb, rest: tuple[Verb, ...]) -> None:
        match verb.name:
            case "Gather":
                self._gather(line, verb, rest)
            case "Enqueue":
                line.queued, line.action, line.wait_url = True, verb.get("action"), verb.get("waitUrl")
                line.party.happens(line)
                if line.live and self.plan.speech:
                    self._fetch(line, line.wait_url, {})
            case "Dial" if verb.children[0].name == "Number":
                self._dial_on(line, verb)
            case "Dial":
                line.action = verb.get("action")
                self._join(line, verb.children[0].text)
            case "Redirect":
                self._fetch(line, verb.text, {})
            case "Hangup":
                self.hang_up(line)
            case other:
                raise AssertionError(f"the simulation knows no <{other}>")

    def _gather(self, line: Line, verb: Verb, rest: tuple[Verb, ...]) -> None:
        """Keys are awaited; or, where what follows goes on without any, one may interrupt what is said."""
        prompt_s = sum(self._lasts(child) for child in verb.children if child.name == "Say")
        music_s = sum(self._lasts(child) for child in verb.children if child.name != "Say")
        awaited = verb.flag("actionOnEmptyResult", default=False)
        if not awaited and self.draw.random() >= INTERRUPTS:
            self.unless_changed(line, prompt_s + music_s, lambda: self._go(line, rest, 0))
            return
        pressed = line.party.asked(line, prompt_s)
        delay, digits = pressed or (prompt_s + music_s + verb.number("timeout", 5), "")
        if digits or awaited:
            self.unless_changed(line, delay, lambda: self._fetch(line, verb.get("action"), {"Digits": digits}))
        else:
            self.unless_changed(line, delay, lambda: self._go(line, rest, 0))

    def _dial_on(self, line: Line, verb: Verb) -> None:
        """Somebody outside is rung for a caller; if he answers they speak, until one of them hangs up."""
        outside = Outside()
        line.action = verb.get("action")
        line.outside.append(outside)
        missed = "" if self.draw.random() < OUTSIDE_ANSWERS else self.draw.choice(("busy", "no-answer"))

        def over(told: Fields) -> None:
            action, line.action = line.action, ""
            self._fetch(line, action, told)

        def ends() -> None:
            line.turn += 1
            outside.until = self.clockwork.seconds
            over(outside.told())

        def answers() -> None:
            outside.since = self.clockwork.seconds
            line.party.happens(line)
            self.unless_changed(line, self.draw.expovariate(1 / OUTSIDE_S), ends)
            self.unless_changed(line, self.draw.expovariate(1 / OUTSIDE_S), lambda: self.hang_up(line))

        if missed:
            self.unless_changed(line, verb.number("timeout", 30), lambda: over({"DialCallStatus": missed}))
        else:
            self.unless_changed(line, self.draw.uniform(1, 10), answers)

    def _lasts(self, verb: Verb) -> float:
        if verb.name == "Say":
            return len(verb.text) / CHARACTERS_PER_S * self.plan.speech
        return (PLAY_S if verb.name == "Play" else verb.number("length", 1)) * self.plan.speech

    # -- rooms ----------------------------------------------------------------------------------------------------

    def _room(self, name: str, url: str) -> Room:
        if name not in self.rooms:
            self._rooms_made += 1
            self.rooms[name] = Room(self._rooms_made, url)
        return self.rooms[name]

    def _join(self, line: Line, name: str) -> None:
        room = self._room(name, "")
        others = list(room.inside.values())
        if line.label == CUSTOMER:
            line.room, line.entered = name, self.clockwork.seconds
        room.inside[line.label] = line
        self._tell_room(room, "participant-join", line)
        for other in others:
            other.party.together(other, line)
            line.party.together(line, other)
        line.party.happens(line)

    def _leave(self, line: Line, result: str) -> None:
        """Out of queue and room."""
        action, line.action = line.action, ""
        if line.queued:
            line.queued = False
            self._tell(f"call-{line.ordinal}", action, self._facts(line) | {"QueueResult": result})
        elif action and line.outside and not line.room:
            outside = line.outside[-1]
            outside.until = self.clockwork.seconds
            self._tell(f"call-{line.ordinal}", action, self._facts(line) | outside.told())
        elif action and result == "hangup":
            self._tell(f"call-{line.ordinal}", action, self._facts(line) | {"DialCallStatus": "answered"})
        room = self.rooms.get(line.room)
        if room is None:
            return
        name, line.room, line.held = line.room, "", False
        room.expected.pop(line.label, None)
        if room.inside.pop(line.label, None) is not None:
            self._tell_room(room, "participant-leave", line)
            others = list(room.inside.values())
            for one in [*others, line] if len(others) == 1 else [line] if others else []:
                one.party.alone(one)
        if not room.inside and not room.expected:
            del self.rooms[name]

    def _tell_room(self, room: Room, event: str, line: Line) -> None:
        facts = {
            "StatusCallbackEvent": event, "ParticipantLabel": line.label, "CallSid": line.sid,
            "SequenceNumber": str(room.sequence), "Timestamp": format_datetime(self._second()),
        }  # fmt: skip
        room.sequence += 1
        if room.url:
            self._tell(f"room-{room.ordinal}", room.url, facts)

    # -- callbacks --------------------------------------------------------------------------------------------------

    def _progress(self, line: Line, status: str = "") -> None:
        facts = self._facts(line) | {
            "SequenceNumber": str(line.sequence), "Timestamp": format_datetime(self._second()),
        }  # fmt: skip
        line.sequence += 1
        self._tell(f"call-{line.ordinal}", line.status_url, facts | ({"CallStatus": status} if status else {}))

    def _tell(
        self, subject: str, url: str, fields: Fields, heard: Callable[[], object] = lambda: None
    ) -> None:  # fmt: skip
        """Tell the product; in order about one subject, unless a fault says otherwise. `heard`: it has answered."""
        if self.strikes("dropped"):
            return
        arrives = self.clockwork.seconds + self.way()
        if self.strikes("late"):
            arrives += self.draw.uniform(0, self.plan.faults.late_s)
        if self.strikes("disorder"):
            arrives += self.draw.uniform(0, 2)
        else:
            arrives = self._told[subject] = max(arrives, self._told.get(subject, 0.0))
        for _ in range(1 + self.strikes("twice")):
            self.clockwork.after(arrives - self.clockwork.seconds, lambda: self._deliver(url, fields, 1, heard))

    def _deliver(self, url: str, fields: Fields, tries: int, heard: Callable[[], object]) -> None:
        if self.post(url, fields) is not None:
            heard()
        elif tries < TRIES:
            self.clockwork.after(AGAIN_S, lambda: self._deliver(url, fields, tries + 1, heard))

    def _facts(self, line: Line) -> Fields:
        direction = "inbound" if line.inbound else "outbound-api"
        return {
            "CallSid": line.sid, "From": line.from_, "To": line.to, "CallStatus": line.status, "Direction": direction,
        }  # fmt: skip

    def _second(self) -> datetime:
        return self.clockwork.now().replace(microsecond=0)

    def let_go(self, before: float) -> None:
        """Lines that ended long ago are known no longer."""
        for sid in [sid for sid, line in self.lines.items() if line.ended is not None and line.ended < before]:
            del self._told_of(sid)[sid]

    def _told_of(self, sid: str) -> dict[str, Line]:
        self._told.pop(f"call-{self.lines[sid].ordinal}", None)
        return self.lines


def path_of(url: str) -> tuple[str, dict[str, str]]:
    """The path and the query of an address."""
    parts = urlsplit(url)
    return parts.path, {name: values[-1] for name, values in parse_qs(parts.query).items()}
