"""Time-based one-time passwords (RFC 6238, six digits every 30 seconds, SHA-1 as every authenticator has it). Pure."""

import hmac
import re
import secrets
from datetime import datetime

import pyotp

PERIOD_S = 30
DRIFT_STEPS = 1  # how far the telephone's clock may be from ours (RFC 6238, section 5.2)
RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is taken for another
_HALF = 5


def new_secret() -> str:
    """160 random bits, in base 32."""
    return pyotp.random_base32()


def uri(secret: str, *, username: str, issuer: str) -> str:
    """What the authenticator reads out of the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=issuer)


def step_of(secret: str, code: str, *, at: datetime, after: int) -> int | None:
    """The time step of which this is the code, later than `after`; none when it is wrong, too old, or used already."""
    digits = re.sub(r"\s", "", code)
    if not re.fullmatch(r"[0-9]{6}", digits):
        return None
    generator, now = pyotp.TOTP(secret), int(at.timestamp()) // PERIOD_S
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        if step > after and hmac.compare_digest(generator.at(step * PERIOD_S), digits):
            return step
    return None


def new_recovery_codes() -> list[str]:
    """Codes of 49 random bits each, such as `k7m2q-x9c4t`."""
    halves = ["".join(secrets.choice(_LETTERS) for _ in range(_HALF)) for _ in range(2 * RECOVERY_CODES)]
    return [f"{one}-{other}" for one, other in zip(halves[::2], halves[1::2], strict=True)]


def recovery_code(text: str) -> str | None:
    """A recovery code as it is kept, however it was typed; none when it cannot be one."""
    letters = re.sub(r"[\s-]", "", text).lower()
    return letters if len(letters) == 2 * _HALF and set(letters) <= set(_LETTERS) else None
