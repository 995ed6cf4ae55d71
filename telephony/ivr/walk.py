"""A caller on his way through a flow, pure: where he is and what he does; what he hears and what happens next.

Zero asks for an operator wherever he stands, whatever is being said; while the line is closed it leads to no queue, but
where the flow leads then. Whoever fails too often goes on to where the node says, never to a dead end. A place is what
a call keeps of it; `step` counts the caller's turns, so that a turn that is delivered twice is recognised.
"""

from dataclasses import replace
from typing import assert_never

from crm.core.errors import InvalidError
from crm.positions.notice import parse_notice_number
from telephony.appointments.state import Answer as Arranged
from telephony.appointments.state import Request as Wanted
from telephony.callbacks import dialog
from telephony.calls.models import Consent
from telephony.ivr import asking, dialogues, prompts
from telephony.ivr.asking import KEY_S, say, sentence
from telephony.ivr.definition import (
    MAX_NODES,
    OPERATOR_KEY,
    Appointment,
    AskBadge,
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
    Menu,
    Message,
    Node,
    NodeId,
    Questions,
    SelfService,
    Speaks,
    ToCallback,
    ToNumber,
    ToQueue,
    ToVoicemail,
)  # fmt: skip
from telephony.ivr.dialogues import Fails, Goes, Stays
from telephony.ivr.prompts import Sentence
from telephony.ivr.turns import (
    ASKED,
    MARKED,
    RECORDING,
    Await,
    Bearer,
    Enter,
    Facts,
    HangUp,
    LookUp,
    Place,
    PutThrough,
    Question,
    Reached,
    Said,
    Turn,
    Verify,
)
from telephony.ivr.words import means
from telephony.selfservice.dialogue import Answer, Request
from telephony.surveys.scale import score_of

AGREES, REFUSES = "1", "2"
BADGE_DIGITS = 8
ASKED_TIMES = 2  # silence is no agreement: he is not kept from the operator for it


def begin(flow: Flow, facts: Facts) -> Turn:
    """A call arrives."""
    return _go(flow, Place(flow.start, language=flow.languages[0]), facts)


def on_input(flow: Flow, place: Place, facts: Facts, *, keys: str = "", speech: str = "") -> Turn:
    """The caller keyed or said something, or nothing in time."""
    place = _still_there(flow, replace(place, step=place.step + 1))
    node = flow.nodes[place.node]
    if isinstance(node, ToQueue):
        return _about_recording(flow, place, facts, keys) if _asks_consent(place) else repeat(flow, place, facts)
    if keys == OPERATOR_KEY:
        return _asked_for_operator(flow, place, node, facts)
    came_to_nothing = isinstance(node, ToCallback | ToVoicemail) and not dialog.is_under_way(place.kept)
    if came_to_nothing or not isinstance(node, Asking):
        return repeat(flow, place, facts)
    return _heard(flow, place, node, facts, keys, speech)


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
    return _come_of(flow, place, node, facts, dialogues.answered(place, request, answer))


def on_verified(flow: Flow, place: Place, facts: Facts, bearer: Bearer | None) -> Turn:
    """A badge's code was verified; none: it is not valid."""
    place = _still_there(flow, place)
    node = flow.nodes[place.node]
    if not isinstance(node, AskBadge):
        return repeat(flow, place, facts)
    if bearer is None:
        return _failed(flow, place, node, facts, Sentence.BADGE_INVALID)
    told = Said(prompts.badge_of(bearer.name, bearer.number, bearer.until, place.language), place.language)
    return _go(flow, replace(dialogues.left(place), node=node.next, attempts=0), facts, (told,))


def on_arranged(
    flow: Flow, place: Place, facts: Facts, request: Wanted, answer: Arranged
) -> Turn:  # fmt: skip
    """Somebody has seen to an appointment."""
    place = _still_there(flow, place)
    node = flow.nodes[place.node]
    if not isinstance(node, Appointment):
        return repeat(flow, place, facts)
    return _come_of(flow, place, node, facts, dialogues.arranged(place, node, facts, request, answer))


