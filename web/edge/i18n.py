"""Translations: messages are written in Italian; English comes from a gettext catalogue read at start."""

import gettext
import io
from functools import lru_cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE_DIR = Path(__file__).parent.parent / "locale"
LANGUAGES = {"it": "it_IT", "en": "en_GB"}
DEFAULT = "it"


@lru_cache(maxsize=len(LANGUAGES))
def translations(language: str) -> gettext.NullTranslations:
    """The catalogue of a language; Italian, the language of the source, needs none."""
    path = LOCALE_DIR / language / "messages.po"
    if not path.exists():
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with path.open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen(language: str | None) -> str:
    """A language that we speak."""
    return language if language in LANGUAGES else DEFAULT
