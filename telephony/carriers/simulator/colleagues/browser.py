"""A colleague's browser: the product's pages and forms over HTTP, with their cookies and tokens."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.typing import Origin

from telephony.carriers.simulator.colleagues.errors import RefusedError, SignedOutError, UnreachableError
from telephony.carriers.simulator.colleagues.screen import form_token, page_token
from telephony.carriers.simulator.config import origin

TIMEOUT = httpx.Timeout(10.0, connect=5.0)
OPEN_S = 10.0
CLOSE_S = 1.0
LARGEST_FRAME = 4 * 1024 * 1024
AGENT = "Mozilla/5.0 (Filodiretto simulated colleague)"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What registers a softphone, and where."""

    kind: str
    token: str
    url: str


class Browser:
    """One session. Everything raises `EdgeError` and nothing else."""

    def __init__(self, product_url: str, certificates: ssl.SSLContext | None = None) -> None:
        self._product_url = product_url
        self._origin = origin(product_url)
        self._csrf = ""
        self._client = httpx.AsyncClient(
            base_url=product_url, timeout=TIMEOUT, trust_env=False, verify=certificates or False,
            headers={"User-Agent": AGENT, "Accept": "text/html", "Accept-Language": "it"},
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._client.aclose()

    async def sign_in(self, username: str, password: str) -> None:
        """Fill in the form. Raises `SignedOutError` when name or password are refused."""
        form = await self._request("GET", "/sign-in")
        fields = {"username": username, "password": password, "csrf": form_token(form.text), "back": "/console"}
        answer = await self._request("POST", "/sign-in", fields)
        if not answer.has_redirect_location:
            raise SignedOutError("sign-in not accepted")

    async def console(self) -> str:
        """The console's page, whose token later requests carry."""
        page = await self._request("GET", "/console")
        if page.status_code != httpx.codes.OK:
            raise SignedOutError("sent away from the console")
        self._csrf = page_token(page.text)
        return page.text

    async def press(self, path: str, **fields: str | list[str]) -> None:
        """A button or a form of the console. What it changed is shown by the console's socket."""
        await self._request("POST", path, fields, {"HX-Request": "true", "X-CSRF-Token": self._csrf})

    async def search(self, words: str) -> str:
        """The results of a search."""
        headers = {"HX-Request": "true", "X-CSRF-Token": self._csrf}
        answer = await self._request("POST", "/console/search", {"q": words}, headers)
        return answer.text

    async def device(self) -> Credentials:
        """The softphone's credentials."""
        answer = await self._request("GET", "/console/device", headers={"Accept": "application/json"})
        try:
            told = answer.json()
            return Credentials(str(told["kind"]), str(told["token"]), str(told["url"]))
        except (ValueError, KeyError, TypeError):
            raise UnreachableError("the device's credentials were not understood") from None

    def open_console_socket(self) -> connect:
        """The console's live socket, with our cookies and our page's origin; to be entered."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)
        return open_socket(f"{self._product_url}/ws/console", self._origin, {"Cookie": cookies})

    def open_device_socket(self, credentials: Credentials) -> connect:
        """The softphone's socket, as the console's page opens it; to be entered."""
        url = str(httpx.URL(f"{credentials.url.rstrip('/')}/device", params={"token": credentials.token}))
        return open_socket(url, self._origin, {})

    async def _request(
        self, method: str, path: str, fields: Mapping[str, str | list[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:  # fmt: skip
        sent = {"Origin": self._origin, **(headers or {})} if method == "POST" else dict(headers or {})
        data, params = (fields, None) if method == "POST" else (None, fields)
        try:
            answer = await self._client.request(method, path, data=data, params=params, headers=sent)
        except (httpx.HTTPError, httpx.StreamError, OSError, RuntimeError) as error:
            raise UnreachableError(type(error).__name__) from None
        _check(answer)
        return answer


def open_socket(url: str, origin_: str, headers: Mapping[str, str]) -> connect:
    """A WebSocket with limits of time and size on everything."""
    return connect(
        urlsplit(url)._replace(scheme="wss" if url.startswith("https") else "ws").geturl(),
        origin=Origin(origin_), additional_headers=headers, user_agent_header=AGENT, compression=None, proxy=None,
        open_timeout=OPEN_S, close_timeout=CLOSE_S, max_size=LARGEST_FRAME,
    )  # fmt: skip


def _check(answer: httpx.Response) -> None:
    """Raise what an answer means; redirections are the caller's to understand."""
    status = answer.status_code
    if status in {401, 403} or (answer.has_redirect_location and "/sign-in" in answer.headers["location"]):
        raise SignedOutError(f"HTTP {status}")
    if status >= 500 or status == 429:
        raise UnreachableError(f"HTTP {status}")
    if status >= 400:
        raise RefusedError(f"HTTP {status}")
