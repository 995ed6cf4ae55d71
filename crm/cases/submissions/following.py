"""What whoever sent a request sees of it by number and code, and what he may do: add papers, take it back."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.cases import documents, service, told
from crm.cases.deadlines import shown_day
from crm.cases.documents import Brought
from crm.cases.lifecycle import Deed, State, Topic
from crm.cases.models import Case, CaseDocument, CasePause, CaseStep, PauseReason
from crm.cases.running import open_of
from crm.cases.submissions import rules
from crm.cases.submissions.models import CaseSender
from crm.cases.submissions.rules import Stage
from crm.core.errors import ConflictError, NotFoundError
from crm.enti.models import Office


@dataclass(frozen=True, slots=True)
class Followed:
    """A request as whoever sent it sees it. `answer`: empty where there is none, or the code alone does not show it.

    `elsewhere`: there is one, and he has to ask for it where it is known who he is.
    """

    number: str
    topic: Topic
    language: str
    stage: Stage
    sent_at: datetime
    due: date | None
    protocol: str
    protocol_on: date | None
    answer: str
    answered_at: datetime | None
    elsewhere: bool
    office: str
    papers: str
    files: tuple[tuple[str, datetime], ...]  # that he has sent
    may_add: bool
    may_withdraw: bool


def view(session: Session, *, case_id: int) -> Followed:
    """How it stands. Raises `NotFoundError`."""
    row, sender = session.get(Case, case_id, populate_existing=True), session.get(CaseSender, case_id)
    if row is None or sender is None:
        raise NotFoundError("Questa richiesta non c'è.")
    pause = _pause(session, row)
    reply = session.scalars(
        select(CaseStep).where(CaseStep.case_id == case_id, CaseStep.deed.in_([Deed.REPLY, Deed.REDIRECT]))
        .order_by(CaseStep.id.desc()).limit(1)
    ).first()  # fmt: skip
    shows = rules.shows_answer(of_a_file=row.contact_id is not None)
    office = session.get(Office, row.office_id) if row.office_id is not None else None
    due = rules.answer_due((one.kind, one.due_at) for one in open_of(session, case_id))
    stage = rules.stage(row.state, row.outcome, rests=pause.reason if pause else None)
    return Followed(
        told.label(row), row.topic, sender.language, stage, row.received_at, shown_day(due) if due else None,
        row.protocol_number, row.protocol_on, reply.words if reply and shows else "", reply.at if reply else None,
        bool(reply) and not shows, ", ".join((office.name, office.address)) if office else "",
        pause.papers if pause else "", _his_files(session, case_id), may_add=stage is Stage.PAPERS,
        may_withdraw=rules.may_withdraw(row.state),
    )  # fmt: skip


def reached(session: Session, *, case_id: int) -> str:
    """Where number and code were sent; empty: nowhere."""
    there = session.get_one(CaseSender, case_id).reached_at
    return there[1] if there is not None else ""


def add_paper(session: Session, *, case_id: int, brought: Brought) -> None:
    """A file that he was asked for, whose contents are stored. Raises `ConflictError` where he was not asked."""
    row = service.locked(session, case_id)
    pause = _pause(session, row)
    if pause is None or pause.reason is not PauseReason.PAPERS_MISSING:
        raise ConflictError("Per questa richiesta adesso non servono altri documenti.")
    documents.attach(session, None, row, brought)


def withdraw(session: Session, *, case_id: int) -> None:
    """He wants it no more. Raises `ConflictError` once it is decided, or over."""
    service.take_back(session, case_id=case_id)


def _pause(session: Session, row: Case) -> CasePause | None:
    if row.state is State.CLOSED:
        return None
    return session.scalars(
        select(CasePause).where(CasePause.case_id == row.id, CasePause.until_at.is_(None))
    ).one_or_none()  # fmt: skip


def _his_files(session: Session, case_id: int) -> tuple[tuple[str, datetime], ...]:
    rows = session.execute(
        select(CaseDocument.name, CaseDocument.added_at)
        .where(CaseDocument.case_id == case_id, CaseDocument.added_by.is_(None)).order_by(CaseDocument.added_at)
    )  # fmt: skip
    return tuple((row.name, row.added_at) for row in rows)
