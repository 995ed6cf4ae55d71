"""E-mail addresses, certified ones included."""

import re

# What a mailbox may look like, loosely: whether it exists, only a message sent to it says.
_MAILBOX = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]+\.[^@\s<>,;]{2,}")


def to_email(text: str) -> str | None:
    """The address in small letters, or None when it cannot be one."""
    return text.lower() if _MAILBOX.fullmatch(text) else None
