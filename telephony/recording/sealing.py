"""How a recording is encrypted: under a key of its own, which is kept sealed under the installation's."""

from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import secrecy
from crm.core.secrecy import NONCE_BYTES, Secrecy

PURPOSE = "recordings"


def new_key(session: Session, recording_id: UUID) -> bytes:
    """A key for this recording alone, sealed."""
    return secrecy.of(session).seal(PURPOSE, secrecy.new_key(), about=recording_id.bytes)


def opened(master: Secrecy, recording_id: UUID, sealed: bytes) -> bytes:
    """The key. Raises `SecrecyError`."""
    return master.open(PURPOSE, sealed, about=recording_id.bytes)


def encrypt(key: bytes, sound: bytes, recording_id: UUID) -> bytes:
    """The sound under its key; the same each time, so that it is stored once however often it is fetched.

    A nonce made of the sound is used for no other sound under this key.
    """
    return secrecy.encrypt(key, sound, about=recording_id.bytes, nonce=sha256(sound).digest()[:NONCE_BYTES])


def decrypt(key: bytes, sealed: bytes, recording_id: UUID) -> bytes:
    """The sound again. Raises `SecrecyError`."""
    return secrecy.decrypt(key, sealed, about=recording_id.bytes)
