"""What plays while a caller waits: a slow arpeggio, computed, so that no recording has to be licensed."""

import io
import math
import wave
from functools import lru_cache

RATE = 8_000  # samples a second, which is what a telephone carries
SECONDS_PER_NOTE = 0.5
CHORDS = ((220.0, 261.63, 329.63, 440.0), (174.61, 220.0, 261.63, 349.23), (196.0, 246.94, 293.66, 392.0))
ROUNDS = 5


@lru_cache(maxsize=1)
def waiting_music() -> bytes:
    """A WAV file, 8 kHz, 16 bit, mono, some thirty seconds long."""
    samples = bytearray()
    for chord in CHORDS * ROUNDS:
        for frequency in chord:
            samples += _note(frequency)
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(samples))
    return target.getvalue()


def _note(frequency: float) -> bytes:
    count = int(RATE * SECONDS_PER_NOTE)
    out = bytearray()
    for i in range(count):
        fade = math.sin(math.pi * i / count)
        value = int(5_000 * fade * math.sin(2 * math.pi * frequency * i / RATE))
        out += value.to_bytes(2, "little", signed=True)
    return bytes(out)
