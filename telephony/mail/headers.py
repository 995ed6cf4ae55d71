"""Headers of a message as they came, decoded: RFC 5322 and 2047, and whatever else people's programs write. Pure.

Nothing here raises: a charset that does not exist, bytes that are not of the charset that they are said to be, and
addresses without an address are all sent, every day.
"""

import codecs
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime

MOST_HEADERS, LONGEST_HEADER = 400, 20_000
LONGEST_ID, LONGEST_ADDRESS, LONGEST_NAME = 250, 254, 120
MOST_ADDRESSES, MOST_REFERENCES = 100, 50
_ID = re.compile(r"<([^<>\s]{1,998})>")
_ADDRESS = re.compile(r"[^@\s<>,;\"()]{1,64}@[^@\s<>,;\"()]{1,190}")
_YEARS = range(1990, 2100)  # of a clock that is not to be believed otherwise


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Who is named in a header. `address` in small letters; empty where there was none."""

    address: str
    name: str = ""


Headers = Mapping[str, tuple[str, ...]]  # by name in small letters, each in the order in which it came


def headers_of(message: "Message[str, str]") -> Headers:
    """The headers, decoded, each bounded."""
    found: dict[str, list[str]] = {}
    for name, value in list(message.raw_items())[:MOST_HEADERS]:
        found.setdefault(name.lower(), []).append(_one_line(decoded(str(value)[:LONGEST_HEADER])))
    return {name: tuple(values) for name, values in found.items()}


def first(headers: Headers, name: str) -> str:
    """The first of a name; empty where there is none."""
    return headers.get(name, ("",))[0]


def believed(content: bytes, charset: str | None) -> str:
    """Bytes as text: in the charset that they are said to be in if they can be, else UTF-8, else as Windows has it."""
    for one in (charset, "utf-8"):
        try:
            if one and codecs.lookup(one)._is_text_encoding:  # noqa: SLF001  # as bytes.decode does
                return _clean(content.decode(one))
        except (LookupError, ValueError):
            continue
    return _clean(content.decode("cp1252", "replace"))


def decoded(value: str) -> str:
    """A header's encoded words as text (RFC 2047); raw bytes in it, too."""
    raw = value.encode("utf-8", "surrogateescape")
    value = believed(raw, "utf-8") if not value.isascii() else value
    if "=?" not in value:
        return _clean(value)
    try:
        parts = decode_header(value)
    except (HeaderParseError, ValueError, LookupError):
        return _clean(value)
    return _clean("".join(believed(one, charset) if isinstance(one, bytes) else one for one, charset in parts))


def correspondents(values: Iterable[str]) -> tuple[Correspondent, ...]:
    """Everybody whom headers name, each address once."""
    try:
        pairs = getaddresses([one[:LONGEST_HEADER] for one in values])
    except (ValueError, IndexError, TypeError, AttributeError):
        return ()
    found = {}
    for name, address in pairs[:MOST_ADDRESSES]:
        if (good := address_of(address)) and good not in found:
            found[good] = Correspondent(good, " ".join(name.split())[:LONGEST_NAME])
    return tuple(found.values())


def address_of(text: str) -> str:
    """An address in small letters; empty where it is none."""
    text = text.strip().strip("<>").lower()
    good = len(text) <= LONGEST_ADDRESS and text.isprintable() and _ADDRESS.fullmatch(text)
    return text if good else ""


def ids_in(*values: str) -> tuple[str, ...]:
    """The Message-IDs in headers, without their brackets, in their order, each once; the last ones of very many."""
    found = dict.fromkeys(one[:LONGEST_ID] for value in values for one in _ID.findall(value))
    return tuple(found)[-MOST_REFERENCES:]


def dated(value: str) -> datetime | None:
    """The instant that a header claims; none where it claims none that could be."""
    try:
        found = parsedate_to_datetime(value)
        found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.year in _YEARS else None


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _clean(text: str) -> str:
    """Without what no database keeps and no screen shows: NUL, other controls but for lines and tabs, lone surrogates,
    and what turns the direction of the text around it, by which a file's name seems to be another."""
    return _UNCLEAN.sub("", text)


# Unicode's categories Cc and Cs, and the directional formatting characters of UAX 9.
_UNCLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
