"""Whether some bytes are a picture that may head a page. Pure: the bytes themselves say it, not their name.

PNG (W3C, 11.2.2) and JPEG (ITU-T T.81, B.2.2). SVG is refused: it is a document that can carry scripts.
"""

from crm.core.errors import FieldError

MAX_BYTES = 300_000
MAX_SIDE = 2000
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # SOF markers
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


def check(content: bytes) -> str:
    """The media type. Raises `InvalidError` for anything but a PNG or JPEG of a sensible size."""
    if len(content) > MAX_BYTES:
        raise FieldError("Il file è troppo grande: al massimo 300 kB.", field="logo")
    if content.startswith(_PNG):
        side = _png_side(content)
    elif content.startswith(_JPEG):
        side = _jpeg_side(content)
    else:
        raise FieldError("Serve un'immagine PNG o JPEG.", field="logo")
    if side is None:
        raise FieldError("L'immagine è danneggiata: esportala di nuovo.", field="logo")
    if not 0 < min(side) <= max(side) <= MAX_SIDE:
        raise FieldError("L'immagine è troppo grande: al massimo 2000 punti per lato.", field="logo")
    return "image/png" if content.startswith(_PNG) else "image/jpeg"


def _png_side(content: bytes) -> tuple[int, int] | None:
    if len(content) < 33 or content[12:16] != b"IHDR" or not content.rstrip(b"\0").endswith(b"IEND\xaeB`\x82"):
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg_side(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _BARE:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4]))
    return None
