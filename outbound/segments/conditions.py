"""A segment: conditions of which all groups hold, and of each group any. Pure; as JSON it is kept with its list.

Some conditions are about positions, the others about the person. All those about positions are about the same ones:
somebody is meant if one position at least fulfils them together, and what he owes is summed over those that do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from crm.contacts.models import ConditionKind, PersonKind
from crm.contacts.selecting import Way
from crm.core.errors import InvalidError
from crm.positions.models import ActKind, NotificationState, PositionState, Tax
from crm.positions.summary import PlanStanding, Standing
from telephony.calls.choices import Disposition

VERSION = 1
MOST_GROUPS, MOST_IN_GROUP = 12, 6
MOST_TEXTS, LONGEST_TEXT = 50, 60
MOST_CENTS = 100_000_000_000  # a thousand million euro


class Field(StrEnum):
    """What a condition is about. The first ones are true of a position, the others of a person."""

    TAX = "tax"
    YEAR = "year"
    ACT_KIND = "act_kind"
    STANDING = "standing"
    PHASE = "phase"
    NOTIFICATION = "notification"
    DUE_DAYS = "due_days"  # since the due date
    NOTIFIED_DAYS = "notified_days"
    RESIDUAL = "residual"  # of one position
    PLAN = "plan"
    TO_COLLECT = "to_collect"

    OWED = "owed"  # of the positions meant, together
    POSITIONS = "positions"  # how many are meant
    PERSON_KIND = "person_kind"
    REACHED_BY = "reached_by"
    NO_CALLS = "no_calls"
    CONDITION = "condition"
    CONTACT_DAYS = "contact_days"  # since he was last in touch
    LAST_OUTCOME = "last_outcome"
    TOWN = "town"
    POSTCODE = "postcode"
    STREET = "street"


class Operator(StrEnum):
    IS = "is"  # one of several; of yes and no, the one
    IS_NOT = "is_not"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"


class Shape(StrEnum):
    """What the value of a condition looks like."""

    CENTS = "cents"
    NUMBER = "number"
    DAYS = "days"
    YEAR = "year"
    CHOICES = "choices"
    YES_NO = "yes_no"
    TEXTS = "texts"


CHOICES: dict[Field, type[StrEnum]] = {
    Field.TAX: Tax, Field.ACT_KIND: ActKind, Field.STANDING: Standing, Field.PHASE: PositionState,
    Field.NOTIFICATION: NotificationState, Field.PLAN: PlanStanding, Field.PERSON_KIND: PersonKind,
    Field.REACHED_BY: Way, Field.CONDITION: ConditionKind, Field.LAST_OUTCOME: Disposition,
}  # fmt: skip
_SHAPES = {
    Field.RESIDUAL: Shape.CENTS, Field.OWED: Shape.CENTS, Field.POSITIONS: Shape.NUMBER, Field.YEAR: Shape.YEAR,
    Field.DUE_DAYS: Shape.DAYS, Field.NOTIFIED_DAYS: Shape.DAYS, Field.CONTACT_DAYS: Shape.DAYS,
    Field.TO_COLLECT: Shape.YES_NO, Field.NO_CALLS: Shape.YES_NO,
    Field.TOWN: Shape.TEXTS, Field.POSTCODE: Shape.TEXTS, Field.STREET: Shape.TEXTS,
}  # fmt: skip
SHAPES: dict[Field, Shape] = {one: _SHAPES.get(one, Shape.CHOICES) for one in Field}
OF_POSITION = frozenset(list(Field)[: list(Field).index(Field.OWED)])
TOGETHER = frozenset({Field.OWED, Field.POSITIONS})  # of the positions meant, together
RANGES = {
    Shape.CENTS: (0, MOST_CENTS), Shape.NUMBER: (1, 10_000), Shape.DAYS: (0, 36_500), Shape.YEAR: (1950, 2199)
}  # fmt: skip

Value = int | bool | tuple[str, ...]


class Kind(StrEnum):
    """Conditions of one group are of one kind: they are asked of the same thing."""

    POSITION = "position"
    TOGETHER = "together"
    PERSON = "person"


def kind_of(field: Field) -> Kind:
    """Of what a condition on this field is asked."""
    return Kind.POSITION if field in OF_POSITION else Kind.TOGETHER if field in TOGETHER else Kind.PERSON


def operators(field: Field) -> tuple[Operator, ...]:
    """Those that a field knows."""
    match SHAPES[field]:
        case Shape.YES_NO:
            return (Operator.IS,)
        case Shape.CHOICES | Shape.TEXTS:
            return Operator.IS, Operator.IS_NOT
        case _:
            return Operator.AT_LEAST, Operator.AT_MOST


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, checked when it is made: raises `InvalidError`, whose `field` is `field`, `operator` or `value`.

    `value`: cents, days, a number or a year; yes or no; members of the field's choices; texts as people write them.
    """

    field: Field
    operator: Operator
    value: Value

    def __post_init__(self) -> None:
        if self.operator not in operators(self.field):
            raise InvalidError("Questo confronto non va bene qui: sceglierne un altro.", field="operator")
        shape = SHAPES[self.field]
        if shape in RANGES:
            self._in_range(*RANGES[shape])
        elif shape is Shape.YES_NO:
            if not isinstance(self.value, bool):
                raise InvalidError("Scegli sì oppure no.", field="value")
        else:
            self._several(shape)

    def _in_range(self, least: int, most: int) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not least <= self.value <= most:
            raise InvalidError("Scrivi un numero, non troppo grande né troppo piccolo.", field="value")

    def _several(self, shape: Shape) -> None:
        if not isinstance(self.value, tuple) or not self.value:
            if shape is Shape.CHOICES:
                raise InvalidError("Scegli almeno una voce.", field="value")
            raise InvalidError("Scrivi almeno un valore.", field="value")
        if shape is Shape.CHOICES:
            known = set(CHOICES[self.field])
            if any(one not in known for one in self.value):
                raise InvalidError("Questa voce non esiste: sceglierne un'altra.", field="value")
        elif len(self.value) > MOST_TEXTS or any(not one.strip() or len(one) > LONGEST_TEXT for one in self.value):
            raise InvalidError(
                f"Scrivi al massimo {MOST_TEXTS} valori, di non più di {LONGEST_TEXT} caratteri l'uno.", field="value"
            )
        elif any(not any(char.isalnum() for char in one) for one in self.value):
            raise InvalidError("Scrivi lettere o cifre.", field="value")

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        value = list(self.value) if isinstance(self.value, tuple) else self.value
        return {"field": self.field.value, "operator": self.operator.value, "value": value}


