"""Somebody waits for an answer in a conversation, since when, and until when it has to have left."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases.deadlines import due_at
from crm.core import clock
from crm.core.configuration import kept
from crm.core.db import table_of
from crm.enti.days import Patron
from crm.enti.models import Ente
from crm.levels import queries as levels
from telephony.mail import queries
from telephony.mail.automatic import Nature
from telephony.mail.models import Mail, MailThread, ThreadState
from telephony.mail.terms import Term, term_of

_MAIL = table_of(Mail)


def begins(session: Session, thread: MailThread, since: datetime, *, certified: bool) -> None:
    """Somebody waits since then, unless somebody has waited for longer."""
    since = thread.waiting_since or since
    term = term_on(session, thread.contract_id, since, certified=certified)
    by = answer_by(session, thread.ente_id, since, term)
    thread.state, thread.closed_at, thread.waiting_since, thread.answer_by = ThreadState.OPEN, None, since, by


def ends(thread: MailThread, state: ThreadState, *, closed_at: datetime | None = None) -> None:
    """Nobody waits any more."""
    thread.state, thread.closed_at, thread.waiting_since, thread.answer_by = state, closed_at, None, None


def answered(session: Session, thread: MailThread, answer_id: UUID) -> None:
    """Whoever waits in a conversation is answered by this."""
    if thread.waiting_since is not None:
        owed = (_MAIL.c.thread_id == thread.id, _MAIL.c.inbound, _MAIL.c.answered_by.is_(None))
        session.execute(
            update(_MAIL).where(*owed, _MAIL.c.at >= thread.waiting_since)
            .values(answered_at=clock.now(session), answered_by=answer_id)
        )  # fmt: skip
    ends(thread, ThreadState.ANSWERED)


def unanswered(session: Session, answer_id: UUID) -> datetime | None:
    """That was no answer after all: since when whoever it was for has waited; none where it was for nobody."""
    its = update(_MAIL).where(_MAIL.c.answered_by == answer_id).values(answered_at=None, answered_by=None)
    return min(session.scalars(its.returning(_MAIL.c.at)), default=None)


def not_arrived(session: Session, thread: MailThread, ours: Mail, at: datetime, *, certified: bool) -> None:
    """What we wrote did not arrive: whoever an answer was for still waits for it, and has since he wrote."""
    thread.trouble = True
    if ours.agent_id is not None:
        since = unanswered(session, ours.id)
        begins(session, thread, since or at, certified=certified)
    session.flush()


def arrived(session: Session, thread: MailThread, ours: Mail, *, certified: bool) -> None:
    """What was given up did arrive: whoever had written before was answered by it, and waits only if he wrote since.

    Nothing more is done where somebody has answered again meanwhile, or closed the conversation.
    """
    if ours.agent_id is not None and thread.state is ThreadState.OPEN and thread.waiting_since is not None:
        owed = (
            _MAIL.c.thread_id == thread.id, _MAIL.c.inbound, _MAIL.c.answered_by.is_(None),
            _MAIL.c.nature == Nature.PERSON, _MAIL.c.at >= thread.waiting_since,
        )  # fmt: skip
        session.execute(
            update(_MAIL).where(*owed, _MAIL.c.at <= ours.at).values(answered_at=ours.at, answered_by=ours.id)
        )
        since = session.scalar(select(func.min(_MAIL.c.at)).where(*owed))
        ends(thread, ThreadState.ANSWERED)
        thread.trouble = since is not None
        if since is not None:
            begins(session, thread, since, certified=certified)
    session.flush()


def of_contacts(session: Session, by: Principal, contact_ids: Collection[int]) -> list[MailThread]:
    """The conversations that he may read in which these people wait for an answer, the most urgent first."""
    theirs = (MailThread.contact_id.in_(contact_ids), MailThread.state == ThreadState.OPEN)
    rows = session.scalars(select(MailThread).where(*theirs).order_by(MailThread.answer_by, MailThread.id))
    return [one for one in rows if queries.may_read(session, by, one)]


def term_on(session: Session, contract_id: int, since: datetime, *, certified: bool) -> Term:
    """The term of a mail that came then."""
    agreed = levels.agreement(session, contract_id, clock.business_day(since))
    return term_of({one.metric: one for one in agreed.levels} if agreed else {}, certified=certified)


def answer_by(session: Session, ente_id: int | None, since: datetime, term: Term) -> datetime:
    """Until when an answer is in time, on the ente's calendar; while nobody knows which, on that of all."""
    due = due_at(since, term.span, patron_of(session, ente_id))
    assert due is not None
    return due


@kept
def patron_of(session: Session, ente_id: int | None) -> Patron | None:
    """The day of an ente's patron saint."""
    found = session.get(Ente, ente_id) if ente_id is not None else None
    return (found.patron_month, found.patron_day) if found is not None else None
