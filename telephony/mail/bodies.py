"""What is in a message: its text, its HTML, its attachments; however deep its parts lie. Pure. Nothing raises."""

import binascii
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from functools import partial
from hashlib import sha256

from telephony.mail.bulky import Bulky
from telephony.mail.headers import believed, decoded
from telephony.mail.kinds import FileKind, doubtful, kind_of

MOST_PARTS, DEEPEST = 400, 40
LONGEST_TEXT = 400_000  # of what is shown; the original is kept whole
LONGEST_NAME = 120
MOST_HELD = 200_000  # bytes of a file that are not decoded again
_WHOLE = Bulky(b"", b"")  # a message out of which nothing was taken
_SEPARATORS = re.compile(r"[/\\:]")


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that came with it. `part`: its place among them; `media_type` as it is said to be; `kind` as it is.

    `opened` gives what is in it: of a large one it is decoded each time, so that nobody holds several at once.
    """

    part: int
    name: str
    media_type: str
    kind: FileKind
    doubtful: bool
    size: int
    sha256: str
    opened: Callable[[], bytes] = field(repr=False, compare=False)
    cid: str = ""  # by which the HTML shows it (RFC 2392)

    @property
    def content(self) -> bytes:
        """What is in it."""
        return self.opened()


@dataclass(frozen=True, slots=True)
class Body:
    """A message's parts. `cut`: there were more parts than are looked at, or longer texts."""

    text: str = ""
    html: str = ""
    attachments: tuple[Attachment, ...] = ()
    cut: bool = False


def leaves(message: "Message[str, str]") -> Iterator[tuple[int, "Message[str, str]"]]:
    """The parts that hold no others, in their order, each with its number. Another message is one of them."""
    number, stack = 0, [(message, 0)]
    while stack and number < MOST_PARTS:
        part, depth = stack.pop()
        number += 1
        held = parts_of(part)
        if held and part.get_content_maintype() == "multipart" and depth < DEEPEST:
            stack.extend((one, depth + 1) for one in reversed(held))
        else:
            yield number, part


def parts_of(part: "Message[str, str]") -> "list[Message[str, str]]":
    """What it is made of. Text is not asked for: `get_payload` believes any charset, and some cannot be read so."""
    held = part.get_payload() if part.is_multipart() else []
    return [one for one in held if isinstance(one, Message)]


def content_of(part: "Message[str, str]", held: Bulky = _WHOLE) -> bytes:
    """What a part holds, decoded as far as it can be. `held`: the message, with what was taken out of it."""
    if part.is_multipart():  # another message
        return held.filled(b"\r\n".join(_bytes_of(one) for one in parts_of(part)))
    if (payload := _taken_out(part, held)) is not None:
        return held.content(payload, str(part.get("Content-Transfer-Encoding", "")).strip().lower())
    try:
        found = part.get_payload(decode=True)
    except (ValueError, LookupError, binascii.Error, AssertionError, IndexError):
        found = _bytes_of(part).partition(b"\n\n")[2]
    return found if isinstance(found, bytes) else b""


def body_of(message: "Message[str, str]", held: Bulky = _WHOLE) -> Body:
    """The first text, the first HTML; all else is attached to it. `held`: see `content_of`."""
    texts: dict[str, str] = {}
    attached: list[Attachment] = []
    number, cut = 0, False
    for number, part in leaves(message):
        kind, name = part.get_content_type(), _file_name(part)
        is_text = kind in {"text/plain", "text/html"} and part.get_content_disposition() != "attachment" and not name
        if is_text and kind not in texts:
            said = believed(content_of(part, held), _charset(part))
            texts[kind], cut = said[:LONGEST_TEXT], cut or len(said) > LONGEST_TEXT
            continue
        if kind.startswith("multipart/") and not content_of(part, held):
            continue
        attached.append(_attachment(number, part, name, held))
    return Body(
        _lines(texts.get("text/plain", "")), texts.get("text/html", ""), tuple(attached), cut or number >= MOST_PARTS
    )


def clean_name(name: str, *, number: int, kind: FileKind) -> str:
    """A file's name as somebody may be offered it: no folders, no control characters, not too long, never empty."""
    name = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    name = "".join(c for c in " ".join(name.split()) if c.isprintable() and c not in '"<>|?*').strip(". ")
    if not name:
        return f"allegato-{number}{_ENDING.get(kind, '')}"
    if len(name) > LONGEST_NAME:
        stem, dot, ending = name.rpartition(".")
        ending = dot + ending if dot and len(ending) <= 8 else ""
        name = (stem or name)[: LONGEST_NAME - len(ending)] + ending
    return name


_ENDING = {FileKind.PDF: ".pdf", FileKind.MESSAGE: ".eml", FileKind.TEXT: ".txt", FileKind.SIGNED: ".p7m"}


def _attachment(number: int, part: "Message[str, str]", name: str, held: Bulky) -> Attachment:
    content = content_of(part, held)
    kind = FileKind.MESSAGE if part.get_content_type() == "message/rfc822" else kind_of(content)
    clean = clean_name(name, number=number, kind=kind)
    cid = str(part.get("Content-ID", "")).strip().strip("<>")[:200]
    opened = partial(content_of, part, held) if len(content) > MOST_HELD else partial(bytes, content)
    return Attachment(
        number, clean, part.get_content_type()[:80], kind, doubtful(clean, kind), len(content),
        sha256(content).hexdigest(), opened, cid,
    )  # fmt: skip


def _taken_out(part: "Message[str, str]", held: Bulky) -> bytes | None:
    """The payload of a part, as it came, out of which something was taken."""
    payload = part.get_payload() if held.runs else None
    found = payload.encode("ascii", "surrogateescape") if isinstance(payload, str) else b""
    return found if held.marks(found) else None


def _file_name(part: "Message[str, str]") -> str:
    try:
        return decoded(part.get_filename() or "")[:1_000]
    except (ValueError, LookupError, TypeError, IndexError, UnicodeError):
        return ""


def _charset(part: "Message[str, str]") -> str | None:
    try:
        return part.get_content_charset()
    except (ValueError, LookupError, TypeError, UnicodeError):
        return None


def _bytes_of(message: "Message[str, str]") -> bytes:
    try:
        return message.as_bytes()
    except (ValueError, LookupError, TypeError, AttributeError, KeyError, UnicodeError, RecursionError):
        return b""


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
