"""Texts and questions for PostgreSQL's full-text search in Italian. Pure."""

import re

from sqlalchemy import ColumnElement, func, literal_column

ITALIAN = "italian"

MOST_WORDS, LONGEST_WORD = 12, 40
_WORD = re.compile(r"[^\W_]+")
_PLAIN = str.maketrans("àáèéìíòóùú", "aaeeiioouu")  # Italians leave accents out


def found_by(title: str, keywords: str, body: str) -> ColumnElement[str]:
    """What a text is found by, as a `tsvector`: its title and other words for it weigh more than what it says."""
    first, *rest = (
        func.setweight(
            func.to_tsvector(ITALIAN, text.lower().translate(_PLAIN)), literal_column(f"'{weight}'::\"char\"")
        )
        for text, weight in ((title, "A"), (keywords, "A"), (body, "B"))
    )
    whole: ColumnElement[str] = first
    for one in rest:
        whole = whole.op("||")(one)
    return whole


def words_of(text: str) -> tuple[str, ...]:
    """The words of a question: small letters without accents, the first dozen."""
    return tuple(one[:LONGEST_WORD] for one in _WORD.findall(text.lower().translate(_PLAIN))[:MOST_WORDS])


def all_of(text: str) -> str:
    """A `tsquery` for texts with all of these words; empty for a text without any.

    The last one may be still being typed, so that what begins with it will do.
    """
    return _joined(text, " & ")


def any_of(text: str) -> str:
    """A `tsquery` for texts with any of these words."""
    return _joined(text, " | ")


def _joined(text: str, by: str) -> str:
    words = words_of(text)
    return by.join(f"{one}:*" if place == len(words) - 1 else one for place, one in enumerate(words))
