"""What is wrong with a flow before it is published. Pure; all problems at once, each at its node and field."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from telephony.ivr.definition import (
    ENDS,
    Asking,
    AskLanguage,
    AskNotice,
    Flow,
    Known,
    Menu,
    Node,
    NodeId,
    Text,
    ToQueue,
    exits,
    texts,
)  # fmt: skip
from telephony.ivr.languages import Language


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a field of a node (of the flow itself where `node` is none).

    What does not `hinder` is told, and may be published.
    """

    node: NodeId | None
    field: str
    what: str
    hinders: bool = True


def problems(flow: Flow, *, queues: Collection[int]) -> tuple[Problem, ...]:
    """Everything wrong with a flow that may lead to these queues."""
    found = [*_leading_nowhere(flow)]
    if found:  # what follows walks along the exits
        return (*found, *_own(flow, queues))
    return (*_own(flow, queues), *_without_end(flow), *_silent_loops(flow), *_unreachable(flow))


def _leading_nowhere(flow: Flow) -> Iterable[Problem]:
    if flow.start not in flow.nodes:
        yield Problem(None, "start", f"Il percorso comincia da «{flow.start}», che non c'è.")
    if not isinstance(flow.nodes.get(flow.operator), ToQueue):
        yield Problem(None, "operator", "Il tasto zero deve portare a una coda.")
    for id_, node in flow.nodes.items():
        zero = [("zero", node.zero)] if isinstance(node, Asking) and node.zero else []
        for field, target in (*exits(node), *zero):
            if target not in flow.nodes:
                yield Problem(id_, field, f"Porta a «{target}», che non c'è.")


def _own(flow: Flow, queues: Collection[int]) -> Iterable[Problem]:
    """What each node has wrong by itself."""
    for id_, node in flow.nodes.items():
        for field, text in texts(node):
            yield from (Problem(id_, field, what) for what in _text(text, flow.languages))
        match node:
            case Menu():
                if not node.choices:
                    yield Problem(id_, "choices", "Il menu non ha scelte.")
                yield from (Problem(id_, field, what) for field, what in _keys([one.digit for one in node.choices]))
            case AskLanguage():
                if {one.language for one in node.choices} != set(flow.languages):
                    yield Problem(id_, "choices", "Le lingue proposte non sono quelle del percorso.")
                yield from (Problem(id_, field, what) for field, what in _keys([one.digit for one in node.choices]))
            case ToQueue() if node.queue not in queues:
                yield Problem(id_, "queue", "Questa coda non c'è, o è di un altro contratto.")
            case _:
                pass
        if getattr(node, "least", 0) > getattr(node, "most", 0):
            yield Problem(id_, "least", "Il minimo di cifre supera il massimo.")


def _text(text: Text, languages: Iterable[Language]) -> Iterable[str]:
    for language in languages:
        if not text.get(language, "").strip():
            yield f"Manca il testo in {_NAMES[language]}."
    for language, said in text.items():
        for name in sorted(set(_NAMED.findall(said)) - set(Known)):
            yield f"Il testo in {_NAMES[language]} nomina «{{{name}}}», che non si conosce."


_NAMED = re.compile(r"\{([^{}]*)\}")
_NAMES: Mapping[Language, str] = {
    Language.ITALIAN: "italiano", Language.ENGLISH: "inglese", Language.GERMAN: "tedesco",
}  # fmt: skip


def _keys(digits: list[str]) -> Iterable[tuple[str, str]]:
    for n, digit in enumerate(digits):
        if digit in digits[:n]:
            yield f"choices.{n}.digit", f"Il tasto {digit} è già di un'altra scelta."


def _without_end(flow: Flow) -> Iterable[Problem]:
    """Nodes from which no path leads to a queue or to the end of the call: a loop without exit."""
    leading: dict[NodeId, set[NodeId]] = {id_: set() for id_ in flow.nodes}
    for id_, node in flow.nodes.items():
        for _, target in exits(node):
            leading[target].add(id_)
    sound = _closure([id_ for id_, node in flow.nodes.items() if isinstance(node, ENDS)], leading)
    for id_ in flow.nodes:
        if id_ not in sound:
            yield Problem(id_, "next", "Da qui non si arriva mai a una coda né alla fine: è un giro senza uscita.")


def _silent_loops(flow: Flow) -> Iterable[Problem]:
    """Rounds that a call makes by itself when nobody does anything: a line that was left open would never end."""
    alone = {id_: [*_by_itself(node)] for id_, node in flow.nodes.items()}
    for id_, targets in alone.items():
        if id_ in _closure(targets, alone):
            yield Problem(id_, "next", "Chi non fa nulla torna sempre qui: la chiamata non finirebbe mai.")


def _by_itself(node: Node) -> Iterable[NodeId]:
    """Where a call goes on from a node without its caller."""
    if not isinstance(node, Asking):
        yield from (target for _, target in exits(node))
        return
    yield node.otherwise
    if isinstance(node, AskNotice) and node.skips_known:
        yield node.next


def _unreachable(flow: Flow) -> Iterable[Problem]:
    onward = {
        id_: [target for _, target in exits(node)] + ([node.zero] if isinstance(node, Asking) and node.zero else [])
        for id_, node in flow.nodes.items()
    }
    reached = _closure([flow.start, flow.operator], onward)
    for id_ in flow.nodes:
        if id_ not in reached:
            yield Problem(id_, "kind", "Nessuna strada porta qui.", hinders=False)


def _closure(begin: Iterable[NodeId], edges: Mapping[NodeId, Iterable[NodeId]]) -> set[NodeId]:
    """Everything that is reached along the edges, where it begins included."""
    reached, ahead = set(), list(begin)
    while ahead:
        id_ = ahead.pop()
        if id_ not in reached:
            reached.add(id_)
            ahead.extend(edges.get(id_, ()))
    return reached
