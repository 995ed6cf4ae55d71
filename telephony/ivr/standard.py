"""The flow a contract begins with: hours, emergencies, a menu of its queues, the notice number, an operator.

Its nodes have Italian names: whoever draws a flow of his own begins with them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telephony.ivr.definition import (
    AskNotice,
    Choice,
    Emergency,
    Flow,
    Goodbye,
    Hours,
    Menu,
    Message,
    Node,
    NodeId,
    SelfService,
    ToQueue,
)  # fmt: skip
from telephony.ivr.languages import Language

GREETING = {
    Language.ITALIAN: "Buongiorno, servizio riscossione tributi, {ente}.",
    Language.ENGLISH: "Good morning, tax collection service, {ente}.",
    Language.GERMAN: "Guten Tag, Steuereinhebungsdienst, {ente}.",
}
SELF_SERVICE = {
    Language.ITALIAN: "sapere subito quanto c'è da pagare su un avviso",
    Language.ENGLISH: "hearing at once what is due on a notice",
    Language.GERMAN: "eine sofortige Auskunft, was auf einem Bescheid zu zahlen ist",
}
CLOSED = dict.fromkeys(Language, "{closed}")


@dataclass(frozen=True, slots=True)
class Matter:
    """A queue as the menu offers it. `asks_notice`: an unknown caller is asked his notice number before."""

    digit: str
    label: Mapping[Language, str]
    queue: int
    asks_notice: bool


def standard(
    matters: Iterable[Matter], operator: int, *, asks_notice: bool = False, self_service: bool = False
) -> Flow:  # fmt: skip
    """The usual flow over these queues; who only wants an operator waits in `operator`.

    Without any there is no menu, and `asks_notice` says whether an unknown caller is asked his notice number.
    `self_service` has the first free key.
    """
    nodes: dict[NodeId, Node] = {
        "saluto": Message(text=_italian(GREETING), next="urgenze"),
        "urgenze": Emergency(next="orari"),
        "chiuso": Goodbye(text=_italian(CLOSED)),
        "operatore": ToQueue(queue=operator),
    }
    choices: list[Choice] = []
    for one in sorted(matters, key=lambda each: each.digit):
        queue = f"coda-{one.digit}"
        nodes[queue] = ToQueue(queue=one.queue)
        target = queue
        if one.asks_notice:
            target = f"avviso-{one.digit}"
            nodes[target] = AskNotice(next=queue, otherwise=queue, zero=queue)
        choices.append(Choice(digit=one.digit, label=one.label, next=target))
    free = [digit for digit in "123456789" if digit not in {one.digit for one in choices}]
    if self_service and free:
        nodes["da-soli"] = SelfService(next="menu", otherwise="operatore")
        choices.append(Choice(digit=free[0], label=_italian(SELF_SERVICE), next="da-soli"))
        choices.sort(key=lambda one: one.digit)
    if asks_notice and not choices:
        nodes["avviso"] = AskNotice(next="operatore", otherwise="operatore")
    opened = "menu" if choices else "avviso" if "avviso" in nodes else "operatore"
    nodes["orari"] = Hours(opened=opened, closed="chiuso")
    if choices:
        nodes["menu"] = Menu(choices=tuple(choices), otherwise="operatore")
    return Flow(start="saluto", operator="operatore", nodes=nodes)


def _italian(text: Mapping[Language, str]) -> dict[Language, str]:
    return {Language.ITALIAN: text[Language.ITALIAN]}
