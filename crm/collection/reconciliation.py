"""The sender's counts and sums by tax beside ours, as of one instant."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from crm.collection.models import ImportRun, Reconciliation
from crm.core import clock
from crm.positions import queries as positions
from crm.positions.models import Tax


@dataclass(frozen=True, slots=True)
class Sums:
    """Positions of one tax, and cents."""

    positions: int = 0
    residual: int = 0
    paid: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One tax. `theirs` is None where the sender told no totals."""

    tax: Tax
    theirs: Sums | None
    ours: Sums

    @property
    def matches(self) -> bool:
        """Whether both sides say the same; a tax of which neither has a position does."""
        return (self.theirs or Sums()) == self.ours

    def difference(self) -> Sums:
        """Ours less theirs."""
        theirs = self.theirs or Sums()
        return Sums(
            self.ours.positions - theirs.positions, self.ours.residual - theirs.residual, self.ours.paid - theirs.paid
        )


def compare(theirs: Mapping[Tax, Sums], ours: Mapping[Tax, Sums]) -> list[Line]:
    """One line for each tax that either side has, in one order."""
    return [Line(tax, theirs.get(tax), ours.get(tax, Sums())) for tax in Tax if tax in theirs or tax in ours]


def told(totals: Iterable[Mapping[str, Any]]) -> dict[Tax, Sums]:
    """The totals of a feed; of two about one tax the later one."""
    return {Tax(one["tax"]): Sums(one["positions"], one["residual"], one["paid"]) for one in totals}


def record(session: Session, *, ente_id: int, run_id: int) -> None:
    """Compare what a run was told with what is stored now, and keep the outcome; nothing if it was told no totals."""
    run = session.get_one(ImportRun, run_id, populate_existing=True)
    if not run.totals or run.as_of is None:
        return
    ours = {tax: Sums(*sums) for tax, sums in positions.sums(session, ente_id=ente_id).items()}
    lines = compare(told(run.totals), ours)
    session.execute(
        insert(Reconciliation).values(
            ente_id=ente_id, run_id=run_id, as_of=run.as_of, made_at=clock.now(session),
            matches=all(line.matches for line in lines), lines=[asdict(line) for line in lines],
            newer=positions.newer(session, ente_id=ente_id, than=run.as_of),
        )
    )  # fmt: skip


def lines_of(stored: Iterable[Mapping[str, Any]]) -> list[Line]:
    """The lines of a reconciliation as it was kept."""
    return [
        Line(Tax(one["tax"]), Sums(**one["theirs"]) if one["theirs"] else None, Sums(**one["ours"])) for one in stored
    ]


@dataclass(frozen=True, slots=True)
class Report:
    """One reconciliation."""

    id: int
    ente_id: int
    run_id: int
    as_of: datetime
    made_at: datetime
    matches: bool
    newer: int
    lines: tuple[Line, ...]
