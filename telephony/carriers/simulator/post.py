"""A mail server that stands in for a real one: it takes every e-mail, delivers none, and shows them on a page."""

from collections import deque
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from telephony.carriers.simulator.instants import now

KEPT = 200
LARGEST = 1 << 20  # bytes


class _Box:
    def __init__(self, mails: deque[dict[str, Any]], changed: Callable[[], None]) -> None:
        self._mails, self._changed = mails, changed

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        mail = message_from_bytes(content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        self._mails.appendleft(
            {
                "from": str(mail["from"] or ""), "to": ", ".join(envelope.rcpt_tos),
                "id": str(mail["message-id"] or ""),
                "subject": str(mail["subject"] or ""), "body": body.get_content() if body else "",
                "stop": str(mail["list-unsubscribe"] or "").strip("<> "), "at": now().isoformat(timespec="seconds"),
            }
        )  # fmt: skip
        self._changed()
        return "250 OK"


def open_box(mails: deque[dict[str, Any]], changed: Callable[[], None], *, host: str, port: int) -> Controller:
    """Start it, in a thread of its own."""
    controller = Controller(_Box(mails, changed), hostname=host, port=port, data_size_limit=LARGEST)
    controller.start()
    return controller
