"""What is large in a message, put aside before it is parsed: a file of 50 MB is in memory once. Pure.

Files travel as base64 in long runs of lines (RFC 2045, 6.8). None of these can be a header, a boundary or an empty
line, so a run may be taken out without changing how the message is built. In its place stands a mark, by which what
was there is decoded when somebody asks for it.
"""

import binascii
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

    def decoded(self, payload: bytes) -> bytes | None:
        """What a part in base64 holds that was taken out whole. None: more stands there, or it is broken."""
        if (run := self.runs.get(payload.strip())) is None:
            return None
        try:
            with memoryview(self.raw)[slice(*run)] as view:
                return binascii.a2b_base64(view)
        except binascii.Error:
            return None

    def filled(self, text: bytes, *, bare: bool = False) -> bytes:
        """With what was taken out of it; `bare`: with lines that end as a written message's here do, in LF alone."""
        for mark, (start, end) in self.runs.items():
            if mark in text:
                run = self.raw[start:end]
                text = text.replace(mark, run.replace(b"\r\n", b"\n") if bare else run)
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
