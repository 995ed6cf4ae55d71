"""Extra operators around due dates, pure: who is proposed, for how long, for how many calls.

For how many days, for which due dates and how many operators at the least are terms of the contract
(`crm.conditions.agreed`; Intercent-ER 6.5 asks for two in the twenty days after the IMU's).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from crm.conditions.agreed import Reinforcement
from telephony.staffing.forecast import Expected
from telephony.staffing.known_days import Kind, Known
from telephony.staffing.need import Need

USUAL = Reinforcement()  # twenty days after any due date, as many as the forecast asks for


@dataclass(frozen=True, slots=True)
class Proposal:
    """So many operators more from a day to another, after what is due on `due_on`; and the calls expected in them."""

    due_on: date
    name: str
    first: date
    last: date
    operators: int
    calls: int


def proposals(
    known: Iterable[Known], expected: Mapping[date, Expected], needs: Mapping[date, Sequence[Need]],
    agreed: Reinforcement | None,
) -> list[Proposal]:  # fmt: skip
    """For each due date: as many as its busiest day needs more than the busiest ordinary one; where the contract agrees
    on more, that. Due dates of which it says nothing are looked at as is usual. Where several fall on one day, the one
    that takes most operators counts, and of alike ones the one that has a name.

    Of days that no forecast reaches nothing is proposed.
    """
    ordinary = max(
        (max(one.plan for one in needs[on]) for on, told in expected.items() if not told.drivers and on in needs),
        default=0,
    )
    found: dict[date, Proposal] = {}
    for one in known:
        term = agreed if agreed is not None and agreed.counts(one.name) else USUAL
        first, last = around(one.day, term)
        reached = [on for on in expected if first <= on <= last]
        if one.kind is not Kind.DUE or not reached or max(expected) < last:
            continue
        peak = max(max(need.plan for need in needs[on]) for on in reached)
        operators = max(term.operators, peak - ordinary if ordinary else 0)
        best = found.get(one.day)
        if operators > 0 and (best is None or (operators, one.name > "") > (best.operators, best.name > "")):
            calls = round(sum(expected[on].total for on in reached))
            found[one.day] = Proposal(one.day, one.name, first, last, operators, calls)
    return list(found.values())


def around(due_on: date, term: Reinforcement) -> tuple[date, date]:
    """The first and the last day on which more are wanted."""
    return due_on - timedelta(days=term.before) if term.before else due_on + timedelta(days=1), due_on + timedelta(
        days=term.after
    )
