"""How a sound is encrypted: under a key of its own, which is kept sealed under the installation's."""

from dataclasses import dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy.orm import Session

from crm.core import secrecy
from crm.core.secrecy import NONCE_BYTES
from crm.documents.store import DocumentStore

PURPOSE = "recordings"  # of every kind of sound: what was sealed opens under this name alone
LARGEST = 500_000_000  # bytes: four hours


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is needed to hear a sound: where it is, and the key that opens it."""

    id: UUID
    kept_under: int
    sha256: str
    key: bytes


def new_key(session: Session, sound_id: UUID) -> bytes:
    """A key for this sound alone, sealed."""
    return secrecy.of(session).seal(PURPOSE, secrecy.new_key(), about=sound_id.bytes)


def opened(session: Session, sound_id: UUID, sealed: bytes) -> bytes:
    """The key. Raises `SecrecyError`."""
    return secrecy.of(session).open(PURPOSE, sealed, about=sound_id.bytes)


def encrypt(key: bytes, sound: bytes, sound_id: UUID) -> bytes:
    """The sound under its key; the same each time, so that it is stored once however often it is fetched.

    A nonce made of the sound is used for no other sound under this key.
    """
    return secrecy.encrypt(key, sound, about=sound_id.bytes, nonce=sha256(sound).digest()[:NONCE_BYTES])


def read(store: DocumentStore, sealed: Sealed) -> bytes:
    """The sound again; in no transaction. Raises `StoreError`, `SecrecyError`."""
    stored = store.read(sealed.kept_under, sealed.sha256, most=LARGEST)
    return secrecy.decrypt(sealed.key, stored, about=sealed.id.bytes)
