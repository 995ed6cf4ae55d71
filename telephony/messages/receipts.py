"""What the carrier says of an SMS, in our words. Pure. Codes: https://www.twilio.com/docs/api/errors."""

from crm.messages.models import MessageState, Reason

OPTED_OUT = 21610
_NO_SUCH_NUMBER = frozenset({21211, 21214, 21217, 21614, 30005, 30006})
_TAKEN = frozenset({"accepted", "scheduled", "queued", "sending", "sent"})
_ARRIVED = frozenset({"delivered", "read"})
_LOST = frozenset({"undelivered", "failed", "canceled"})


def state_of(status: str) -> MessageState | None:
    """What a status means; none for one that means nothing here."""
    if status in _TAKEN:
        return MessageState.SENT
    if status in _ARRIVED:
        return MessageState.DELIVERED
    return MessageState.FAILED if status in _LOST else None


def reason_of(code: int | None) -> Reason | None:
    """Why it failed, where the code says more than that it did."""
    if code == OPTED_OUT:
        return Reason.OPTED_OUT
    return Reason.BAD_ADDRESS if code in _NO_SUCH_NUMBER else None
