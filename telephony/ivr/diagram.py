"""A flow as a picture: boxes in layers, from the first node down, and arrows between them. Pure; units are pixels."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from telephony.ivr.definition import Asking, AskLanguage, Exit, Flow, Menu, Node, NodeId, exits

WIDTH, HEIGHT = 168, 52
GAP_X, GAP_Y = 28, 64
MARGIN = 16
LETTER, WORD, LINE = 12, 64, 14  # how wide a key, and the name of an exit, are at most; how high


@dataclass(frozen=True, slots=True)
class Box:
    """A node; `x`, `y` are its upper left corner."""

    id: NodeId
    node: Node
    x: int
    y: int

    @property
    def middle(self) -> int:
        return self.x + WIDTH // 2


@dataclass(frozen=True, slots=True)
class Arrow:
    """Where a node leads, and why: the key, or what happened. `path` is an SVG path; its label stands at `x`, `y`."""

    source: NodeId
    target: NodeId
    why: tuple[str, ...]  # keys, and members of `Exit`
    path: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Diagram:
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def draw(flow: Flow) -> Diagram:
    """Every node once, also those that nothing leads to. Exits that lead nowhere are left out."""
    layers = _layers(flow)
    widest = max(len(layer) for layer in layers)
    width = 2 * MARGIN + widest * (WIDTH + GAP_X) - GAP_X
    boxes = {}
    for row, layer in enumerate(layers):
        left = (width - len(layer) * (WIDTH + GAP_X) + GAP_X) // 2
        for column, id_ in enumerate(layer):
            place = left + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y)
            boxes[id_] = Box(id_, flow.nodes[id_], *place)
    height = 2 * MARGIN + len(layers) * (HEIGHT + GAP_Y) - GAP_Y
    arrows = [arrow for box in boxes.values() for arrow in _apart(_arrows(box, boxes, width))]
    if any(arrow.source in layers[-1] for arrow in arrows):  # they lead back, below the last boxes
        height += GAP_Y // 2
    return Diagram(width, height, tuple(boxes.values()), tuple(arrows))


def _layers(flow: Flow) -> list[list[NodeId]]:
    """Each node in the layer of its shortest way from the start; then those that only zero, or nothing, leads to.

    In a layer nodes stand in the order of what leads to them, so that few arrows cross.
    """
    layers: list[list[NodeId]] = []
    seen: set[NodeId] = set()
    ahead: Iterable[NodeId] = [flow.start, flow.operator, *flow.nodes]
    for root in ahead:
        if root in seen or root not in flow.nodes:
            continue
        layer, depth = [root], 0 if root == flow.start else max(len(layers) - 1, 0)
        while layer:
            if depth == len(layers):
                layers.append([])
            layers[depth] += layer
            seen.update(layer)
            onward = [target for id_ in layer for target in _targets(flow.nodes[id_])]
            layer = [id_ for id_ in dict.fromkeys(onward) if id_ in flow.nodes and id_ not in seen]
            depth += 1
    return layers


def _targets(node: Node) -> list[NodeId]:
    return [target for _, target in exits(node)] + ([node.zero] if isinstance(node, Asking) and node.zero else [])


def _arrows(box: Box, boxes: Mapping[NodeId, Box], width: int) -> Iterable[Arrow]:
    leads: dict[NodeId, list[str]] = {}
    for field, target in exits(box.node):
        leads.setdefault(target, []).extend(_why(box.node, field))
    if isinstance(box.node, Asking) and box.node.zero:
        leads.setdefault(box.node.zero, []).append(Exit.ZERO)
    places = len(leads)
    for n, (target, whys) in enumerate(leads.items()):
        if target not in boxes:
            continue
        to = boxes[target]
        start = box.x + WIDTH * (n + 1) // (places + 1)
        why = tuple(dict.fromkeys(whys))
        below = box.y + HEIGHT
        if to.y > box.y:
            bend = (below + to.y) // 2
            path = f"M{start} {below} C{start} {bend} {to.middle} {bend} {to.middle} {to.y}"
            yield Arrow(box.id, target, why, path, (3 * start + to.middle) // 4, below + GAP_Y // 4)
        else:  # back, or beside: round the outside
            side = width - MARGIN // 2 if box.middle >= width // 2 else MARGIN // 2
            path = (
                f"M{start} {below} C{start} {below + GAP_Y // 2} {side} {below + GAP_Y // 2} {side} {below}"
                f" L{side} {to.y} C{side} {to.y - GAP_Y // 2} {to.middle} {to.y - GAP_Y // 2} {to.middle} {to.y}"
            )
            yield Arrow(box.id, target, why, path, start, below + GAP_Y // 4)


def _apart(arrows: Iterable[Arrow]) -> Iterable[Arrow]:
    """A label that would stand on the one to its left goes a line lower."""
    ends, lower = 0, False
    for one in sorted(arrows, key=lambda arrow: arrow.x):
        half = sum(LETTER if len(why) == 1 else WORD for why in one.why) // 2
        lower = not lower and one.x - half < ends
        ends = max(ends, one.x + half)
        yield replace(one, y=one.y + LINE) if lower else one


def _why(node: Node, field: str) -> list[str]:
    """The keys that lead there, or the name of the exit; nothing where there is but one."""
    if isinstance(node, Menu) and field.startswith("choices."):
        return [node.choices[int(field.split(".")[1])].digit]
    if isinstance(node, AskLanguage) and field == Exit.NEXT:
        return [one.digit for one in node.choices]
    return [] if field == Exit.NEXT and len(list(exits(node))) == 1 else [Exit(field)]
