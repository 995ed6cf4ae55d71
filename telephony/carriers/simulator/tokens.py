"""Access tokens of softphones: what Twilio reads in the product's JWT."""

from dataclasses import dataclass

import jwt


class TokenError(Exception):
    """The token does not open a device."""


@dataclass(frozen=True, slots=True)
class Grant:
    identity: str
    expires: float


def read_token(token: str, *, account_sid: str, api_key: str, api_secret: str) -> Grant:
    """Verify signature, dates, account, key and the right to take incoming calls."""
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token, api_secret, algorithms=["HS256"], issuer=api_key, leeway=5,
            options={"require": ["exp", "iss", "sub"]},
        )  # fmt: skip
    except jwt.PyJWTError as error:
        raise TokenError(str(error)) from None
    if header.get("cty") != "twilio-fpa;v=1":
        raise TokenError("not an access token (cty)")
    if claims["sub"] != account_sid:
        raise TokenError("another account's token")
    grants = claims.get("grants")
    grants = grants if isinstance(grants, dict) else {}
    identity, voice = grants.get("identity"), grants.get("voice") or {}
    if not isinstance(identity, str) or not identity:
        raise TokenError("no identity in the token")
    if not (voice.get("incoming") or {}).get("allow"):
        raise TokenError("the token does not allow incoming calls")
    return Grant(identity=identity, expires=float(claims["exp"]))
