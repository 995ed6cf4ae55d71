"""Secrets under the installation's master key: values that are kept encrypted, and marks that nobody else can make.

Each purpose has a key of its own, derived from the master key (HKDF-SHA256, RFC 5869). A value is encrypted by
AES-256-GCM (NIST SP 800-38D) under a random nonce of 96 bits, which stands in front of it; `about` binds it to its
place: put anywhere else, it does not open.
"""

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr
from sqlalchemy.orm import Session

from crm.core.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12
FILE = "master.key"


class SecrecyError(Exception):
    """A value does not open: it was altered, moved, or encrypted under another key; or there is no key at all."""


def new_key() -> bytes:
    """A random key."""
    return secrets.token_bytes(KEY_BYTES)


def encrypt(key: bytes, value: bytes, *, about: bytes, nonce: bytes | None = None) -> bytes:
    """The value under the key, with its nonce in front: a random one, unless whoever gives one uses it once."""
    nonce = nonce or secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, about)


def decrypt(key: bytes, sealed: bytes, *, about: bytes) -> bytes:
    """The value again. Raises `SecrecyError`."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about)
    except (InvalidTag, ValueError):
        raise SecrecyError("The value was altered, moved, or encrypted under another key.") from None


class Secrecy:
    """What is done with the master key; it never leaves this object."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._key_for = cache(lambda purpose: HKDF(SHA256(), KEY_BYTES, None, purpose.encode()).derive(master))

    def seal(self, purpose: str, value: bytes, *, about: bytes) -> bytes:
        """The value, encrypted for a purpose."""
        return encrypt(self._key_for(purpose), value, about=about)

    def open(self, purpose: str, sealed: bytes, *, about: bytes) -> bytes:
        """A value sealed for this purpose. Raises `SecrecyError`."""
        return decrypt(self._key_for(purpose), sealed, about=about)

    def mark(self, purpose: str, value: bytes) -> bytes:
        """A keyed hash (HMAC-SHA256): the same for the same value, and of no use to whoever lacks the key."""
        return hmac.digest(self._key_for(purpose), value, sha256)


def of(session: Session) -> Secrecy:
    """The secrecy of the process that opened this session. Raises `SecrecyError` where none was given."""
    found: Secrecy | None = session.info.get("secrecy")
    if found is None:
        raise SecrecyError("This process was given no master key: Database(..., secrecy=Secrecy(key)).")
    return found


def from_settings(settings: Settings) -> Secrecy:
    """The installation's secrecy: by the setting, else by a file in the data folder, made at the first need."""
    return Secrecy(bytes.fromhex(master_key_of(settings).get_secret_value()))


def master_key_of(settings: Settings) -> SecretStr:
    """The master key itself, for whoever starts another process of this installation."""
    return settings.master_key or SecretStr(_kept(settings.data / FILE))


def _kept(path: Path) -> str:
    """The file's content. Of several processes that make it at once one wins, and all read what it wrote."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(new_key().hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text(encoding="ascii").strip()
