"""Backups and drills, begun by the engine that leads, in a process of their own: they may take long, a chore not."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge
from sqlalchemy.orm import Session

from crm.continuity import queries, runs
from crm.core.db import Database, Scope
from crm.core.settings import Settings
from web.run import embedded

log = structlog.get_logger(__name__)
OURS = (sys.executable, "-m", "web.cli")
TOO_OLD = Gauge(
    "filodiretto_backup_too_old", "1 while there is no good backup of the last 26 hours",
    multiprocess_mode="livemostrecent",  # the engine that leads knows
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """What is done in its turn: whether it is due, and the command of ours that does it if it still is."""

    name: str
    due: Callable[[Session], bool]
    command: tuple[str, ...]


BACKUP = Task("backup", runs.backup_due, ("backup", "--scheduled"))
DRILL = Task("drill", runs.drill_due, ("drill", "--scheduled"))


def tasks(settings: Settings) -> tuple[Task, ...]:
    """Backups; and drills, where there is a server to try a restore on, and the key that opens backups."""
    may_drill = embedded.is_there() and settings.backup_recipient is None
    return (BACKUP, DRILL) if may_drill else (BACKUP,)


class Schedule:
    """Looks what is due, one thing at a time, and whether the last good backup is too old."""

    def __init__(
        self, database: Database, due: Sequence[Task] = (BACKUP,), program: Sequence[str] = OURS
    ) -> None:  # fmt: skip
        self._database = database
        self._tasks = due
        self._program = program
        self._child: subprocess.Popen[bytes] | None = None
        self._doing = BACKUP

    def look(self) -> None:
        """Begin one that is due; say how the last one ended."""
        if self._child is not None:
            if (code := self._child.poll()) is None:
                return
            self._child = None
            if code:
                log.error(f"{self._doing.name}_failed", code=code)
            else:
                log.info(f"{self._doing.name}_made")
        with self._database.begin(Scope.nothing()) as session:
            due = next((one for one in self._tasks if one.due(session)), None)
            too_old = queries.backup_too_old(session)
        TOO_OLD.set(int(too_old))
        if too_old:
            log.error("backup_too_old")
        if due is not None:
            self._doing = due
            command = [*self._program, *due.command]
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603  # our own

    def close(self) -> None:
        """End what was begun; nothing half is taken for whole, and it is due again."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            self._child.wait()
