"""Requests from the carrier to the product: signed, capped, retried as Twilio does."""

import asyncio
import functools
import ssl
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

import httpx
import structlog

from telephony.carriers.simulator.errors import DocumentError
from telephony.carriers.simulator.signature import sign

log = structlog.get_logger(__name__)

HARD_CAP_S = 15.0
CONNECT_S = 5.0
BACK_OFF_S = 0.1
FORGED = "not the account's token"


@dataclass(frozen=True, slots=True)
class Overrides:
    """The connection overrides that an address may carry in its fragment (`#rc=2&rp=all`)."""

    retries: int = 1
    policies: frozenset[str] = frozenset({"ct"})
    connect_s: float = CONNECT_S
    read_s: float = HARD_CAP_S
    total_s: float = HARD_CAP_S

    @classmethod
    def parse(cls, fragment: str) -> Self:
        given = {key: values[-1] for key, values in parse_qs(fragment).items()}
        policies = frozenset(given.get("rp", "ct").split(","))
        if "all" in policies:
            policies = frozenset({"ct", "rt", "4xx", "5xx"})
        return cls(
            retries=min(_int(given, "rc", 1), 5),
            policies=policies,
            connect_s=min(_int(given, "ct", 5000) / 1000, 10.0),
            read_s=min(_int(given, "rt", 15000) / 1000, HARD_CAP_S),
            total_s=min(_int(given, "tt", 15000) / 1000, HARD_CAP_S),
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What the product answered, with the address that relative references start from."""

    url: str
    status: int
    content_type: str
    text: str


class Webhooks:
    """One pooled client. `request` raises `DocumentError` with Twilio's 11200 or 11205."""

    def __init__(self, auth_token: str) -> None:
        self._auth_token = auth_token
        self._client = httpx.AsyncClient(
            trust_env=False,
            verify=_certificates(),
            follow_redirects=True,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=50, keepalive_expiry=2.0),
            headers={"User-Agent": "TwilioProxy/1.1 (Filodiretto simulator)", "Accept": "*/*"},
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def request(self, url: str, method: str, params: Mapping[str, str], *, forged: bool = False) -> Reply:
        """POST a form, or GET with the parameters in the address; a status of 400 or more is an error.

        `forged`: signed by somebody who has not the account's token.
        """
        bare, overrides = split_fragment(url)
        token = FORGED if forged else self._auth_token
        headers = {"I-Twilio-Idempotency-Token": str(uuid.uuid4())}
        failure = DocumentError(11200, bare, "not tried")
        for attempt in range(overrides.retries + 1):
            if attempt:
                await asyncio.sleep(BACK_OFF_S * attempt)
            try:
                async with asyncio.timeout(overrides.total_s):
                    reply = await self._once(bare, method, params, overrides, headers, token)
            except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
                failure = DocumentError(_code(error), bare, f"{type(error).__name__}: {error}")
                policy = "ct" if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else "rt"
            else:
                if reply.status < 400:
                    return reply
                failure = DocumentError(11200, bare, f"HTTP {reply.status}")
                policy = f"{reply.status // 100}xx"
            log.info("webhook.failed", url=bare, error=failure.message, attempt=attempt + 1)
            if policy not in overrides.policies:
                break
        raise failure

    async def _once(
        self,
        url: str,
        method: str,
        params: Mapping[str, str],
        overrides: Overrides,
        headers: Mapping[str, str],
        token: str,
    ) -> Reply:
        timeout = httpx.Timeout(overrides.read_s, connect=overrides.connect_s)
        if method.upper() == "GET":
            url, params = _with_query(url, params), {}
            signed = {**headers, "X-Twilio-Signature": sign(token, url, {})}
            response = await self._client.get(url, headers=signed, timeout=timeout)
        else:
            signed = {**headers, "X-Twilio-Signature": sign(token, url, params)}
            response = await self._client.post(url, data=dict(params), headers=signed, timeout=timeout)
        content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        return Reply(url=url, status=response.status_code, content_type=content_type, text=response.text)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: it takes longer than all the rest of a start."""
    return ssl.create_default_context()


def split_fragment(url: str) -> tuple[str, Overrides]:
    """The address to request and to sign, and what its fragment asks for."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(fragment="")), Overrides.parse(parts.fragment)


def _with_query(url: str, params: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *params.items()]
    return urlunsplit(parts._replace(query=urlencode(pairs)))


def _code(error: Exception) -> int:
    return 11205 if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) else 11200


def _int(given: Mapping[str, str], key: str, default: int) -> int:
    raw = given.get(key, "")
    return int(raw) if raw.isdigit() else default
