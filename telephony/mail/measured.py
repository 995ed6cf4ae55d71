"""How long people who wrote waited: from the first mail that nobody had answered until the answer left.

An answer that did not leave, or did not arrive, is none; neither is the acknowledgement. A conversation that was closed
without an answer wanted none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from crm.cases.deadlines import counting, shown_day, taken
from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import table_of
from crm.levels.known import Replied
from crm.messages.models import Message, MessageState
from telephony.mail.automatic import Nature
from telephony.mail.models import Mail, Mailbox, MailboxKind, MailThread, ThreadState
from telephony.mail.waiting import answer_by, patron_of, term_on

LONGEST = timedelta(days=120)  # before its term is over that a mail may have come
SHOWN = timedelta(days=30)
_T, _M, _B, _O = table_of(MailThread), table_of(Mail), table_of(Mailbox), table_of(Message)
_LEFT = (MessageState.SENT, MessageState.DELIVERED)


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody waited for an answer; `left_at`: until when, none while he does."""

    code: str
    ente_id: int | None
    certified: bool
    since: datetime
    left_at: datetime | None


@dataclass(frozen=True, slots=True)
class BoxTimes:
    """How a mailbox answers: of those who wrote in the last days, how many were answered, how many of them in time,
    after how many days of the calendar in the mean and at the most; how many wait, how many of them for too long, and
    until when the first one has to be answered.
    """

    answered: int = 0
    in_time: int = 0
    mean: Decimal | None = None
    slowest: int | None = None
    waiting: int = 0
    late: int = 0
    next_by: datetime | None = None


def replies_of_period(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> tuple[Replied, ...]:
    """Those whose term, by a level of the contract, has its last day from `first` to before `after`: those that left,
    and of those that still wait the late ones.
    """
    its = [_T.c.contract_id == contract_id, *([] if ente_id is None else [_T.c.ente_id == ente_id])]
    now, found = clock.now(session), []
    for one in _waits(session, its, start_of_day(first) - LONGEST, start_of_day(after)):
        term = term_on(session, contract_id, one.since, certified=one.certified)
        until = answer_by(session, one.ente_id, one.since, term)
        due_on = shown_day(until)
        if not term.metric or not first <= due_on < after or (one.left_at is None and until > now):
            continue
        came, gone = business_day(one.since), business_day(one.left_at or now)
        counts = counting(term.span, patron_of(session, one.ente_id))
        found.append(
            Replied(one.code, one.ente_id, term.metric, due_on, taken(came, gone, counts), (gone - came).days)
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (one.due_on, one.id)))


def times_of(session: Session, mailbox_id: int) -> BoxTimes:
    """How a mailbox of the scope answers."""
    row, now = session.get_one(Mailbox, mailbox_id), clock.now(session)
    open_ones = (_T.c.mailbox_id == mailbox_id, _T.c.state == ThreadState.OPEN)
    waiting, late, next_by = session.execute(
        select(func.count(), func.count().filter(_T.c.answer_by <= now), func.min(_T.c.answer_by)).where(*open_ones)
    ).one()
    days, in_time = [], 0
    for one in _waits(session, [_T.c.mailbox_id == mailbox_id], now - SHOWN, now):
        if one.left_at is not None:
            days.append((business_day(one.left_at) - business_day(one.since)).days)
            term = term_on(session, row.contract_id, one.since, certified=one.certified)
            in_time += one.left_at < answer_by(session, one.ente_id, one.since, term)
    mean = Decimal(sum(days)) / len(days) if days else None
    return BoxTimes(len(days), in_time, mean, max(days, default=None), waiting, late, next_by)


def _waits(session: Session, its: list[Any], since: datetime, until: datetime) -> Iterator[Wait]:
    """Each wait that began from `since` to before `until`."""
    answer = aliased(_M)
    came = (_M.c.inbound, _M.c.nature == Nature.PERSON, _M.c.at >= since, _M.c.at < until)
    about = (_T.c.code, _T.c.ente_id, _B.c.kind)
    began = func.min(_M.c.at)
    answered = session.execute(
        select(*about, began.label("since"), answer.c.at, _O.c.id, _O.c.state, _O.c.sent_at)
        .join(_T, _T.c.id == _M.c.thread_id).join(_B, _B.c.id == _T.c.mailbox_id)
        .join(answer, answer.c.id == _M.c.answered_by).outerjoin(_O, _O.c.id == answer.c.outbox_id)
        .where(*its, *came).group_by(*about, answer.c.id, answer.c.at, _O.c.id, _O.c.state, _O.c.sent_at)
    )  # fmt: skip
    for row in answered:
        left = row.sent_at if row.state in _LEFT else row.at if row.id is None else None
        yield Wait(row.code, row.ente_id, row.kind == MailboxKind.PEC, row.since, left)
    open_ones = (_T.c.state == ThreadState.OPEN, _T.c.waiting_since >= since, _T.c.waiting_since < until)
    rows = select(*about, _T.c.waiting_since).join(_B, _B.c.id == _T.c.mailbox_id).where(*its, *open_ones)
    for code, ente_id, kind, began_at in session.execute(rows):
        yield Wait(code, ente_id, kind == MailboxKind.PEC, began_at, None)
