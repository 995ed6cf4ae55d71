"""Which of a survey's cases are open to an interviewer, as a condition of the query that claims the next one."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.cati.models import SurveyCase, SurveyQuota
from outbound.cati.quotas import STRATUM

WAITED = timedelta(minutes=30)  # from the hour of an appointment: then whoever is free calls
KEPT = 10  # so many are looked at, at once
_CASE, _QUOTA, _CC = table_of(SurveyCase), table_of(SurveyQuota), table_of(CampaignContact)
_HIS = _CASE.alias("his")  # the case of whoever is looked at, also in a query of cases


def _full_strata(campaign_id: int) -> Select[str]:
    """The strata that have all the interviews that are wanted of them."""
    its = (_QUOTA.c.campaign_id == campaign_id, _QUOTA.c.first == STRATUM)
    full = func.bool_and(_QUOTA.c.taken >= _QUOTA.c.target)
    return select(_QUOTA.c.value).where(*its).group_by(_QUOTA.c.value).having(full)


def has_a_place(priority: ColumnElement[int], *, campaign_id: int) -> ColumnElement[bool]:
    """Once strata are full those of theirs have the place 0, at the end of the index: nobody walks through them."""
    return priority > case((_full_strata(campaign_id).exists(), 0), else_=-1)


def open_to(
    contact_id: ColumnElement[int], *, campaign_id: int, agent_id: int | None, now: datetime
) -> ColumnElement[bool]:
    """Not those with whom a colleague has an appointment, nor those whom this interviewer is not to call again, nor
    those of a full stratum, unless they are asked once more. `agent_id` none: it is not known yet who will speak.
    """
    colleague = and_(
        _HIS.c.wants_agent.is_not(None), _HIS.c.wants_agent.is_distinct_from(agent_id),
        _HIS.c.wants_after > now - WAITED,
    )  # fmt: skip
    mine = _HIS.c.not_by.is_not(None) if agent_id is None else _HIS.c.not_by == agent_id
    enough = and_(_HIS.c.asked.is_(None), _HIS.c.stratum.in_(_full_strata(campaign_id)))
    return ~exists(
        select(_HIS.c.contact_id).where(
            _HIS.c.campaign_id == campaign_id, _HIS.c.contact_id == contact_id, or_(colleague, mine, enough)
        )
    )


def kept_for(session: Session, *, campaign_id: int, agent_id: int, now: datetime) -> list[int]:
    """The first of those who wait now and are not for whoever is free, but for this interviewer: whoever has an
    appointment with him, or refused another one.
    """
    not_anybodys = or_(_CASE.c.not_by.is_not(None), _CASE.c.wants_agent == agent_id)
    rows = session.scalars(
        select(_CASE.c.contact_id)
        .join(_CC, and_(_CC.c.campaign_id == _CASE.c.campaign_id, _CC.c.contact_id == _CASE.c.contact_id))
        .where(
            _CASE.c.campaign_id == campaign_id, not_anybodys, _CC.c.state == ContactState.READY, _CC.c.due_at <= now,
            open_to(_CC.c.contact_id, campaign_id=campaign_id, agent_id=agent_id, now=now),
        )
        .order_by(_CC.c.priority.desc(), _CC.c.due_at, _CC.c.contact_id).limit(KEPT)
    )  # fmt: skip
    return list(rows)
