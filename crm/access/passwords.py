"""Passwords, as Argon2id hashes (RFC 9106, the library's defaults)."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

_HASHER = PasswordHasher()


def hash_password(password: str) -> str:
    """A salted hash; slow on purpose."""
    return _HASHER.hash(password)


@cache
def _nobody() -> str:
    return _HASHER.hash("a password that nobody has")


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one hashed. As slow for a user who does not exist (a hash of none)."""
    try:
        _HASHER.verify(password_hash or _nobody(), password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return bool(password_hash)
