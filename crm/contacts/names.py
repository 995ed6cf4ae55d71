"""Names folded for search: what is written differently but read alike gets one key."""

import unicodedata

from crm.contacts.slips import SHORTEST

KEY_LENGTH = 250
LONGEST_WORD = 40


def full_name(surname: str, given_name: str | None = None) -> str:
    """The name as people say it: given name and surname, or a company's name."""
    return f"{given_name} {surname}" if given_name else surname


def name_key(surname: str, given_name: str | None = None) -> str:
    """Surname, then given name: in capitals, without accents, apostrophes and signs, one space between words.

    `D'Amico`, `d’amico` and `DAMICO` share a key; so do `Niccolò` and `NICCOLO'`.
    """
    return fold(f"{surname} {given_name}" if given_name else surname)[:KEY_LENGTH].rstrip()


def given_key(surname: str, given_name: str | None) -> str | None:
    """The same with the given name first, as people say it; none for whoever has no given name."""
    return fold(f"{given_name} {surname}")[:KEY_LENGTH].rstrip() if given_name else None


def who_key(codice_fiscale: str | None, name: str) -> str:
    """What tells somebody who is no contact from others: his codice fiscale, else his name folded."""
    return codice_fiscale or fold(name)[:KEY_LENGTH].rstrip() or name[:KEY_LENGTH]


def words_of(key: str) -> frozenset[str]:
    """The words of a key that are long enough for a slip to be told from another word."""
    return frozenset(word for word in key.split() if SHORTEST <= len(word) <= LONGEST_WORD)


def fold(text: str) -> str:
    """The text as keys are written. Empty when it holds no letter or digit."""
    if text.isascii() and text.replace(" ", "").isalnum():
        return " ".join(text.upper().split())
    plain = unicodedata.normalize("NFKD", text).upper()
    kept = (_letter(char) for char in plain if not unicodedata.combining(char) and char not in "'’‘`´")
    return " ".join("".join(kept).split())


def _letter(char: str) -> str:
    return char if char.isalnum() else " "
