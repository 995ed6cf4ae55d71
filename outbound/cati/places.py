"""Places in quotas: an interview takes one once it is known of which cell it is, and gives it back where it comes to
nothing.

A place is taken by one UPDATE of the cell's counter, which waits for whoever is doing the same: of two interviewers
who ask for the last place at one instant one gets it, and the other is told that the quota is full.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from outbound.cati.models import Interview, InterviewState, SurveyQuota
from outbound.cati.quotas import STRATUM, Cell, cell_of

LEFT = timedelta(minutes=30)  # after its interviewer's lease: an interview that nobody goes on with keeps no place
_QUOTA, _INTERVIEW = table_of(SurveyQuota), table_of(Interview)


def cells(session: Session, campaign_id: int) -> list[Cell]:
    """The quotas of a survey, in the order in which they were written."""
    rows = select(SurveyQuota).where(SurveyQuota.campaign_id == campaign_id).order_by(SurveyQuota.id)
    return [
        Cell(one.id, one.first, one.value, one.second, one.second_value, one.target, one.taken)
        for one in session.scalars(rows.execution_options(populate_existing=True))
    ]


def keep(session: Session, row: Interview, given: Mapping[str, str]) -> bool:
    """Give an interview the place that its answers ask for; false: there is none left, and it has to end.

    Answers that change may change the cell: the old place is given back first. The interview is locked.
    """
    if row.campaign_id is None:
        return True
    quotas = cells(session, row.campaign_id)
    cell = cell_of(quotas, {**given, STRATUM: row.stratum}) if quotas else None
    if cell is not None and cell.id == row.quota_id:
        return True
    give_back(session, row)
    if cell is None:
        return True
    if not _taken(session, cell.id) and not (_let_go(session, cell.id) and _taken(session, cell.id)):
        return False
    row.quota_id = cell.id
    session.flush()
    return True


def give_back(session: Session, row: Interview) -> None:
    """Its place, if it has one, is free again."""
    if row.quota_id is not None:
        session.execute(update(_QUOTA).where(_QUOTA.c.id == row.quota_id).values(taken=_QUOTA.c.taken - 1))
        row.quota_id = None
        session.flush()


def _taken(session: Session, quota_id: int) -> bool:
    done = session.execute(
        update(_QUOTA).where(_QUOTA.c.id == quota_id, _QUOTA.c.taken < _QUOTA.c.target).values(taken=_QUOTA.c.taken + 1)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def _let_go(session: Session, quota_id: int) -> int:
    """Places of interviews that somebody has left, and nobody has gone on with; how many."""
    left = (
        select(_INTERVIEW.c.id)
        .where(
            _INTERVIEW.c.quota_id == quota_id, _INTERVIEW.c.state == InterviewState.RUNNING,
            _INTERVIEW.c.held_until < clock.now(session) - LEFT,
        )
        .with_for_update(skip_locked=True)
    )  # fmt: skip
    done = session.execute(update(_INTERVIEW).where(_INTERVIEW.c.id.in_(left)).values(quota_id=None))
    gone = int(done.rowcount)  # type: ignore[attr-defined]
    if gone:
        session.execute(update(_QUOTA).where(_QUOTA.c.id == quota_id).values(taken=_QUOTA.c.taken - gone))
    return gone
