"""Backups and drills as they are carried out: one of a kind at a time, and none that died is taken for one at work."""

from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.continuity.models import ContinuityRun, RunKind, RunState
from crm.continuity.queries import RUN_SILENT, last_good
from crm.core import clock, topics
from crm.core.clock import in_rome
from crm.core.db import touch
from crm.core.errors import ConflictError

AT = time(2, 30)  # in Rome: when nobody telephones
AGAIN = timedelta(hours=1)  # after one that failed
DRILL_EACH = timedelta(days=28)
DRILL_AGAIN = timedelta(days=1)  # after one that failed
DRILL_AFTER = timedelta(minutes=5)  # of a good backup: whoever has just started has other things to do


def begin(session: Session, kind: RunKind, *, archive: str = "") -> int:
    """It begins. Raises `ConflictError` while another one of its kind is at work."""
    at = clock.now(session)
    running = session.scalar(
        select(ContinuityRun)
        .where(ContinuityRun.kind == kind, ContinuityRun.state == RunState.RUNNING)
        .with_for_update()
    )
    if running is not None:
        if at - running.alive_at <= RUN_SILENT:
            raise ConflictError("Un'altra operazione dello stesso tipo è in corso.")
        running.state, running.ended_at, running.detail = RunState.FAILED, at, {"error": "it died"}
        session.flush()
    row = ContinuityRun(
        kind=kind, state=RunState.RUNNING, archive=archive, began_at=at, alive_at=at, ended_at=None, detail={}
    )
    session.add(row)
    session.flush()
    touch(session, topics.continuity())
    return row.id


def alive(session: Session, run_id: int) -> None:
    """Somebody is still at it."""
    session.get_one(ContinuityRun, run_id).alive_at = clock.now(session)


def end(session: Session, run_id: int, detail: dict[str, Any], *, archive: str = "", good: bool) -> None:
    """It is over, well or not."""
    row = session.get_one(ContinuityRun, run_id)
    row.state = RunState.DONE if good else RunState.FAILED
    row.archive, row.detail = archive or row.archive, detail
    row.alive_at = row.ended_at = clock.now(session)
    session.flush()
    touch(session, topics.continuity())


def backup_due(session: Session) -> bool:
    """Whether it is time for the day's backup: none was made since the last half past two, and none failed just now."""
    at = clock.now(session)
    if _wait(session, RunKind.BACKUP, at, AGAIN):
        return False
    good = last_good(session, RunKind.BACKUP)
    return good is None or good.began_at < _last_turn(at)


def drill_due(session: Session) -> bool:
    """Whether it is time to try a restore: there is a good backup, none was tried in four weeks, none failed today."""
    at = clock.now(session)
    if _wait(session, RunKind.DRILL, at, DRILL_AGAIN) or _wait(session, RunKind.BACKUP, at, timedelta()):
        return False
    backup, drill = (last_good(session, kind) for kind in (RunKind.BACKUP, RunKind.DRILL))
    if backup is None or backup.ended_at is None or at - backup.ended_at < DRILL_AFTER:
        return False
    return drill is None or at - drill.began_at >= DRILL_EACH


def _wait(session: Session, kind: RunKind, at: datetime, again: timedelta) -> bool:
    """Whether one is at work, or failed just now."""
    last = session.scalar(
        select(ContinuityRun).where(ContinuityRun.kind == kind).order_by(ContinuityRun.began_at.desc()).limit(1)
    )
    return last is not None and (
        (last.state is RunState.RUNNING and at - last.alive_at <= RUN_SILENT)
        or (last.state is RunState.FAILED and at - last.began_at < again)
    )


def _last_turn(at: datetime) -> datetime:
    local = in_rome(at)
    turn = local.replace(hour=AT.hour, minute=AT.minute, second=0, microsecond=0)
    return turn if turn <= local else turn - timedelta(days=1)
