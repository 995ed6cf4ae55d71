"""A questionnaire as it is asked: what an XLSForm (https://xlsform.org) becomes once nothing is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import TypeAdapter

Texts = Mapping[str, str]  # by language, as the form names it: "Italiano (it)"; the empty name where it has but one

MOST_INSTANCES = 30  # of a repeat
OTHER = "other"  # the choice, and the ending of the question, that `or_other` adds


class Kind(StrEnum):
    """What is answered."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    RANGE = "range"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    ONE = "one"
    MANY = "many"
    RANK = "rank"
    ACKNOWLEDGE = "acknowledge"
    NOTE = "note"  # read aloud, nothing is answered
    CALCULATE = "calculate"  # not asked
    HIDDEN = "hidden"  # not asked; its default is its value

    @property
    def is_asked(self) -> bool:
        """Whether it is shown to the interviewer."""
        return self not in {Kind.CALCULATE, Kind.HIDDEN}

    @property
    def has_choices(self) -> bool:
        return self in {Kind.ONE, Kind.MANY, Kind.RANK}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a list. `columns` are what a choice filter may ask for: every column of its row."""

    name: str
    label: Texts
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Question:
    """A question. Expressions are XPath, as they were written; empty where there is none."""

    name: str
    kind: Kind
    label: Texts
    hint: Texts
    guidance: Texts  # for the interviewer alone (`guidance_hint`)
    required: str = ""
    required_message: Texts = field(default_factory=dict)
    relevant: str = ""
    constraint: str = ""
    constraint_message: Texts = field(default_factory=dict)
    calculation: str = ""
    default: str = ""
    default_is_expression: bool = False
    choices: str = ""  # the name of its list
    choice_filter: str = ""
    has_other: bool = False
    is_random: bool = False
    seed: str = ""  # by what its choices are shuffled; empty: by the interview's
    appearance: str = ""
    least: str = "0"
    most: str = "10"
    stride: str = "1"  # of a range
    type: Literal["question"] = "question"


@dataclass(frozen=True, slots=True)
class Section:
    """A group, or a repeat: its questions, asked as often as `count` says, or as long as there is another one."""

    name: str
    label: Texts
    items: "tuple[Question | Section, ...]"
    relevant: str = ""
    repeats: bool = False
    count: str = ""
    type: Literal["section"] = "section"


Item = Question | Section


@dataclass(frozen=True)
class Questionnaire:
    """What was compiled. Names are unique throughout, but for those of choices."""

    title: str
    code: str
    languages: tuple[str, ...]
    default_language: str
    items: tuple[Item, ...]
    lists: Mapping[str, tuple[Choice, ...]]

    @cached_property
    def by_name(self) -> Mapping[str, Item]:
        return {item.name: item for item, _ in self.walked()}

    @cached_property
    def above(self) -> Mapping[str, tuple[Section, ...]]:
        """The sections around each item, the outermost first."""
        return dict((item.name, around) for item, around in self.walked())  # noqa: C402

    @cached_property
    def repeats_above(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the repeats around each item; a repeat is among its own."""
        found = {}
        for item, around in self.walked():
            names = tuple(one.name for one in around if one.repeats)
            own = (item.name,) if isinstance(item, Section) and item.repeats else ()
            found[item.name] = names + own
        return found

    def walked(self) -> Iterator[tuple[Item, tuple[Section, ...]]]:
        """Every item with the sections around it, in the order of the form."""
        yield from _walked(self.items, ())

    def questions(self) -> Iterator[Question]:
        return (item for item, _ in self.walked() if isinstance(item, Question))

    def said(self, texts: Texts, language: str) -> str:
        """A text in a language; in the form's own where it lacks it, else in any that it has."""
        for one in (language, self.default_language, ""):
            if texts.get(one):
                return texts[one]
        return next((one for one in texts.values() if one), "")


def _walked(items: tuple[Item, ...], around: tuple[Section, ...]) -> Iterator[tuple[Item, tuple[Section, ...]]]:
    for item in items:
        yield item, around
        if isinstance(item, Section):
            yield from _walked(item.items, (*around, item))


_STORED = TypeAdapter(Questionnaire)


def stored(form: Questionnaire) -> dict[str, object]:
    """As JSON keeps it."""
    return _STORED.dump_python(form, mode="json")  # type: ignore[no-any-return]


def restored(kept: Mapping[str, object]) -> Questionnaire:
    """What `stored` gave, back. Raises `pydantic.ValidationError` for anything else."""
    return _STORED.validate_python(kept)
