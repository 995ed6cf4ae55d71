"""What an ente wants asked, how fresh it wants its data, and whether a file is open to somebody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Select, bindparam, case, null, select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.disclosure import Matter
from crm.core import clock
from crm.core.configuration import kept
from crm.core.db import table_of
from crm.core.errors import ForbiddenError
from crm.files.gate import Gate, Question, usual
from crm.files.models import (
    DEFAULT_KEPT_YEARS,
    DEFAULT_NEEDED,
    DEFAULT_PROMISE_H,
    FileOpening,
    FileSetting,
    GateQuestion,
    Interlocutor,
    Purpose,
)

OPEN_FOR = timedelta(hours=1)  # without a call; then the reason is asked again
OPEN_IN_A_CALL = timedelta(hours=12)
CLOSED = "Il fascicolo è chiuso: riaprilo, dicendo perché."


@dataclass(frozen=True, slots=True)
class Opening:
    """A file that is open to somebody, on these rows of a person; `told` is what may be told of each."""

    opened_at: datetime
    purpose: Purpose
    reason: str
    call_id: UUID | None
    interlocutor: Interlocutor
    relation_id: int | None
    told: Mapping[int, frozenset[Matter]]
    sentences: tuple[str, ...]  # that say so, each once
    seen: Mapping[str, list[str]]

    @property
    def ends_at(self) -> datetime:
        """When the reason is asked again; with a call it ends with it, as a rule long before."""
        return self.opened_at + (OPEN_FOR if self.call_id is None else OPEN_IN_A_CALL)

    @property
    def contact_ids(self) -> frozenset[int]:
        """The rows of the person."""
        return frozenset(self.told)


def _opened() -> Select[Any]:
    """The rows that a `user` opened together with a `contact`'s, the last time `since` then, and that are still open.

    What was there when it was opened, the longest part, is told of the contact alone.
    """
    opening, same = table_of(FileOpening), table_of(FileOpening).alias()
    contact = bindparam("contact", type_=BigInteger)
    latest = (
        select(same.c.opened_at)
        .where(
            same.c.opened_by == bindparam("user"), same.c.contact_id == contact, same.c.closed_at.is_(None),
            same.c.opened_at > bindparam("since", type_=same.c.opened_at.type),
        )
        .order_by(same.c.id.desc())
        .limit(1)
    )  # fmt: skip
    names = ("contact_id", "gate", "opened_at", "purpose", "reason", "call_id", "interlocutor", "relation_id")
    seen = case((opening.c.contact_id == contact, opening.c.seen), else_=null())
    return (
        select(*(opening.c[name] for name in names), seen.label("seen"))
        .where(
            opening.c.opened_by == bindparam("user"), opening.c.opened_at == latest.scalar_subquery(),
            opening.c.closed_at.is_(None),
        )
        .order_by(opening.c.id)
    )  # fmt: skip


_OPENED = _opened()  # asked whenever anything of a file is shown


@kept
def settings(session: Session, ente_id: int) -> tuple[int, int]:
    """How many right answers an ente wants, and every how many hours it is promised a feed."""
    row = session.execute(
        select(FileSetting.answers_needed, FileSetting.promise_h).where(FileSetting.ente_id == ente_id)
    ).one_or_none()
    return (DEFAULT_NEEDED, DEFAULT_PROMISE_H) if row is None else (row.answers_needed, row.promise_h)


@kept
def kept_years(session: Session, ente_id: int) -> int:
    """For how many years after the last act or payment an ente keeps what it has of somebody; none: as it is wanted."""
    stored = select(FileSetting.kept_years).where(FileSetting.ente_id == ente_id)
    years = session.execute(stored).scalar_one_or_none()
    return DEFAULT_KEPT_YEARS if years is None else years


@kept
def gate(session: Session, ente_id: int) -> Gate:
    """What an ente wants asked before a file opens."""
    rows = session.execute(
        select(GateQuestion.key, GateQuestion.text, GateQuestion.checks)
        .where(GateQuestion.ente_id == ente_id)
        .order_by(GateQuestion.place, GateQuestion.id)
    )
    return usual([Question(*row) for row in rows], settings(session, ente_id)[0])


def promises(session: Session, ente_ids: Collection[int]) -> Mapping[int, timedelta]:
    """How old the statements of each ente may be before they are called stale."""
    return {ente_id: timedelta(hours=settings(session, ente_id)[1]) for ente_id in ente_ids}


def opening(session: Session, by: Principal, *, contact_id: int) -> Opening | None:
    """The file of this contact, if it is open to `by`: the latest opening, with all rows of the person."""
    at = clock.now(session)
    asked = {"user": by.user_id, "contact": contact_id, "since": at - OPEN_IN_A_CALL}
    together = session.execute(_OPENED, asked).all()
    found = next((row for row in reversed(together) if row.contact_id == contact_id), None)
    if found is None or (found.call_id is None and found.opened_at <= at - OPEN_FOR):
        return None
    return Opening(
        found.opened_at, found.purpose, found.reason, found.call_id, found.interlocutor, found.relation_id,
        {row.contact_id: frozenset(map(Matter, row.gate["told"])) for row in together},
        tuple(dict.fromkeys(row.gate["sentence"] for row in together if row.gate["sentence"])), found.seen,
    )  # fmt: skip


def open_in_a_call(session: Session, by: Principal, *, contact_ids: Collection[int]) -> frozenset[int]:
    """Those of these contacts whose file is open to `by` in a call."""
    found = session.execute(
        select(FileOpening.contact_id).where(
            FileOpening.opened_by == by.user_id, FileOpening.contact_id.in_(contact_ids),
            FileOpening.closed_at.is_(None), FileOpening.opened_at > clock.now(session) - OPEN_IN_A_CALL,
            FileOpening.call_id.is_not(None),
        )
    )  # fmt: skip
    return frozenset(found.scalars())


def require_open(session: Session, by: Principal, *, contact_id: int, matter: Matter | None = None) -> Opening:
    """The opening under which something of a file is shown. Raises `ForbiddenError`."""
    found = opening(session, by, contact_id=contact_id)
    if found is None:
        raise ForbiddenError(CLOSED)
    if matter is not None and matter not in found.told[contact_id]:
        raise ForbiddenError("Con chi hai identificato non si può parlare di questo.")
    return found
