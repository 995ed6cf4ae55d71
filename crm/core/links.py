"""Links that are keys: whoever has one gets in, so the token is told once and kept as a digest alone."""

from hashlib import sha256
from secrets import token_urlsafe

TOKEN_BYTES = 32
LONGEST = 100


def new_token() -> str:
    """A token that nobody guesses: 256 bits."""
    return token_urlsafe(TOKEN_BYTES)


def hashed(token: str) -> str:
    """As it is kept. Raises `ValueError` for what is no token, and need not be looked for."""
    if len(token) > LONGEST or not token.isascii():
        raise ValueError("no token")
    return sha256(token.encode()).hexdigest()
