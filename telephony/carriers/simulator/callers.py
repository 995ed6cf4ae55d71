"""The file of people who may call, written by whoever prepares the demonstration."""

import json
from pathlib import Path

import structlog

from telephony.carriers.simulator.traffic import Caller

log = structlog.get_logger(__name__)


def read_callers(path: Path | None) -> list[Caller]:
    """`[{from, notice_number|null, name, to}]`; none, and a word in the log, when it cannot be read."""
    if path is None:
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [Caller(row["from"], row.get("notice_number"), row.get("name", ""), row.get("to", "")) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("callers.unreadable", path=str(path), error=str(error))
        return []
