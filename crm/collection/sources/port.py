"""The port behind which every source of feeds stands: what it gives is a feed file, for the one importer."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Lookup(StrEnum):
    """What came of asking a gestionale about one taxpayer."""

    ANSWERED = "answered"
    UNKNOWN = "unknown"  # it does not know him
    UNREADABLE = "unreadable"  # its answer could not be taken, such as somebody else's records
    SILENT = "silent"  # none came in time
    LET_ALONE = "let_alone"  # it was not asked, because it had not answered before


class SourceError(Exception):
    """The source gave no feed. The message is an Italian sentence fit for a screen.

    `permanent`: asking again gives the same, until somebody changes something. `retry_after` is the least number of
    seconds to wait, if the source said so.
    """

    def __init__(self, message: str, *, permanent: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class NotAllowedError(SourceError):
    """The source refuses our credential, whatever it is asked."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class ThisOneError(SourceError):
    """The source answers, but will not give, or take, what this was about. Anything else may be asked of it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


@dataclass(frozen=True, slots=True)
class Known:
    """Up to where a source was read: what to ask from, and the mark of its last answer."""

    cursor: str | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a source gave: up to where it is known now, and whether there is a feed to be read."""

    known: Known
    is_feed: bool


class Source(Protocol):
    """A source of one ente's feeds."""

    def fetch(self, into: Path, known: Known, alive: Callable[[], None]) -> Fetched:
        """Write what is new into the file `into`, as a feed.

        `alive` is called every now and then. Raises `SourceError`. Uses no database.
        """
        ...

    def done(self, read: Known) -> None:
        """What was fetched has been dealt with, and need not be kept at the source. Done twice, it is done once."""
        ...
