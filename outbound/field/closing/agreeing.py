"""Agreeing on commission: the company proposes conditions, the ente accepts or refuses them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.access.permissions import Permission, Principal
from crm.access.service import require_on
from crm.audit import service as audit
from crm.core import clock
from crm.core.errors import ConflictError, FieldError, NotFoundError
from outbound.field.closing import agreed
from outbound.field.closing.agreed import Conditions, TermsState, Version
from outbound.field.closing.models import CommissionTerms, Settlement
from outbound.field.closing.quarters import Quarter

CHANGED = "Le condizioni nel frattempo sono cambiate: riapri la pagina."


@dataclass(frozen=True, slots=True)
class Proposal:
    """Conditions as they stand."""

    id: int
    ente_id: int
    valid_from: date
    state: TermsState
    conditions: Conditions
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None
    reason: str


def propose(
    session: Session, by: Principal, *, ente_id: int, valid_from: date, conditions: Conditions
) -> int:  # fmt: skip
    """Propose conditions from a day on; their id.

    Raises `InvalidError` for what nobody can agree on, `FieldError` for a day that is settled already, `ConflictError`
    while others are proposed, `ForbiddenError`.
    """
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=ente_id)
    agreed.check(conditions)
    first = _first_free(session, ente_id)
    if first is not None and valid_from < first:
        raise FieldError("Per quel giorno le provvigioni sono già liquidate: scegline uno dopo.", "from")
    row = CommissionTerms(
        ente_id=ente_id, valid_from=valid_from, state=TermsState.PROPOSED, conditions=agreed.stored(conditions),
        proposed_at=clock.now(session), proposed_by=by.user_id, reason="",
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise ConflictError("Ci sono già condizioni che aspettano l'ente: ritirale, o aspetta che decida.") from None
    audit.note(
        session, by, kind="field.terms_proposed", ente_id=ente_id,
        after={"valid_from": valid_from.isoformat(), "conditions": row.conditions},
    )  # fmt: skip
    return row.id


def decide(session: Session, by: Principal, *, terms_id: int, accepts: bool, reason: str = "") -> None:
    """The ente accepts or refuses what was proposed.

    Raises `ConflictError` when that is decided, or its first day settled, by now; `FieldError` for a refusal that says
    nothing; `NotFoundError`, `ForbiddenError`.
    """
    row = _locked(session, terms_id)
    require_on(session, by, Permission.FIELD_APPROVE, ente_id=row.ente_id)
    reason = " ".join(reason.split())[:400]
    if not accepts and not reason:
        raise FieldError("Scrivi perché.", "reason")
    first = _first_free(session, row.ente_id)
    if accepts and first is not None and row.valid_from < first:
        raise ConflictError("Nel frattempo quel trimestre è stato liquidato: servono condizioni che comincino dopo.")
    _ended(session, row, TermsState.ACCEPTED if accepts else TermsState.REFUSED, by, reason)
    audit.note(
        session, by, kind="field.terms_accepted" if accepts else "field.terms_refused", ente_id=row.ente_id,
        reason=reason, after={"terms": row.id},
    )  # fmt: skip


def withdraw(session: Session, by: Principal, *, terms_id: int) -> None:
    """The company withdraws what it proposed. Raises `ConflictError`, `NotFoundError`, `ForbiddenError`."""
    row = _locked(session, terms_id)
    require_on(session, by, Permission.FIELD_MANAGE, ente_id=row.ente_id)
    _ended(session, row, TermsState.WITHDRAWN, by, "")
    audit.note(session, by, kind="field.terms_withdrawn", ente_id=row.ente_id, after={"terms": row.id})


def accepted(session: Session, ente_id: int, by: datetime) -> list[Version]:
    """The conditions of an ente that were accepted by an instant."""
    rows = session.scalars(
        select(CommissionTerms)
        .where(
            CommissionTerms.ente_id == ente_id, CommissionTerms.state == TermsState.ACCEPTED,
            CommissionTerms.decided_at <= by,
        )
        .order_by(CommissionTerms.valid_from, CommissionTerms.id)
    )  # fmt: skip
    return [Version(row.id, row.valid_from, agreed.restored(row.conditions)) for row in rows]


def proposals(session: Session, ente_ids: Collection[int]) -> list[Proposal]:
    """All conditions of these enti, the latest first."""
    rows = session.execute(
        select(CommissionTerms, User.name)
        .join(User, User.id == CommissionTerms.proposed_by)
        .where(CommissionTerms.ente_id.in_(ente_ids))
        .order_by(CommissionTerms.id.desc())
    )
    return [
        Proposal(
            row.id, row.ente_id, row.valid_from, row.state, agreed.restored(row.conditions), row.proposed_at, name,
            row.decided_at, row.reason,
        )
        for row, name in rows
    ]  # fmt: skip


def _first_free(session: Session, ente_id: int) -> date | None:
    """The first day of an ente that is in no settled quarter; none: nothing is settled."""
    last = session.scalar(select(func.max(Settlement.quarter)).where(Settlement.ente_id == ente_id))
    return None if last is None else Quarter.parse(last).next.first


def _locked(session: Session, terms_id: int) -> CommissionTerms:
    row = session.get(CommissionTerms, terms_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Queste condizioni non ci sono.")
    if row.state is not TermsState.PROPOSED:
        raise ConflictError(CHANGED)
    return row


def _ended(session: Session, row: CommissionTerms, state: TermsState, by: Principal, reason: str) -> None:
    row.state, row.decided_at, row.decided_by, row.reason = state, clock.now(session), by.user_id, reason
    session.flush()
