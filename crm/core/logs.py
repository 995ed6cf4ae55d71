"""Structured logs with a correlation id per request and call. Personal data and secrets have no place in them."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_DETAILS = re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE)
SECRET_WORDS = ("password", "token", "secret", "cookie", "authorization", "signature")


def configure(*, json: bool, process: str) -> None:
    """Send this process's logs, the standard library's included, to standard output."""
    renderer: Any = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer(colors=False)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                mask_details,
                renderer,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for noisy in ("httpx", "httpcore", "uvicorn.access", "twilio.http_client", "alembic.runtime.migration"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(process=process)


def mask_secrets(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide any value whose name says that it is a secret."""
    for key in entry:
        if any(word in key.lower() for word in SECRET_WORDS):
            entry[key] = "***"
    return entry


def mask_details(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide the lines in which PostgreSQL quotes the row that it objects to: a taxpayer's, as often as not."""
    if isinstance(told := entry.get("exception"), str):
        entry["exception"] = _DETAILS.sub(r"\1: ***", told)
    return entry
