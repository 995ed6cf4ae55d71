"""What is said of a call that passed a limit, of a day at the desks, or of a day that an unfit agent's removal came
late: notes, and requests to leave it out of the penalties. Never silently: the ente of the call or the agent decides,
of a day at the desks each of those whose offices were over the limit; what was said stays, and each step is in their
access logs.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, NotFoundError
from crm.core.reasons import words_given
from crm.enti.queries import enti_of
from crm.levels.closing import ONE_DAY, closed
from crm.levels.judging_desks import enti_over
from crm.levels.known import Breach
from crm.levels.metrics import LATE, OF_DAYS
from crm.levels.models import ContractEvent, PenaltyRemark, RemarkState
from crm.levels.queries import agreement
from crm.levels.verdicts import Verdict
from crm.turns.queries import longest_waits


class Step(StrEnum):
    """What may become of a request."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


Key = tuple[str, str]  # a metric, and the call or the day that passed its limit
NOT_OVER = "Questa chiamata, o questo giorno, non è oltre il limite."
_IS_OF_DAY = PenaltyRemark.metric.in_((*OF_DAYS, *LATE))  # its subject begins with a day
Late = Callable[[Session, int, date], Iterable[Breach]]  # a contract's late days, of findings of the period of a day
ISO_DAY = 10  # signs of a day
_ITS_CALL = and_(
    ContractEvent.contract_id == PenaltyRemark.contract_id, ContractEvent.metric == PenaltyRemark.metric,
    ContractEvent.subject == PenaltyRemark.subject,
)  # fmt: skip
BECOMES = {Step.APPROVE: RemarkState.APPROVED, Step.REFUSE: RemarkState.REFUSED, Step.WITHDRAW: RemarkState.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class Remark:
    """A note, or a request with what became of it."""

    id: int
    ente_id: int
    metric: str
    subject: str
    words: str
    state: RemarkState
    said_by: str
    said_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str


def say(
    session: Session, by: Principal, *, contract_id: int, metric: str, subject: str, text: str, leave_out: bool,
    late: Late = lambda _session, _contract_id, _day: (),
) -> list[int]:  # fmt: skip
    """Write a note on a call or a day (`subject` begins with its date) over a limit; `leave_out` asks each ente that it
    concerns not to be paid for it, but those that were asked already, or agreed. The remarks' ids, one for each ente.

    Raises `NotFoundError` for what is not over the limit, `ConflictError` when the call is of no ente yet, or every
    ente was asked.
    """
    by.require(Permission.PENALTY_CONTEST, contract_id=contract_id)
    if metric in LATE:
        whose = _of_late_day(session, contract_id, metric, subject, late)
    else:
        whose = (_of_day if metric in OF_DAYS else _of_call)(session, contract_id, metric, subject)
    text = words_given(text, "text")
    if leave_out:
        whose -= _settled(session, contract_id, metric, subject)
        if not whose:
            raise ConflictError("L'esclusione è già stata chiesta.")
    return [
        _said(
            session, by,
            PenaltyRemark(
                contract_id=contract_id, ente_id=one, metric=metric, subject=subject, words=text,
                state=RemarkState.ASKED if leave_out else RemarkState.NOTE, said_by=by.user_id,
                said_at=clock.now(session), decision="",
            ),
        )
        for one in sorted(whose)
    ]  # fmt: skip


def _said(session: Session, by: Principal, row: PenaltyRemark) -> int:
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="penalty.noted" if row.state is RemarkState.NOTE else "penalty.exclusion_asked",
        ente_id=row.ente_id, subject=row.metric, reason=row.words, after=_about(row),
    )  # fmt: skip
    _tell(session, row)
    return row.id


def _about(row: PenaltyRemark) -> dict[str, str]:
    """The call, or the day, as the access log has it."""
    is_of_day = row.metric in OF_DAYS or row.metric in LATE
    return {"day": row.subject[:ISO_DAY]} if is_of_day else {"call": row.subject}