@dataclass(frozen=True, slots=True)
class Segment:
    """All groups hold, and of each any condition. None at all: everybody. Raises `InvalidError`."""

    groups: tuple[tuple[Condition, ...], ...] = ()

    def __post_init__(self) -> None:
        if len(self.groups) > MOST_GROUPS or any(len(one) > MOST_IN_GROUP for one in self.groups):
            raise InvalidError("Le condizioni sono troppe: toglierne qualcuna.")
        for group in self.groups:
            if not group:
                raise InvalidError("Un gruppo è vuoto: aggiungere una condizione o toglierlo.")
            if len({kind_of(one.field) for one in group}) > 1:
                raise InvalidError(
                    "Con «oppure» si uniscono condizioni sulle posizioni fra loro, o sulla persona fra loro: "
                    "mettere le altre in una condizione a parte."
                )

    def of_kind(self, kind: Kind) -> tuple[tuple[Condition, ...], ...]:
        """The groups that are asked of this."""
        return tuple(one for one in self.groups if kind_of(one[0].field) is kind)

    def as_json(self) -> dict[str, Any]:
        """As it is kept."""
        return {"version": VERSION, "all": [[one.as_json() for one in group] for group in self.groups]}

    @classmethod
    def of(cls, told: object) -> Self:
        """What was kept. Raises `InvalidError`, whose `field` is the path of what is wrong, such as `all.0.1.value`."""
        if not isinstance(told, Mapping) or told.get("version") != VERSION:
            raise InvalidError("Questo segmento è di un'edizione che non si conosce.", field="version")
        groups = _listed(told.get("all"), "all")
        return cls(
            tuple(
                tuple(_condition(one, f"all.{n}.{m}") for m, one in enumerate(_listed(group, f"all.{n}")))
                for n, group in enumerate(groups)
            )
        )


def _listed(told: object, path: str) -> Sequence[object]:
    if not isinstance(told, list):
        raise InvalidError("Qui serve un elenco di condizioni.", field=path)
    return told


def _condition(told: object, path: str) -> Condition:
    if not isinstance(told, Mapping):
        raise InvalidError("Questa non è una condizione.", field=path)
    try:
        field, operator = Field(told.get("field", "")), Operator(told.get("operator", ""))
    except ValueError:
        raise InvalidError("Questa condizione non si conosce.", field=path) from None
    value = told.get("value")
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = tuple(value)
    elif not isinstance(value, int):
        raise InvalidError("Il valore di questa condizione non si capisce.", field=f"{path}.value")
    try:
        return Condition(field, operator, value)
    except InvalidError as error:
        raise InvalidError(str(error), field=f"{path}.{error.field}") from None
