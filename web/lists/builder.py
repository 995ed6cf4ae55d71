"""The form in which a segment is made: its rows as they stand, whole or not, and the segment that they come to. Pure.

A row's fields are `join-N`, `field-N`, `operator-N` and `value-N`, by its place. Whatever is in them comes back as it
was typed; nothing is guessed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from crm.core.errors import InvalidError
from outbound.segments.conditions import (
    MOST_IN_GROUP,
    SHAPES,
    Condition,
    Field,
    Operator,
    Segment,
    Shape,
    Value,
    operators,
)
from web.edge.fields import cents_of

MOST_ROWS = 9  # with four fields each, and the name and the ente, a draft holds them all
OR = "or"
_DEED = re.compile(r"(?P<what>drop|alternative):(?P<row>[0-9])")
Typed = Mapping[str, Sequence[str]]


class Deed(StrEnum):
    """What a button of the form does to its rows."""

    ADD = "add"
    ALTERNATIVE = "alternative"  # another condition beside this one, of which one suffices
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Row:
    """A condition as it is typed. `alternative`: to the row before, of which one suffices."""

    field: Field | None = None
    operator: Operator | None = None
    values: tuple[str, ...] = ()
    alternative: bool = False

    @property
    def shape(self) -> Shape | None:
        """What its value looks like."""
        return SHAPES[self.field] if self.field else None

    def condition(self) -> Condition:
        """What it says. Raises `InvalidError` for the field `field` or `value`."""
        if self.field is None:
            raise InvalidError("Scegli una condizione, o togli la riga.", field="field")
        assert self.operator is not None
        return Condition(self.field, self.operator, _value(SHAPES[self.field], self.values))


@dataclass(frozen=True, slots=True)
class Builder:
    """The whole form."""

    name: str = ""
    ente: str = ""
    rows: tuple[Row, ...] = ()

    @classmethod
    def of(cls, typed: Typed) -> "Builder":
        """What came of the form, or was kept of it."""
        rows = [_row(typed, place) for place in range(MOST_ROWS) if f"field-{place}" in typed]
        return cls(_first(typed, "name")[:80], _first(typed, "ente"), tuple(rows))

    def done(self, deed: str) -> tuple["Builder", int | None]:
        """The form after a button was pressed, and the row to go on with."""
        if deed == Deed.ADD:
            return self._with(len(self.rows), Row())
        if found := _DEED.fullmatch(deed):
            row = int(found["row"])
            if row < len(self.rows) and found["what"] == Deed.DROP:
                rest = [*self.rows[:row], *self.rows[row + 1 :]]
                if row < len(rest) and rest[row].alternative and not self.rows[row].alternative:
                    rest[row] = replace(rest[row], alternative=False)
                return replace(self, rows=tuple(rest)), min(row, len(rest) - 1) if rest else None
            if row < len(self.rows):
                same = self.rows[row]
                return self._with(row + 1, Row(same.field, same.operator, alternative=True))
        return self, None

    def segment(self) -> Segment:
        """What the form comes to. Raises `InvalidError` with a part for each field that is wrong, by its name."""
        wrong: list[InvalidError] = []
        groups: list[list[Condition]] = []
        for place, row in enumerate(self.rows):
            try:
                condition = row.condition()
            except InvalidError as error:
                wrong.append(InvalidError(str(error), field=f"{error.field}-{place}"))
                continue
            if row.alternative and groups:
                groups[-1].append(condition)
            else:
                groups.append([condition])
        if not wrong and any(len(one) > MOST_IN_GROUP for one in groups):
            wrong.append(InvalidError("Le alternative sono troppe: toglierne qualcuna.", field="field-0"))
        if wrong:
            raise InvalidError("Completa le condizioni indicate.", parts=wrong)
        return Segment(tuple(tuple(one) for one in groups))

    @classmethod
    def showing(cls, segment: Segment, *, ente_id: int) -> "Builder":
        """The form that comes to this segment: to begin another list from one that is there."""
        rows = [
            Row(one.field, one.operator, _typed(one), alternative=place > 0)
            for group in segment.groups
            for place, one in enumerate(group)
        ]
        return cls("", str(ente_id), tuple(rows[:MOST_ROWS]))

    def typed(self) -> dict[str, list[str]]:
        """As a draft keeps it."""
        kept = {"name": [self.name], "ente": [self.ente]}
        for place, row in enumerate(self.rows):
            kept[f"join-{place}"] = [OR if row.alternative else ""]
            kept[f"field-{place}"] = [row.field.value if row.field else ""]
            kept[f"operator-{place}"] = [row.operator.value if row.operator else ""]
            kept[f"value-{place}"] = list(row.values)
        return kept

    def _with(self, place: int, row: Row) -> tuple["Builder", int | None]:
        if len(self.rows) >= MOST_ROWS:
            return self, None
        return replace(self, rows=(*self.rows[:place], row, *self.rows[place:])), place


def _row(typed: Typed, place: int) -> Row:
    told = _first(typed, f"field-{place}")
    field = Field(told) if told in set(Field) else None
    if field is None:
        return Row(alternative=_first(typed, f"join-{place}") == OR)
    known, asked = operators(field), _first(typed, f"operator-{place}")
    operator = Operator(asked) if asked in set(known) else known[0]
    values = tuple(one for one in typed.get(f"value-{place}", ()) if one.strip())
    return Row(field, operator, values, _first(typed, f"join-{place}") == OR)


def _first(typed: Typed, name: str) -> str:
    return next(iter(typed.get(name, ())), "").strip()


def _value(shape: Shape, values: tuple[str, ...]) -> Value:
    match shape:
        case Shape.CHOICES:
            return values
        case Shape.TEXTS:
            return tuple(text for one in values for part in one.split(",") if (text := " ".join(part.split())))
        case Shape.YES_NO:
            return {"yes": True, "no": False}.get(values[0] if values else "", ())
        case Shape.CENTS:
            cents = cents_of(values[0] if values else "")
            if cents is None:
                raise InvalidError("Scrivi un importo in euro, come 200 oppure 1.200,50.", field="value")
            return cents
        case _:
            text = values[0].strip() if values else ""
            if not (text.isascii() and text.isdigit() and len(text) < 7):
                raise InvalidError("Scrivi un numero, in cifre.", field="value")
            return int(text)


def _typed(one: Condition) -> tuple[str, ...]:
    match one.value:
        case tuple():
            return (", ".join(one.value),) if SHAPES[one.field] is Shape.TEXTS else one.value
        case bool():
            return ("yes" if one.value else "no",)
        case int():
            cents = SHAPES[one.field] is Shape.CENTS
            return (f"{one.value // 100},{one.value % 100:02d}" if cents else str(one.value),)
