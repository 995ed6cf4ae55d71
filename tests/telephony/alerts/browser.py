"""A browser's side of web push, written from the RFCs and not from our own code: it reads what was sent to it."""

import os
from struct import unpack

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from telephony.alerts.webpush import encoded


def _hmac(key: bytes, text: bytes) -> bytes:
    made = HMAC(key, SHA256())
    made.update(text)
    return made.finalize()


class Browser:
    """Its keys, which no push service knows."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None, auth: bytes | None = None) -> None:
        self._key, self._auth = key or ec.generate_private_key(ec.SECP256R1()), auth or os.urandom(16)
        self._public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.p256dh, self.auth_text = encoded(self._public), encoded(self._auth)

    def reads(self, body: bytes) -> bytes | None:
        """The message; none when it is not for this browser. RFC 8188, 2.1 and RFC 8291, 3.4, step by step."""
        salt, record, length = body[:16], *unpack("!LB", body[16:21])
        theirs, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= record
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), theirs))
        secret = _hmac(_hmac(self._auth, shared), b"WebPush: info\0" + self._public + theirs + b"\x01")
        prk = _hmac(salt, secret)
        key = _hmac(prk, b"Content-Encoding: aes128gcm\0\x01")[:16]
        nonce = _hmac(prk, b"Content-Encoding: nonce\0\x01")[:12]
        try:
            opened = AESGCM(key).decrypt(nonce, sealed, None)
        except InvalidTag:
            return None
        assert opened.rstrip(b"\0").endswith(b"\x02")
        return opened.rstrip(b"\0")[:-1]
