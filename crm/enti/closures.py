"""Planned closures: proposed by the centre, approved or refused by each ente, decided anew, taken back.

A number that was closed by itself (`crm.enti.numbers`) is decided the same way, while that lasts or afterwards.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, FieldError, InvalidError, NotFoundError
from crm.enti import consent
from crm.enti.consent import STANDS, ClosureStanding, sentence
from crm.enti.models import Closure
from crm.enti.queries import enti_of

MAX_TEXT, MAX_REASON = 200, 400


def propose(
    session: Session, by: Principal, *, contract_id: int, ente_ids: Collection[int], starts_at: datetime,
    ends_at: datetime, reason: str, message: str,
) -> UUID:  # fmt: skip
    """Ask enti of a contract to agree to a closure; each decides for its own lines.

    Raises `InvalidError` with what is wrong with each field.
    """
    by.require(Permission.CLOSURE_PROPOSE, contract_id=contract_id)
    at = clock.now(session)
    reason, message = " ".join(reason.split()), " ".join(message.split())
    wrong = [*_text_wrong("reason", reason), *_text_wrong("message", message)]
    if not ente_ids or not set(ente_ids) <= enti_of(session, contract_id):
        wrong.append(InvalidError("Scegli almeno un ente del contratto.", field="ente"))
    if wrong:
        raise InvalidError("Manca qualcosa per chiedere la chiusura.", parts=wrong)
    consent.check_spell(starts_at, ends_at, at)
    _refuse_twice(session, contract_id, ente_ids, starts_at, ends_at)
    changed(session)
    proposal = uuid4()
    for ente_id in sorted(set(ente_ids)):
        session.add(
            Closure(
                contract_id=contract_id, ente_id=ente_id, starts_at=starts_at, ends_at=ends_at, reason=reason,
                message=sentence(message), standing=ClosureStanding.PROPOSED, proposal=proposal,
                declared_by=by.user_id, declared_at=at, decision_reason="",
            )
        )  # fmt: skip
        audit.note(
            session, by, kind="closure.proposed", ente_id=ente_id, reason=reason,
            after={"from": starts_at.isoformat(), "to": ends_at.isoformat(), "message": message},
        )  # fmt: skip
    session.flush()
    _tell(session, contract_id, ente_ids)
    return proposal


def decide(session: Session, by: Principal, *, closure_id: int, approve: bool, reason: str = "") -> None:
    """Agree for one's ente, or not. Its lines are closed in that time if it does."""
    row, ente_id = _to_decide(session, by, closure_id)
    reason = "" if approve else reason.strip()
    if len(reason) > MAX_REASON:
        raise FieldError("È troppo lungo: abbrevialo.", field="reason")
    at, before = clock.now(session), row.standing
    if row.number is None:
        standing = consent.decided(before, approve=approve, reason=reason, ends_at=row.ends_at, now=at)
    else:
        standing = consent.judged(before, approve=approve, reason=reason)
    changed(session)
    row.standing, row.decided_by, row.decided_at = standing, by.user_id, at
    row.decision_reason = reason
    session.flush()
    audit.note(
        session, by, kind="closure.approved" if approve else "closure.refused", ente_id=ente_id,
        subject=row.number or "", reason=reason,
        before={"standing": before.value}, after={"standing": standing.value, "from": row.starts_at.isoformat()},
    )  # fmt: skip
    _tell(session, row.contract_id, [ente_id])


def undo_decision(session: Session, by: Principal, *, closure_id: int) -> None:
    """The ente decides anew, until the closure begins; of a number's, within a day. Raises `ConflictError` when it is
    too late, or when the same time was asked for again since it was refused."""
    row, ente_id = _to_decide(session, by, closure_id)
    before, at = row.standing, clock.now(session)
    if row.number is not None:
        standing = consent.unjudged(before, decided_at=row.decided_at, now=at)
    else:
        standing = consent.undecided(before, starts_at=row.starts_at, now=at)
    if row.number is None and before not in STANDS and row.ends_at is not None:
        _refuse_twice(session, row.contract_id, [ente_id], row.starts_at, row.ends_at)
    changed(session)
    row.standing, row.decided_by, row.decided_at, row.decision_reason = standing, None, None, ""
    session.flush()
    audit.note(
        session, by, kind="closure.undecided", ente_id=ente_id, subject=row.number or "",
        before={"standing": before.value},
        after={"standing": standing.value, "from": row.starts_at.isoformat()},
    )  # fmt: skip
    _tell(session, row.contract_id, [ente_id])


def take_back(session: Session, by: Principal, *, proposal: UUID) -> None:
    """The centre stays open after all, or opens again now: that needs nobody's approval. Twice is once."""
    rows = session.scalars(
        select(Closure)
        .where(Closure.proposal == proposal, Closure.number.is_(None))
        .order_by(Closure.id)
        .with_for_update()
    ).all()
    if not rows:
        raise NotFoundError("Questa chiusura non esiste.")
    by.require(Permission.CLOSURE_PROPOSE, contract_id=rows[0].contract_id)
    at = clock.now(session)
    changed(session)
    for row in rows:
        if row.standing not in STANDS or (row.ends_at is not None and row.ends_at <= at):
            continue
        if row.standing is ClosureStanding.APPROVED and row.starts_at <= at:
            row.ends_at = at  # it was closed, as agreed, until now
        else:
            row.standing = ClosureStanding.WITHDRAWN
        audit.note(session, by, kind="closure.withdrawn", ente_id=row.ente_id, subject=row.starts_at.isoformat())
    session.flush()
    _tell(session, rows[0].contract_id, [row.ente_id for row in rows if row.ente_id])


def _to_decide(session: Session, by: Principal, closure_id: int) -> tuple[Closure, int]:
    """A closure, locked, and the ente for which `by` may decide it."""
    row = session.get(Closure, closure_id, with_for_update=True, populate_existing=True)
    if row is None or row.ente_id is None:
        raise NotFoundError("Questa chiusura non esiste.")
    require_on(session, by, Permission.CLOSURE_APPROVE, ente_id=row.ente_id)
    return row, row.ente_id


def _text_wrong(field: str, text: str) -> list[InvalidError]:
    if not text:
        return [InvalidError("Scrivilo: lo legge chi decide, o lo sente chi chiama.", field=field)]
    return [InvalidError("È troppo lungo: al massimo 200 caratteri.", field=field)] if len(text) > MAX_TEXT else []


def _refuse_twice(
    session: Session, contract_id: int, ente_ids: Collection[int], starts_at: datetime, ends_at: datetime
) -> None:
    """The same time is not asked for twice: somebody pressed again, or a colleague was first, or is at it now."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("closures", contract_id))))
    same = select(Closure.id).where(
        Closure.contract_id == contract_id, Closure.ente_id.in_(ente_ids), Closure.standing.in_(STANDS),
        Closure.number.is_(None), Closure.starts_at < ends_at, Closure.ends_at > starts_at,
    )  # fmt: skip
    if session.execute(same.limit(1)).first() is not None:
        raise ConflictError("Per uno di questi enti c'è già una chiusura in questo periodo, chiesta o approvata.")


def _tell(session: Session, contract_id: int, ente_ids: Collection[int]) -> None:
    touch(session, topics.board(contract_id), *(topics.ente(one) for one in ente_ids))
