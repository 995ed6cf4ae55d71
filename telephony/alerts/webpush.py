"""Messages that only one browser can read, and who sends them (RFC 8291, RFC 8188, RFC 8292).

The libraries there are either bring two HTTP clients and no types, or leave the port out of the token's audience; what
the RFCs want is a page, and the first of them has a worked example that the tests hold this against.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from struct import pack
from urllib.parse import urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256 (NIST SP 800-186)
POINT_BYTES, AUTH_BYTES, SALT_BYTES = 65, 16, 16
RECORD = 4096  # RFC 8291, 4: one record alone
LONGEST = 3993  # bytes of a message that fit in it, the least that every push service takes


class KeysError(ValueError):
    """A browser's keys are none."""


def private_key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    """The sender's key that follows from 32 secret bytes, the same each time."""
    return ec.derive_private_key(int.from_bytes(secret) % (ORDER - 1) + 1, CURVE)


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half, as a browser wants it to subscribe."""
    return encoded(_point(key.public_key()))


def checked_keys(p256dh: str, auth: str) -> tuple[ec.EllipticCurvePublicKey, bytes]:
    """A browser's keys, from base64url. Raises `KeysError`."""
    try:
        point, secret = decoded(p256dh), decoded(auth)
        if len(point) != POINT_BYTES or len(secret) != AUTH_BYTES:
            raise KeysError("keys of another length")
        return ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point), secret
    except ValueError as error:
        raise KeysError(str(error)) from error


def encrypt(
    message: bytes, p256dh: str, auth: str, *, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body that a push service passes on (`aes128gcm`). `own` and `salt` are new each time, but for a test."""
    if len(message) > LONGEST:
        raise ValueError(f"a message has {LONGEST} bytes at most")
    theirs, secret = checked_keys(p256dh, auth)
    own, salt = own or ec.generate_private_key(CURVE), salt or os.urandom(SALT_BYTES)
    ours = _point(own.public_key())
    about = b"WebPush: info\0" + _point(theirs) + ours
    shared = _derived(own.exchange(ec.ECDH(), theirs), secret, about, 32)
    key = _derived(shared, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(shared, salt, b"Content-Encoding: nonce\0", 12)
    sealed = AESGCM(key).encrypt(nonce, message + b"\x02", None)  # 2: the last record
    return salt + pack("!LB", RECORD, len(ours)) + ours + sealed


def authorization(key: ec.EllipticCurvePrivateKey, endpoint: str, *, contact: str, expires_at: datetime) -> str:
    """Who sends (RFC 8292). `contact`: where the push service's operator finds us, a `mailto:` or an address."""
    parts = urlsplit(endpoint)
    claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(expires_at.timestamp()), "sub": contact}
    return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={public_text(key)}"


def encoded(value: bytes) -> str:
    """Base64url, without padding."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """From base64url, padded or not. Raises `ValueError`."""
    return urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _derived(secret: bytes, salt: bytes, about: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, about).derive(secret)
