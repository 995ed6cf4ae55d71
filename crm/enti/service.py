"""Closing and reopening the lines of a contract."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError
from crm.enti.consent import ClosureStanding, sentence
from crm.enti.models import Closure
from crm.enti.queries import contract_name, enti_of, switches, until_reopened

MAX_REASON = 200


def close_lines(session: Session, by: Principal, *, contract_id: int, reason: str) -> None:
    """Close every line of a contract from now until somebody reopens; callers are told, and hung up on."""
    by.require(Permission.CENTRE_CLOSE, contract_id=contract_id)
    reason = sentence(reason)
    if len(reason) > MAX_REASON:
        raise InvalidError(f"Il motivo è troppo lungo: al massimo {MAX_REASON} caratteri.")
    if any(switch.closed for switch in switches(session, frozenset({contract_id}))):
        raise ConflictError("Il centro è già chiuso.")
    changed(session)
    session.add(
        Closure(
            contract_id=contract_id, ente_id=None, starts_at=clock.now(session), ends_at=None, reason=reason,
            message=reason, standing=ClosureStanding.EMERGENCY, declared_by=by.user_id,
            declared_at=clock.now(session),
        )
    )  # fmt: skip
    session.flush()
    _note(session, by, "centre.closed", contract_id, reason=reason)
    touch(session, topics.board(contract_id))


def reopen_lines(session: Session, by: Principal, *, contract_id: int) -> None:
    """End the closure in force; ending none is no error, so that a second click does no harm."""
    by.require(Permission.CENTRE_CLOSE, contract_id=contract_id)
    changed(session)
    ended = session.execute(
        update(Closure)
        .where(Closure.contract_id == contract_id, *until_reopened(session))
        .values(ends_at=clock.now(session), reopened_by=by.user_id)
        .returning(Closure.id)
    ).all()
    if ended:
        _note(session, by, "centre.reopened", contract_id)
    touch(session, topics.board(contract_id))


def _note(session: Session, by: Principal, kind: str, contract_id: int, reason: str = "") -> None:
    """Each ente that the contract covers reads in its own log that its lines were closed, or opened again."""
    for ente_id in sorted(enti_of(session, contract_id)):
        audit.note(session, by, kind=kind, ente_id=ente_id, subject=contract_name(session, contract_id), reason=reason)
