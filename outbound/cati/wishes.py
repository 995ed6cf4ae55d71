"""What somebody wants of the ente when he is interviewed: no answer of the survey's, and nothing of it stands there."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases import asking
from crm.cases.lifecycle import Channel
from crm.cases.requests import Wanted
from crm.core.errors import FieldError
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpState
from outbound.cati import access, surveys

MOST = 400  # characters


class Wish(StrEnum):
    """What he says."""

    COMPLAINT = "complaint"  # or a report of something that is wrong
    QUESTION = "question"
    CALL_BACK = "call_back"  # by the office, and not for the interview


_REQUESTS: Mapping[Wish, Wanted] = MappingProxyType({Wish.COMPLAINT: Wanted.COMPLAINT, Wish.QUESTION: Wanted.QUESTION})


def tell(
    session: Session, by: Principal, *, campaign_id: int, contact_id: int, wish: Wish, words: str
) -> None:  # fmt: skip
    """It is a request to the ente, or a reminder to call him. Raises as `surveys.case`, and `FieldError`."""
    found, _ = surveys.get(session, campaign_id)
    access.require(session, by, ente_id=found.ente_id, campaign_id=campaign_id, contact_id=contact_id)
    words = words.strip()
    if not words or len(words) > MOST:
        raise FieldError(f"Scrivi che cosa vuole, in al massimo {MOST} caratteri.", "words")
    attempt = surveys.last_attempt(session, campaign_id, contact_id)
    call_id = attempt.call_id if attempt else None
    if wish is Wish.CALL_BACK:
        same = (
            FollowUp.contact_id == contact_id, FollowUp.kind == FollowUpKind.CALL_BACK,
            FollowUp.state == FollowUpState.OPEN, FollowUp.note == words,
        )  # fmt: skip
        if session.scalar(select(FollowUp.id).where(*same).limit(1)) is not None:  # pressed twice
            return
        follow_ups.owe(
            session, ente_id=found.ente_id, contact_id=contact_id, kind=FollowUpKind.CALL_BACK, note=words,
            call_id=call_id,
        )  # fmt: skip
        return
    asking.ask(
        session, by,
        asking.Heard(contact_id, found.ente_id, _REQUESTS[wish], Channel.PHONE, words, call_id),
    )  # fmt: skip