def _of_call(session: Session, contract_id: int, metric: str, subject: str) -> set[int]:
    """Whose a call over a limit is."""
    passed = session.scalar(
        select(ContractEvent).where(
            ContractEvent.contract_id == contract_id, ContractEvent.metric == metric, ContractEvent.subject == subject,
            ContractEvent.withdrawn_at.is_(None),
        )
    )  # fmt: skip
    if passed is None:
        raise NotFoundError(NOT_OVER)
    if passed.ente_id is None or passed.ente_id not in enti_of(session, contract_id):
        raise ConflictError("Non si sa di quale ente è questa chiamata: nessuno può decidere.")
    return {passed.ente_id}


def _of_day(session: Session, contract_id: int, metric: str, subject: str) -> set[int]:
    """At whose offices a day was over the limit: as its period was closed, where that says it, else as is known now."""
    day = _date(subject)
    agreed = None if day is None else agreement(session, contract_id, day)
    promise = next((one for one in agreed.levels if one.metric == metric), None) if agreed else None
    if day is None or agreed is None or promise is None:
        raise NotFoundError(NOT_OVER)
    first, after = agreed.period.around(day)
    kept = closed(session, contract_id, first, after - ONE_DAY)
    passed = [breach for verdict in (kept.frozen.verdicts if kept else ()) for breach in verdict.penalised]
    found = {one for breach in passed if _key(breach) == (metric, subject) for one in breach.enti}
    if not found:
        waits = longest_waits(session, enti_of(session, contract_id), day, day + ONE_DAY)
        found = set(enti_over(promise, waits.get(day, {})))
    if not found:
        raise NotFoundError(NOT_OVER)
    return found


def _of_late_day(session: Session, contract_id: int, metric: str, subject: str, late: Late) -> set[int]:
    """For which ente the agent was found unfit."""
    day = _date(subject[:ISO_DAY])
    found = () if day is None else late(session, contract_id, day)
    whose = {ente_id for breach in found if _key(breach) == (metric, subject) for ente_id in breach.enti}
    if not whose:
        raise NotFoundError(NOT_OVER)
    return whose


def _date(subject: str) -> date | None:
    """The day, written as every other reader of it writes it: ISO 8601 has more ways."""
    try:
        day = date.fromisoformat(subject)
    except ValueError:
        return None
    return day if day.isoformat() == subject else None


