"""Quotas: of which cell an interview is, and which cells are furthest from what is wanted. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from outbound.cati.questionnaire.definition import Kind, Questionnaire

STRATUM = "*stratum"  # the variable that is known before anybody is called; no question is named so
MOST_CELLS = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """Those who have `value` of `first` and, where there is a second variable, `second_value` of that."""

    id: int
    first: str
    value: str
    second: str
    second_value: str
    target: int
    taken: int

    @property
    def is_full(self) -> bool:
        return self.taken >= self.target

    def holds(self, known: Mapping[str, str]) -> bool:
        """Whether somebody of whom this is known is in it."""
        return known.get(self.first) == self.value and (
            not self.second or known.get(self.second) == self.second_value
        )  # fmt: skip


def cell_of(cells: Iterable[Cell], known: Mapping[str, str]) -> Cell | None:
    """The one that somebody is in; none as long as too little is known of him, or where no quota says anything."""
    return next((one for one in cells if one.holds(known)), None)


def distance(target: int, done: int) -> int:
    """How far a cell is from its target: 100 less the percentage that is done, from 0 to 100 (queXS's priority)."""
    return max(0, 100 - 100 * done // target) if target > 0 else 0


def variables(form: Questionnaire) -> dict[str, tuple[tuple[str, str], ...]]:
    """The questions that can make a quota, with their choices by name and label: one choice, asked once."""
    said = form.default_language
    return {
        question.name: tuple((one.name, form.said(one.label, said)) for one in form.lists[question.choices])
        for question in form.questions()
        if question.kind is Kind.ONE and not form.repeats_above[question.name] and not question.has_other
    }
