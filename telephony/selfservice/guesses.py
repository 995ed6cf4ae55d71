"""Guesses at what opens somebody's data in the voice menu, counted across calls: a PIN, a code, an appointment's code.

A caller, and what he guesses at (a notice, a telephone), are judged by the same failures, each by its own measure
(`limits`). Both are kept as keyed hashes, for a day.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from crm.core import clock, secrecy
from telephony.selfservice import limits
from telephony.selfservice.models import FactorFailure

WITHHELD = b""  # stands for the number of whoever withholds it


@dataclass(frozen=True, slots=True)
class Guess:
    """Who guesses, and at what. Both are locked until the end of the transaction: who tries from two lines at once has
    no more tries.
    """

    contract_id: int
    who: bytes
    what: bytes


def about(session: Session, *, contract_id: int, caller: str | None, kind: str, what: str) -> Guess:
    """A guess of a caller (E.164; none withholds his number) at something of a kind, such as "self-service notice"."""
    hidden = secrecy.of(session)
    who = hidden.mark("self-service caller", caller.encode()) if caller else WITHHELD
    found = Guess(contract_id, who, hidden.mark(kind, what.encode()))
    for mark in (found.who, found.what):
        if mark != WITHHELD:
            session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(mark[:8], "big", signed=True))))
    return found


def stopped(session: Session, guess: Guess, *, ente_id: int | None) -> bool:
    """Whether there have been too many failures of this caller, about this, or of the whole ente, where it is known."""
    at = clock.now(session)
    own = FactorFailure.contract_id == guess.contract_id
    of_caller = limits.WITHHELD if guess.who == WITHHELD else limits.CALLER
    return (
        limits.reached(_failed(session, at, own, FactorFailure.caller_mark == guess.who), of_caller, at)
        or limits.reached(_failed(session, at, FactorFailure.notice_mark == guess.what), limits.NOTICE, at)
        or (
            ente_id is not None
            and limits.reached(_failed(session, at, FactorFailure.ente_id == ente_id), limits.ENTE, at)
        )
    )


def failed(session: Session, guess: Guess, *, ente_id: int | None) -> None:
    """It was wrong. What is too old to count goes, as far as this transaction sees it."""
    at = clock.now(session)
    session.execute(delete(FactorFailure).where(FactorFailure.failed_at <= at - limits.LONGEST))
    session.add(
        FactorFailure(
            contract_id=guess.contract_id, ente_id=ente_id, caller_mark=guess.who, notice_mark=guess.what, failed_at=at
        )
    )
    session.flush()


def _failed(session: Session, at: datetime, *whose: ColumnElement[bool]) -> Iterable[datetime]:
    return session.scalars(select(FactorFailure.failed_at).where(FactorFailure.failed_at > at - limits.LONGEST, *whose))
