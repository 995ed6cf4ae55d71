"""Correlation ids, security headers and metrics around every request, as plain ASGI."""

import time
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)
REQUESTS = Counter("filodiretto_http_requests", "Requests answered", ["route", "method", "status"])
DURATION = Histogram(
    "filodiretto_http_seconds", "Time to the response's start", ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)  # fmt: skip


def content_security_policy(connect: tuple[str, ...]) -> str:
    """Nothing from elsewhere but the carrier's own signalling."""
    sources = " ".join(("'self'", *connect))
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self' data:; img-src 'self' data:; "
        f"media-src 'self' blob: mediastream:; connect-src {sources}; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; manifest-src 'self'"
    )


class Envelope:
    """Wraps the application: an id for the logs in, headers and measures out."""

    def __init__(self, app: ASGIApp, *, policy: str, secure: bool) -> None:
        self._app = app
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
                    headers["cache-control"] = "no-store"
                route = getattr(scope.get("route"), "path", "other")
                DURATION.labels(route).observe(time.perf_counter() - began)
                REQUESTS.labels(route, scope["method"], str(message["status"])).inc()
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            structlog.contextvars.unbind_contextvars("request")
