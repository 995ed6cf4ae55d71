"""An answer as it leaves: what was typed, the signature, and below it what it answers. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from crm.contacts.email import to_email
from crm.core.clock import in_rome

MOST_COPIED = 10
_LEFT_OUT = "> […]"


@dataclass(frozen=True, slots=True)
class Quoted:
    """The mail that is answered."""

    at: datetime
    who: str
    words: str


def body_of(text: str, *, signature: str, quoted: Quoted | None, most: int) -> str:
    """The whole of it. What is quoted is cut to what fits into `most` characters; what was typed never is."""
    written = f"{text}\n\n-- \n{signature}" if signature else text
    if quoted is None or not quoted.words.strip():
        return written
    at = in_rome(quoted.at)
    head = f"\n\nIl {at:%d/%m/%Y} alle {at:%H:%M} {quoted.who} ha scritto:"
    left = most - len(written) - len(head) - len(_LEFT_OUT) - 1
    lines: list[str] = []
    for line in quoted.words.strip().splitlines():
        shown = "> " + "".join(one for one in line if one.isprintable())
        left -= len(shown) + 1
        if left < 0:
            lines.append(_LEFT_OUT)
            break
        lines.append(shown)
    return written + head + "\n" + "\n".join(lines) if len(lines) > 1 or lines[0] != _LEFT_OUT else written


def text_of(body: str, *, signature: str) -> str:
    """What was typed, of an answer that was to leave."""
    sign = f"\n\n-- \n{signature}" if signature else ""
    if sign and sign in body:
        return body[: body.rindex(sign)]
    return re.split(r"\n\nIl \d\d/\d\d/\d{4} alle \d\d:\d\d .* ha scritto:\n> ", body)[0]


def others_in(recipients: Iterable[str], *, but: Collection[str]) -> tuple[str, ...]:
    """Who else was written to, and could get a copy of the answer."""
    known = dict.fromkeys(one.strip().lower() for one in recipients)
    return tuple(one for one in known if one not in but and to_email(one) == one)[:MOST_COPIED]
