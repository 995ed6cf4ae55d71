"""Numbers that were closed by themselves, as those who answer for them and the enti see them."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlalchemy.orm import Session

from crm.core import clock
from crm.enti import closure_queries
from crm.enti.closure_queries import ClosureView
from telephony.calls import queries as calls
from telephony.lines import queries as lines


@dataclass(frozen=True, slots=True)
class ShutNumber:
    """One time that a number was closed. `of_enti`: what each says of it, of those the visitor sees.

    `calls`: how many called it meanwhile, of those he sees; they are in no figure of the service level.
    """

    number: str
    label: str
    starts_at: datetime
    ends_at: datetime | None
    of_enti: tuple[ClosureView, ...]
    calls: int

    @property
    def why(self) -> ClosureView:
        """Who closed it and why, which is the same to each."""
        return self.of_enti[0]


def read(session: Session, contract_ids: frozenset[int], ente_ids: frozenset[int]) -> list[ShutNumber]:
    """Those of the last year, the latest first."""
    rows = closure_queries.of_numbers(session, contract_ids, ente_ids)
    if not rows:
        return []
    since = min(one.starts_at for one in rows)
    came = [
        one
        for contract_id in {row.contract_id for row in rows}
        for one in calls.found_shut(session, contract_id, since, clock.now(session))
    ]
    found = []
    for _, its in groupby(sorted(rows, key=_deed), key=_deed):
        mine = tuple(sorted(its, key=attrgetter("ente_id")))
        one, line = mine[0], lines.line(session, mine[0].number or "")
        meanwhile = sum(
            call.line == one.number and one.starts_at <= call.arrived_at
            and (one.ends_at is None or call.arrived_at < one.ends_at)
            for call in came
        )  # fmt: skip
        found.append(
            ShutNumber(one.number or "", line.label if line else "", one.starts_at, one.ends_at, mine, meanwhile)
        )
    return sorted(found, key=attrgetter("starts_at", "number"), reverse=True)


def _deed(one: ClosureView) -> str:
    return str(one.proposal)
