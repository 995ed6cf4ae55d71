"""A caller on his way through a flow, pure: where he is and what he does; what he hears and what happens next.

Zero asks for an operator wherever something is asked; while the line is closed it leads where the flow leads then.
Whoever fails too often goes on to where the node says, never to a dead end. A place is what a call keeps of it; `step`
counts the caller's turns, so that a turn that is delivered twice is recognised.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from crm.core.errors import InvalidError
from crm.enti.calendar import Opening
from crm.positions.notice import parse_notice_number
from telephony.callbacks import dialog
from telephony.callbacks.dialog import Agreed, Declined
from telephony.calls.models import Consent
from telephony.ivr import prompts
from telephony.ivr.definition import (
    MAX_NODES,
    OPERATOR_KEY,
    Asking,
    AskLanguage,
    AskMark,
    AskNotice,
    Choice,
    Collect,
    Emergency,
    Flow,
    Goodbye,
    Hours,
    Known,
    Menu,
    Message,
    NodeId,
    SelfService,
    Speaks,
    Text,
    ToCallback,
    ToNumber,
    ToQueue,
    ToVoicemail,
)  # fmt: skip
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence
from telephony.ivr.words import means
from telephony.recording.models import Purpose
from telephony.selfservice import dialogue
from telephony.selfservice import prompts as served
from telephony.selfservice.dialogue import Answer, Asks, Done, Failed, Offers, On, Request, State
from telephony.surveys.scale import score_of

KEY_S = 6  # seconds of silence after which a caller who was to press one key is asked again
MARKED = "survey-marked"  # kept with the call: that there was a mark, not which
DIGITS_S = 10  # and one who copies a long number
RECORDING, ASKED = "recording", "asked"  # what a place keeps: that he is asked whether he agrees, then his answer
AGREES, REFUSES = "1", "2"
ASKED_TIMES = 2  # silence is no agreement: he is not kept from the operator for it


@dataclass(frozen=True, slots=True)
class Urgent:
    """An emergency message that is switched on."""

    text: Text
    ends: bool  # the call ends after it


@dataclass(frozen=True, slots=True)
class Facts:
    """What a flow needs to know of the line, the caller and the queues."""

    ente: str  # the ente's name, or the contract's on a regional number
    opening: Opening
    now: datetime
    caller_known: bool = False  # his number belongs to exactly one taxpayer
    urgent: tuple[Urgent, ...] = ()
    caller: str | None = None  # his number, in E.164
    calls_back: bool = True  # he may be called back
    full: frozenset[int] = frozenset()  # the queues that hold all they may
    reaches: frozenset[str] = frozenset()  # the numbers outside to which he may be put through
    offers: Offers | None = None  # how a caller may serve himself, where he may
    records: Purpose | None = None  # for what he is asked whether the conversation may be recorded, if he is


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is in his flow, and what he has said so far."""

    node: NodeId
    step: int = 0
    attempts: int = 0
    language: Language = Language.ITALIAN
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def consent(self) -> Consent | None:
        """What he said to being recorded; none: he was not asked, or has not answered yet."""
        said = self.kept.get(RECORDING, ASKED)
        return None if said == ASKED else Consent(said)

    def stored(self) -> dict[str, Any]:
        """As a row keeps it."""
        return asdict(self) | {"language": self.language.value, "kept": dict(self.kept)}

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Place":
        """The reverse of `stored`."""
        language = Language(stored["language"])
        return cls(stored["node"], stored["step"], stored["attempts"], language, dict(stored["kept"]))


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and the language to speak it in."""

    text: str
    language: Language


# -- what happens next ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Await:
    """The caller is to do something. `digits` are how many keys are awaited (none: until `#`)."""

    digits: int | None
    timeout_s: int
    words: tuple[str, ...] = ()  # he may say one of these instead


@dataclass(frozen=True, slots=True)
class CalledBack:
    """The caller takes his place in this queue and is called at this number when it is his turn. The call ends."""

    queue: int
    number: str
    speaks: bool = False  # he leaves a message first


@dataclass(frozen=True, slots=True)
class LookUp:
    """A notice number is to be looked up; then `on_notice`."""

    notice: str


@dataclass(frozen=True, slots=True)
class Consult:
    """Somebody has to answer the self-service; then `on_answer`. `factor` is the one that the caller has proved."""

    request: Request
    factor: str


@dataclass(frozen=True, slots=True)
class Enter:
    """The caller waits in this queue."""

    queue: int


@dataclass(frozen=True, slots=True)
class PutThrough:
    """A number outside is called for the caller; then `on_put_through`."""

    number: str
    rings_s: int
    longest_min: int


class Reached(StrEnum):
    """What came of that."""

    ANSWERED = "answered"  # and they have spoken
    BUSY = "busy"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is over."""


