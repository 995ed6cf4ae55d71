"""Which of a survey's cases are open to an interviewer, as a condition of the query that claims the next one."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.cati.models import SurveyCase, SurveyQuota
from outbound.cati.quotas import STRATUM

WAITED = timedelta(minutes=30)  # from the hour of an appointment: then whoever is free calls
_CASE, _QUOTA = table_of(SurveyCase), table_of(SurveyQuota)


def full_strata(session: Session, campaign_id: int) -> list[str]:
    """The strata that have all the interviews that are wanted of them."""
    its = (_QUOTA.c.campaign_id == campaign_id, _QUOTA.c.first == STRATUM)
    full = func.bool_and(_QUOTA.c.taken >= _QUOTA.c.target)
    return list(session.scalars(select(_QUOTA.c.value).where(*its).group_by(_QUOTA.c.value).having(full)))


def open_to(
    contact_id: ColumnElement[int], *, campaign_id: int, agent_id: int | None, now: datetime, full: Collection[str]
) -> ColumnElement[bool]:
    """Not those with whom a colleague has an appointment, nor those whom this interviewer is not to call again, nor
    those of a `full` stratum, unless they are asked once more. `agent_id` none: it is not known yet who will speak.
    """
    colleague = and_(
        _CASE.c.wants_agent.is_not(None), _CASE.c.wants_agent.is_distinct_from(agent_id),
        _CASE.c.wants_after > now - WAITED,
    )  # fmt: skip
    mine = _CASE.c.not_by.is_not(None) if agent_id is None else _CASE.c.not_by == agent_id
    enough = and_(_CASE.c.asked.is_(None), _CASE.c.stratum.in_(full)) if full else false()
    return ~exists(
        select(_CASE.c.contact_id).where(
            _CASE.c.campaign_id == campaign_id, _CASE.c.contact_id == contact_id, or_(colleague, mine, enough)
        )
    )
