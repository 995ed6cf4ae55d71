"""The day's backup, begun by the engine that leads, in a process of its own: a backup may take long, a chore not."""

import subprocess
import sys
from collections.abc import Callable

import structlog
from prometheus_client import Gauge

from crm.continuity import queries, runs
from crm.core.db import Database, Scope

log = structlog.get_logger(__name__)
TOO_OLD = Gauge(
    "filodiretto_backup_too_old", "1 while there is no good backup of the last 26 hours",
    multiprocess_mode="livemostrecent",  # the engine that leads knows
)  # fmt: skip


def own_command() -> list[str]:
    """What makes a backup if it is due."""
    return [sys.executable, "-m", "web.cli", "backup", "--scheduled"]


class Schedule:
    """Looks whether a backup is due, and whether the last good one is too old."""

    def __init__(self, database: Database, command: Callable[[], list[str]] = own_command) -> None:
        self._database = database
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None

    def look(self) -> None:
        """Begin one that is due; say how the last one ended."""
        if self._child is not None:
            if (code := self._child.poll()) is None:
                return
            self._child = None
            if code:
                log.error("backup_failed", code=code)
            else:
                log.info("backup_made")
        with self._database.begin(Scope.nothing()) as session:
            due, too_old = runs.backup_due(session), queries.backup_too_old(session)
        TOO_OLD.set(int(too_old))
        if too_old:
            log.error("backup_too_old")
        if due:
            self._child = subprocess.Popen(self._command(), stdin=subprocess.DEVNULL)  # noqa: S603  # our own

    def close(self) -> None:
        """End what was begun; nothing half is taken for whole, and it is due again."""
        if self._child is not None and self._child.poll() is None:
            self._child.terminate()
            self._child.wait()