Next = Await | CalledBack | LookUp | Consult | Enter | PutThrough | HangUp


@dataclass(frozen=True, slots=True)
class Turn:
    """The caller's new place, what is said there, and what happens next; `mark` is one that he gave to the service."""

    place: Place
    says: tuple[Said, ...]
    then: Next
    mark: int | None = None


def begin(flow: Flow, facts: Facts) -> Turn:
    """A call arrives."""
    return _go(flow, Place(flow.start, language=flow.languages[0]), facts)


def on_input(flow: Flow, place: Place, facts: Facts, *, keys: str = "", speech: str = "") -> Turn:
    """The caller keyed or said something, or nothing in time."""
    place = _still_there(flow, replace(place, step=place.step + 1))
    node = flow.nodes[place.node]
    if not isinstance(node, Asking):
        return _about_recording(flow, place, facts, keys) if _asks_consent(place) else repeat(flow, place, facts)
    if keys == OPERATOR_KEY:
        return _asked_for_operator(flow, place, node, facts)
    if isinstance(node, ToCallback | ToVoicemail):
        return _about_callback(flow, place, node, facts, keys)
    if not keys and not speech:
        return _failed(flow, place, node, facts, Sentence.NOTHING_HEARD)
    match node:
        case Menu() | AskLanguage():
            return _chosen(flow, place, node, facts, keys, speech)
        case AskNotice():
            try:
                return Turn(place, (), LookUp(parse_notice_number(keys)))
            except InvalidError:
                return _failed(flow, place, node, facts, Sentence.NOTICE_WRONG)
        case Collect() | AskMark():
            return _keyed(flow, place, node, facts, keys)
        case SelfService():
            return _serve(flow, place, node, facts, keys)
        case _:
            assert_never(node)


def on_notice(flow: Flow, place: Place, facts: Facts, *, found: bool) -> Turn:
    """The notice number was looked up."""
    place = _still_there(flow, place)
    node = flow.nodes[place.node]
    if not isinstance(node, AskNotice):
        return repeat(flow, place, facts)
    if not found:
        return _failed(flow, place, node, facts, Sentence.NOTICE_UNKNOWN)
    return _onward(flow, place, node.next, facts)


def on_answer(flow: Flow, place: Place, facts: Facts, request: Request, answer: Answer) -> Turn:
    """The self-service was answered."""
    place = _still_there(flow, place)
    node = flow.nodes[place.node]
    if not isinstance(node, SelfService):
        return repeat(flow, place, facts)
    came = dialogue.answered(State.of(place.kept), request, answer, place.language)
    return _served(flow, place, node, facts, came)


def on_put_through(flow: Flow, place: Place, facts: Facts, reached: Reached) -> Turn:
    """Whoever was put through to a number outside has spoken there, or reached nobody."""
    place = _still_there(flow, replace(place, step=place.step + 1))
    node = flow.nodes[place.node]
    if not isinstance(node, ToNumber):
        return repeat(flow, place, facts)
    if reached is not Reached.ANSWERED:
        said = (_sentence(Sentence.NOBODY_THERE, place),)
        return _judged(flow, replace(place, node=_instead(node, reached), attempts=0), facts, said)
    if node.next is None:
        return Turn(place, (), HangUp())
    return _judged(flow, replace(_without_notice(place), node=node.next, attempts=0), facts)


def repeat(flow: Flow, place: Place, facts: Facts) -> Turn:
    """What happens where the caller stands: he comes back to it, or his turn is delivered twice."""
    place = _still_there(flow, place)
    node = flow.nodes[place.node]
    match node:
        case ToQueue():
            return _go(flow, place, facts) if _asks_consent(place) else Turn(place, (), Enter(node.queue))
        case ToNumber() if node.number in facts.reaches:
            return Turn(place, (), _put_through(node))
        case Goodbye():
            return Turn(place, (_say(node.text, place, facts),), HangUp())
        case Menu() | AskLanguage() | AskNotice() | Collect() | AskMark():
            return _asked(flow, place, node, facts)
        case ToCallback() | ToVoicemail() if dialog.is_under_way(place.kept):
            return _asked(flow, place, node, facts)
        case SelfService() if facts.offers is not None:
            return _asked(flow, place, node, facts)
        case _:
            return _go(flow, place, facts)


# -- parts ------------------------------------------------------------------------------------------------------


