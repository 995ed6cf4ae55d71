"""The order of a visit: who I am, who are you, and only then the debt. Pure.

To third parties nothing is said but one neutral sentence; in a company only the person entitled, by name, hears more
(requirement F2; Garante, 30 November 2005). The page of the telephone asks `table()`, the server asks `judged`: both
read the same two tables, so that a visit made offline is judged as it was led.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class Deed(StrEnum):
    """What an agent says that happened, in this order."""

    ARRIVED = "arrived"  # checked in, with the position if the telephone gave one
    INTRODUCED = "introduced"  # said who he is, for whom, showed the badge
    NOBODY = "nobody"  # nobody opened
    WHO = "who"  # who is before him
    TOLD = "told"  # the reason and the consequences, in the words of the ente
    OUTCOME = "outcome"
    UNSAFE = "unsafe"  # he leaves at once, whenever it is
    LEFT = "left"


class Whom(StrEnum):
    """Who is before him."""

    HIMSELF = "himself"
    ENTITLED = "entitled"  # may hear of his debts: an heir, a guardian, a delegate
    COMPANY = "company"  # of a legal person, whoever is entitled to speak for it, by name
    THIRD_PARTY = "third_party"
    NOT_ESTABLISHED = "not_established"  # says that it is he, and cannot or will not show it


class Stage(StrEnum):
    """How far a visit has come."""

    BEFORE = "before"
    THERE = "there"  # before a door
    INTRODUCED = "introduced"
    NEUTRAL = "neutral"  # somebody is there who may hear nothing of a debt
    SPEAKING = "speaking"  # with whom may
    NOBODY = "nobody"
    DONE = "done"  # an outcome is given
    OVER = "over"


class Outcome(StrEnum):
    MET = "met"  # he heard it, and bound himself to nothing
    PAID = "paid"  # on the spot, by notice and QR code: no money is taken
    PROMISE = "promise"
    INSTALMENTS = "instalments"
    DISPUTE = "dispute"
    ALREADY_PAID = "already_paid"
    HARDSHIP = "hardship"  # cannot bear it: nothing more is asked of him
    REFUSED = "refused"
    THIRD_PARTY = "third_party"
    ABSENT = "absent"  # courtesy notice left
    MOVED = "moved"
    DECEASED = "deceased"
    NOT_FOUND = "not_found"  # no such address
    CLOSED = "closed"  # the business
    UNSAFE = "unsafe"


ENTITLED = frozenset({Whom.HIMSELF, Whom.ENTITLED, Whom.COMPANY})
# From a stage, by a deed, to the next. `WHO` depends on who it is, `OUTCOME` on where it may be given.
ORDER: Mapping[tuple[Stage, Deed], Stage] = MappingProxyType(
    {
        (Stage.BEFORE, Deed.ARRIVED): Stage.THERE,
        (Stage.THERE, Deed.INTRODUCED): Stage.INTRODUCED,
        (Stage.THERE, Deed.NOBODY): Stage.NOBODY,
        (Stage.INTRODUCED, Deed.WHO): Stage.NEUTRAL,
        (Stage.NEUTRAL, Deed.WHO): Stage.NEUTRAL,  # he found his identity card, or fetched the one looked for
        (Stage.SPEAKING, Deed.WHO): Stage.NEUTRAL,  # it was not he after all
        (Stage.SPEAKING, Deed.TOLD): Stage.SPEAKING,
        (Stage.SPEAKING, Deed.OUTCOME): Stage.DONE,
        (Stage.NEUTRAL, Deed.OUTCOME): Stage.DONE,
        (Stage.NOBODY, Deed.OUTCOME): Stage.DONE,
        (Stage.DONE, Deed.LEFT): Stage.OVER,
        **{
            (stage, Deed.UNSAFE): Stage.DONE
            for stage in (Stage.THERE, Stage.INTRODUCED, Stage.NEUTRAL, Stage.SPEAKING, Stage.NOBODY)
        },
    }
)
# Where each outcome may be given: what tells of the debt, by whoever was entitled alone.
GIVEN_AT: Mapping[Outcome, frozenset[Stage]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                Outcome.MET, Outcome.PAID, Outcome.PROMISE, Outcome.INSTALMENTS, Outcome.DISPUTE, Outcome.ALREADY_PAID,
                Outcome.HARDSHIP,
            ),
            frozenset({Stage.SPEAKING}),
        ),
        Outcome.REFUSED: frozenset({Stage.SPEAKING, Stage.NEUTRAL}),
        Outcome.THIRD_PARTY: frozenset({Stage.NEUTRAL}),
        Outcome.MOVED: frozenset({Stage.NEUTRAL, Stage.NOBODY, Stage.SPEAKING}),
        Outcome.DECEASED: frozenset({Stage.NEUTRAL, Stage.NOBODY, Stage.SPEAKING}),
        Outcome.ABSENT: frozenset({Stage.NOBODY}),
        Outcome.NOT_FOUND: frozenset({Stage.NOBODY}),
        Outcome.CLOSED: frozenset({Stage.NOBODY, Stage.NEUTRAL}),
    }
)  # fmt: skip
# Before these the reason and the consequences were told: nobody binds himself to what he has not heard.
AFTER_TOLD = frozenset({Outcome.MET, Outcome.PAID, Outcome.PROMISE, Outcome.INSTALMENTS, Outcome.HARDSHIP})


class Fault(StrEnum):
    """What was not as it has to be."""

    OUT_OF_ORDER = "out_of_order"
    NOT_ENTITLED = "not_entitled"  # the debt was told, or an outcome about it given, with nobody entitled there
    COMPANY_UNNAMED = "company_unnamed"  # of a company, who spoke is not named, or in what capacity
    NOT_TOLD = "not_told"
    UNFINISHED = "unfinished"  # no outcome


@dataclass(frozen=True, slots=True)
class Done:
    """A deed. `whom` with `WHO`, `outcome` with `OUTCOME`; `name` and `capacity` of who speaks for somebody else."""

    deed: Deed
    whom: Whom | None = None
    name: str = ""
    capacity: str = ""
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Door:
    """Where a visit stands. `told`: the reason and the consequences were said to who is there now."""

    stage: Stage = Stage.BEFORE
    whom: Whom | None = None
    told: bool = False
    outcome: Outcome | None = None

    @property
    def shows_debt(self) -> bool:
        """Whether the page may show, and the agent say, anything of the debt."""
        return self.stage is Stage.SPEAKING or (self.stage is Stage.DONE and self.whom in ENTITLED)


def after(door: Door, done: Done) -> tuple[Door, Fault | None]:
    """Where it stands after a deed; and the fault, with which it stands where it stood."""
    if fault := _fault(door, done):
        return door, fault
    stage = ORDER[door.stage, done.deed]
    if done.deed is Deed.WHO:
        entitled = done.whom in ENTITLED
        return Door(Stage.SPEAKING if entitled else Stage.NEUTRAL, done.whom), None
    outcome = Outcome.UNSAFE if done.deed is Deed.UNSAFE else done.outcome or door.outcome
    return Door(stage, door.whom, door.told or done.deed is Deed.TOLD, outcome), None


def _fault(door: Door, done: Done) -> Fault | None:
    if (door.stage, done.deed) not in ORDER:
        speaks = done.deed is Deed.TOLD and door.stage in (Stage.INTRODUCED, Stage.NEUTRAL)
        return Fault.NOT_ENTITLED if speaks else Fault.OUT_OF_ORDER
    if done.deed is Deed.WHO:
        if done.whom is None:
            return Fault.OUT_OF_ORDER
        if done.whom in (Whom.COMPANY, Whom.ENTITLED) and not (done.name.strip() and done.capacity.strip()):
            return Fault.COMPANY_UNNAMED
    if done.deed is Deed.OUTCOME:
        if done.outcome is None or done.outcome not in GIVEN_AT:
            return Fault.OUT_OF_ORDER
        if door.stage not in GIVEN_AT[done.outcome]:
            about_debt = GIVEN_AT[done.outcome] == {Stage.SPEAKING}
            return Fault.NOT_ENTITLED if about_debt else Fault.OUT_OF_ORDER
        if done.outcome in AFTER_TOLD and not door.told:
            return Fault.NOT_TOLD
    return None


@dataclass(frozen=True, slots=True)
class Judged:
    """How a visit stands after all its deeds, and what was not as it has to be, by the deed's place from 0."""

    door: Door
    faults: tuple[tuple[int, Fault], ...] = ()


def judged(deeds: Sequence[Done]) -> Judged:
    """A visit as it was told. Rule: nothing of a debt is said before the identity of who hears it is established."""
    door, faults = Door(), []
    for place, done in enumerate(deeds):
        door, fault = after(door, done)
        if fault:
            faults.append((place, fault))
    if door.outcome is None:
        faults.append((len(deeds), Fault.UNFINISHED))
    return Judged(door, tuple(faults))


def outcomes(stage: Stage) -> Iterator[Outcome]:
    """Those that may be given at a stage, in the order of their list."""
    return (one for one in Outcome if stage in GIVEN_AT.get(one, ()))


def table() -> dict[str, Any]:
    """The same rules as data, for the page that leads a visit with no network."""
    return {
        "order": [[stage.value, deed.value, to.value] for (stage, deed), to in ORDER.items()],
        "entitled": sorted(ENTITLED),
        "named": sorted((Whom.COMPANY, Whom.ENTITLED)),
        "given_at": {one.value: sorted(stages) for one, stages in GIVEN_AT.items()},
        "after_told": sorted(AFTER_TOLD),
    }
