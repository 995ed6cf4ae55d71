"""The telephone numbers of the account, registered at start or through the REST API."""

import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from telephony.carriers.simulator.config import Number
from telephony.carriers.simulator.instants import now
from telephony.carriers.simulator.sids import new_sid

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Line:
    """A number as the account holds it."""

    number: Number
    sid: str = field(default_factory=lambda: new_sid("PN"))
    created: datetime = field(default_factory=now)
    updated: datetime = field(default_factory=now)


class NumberBook:
    """By E.164 number; kept in a file when one is given, since a carrier does not forget its customers."""

    def __init__(self, numbers: tuple[Number, ...], path: Path | None) -> None:
        self._path = path
        self._lines: dict[str, Line] = {}
        for number in (*self._stored(), *numbers):
            self._put(number)

    def all(self) -> list[Line]:
        return list(self._lines.values())

    def find(self, number: str) -> Line | None:
        return self._lines.get(number)

    def by_sid(self, sid: str) -> Line | None:
        return next((line for line in self._lines.values() if line.sid == sid), None)

    def register(self, number: Number) -> Line:
        """Add or change."""
        line = self._put(number)
        self._store()
        return line

    def release(self, line: Line) -> None:
        del self._lines[line.number.number]
        self._store()

    def _put(self, number: Number) -> Line:
        line = self._lines.get(number.number)
        if line is None:
            line = self._lines[number.number] = Line(number)
        line.number, line.updated = number, now()
        return line

    def _stored(self) -> list[Number]:
        if self._path is None or not self._path.exists():
            return []
        try:
            return [Number(**row) for row in json.loads(self._path.read_text(encoding="utf-8"))]
        except (OSError, ValueError, TypeError) as error:
            log.warning("numbers.unreadable", error=str(error))
            return []

    def _store(self) -> None:
        if self._path is None:
            return
        rows = [asdict(line.number) for line in self._lines.values()]
        partial = self._path.with_suffix(".partial")
        partial.write_text(json.dumps(rows, indent=1), encoding="utf-8")
        partial.replace(self._path)