def on_put_through(flow: Flow, place: Place, facts: Facts, reached: Reached) -> Turn:
    """Whoever was put through to a number outside has spoken there, or reached nobody."""
    place = _still_there(flow, replace(place, step=place.step + 1))
    node = flow.nodes[place.node]
    if not isinstance(node, ToNumber):
        return repeat(flow, place, facts)
    if reached is not Reached.ANSWERED:
        said = (sentence(Sentence.NOBODY_THERE, place),)
        return _judged(flow, replace(place, node=_instead(node, reached), attempts=0), facts, said)
    if node.next is None:
        return Turn(place, (), HangUp())
    return _judged(flow, replace(dialogues.left(place), node=node.next, attempts=0), facts)


def on_questioned(flow: Flow, place: Place, facts: Facts, *, done: bool) -> Turn:
    """A questionnaire was put to the caller; `done`: to its end."""
    place = _still_there(flow, replace(place, step=place.step + 1))
    node = flow.nodes[place.node]
    if not isinstance(node, Questions):
        return repeat(flow, place, facts)
    to = node.next if done else node.otherwise
    return _judged(flow, replace(dialogues.left(place), node=to, attempts=0), facts)


def repeat(flow: Flow, place: Place, facts: Facts) -> Turn:
    """What happens where the caller stands: he comes back to it, or his turn is delivered twice."""
    place = _still_there(flow, place)
    node = flow.nodes[place.node]
    match node:
        case ToQueue():
            return _go(flow, place, facts) if _asks_consent(place) else Turn(place, (), Enter(node.queue))
        case ToNumber() if node.number in facts.reaches:
            return Turn(place, (), _put_through(node))
        case Questions():
            return Turn(place, (), Question())
        case Goodbye():
            return Turn(place, (say(node.text, place, facts),), HangUp())
        case Menu() | AskLanguage() | AskNotice() | Collect() | AskMark() | AskBadge():
            return _asked(flow, place, node, facts)
        case ToCallback() | ToVoicemail() if dialog.is_under_way(place.kept):
            return _asked(flow, place, node, facts)
        case SelfService() if facts.offers is not None:
            return _asked(flow, place, node, facts)
        case Appointment() if facts.bookable:
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
                says += tuple(say(one.text, place, facts) for one in facts.urgent)
                if any(one.ends for one in facts.urgent):
                    return Turn(place, says, HangUp())
                place = replace(place, node=node.next)
            case Message():
                says += (say(node.text, place, facts),)
                place = replace(place, node=node.next)
            case AskNotice() if node.skips_known and facts.caller_known:
                place = replace(place, node=node.next)
            case AskMark() if MARKED in place.kept:
                place = replace(place, node=node.next)
            case ToCallback() | ToVoicemail() | SelfService() | Appointment() | ToNumber() if not _open_to_him(
                node, facts
            ):
                place = replace(place, node=node.otherwise)
            case ToCallback() | ToVoicemail():
                place = replace(place, kept=dialog.begin(place.kept, facts.caller), attempts=0)
                return _asked(flow, place, node, facts, says)
            case ToQueue() if node.full is not None and node.queue in facts.full:
                place = replace(place, node=node.full)
            case ToQueue():
                return _into_queue(place, node, facts, says)
            case ToNumber() | Questions():
                return _handed_over(place, node, facts, says)
            case Goodbye():
                return Turn(place, (*says, say(node.text, place, facts)), HangUp())
            case _:
                return _asked(flow, replace(place, attempts=0), node, facts, says)
    raise AssertionError("a flow that was checked does not turn in a circle")


def _judged(flow: Flow, place: Place, facts: Facts, says: tuple[Said, ...] = ()) -> Turn:
    """As `_go`, for whoever is not known to have come through an open door: to a queue only while it is open, where the
    flow asks that at all; else where it leads who finds it closed."""
    turn = _go(flow, place, facts, says)
    closed = _closed_way(flow)
    if closed is None or facts.opening.is_open or not isinstance(flow.nodes[turn.place.node], ToQueue):
        return turn
    return _go(flow, replace(place, node=closed), facts, says)


def _closed_way(flow: Flow) -> NodeId | None:
    """Where whoever finds the line closed goes on; none where a flow does not ask."""
    return next((one.closed for one in flow.nodes.values() if isinstance(one, Hours)), None)


