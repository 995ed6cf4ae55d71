"""What a practice call is made of: who calls, what he says, and what the trainee may say to him. Values, no rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from telephony.calls.choices import Disposition, Topic
from telephony.practice.people import Invented


class StoryKey(StrEnum):
    """The calls, the easiest first."""

    QUESTION = "question"
    INSTALMENTS = "instalments"
    FORGETFUL = "forgetful"
    RELATIVE = "relative"
    ELSEWHERE = "elsewhere"
    CARD = "card"
    ANGRY = "angry"


class Deed(StrEnum):
    """What a trainee does in a call."""

    ANSWER = "answer"
    SAY = "say"
    ASK = "ask"  # a question of the gate
    PROPOSE = "propose"
    IDENTIFY = "identify"
    TURN_AWAY = "turn_away"
    RETRACT = "retract"
    HOLD = "hold"
    BACK = "back"
    CONSULT = "consult"
    TOGETHER = "together"
    PASS = "pass"  # noqa: S105  # the call, on to a colleague
    LEAVE_OUT = "leave_out"  # of the recording
    RECORD_AGAIN = "record_again"
    WITHDRAW = "withdraw"
    HELP = "help"
    PROMISE = "promise"
    HANG_UP = "hang_up"
    SAVE = "save"


class Fact(StrEnum):
    """What became true in a call; a story adds words of its own."""

    GREETED = "greeted"
    PROPOSED = "proposed"
    DOUBTED = "doubted"  # as many answers were wrong
    PROVEN = "proven"  # the caller gave as many right answers as are wanted
    IDENTIFIED = "identified"
    TURNED_AWAY = "turned_away"
    SERVED = "served"  # he has what he called for, or knows why not
    TOLD_TO_WAIT = "told_to_wait"
    HELD = "held"
    PASSED = "passed"
    LEFT_OUT = "left_out"
    PROMISED = "promised"
    # What went wrong.
    ASKED_TOO_MUCH = "asked_too_much"
    TICKED_WRONGLY = "ticked_wrongly"
    TOLD_TOO_EARLY = "told_too_early"
    HELD_SUDDENLY = "held_suddenly"
    HELD_LONG = "held_long"
    NUMBER_RECORDED = "number_recorded"
    WAS_HARSH = "was_harsh"


class Advice(StrEnum):
    """What to do next."""

    ANSWER_IT = "answer_it"
    GREET = "greet"
    REPLY = "reply"
    FIND = "find"
    ASK = "ask"
    IDENTIFY = "identify"
    KEEP_CLOSED = "keep_closed"
    TELL_TO_WAIT = "tell_to_wait"
    PUT_ON_HOLD = "put_on_hold"
    TAKE_BACK = "take_back"
    PASS_ON = "pass_on"  # noqa: S105  # the call
    STOP_RECORDING = "stop_recording"
    NOTE_PROMISE = "note_promise"
    HANG_UP = "hang_up"
    CHOOSE_TOPIC = "choose_topic"
    CHOOSE_OUTCOME = "choose_outcome"
    SAVE = "save"


class Check(StrEnum):
    """What is looked at once a call is over."""

    GREETED = "greeted"
    ASKED_NOTHING = "asked_nothing"
    IDENTIFIED = "identified"
    TICKED_HONESTLY = "ticked_honestly"
    TOLD_NOTHING_BEFORE = "told_nothing_before"
    KEPT_CLOSED = "kept_closed"
    SERVED = "served"
    CALM = "calm"
    HELD_POLITELY = "held_politely"
    PASSED_ON = "passed_on"
    NUMBER_LEFT_OUT = "number_left_out"
    PROMISED = "promised"
    TOPIC = "topic"
    DISPOSITION = "disposition"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Reply:
    """A sentence the trainee may say, and what the caller answers.

    It is offered once `needs` are true and none of `unless` is, and said once. `{operatore}` stands for his name.
    """

    key: str
    words: str
    answer: str
    needs: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    gives: frozenset[str] = frozenset()
    tells: bool = False  # of somebody's debt
    takes_number: bool = False  # the caller reads a card's number aloud after it


@dataclass(frozen=True, slots=True)
class Answer:
    """What the caller answers to a question of the gate, and whether that is right."""

    words: str
    right: bool = True


@dataclass(frozen=True, slots=True)
class Story:
    """One practice call. `path` leads through it: each fact with the advice that holds until it is true."""

    key: StoryKey
    person: Invented  # about whom it is
    knows_number: bool  # the number proposes him
    recorded: bool
    guided: bool  # what to do next is said without being asked for
    replies: tuple[Reply, ...]
    path: tuple[tuple[str, Advice], ...]
    checks: tuple[Check, ...]
    topics: frozenset[Topic]
    dispositions: frozenset[Disposition]
    answers: Mapping[str, Answer] = field(default_factory=dict)
    reactions: Mapping[Deed, str] = field(default_factory=dict)  # what the caller says after what is done
    colleague: str = ""  # what whoever is consulted says
