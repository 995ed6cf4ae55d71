"""A photograph without what the camera wrote beside it: place, time, device (ISO/IEC 10918-1; Exif 2.32). Pure."""

from crm.core.errors import InvalidError

START, SCAN = b"\xff\xd8", 0xDA
APPLICATION = range(0xE1, 0xF0)  # Exif, XMP, profiles; JFIF's own, E0, says no more than the size of a pixel
COMMENT = 0xFE


def stripped(content: bytes) -> bytes:
    """The same picture. Raises `InvalidError` for what is no JPEG."""
    if not content.startswith(START):
        raise InvalidError("La fotografia non è un JPEG.")
    kept, at = bytearray(START), len(START)
    while at + 4 <= len(content):
        marker, size = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        if content[at] != 0xFF or size < 2:
            break
        if marker == SCAN:
            return bytes(kept) + content[at:]
        if marker not in APPLICATION and marker != COMMENT:
            kept += content[at : at + 2 + size]
        at += 2 + size
    raise InvalidError("La fotografia non è un JPEG intero.")
