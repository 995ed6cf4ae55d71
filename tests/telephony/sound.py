"""A sound as the carrier gives it."""

import io
import wave


def wav(seconds: int = 2) -> bytes:
    """Two channels of nothing."""
    made = io.BytesIO()
    with wave.open(made, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(seconds * 4 * 8000))
    return made.getvalue()
