"""What is wrong with a flow before it is published. Pure; all problems at once, each at its node and field."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from telephony.ivr.definition import (
    ENDS,
    Appointment,
    Asking,
    AskLanguage,
    AskMark,
    AskNotice,
    Emergency,
    Flow,
    Hours,
    Known,
    Menu,
    Message,
    Node,
    NodeId,
    Questions,
    Text,
    ToCallback,
    ToNumber,
    ToQueue,
    ToVoicemail,
    exits,
    texts,
)  # fmt: skip
from telephony.ivr.languages import Language
from telephony.ivr.words import means


class Flaw(StrEnum):
    """What may be wrong."""

    NO_START = "no_start"
    NO_OPERATOR = "no_operator"  # zero leads to no queue
    LEADS_NOWHERE = "leads_nowhere"
    NO_TEXT = "no_text"
    UNKNOWN_NAME = "unknown_name"  # a text names what is not known
    LOOSE_BRACE = "loose_brace"  # a brace that is not closed, or was not opened, would be spoken
    NO_CHOICES = "no_choices"
    ZERO_ASTRAY = "zero_astray"  # by day its own zero leads to no operator
    SAME_KEY = "same_key"
    SAME_WORD = "same_word"  # said, it would mean two choices
    OTHER_LANGUAGES = "other_languages"  # a choice of language that is not the flow's
    NO_QUEUE = "no_queue"
    NO_FORM = "no_form"  # no questionnaire was chosen
    NO_NUMBER = "no_number"  # neither an office's nor ours
    TOO_FEW_DIGITS = "too_few_digits"  # at least more than at most
    NO_END = "no_end"  # a loop without exit
    ENDLESS = "endless"  # whoever does nothing turns in a circle
    UNREACHED = "unreached"
    NOTHING_BOOKABLE = "nothing_bookable"  # no service is booked by voice
    QUEUE_AT_NIGHT = "queue_at_night"  # whoever finds the line closed waits for an operator


@dataclass(frozen=True, slots=True)
class Problem:
    """A flaw at a field of a node (of the flow itself where `node` is none); `about` is the key, name or language."""

    node: NodeId | None
    field: str
    flaw: Flaw
    about: str = ""

    @property
    def hinders(self) -> bool:
        """Whether it may not be published so."""
        return self.flaw not in {Flaw.UNREACHED, Flaw.QUEUE_AT_NIGHT, Flaw.NOTHING_BOOKABLE}


def problems(
    flow: Flow, *, queues: Collection[int], numbers: Collection[str] = (), books: bool = True
) -> tuple[Problem, ...]:
    """Everything wrong with a flow that may lead to these queues, and to these numbers outside. `books`: some service
    of its enti is booked by voice.
    """
    found = [*_leading_nowhere(flow)]
    if found:  # what follows walks along the exits
        return (*found, *_own(flow, queues, numbers))
    return (
        *_own(flow, queues, numbers),
        *_without_end(flow),
        *_silent_loops(flow),
        *_zero_astray(flow),
        *_unreachable(flow),
        *_at_night(flow),
        *(Problem(id_, "kind", Flaw.NOTHING_BOOKABLE) for id_ in flow.nodes if not books and _books(flow, id_)),
    )


def _leading_nowhere(flow: Flow) -> Iterable[Problem]:
    if flow.start not in flow.nodes:
        yield Problem(None, "start", Flaw.NO_START, flow.start)
    if not isinstance(flow.nodes.get(flow.operator), ToQueue):
        yield Problem(None, "operator", Flaw.NO_OPERATOR, flow.operator)
    for id_, node in flow.nodes.items():
        for field, target in _ways(node):
            if target not in flow.nodes:
                yield Problem(id_, field, Flaw.LEADS_NOWHERE, target)


def _own(flow: Flow, queues: Collection[int], numbers: Collection[str]) -> Iterable[Problem]:
    """What each node has wrong by itself."""
    for id_, node in flow.nodes.items():
        for field, text in texts(node):
            yield from (Problem(id_, field, flaw, about) for flaw, about in _text(text, flow.languages))
        match node:
            case Menu():
                if not node.choices:
                    yield Problem(id_, "choices", Flaw.NO_CHOICES)
                yield from _keys(id_, [one.digit for one in node.choices])
                yield from _words(id_, node)
            case AskLanguage():
                if {one.language for one in node.choices} != set(flow.languages):
                    yield Problem(id_, "choices", Flaw.OTHER_LANGUAGES)
                yield from _keys(id_, [one.digit for one in node.choices])
            case ToQueue() | ToCallback() | ToVoicemail() if node.queue not in queues:
                yield Problem(id_, "queue", Flaw.NO_QUEUE, str(node.queue))
            case Questions(questionnaire=0):
                yield Problem(id_, "questionnaire", Flaw.NO_FORM)
            case ToNumber() if node.number not in numbers:
                yield Problem(id_, "number", Flaw.NO_NUMBER, node.number)
            case _:
                pass
        if getattr(node, "least", 0) > getattr(node, "most", 0):
            yield Problem(id_, "least", Flaw.TOO_FEW_DIGITS)


def _text(text: Text, languages: Iterable[Language]) -> Iterable[tuple[Flaw, str]]:
    yield from ((Flaw.NO_TEXT, language.value) for language in languages if not text.get(language, "").strip())
    named = {name for said in text.values() for name in _NAMED.findall(said)}
    yield from ((Flaw.UNKNOWN_NAME, name) for name in sorted(named - set(Known)))
    loose = [language for language, said in text.items() if {"{", "}"} & set(_NAMED.sub("", said))]
    yield from ((Flaw.LOOSE_BRACE, language.value) for language in loose)


_NAMED = re.compile(r"\{([^{}]*)\}")


def _keys(id_: NodeId, digits: list[str]) -> Iterable[Problem]:
    for n, digit in enumerate(digits):
        if digit in digits[:n]:
            yield Problem(id_, f"choices.{n}.digit", Flaw.SAME_KEY, digit)


def _words(id_: NodeId, menu: Menu) -> Iterable[Problem]:
    """Words of a choice that, said, another choice is meant by as well: then none is."""
    for n, choice in enumerate(menu.choices):
        for language, words in choice.words.items():
            others = [word for other in menu.choices if other is not choice for word in other.words.get(language, ())]
            yield from (Problem(id_, f"choices.{n}.words", Flaw.SAME_WORD, one) for one in words if means(one, others))


def _zero_astray(flow: Flow) -> Iterable[Problem]:
    """What asks by day, and whose own zero leads to no queue, through messages at the most.

    Where one may ask to be called back, or leave a message, zero is how one declines, and is said to be.
    """
    by_day = {
        id_: [node.opened] if isinstance(node, Hours) else [target for _, target in _ways(node)]
        for id_, node in flow.nodes.items()
    }
    for id_ in sorted(_closure([flow.start], by_day)):
        node = flow.nodes[id_]
        if isinstance(node, Asking) and node.zero and not isinstance(node, ToCallback | ToVoicemail):
            way = flow.nodes[node.zero]
            for _ in flow.nodes:
                if not isinstance(way, Message | Emergency | Hours):
                    break
                way = flow.nodes[way.opened if isinstance(way, Hours) else way.next]
            if not isinstance(way, ToQueue):
                yield Problem(id_, "zero", Flaw.ZERO_ASTRAY, node.zero)


def _ways(node: Node) -> Iterable[tuple[str, NodeId]]:
    """Where a node leads, its own zero included, each with the field that says so."""
    yield from exits(node)
    if isinstance(node, Asking) and node.zero:
        yield "zero", node.zero


def _without_end(flow: Flow) -> Iterable[Problem]:
    """Nodes from which no path leads to a queue or to the end of the call: a loop without exit."""
    leading: dict[NodeId, set[NodeId]] = {id_: set() for id_ in flow.nodes}
    for id_, node in flow.nodes.items():
        for _, target in exits(node):
            leading[target].add(id_)
    sound = _closure([id_ for id_, node in flow.nodes.items() if isinstance(node, ENDS)], leading)
    for id_ in flow.nodes:
        if id_ not in sound:
            yield Problem(id_, "next", Flaw.NO_END)


def _silent_loops(flow: Flow) -> Iterable[Problem]:
    """Rounds that a call makes by itself when nobody does anything: a line that was left open would never end."""
    alone = {id_: [*_by_itself(node)] for id_, node in flow.nodes.items()}
    for id_, targets in alone.items():
        if id_ in _closure(targets, alone):
            yield Problem(id_, "next", Flaw.ENDLESS)


def _by_itself(node: Node) -> Iterable[NodeId]:
    """Where a call goes on from a node without its caller."""
    if not isinstance(node, Asking):
        yield from (target for _, target in exits(node))
        return
    yield node.otherwise
    if isinstance(node, AskMark) or (isinstance(node, AskNotice) and node.skips_known):
        yield node.next  # whoever gave his mark, or is known, is not asked


def _at_night(flow: Flow) -> Iterable[Problem]:
    """Hours after which whoever finds the line closed is led to a queue, asked nothing on the way."""
    for id_, node in flow.nodes.items():
        if isinstance(node, Hours):
            way = flow.nodes[node.closed]
            for _ in flow.nodes:
                if not isinstance(way, Message | Emergency):
                    break
                way = flow.nodes[way.next]
            if isinstance(way, ToQueue):
                yield Problem(id_, "closed", Flaw.QUEUE_AT_NIGHT)


def _books(flow: Flow, id_: NodeId) -> bool:
    return isinstance(flow.nodes[id_], Appointment)


def _unreachable(flow: Flow) -> Iterable[Problem]:
    onward = {id_: [target for _, target in _ways(node)] for id_, node in flow.nodes.items()}
    reached = _closure([flow.start, flow.operator], onward)
    for id_ in flow.nodes:
        if id_ not in reached:
            yield Problem(id_, "kind", Flaw.UNREACHED)


def _closure(begin: Iterable[NodeId], edges: Mapping[NodeId, Iterable[NodeId]]) -> set[NodeId]:
    """Everything that is reached along the edges, where it begins included."""
    reached, ahead = set(), list(begin)
    while ahead:
        id_ = ahead.pop()
        if id_ not in reached:
            reached.add(id_)
            ahead.extend(edges.get(id_, ()))
    return reached
