"""What is owed where levels were missed, with the calls behind it. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from crm.levels.agreement import Agreement, Promise
from crm.levels.known import Breach
from crm.levels.verdicts import Verdict

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Penalty:
    """What is owed for one level. `euro` is none while the contract's value is not known."""

    promise: Promise
    breaches: tuple[Breach, ...]
    per_mille: Decimal
    euro: Decimal | None


def penalties(
    agreement: Agreement, verdicts: Iterable[Verdict], *, excluded: Collection[tuple[str, str]] = ()
) -> tuple[Penalty, ...]:
    """What is owed for each level that has a penalty, with the calls behind it.

    A call that misses several levels of one group is paid for once, under the first of them. `excluded`: metric and
    subject of what the ente agreed to leave out; of one group, the call is left out of all.
    """
    verdicts = list(verdicts)
    out = {
        (one.promise.penalty_group, breach.subject)
        for one in verdicts
        for breach in one.penalised
        if one.promise.penalty_group and (breach.metric, breach.subject) in excluded
    }
    paid: set[tuple[str, str]] = set()
    owed = []
    for verdict in verdicts:
        promise = verdict.promise
        if promise.penalty_per_mille is None:
            continue
        mine = []
        for breach in verdict.penalised:
            group = (promise.penalty_group, breach.subject)
            if (breach.metric, breach.subject) in excluded or (promise.penalty_group and group in paid | out):
                continue
            paid.add(group)
            mine.append(breach)
        per_mille = promise.penalty_per_mille * len(mine)
        euro = None if agreement.net_value is None else (agreement.net_value * per_mille / 1000).quantize(CENT)
        owed.append(Penalty(promise, tuple(mine), per_mille, euro))
    return tuple(owed)
