"""Handing whoever is on the line over to a questionnaire that he answers by keys, once he has agreed to it."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core.errors import ConflictError
from outbound.campaigns import running
from outbound.cati import by_keys
from telephony.calls import conversation
from telephony.calls.models import Call, Phase


def hand_over(session: Session, by: Principal, *, call_id: UUID, campaign_id: int, contact_id: int) -> None:
    """`by` leaves the conversation; its person stays on the line, and answers a survey's questionnaire by keys.

    Raises `ForbiddenError` unless `by` interviews for the survey's ente, `ConflictError` for another's conversation,
    for somebody who was not identified, and where the questionnaire may not be answered so, or was answered.
    """
    found = running.get(session, campaign_id)
    require_on(session, by, Permission.INTERVIEW_CONDUCT, ente_id=found.ente_id)
    conversation.own_call(session, by, call_id)
    call = session.scalars(
        select(Call).where(Call.id == call_id).execution_options(populate_existing=True)
    ).one()  # fmt: skip
    if call.phase is not Phase.TALKING or call.contact_id != contact_id:
        raise ConflictError("Questa persona non è in linea con te.")
    if not (call.placed or call.identified_at):
        raise ConflictError("Prima identifica chi è in linea.")
    if not by_keys.open_for(session, call, campaign_id=campaign_id, contact_id=contact_id):
        raise ConflictError("Questo questionario non si può compilare con i tasti, o è già stato compilato.")
    audit.note(session, by, kind="interview.by_keys", ente_id=found.ente_id, contact_id=contact_id, call_id=call_id)
    conversation.hang_up(session, by, call_id=call_id, to_questions=True)