def decide(session: Session, by: Principal, *, remark_id: int, step: Step, reason: str = "") -> None:
    """Agree to a request for one's ente, refuse it with a reason, or take one's own back. Decided once."""
    row = session.get(PenaltyRemark, remark_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    if step is Step.WITHDRAW:
        by.require(Permission.PENALTY_CONTEST, contract_id=row.contract_id)
    else:
        require_on(session, by, Permission.PENALTY_DECIDE, ente_id=row.ente_id)
    if row.state is BECOMES[step]:
        return
    if row.state is not RemarkState.ASKED:
        raise ConflictError("Questa richiesta è già stata decisa.")
    row.decision = words_given(reason, "reason") if step is Step.REFUSE else ""
    row.state, row.decided_by, row.decided_at = BECOMES[step], by.user_id, clock.now(session)
    session.flush()
    audit.note(
        session, by, kind=f"penalty.exclusion_{row.state.value}", ente_id=row.ente_id, subject=row.metric,
        reason=row.decision or row.words, after=_about(row),
    )  # fmt: skip
    _tell(session, row)


def remarks(session: Session, contract_id: int, first: date, after: date) -> dict[tuple[str, str], list[Remark]]:
    """What was said of the calls and the days of a period, by metric and subject, in the order in which it was said."""
    said, decided = aliased(User), aliased(User)
    rows = session.execute(
        select(PenaltyRemark, said.name, decided.name)
        .outerjoin(ContractEvent, _ITS_CALL)
        .join(said, said.id == PenaltyRemark.said_by)
        .outerjoin(decided, decided.id == PenaltyRemark.decided_by)
        .where(
            PenaltyRemark.contract_id == contract_id,
            or_(
                and_(
                    ContractEvent.occurred_at >= clock.start_of_day(first),
                    ContractEvent.occurred_at < clock.start_of_day(after),
                ),
                and_(
                    _IS_OF_DAY, PenaltyRemark.subject >= first.isoformat(), PenaltyRemark.subject < after.isoformat()
                ),
            ),
        )
        .order_by(PenaltyRemark.id)
    )  # fmt: skip
    found: dict[tuple[str, str], list[Remark]] = {}
    for row, said_by, decided_by in rows:
        found.setdefault((row.metric, row.subject), []).append(
            Remark(
                row.id, row.ente_id, row.metric, row.subject, row.words, row.state, said_by, row.said_at, decided_by,
                row.decided_at, row.decision,
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """Requests to leave calls or days out that wait for an ente: of the contract's period that begins on `first`."""

    ente_id: int
    contract_id: int
    first: date
    count: int


def waiting(session: Session, ente_ids: Collection[int]) -> list[Waiting]:
    """What these enti have to decide, the earliest period first."""
    rows = session.execute(
        select(PenaltyRemark.ente_id, PenaltyRemark.contract_id, PenaltyRemark.subject, ContractEvent.occurred_at)
        .outerjoin(ContractEvent, _ITS_CALL & ContractEvent.withdrawn_at.is_(None))
        .where(
            PenaltyRemark.ente_id.in_(ente_ids), PenaltyRemark.state == RemarkState.ASKED,
            or_(_IS_OF_DAY, ContractEvent.id.is_not(None)),
        )
    ).all()  # fmt: skip
    found: Counter[tuple[date, int, int]] = Counter()
    for ente_id, contract_id, subject, at in rows:
        day = date.fromisoformat(subject[:ISO_DAY]) if at is None else clock.business_day(at)
        agreed = agreement(session, contract_id, day)
        if agreed is not None:
            found[agreed.period.around(day)[0], contract_id, ente_id] += 1
    return [Waiting(ente_id, contract_id, first, n) for (first, contract_id, ente_id), n in sorted(found.items())]


def left_out(said: Mapping[Key, list[Remark]], verdicts: Iterable[Verdict]) -> frozenset[Key]:
    """The calls and the days over a limit, by metric, that everybody whom it concerns agreed to leave out. Pure."""
    return frozenset(
        key
        for verdict in verdicts
        for one in (*verdict.breaches, *verdict.penalised)
        if (key := _key(one)) in said and _agreed(one, said[key])
    )


def _agreed(breach: Breach, said: Iterable[Remark]) -> bool:
    """Whether all of the enti at whose offices a day was over agreed; else all that were asked."""
    asked = {one.ente_id: one.state for one in said if one.state is not RemarkState.NOTE}
    agreed = {one.ente_id for one in said if one.state is RemarkState.APPROVED}
    return bool(agreed) and agreed >= set(breach.enti or asked)


def _key(breach: Breach) -> Key:
    return breach.metric, breach.subject


def _settled(session: Session, contract_id: int, metric: str, subject: str) -> set[int]:
    """The enti that were asked about a call or a day and have not answered, or have agreed."""
    rows = session.scalars(
        select(PenaltyRemark)
        .where(
            PenaltyRemark.contract_id == contract_id, PenaltyRemark.metric == metric, PenaltyRemark.subject == subject
        )
        .with_for_update()
    )  # fmt: skip
    return {one.ente_id for one in rows if one.state in {RemarkState.ASKED, RemarkState.APPROVED}}


def _tell(session: Session, row: PenaltyRemark) -> None:
    touch(session, topics.board(row.contract_id), topics.ente(row.ente_id))
