"""Correlation ids, security headers and metrics around every request, as plain ASGI."""

import time
from collections.abc import Awaitable, Callable
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)
TOO_LARGE = "Il contenuto inviato è troppo grande."
REQUESTS = Counter("filodiretto_http_requests", "Requests answered", ["route", "method", "status"])
DURATION = Histogram(
    "filodiretto_http_seconds", "Time to the response's start", ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)  # fmt: skip


def content_security_policy(
    connect: tuple[str, ...], *, framed_by: tuple[str, ...] = (), images: tuple[str, ...] = ()
) -> str:
    """Nothing from elsewhere but the carrier's own signalling. `framed_by`: the origins that may embed the page;
    `images`: those from which it shows some.
    """
    sources = " ".join(("'self'", *connect))
    frames = " ".join(framed_by) or "'none'"
    shown = " ".join(("'self'", "data:", *images))
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src {shown}; "
        f"media-src 'self' blob: mediastream:; connect-src {sources}; form-action 'self'; base-uri 'none'; "
        f"frame-ancestors {frames}; manifest-src 'self'"
    )


def _freshness(path: str) -> str:
    """Pages are never kept; what comes from packages changes with a release, our own files are asked about."""
    if path.startswith("/static/vendor/"):
        return "public, max-age=86400"
    return "no-cache" if path.startswith("/static/") else "no-store"


class TooLargeError(Exception):
    """The body is larger than this request may send."""


class Envelope:
    """Wraps the application: an id for the logs and a limit on the body in, headers and measures out.

    `allowance` says how many bytes a request may send, before anything is read of it.
    """

    def __init__(
        self, app: ASGIApp, *, policy: str, secure: bool, allowance: Callable[[Scope], Awaitable[int]]
    ) -> None:
        self._app = app
        self._allowance = allowance
        self._headers = {
            "content-security-policy": policy,
            "x-content-type-options": "nosniff",
            "referrer-policy": "same-origin",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
        }
        if secure:
            self._headers["strict-transport-security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began = uuid4().hex, time.perf_counter()
        structlog.contextvars.bind_contextvars(request=request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = request_id
                if "cache-control" not in headers:
                    headers["cache-control"] = _freshness(scope["path"])
                route = getattr(scope.get("route"), "path", "other")
                DURATION.labels(route).observe(time.perf_counter() - began)
                REQUESTS.labels(route, scope["method"], str(message["status"])).inc()
            await send(message)

        try:
            await self._app(scope, self._limited(scope, receive), send_with_headers)
        except TooLargeError:
            await PlainTextResponse(TOO_LARGE, status_code=413)(scope, receive, send_with_headers)
        finally:
            structlog.contextvars.unbind_contextvars("request", "call")

    def _limited(self, scope: Scope, receive: Receive) -> Receive:
        read = 0
        allowed: int | None = None

        async def receive_within_limit() -> Message:
            nonlocal read, allowed
            if allowed is None:
                allowed = await self._allowance(scope)
            message = await receive()
            read += len(message.get("body", b""))
            if read > allowed:
                raise TooLargeError
            return message

        return receive_within_limit
