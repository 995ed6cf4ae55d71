"""Pictures that visits brought: by what they are told, and drawn anew to be shown small, or printed. Pure.

What a telephone sends is kept as it came, whatever it is: what cannot be drawn is told by its name and digest.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from PIL import Image, UnidentifiedImageError

from outbound.field.visits.models import FileKind

TAKEN = ("PNG", "JPEG")
MOST_PIXELS = 8_000_000
SMALL = 240  # pixels of the longer side
QUALITY = 85
JPEG = "image/jpeg"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of a visit, by its name and digest. `size` in bytes."""

    id: UUID
    name: str
    kind: FileKind
    media_type: str
    size: int
    sha256: str


def small(content: bytes) -> bytes | None:
    """A JPEG of at most 240 pixels; nothing for what is no picture."""
    return _drawn(content, SMALL)


def printable(content: bytes) -> bytes | None:
    """A JPEG in red, green and blue, without transparency, as PDF/A-2 wants it; nothing for what is no picture."""
    return _drawn(content, None)


def _drawn(content: bytes, longest: int | None) -> bytes | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=TAKEN) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    return None
                picture = _on_white(opened)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning):
        return None
    except Image.DecompressionBombError:
        return None
    if longest is not None:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    written = BytesIO()
    picture.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()


def _on_white(picture: Image.Image) -> Image.Image:
    """A signature is drawn on nothing: black on a dark page it could not be seen."""
    seen = picture.convert("RGBA")
    white = Image.new("RGBA", seen.size, "white")
    return Image.alpha_composite(white, seen).convert("RGB")
