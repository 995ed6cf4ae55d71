"""A survey's answers as a table: a row for each interview, a column for each variable. Pure.

Who interviewed is in no file: what single workers do is theirs (L. 300/1970, art. 4).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from outbound.cati.questionnaire.definition import Kind, Question, Questionnaire
from outbound.cati.questionnaire.look import Place

NUMBERS = frozenset({Kind.INTEGER, Kind.DECIMAL, Kind.RANGE})
LONGEST_NAME = 64  # SPSS
_TAGS = re.compile(r"\s+")

Cell = str | float | None


@dataclass(frozen=True, slots=True)
class Case:
    """An interview that is over or was broken off, with every answer of it that counts, by path."""

    number: int
    ente: str
    version: int
    disposition: str
    mode: str
    language: str
    began_at: datetime  # the wall clock's
    seconds: int  # that its questions were on the screen
    form: Questionnaire
    values: Mapping[str, str]
    survey: str = ""  # of which it is; of a sample also in which stratum, and for how many people it stands
    stratum: str = ""
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """A column. `choices`: names with their labels, in order; `picks`: the choice that a yes or no is about."""

    name: str
    path: str
    label: str
    question: str
    kind: Kind | None
    choices: tuple[tuple[str, str], ...] = ()
    picks: str = ""

    @property
    def is_number(self) -> bool:
        return self.kind in NUMBERS or bool(self.picks)

    def cell(self, values: Mapping[str, str]) -> Cell:
        """What it is in an interview; none where it has no answer."""
        value = values.get(self.path)
        if value is None or value == "":
            return None
        if self.picks:
            return float(self.picks in value.split())
        return float(value) if self.kind in NUMBERS else value

    def codes(self) -> dict[str, float]:
        """The number that stands for each choice where a file wants numbers: its own name, if all are whole numbers."""
        names = [name for name, _ in self.choices]
        if (
            names
            and all(re.fullmatch(r"-?\d{1,9}", name, re.ASCII) for name in names)
            and len(set(map(int, names))) == len(names)
        ):
            return {name: float(name) for name in names}
        return {name: float(index) for index, name in enumerate(names, 1)}


@dataclass(frozen=True, slots=True)
class Dataset:
    """The table."""

    title: str
    variables: tuple[Variable, ...]
    cases: tuple[Case, ...]
    texts: Mapping[str, str] = field(default_factory=dict)

    def rows(self) -> Iterable[tuple[Case, list[Cell]]]:
        for case in self.cases:
            yield case, [one.cell(case.values) for one in self.variables]


def dataset(title: str, forms: Sequence[Questionnaire], cases: Sequence[Case]) -> Dataset:
    """`forms`: the versions that were used, the oldest first; what a later one says of a question stands."""
    found: dict[tuple[str, str], Variable] = {}
    order: dict[str, int] = {}
    for form in forms:
        for index, question in enumerate(form.questions()):
            order.setdefault(question.name, index)
    known = {one.name: (form, one) for form in forms for one in form.questions()}
    paths: dict[str, Place] = {}
    for form in forms:
        for question in form.questions():
            if question.kind is not Kind.NOTE and not form.repeats_above[question.name]:
                paths.setdefault(question.name, Place(question.name))
    for case in cases:
        for path in case.values:
            if path not in paths and (place := Place.read(path)) is not None:
                paths[path] = place
    taken: set[str] = set()
    for path, place in sorted(paths.items(), key=lambda one: (order.get(one[1].name, 0), one[1].at)):
        if place.name in known:
            form, question = known[place.name]
            for variable in _variables(form, question, place):
                name = _unique(variable.name, taken)
                found[path, variable.picks] = Variable(
                    name, path, variable.label, variable.question, variable.kind, variable.choices, variable.picks
                )
    return Dataset(title, tuple(found.values()), tuple(cases))


def _variables(form: Questionnaire, question: Question, place: Place) -> Iterable[Variable]:
    """A question's columns: of several choices also one for each, which is 1 where it was chosen."""
    label = _plain(form.said(question.label, form.default_language)) or question.name
    suffix = "".join(f"_{index}" for index in place.at)
    choices = tuple(
        (one.name, _plain(form.said(one.label, form.default_language))) for one in form.lists.get(question.choices, ())
    )
    yield Variable(question.name + suffix, place.path, label, label, question.kind, choices)
    if question.kind is Kind.MANY:
        for name, words in choices:
            yield Variable(
                f"{question.name}{suffix}__{name}", place.path, f"{label}: {words}", label, question.kind, (), name
            )


def _plain(text: str) -> str:
    return _TAGS.sub(" ", text).strip()


def _unique(wanted: str, taken: set[str]) -> str:
    """A name that every program takes: ASCII letters, digits and underscores, once whatever their case."""
    base = re.sub(r"[^A-Za-z0-9_]", "_", wanted)
    base = (base if base[:1].isalpha() else f"v_{base}")[:LONGEST_NAME]
    name, count = base, 2
    while name.lower() in taken:
        ending = f"_{count}"
        name, count = base[: LONGEST_NAME - len(ending)] + ending, count + 1
    taken.add(name.lower())
    return name
