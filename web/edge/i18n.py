"""Translations: messages are written in Italian; English, and the citizens' German, come from gettext catalogues."""

import gettext
import io
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent.parent / "locale"
LANGUAGES = {"it": "it_IT", "en": "en_GB"}  # of the staff's pages
CITIZENS = LANGUAGES | {"de": "de_IT"}  # of the citizens', whose German catalogue says what is said there alone
DEFAULT = "it"
LONGEST = 500  # characters of a sentence that is looked at for its values
_PLACE = re.compile(r"\{(\w+)\}")


@lru_cache(maxsize=len(CITIZENS))
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


def said(language: str, sentence: str, *, deep: int = 4) -> str:
    """A sentence of the product's, perhaps kept since long ago, in a language; Italian where it is not known.

    One with values in it was made from a message with places, such as `{status}`, and is known by that. A value that
    is a sentence itself, or several, is translated too, down to `deep`; so is what stands before and after a colon.
    """
    whole = translations(language).gettext(sentence) if sentence else ""  # of nothing a catalogue gives its own header
    if whole != sentence or deep == 0 or len(sentence) > LONGEST:
        return whole

    def inner(value: str) -> str:
        """Values are words, and are left; sentences have more than one."""
        return "; ".join(said(language, one, deep=deep - 1) if " " in one else one for one in value.split("; "))

    for pattern, message in _with_places(language):
        if found := pattern.fullmatch(sentence):
            return _filled(message, {name: inner(value) for name, value in found.groupdict().items()})
    before, colon, after = sentence.partition(": ")
    return f"{inner(before)}: {said(language, after, deep=deep - 1)}" if colon else sentence


def _filled(message: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: values[f"p_{place[1]}"], message)


@lru_cache(maxsize=len(CITIZENS))
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


def chosen_by_citizen(language: str | None) -> str:
    """A language that the citizens' pages speak."""
    return language if language in CITIZENS else DEFAULT
