"""Twilio's identifiers: two letters and 32 hexadecimal digits."""

import uuid


def new_sid(prefix: str) -> str:
    """`CA` call, `CF` conference, `PN` number, `QU` queue, `RE` recording."""
    return prefix + uuid.uuid4().hex
