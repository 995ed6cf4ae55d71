"""What the citizen is told of his case, in the transaction in which it happens. None of it tells what it is about."""

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.cases.deadlines import shown_day
from crm.cases.lifecycle import Deed, State
from crm.cases.models import Case, ExtensionReason, PauseReason
from crm.cases.submissions.models import CaseSender
from crm.cases.told import label
from crm.enti import details
from crm.messages import service as messages
from crm.messages.rules import Go
from crm.messages.service import Order
from crm.messages.templates import MessageTemplate

_IN_WORDS = frozenset({Deed.REPLY, Deed.SUMMON})  # what is told in the words of whoever takes the step
Answers = Callable[[Session, Principal, Case, str], UUID | None]  # sends an answer; none: it has to go another way


def opened(session: Session, by: Principal | None, row: Case) -> UUID | None:
    """That it was registered, and under which number; whoever sent it from the pages is told with his code."""
    return _tell(session, by, row, MessageTemplate.CASE_OPENED)


def not_opened(session: Session, row: Case) -> None:
    """He is not told that it was registered, if he was not yet."""
    messages.withdraw(session, ente_id=row.ente_id, causes=[_cause(row, MessageTemplate.CASE_OPENED)])


def nowhere(session: Session, by: Principal, row: Case, words: str) -> UUID | None:  # noqa: ARG001  # an `Answers`
    """It was asked for in no conversation."""
    return None


def stepped(
    session: Session, by: Principal | None, row: Case, deed: Deed, words: str, answers: Answers = nowhere
) -> UUID | None:  # fmt: skip
    """The answer, or when and where he is summoned, in the conversation in which it was asked for, else at an address
    verified as his, or else that there is one; which office is competent; none of others.

    `words`: the answer.
    """
    known = MessageTemplate.CASE_SUMMONED if deed is Deed.SUMMON else MessageTemplate.CASE_ANSWERED
    message = answers(session, by, row, words) if deed in _IN_WORDS and by is not None else None
    if message is not None:
        return message
    if deed in _IN_WORDS and row.contact_id is None:
        return _tell(session, by, row, known)
    if deed in _IN_WORDS:
        order = _answer(row, words)
        if words and isinstance(messages.prepare(session, order).decision, Go):
            return messages.owe(session, by, order, cause=_cause(row, MessageTemplate.REPLY))
        return _tell(session, by, row, known)
    if deed is Deed.REDIRECT:
        office = next(one.name for one in details.offices(session, row.ente_id) if one.id == row.office_id)
        return _tell(session, by, row, MessageTemplate.CASE_REDIRECTED, office=office[:80])
    return None


def is_reached(session: Session, row: Case) -> bool:
    """Whether an answer would reach him as a message; else he could only be told that there is one."""
    return row.contact_id is not None and isinstance(messages.prepare(session, _answer(row, "-")).decision, Go)


def rests(session: Session, by: Principal | None, row: Case, reason: PauseReason) -> UUID | None:
    """That its terms rest, and why."""
    return _tell(session, by, row, MessageTemplate.CASE_RESTS, reason=reason.value)


def goes_on(session: Session, by: Principal | None, row: Case) -> UUID | None:
    """That they run again, and until when."""
    return _until(session, by, row, MessageTemplate.CASE_GOES_ON)


def extended(session: Session, by: Principal | None, row: Case, reason: ExtensionReason) -> UUID | None:
    """That there is more time, until when, and why."""
    return _until(session, by, row, MessageTemplate.CASE_EXTENDED, reason=reason.value)


def _answer(row: Case, words: str) -> Order:
    values = {"protocol": row.protocol_number.upper() or label(row), "answer": words}
    return Order(row.ente_id, MessageTemplate.REPLY.value, values, contact_id=row.contact_id)


def _until(
    session: Session, by: Principal | None, row: Case, template: MessageTemplate, **values: object
) -> UUID | None:  # fmt: skip
    if row.due_at is None:
        return None
    return _tell(session, by, row, template, day=shown_day(row.due_at), **values)


def _tell(
    session: Session, by: Principal | None, row: Case, template: MessageTemplate, **values: object
) -> UUID | None:  # fmt: skip
    if row.state is State.CLOSED and template is MessageTemplate.CASE_OPENED:
        return None
    if row.contact_id is None:
        return _tell_sender(session, by, row, template, **values)
    order = Order(row.ente_id, template.value, {"number": label(row), **values}, contact_id=row.contact_id)
    return messages.owe(session, by, order, cause=_cause(row, template))


def _tell_sender(
    session: Session, by: Principal | None, row: Case, template: MessageTemplate, **values: object
) -> UUID | None:  # fmt: skip
    """Whoever sent it from the pages, where he left an address; what he is to read or to do there, with the link."""
    found = session.get(CaseSender, row.id)
    there = found.reached_at if found is not None else None
    if found is None or there is None or template is MessageTemplate.CASE_OPENED:
        return None
    if template is MessageTemplate.CASE_ANSWERED:
        template, values = MessageTemplate.CASE_NEWS, {"link": found.page}
    elif values.get("reason") == PauseReason.PAPERS_MISSING.value:
        template, values = MessageTemplate.CASE_PAPERS, {"link": found.page}
    order = Order(
        row.ente_id, template.value, {"number": label(row), **values}, channel=there[0], address=there[1],
        language=found.language,
    )  # fmt: skip
    return messages.owe(session, by, order, cause=_cause(row, template))


def _cause(row: Case, template: MessageTemplate) -> str:
    return f"case:{row.id}:{template.value}:{row.version}"
