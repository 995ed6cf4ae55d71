"""Signs of life of the processes that nobody asks: each leaves one from within its own loop, as it turns.

A process whose loop stands still is alive to the system and dead to us: its last sign grows old.
"""

import os
import socket
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import String, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.core import clock
from crm.core.db import Base, Database, Scope

log = structlog.get_logger(__name__)

EVERY_S = 3.0
FRESH = timedelta(seconds=15)  # past it, a loop counts as standing
FORGOTTEN = timedelta(hours=1)  # past it, a process counts as taken away
LEADS, WAITS = "leads", "waits"


class Heartbeat(Base):
    """The last sign of life of one process. `doing` is what it says of itself, if anything."""

    __tablename__ = "heartbeat"

    process: Mapped[str] = mapped_column(String(20), primary_key=True)  # engine, worker, beat
    host: Mapped[str] = mapped_column(String(80), primary_key=True)
    pid: Mapped[int] = mapped_column(primary_key=True)
    doing: Mapped[str] = mapped_column(String(40), default="")
    started_at: Mapped[datetime]
    beaten_at: Mapped[datetime]


class Pulse:
    """Leaves this process's signs of life: `beat` is called at each turn of its loop, and writes every few seconds.

    A database that is away is no reason to stop turning: then nothing is written, and the last sign grows old.
    """

    def __init__(self, database: Database, process: str, *, every_s: float = EVERY_S) -> None:
        self._database = database
        self._me = {"process": process, "host": host(), "pid": os.getpid()}
        self._every_s = every_s
        self._due = 0.0
        self._begun = False

    def beat(self, doing: str = "") -> None:
        """The loop turned."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + self._every_s
        try:
            self._database.transact(Scope.nothing(), lambda session: self._write(session, doing))
        except SQLAlchemyError as error:
            log.warning("heartbeat_not_written", error=type(error).__name__)

    def stop(self) -> None:
        """The process ends as it should: nobody is to miss it."""
        mine = [getattr(Heartbeat, name) == value for name, value in self._me.items()]
        try:
            with self._database.begin(Scope.nothing()) as session:
                session.execute(delete(Heartbeat).where(*mine))
        except SQLAlchemyError as error:
            log.warning("heartbeat_not_written", error=type(error).__name__)

    def _write(self, session: Session, doing: str) -> None:
        at = clock.now(session)
        if not self._begun:  # whoever was killed here before us; a neighbour who lives says so again at once
            forgotten = (Heartbeat.process == self._me["process"]) & (Heartbeat.host == self._me["host"])
            session.execute(delete(Heartbeat).where(forgotten | (Heartbeat.beaten_at < at - FORGOTTEN)))
            self._begun = True
        session.execute(
            insert(Heartbeat)
            .values(**self._me, doing=doing, started_at=at, beaten_at=at)
            .on_conflict_do_update(index_elements=["process", "host", "pid"], set_={"doing": doing, "beaten_at": at})
        )


@dataclass(frozen=True, slots=True)
class Sign:
    """When a process last gave a sign of life."""

    process: str
    host: str
    pid: int
    doing: str
    age: timedelta

    def is_of(self, process: str, host: str) -> bool:
        """Whether it is this kind of process's, on this machine."""
        return (self.process, self.host) == (process, host)

    @property
    def is_fresh(self) -> bool:
        """Whether its loop turns, as far as anybody can tell."""
        return self.age <= FRESH


def signs(session: Session) -> list[Sign]:
    """The last sign of each process, the freshest of a kind first."""
    at = clock.now(session)
    rows = session.execute(select(Heartbeat).order_by(Heartbeat.process, Heartbeat.beaten_at.desc())).scalars()
    return [Sign(row.process, row.host, row.pid, row.doing, at - row.beaten_at) for row in rows]


def host() -> str:
    """This machine, or container, as its signs of life name it."""
    return socket.gethostname()[:80]
