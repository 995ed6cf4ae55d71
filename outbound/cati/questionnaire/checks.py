"""What is wrong with a form's expressions before it is published: syntax, functions, references, circles. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from outbound.cati.questionnaire.definition import MOST_INSTANCES, Item, Kind, Question, Questionnaire, Section
from outbound.cati.questionnaire.mistakes import Flaw, Mistake
from outbound.cati.questionnaire.xpath import Column, Expression, WrongError, nodes, parsed, references, references_in

MOST_PLACES = 10_000  # questions, each as often as its repeats may be asked
MOST_NESTED = 2  # repeats in repeats
LONGEST_CHAIN = 40  # of questions that each need a later one

FIELDS = ("relevant", "constraint", "calculation", "choice_filter", "required", "count", "default", "seed")
_TEXTS = ("label", "hint", "guidance", "constraint_message", "required_message")
_DECIDES = ("relevant", "constraint", "calculation", "choice_filter", "count", "default")  # what an item is worth

Locate = Callable[[str, str], tuple[int, str]]  # an item's row, and the letter of a field's column


@dataclass(frozen=True, slots=True)
class Written:
    """An expression of an item."""

    item: Item
    field: str
    text: str


def expressions(item: Item) -> Iterator[Written]:
    """All of an item's expressions; the words `yes` and `no` of `required` are none."""
    for field in FIELDS:
        text = getattr(item, field, "")
        if field == "required" and text.strip().lower() in {"", "yes", "no", "true", "false", "sì", "si"}:
            continue
        if field == "default" and not getattr(item, "default_is_expression", False):
            continue
        if text:
            yield Written(item, field, text)


def mistakes(form: Questionnaire, locate: Locate) -> list[Mistake]:
    """Everything wrong with its expressions, texts and size."""
    found = []
    for item, _ in form.walked():
        for written in expressions(item):
            row, column = locate(item.name, written.field)
            found += [Mistake("survey", row, column, flaw, about) for flaw, about in _wrong(form, written)]
        for field in _TEXTS:
            for name in _piped(item, field):
                if name not in form.by_name:
                    row, column = locate(item.name, field)
                    found.append(Mistake("survey", row, column, Flaw.UNKNOWN_REFERENCE, name))
    found += _too_large(form, locate)
    return found or _circles(form, locate)


def _wrong(form: Questionnaire, written: Written) -> Iterator[tuple[Flaw, str]]:
    try:
        tree = parsed(written.text)
    except WrongError as error:
        yield error.flaw, error.about
        return
    for name in sorted(references(tree)):
        if name not in form.by_name:
            yield Flaw.UNKNOWN_REFERENCE, name
    columns = _columns(form, written)
    for one in nodes(tree):
        if isinstance(one, Column) and one.name not in columns:
            yield Flaw.UNKNOWN_REFERENCE, one.name


def _columns(form: Questionnaire, written: Written) -> frozenset[str]:
    if written.field != "choice_filter" or not isinstance(written.item, Question):
        return frozenset()
    choices = form.lists.get(written.item.choices, ())
    return frozenset(column for one in choices for column in one.columns) | {"name"}


def _piped(item: Item, field: str) -> Iterator[str]:
    for text in getattr(item, field, {}).values():
        yield from references_in(text)


def _too_large(form: Questionnaire, locate: Locate) -> list[Mistake]:
    found, places = [], 0
    for item, around in form.walked():
        depth = sum(one.repeats for one in around)
        places += MOST_INSTANCES**depth
        if isinstance(item, Section) and item.repeats and depth >= MOST_NESTED:
            found.append(Mistake("survey", *locate(item.name, "type"), Flaw.TOO_DEEP, item.name))
    if places > MOST_PLACES and not found:
        found.append(Mistake("survey", 0, "", Flaw.TOO_MANY_QUESTIONS, str(MOST_PLACES)))
    return found


# -- circles -----------------------------------------------------------------------------------------------------------


def needs(form: Questionnaire) -> dict[str, dict[str, str]]:
    """By item, the items that it has to know before it is worth anything, each with the field that asks for it.

    What is in a section needs what the section needs; whoever refers to a section needs how often it is there.
    """
    own: dict[str, dict[str, str]] = {}
    for item, around in form.walked():
        found: dict[str, str] = {}
        for written in expressions(item):
            if written.field in _DECIDES and not (written.field == "default" and not _is_its_default(item)):
                for name in references(_tree(written)):
                    if not (name == item.name and written.field == "constraint"):
                        found.setdefault(name, written.field)
        for section in around[-1:]:
            found.setdefault(section.name, "relevant")
        own[item.name] = found
    return own


def _is_its_default(item: Item) -> bool:
    return isinstance(item, Question) and item.kind is Kind.HIDDEN


def _tree(written: Written) -> Expression:
    return parsed(written.text)


def _circles(form: Questionnaire, locate: Locate) -> list[Mistake]:
    asked = needs(form)
    order = {name: index for index, name in enumerate(asked)}
    state: dict[str, int] = {}  # 1: being looked at, 2: done
    reach: dict[str, int] = {}  # the longest chain that begins there
    for start in asked:
        path: list[tuple[str, Iterator[str]]] = []
        if start not in state:
            path.append((start, iter(asked[start])))
            state[start] = 1
        while path:
            name, rest = path[-1]
            following = next((one for one in rest if state.get(one) != 2), None)
            if following is None:
                state[name] = 2
                reach[name] = 1 + max((reach[one] for one in asked[name]), default=0)
                path.pop()
            elif state.get(following) == 1:
                names = [one for one, _ in path]
                return [_circle(names[names.index(following) :], asked, locate)]
            else:
                state[following] = 1
                path.append((following, iter(asked[following])))
    for name, wanted in asked.items():
        for other, field in wanted.items():
            if order[other] > order[name] and reach[other] > LONGEST_CHAIN:
                return [Mistake("survey", *locate(name, field), Flaw.TOO_LONG_A_CHAIN, other)]
    return []


def _circle(names: list[str], asked: dict[str, dict[str, str]], locate: Locate) -> Mistake:
    """Told at the first of it in the form that asks for the next by an expression."""
    pairs = list(zip(names, [*names[1:], names[0]], strict=True))
    own = [pair for pair in pairs if locate(pair[0], asked[pair[0]][pair[1]])[1]] or pairs
    name, following = min(own, key=lambda pair: locate(pair[0], "name")[0])
    return Mistake("survey", *locate(name, asked[name][following]), Flaw.CYCLE, " → ".join([*names, names[0]]))
