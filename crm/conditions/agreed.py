"""What a contract agrees besides its levels, pure: what it may say, as it is stored, and what differs between two."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from crm.core.errors import InvalidError
from crm.enti.hours import DAYS, parse_week, written_week
from crm.levels.agreement import Period
from crm.levels.metering import Callers

Week = tuple[str, ...]  # the hours of each weekday as people write them, Monday first
NO_WEEK: Week = ("",) * DAYS
MOST_QUEUES, LONGEST_NAME = 20, 80
MOST_DAYS_AROUND, MOST_OPERATORS, HOURS_OF_A_WEEK = 30, 99, 168
_MIDNIGHT = 24 * 60


class NumberKind(StrEnum):
    """What a number costs whoever calls it."""

    FREEPHONE = "freephone"
    GEOGRAPHIC = "geographic"


@dataclass(frozen=True, slots=True)
class Number:
    """A kind of number that the contract wants. `callers`: whom it is for; none: everybody."""

    kind: NumberKind
    callers: Callers | None = None
    caller_pays: bool = False


@dataclass(frozen=True, slots=True)
class Reinforcement:
    """So many operators more, at the least, around each due date whose name begins with `due` (empty: around all).

    From `before` days before it, or else from the day after it, until `after` days after it.
    """

    before: int = 0
    after: int = 20
    operators: int = 0
    due: str = ""

    def counts(self, name: str) -> bool:
        """Whether a due date of this name is one of those."""
        return name.casefold().startswith(self.due.casefold())


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of it, of one contract. A week without hours, none and an empty tuple: the contract does not say.

    `staffed`: the hours in which operators have to be there, where the lines are open for longer; calls in between
    count all the same. `weekly_hours`, `desk_hours`: for how many hours a week at least lines and desks are open.
    `reports`: for which periods the ente wants them.
    """

    numbers: tuple[Number, ...] = ()
    queues: tuple[str, ...] = ()
    staffed: Week = NO_WEEK
    desks: Week = NO_WEEK
    weekly_hours: int | None = None
    desk_hours: int | None = None
    reports: tuple[Period, ...] = ()
    reinforcement: Reinforcement | None = None


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The same with what is in force elsewhere: when the lines are open, and within how many days who leaves is
    replaced.
    """

    hours: Week
    replacement_days: int
    conditions: Conditions


class Part(StrEnum):
    """What two arrangements may differ in."""

    HOURS = "hours"
    STAFFED = "staffed"
    DESKS = "desks"
    WEEKLY_HOURS = "weekly_hours"
    DESK_HOURS = "desk_hours"
    NUMBERS = "numbers"
    QUEUES = "queues"
    REPORTS = "reports"
    REINFORCEMENT = "reinforcement"
    REPLACEMENT = "replacement_days"


def differences(now: Arrangement, proposed: Arrangement) -> tuple[Part, ...]:
    """What is not as it is now."""
    before, after = _parts(now), _parts(proposed)
    return tuple(part for part in Part if before[part] != after[part])


def _parts(one: Arrangement) -> Mapping[Part, object]:
    said = one.conditions
    return {
        Part.HOURS: one.hours, Part.STAFFED: said.staffed, Part.DESKS: said.desks,
        Part.WEEKLY_HOURS: said.weekly_hours, Part.DESK_HOURS: said.desk_hours, Part.NUMBERS: set(said.numbers),
        Part.QUEUES: set(said.queues), Part.REPORTS: set(said.reports), Part.REINFORCEMENT: said.reinforcement,
        Part.REPLACEMENT: one.replacement_days,
    }  # fmt: skip


def hours_in(week: Week) -> float:
    """For how many hours a week is open. Raises `InvalidError` for hours that nobody can read."""
    return sum(until - since for spans in minutes(week).values() for since, until in spans) / 60


def minutes(week: Week) -> dict[int, list[tuple[int, int]]]:
    """The hours of each weekday in minutes since midnight; 24:00 is 1440."""
    found: dict[int, list[tuple[int, int]]] = {day: [] for day in range(DAYS)}
    for one in parse_week(dict(enumerate(week))):
        since, until = (at.hour * 60 + at.minute for at in (one.opens, one.closes))
        found[one.weekday].append((since, until or _MIDNIGHT))
    return found


def checked(said: Conditions) -> Conditions:
    """The same with its weeks as they are always written. Raises `InvalidError`, a part for each field that is wrong.

    The fields are named `staffed-N` and `desks-N` for weekday N, `weekly_hours`, `desk_hours`, `queues`, `before`,
    `after`, `operators`, `due`.
    """
    wrong = list(_wrong_numbers(said))
    weeks = {"staffed": said.staffed, "desks": said.desks}
    for name, week in weeks.items():
        try:
            weeks[name] = written_week(parse_week(dict(enumerate(week))))
        except InvalidError as error:
            wrong += [InvalidError(str(one), field=one.field.replace("day-", f"{name}-")) for one in error.parts]
    if len(said.queues) > MOST_QUEUES or any(len(one) > LONGEST_NAME for one in said.queues):
        wrong.append(InvalidError("Al massimo venti code, di ottanta caratteri l'una.", field="queues"))
    if wrong:
        raise InvalidError("Ricontrolla i campi indicati.", parts=wrong)
    return replace(said, staffed=weeks["staffed"], desks=weeks["desks"])


def _wrong_numbers(said: Conditions) -> Iterator[InvalidError]:
    for name in ("weekly_hours", "desk_hours"):
        value = getattr(said, name)
        if value is not None and not 1 <= value <= HOURS_OF_A_WEEK:
            yield InvalidError("Un numero intero di ore, da 1 a 168, o niente.", field=name)
    extra = said.reinforcement
    if extra is None:
        return
    if not 0 <= extra.before <= MOST_DAYS_AROUND:
        yield InvalidError("Un numero intero di giorni, da 0 a 30.", field="before")
    if not 1 <= extra.after <= MOST_DAYS_AROUND:
        yield InvalidError("Un numero intero di giorni, da 1 a 30.", field="after")
    if not 0 <= extra.operators <= MOST_OPERATORS:
        yield InvalidError("Un numero intero di operatori, da 0 a 99.", field="operators")
    if len(extra.due) > LONGEST_NAME:
        yield InvalidError("È troppo lungo: abbrevialo.", field="due")


def stored(said: Conditions) -> dict[str, Any]:
    """As JSON."""
    return asdict(said)


def read(kept: Mapping[str, Any]) -> Conditions:
    """What `stored` wrote; what it did not know yet is as if nothing were said."""
    known = {one.name: kept[one.name] for one in fields(Conditions) if one.name in kept}
    extra = known.get("reinforcement")
    return Conditions(
        **known
        | {
            "numbers": tuple(
                Number(
                    NumberKind(one["kind"]), Callers(one["callers"]) if one["callers"] else None, one["caller_pays"]
                )
                for one in known.get("numbers", ())
            ),
            "queues": tuple(known.get("queues", ())), "staffed": tuple(known.get("staffed", NO_WEEK)),
            "desks": tuple(known.get("desks", NO_WEEK)),
            "reports": tuple(Period(one) for one in known.get("reports", ())),
            "reinforcement": None if extra is None else Reinforcement(**extra),
        }
    )  # fmt: skip
