"""The typed fields of templates: what a value may be, how it is written in a language, and whether it tells a debt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Protocol
from urllib.parse import urlsplit

from babel.dates import format_date, format_datetime
from babel.numbers import format_currency

from crm.core.clock import in_rome
from crm.core.errors import InvalidError

_CODE = re.compile(r"[A-Z0-9][A-Z0-9/ -]*")


class Field(Protocol):
    """A kind of value. `longest` is how many characters it may take, written; `discloses`: it tells that he owes."""

    @property
    def longest(self) -> int: ...

    @property
    def discloses(self) -> bool: ...

    def written(self, value: Any, language: str) -> str:
        """As it stands in the text. Raises `InvalidError`."""


@dataclass(frozen=True, slots=True)
class Text:
    """Words on one line; on more than one with `lines`."""

    longest: int
    discloses: bool = False
    lines: bool = False

    def written(self, value: Any, language: str) -> str:  # noqa: ARG002  # the same in each
        text = str(value).strip()
        rows = text.splitlines() if self.lines else [text]
        if not text or len(text) > self.longest or not all(row.isprintable() for row in rows):
            raise InvalidError("Scrivi un testo, non troppo lungo e senza caratteri speciali.")
        return "\n".join(rows)


@dataclass(frozen=True, slots=True)
class Name(Text):
    """Of an ente, an office, a person."""

    longest: int = 60


@dataclass(frozen=True, slots=True)
class Code:
    """A one-time code, a protocol or a notice number: capital letters, digits and what parts them."""

    longest: int = 24
    discloses: bool = False

    def written(self, value: Any, language: str) -> str:  # noqa: ARG002  # the same in each
        text = str(value)
        if len(text) > self.longest or not _CODE.fullmatch(text):
            raise InvalidError("Il codice non è valido: ricontrollalo.")
        return text


@dataclass(frozen=True, slots=True)
class Link:
    """An address on the web. Who reads the screen reads it too: it must not tell anything of the person."""

    longest: int = 120
    discloses: ClassVar[bool] = False

    def written(self, value: Any, language: str) -> str:  # noqa: ARG002  # the same in each
        text = str(value)
        parts = urlsplit(text) if text.isprintable() and text.isascii() and " " not in text else None
        if parts is None or parts.scheme not in {"http", "https"} or not parts.hostname or len(text) > self.longest:
            raise InvalidError("Il collegamento non è valido: ricontrollalo.")
        return text


@dataclass(frozen=True, slots=True)
class Day:
    """A day, with its weekday."""

    longest: int = 32
    discloses: ClassVar[bool] = False
    _PATTERN: ClassVar[dict[str, str]] = {"de": "EEEE, d. MMMM y"}

    def written(self, value: Any, language: str) -> str:
        if not isinstance(value, date):
            raise InvalidError("La data non è valida: ricontrollala.")
        return format_date(value, self._PATTERN.get(language, "EEEE d MMMM y"), locale=language)


@dataclass(frozen=True, slots=True)
class Instant:
    """A day and an hour, in Rome."""

    longest: int = 40
    discloses: ClassVar[bool] = False
    _PATTERN: ClassVar[dict[str, str]] = {
        "it": "EEEE d MMMM, 'ore' H:mm", "en": "EEEE d MMMM, H:mm", "de": "EEEE, d. MMMM, H:mm 'Uhr'",
    }  # fmt: skip

    def written(self, value: Any, language: str) -> str:
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise InvalidError("La data e l'ora non sono valide: ricontrollale.")
        return format_datetime(in_rome(value).replace(tzinfo=None), self._PATTERN[language], locale=language)


@dataclass(frozen=True, slots=True)
class Euro:
    """A sum in cents."""

    longest: int = 24
    discloses: ClassVar[bool] = True

    def written(self, value: Any, language: str) -> str:
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 10**11:
            raise InvalidError("L'importo non è valido: ricontrollalo.")
        return format_currency(Decimal(value) / 100, "EUR", locale=language)


@dataclass(frozen=True, slots=True)
class Words:
    """One of several things to say: by its name, in each language."""

    said: Mapping[str, Mapping[str, str]]
    discloses: ClassVar[bool] = False

    @property
    def longest(self) -> int:
        """Of the longest of them."""
        return max(len(text) for by_language in self.said.values() for text in by_language.values())

    def written(self, value: Any, language: str) -> str:
        if value not in self.said:
            raise InvalidError("Scegli una delle ragioni.")
        return self.said[value][language]
