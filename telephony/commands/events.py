"""Signals of the outbox."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CommandWritten:
    """A command was committed: whoever wrote it carries it out now."""

    command_id: int
    call_id: UUID
