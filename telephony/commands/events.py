"""Signals of the outbox."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from telephony.commands.jobs import Job


@dataclass(frozen=True, slots=True)
class Ready:
    """What carries out a command without another look at the database: the job, and how long its call must wait."""

    job: Job
    wait: timedelta


@dataclass(frozen=True, slots=True)
class CommandWritten:
    """A command was committed: whoever wrote it carries it out now. `ready`: where its writer made it so."""

    command_id: int
    call_id: UUID
    ready: Ready | None = None
