"""What verifies a badge: a code of digits, and what is said of it to whoever asks. Pure.

The code is printed on the badge as digits and as a QR code; digits can be keyed into a telephone. A badge that expired,
was replaced or never was, and one of an agent who may act for no ente, are all answered alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

CODE_DIGITS = 8
LONGEST_TYPED = 40
USUAL = timedelta(days=365)  # for how long a badge is issued, unless something ends before
EXAMPLE = "1234 5678"


@dataclass(frozen=True, slots=True)
class Valid:
    """Whoever has this badge before him, as it is told to everybody: of whom he visits, nothing. `until`: the last day
    on which it is valid as things stand; `photo`: its digest.
    """

    name: str
    badge_number: int
    photo: str
    company: str
    enti: tuple[str, ...]
    until: date


def drawn(below: Callable[[int], int]) -> str:
    """A new code. `below(n)` draws a number from 0 to before n that nobody can guess."""
    return f"{below(10**CODE_DIGITS):0{CODE_DIGITS}}"


def parse(text: str) -> str | None:
    """The code as it is kept, of what somebody typed or keyed; none for what can be none."""
    compact = "".join(one for one in text[:LONGEST_TYPED] if not one.isspace() and one not in "-.#")
    return compact if len(compact) == CODE_DIGITS and compact.isascii() and compact.isdigit() else None


def grouped(code: str) -> str:
    """As it is printed: `1234 5678`."""
    return f"{code[:4]} {code[4:]}"


def until(today: date, wish: date | None, ends: Sequence[date | None]) -> date | None:
    """The last day of a badge issued today: as wished, else a year on; never past the first of what ends. None where
    something has ended already, or what is wished is past or later than that.
    """
    last = min((one for one in ends if one is not None), default=date.max)
    if wish is None:
        wish = min(today + USUAL, last)
    return wish if today <= wish <= last else None