def _reaches_operator(flow: Flow, node: Asking, facts: Facts) -> bool:
    """Whether zero leads to an operator from here now; by night, where a node's own does and that is no queue."""
    if _lets_in(flow, facts):
        return True
    ahead = flow.nodes[node.zero] if node.zero is not None else None
    for _ in flow.nodes:
        if not isinstance(ahead, Message | Emergency):
            break
        ahead = flow.nodes[ahead.next]
    return ahead is not None and not isinstance(ahead, ToQueue | Hours)


def _lets_in(flow: Flow, facts: Facts) -> bool:
    """Whether operators' queues take callers now: the line is open, or the flow does not ask."""
    return facts.opening.is_open or _closed_way(flow) is None


def _into_queue(place: Place, node: ToQueue, facts: Facts, says: tuple[Said, ...]) -> Turn:
    """He waits; where the ente records, once he has said whether he agrees."""
    if facts.records is not None and not node.unrecorded and place.consent is None:
        if not _asks_consent(place):
            place = replace(place, attempts=0, kept={**place.kept, RECORDING: ASKED})
        asks = Said(prompts.may_we_record(facts.records, place.language), place.language)
        return Turn(place, (*says, asks), Await(1, KEY_S))
    said = node.text or {place.language: prompts.sentence(Sentence.OPERATOR, place.language)}
    return Turn(place, (*says, say(said, place, facts)), Enter(node.queue))


def _asks_consent(place: Place) -> bool:
    return place.kept.get(RECORDING) == ASKED


def _about_recording(flow: Flow, place: Place, facts: Facts, keys: str) -> Turn:
    """He agrees by a key of his own. Whoever asks for the operator instead, or keys nothing, has not agreed."""
    if facts.records is None:  # switched off meanwhile
        return _go(flow, replace(place, kept={k: v for k, v in place.kept.items() if k != RECORDING}), facts)
    said = {AGREES: Consent.AGREED, REFUSES: Consent.REFUSED, OPERATOR_KEY: Consent.SILENT}.get(keys)
    if said is None and place.attempts + 1 < ASKED_TIMES:
        why = Sentence.NOT_A_CHOICE if keys else Sentence.NOTHING_HEARD
        return _go(flow, replace(place, attempts=place.attempts + 1), facts, (sentence(why, place),))
    answered = replace(place, attempts=0, kept={**place.kept, RECORDING: said or Consent.SILENT})
    heard = Sentence.RECORDED if said is Consent.AGREED else Sentence.NOT_RECORDED
    return _go(flow, answered, facts, (sentence(heard, answered),))


def _open_to_him(node: ToCallback | ToVoicemail | SelfService | Appointment | ToNumber, facts: Facts) -> bool:
    match node:
        case Appointment():
            return bool(facts.bookable)
        case SelfService():
            return facts.offers is not None
        case ToNumber():
            return node.number in facts.reaches
        case _:
            return facts.calls_back


def _handed_over(place: Place, node: ToNumber | Questions, facts: Facts, says: tuple[Said, ...]) -> Turn:
    """Somebody else speaks with him: an office, or a questionnaire."""
    if isinstance(node, Questions):
        return Turn(place, (*says, say(node.text, place, facts)) if node.text else says, Question())
    said = node.text or {place.language: prompts.sentence(Sentence.PUT_THROUGH, place.language)}
    return Turn(place, (*says, say(said, place, facts)), _put_through(node))


def _put_through(node: ToNumber) -> PutThrough:
    return PutThrough(node.number, node.rings_s, node.longest_min)


def _instead(node: ToNumber, reached: Reached) -> NodeId:
    return node.busy if reached is Reached.BUSY and node.busy is not None else node.otherwise


def _onward(flow: Flow, place: Place, target: NodeId, facts: Facts) -> Turn:
    return _go(flow, replace(dialogues.left(place), node=target, attempts=0), facts)


