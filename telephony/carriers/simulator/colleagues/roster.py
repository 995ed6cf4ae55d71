"""The file of colleagues, written by whoever prepares the demonstration."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who signs in. `pace` stretches his times: 1.2 takes a fifth longer for everything."""

    username: str
    password: str = field(repr=False)
    pace: float = 1.0


def read_roster(path: Path) -> list[Member]:
    """`[{username, password, pace}]`, pace 1 unless given; none, and a word in the log, when it cannot be read."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [_member(row) for row in rows]
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("colleagues.unreadable", path=str(path), error=type(error).__name__)
        return []


def _member(row: dict[str, object]) -> Member:
    username, password, pace = row["username"], row["password"], row.get("pace", 1.0)
    if not isinstance(username, str) or not isinstance(password, str):
        raise TypeError("username and password are text")
    if not isinstance(pace, int | float) or not 0 <= pace < float("inf"):
        raise ValueError("pace is zero or more")
    return Member(username, password, float(pace))
