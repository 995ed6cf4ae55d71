"""The engine has backups made and restores tried, one after the other, each by a process of its own."""

import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from crm.core.db import Database
from web.backup.schedule import Schedule, Task

pytestmark = pytest.mark.integration


def test_what_is_due_is_done_one_after_the_other(database: Database, tmp_path: Path) -> None:
    done = tmp_path / "done"
    writes = (sys.executable, "-S", "-c", "import sys; print(sys.argv[1], file=open(sys.argv[2], 'a'))")

    def task(name: str, after: str) -> Task:
        def due(_: Session) -> bool:
            return (done.read_text() if done.exists() else "") == after

        return Task(name, due, (name, str(done)))

    schedule = Schedule(database, (task("backup", ""), task("drill", "backup\n")), writes)
    for expected in ("backup\n", "backup\ndrill\n", "backup\ndrill\n"):
        schedule.look()
        if schedule._child is not None:
            schedule._child.wait()
        assert done.read_text() == expected
    schedule.look()
    assert schedule._child is None
    schedule.close()