def _heard(flow: Flow, place: Place, node: Asking, facts: Facts, keys: str, speech: str) -> Turn:
    """What comes of what he keyed or said where he was asked; zero is none of it."""
    if isinstance(node, ToCallback | ToVoicemail):
        return _come_of(flow, place, node, facts, dialogues.call_back(place, node, keys))
    if isinstance(node, Appointment):
        return _come_of(flow, place, node, facts, dialogues.book(place, node, facts, keys, speech))
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
        case Collect() | AskMark() | AskBadge():
            return _keyed(flow, place, node, facts, keys)
        case SelfService():
            return _come_of(flow, place, node, facts, dialogues.serve(place, node, facts, keys))
        case _:
            assert_never(node)


def _come_of(flow: Flow, place: Place, node: Asking, facts: Facts, came: Turn | Stays | Goes | Fails) -> Turn:
    """What a conversation within a node leads to."""
    match came:
        case Turn():
            return came
        case Stays():
            return _asked(flow, came.place, node, facts, came.says)
        case Goes():
            return _go(flow, replace(came.place, node=came.to, attempts=0), facts, came.says)
        case Fails():
            return _failed(flow, came.place or place, node, facts, came.why)
        case _:
            assert_never(came)


def _keyed(flow: Flow, place: Place, node: Collect | AskMark | AskBadge, facts: Facts, keys: str) -> Turn:
    if isinstance(node, AskMark):
        return _marked(flow, place, node, facts, keys)
    if isinstance(node, AskBadge):
        if not (keys.isascii() and keys.isdigit() and len(keys) == BADGE_DIGITS):
            return _failed(flow, place, node, facts, Sentence.TOO_FEW)
        return Turn(place, (), Verify(keys))
    if not (keys.isascii() and keys.isdigit() and node.least <= len(keys) <= node.most):
        return _failed(flow, place, node, facts, Sentence.TOO_FEW)
    return _onward(flow, replace(place, kept={**place.kept, node.name: keys}), node.next, facts)


def _marked(flow: Flow, place: Place, node: AskMark, facts: Facts, keys: str) -> Turn:
    score = score_of(keys)
    if score is None:
        return _failed(flow, place, node, facts, Sentence.NOT_A_CHOICE)
    thanks = (sentence(Sentence.THANKS, place),)
    place = replace(place, node=node.next, attempts=0, kept={**place.kept, MARKED: "yes"})
    return replace(_go(flow, place, facts, thanks), mark=score)


def _asked_for_operator(flow: Flow, place: Place, node: Node, facts: Facts) -> Turn:
    """Zero. By night he is led to no queue: he hears that nobody answers, then where the flow leads.

    Where that, or the operators' full queue, leads back here, he goes on as one who would rather not; by night one who
    was to be called back does so at once. A message that ends calls lets nobody through.
    """
    place = replace(dialogues.left(place), kept=dialog.over(dialogues.left(place).kept), attempts=0)
    declines, open_ = isinstance(node, ToCallback | ToVoicemail), _lets_in(flow, facts)
    nobody = () if open_ or declines else (sentence(Sentence.NOBODY_ANSWERS, place),)
    if isinstance(node, Emergency):
        says = (sentence(Sentence.NOBODY_ANSWERS, place), sentence(Sentence.CALL_LATER, place))
        return Turn(place, says, HangUp())
    ways = [node.zero if isinstance(node, Asking) and node.zero else flow.operator]
    if isinstance(node, Asking | ToNumber | Questions) and (declines or not open_):
        ways.insert(0 if declines and not open_ else 1, node.otherwise)
    for n, way in enumerate(ways, 1):
        turn = _judged(flow, replace(place, node=way), facts, nobody)
        if turn.place.node != place.node or (open_ and n == len(ways)):
            return turn
    closed = prompts.closed(facts.opening, facts.now, place.language)
    return Turn(place, (*nobody, Said(closed, place.language)), HangUp())


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
        consoled = (sentence(Sentence.NEVER_MIND, place),)
        return _go(flow, replace(dialogues.left(place), node=node.otherwise, attempts=0), facts, consoled)
    return _asked(flow, place, node, facts, (why if isinstance(why, Said) else sentence(why, place),))


def _asked(flow: Flow, place: Place, node: Asking, facts: Facts, says: tuple[Said, ...] = ()) -> Turn:
    return asking.asked(place, node, facts, says, operators=_reaches_operator(flow, node, facts))
