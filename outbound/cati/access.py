"""Whose a survey's case is: an interviewer opens those that he was given, whoever runs the survey any of its ente."""

from datetime import timedelta

from sqlalchemy import Select, Table, exists, or_, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.core import clock
from crm.core.db import table_of
from crm.core.errors import ForbiddenError
from outbound.campaigns.models import Attempt, CampaignContact
from outbound.cati.models import Interview, SurveyCase
from telephony.calls.models import Call

SHIFT = timedelta(hours=12)  # after a call: its interview is finished, or its outcome written
NOT_HIS = "Questo caso non è assegnato a te: lo apri dalla chiamata con cui ti viene dato."
_CC, _A, _CALL, _CASE, _I = (table_of(one) for one in (CampaignContact, Attempt, Call, SurveyCase, Interview))


def require(session: Session, by: Principal, *, ente_id: int, campaign_id: int, contact_id: int) -> None:
    """Raise `ForbiddenError` unless `by` interviews for the ente, and was given this case, or runs its surveys.

    He was given what he has claimed, what he called or was put through to within the last `SHIFT`, an appointment that
    he made, an interview that he leads or has led.
    """
    require_on(session, by, Permission.INTERVIEW_CONDUCT, ente_id=ente_id)
    if _is_his(session, by.user_id, campaign_id, contact_id):
        return
    try:
        require_on(session, by, Permission.CAMPAIGN_MANAGE, ente_id=ente_id)
    except ForbiddenError:
        raise ForbiddenError(NOT_HIS) from None


def _is_his(session: Session, user_id: int, campaign_id: int, contact_id: int) -> bool:
    called = (
        select(_A.c.id)
        .outerjoin(_CALL, _CALL.c.id == _A.c.call_id)
        .where(
            _A.c.campaign_id == campaign_id, _A.c.contact_id == contact_id, _A.c.begun,
            _A.c.at > clock.now(session) - SHIFT, or_(_A.c.agent_id == user_id, _CALL.c.agent_id == user_id),
        )
    )  # fmt: skip
    ways = (
        exists(_its(_CC, campaign_id, contact_id).where(_CC.c.claimed_by == user_id)),
        exists(_its(_CASE, campaign_id, contact_id).where(_CASE.c.wants_agent == user_id)),
        exists(_its(_I, campaign_id, contact_id).where(_I.c.interviewer_id == user_id)),
        exists(called),
    )
    return bool(session.scalar(select(or_(*ways))))


def _its(table: Table, campaign_id: int, contact_id: int) -> Select[int]:
    its = table.c.campaign_id == campaign_id, table.c.contact_id == contact_id
    return select(table.c.contact_id).where(*its)
