"""Answers to requests that go by post: written, looked at beforehand, taken back, and where each of them stands."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Principal
from crm.audit import service as audit
from crm.cases import posting, told
from crm.cases.models import Case
from crm.contacts import queries as contacts
from crm.contacts.addresses import Address
from crm.contacts.queries import ContactView
from crm.core import clock
from crm.core.errors import ConflictError, NotFoundError
from outbound.letters import answer, from_cases
from outbound.letters.address import best_of
from outbound.letters.answer import Draft
from outbound.letters.codes import Code
from outbound.letters.from_cases import WAITING
from outbound.letters.models import Letter, LetterAnswer, LetterOutcome, LetterState

SUBJECT = "Risposta alla sua richiesta"  # on the letter, as whoever writes finds it
IN_BATCH = "È già in un lotto: finché il lotto non è consegnato lo può annullare chi prepara le lettere."
UNDER_WAY = "C'è già una risposta per lettera che deve partire: se non va bene, prima ritirala."
GONE = "Questa lettera è già stata ritirata."
NOT_LEFT = (LetterState.COMPOSED, LetterState.MADE)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One answer. `state` none: it waits for a batch; `code`: of its letter; `opens`: whether there is a file."""

    id: UUID
    subject: str
    body: str
    lines: tuple[str, ...]
    written_by: str
    written_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str  # empty: nobody, its request went on
    state: LetterState | None
    code: Code | None
    letter_id: UUID | None
    opens: bool
    outcome: LetterOutcome | None
    outcome_on: date | None

    @property
    def waits(self) -> bool:
        """Whether it may still be taken back by whoever works on the request."""
        return self.state is None and self.withdrawn_at is None

    @property
    def under_way(self) -> bool:
        """Whether it is still to leave."""
        return self.withdrawn_at is None and (self.state is None or self.state in NOT_LEFT)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Answers under a contract that an ente's next batch takes, and since when the first of them waits."""

    ente_id: int
    contract_id: int
    count: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Begun:
    """A request that may be answered by letter now, and what the letter begins with. `again`: what the last one said,
    which came back.
    """

    case: Case
    draft: Draft
    again: bool


def begun(session: Session, by: Principal, *, case_id: int) -> Begun:
    """At its taxpayer's best address. Raises `ConflictError` for what stands against it."""
    row, last = _answerable(session, by, case_id)
    told.note(session, by, row, "case.looked")
    person = _person(session, row)
    best = best_of(person) or next(iter(person.addresses), Address())
    place = Address(best.street, best.postcode, best.town, best.province, best.country)
    words = (last.subject, last.body) if last else (SUBJECT, "")
    return Begun(row, Draft(person.name, place, *words), last is not None)


def preview(session: Session, by: Principal, *, case_id: int, draft: Draft) -> tuple[dict[str, Any], datetime]:
    """What the letter would say today, and that day's begin. Raises `InvalidError`, `ConflictError`."""
    row, _ = _answerable(session, by, case_id)
    answer.check(draft)
    audit.note(session, by, kind="letter.previewed", ente_id=row.ente_id, contact_id=row.contact_id)
    day = clock.business_day(clock.now(session))
    said = answer.written(
        str(Code(0, 0)), from_cases.sender(session, ente_id=row.ente_id, contract_id=row.contract_id),
        from_cases.asked(session, case_id), to=draft.lines, subject=draft.subject, body=draft.body, day=day,
    )  # fmt: skip
    return said, clock.start_of_day(day)


