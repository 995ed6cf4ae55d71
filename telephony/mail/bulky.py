"""What is large in a message, put aside before it is parsed: a file of 50 MB is in memory once. Pure.

Files travel as base64 in long runs of lines (RFC 2045, 6.8). None of these can be a header, a boundary or an empty
line, so a run may be taken out without changing how the message is built. In its place stands a mark, by which what
was there is decoded when somebody asks for it.
"""

import binascii
import quopri
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from mmap import mmap
from types import MappingProxyType

Raw = bytes | mmap
LARGE = 8_000  # bytes of a run that is taken out: it is parsed faster, too
SMALL = 20_000  # of a message out of which nothing is taken
MOST_REST = 20_000_000  # of what is parsed: more of it is in the original alone
# Lines of the alphabet, the first as long as programs write them: short ones are words.
_RUN = re.compile(rb"^(?=[A-Za-z0-9+/=]{60})(?:[A-Za-z0-9+/=]++(?:\r?\n|\Z))++", re.MULTILINE)
_NONE: Mapping[bytes, tuple[int, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Bulky:
    """A message without what is large in it. `runs`: from where to where in `raw` what each mark stands for is.

    `cut`: there is more of it than is parsed.
    """

    raw: Raw
    rest: bytes
    runs: Mapping[bytes, tuple[int, int]] = field(default_factory=lambda: _NONE)
    cut: bool = False

    def marks(self, payload: bytes) -> bool:
        """Whether something was taken out of this."""
        return any(one in payload for one in self.runs)

    def content(self, payload: bytes, encoding: str) -> bytes:
        """What a part holds, decoded as far as it can be. `encoding`: its Content-Transfer-Encoding."""
        if encoding == "base64" and (run := self.runs.get(payload.strip())) is not None:
            with memoryview(self.raw)[slice(*run)] as view:
                return _unbase64(view)
        whole = self.filled(payload)
        if encoding == "base64":
            return _unbase64(memoryview(whole))
        return quopri.decodestring(whole) if encoding == "quoted-printable" else whole

    def filled(self, text: bytes) -> bytes:
        """With what was taken out of it."""
        for mark, (start, end) in self.runs.items():
            text = text.replace(mark, self.raw[start:end]) if mark in text else text
        return text


def lightened(raw: Raw, digest: str) -> Bulky:
    """A message as it is to be parsed. A mark has the message's own digest in it: no message can hold it."""
    if len(raw) < SMALL:
        return Bulky(raw, bytes(raw))
    runs: dict[bytes, tuple[int, int]] = {}
    pieces: list[bytes] = []
    at, room = 0, MOST_REST
    for found in _RUN.finditer(raw):
        start, end = found.span()
        if end - start < LARGE:
            continue
        if start - at > room:
            break
        end -= 2 if raw[end - 2 : end] == b"\r\n" else raw[end - 1 : end] == b"\n"
        mark = b"Filodiretto%s%06d" % (digest.encode(), len(runs))
        runs[mark] = start, end
        pieces += [raw[at:start], mark]
        at, room = end, room - (start - at)
    pieces.append(raw[at : at + room])
    return Bulky(raw, b"".join(pieces), runs, cut=len(raw) > at + room)


def _unbase64(view: memoryview) -> bytes:
    """What stands there: RFC 2045 has a reader ignore what it cannot know, a missing end too."""
    try:
        return binascii.a2b_base64(view)
    except binascii.Error:
        bare = bytes(view).translate(None, b"\r\n=")
        return binascii.a2b_base64(bare[: len(bare) - (len(bare) % 4 == 1)] + b"==")
