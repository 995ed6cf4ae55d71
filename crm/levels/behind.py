"""What stands behind each penalty: the calls over a limit, or the days, and what was said of each. Pure.

Page, file and API list the same: the verdict's calls in their order, paid for or not, and why not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from crm.levels.agreement import Agreement
from crm.levels.known import Breach
from crm.levels.penalties import penalties
from crm.levels.remarks import Remark, left_out
from crm.levels.verdicts import Verdict


class Paid(StrEnum):
    """Whether something over a limit is paid for."""

    OWED = "owed"
    FREE = "free"  # the level has no penalty
    LEFT_OUT = "left_out"  # the ente agreed
    TOLERATED = "tolerated"  # its day is one of those that the share of days forgives
    ELSEWHERE = "elsewhere"  # of one group it is paid for under another level


@dataclass(frozen=True, slots=True)
class Behind:
    """A call over a level's limit, or (`is_day`) a day that is paid for as a whole. `euro`, not rounded, is none while
    the contract's value is not known; those of a level sum up to its penalty, which is rounded to the cent.
    """

    verdict: Verdict
    breach: Breach
    is_day: bool
    paid: Paid
    per_mille: Decimal
    euro: Decimal | None
    said: tuple[Remark, ...]


def behind(
    agreement: Agreement, verdicts: Iterable[Verdict], said: Mapping[tuple[str, str], list[Remark]]
) -> Iterator[Behind]:
    """Each call over a limit, level by level; where a level is judged by days that are paid for, these."""
    verdicts = list(verdicts)
    out = left_out(said, verdicts)
    owed = iter(penalties(agreement, verdicts, excluded=out))
    groups_out = {
        (one.promise.penalty_group, breach.subject)
        for one in verdicts
        for breach in one.penalised
        if one.promise.penalty_group and (breach.metric, breach.subject) in out
    }
    for verdict in verdicts:
        rate = verdict.promise.penalty_per_mille
        paid_for = frozenset() if rate is None else frozenset(next(owed).breaches)
        for breach in verdict.breaches or verdict.penalised:
            key = breach.metric, breach.subject
            is_out = key in out or (verdict.promise.penalty_group, breach.subject) in groups_out
            paid = (
                Paid.FREE if rate is None
                else Paid.OWED if breach in paid_for
                else Paid.TOLERATED if breach not in verdict.penalised
                else Paid.LEFT_OUT if is_out
                else Paid.ELSEWHERE
            )  # fmt: skip
            each = rate if rate is not None and paid is Paid.OWED else Decimal(0)
            yield Behind(
                verdict, breach, not verdict.breaches, paid, each,
                None if agreement.net_value is None else agreement.net_value * each / 1000, tuple(said.get(key, ())),
            )  # fmt: skip
