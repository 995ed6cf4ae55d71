"""From the marks on a form to a score. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

NOT_APPLICABLE = "na"
HUNDRED, TENTH = Decimal(100), Decimal("0.1")


class Scale(StrEnum):
    """How a criterion is marked; each may also not apply."""

    YES_NO = "yes_no"
    FIVE = "five"  # 1 to 5


VALUES: Mapping[Scale, Mapping[str, Decimal]] = {
    Scale.YES_NO: {"yes": Decimal(1), "no": Decimal(0)},
    Scale.FIVE: {str(mark): Decimal(mark - 1) / 4 for mark in range(1, 6)},
}


@dataclass(frozen=True, slots=True)
class Criterion:
    """What is looked at. Missing a critical one altogether fails the call, whatever the rest."""

    key: str
    words: str
    help: str
    scale: Scale
    weight: int
    critical: bool = False

    @property
    def marks(self) -> tuple[str, ...]:
        """Which marks may be given."""
        return (*VALUES[self.scale], NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Result:
    """`score`: 0 to 100 with one decimal; none when nothing applied. `missed`: the critical criteria missed."""

    score: Decimal | None
    missed: tuple[str, ...]

    def passes(self, pass_mark: int) -> bool:
        """Whether the call came up to what is asked."""
        return not self.missed and (self.score is None or self.score >= pass_mark)


def unmarked(criteria: Sequence[Criterion], marks: Mapping[str, str]) -> tuple[str, ...]:
    """The criteria that have no mark of their scale."""
    return tuple(one.key for one in criteria if marks.get(one.key) not in one.marks)


def result(criteria: Sequence[Criterion], marks: Mapping[str, str]) -> Result:
    """The weighted mean of the marks given, without what does not apply. Every criterion must have a mark."""
    given = [(one, VALUES[one.scale][marks[one.key]]) for one in criteria if marks[one.key] != NOT_APPLICABLE]
    weight = sum(one.weight for one, _ in given)
    total = sum((one.weight * value for one, value in given), start=Decimal(0))
    score = (HUNDRED * total / weight).quantize(TENTH, ROUND_HALF_UP) if weight else None
    return Result(score, tuple(one.key for one, value in given if one.critical and value == 0))


def differing(
    criteria: Sequence[Criterion], one: Mapping[str, str], other: Mapping[str, str]
) -> tuple[str, ...]:  # fmt: skip
    """The criteria that two evaluators marked differently."""
    return tuple(each.key for each in criteria if one.get(each.key) != other.get(each.key))
