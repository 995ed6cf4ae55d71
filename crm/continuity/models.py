"""When the service was there, what stopped it, what was said of it, and the copies that would bring it back.

All but what is asked of an ente belongs to the installation: no row of these names a taxpayer.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import Base, choice


class Part(StrEnum):
    """What leaves signs of being there."""

    PAGES = "pages"  # a `web` process whose loop turns, whose threads are free, and which writes to the database
    ENGINE = "engine"  # an engine that leads


class Cause(StrEnum):
    """What was away, as far as the system can tell by itself; the gravest first."""

    EVERYTHING = "everything"  # no process of ours lived through it
    DATABASE = "database"  # pages lived through it and could not write
    PAGES = "pages"  # the engine went on, no page answered
    CARRIER = "carrier"  # ours was there, the carrier did not answer


class RemarkState(StrEnum):
    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"


class RunKind(StrEnum):
    BACKUP = "backup"
    DRILL = "drill"


class RunState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ServiceSpell(Base):
    """From when until when a part was there without a break; the last one grows in its place."""

    __tablename__ = "service_spell"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    part: Mapped[Part] = mapped_column(choice(Part))
    began_at: Mapped[datetime]
    last_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("last_at >= began_at", name="order"),
        Index("ix_service_spell_part_last_at", "part", "last_at"),
    )


class Interruption(Base):
    """Time without service. Its beginning never changes, its end is written once, and nobody deletes it."""

    __tablename__ = "interruption"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    cause: Mapped[Cause] = mapped_column(choice(Cause))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # none while it lasts
    found_at: Mapped[datetime]  # when the system could write that it had been, or was, away
    told_at: Mapped[datetime | None]  # when users were first told
    end_told_at: Mapped[datetime | None]
    apologies: Mapped[int] = mapped_column(default=0)  # callers who heard, meanwhile, that we cannot answer

    __table_args__ = (
        CheckConstraint("ended_at >= began_at", name="order"),
        Index("uq_interruption_open", "cause", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_interruption_began_at", "began_at"),
    )


class InterruptionRemark(Base):
    """A request to an ente not to count an interruption, and its answer."""

    __tablename__ = "interruption_remark"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    contract_id: Mapped[int] = mapped_column(ForeignKey("contract.id"))
    ente_id: Mapped[int] = mapped_column(ForeignKey("ente.id"))
    interruption_id: Mapped[int] = mapped_column(ForeignKey("interruption.id"))
    words: Mapped[str] = mapped_column(String(400))
    state: Mapped[RemarkState] = mapped_column(choice(RemarkState))
    said_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    said_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(String(400), default="")

    __table_args__ = (
        CheckConstraint("(decided_by IS NULL) = (decided_at IS NULL)", name="decided"),
        Index(
            "uq_interruption_remark_open", "contract_id", "ente_id", "interruption_id", unique=True,
            postgresql_where=text("state IN ('asked', 'approved')"),
        ),
    )  # fmt: skip


class ServiceNotice(Base):
    """What is published of the state of the service. A later one takes the place of the one before."""

    __tablename__ = "service_notice"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    words: Mapped[str] = mapped_column(String(400))
    until: Mapped[datetime | None]  # when it is expected to be over; none: nobody knows
    over: Mapped[bool]  # the last word: from then on nothing is said
    published_by: Mapped[int] = mapped_column(ForeignKey("app_user.id"))
    published_at: Mapped[datetime]


class ServiceFollower(Base):
    """A user who wants to be told of interruptions by e-mail."""

    __tablename__ = "service_follower"

    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    since: Mapped[datetime]


class ContinuityRun(Base):
    """A backup, or the drill of a restore. Whoever carries it out says now and then that he is still at it."""

    __tablename__ = "continuity_run"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    kind: Mapped[RunKind] = mapped_column(choice(RunKind))
    state: Mapped[RunState] = mapped_column(choice(RunState))
    archive: Mapped[str] = mapped_column(String(120))  # the file's name, without its folder
    began_at: Mapped[datetime]
    alive_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any]]  # sizes, counts and seconds; or what went wrong

    __table_args__ = (
        Index("uq_continuity_run_running", "kind", unique=True, postgresql_where=text("state = 'running'")),
        Index("ix_continuity_run_kind_began_at", "kind", "began_at"),
    )