def write(
    session: Session, by: Principal, *, case_id: int, version: int, once: UUID, draft: Draft
) -> None:  # fmt: skip
    """Have it leave with the ente's next batch of answers. `once`: the form's, sent twice it is one letter.

    Raises `InvalidError` field by field, `ConflictError` for what stands against it.
    """
    session.get(Case, case_id, with_for_update=True)
    known = session.get(LetterAnswer, once)
    if known is not None and known.case_id == case_id:
        return
    answer.check(draft)
    row, _ = _answerable(session, by, case_id, version)
    assert row.contact_id is not None
    his = {one.key: one.id for one in _person(session, row).addresses}
    step_id = posting.wrote(session, by, row)
    session.add(
        LetterAnswer(
            id=once, ente_id=row.ente_id, contract_id=row.contract_id, case_id=case_id, contact_id=row.contact_id,
            lines=list(draft.lines), address_id=his.get(draft.address.key), subject=draft.subject, body=draft.body,
            step_id=step_id, written_by=by.user_id, written_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()


def withdraw(session: Session, by: Principal, *, case_id: int, answer_id: UUID) -> None:
    """It does not leave, as long as no batch has it. Raises `ConflictError` afterwards."""
    session.get(Case, case_id, with_for_update=True)
    row = session.get(LetterAnswer, answer_id, with_for_update=True, populate_existing=True)
    if row is None or row.case_id != case_id:
        raise NotFoundError("Questa lettera non c'è.")
    if row.letter_id is not None:
        raise ConflictError(IN_BATCH)
    if row.withdrawn_at is not None:
        raise ConflictError(GONE)
    posting.dropped(session, by, case_id=case_id)
    row.withdrawn_at, row.withdrawn_by = clock.now(session), by.user_id
    session.flush()


def of_case(session: Session, case_id: int) -> list[AnswerView]:
    """Those to one request of the scope, the newest first."""
    rows = session.execute(
        select(LetterAnswer, Letter).outerjoin(Letter, Letter.id == LetterAnswer.letter_id)
        .where(LetterAnswer.case_id == case_id).order_by(LetterAnswer.written_at.desc(), LetterAnswer.id)
    ).all()  # fmt: skip
    who = access.named(session, {one for row, _ in rows for one in (row.written_by, row.withdrawn_by) if one})
    return [
        AnswerView(
            row.id, row.subject, row.body, tuple(row.lines), who[row.written_by], row.written_at, row.withdrawn_at,
            who.get(row.withdrawn_by or 0, ""), letter.state if letter else None,
            Code(letter.batch_id, letter.number) if letter else None, row.letter_id,
            letter is not None and letter.sha256 is not None, letter.outcome if letter else None,
            letter.outcome_on if letter else None,
        )
        for row, letter in rows
    ]  # fmt: skip


def waiting(session: Session, ente_ids: Collection[int]) -> list[Waiting]:
    """What the next batches take, of these enti; not the answers whose terms rest."""
    rows = session.execute(
        select(
            LetterAnswer.ente_id, LetterAnswer.contract_id, func.count(), func.min(LetterAnswer.written_at)
        )
        .join(Case, Case.id == LetterAnswer.case_id).where(LetterAnswer.ente_id.in_(ente_ids), *WAITING, ~Case.rests)
        .group_by(LetterAnswer.ente_id, LetterAnswer.contract_id)
        .order_by(LetterAnswer.ente_id, LetterAnswer.contract_id)
    )  # fmt: skip
    return [Waiting(*row) for row in rows]


def labels(session: Session, batch_id: int) -> dict[UUID, tuple[int, str]]:
    """The requests that the letters of a batch answer, by letter: their ids and numbers."""
    rows = session.execute(
        select(LetterAnswer.letter_id, Case.id, Case.year, Case.number)
        .join(Case, Case.id == LetterAnswer.case_id).join(Letter, Letter.id == LetterAnswer.letter_id)
        .where(Letter.batch_id == batch_id)
    )  # fmt: skip
    return {letter_id: (case_id, f"{year}/{number}") for letter_id, case_id, year, number in rows if letter_id}


def came_back(session: Session, case_id: int, known: Sequence[AnswerView]) -> AnswerView | None:
    """The letter that answered a request and came back; none: it needs no other. `known`: all of the request's."""
    left = next((one for one in known if one.withdrawn_at is None), None)
    back = left is not None and left.state is LetterState.RETURNED
    return left if back and posting.is_answered(session, case_id=case_id) else None


def _answerable(
    session: Session, by: Principal, case_id: int, version: int | None = None
) -> tuple[Case, AnswerView | None]:  # fmt: skip
    known = of_case(session, case_id)
    last = came_back(session, case_id, known)
    may = posting.again if last else posting.answerable
    row = may(session, by, case_id=case_id, version=version)
    if any(one.under_way for one in known):
        raise ConflictError(UNDER_WAY)
    return row, last


def _person(session: Session, row: Case) -> ContactView:
    assert row.contact_id is not None, "it may be answered by post"
    return contacts.get(session, row.contact_id)
