"""What goes wrong with a mailbox's server."""

from telephony.mail.models import Trouble


class MailboxError(Exception):
    """A mailbox cannot be read; `trouble` says in which way, the message what exactly, and names nobody."""

    def __init__(self, trouble: Trouble, said: str) -> None:
        super().__init__(said)
        self.trouble = trouble


class LeaseLostError(Exception):
    """Somebody else reads this mailbox by now: whoever did lets go of it."""