def _still_there(flow: Flow, place: Place) -> Place:
    """The place; the operator's where its node went away, as it may from the usual flow when queues change."""
    return place if place.node in flow.nodes else replace(place, node=flow.operator, attempts=0)


def _go(flow: Flow, place: Place, facts: Facts, says: tuple[Said, ...] = ()) -> Turn:
    """From a node on, through those that ask nothing, to one that does or to the end."""
    for _ in range(MAX_NODES):
        node = flow.nodes[place.node]
        match node:
            case Hours():
                place = replace(place, node=node.opened if facts.opening.is_open else node.closed)
            case Emergency():
                says += tuple(_say(one.text, place, facts) for one in facts.urgent)
                if any(one.ends for one in facts.urgent):
                    return Turn(place, says, HangUp())
                place = replace(place, node=node.next)
            case Message():
                says += (_say(node.text, place, facts),)
                place = replace(place, node=node.next)
            case AskNotice() if node.skips_known and facts.caller_known:
                place = replace(place, node=node.next)
            case AskMark() if MARKED in place.kept:
                place = replace(place, node=node.next)
            case ToCallback() | ToVoicemail() | SelfService() | ToNumber() if not _open_to_him(node, facts):
                place = replace(place, node=node.otherwise)
            case ToCallback() | ToVoicemail():
                place = replace(place, kept=dialog.begin(place.kept, facts.caller), attempts=0)
                return _asked(flow, place, node, facts, says)
            case ToQueue() if node.full is not None and node.queue in facts.full:
                place = replace(place, node=node.full)
            case ToQueue():
                return _into_queue(place, node, facts, says)
            case ToNumber():
                said = node.text or {place.language: prompts.sentence(Sentence.PUT_THROUGH, place.language)}
                return Turn(place, (*says, _say(said, place, facts)), _put_through(node))
            case Goodbye():
                return Turn(place, (*says, _say(node.text, place, facts)), HangUp())
            case _:
                return _asked(flow, replace(place, attempts=0), node, facts, says)
    raise AssertionError("a flow that was checked does not turn in a circle")


def _judged(flow: Flow, place: Place, facts: Facts, says: tuple[Said, ...] = ()) -> Turn:
    """As `_go`, for whoever is not known to have come through an open door: to a queue only while it is open, where the
    flow asks that at all; else where it leads who finds it closed."""
    turn = _go(flow, place, facts, says)
    closed = None if facts.opening.is_open else _closed_way(flow)
    if closed is None or not isinstance(flow.nodes[turn.place.node], ToQueue):
        return turn
    return _go(flow, replace(place, node=closed), facts, says)


def _closed_way(flow: Flow) -> NodeId | None:
    """Where whoever finds the line closed goes on; none where a flow does not ask."""
    return next((one.closed for one in flow.nodes.values() if isinstance(one, Hours)), None)


def _reaches_operator(flow: Flow, node: Asking, facts: Facts) -> bool:
    """Whether zero leads to an operator from here now; a node's own `zero` leads where it says, at night too."""
    return facts.opening.is_open or node.zero is not None or _closed_way(flow) is None


def _into_queue(place: Place, node: ToQueue, facts: Facts, says: tuple[Said, ...]) -> Turn:
    """He waits; where the ente records, once he has said whether he agrees."""
    if facts.records is not None and not node.unrecorded and place.consent is None:
        if not _asks_consent(place):
            place = replace(place, attempts=0, kept={**place.kept, RECORDING: ASKED})
        asks = Said(prompts.may_we_record(facts.records, place.language), place.language)
        return Turn(place, (*says, asks), Await(1, KEY_S))
    said = node.text or {place.language: prompts.sentence(Sentence.OPERATOR, place.language)}
    return Turn(place, (*says, _say(said, place, facts)), Enter(node.queue))


def _asks_consent(place: Place) -> bool:
    return place.kept.get(RECORDING) == ASKED


def _about_recording(flow: Flow, place: Place, facts: Facts, keys: str) -> Turn:
    """He agrees by a key of his own. Whoever asks for the operator instead, or keys nothing, has not agreed."""
    if facts.records is None:  # switched off meanwhile
        return _go(flow, replace(place, kept={k: v for k, v in place.kept.items() if k != RECORDING}), facts)
    said = {AGREES: Consent.AGREED, REFUSES: Consent.REFUSED, OPERATOR_KEY: Consent.SILENT}.get(keys)
    if said is None and place.attempts + 1 < ASKED_TIMES:
        why = Sentence.NOT_A_CHOICE if keys else Sentence.NOTHING_HEARD
        return _go(flow, replace(place, attempts=place.attempts + 1), facts, (_sentence(why, place),))
    answered = replace(place, attempts=0, kept={**place.kept, RECORDING: said or Consent.SILENT})
    heard = Sentence.RECORDED if said is Consent.AGREED else Sentence.NOT_RECORDED
    return _go(flow, answered, facts, (_sentence(heard, answered),))


