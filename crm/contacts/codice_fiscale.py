"""Codice fiscale and partita IVA: checked by python-stdnum, with sentences fit for a screen."""

from functools import lru_cache

from stdnum.exceptions import InvalidChecksum, InvalidLength, ValidationError
from stdnum.it import codicefiscale, iva

from crm.contacts.models import PersonKind
from crm.core.errors import InvalidError


@lru_cache(maxsize=8192)  # in a feed, a taxpayer's positions follow one another
def parse_codice_fiscale(text: str) -> str:
    """The code in capitals without spaces: 16 characters of a person (omocodia included), or 11 digits.

    Raises `InvalidError` with the reason in Italian.
    """
    compact = compacted(text)
    try:
        return codicefiscale.validate(compact)
    except InvalidLength:
        raise InvalidError(
            f"Codice fiscale «{_shown(text)}»: deve avere 16 caratteri (persona) o 11 cifre (società o ente)."
        ) from None
    except InvalidChecksum:
        raise InvalidError(
            f"Codice fiscale «{_shown(text)}»: il carattere di controllo non torna; ricontrollarlo."
        ) from None
    except ValidationError:
        raise InvalidError(
            f"Codice fiscale «{_shown(text)}»: non è scritto come un codice fiscale; correggerlo all'origine."
        ) from None


def parse_partita_iva(text: str) -> str:
    """The 11 digits, without the IT prefix. Raises `InvalidError` with the reason in Italian."""
    try:
        return iva.validate(compacted(text))
    except ValidationError:
        raise InvalidError(
            f"Partita IVA «{_shown(text)}»: servono 11 cifre con la cifra di controllo esatta."
        ) from None


def person_kind(codice_fiscale: str) -> PersonKind:
    """Eleven digits belong to a company or body, sixteen characters to a person."""
    return PersonKind.LEGAL if len(codice_fiscale) == 11 else PersonKind.NATURAL


def compacted(text: str) -> str:
    """A code in capitals without spaces, right or wrong."""
    return "".join(text.split()).upper()


def _shown(text: str) -> str:
    return text if len(text) <= 20 else text[:20] + "…"
