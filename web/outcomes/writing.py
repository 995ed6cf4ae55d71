"""Topic and outcome of a call that was placed for a campaign: nobody says them twice. They follow from the outcome that
was given, and of a survey the interview says what came of it.
"""

from uuid import UUID

from sqlalchemy.orm import Session

from crm.core.errors import InvalidError
from outbound.cati import surveys
from outbound.outcomes import queries
from outbound.outcomes.catalogue import Said
from telephony.calls.choices import Disposition, Topic
from telephony.calls.models import Call

_TOPICS = {
    Said.INSTALMENTS: Topic.INSTALMENTS, Said.DISPUTE: Topic.LITIGATION, Said.ALREADY_PAID: Topic.PAYMENT,
    Said.PROMISE: Topic.PAYMENT, Said.MOVED: Topic.NOTIFICATION,
}  # fmt: skip
_ENDINGS = {
    Said.PROMISE: Disposition.WILL_PAY, Said.ALREADY_PAID: Disposition.ALREADY_PAID,
    Said.INSTALMENTS: Disposition.REQUEST, Said.DISPUTE: Disposition.REQUEST,
}  # fmt: skip


def written(session: Session, call_id: UUID, topic: str, disposition: str) -> tuple[str, str]:
    """What is kept of a call: as it was typed, or, of a campaign's, as its outcome says. Who was not found to be the
    right party was not spoken to. What came of a survey's call its interview says.
    """
    of = queries.of_call(session, call_id)
    if of is None and is_survey(session, call_id):
        return topic or Topic.OTHER, disposition or Disposition.ANSWERED
    if of is None:
        return topic, disposition
    topic = topic or _TOPICS.get(of.said or Said.INFORMED, Topic.REMINDER).value
    if of.said is None:
        return topic, ""
    call = session.get_one(Call, call_id)
    spoken = queries.reached(session, call, of.contact_id)
    return topic, _ENDINGS.get(of.said, Disposition.ANSWERED) if spoken else Disposition.WRONG_PERSON


def is_survey(session: Session, call_id: UUID) -> bool:
    """Whether a call was placed for a survey's case."""
    call = session.get(Call, call_id)
    if call is None or call.contact_id is None or not call.placed:
        return False
    return surveys.of_call(session, contact_id=call.contact_id, call_id=call_id) is not None


def require_said(session: Session, call_id: UUID) -> None:
    """Raise `InvalidError` while the outcome of a campaign's conversation is missing."""
    of = queries.of_call(session, call_id)
    if of is not None and of.said is None:
        raise InvalidError("Scegli com'è andata, tra gli esiti della campagna.")
