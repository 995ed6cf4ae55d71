"""What may follow in a message's life, whatever order the carrier's words come in. Pure."""

from datetime import timedelta

from crm.messages.models import MessageState, Reason

_UNDER_WAY = frozenset({MessageState.SENDING, MessageState.UNKNOWN})
_DOUBTED = frozenset({Reason.NOT_FOUND, Reason.NOT_SURE})  # given up, and yet it may have left
BACK_OFF = (
    timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1),
)  # fmt: skip


def follows(state: MessageState, reason: Reason | None, told: MessageState) -> bool:
    """Whether what is told (sent, delivered, failed) is news; what is late or repeated is none."""
    doubted = state is MessageState.FAILED and reason in _DOUBTED
    match told:
        case MessageState.SENT:
            return state in _UNDER_WAY or doubted
        case MessageState.DELIVERED:
            return state in _UNDER_WAY or state is MessageState.SENT or doubted
        case MessageState.FAILED:
            return state in _UNDER_WAY or state is MessageState.SENT
        case _:
            return False


def wait_after(attempts: int) -> timedelta:
    """How long until the next attempt, after so many that met trouble which may pass."""
    return BACK_OFF[min(attempts, len(BACK_OFF)) - 1]
