"""What an ente wants asked, how fresh it wants its data, and whether a file is open to somebody."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.contacts.disclosure import Matter
from crm.core import clock
from crm.core.configuration import kept
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
    found = session.execute(
        select(FileOpening)
        .where(
            FileOpening.opened_by == by.user_id, FileOpening.contact_id == contact_id,
            FileOpening.closed_at.is_(None), FileOpening.opened_at > at - OPEN_IN_A_CALL,
        )
        .order_by(FileOpening.id.desc())
        .limit(1)
    ).scalar_one_or_none()  # fmt: skip
    if found is None or (found.call_id is None and found.opened_at <= at - OPEN_FOR):
        return None
    together = session.execute(
        select(FileOpening.contact_id, FileOpening.gate).where(
            FileOpening.opened_by == by.user_id, FileOpening.opened_at == found.opened_at,
            FileOpening.closed_at.is_(None),
        )
        .order_by(FileOpening.id)
    ).all()  # fmt: skip
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
