"""A form and its answers looked at in one instant: what is relevant, what counts, what everything is worth.

Everything is worked out when it is asked for, and once. Forms without circles (`checks`) come to an end; in one with a
circle, what is being worked out is worth nothing.
"""

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from outbound.cati.questionnaire.definition import (
    MOST_INSTANCES,
    OTHER,
    Choice,
    Item,
    Kind,
    Question,
    Questionnaire,
    Section,
)
from outbound.cati.questionnaire.entries import ACKNOWLEDGED, YES, EntryError, Refused, kept
from outbound.cati.questionnaire.evaluation import evaluated
from outbound.cati.questionnaire.values import Value, number, text, truth
from outbound.cati.questionnaire.xpath import WrongError, parsed

_PATH = re.compile(r"([^\[\]?]+)((?:\[\d{1,2}\])*)(\?)?")


@dataclass(frozen=True, slots=True)
class Setting:
    """What an interview has of its own. `now` and `began` are the wall clock's, without a zone."""

    now: datetime
    began: datetime
    seed: int
    language: str


@dataclass(frozen=True, slots=True)
class Place:
    """A question, and in which instance of each repeat around it; or whether there is another instance after one."""

    name: str
    at: tuple[int, ...] = ()
    is_another: bool = False

    @property
    def path(self) -> str:
        return self.name + "".join(f"[{index}]" for index in self.at) + ("?" if self.is_another else "")

    @classmethod
    def read(cls, path: str) -> "Place | None":
        """What `path` wrote, back."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        return cls(found[1], tuple(int(one) for one in re.findall(r"\d+", found[2])), found[3] is not None)


class Look:
    """See the module. Not to be kept: it is made for one set of answers."""

    def __init__(self, form: Questionnaire, values: Mapping[str, str], setting: Setting) -> None:
        self.form, self.values, self.setting = form, values, setting
        self._worth: dict[tuple[str, tuple[int, ...]], str] = {}
        self._relevant: dict[tuple[str, tuple[int, ...]], bool] = {}
        self._instances: dict[tuple[str, tuple[int, ...]], int] = {}

    # -- what is asked -----------------------------------------------------------------------------------------------

    def places(self) -> Iterator[Place]:
        """Everything that is asked, in order."""
        for item, place in self._all(self.form.items, ()):
            if place.is_another or (isinstance(item, Question) and item.kind.is_asked):
                yield place

    def told(self) -> Iterator[tuple[Place, str]]:
        """Every question that is relevant with what it is worth, in order; what is calculated too."""
        for item, place in self._all(self.form.items, ()):
            if isinstance(item, Question) and item.kind is not Kind.NOTE:
                yield place, self.worth(item.name, place.at)

    def _all(self, items: tuple[Item, ...], at: tuple[int, ...]) -> Iterator[tuple[Item, Place]]:
        for item in items:
            if not self.is_relevant(item.name, at):
                continue
            if isinstance(item, Question):
                self.worth(item.name, at)  # in order, so that a long chain of calculations is no deep recursion
                yield item, Place(item.name, at)
            elif not item.repeats:
                yield from self._all(item.items, at)
            else:
                often = self.instances(item, at)
                for index in range(1, often + 1):
                    yield from self._all(item.items, (*at, index))
                    if not item.count and index < MOST_INSTANCES:
                        yield item, Place(item.name, (*at, index), is_another=True)

    def question_at(self, place: Place) -> Question | None:
        """None where it is asked whether there is another instance."""
        item = self.form.by_name[place.name]
        return item if isinstance(item, Question) else None

    def is_open(self, place: Place) -> bool:
        """Whether it has no answer that counts."""
        value = self.values.get(place.path)
        if value is None:
            return True
        question = self.question_at(place)
        return question is not None and self.refused(question, place, value) is not None

    def refused(self, question: Question, place: Place, value: str) -> Refused | None:
        """Why this answer does not count there; none where it does."""
        if question.kind is Kind.NOTE:
            return None
        if value == "":
            return Refused.REQUIRED if self.is_required(question, place) else None
        try:
            if kept(question, [value]) != value:
                return Refused.NOT_OFFERED
        except EntryError as error:
            return error.reason
        if question.kind is Kind.ACKNOWLEDGE and value != ACKNOWLEDGED:
            return Refused.NOT_OFFERED
        if question.kind.has_choices:
            names = {one.name for one in self.offered(question, place)}
            if not names.issuperset(value.split()):
                return Refused.NOT_OFFERED
            if question.kind is Kind.RANK and len(value.split()) != len(names):
                return Refused.NOT_ALL_RANKED
        if question.constraint and not truth(self._evaluated(question.constraint, place, here=value)):
            return Refused.CONSTRAINT
        return None

    def is_required(self, question: Question, place: Place) -> bool:
        written = question.required.strip().lower()
        if not written or question.kind is Kind.NOTE:
            return False
        if written in {"yes", "true", "true()", "sì", "si", "1"}:
            return True
        return written not in {"no", "false", "false()", "0"} and truth(self._evaluated(question.required, place))

    def offered(self, question: Question, place: Place) -> tuple[Choice, ...]:
        """Its choices, filtered and shuffled; `other` stays last."""
        found = self.form.lists.get(question.choices, ())
        if question.choice_filter:
            found = tuple(one for one in found if self._passes(question, place, one))
        if not question.is_random:
            return found
        by = text(self._evaluated(question.seed, place)) if question.seed else str(self.setting.seed)
        last = tuple(one for one in found if question.has_other and one.name == OTHER)
        first = [one for one in found if one not in last]
        random.Random(f"{by}/{place.path}").shuffle(first)  # noqa: S311  # nothing secret is drawn
        return (*first, *last)

    def _passes(self, question: Question, place: Place, choice: Choice) -> bool:
        if question.has_other and choice.name == OTHER:
            return True
        return truth(self._evaluated(question.choice_filter, place, choice=choice))

    def proposed(self, question: Question, place: Place) -> str:
        """The default, where it is an answer."""
        said = text(self._evaluated(question.default, place)) if question.default_is_expression else question.default
        try:
            return kept(question, [said])
        except EntryError:
            return ""

    # -- what things are worth ---------------------------------------------------------------------------------------

    def worth(self, name: str, at: tuple[int, ...]) -> str:
        """What a question counts for: nothing where it is not relevant, not answered, or its answer does not count."""
        key = (name, at)
        if key in self._worth:
            return self._worth[key]
        self._worth[key] = ""  # while it is worked out
        found = self._worked_out(name, at)
        self._worth[key] = found
        return found

    def _worked_out(self, name: str, at: tuple[int, ...]) -> str:
        question = self.form.by_name[name]
        if not isinstance(question, Question) or not self.is_relevant(name, at):
            return ""
        place = Place(name, at)
        if question.kind is Kind.CALCULATE:
            said = text(self._evaluated(question.calculation, place)) if question.calculation else ""
            return "" if said == "NaN" else said
        if question.kind is Kind.HIDDEN:
            return (
                text(self._evaluated(question.default, place)) if question.default_is_expression else question.default
            )
        value = self.values.get(place.path, "")
        return value if value and question.kind is not Kind.NOTE and not self.refused(question, place, value) else ""

    def is_relevant(self, name: str, at: tuple[int, ...]) -> bool:
        """Whether it and everything around it are to be asked; `at` names the instances around it."""
        item = self.form.by_name[name]
        around = self.form.above[name]
        own = len([one for one in around if one.repeats])
        return all(self._is_relevant_itself(one, at) for one in around) and self._is_relevant_itself(item, at[:own])

    def _is_relevant_itself(self, item: Item, at: tuple[int, ...]) -> bool:
        if not item.relevant:
            return True
        depth = sum(one.repeats for one in self.form.above[item.name])
        key = (item.name, at[:depth])
        if key not in self._relevant:
            self._relevant[key] = False  # while it is worked out
            self._relevant[key] = truth(self._evaluated(item.relevant, Place(item.name, at[:depth])))
        return self._relevant[key]

    def instances(self, section: Section, at: tuple[int, ...]) -> int:
        """How often it is asked there."""
        key = (section.name, at)
        if key not in self._instances:
            self._instances[key] = 0
            self._instances[key] = self._counted(section, at)
        return self._instances[key]

    def _counted(self, section: Section, at: tuple[int, ...]) -> int:
        if section.count:
            said = number(self._evaluated(section.count, Place(section.name, at)))
            return int(min(max(said, 0), MOST_INSTANCES)) if said == said else 0  # noqa: PLR0124  # not a number
        often = 1
        while often < MOST_INSTANCES and self.values.get(Place(section.name, (*at, often), True).path) == YES:
            often += 1
        return often

    def worded(self, here: Place, name: str) -> str:
        """What a text says where it refers to a question: of choices their labels, of a date its Italian writing."""
        if name not in self.form.by_name:
            return ""
        value = text(_Around(self, here).referred(name))
        question = self.form.by_name[name]
        if not isinstance(question, Question):
            return value
        if question.kind.has_choices:
            return self.choice_label(name, value)
        if question.kind is Kind.DATE and len(value) == 10:
            return f"{value[8:]}/{value[5:7]}/{value[:4]}"
        return value

    def choice_label(self, name: str, value: str) -> str:
        """The labels of chosen choices, as the interviewer reads them."""
        question = self.form.by_name.get(name)
        if not isinstance(question, Question):
            return value
        labels = {one.name: one.label for one in self.form.lists.get(question.choices, ())}
        said = (self.form.said(labels[one], self.setting.language) if one in labels else one for one in value.split())
        return ", ".join(said)

    def _evaluated(self, expression: str, place: Place, *, here: str = "", choice: Choice | None = None) -> Value:
        try:
            return evaluated(parsed(expression), _Around(self, place, here, choice))
        except WrongError:
            return ""  # `checks` let no such form be published


@dataclass(frozen=True)
class _Around:
    """What an expression finds around it: see `evaluation.Surroundings`."""

    look: Look
    place: Place
    here: str = ""
    choice: Choice | None = None
    is_beginning: bool = False

    @property
    def now(self) -> datetime:
        return self.look.setting.began if self.is_beginning else self.look.setting.now

    @property
    def began(self) -> datetime:
        return self.look.setting.began

    @property
    def luck(self) -> str:
        return f"{self.look.setting.seed}/{self.place.path}"

    @cached_property
    def _repeats(self) -> tuple[str, ...]:
        return self.look.form.repeats_above[self.place.name][: len(self.place.at)]

    def at_the_beginning(self) -> "_Around":
        return replace(self, is_beginning=True)

    def column(self, name: str) -> str:
        return self.choice.columns.get(name, "") if self.choice is not None else ""

    def position(self, name: str | None) -> int:
        if name is None:
            return self.place.at[-1] if self.place.at else 0
        return self.place.at[self._repeats.index(name)] if name in self._repeats else 0

    def choice_label(self, question: str, value: str) -> str:
        return self.look.choice_label(question, value)

    def referred(self, name: str) -> tuple[str, ...]:
        """Its value; where it is in a repeat that the place is not in, those of all instances."""
        return self.indexed(name, {})

    def indexed(self, name: str, at: Mapping[str, int]) -> tuple[str, ...]:
        form = self.look.form
        if name not in form.by_name:
            return ()
        if name == self.place.name and self.here and not at:
            return (self.here,)
        shared = dict(zip(self._repeats, self.place.at, strict=False))
        item = form.by_name[name]
        found: list[tuple[int, ...]] = [()]
        is_shared = True  # whether everything so far is an instance that the place is in
        for repeat in form.repeats_above[name]:
            section = form.by_name[repeat]
            assert isinstance(section, Section)
            is_shared = is_shared and repeat in shared and repeat not in at and repeat != name
            wanted = at.get(repeat, shared[repeat] if is_shared else None)
            found = [(*base, index) for base in found for index in self._existing(section, base, wanted)]
        if isinstance(item, Section):
            return ("",) * len(found)
        return tuple(self.look.worth(name, one) for one in found)

    def _existing(self, section: Section, at: tuple[int, ...], wanted: int | None) -> list[int]:
        if not self.look.is_relevant(section.name, at):
            return []
        often = self.look.instances(section, at)
        return [one for one in range(1, often + 1) if wanted in {None, one}]
