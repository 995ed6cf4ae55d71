"""Topic and outcome of a call that was placed for a campaign: they follow from the outcome, nobody says it twice."""

from uuid import UUID

from sqlalchemy.orm import Session

from crm.core.errors import InvalidError
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
    right party was not spoken to.
    """
    of = queries.of_call(session, call_id)
    if of is None:
        return topic, disposition
    topic = topic or _TOPICS.get(of.said or Said.INFORMED, Topic.REMINDER).value
    if of.said is None:
        return topic, ""
    call = session.get_one(Call, call_id)
    spoken = queries.reached(session, call, of.contact_id)
    return topic, _ENDINGS.get(of.said, Disposition.ANSWERED) if spoken else Disposition.WRONG_PERSON


def require_said(session: Session, call_id: UUID) -> None:
    """Raise `InvalidError` while the outcome of a campaign's conversation is missing."""
    of = queries.of_call(session, call_id)
    if of is not None and of.said is None:
        raise InvalidError("Scegli com'è andata, tra gli esiti della campagna.")
