"""Which of a survey's cases are open to an interviewer, as a condition of the query that claims the next one."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, or_, select

from crm.core.db import table_of
from outbound.cati.models import SurveyCase, SurveyQuota
from outbound.cati.quotas import STRATUM

WAITED = timedelta(minutes=30)  # from the hour of an appointment: then whoever is free calls
_CASE, _QUOTA = table_of(SurveyCase), table_of(SurveyQuota)


def open_to(
    contact_id: ColumnElement[int], *, campaign_id: int, agent_id: int | None, now: datetime
) -> ColumnElement[bool]:
    """Not those with whom a colleague has an appointment, nor those whom this interviewer is not to call again, nor
    those whose stratum has all the interviews that are wanted. `agent_id` none: it is not known yet who will speak.
    """
    colleague = and_(
        _CASE.c.wants_agent.is_not(None), _CASE.c.wants_agent.is_distinct_from(agent_id),
        _CASE.c.wants_after > now - WAITED,
    )  # fmt: skip
    mine = _CASE.c.not_by.is_not(None) if agent_id is None else _CASE.c.not_by == agent_id
    of_stratum = and_(_QUOTA.c.campaign_id == campaign_id, _QUOTA.c.first == STRATUM, _QUOTA.c.value == _CASE.c.stratum)
    full = and_(
        _CASE.c.asked.is_(None),
        exists(select(_QUOTA.c.id).where(of_stratum)),
        ~exists(select(_QUOTA.c.id).where(of_stratum, _QUOTA.c.taken < _QUOTA.c.target)),
    )
    return ~exists(
        select(_CASE.c.contact_id).where(
            _CASE.c.campaign_id == campaign_id, _CASE.c.contact_id == contact_id, or_(colleague, mine, full)
        )
    )