def _open_to_him(node: ToCallback | ToVoicemail | SelfService | ToNumber, facts: Facts) -> bool:
    match node:
        case SelfService():
            return facts.offers is not None
        case ToNumber():
            return node.number in facts.reaches
        case _:
            return facts.calls_back


def _put_through(node: ToNumber) -> PutThrough:
    return PutThrough(node.number, node.rings_s, node.longest_min)


def _instead(node: ToNumber, reached: Reached) -> NodeId:
    return node.busy if reached is Reached.BUSY and node.busy is not None else node.otherwise


def _onward(flow: Flow, place: Place, target: NodeId, facts: Facts) -> Turn:
    return _go(flow, replace(_without_notice(place), node=target, attempts=0), facts)


def _without_notice(place: Place) -> Place:
    """Whoever leaves the self-service proves anew who he is when he comes back."""
    return replace(
        place, kept={name: kept for name, kept in place.kept.items() if not name.startswith(dialogue.PREFIX)}
    )


def _serve(flow: Flow, place: Place, node: SelfService, facts: Facts, keys: str) -> Turn:
    if facts.offers is None:  # switched off meanwhile
        return _onward(flow, place, node.otherwise, facts)
    state = State.of(place.kept)
    came = dialogue.heard(state, keys, facts.offers)
    match came:
        case Asks():
            return Turn(place, (), Consult(came.request, state.factor))
        case Done():
            return _onward(flow, place, node.next, facts)
        case On() | Failed():
            return _served(flow, place, node, facts, came)
        case _:
            assert_never(came)


def _served(flow: Flow, place: Place, node: SelfService, facts: Facts, came: On | Failed) -> Turn:
    if isinstance(came, Failed):
        return _failed(flow, place, node, facts, Said(served.line(came.why, place.language), place.language))
    on = replace(place, attempts=0, kept={**_without_notice(place).kept, **came.state.kept()})
    return _asked(flow, on, node, facts, tuple(Said(one, place.language) for one in came.says))


def _keyed(flow: Flow, place: Place, node: Collect | AskMark, facts: Facts, keys: str) -> Turn:
    if isinstance(node, AskMark):
        return _marked(flow, place, node, facts, keys)
    if not (keys.isascii() and keys.isdigit() and node.least <= len(keys) <= node.most):
        return _failed(flow, place, node, facts, Sentence.TOO_FEW)
    return _onward(flow, replace(place, kept={**place.kept, node.name: keys}), node.next, facts)


def _marked(flow: Flow, place: Place, node: AskMark, facts: Facts, keys: str) -> Turn:
    score = score_of(keys)
    if score is None:
        return _failed(flow, place, node, facts, Sentence.NOT_A_CHOICE)
    thanks = (_sentence(Sentence.THANKS, place),)
    place = replace(place, node=node.next, attempts=0, kept={**place.kept, MARKED: "yes"})
    return replace(_go(flow, place, facts, thanks), mark=score)


def _asked_for_operator(flow: Flow, place: Place, node: Asking, facts: Facts) -> Turn:
    """Zero. Where the operators' queue is full, or while closed, and that leads back here, he goes on as one who would
    rather not; while closed, one who was to be called back does so at once."""
    place = replace(_without_notice(place), kept=dialog.over(_without_notice(place).kept), attempts=0)
    declines = isinstance(node, ToCallback | ToVoicemail)
    if _reaches_operator(flow, node, facts):
        turn = _go(flow, replace(place, node=node.zero or flow.operator), facts)
        if not declines or turn.place.node != place.node:
            return turn
        return _go(flow, replace(place, node=node.otherwise), facts)
    ways = (node.otherwise, flow.operator) if declines else (flow.operator, node.otherwise)
    for way in ways:
        turn = _judged(flow, replace(place, node=way), facts)
        if turn.place.node != place.node:
            return turn
    return Turn(place, (Said(prompts.closed(facts.opening, facts.now, place.language), place.language),), HangUp())


