"""Translations: messages are written in Italian; English comes from a gettext catalogue read at start."""

import gettext
import io
import re
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent.parent / "locale"
LANGUAGES = {"it": "it_IT", "en": "en_GB"}
DEFAULT = "it"
_PLACE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; Italian, the language of the source, needs none."""
    if language == DEFAULT:
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, _messages(language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _messages(language: str) -> Catalog:
    if language == DEFAULT:
        return Catalog()
    with (LOCALE_DIR / language / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def said(language: str, sentence: str) -> str:
    """A sentence of the product's, perhaps kept since long ago, in a language; Italian where it is not known.

    One with values in it was made from a message with places, such as `{status}`, and is known by that. A value that
    is a sentence itself, or several, is translated too.
    """
    whole = translations(language).gettext(sentence)
    if whole != sentence:
        return whole
    for pattern, message in _with_places(language):
        if (found := pattern.fullmatch(sentence)) and (filled := _filled(language, message, found)) != sentence:
            return filled
    return sentence


def _filled(language: str, message: str, found: re.Match[str]) -> str:
    def value(place: re.Match[str]) -> str:
        return "; ".join(said(language, one) if " " in one else one for one in found[f"p_{place[1]}"].split("; "))

    return _PLACE.sub(value, message)


@lru_cache(maxsize=len(LANGUAGES))
def _with_places(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What sentences with values look like, the most particular first, and how they are said in a language."""
    messages = _messages(language)
    texts = [one for one in messages if isinstance(one.id, str) and one.string and _PLACE.search(one.id)]
    texts.sort(key=lambda one: len(_PLACE.sub("", str(one.id))), reverse=True)
    return tuple((_pattern(str(one.id)), str(one.string)) for one in texts)


def _pattern(message: str) -> re.Pattern[str]:
    parts = _PLACE.split(message)  # what stands between the places, and in turn their names
    seen: set[str] = set()
    pattern = ""
    for number, part in enumerate(parts):
        name = f"p_{part}"
        pattern += re.escape(part) if number % 2 == 0 else f"(?P={name})" if name in seen else f"(?P<{name}>.*?)"
        seen.add(name)
    return re.compile(pattern, re.DOTALL)


def chosen(language: str | None) -> str:
    """A language that we speak."""
    return language if language in LANGUAGES else DEFAULT
