"""The photo of a badge: cropped to its shape, of a fixed size, and with nothing in it but the picture. Pure."""

import warnings
from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from crm.core.errors import FieldError

WIDTH, HEIGHT = 360, 480  # pixels: three to four, as on documents; at 19 mm, 480 dots an inch
SMALLEST = 240  # of the side that is cropped least
MOST_BYTES = 8_000_000  # as telephones take them
MOST_PIXELS = 50_000_000
QUALITY = 85
MEDIA = "image/jpeg"
TAKEN = ("JPEG", "PNG", "WEBP")


def made(content: bytes) -> bytes:
    """The photo as a JPEG. Cropped from the middle, a little above it, where faces are; turned as the camera says.

    Written anew, it keeps nothing of where and when it was taken. Raises `FieldError` for what is no usable picture.
    """
    if len(content) > MOST_BYTES:
        raise FieldError("La foto è troppo grande: al massimo 8 MB.", "photo")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=TAKEN) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise FieldError("La foto ha troppi punti: rimpiccioliscila.", "photo")
                turned = ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning) as error:
        raise FieldError("Serve una foto JPEG, PNG o WebP che si apra.", "photo") from error
    except Image.DecompressionBombError as error:
        raise FieldError("La foto ha troppi punti: rimpiccioliscila.", "photo") from error
    if min(turned.size) < SMALLEST:
        raise FieldError(f"La foto è troppo piccola: almeno {SMALLEST} punti per lato.", "photo")
    picture = ImageOps.fit(turned, (WIDTH, HEIGHT), Image.Resampling.LANCZOS, centering=(0.5, 0.4))
    written = BytesIO()
    picture.save(written, "JPEG", quality=QUALITY, optimize=True)
    return written.getvalue()