def _about_callback(flow: Flow, place: Place, node: ToCallback | ToVoicemail, facts: Facts, keys: str) -> Turn:
    kept, came = dialog.answered(place.kept, keys, attempts=node.attempts)
    place = replace(place, kept=kept)
    match came:
        case Agreed(number):
            speaks = isinstance(node, ToVoicemail)
            words = Sentence.VOICEMAIL_SPEAK if speaks else Sentence.CALLBACK_AGREED
            return Turn(place, (_sentence(words, place),), CalledBack(node.queue, number, speaks))
        case Declined():
            return _go(flow, replace(place, node=node.otherwise), facts, (_sentence(Sentence.NEVER_MIND, place),))
        case None:
            return _asked(flow, place, node, facts)
        case _:
            return _asked(flow, place, node, facts, (_sentence(came, place),))


def _chosen(flow: Flow, place: Place, node: Menu | AskLanguage, facts: Facts, keys: str, speech: str) -> Turn:
    by_key = next((one for one in node.choices if one.digit == keys), None)
    match node, by_key:
        case AskLanguage(), Speaks():
            return _onward(flow, replace(place, language=by_key.language), node.next, facts)
        case Menu(), Choice():
            return _onward(flow, place, by_key.next, facts)
        case Menu(), None:
            meant = [one for one in node.choices if means(speech, one.words.get(place.language, ()))]
            if len(meant) == 1:
                return _onward(flow, place, meant[0].next, facts)
        case _:
            pass
    return _failed(flow, place, node, facts, Sentence.NOT_A_CHOICE)


def _failed(flow: Flow, place: Place, node: Asking, facts: Facts, why: Sentence | Said) -> Turn:
    place = replace(place, attempts=place.attempts + 1)
    if place.attempts >= node.attempts:
        consoled = (_sentence(Sentence.NEVER_MIND, place),)
        return _go(flow, replace(_without_notice(place), node=node.otherwise, attempts=0), facts, consoled)
    return _asked(flow, place, node, facts, (why if isinstance(why, Said) else _sentence(why, place),))


def _asked(flow: Flow, place: Place, node: Asking, facts: Facts, says: tuple[Said, ...] = ()) -> Turn:
    """What a node asks, said after `says`."""
    spoken = place.language
    match node:
        case Menu():
            keys = [prompts.choice(_text(one.label, spoken, facts), one.digit, spoken) for one in node.choices]
            before = [_text(node.text, spoken, facts)] if node.text else []
            last = [prompts.sentence(Sentence.OPERATOR_LAST, spoken)] if _reaches_operator(flow, node, facts) else []
            words = tuple(word for one in node.choices for word in one.words.get(spoken, ()))
            asked = Said(" ".join([*before, *keys, *last]), spoken)
            return Turn(place, (*says, asked), Await(1, KEY_S, words))
        case AskLanguage():
            offered = [(one.language, prompts.language_choice(one.digit, one.language)) for one in node.choices]
            return Turn(place, (*says, *(Said(text, language) for language, text in offered)), Await(1, KEY_S))
        case AskNotice():
            said = _say(node.text, place, facts) if node.text else _sentence(Sentence.ASK_NOTICE, place)
            return Turn(place, (*says, said), Await(None, DIGITS_S))
        case AskMark():
            said = _say(node.text, place, facts) if node.text else _sentence(Sentence.SURVEY_SCORE, place)
            return Turn(place, (*says, said), Await(1, KEY_S))
        case Collect():
            one_key = 1 if node.most == 1 else None
            return Turn(place, (*says, _say(node.text, place, facts)), Await(one_key, DIGITS_S))
        case ToCallback() | ToVoicemail():
            asks = dialog.asked(place.kept, spoken, zero_reaches=_reaches_operator(flow, node, facts))
            return Turn(place, (*says, Said(asks.text, spoken)), Await(asks.digits, DIGITS_S))
        case SelfService():
            assert facts.offers is not None, "who cannot be served has been led on"
            reaches = _reaches_operator(flow, node, facts)
            text, digits, timeout_s = dialogue.asks(State.of(place.kept), facts.offers, spoken, operators=reaches)
            return Turn(place, (*says, Said(text, spoken)), Await(digits, timeout_s))
        case _:
            assert_never(node)


def _sentence(which: Sentence, place: Place) -> Said:
    return Said(prompts.sentence(which, place.language), place.language)


def _say(text: Text, place: Place, facts: Facts) -> Said:
    return Said(_text(text, place.language, facts), place.language)


def _text(text: Text, language: Language, facts: Facts) -> str:
    """A text with what it names filled in; in Italian where it is missing, which no published flow is."""
    said = text.get(language) or next(iter(text.values()), "")
    said = said.replace(f"{{{Known.ENTE}}}", facts.ente)
    why = f"{{{Known.CLOSED}}}"
    return said.replace(why, prompts.closed(facts.opening, facts.now, language)) if why in said else said
