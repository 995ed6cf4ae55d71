"""Closing and reopening the lines of a contract."""

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.core import clock, topics
from crm.core.configuration import changed
from crm.core.db import touch
from crm.core.errors import ConflictError, InvalidError
from crm.enti.models import Closure

MAX_REASON = 200


def close_lines(session: Session, by: Principal, *, contract_id: int, reason: str) -> None:
    """Close every line of a contract from now until somebody reopens; callers are told, and hung up on."""
    by.require(Permission.CENTRE_CLOSE, contract_id=contract_id)
    reason = _sentence(reason)
    if len(reason) > MAX_REASON:
        raise InvalidError(f"Il motivo è troppo lungo: al massimo {MAX_REASON} caratteri.")
    if _open_ended(session, contract_id) is not None:
        raise ConflictError("Il centro è già chiuso.")
    changed(session)
    session.add(
        Closure(
            contract_id=contract_id, ente_id=None, starts_at=clock.now(session), ends_at=None, reason=reason,
            declared_by=by.user_id,
        )
    )  # fmt: skip
    session.flush()
    touch(session, topics.board(contract_id))


def reopen_lines(session: Session, by: Principal, *, contract_id: int) -> None:
    """End the closure in force; ending none is no error, so that a second click does no harm."""
    by.require(Permission.CENTRE_CLOSE, contract_id=contract_id)
    changed(session)
    session.execute(update(Closure).where(*_in_force(session, contract_id)).values(ends_at=clock.now(session)))
    touch(session, topics.board(contract_id))


def _open_ended(session: Session, contract_id: int) -> int | None:
    return session.execute(select(Closure.id).where(*_in_force(session, contract_id)).limit(1)).scalar_one_or_none()


def _in_force(session: Session, contract_id: int) -> tuple[ColumnElement[bool], ...]:
    """The contract's own open-ended closure that has begun; an ente's closures are the ente's."""
    return (
        Closure.contract_id == contract_id,
        Closure.ente_id.is_(None),
        Closure.ends_at.is_(None),
        Closure.starts_at <= clock.now(session),
    )


def _sentence(text: str) -> str:
    """What somebody wrote, as one sentence: callers hear it between two others."""
    text = " ".join(text.split())
    return text if not text or text[-1] in ".!?" else f"{text[0].upper()}{text[1:]}."
