"""What an agent should not write before he knows with whom. Pure.

A debt is told to whoever owes it, not to family, colleagues or neighbours (Garante per la protezione dei dati
personali, 30 November 2005); that somebody writes from a number proves nothing.
"""

import re
from enum import StrEnum

from crm.messages.wording import tells_of_debt

_SUM = re.compile(
    r"(?:€|\beuro\b|\beur\b)\s*\d|\d\s*(?:€|euro\b|eur\b)|(?<!alle )(?<!ore )\b\d{1,3}(?:\.\d{3})*,\d{2}\b",
    re.IGNORECASE,
)
_NOTICE = re.compile(r"(?<!\d)(?:\d[ .-]?){17}\d(?!\d)")  # 18 digits: a pagoPA notice
_CODICE_FISCALE = re.compile(r"\b[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]\b", re.IGNORECASE)


class Care(StrEnum):
    """What is wrong with a text."""

    TELLS = "tells"  # a sum, a notice, a codice fiscale: not before somebody is identified
    HINTS = "hints"  # words that may tell of a debt: to be looked at once more


def care(text: str, *, identified: bool, language: str = "it") -> Care | None:
    """What stands against sending this text to somebody who is, or is not, identified."""
    if identified:
        return None
    if _SUM.search(text) or _NOTICE.search(text) or _CODICE_FISCALE.search(text):
        return Care.TELLS
    return Care.HINTS if tells_of_debt(text, language) else None
