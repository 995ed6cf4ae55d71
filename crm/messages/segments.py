"""How many SMS a text is (3GPP TS 23.038): 160 characters of the GSM alphabet, or 70 of any; less when it is split."""

import unicodedata
from dataclasses import dataclass

# The basic alphabet, and the characters that cost two places there.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€")
# What people type without a thought and the alphabet lacks.
_AKIN = str.maketrans(
    dict.fromkeys("’‘‛`´", "'") | dict.fromkeys("“”„«»", '"') | dict.fromkeys("–—‒−‐‑", "-")
    | dict.fromkeys("\xa0\u2009\u202f", " ") | {"…": "...", "°": "o", "•": "-", "·": "-"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text is. `units`: places of seven bits in the GSM alphabet, else of sixteen; `room`: how many more fit
    before it takes one SMS more.
    """

    gsm: bool
    units: int
    segments: int
    room: int


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM alphabet."""
    return all(one in _GSM or one in _EXTENDED for one in text)


def in_gsm(text: str) -> str:
    """The same in the GSM alphabet, which takes more than twice as much: "2° piano, FORLÌ" is "2o piano, FORLI"."""
    return "".join(one if is_gsm(one) else _plain(one) for one in text.translate(_AKIN))


def _plain(one: str) -> str:
    """A letter without its accents; a question mark where the alphabet has nothing like it."""
    bare = "".join(part for part in unicodedata.normalize("NFKD", one) if not unicodedata.combining(part))
    return bare if bare and is_gsm(bare) else "?"


def segments(text: str) -> int:
    """How many SMS it takes."""
    return measured(text).segments


def measured(text: str) -> Length:
    """How long it is. A character of two places is never split between two SMS: it begins the next one."""
    gsm = is_gsm(text)
    sizes = [2 if (one in _EXTENDED if gsm else one > "\uffff") else 1 for one in text]
    units, whole, part = sum(sizes), *((160, 153) if gsm else (70, 67))
    if units <= whole:
        return Length(gsm, units, 1, whole - units)
    count, filled = 1, 0
    for size in sizes:
        if filled + size > part:
            count, filled = count + 1, 0
        filled += size
    return Length(gsm, units, count, part - filled)
