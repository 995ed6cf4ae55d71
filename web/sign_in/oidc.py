"""A client of OpenID Connect Core 1.0: authorization code with PKCE (RFC 7636), state and nonce.

Requests and ID tokens are made and judged by Authlib, signatures by its joserfc, over httpx as everywhere here.

Nothing here touches the database: whoever calls does so between two transactions. Providers may rotate their keys
at any time, so an unknown key is looked up once more before it is refused; but not at every wish of whoever forges
tokens.
"""

import hmac
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from crm.access.errors import SignInError
from crm.access.identities import Claims
from crm.core.settings import OidcProvider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
SKEW_S = 60  # how far the provider's clock may be from ours
FRESH_S = 3600.0  # how long what a provider publishes of itself is believed
LOOK_AGAIN_S = 5.0
SERVER_ERROR = 500
AWAY = "Il servizio di accesso non risponde. Riprova tra poco, oppure entra con nome utente e password."
REFUSED = "Il servizio di accesso non ha confermato chi sei. Riprova; se succede ancora, avvisa un amministratore."
CANCELLED = "Hai annullato l'accesso."


@dataclass(frozen=True, slots=True)
class Request:
    """What must be the same when somebody comes back from the provider. It travels in a sealed cookie."""

    provider: str
    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls, provider: str) -> "Request":
        """Random throughout: 256 bits each."""
        return cls(provider, *(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class Answer:
    """Who came back. `strongly`: the provider says that it asked for more than a password."""

    claims: Claims
    strongly: bool


class Client:
    """Speaks to one provider. Shared by the threads of a process."""

    def __init__(self, provider: OidcProvider, redirect_uri: str) -> None:
        self.provider = provider
        self._redirect_uri = redirect_uri
        self._secret = None
        if provider.client_secret_file is not None:
            self._secret = provider.client_secret_file.read_text(encoding="utf-8").strip()
        self._lock = threading.Lock()
        self._metadata: tuple[float, Mapping[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def address(self, request: Request) -> str:
        """Where to send a browser to sign in. Raises `SignInError`."""
        return str(
            prepare_grant_uri(
                self._endpoint("authorization_endpoint"), self.provider.client_id, "code", self._redirect_uri,
                self.provider.scope, request.state, nonce=request.nonce,
                code_challenge=create_s256_code_challenge(request.verifier), code_challenge_method="S256",
            )
        )  # fmt: skip

    def answer(self, request: Request, returned: Mapping[str, str]) -> Answer:
        """Whoever came back with these parameters. Raises `SignInError`."""
        if not hmac.compare_digest(returned.get("state", "").encode(), request.state.encode()):
            raise SignInError(REFUSED)
        if returned.get("iss", self.provider.issuer) != self.provider.issuer:  # RFC 9207: another provider's answer
            raise SignInError(REFUSED)
        if returned.get("error") == "access_denied":
            raise SignInError(CANCELLED)
        if "error" in returned:
            raise SignInError(REFUSED)
        token = self._token(request, returned.get("code", ""))
        said = self._verified(str(token.get("id_token", "")), request.nonce, str(token.get("access_token", "")))
        if "email" not in said and "email" in self.provider.scope.split():
            said = {**self._user_info(token, said["sub"]), **said}
        email = str(said.get("email") or "") if said.get("email_verified") is True else ""
        name = said.get("name") or f"{said.get('given_name', '')} {said.get('family_name', '')}"
        claims = Claims(
            self.provider.key, self.provider.issuer, str(said["sub"])[:255], email[:254], " ".join(str(name).split())
        )
        return Answer(claims, strongly="mfa" in (said.get("amr") or ()))  # RFC 8176

    def farewell(self, back: str) -> str | None:
        """Where to send a browser that wants to sign out there, too (RP-initiated logout); none if not offered."""
        try:
            end = self._discovered().get("end_session_endpoint")
        except SignInError:
            return None
        sent = {"client_id": self.provider.client_id, "post_logout_redirect_uri": back}
        return f"{end}?{urlencode(sent)}" if end else None

    # -- tokens -----------------------------------------------------------------------------------------------------

    def _token(self, request: Request, code: str) -> Mapping[str, Any]:
        """The tokens for a code (RFC 6749, section 4.1.3)."""
        sent = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._redirect_uri,
            "code_verifier": request.verifier, "client_id": self.provider.client_id,
        }  # fmt: skip
        secret = self._secret
        who = None if secret is None else httpx.BasicAuth(quote(self.provider.client_id, ""), quote(secret, ""))
        try:
            answer = httpx.post(
                self._endpoint("token_endpoint"), data=sent, auth=who, timeout=self.provider.timeout_s,
                headers={"accept": "application/json"},
            )  # fmt: skip
        except httpx.HTTPError:
            raise SignInError(AWAY) from None
        if answer.status_code >= SERVER_ERROR:
            raise SignInError(AWAY)
        try:
            token = answer.json()
        except ValueError:
            token = None
        if answer.is_error or not isinstance(token, dict):
            raise SignInError(REFUSED)
        return token

    def _verified(self, id_token: str, nonce: str, access_token: str) -> dict[str, Any]:
        """The claims of an ID token that this provider signed for us, now, and for this very request."""
        expected = {
            "iss": {"essential": True, "value": self.provider.issuer},
            "aud": {"essential": True, "value": self.provider.client_id},
        }
        params = {"nonce": nonce, "client_id": self.provider.client_id, "access_token": access_token}
        try:
            decoded = self._decoded(id_token)
            claims = CodeIDToken(decoded.claims, decoded.header, options=expected, params=params)
            claims.validate(leeway=SKEW_S)
        except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError):
            raise SignInError(REFUSED) from None
        return dict(claims)

    def _decoded(self, id_token: str) -> Any:
        keys = self._key_set()
        try:
            return jwt.decode(id_token, keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            fresh = self._key_set(not_older_than=LOOK_AGAIN_S)
            if fresh is keys:
                raise
            return jwt.decode(id_token, fresh, algorithms=ALGORITHMS)

    def _user_info(self, token: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """What the provider adds when asked; nothing when it is about somebody else (Core, section 5.3.2)."""
        endpoint = self._discovered().get("userinfo_endpoint")
        if not endpoint:
            return {}
        said = self._get(endpoint, {"authorization": f"Bearer {token.get('access_token', '')}"})
        return dict(said) if said.get("sub") == subject else {}

    # -- what the provider publishes of itself ------------------------------------------------------------------------

    def _endpoint(self, name: str) -> str:
        found = self._discovered().get(name)
        if not isinstance(found, str):
            raise SignInError(AWAY)
        return found

    def _discovered(self) -> Mapping[str, Any]:
        with self._lock:
            if self._metadata is None or time.monotonic() - self._metadata[0] > FRESH_S:
                found = self._get(f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self.provider.issuer:  # Discovery, section 4.3
                    raise SignInError(AWAY)
                self._metadata = (time.monotonic(), found)
            return self._metadata[1]

    def _key_set(self, not_older_than: float = FRESH_S) -> KeySet:
        address = self._endpoint("jwks_uri")
        with self._lock:
            if self._keys is None or time.monotonic() - self._keys[0] > not_older_than:
                try:
                    found = KeySet.import_key_set(self._get(address))  # type: ignore[arg-type]
                except (JoseError, ValueError, KeyError):
                    raise SignInError(AWAY) from None
                self._keys = (time.monotonic(), found)
            return self._keys[1]

    def _get(self, address: str, headers: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        try:
            answer = httpx.get(address, headers=headers, timeout=self.provider.timeout_s)
            answer.raise_for_status()
            found = answer.json()
        except (httpx.HTTPError, ValueError):
            raise SignInError(AWAY) from None
        if not isinstance(found, dict):
            raise SignInError(AWAY)
        return found
