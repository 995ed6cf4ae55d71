"""The history of imports: what was read, how far, each line that was refused; and what only the next feeds need."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, SmallInteger, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.collection.sources.port import Lookup
from crm.core.db import Base, choice


class ImportState(StrEnum):
    WAITING = "waiting"  # sent, and owed to a worker
    RUNNING = "running"
    HELD = "held"  # read to its end; whether what it no longer names is withdrawn, a person decides
    DONE = "done"
    TRUNCATED = "truncated"  # every line there is was dealt with, but the file breaks off; `failure` says how
    FAILED = "failed"  # the file as a whole is not a feed, or not this ente's; `failure` says why
    STOPPED = "stopped"  # given up after repeated trouble of ours: the file is kept, and may be gone on with


class FeedMode(StrEnum):
    FULL = "full"  # the sender's whole state; what it does not name is withdrawn at its end
    INCREMENTAL = "incremental"


MAX_REMARKS = 10_000  # lines of one run that are listed with their reason; the others are counted
UNLISTED = f"refused + warned + waiting > {MAX_REMARKS}"  # of the others nobody knows what they are about


class Of(StrEnum):
    """What a withdrawal, or a name in a full feed, is about."""

    TAXPAYER = "taxpayer"
    POSITION = "position"
    DOCUMENT = "document"


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
    waiting: Mapped[int] = mapped_column(default=0)  # records set aside until their taxpayer is told
    withdrawn: Mapped[int] = mapped_column(default=0)  # by a record of the feed, or by its silence
    unreadable: Mapped[int] = mapped_column(default=0)  # refused lines of which not even the key could be read
    besides: Mapped[int] = mapped_column(default=0)  # refused lines that are no records: sums, an end out of place
    complete: Mapped[bool] = mapped_column(default=False)  # the last line was the end, and its counts were right
    totals: Mapped[list[dict[str, Any]]]  # the sender's own sums by tax: {"tax", "positions", "residual", "paid"}
    held: Mapped[dict[str, Any] | None]  # what would be withdrawn: {"positions", "taxpayers", "of", "taxes", …}
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))  # who allowed or refused that
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
        Index("ix_import_run_unlisted", "ente_id", "as_of", postgresql_where=text(UNLISTED)),
    )


class ImportRefusal(Base):
    """A line refused, or taken without a part of it: its number, why, and what it is about. The line stays in the file.

    What was refused and has not been taken since keeps the file of whoever it is about from counting as up to date.
    """

    __tablename__ = "import_refusal"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    run_id: Mapped[int]
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(String(400))
    taken: Mapped[bool] = mapped_column(default=False)  # true: a warning, the rest of the record was imported
    of: Mapped[Of | None] = mapped_column(choice(Of))
    key: Mapped[str | None] = mapped_column(String(60))
    codice_fiscale: Mapped[str | None] = mapped_column(String(16))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "run_id"], ["import_run.ente_id", "import_run.id"]),
        UniqueConstraint("ente_id", "run_id", "line"),
        Index(
            "ix_import_refusal_whose", "ente_id", "codice_fiscale",
            postgresql_where=text("NOT taken AND codice_fiscale IS NOT NULL"),
        ),
        Index(
            "ix_import_refusal_nobodys", "ente_id", "key",
            postgresql_where=text("NOT taken AND codice_fiscale IS NULL AND of = 'position'"),
        ),
    )  # fmt: skip


class ImportNamed(Base):
    """A key that a full feed names, though its statement is older than the feed: so its end does not withdraw it.

    What a full feed states as of its own instant needs no row here: the instant of the statement tells. Kept while
    the run is under way.
    """

    __tablename__ = "import_named"

    ente_id: Mapped[int]
    run_id: Mapped[int] = mapped_column(primary_key=True)
    of: Mapped[Of] = mapped_column(choice(Of), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)

    __table_args__ = (ForeignKeyConstraint(["ente_id", "run_id"], ["import_run.ente_id", "import_run.id"]),)


class WithdrawnKey(Base):
    """A withdrawal of something that was never told here: an older statement of it may still be on its way."""

    __tablename__ = "withdrawn_key"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    of: Mapped[Of] = mapped_column(choice(Of), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    as_of: Mapped[datetime]


class WaitingRecord(Base):
    """A position or document that came before its taxpayer. It is taken up when he is told, in whichever feed."""

    __tablename__ = "waiting_record"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    of: Mapped[Of] = mapped_column(choice(Of), primary_key=True)
    reference: Mapped[str] = mapped_column(String(60), primary_key=True)
    codice_fiscale: Mapped[str] = mapped_column(String(16))
    as_of: Mapped[datetime]
    present_as_of: Mapped[datetime]  # the feed's instant, where a full feed named it
    digest: Mapped[str] = mapped_column(String(32))
    content: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_waiting_record_ente_id_codice_fiscale", "ente_id", "codice_fiscale"),)


class FeedState(Base):
    """What an ente's feeds have come to, and how many withdrawals a full feed may make without a person's word."""

    __tablename__ = "feed_state"

    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"), primary_key=True)
    full_as_of: Mapped[datetime | None]  # of the newest full feed that came to its end
    full_run_id: Mapped[int | None]  # the run that read it
    held_percent: Mapped[int] = mapped_column(SmallInteger, default=10)  # more than this share of positions or people
    held_rows: Mapped[int] = mapped_column(default=100)  # and more than so many


class SourceKind(StrEnum):
    FOLDER = "folder"  # files put into FILODIRETTO_DATA/inbox/<codice catastale>/<name>
    HTTP = "http"  # a gestionale that answers by docs/gestionale-api.yaml


class CollectionSource(Base):
    """Where an ente's feeds come from, and when they are fetched.

    Neither the address nor the credential of a gestionale is here: `endpoint` names them, and the environment holds
    both (`crm.collection.sources.endpoints`). So nobody can have a credential sent to an address of his own.
    """

    __tablename__ = "collection_source"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    kind: Mapped[SourceKind] = mapped_column(choice(SourceKind))
    name: Mapped[str] = mapped_column(String(40))
    endpoint: Mapped[str | None] = mapped_column(String(40))
    active: Mapped[bool] = mapped_column(default=True)
    every_min: Mapped[int | None]  # minutes from the end of a reading to the next
    at_minute: Mapped[int | None]  # or once a day: minutes after midnight in Rome
    due_at: Mapped[datetime | None]  # of the next reading
    cursor: Mapped[str | None] = mapped_column(String(200))  # up to where the changes are known
    etag: Mapped[str | None] = mapped_column(String(200))
    failures: Mapped[int] = mapped_column(SmallInteger, default=0)  # in a row; the circuit opens on the third
    open_until: Mapped[datetime | None]  # until then nothing is asked
    takes_proposals: Mapped[bool] = mapped_column(default=False)  # over HTTP; one source of an ente at most
    answers_cursor: Mapped[str | None] = mapped_column(String(200))  # up to where its answers to them are known
    answers_due_at: Mapped[datetime | None]  # when it is next asked for them
    answers_one: Mapped[bool] = mapped_column(default=False)  # over HTTP, about one taxpayer; one source of an ente
    answer_minutes: Mapped[int] = mapped_column(SmallInteger, default=5)  # for how long such an answer will do
    one_failures: Mapped[int] = mapped_column(SmallInteger, default=0)  # a circuit of its own: feeds may still come
    one_open_until: Mapped[datetime | None]
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))  # the reading under way, or the last

    __table_args__ = (
        UniqueConstraint("ente_id", "id"),
        UniqueConstraint("ente_id", "name"),
        Index("uq_collection_source_answers_one", "ente_id", unique=True, postgresql_where=text("answers_one")),
        Index("ix_collection_source_due_at", "due_at", postgresql_where=text("active")),
        Index("uq_collection_source_takes_proposals", "ente_id", unique=True, postgresql_where=text("takes_proposals")),
    )


class ContactLookup(Base):
    """The last time a gestionale was asked about one taxpayer, and up to when what it said of him is known.

    `as_of` is of its last answer that was taken in, `mark` what it called that one; `outcome` is of the last asking.
    """

    __tablename__ = "contact_lookup"

    contact_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ente_id: Mapped[int]
    asked_at: Mapped[datetime]
    outcome: Mapped[Lookup] = mapped_column(choice(Lookup))
    as_of: Mapped[datetime | None]
    mark: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "contact_id"], ["contact.ente_id", "contact.id"]),
        Index("ix_contact_lookup_ente_id", "ente_id"),
    )


class ReadingOutcome(StrEnum):
    READ = "read"
    NOTHING_NEW = "nothing_new"
    FAILED = "failed"  # the source did not answer, or not well; it is asked again
    REFUSED = "refused"  # what it gave is not for us: `failure` says why


class SourceReading(Base):
    """One attempt to fetch from a source, and the run that read what came."""

    __tablename__ = "source_reading"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    source_id: Mapped[int]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[ReadingOutcome | None] = mapped_column(choice(ReadingOutcome))
    failure: Mapped[str | None] = mapped_column(String(400))
    run_id: Mapped[int | None]

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "source_id"], ["collection_source.ente_id", "collection_source.id"]),
        ForeignKeyConstraint(["ente_id", "run_id"], ["import_run.ente_id", "import_run.id"]),
        Index("ix_source_reading_ente_id_source_id_id", "ente_id", "source_id", "id"),
    )


class Reconciliation(Base):
    """The sender's counts and sums by tax beside ours, as of one instant. Kept as it was found."""

    __tablename__ = "reconciliation"

    id: Mapped[int] = mapped_column(primary_key=True)
    ente_id: Mapped[int]
    run_id: Mapped[int]
    as_of: Mapped[datetime]
    made_at: Mapped[datetime]
    matches: Mapped[bool]
    lines: Mapped[list[dict[str, Any]]]  # {"tax", "theirs": {…}, "ours": {…}}: positions, cents of residual and paid
    newer: Mapped[int]  # positions of ours that were stated as of later than this: they may explain a difference

    __table_args__ = (
        ForeignKeyConstraint(["ente_id", "run_id"], ["import_run.ente_id", "import_run.id"]),
        Index("ix_reconciliation_ente_id_id", "ente_id", "id"),
    )
