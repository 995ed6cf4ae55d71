"""Extra operators around due dates, pure (Intercent-ER 6.5): who is proposed, for how long, for how many calls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from telephony.staffing.forecast import Expected
from telephony.staffing.known_days import Kind, Known
from telephony.staffing.need import Need

DAYS_AFTER = 20  # Intercent-ER 6.5: for twenty days after the due date
PRESET, FEWEST = "intercent_er", 2  # which promises two operators more after the IMU's, whatever is expected


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
    known: Iterable[Known], expected: Mapping[date, Expected], needs: Mapping[date, Sequence[Need]], *, preset: str
) -> list[Proposal]:
    """For each due date: as many as its busiest day needs more than the busiest ordinary one, and what is promised.

    Of days that no forecast reaches nothing is proposed.
    """
    ordinary = max(
        (max(one.plan for one in needs[on]) for on, told in expected.items() if not told.drivers and on in needs),
        default=0,
    )
    found: dict[date, Proposal] = {}
    for one in known:
        first, last = one.day + timedelta(days=1), one.day + timedelta(days=DAYS_AFTER)
        reached = [on for on in expected if first <= on <= last]
        if one.kind is not Kind.DUE or not reached or max(expected) < last:
            continue
        peak = max(max(need.plan for need in needs[on]) for on in reached)
        promised = FEWEST if preset == PRESET and one.name.startswith("IMU") else 0
        operators = max(promised, peak - ordinary if ordinary else 0)
        if operators > 0 and one.day not in found:
            calls = round(sum(expected[on].total for on in reached))
            found[one.day] = Proposal(one.day, one.name, first, last, operators, calls)
    return list(found.values())
