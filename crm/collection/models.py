"""The history of imports: what was read, how far, and each line that was refused."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class ImportState(StrEnum):
    WAITING = "waiting"  # sent, and owed to a worker
    RUNNING = "running"
    DONE = "done"
    TRUNCATED = "truncated"  # every line there is was dealt with, but the file breaks off; `failure` says how
    FAILED = "failed"  # the file as a whole is not a feed, or not this ente's; `failure` says why
    STOPPED = "stopped"  # given up after repeated trouble of ours: the file is kept, and may be gone on with


class FeedMode(StrEnum):
    FULL = "full"  # the sender's whole state; what it does not name is left as it was
    INCREMENTAL = "incremental"


class ImportRun(Base):
    """One reading of one feed file. A run that was killed goes on from `line` when started again.

    A file sent through the page has its run from the moment it is sent, and is read by the job; until the file has
    been looked over, `line` is 0, the digest unknown, and the size that of the file as it was sent.
    """

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    file_name: Mapped[str] = mapped_column(String(200))
    file_sha256: Mapped[str | None] = mapped_column(String(64))
    file_bytes: Mapped[int]  # unpacked, where the file was compressed
    read_bytes: Mapped[int] = mapped_column(default=0)  # of the unpacked ones: where to go on reading
    mode: Mapped[FeedMode | None] = mapped_column(choice(FeedMode))
    source: Mapped[str | None] = mapped_column(String(80))  # how the sender calls itself
    as_of: Mapped[datetime | None]  # the header's
    line: Mapped[int] = mapped_column(default=0)  # lines dealt with and committed
    created: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    unchanged: Mapped[int] = mapped_column(default=0)  # the same statement, or an older one
    refused: Mapped[int] = mapped_column(default=0)
    warned: Mapped[int] = mapped_column(default=0)  # taken, but without a part that could not be read
    state: Mapped[ImportState] = mapped_column(choice(ImportState))
    failure: Mapped[str | None] = mapped_column(String(400))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))  # none: read from the command line
    started_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    started_at: Mapped[datetime]  # or sent
    moved_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        Index("ix_import_run_ente_id_file_sha256", "ente_id", "file_sha256"),
    )


class ImportRefusal(Base):
    """A line refused, or taken without a part of it: its number and why. The line stays in the file."""

    __tablename__ = "import_refusal"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    run_id: Mapped[int]
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(String(400))
    taken: Mapped[bool] = mapped_column(default=False)  # true: a warning, the rest of the record was imported

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "run_id"], ["import_run.ente_id", "import_run.id"]),
        UniqueConstraint("ente_id", "run_id", "line"),
    )
