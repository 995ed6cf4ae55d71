"""Passwords: Argon2id hashes (RFC 9106, the library's defaults), and which ones are accepted.

The rules are NIST's, SP 800-63B (section 3.1.1.2 of revision 4): a length, no composition, no expiry by the calendar,
and none that is commonly used, or made of the service's or the person's own name. How common one is, zxcvbn tells
from lists of leaked passwords, keyboard walks, dates and repetitions.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn import zxcvbn

from crm.core.errors import FieldError

MIN_LENGTH = 12
MAX_LENGTH = 128
COMMON_BELOW = 3  # zxcvbn's scale of 0 to 4: fewer than 10^8 guesses
COMMON = "Questa password è fra le più facili da indovinare: scegline un'altra, per esempio una frase."
_JUDGED = 72  # zxcvbn takes no more characters; the time it needs grows with their square
_FAVOURITES = (  # what its English lists lack
    "filodiretto", "benvenuto", "benvenuta", "comune", "tributi", "ciao", "amore", "forza", "napoli", "milan", "inter",
    "juventus", "roma", "lazio", "fiorentina", "italia", "password", "gennaio", "febbraio", "marzo", "aprile", "maggio",
    "giugno", "luglio", "agosto", "settembre", "ottobre", "novembre", "dicembre", "primavera", "estate", "autunno",
    "inverno", "andrea", "francesca", "giuseppe", "alessandro", "francesco", "principessa", "tesoro", "stella",
)  # fmt: skip
_HASHER = PasswordHasher()
_judging = Lock()  # zxcvbn keeps the words of its caller in a dictionary of its module


def hash_password(password: str) -> str:
    """A salted hash; slow on purpose."""
    return _HASHER.hash(_normal(password))


def check_new(password: str, *, about: Iterable[str] = ()) -> None:
    """Whether somebody may choose it; `about` are words of his own: his names, his user name.

    Raises `FieldError` for `password`.
    """
    password = _normal(password)
    if len(password) < MIN_LENGTH:
        raise FieldError("La password è troppo corta: servono almeno 12 caratteri. Una frase va bene.", "password")
    if len(password) > MAX_LENGTH:
        raise FieldError("La password è troppo lunga: al massimo 128 caratteri.", "password")
    words = [word for text in about for word in (text, *text.split()) if len(word) > 2]
    with _judging:
        score: int = zxcvbn(password[:_JUDGED], [*words, *_FAVOURITES])["score"]
    if score < COMMON_BELOW or _beside(password.lower(), words) < MIN_LENGTH // 2:
        raise FieldError(COMMON, "password")


def _beside(password: str, words: list[str]) -> int:
    """How many characters a password has beside somebody's own words."""
    for word in sorted(words, key=len, reverse=True):
        password = password.replace(word.lower(), "")
    return len(password)


@cache
def _nobody() -> str:
    return _HASHER.hash("a password that nobody has")


def matches(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one hashed. As slow for a user who does not exist (a hash of none)."""
    try:
        _HASHER.verify(password_hash or _nobody(), _normal(password))
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False
    return bool(password_hash)


def _normal(password: str) -> str:
    """However a keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password)
