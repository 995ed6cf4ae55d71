"""A question as a page shows it, and what its form sends, in the words that the engine takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

from fastapi import Form

from outbound.cati.questionnaire.definition import Kind
from outbound.cati.questionnaire.entries import bounds, plain
from outbound.cati.questionnaire.interview import RefusedError, Screen
from web.edge.i18n import translations
from web.edge.words import word_for

SaidField = Annotated[list[str], Form()]
MOST_BUTTONS = 11  # steps of a range up to which each has a button


@dataclass(frozen=True, slots=True)
class Button:
    """A choice with the digit that chooses it, if one does."""

    name: str
    label: str
    is_chosen: bool
    digit: str


def buttons(screen: Screen, typed: Sequence[str] | None = None) -> tuple[Button, ...]:
    """What there is to choose from: choices, the steps of a short range, or yes and no. `typed`: what was chosen and
    not taken, which stays as it was.
    """
    if screen.kind is Kind.RANGE:
        chosen = {screen.value} if typed is None else {*typed}
        return tuple(Button(one, one, one in chosen, one if len(one) == 1 else "") for one in steps(screen))
    return tuple(
        Button(
            one.name, one.label, one.is_chosen if typed is None else one.name in typed, str(index) if index < 10 else ""
        )
        for index, one in enumerate(screen.options, 1)
    )  # fmt: skip


def steps(screen: Screen) -> list[str]:
    """The values of a range with few of them; none for another."""
    assert screen.question is not None
    ends = bounds(screen.question.least, screen.question.most, screen.question.stride)
    if ends is None or (ends[1] - ends[0]) / ends[2] >= MOST_BUTTONS:
        return []
    count = int((ends[1] - ends[0]) // ends[2])
    return [plain(ends[0] + ends[2] * Decimal(index)) for index in range(count + 1)]


def shown(screen: Screen) -> str:
    """An answer as it is typed in Italy."""
    value = screen.value
    if screen.kind in {Kind.DATE, Kind.DATETIME} and len(value) >= 10:
        day = f"{value[8:10]}/{value[5:7]}/{value[:4]}"
        return f"{day} {value[11:16]}".strip()
    if screen.kind in {Kind.DECIMAL, Kind.RANGE}:
        return value.replace(".", ",")
    return value


def sent(said: Sequence[str], of: Sequence[str], rank: Sequence[str]) -> list[str]:
    """What a form sent: of a ranking the names in their order, and nothing where a place is missing or taken twice."""
    if not of:
        return list(said)
    places = [one.strip() for one in rank]
    if len(places) != len(of) or len(set(places)) != len(places) or not all(map(str.isdecimal, places)):
        return list(of[:1])  # not all are ranked, and that is what he is told
    return [name for _, name in sorted(zip(map(int, places), of, strict=True))]


def reason(error: RefusedError, language: str) -> str:
    """Why an answer was not taken: the form's own sentence, else ours."""
    return error.message or translations(language).gettext(word_for(error.reason))
