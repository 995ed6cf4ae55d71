"""What is said of a call that passed a limit: notes, and requests to leave it out of the penalties. Never silently:
the ente of the call decides, what was said stays, and each step is in its access log.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import select
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
from crm.levels.models import ContractEvent, PenaltyRemark, RemarkState
from crm.levels.queries import agreement


class Step(StrEnum):
    """What may become of a request."""

    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


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
    session: Session, by: Principal, *, contract_id: int, metric: str, subject: str, text: str, leave_out: bool
) -> int:  # fmt: skip
    """Write a note on a call that passed a limit; `leave_out` asks its ente not to be paid for it. The remark's id.

    Raises `ConflictError` when the call is of no ente yet, or a request about it is open or was agreed to.
    """
    by.require(Permission.PENALTY_CONTEST, contract_id=contract_id)
    passed = session.scalar(
        select(ContractEvent).where(
            ContractEvent.contract_id == contract_id, ContractEvent.metric == metric, ContractEvent.subject == subject,
            ContractEvent.withdrawn_at.is_(None),
        )
    )  # fmt: skip
    if passed is None:
        raise NotFoundError("Questa chiamata non è oltre il limite.")
    if passed.ente_id is None or passed.ente_id not in enti_of(session, contract_id):
        raise ConflictError("Non si sa di quale ente è questa chiamata: nessuno può decidere.")
    text = words_given(text, "text")
    state = RemarkState.ASKED if leave_out else RemarkState.NOTE
    if leave_out and any(
        one.state in {RemarkState.ASKED, RemarkState.APPROVED}
        for one in _of(session, contract_id, metric, subject)
    ):  # fmt: skip
        raise ConflictError("L'esclusione di questa chiamata è già stata chiesta.")
    row = PenaltyRemark(
        contract_id=contract_id, ente_id=passed.ente_id, metric=metric, subject=subject, words=text, state=state,
        said_by=by.user_id, said_at=clock.now(session), decision="",
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.note(
        session, by, kind="penalty.exclusion_asked" if leave_out else "penalty.noted", ente_id=passed.ente_id,
        subject=metric, reason=text, after={"call": subject},
    )  # fmt: skip
    _tell(session, row)
    return row.id


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
        reason=row.decision or row.words, after={"call": row.subject},
    )  # fmt: skip
    _tell(session, row)


def remarks(session: Session, contract_id: int, first: date, after: date) -> dict[tuple[str, str], list[Remark]]:
    """What was said of the calls of a period, by metric and call, in the order in which it was said."""
    said, decided = aliased(User), aliased(User)
    rows = session.execute(
        select(PenaltyRemark, said.name, decided.name)
        .join(
            ContractEvent,
            (ContractEvent.contract_id == PenaltyRemark.contract_id)
            & (ContractEvent.metric == PenaltyRemark.metric)
            & (ContractEvent.subject == PenaltyRemark.subject),
        )
        .join(said, said.id == PenaltyRemark.said_by)
        .outerjoin(decided, decided.id == PenaltyRemark.decided_by)
        .where(
            PenaltyRemark.contract_id == contract_id, ContractEvent.occurred_at >= clock.start_of_day(first),
            ContractEvent.occurred_at < clock.start_of_day(after),
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
    """Requests to leave calls out that wait for an ente: of the contract's period that begins on `first`."""

    ente_id: int
    contract_id: int
    first: date
    count: int


def waiting(session: Session, ente_ids: Collection[int]) -> list[Waiting]:
    """What these enti have to decide, the earliest period first."""
    rows = session.execute(
        select(PenaltyRemark.ente_id, PenaltyRemark.contract_id, ContractEvent.occurred_at)
        .join(
            ContractEvent,
            (ContractEvent.contract_id == PenaltyRemark.contract_id)
            & (ContractEvent.metric == PenaltyRemark.metric)
            & (ContractEvent.subject == PenaltyRemark.subject),
        )
        .where(
            PenaltyRemark.ente_id.in_(ente_ids), PenaltyRemark.state == RemarkState.ASKED,
            ContractEvent.withdrawn_at.is_(None),
        )
    ).all()  # fmt: skip
    found: Counter[tuple[date, int, int]] = Counter()
    for ente_id, contract_id, at in rows:
        day = clock.business_day(at)
        agreed = agreement(session, contract_id, day)
        if agreed is not None:
            found[agreed.period.around(day)[0], contract_id, ente_id] += 1
    return [Waiting(ente_id, contract_id, first, n) for (first, contract_id, ente_id), n in sorted(found.items())]


def left_out(said: Mapping[tuple[str, str], list[Remark]]) -> frozenset[tuple[str, str]]:
    """The calls, by metric, that their enti agreed to leave out."""
    return frozenset(
        key for key, some in said.items() if any(one.state is RemarkState.APPROVED for one in some)
    )  # fmt: skip


def _of(session: Session, contract_id: int, metric: str, subject: str) -> list[PenaltyRemark]:
    return list(
        session.scalars(
            select(PenaltyRemark)
            .where(
                PenaltyRemark.contract_id == contract_id, PenaltyRemark.metric == metric,
                PenaltyRemark.subject == subject,
            )
            .with_for_update()
        )
    )  # fmt: skip


def _tell(session: Session, row: PenaltyRemark) -> None:
    touch(session, topics.board(row.contract_id), topics.ente(row.ente_id))
