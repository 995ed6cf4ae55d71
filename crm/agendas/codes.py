"""The code that a citizen reads aloud, and the tokens of links, of which nothing is stored.

A token is the appointment's id and a keyed hash of it under the installation's key (HMAC-SHA256, half of it: 128
bits), for one purpose: whoever holds a time cannot manage another's appointment with it, and no table gives any away.
"""

import hmac
import secrets
from base64 import b32decode, b32encode
from binascii import Error
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import secrecy

# None that is read as another, on paper or aloud (B/8, I/1, O/0, S/5, Z/2), and no vowels: a code is never a word.
LETTERS = "CDFGHJKLMNPQRTVWXY34679"
LENGTH = 8
_KEYS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "22233344455566677778889999")  # ITU-T E.161
_MARK = 16
_FIRST = "x"  # in front of each token, and no sign within: no part of it is taken for a word of its own


class Use(StrEnum):
    """What a token is for."""

    HOLD = "hold"
    MANAGE = "manage"
    DRAFT = "draft"
    WISH = "wish"
    OFFER = "offer"
    RATING = "rating"
    SUBMISSION = "submission"
    FOLLOWED = "followed"  # a case, by whoever sent it
    CONSIGNED = "consigned"  # documents of a case


def new_code() -> str:
    """Eight characters of 23: one in seventy-eight thousand million."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def read_code(text: str) -> str | None:
    """A code as somebody types it, with spaces, hyphens or small letters; none when it cannot be one."""
    code = "".join(text.split()).replace("-", "").upper()
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else None


def on_keys(code: str) -> str:
    """A code as it is keyed on a telephone: each letter by the key that it stands on, once."""
    return code.translate(_KEYS)


def token(session: Session, use: Use, ente_id: int, appointment_id: UUID) -> str:
    """The token of an appointment: 53 small letters and digits."""
    content = b32encode(appointment_id.bytes + _mark(session, use, ente_id, appointment_id))
    return _FIRST + content.decode().rstrip("=").lower()


def read_token(session: Session, use: Use, ente_id: int, text: str) -> UUID | None:
    """Whose token it is; none when it is forged, broken, another ente's, or for something else."""
    try:
        content = b32decode(text.removeprefix(_FIRST).upper().encode("ascii") + b"====")
    except (Error, ValueError):
        return None
    if len(content) != 16 + _MARK:
        return None
    found = UUID(bytes=content[:16])
    return found if hmac.compare_digest(content[16:], _mark(session, use, ente_id, found)) else None


def _mark(session: Session, use: Use, ente_id: int, appointment_id: UUID) -> bytes:
    about = f"{ente_id}:".encode() + appointment_id.bytes
    return secrecy.of(session).mark(f"appointment.{use.value}", about)[:_MARK]
