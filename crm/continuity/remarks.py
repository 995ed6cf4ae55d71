"""Asking an ente not to count an interruption. What was measured stands; the ente alone decides what counts."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.continuity.models import Interruption, InterruptionRemark, RemarkState
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import ConflictError, NotFoundError
from crm.core.reasons import words_given
from crm.enti.queries import enti_of


def ask(session: Session, by: Principal, *, contract_id: int, interruption_id: int, text: str) -> int:
    """Ask each ente of a contract not to count an interruption; how many were asked.

    Those that were asked already, or agreed, are not asked again. Raises `ConflictError` when that is all of them.
    """
    by.require(Permission.PENALTY_CONTEST, contract_id=contract_id)
    if session.get(Interruption, interruption_id) is None:
        raise NotFoundError("Questa interruzione non c'è.")
    words = words_given(text, "text")
    settled = set(
        session.scalars(
            select(InterruptionRemark.ente_id).where(
                InterruptionRemark.contract_id == contract_id, InterruptionRemark.interruption_id == interruption_id,
                InterruptionRemark.state.in_([RemarkState.ASKED, RemarkState.APPROVED]),
            )
        )
    )  # fmt: skip
    wanted = sorted(enti_of(session, contract_id) - settled)
    if not wanted:
        raise ConflictError("L'esclusione di questa interruzione è già stata chiesta.")
    for ente_id in wanted:
        session.add(
            InterruptionRemark(
                contract_id=contract_id, ente_id=ente_id, interruption_id=interruption_id, words=words,
                state=RemarkState.ASKED, said_by=by.user_id, said_at=clock.now(session), decision="",
            )
        )  # fmt: skip
        audit.note(
            session, by, kind="interruption.exclusion_asked", ente_id=ente_id,
            subject=f"interruption:{interruption_id}", reason=words,
        )  # fmt: skip
    session.flush()
    touch(session, topics.continuity(), *(topics.ente(one) for one in wanted))
    return len(wanted)


def decide(session: Session, by: Principal, *, remark_id: int, agreed: bool, reason: str = "") -> None:
    """Agree for one's ente, or refuse with a reason. Decided once; said again it is no error."""
    row = session.get(InterruptionRemark, remark_id, with_for_update=True)
    if row is None:
        raise NotFoundError("Questa richiesta non c'è.")
    require_on(session, by, Permission.PENALTY_DECIDE, ente_id=row.ente_id)
    wanted = RemarkState.APPROVED if agreed else RemarkState.REFUSED
    if row.state is wanted:
        return
    if row.state is not RemarkState.ASKED:
        raise ConflictError("Questa richiesta è già stata decisa.")
    row.decision = "" if agreed else words_given(reason, "reason")
    row.state, row.decided_by, row.decided_at = wanted, by.user_id, clock.now(session)
    session.flush()
    audit.note(
        session, by, kind="interruption.exclusion_approved" if agreed else "interruption.exclusion_refused",
        ente_id=row.ente_id, subject=f"interruption:{row.interruption_id}", reason=row.decision or row.words,
    )  # fmt: skip
    touch(session, topics.continuity(), topics.ente(row.ente_id))
