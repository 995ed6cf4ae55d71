"""How many SMS a text is (3GPP TS 23.038): 160 characters of the GSM alphabet, or 70 of any; less when it is split."""

# The basic alphabet, and the characters that cost two places there.
_GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€")


def is_gsm(text: str) -> bool:
    """Whether every character is in the GSM alphabet."""
    return all(one in _GSM or one in _EXTENDED for one in text)


def segments(text: str) -> int:
    """How many SMS it takes."""
    if is_gsm(text):
        return _split(sum(2 if one in _EXTENDED else 1 for one in text), whole=160, part=153)
    return _split(len(text.encode("utf-16-le")) // 2, whole=70, part=67)


def _split(length: int, *, whole: int, part: int) -> int:
    return 1 if length <= whole else -(-length // part)
