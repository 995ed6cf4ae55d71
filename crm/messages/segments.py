"""How many SMS a text is (3GPP TS 23.038): 160 characters of the GSM alphabet, or 70 of any; less when it is split."""

import unicodedata

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
    if is_gsm(text):
        return _split(sum(2 if one in _EXTENDED else 1 for one in text), whole=160, part=153)
    return _split(len(text.encode("utf-16-le")) // 2, whole=70, part=67)


def _split(length: int, *, whole: int, part: int) -> int:
    return 1 if length <= whole else -(-length // part)
