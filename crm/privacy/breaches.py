"""The register of breaches (art. 33(5) GDPR), and the clock of the 72 hours."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.access.service import scope_for
from crm.audit import service as audit
from crm.core import clock, topics
from crm.core.db import touch
from crm.core.errors import InvalidError, NotFoundError
from crm.privacy.models import Breach, Risk
from crm.privacy.service import entitled

TERM = timedelta(hours=72)
MAX_TEXT = 4_000
MAX_PERSONS = 100_000_000


class Standing(StrEnum):
    """Where a breach stands towards the Garante and the persons."""

    TO_ASSESS = "to_assess"
    TO_NOTIFY = "to_notify"  # within the 72 hours
    LATE = "late"  # past them
    TO_COMMUNICATE = "to_communicate"  # the persons are still to be told
    DEALT_WITH = "dealt_with"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Account:
    """What somebody writes down about a breach."""

    what: str
    known_at: datetime
    risk: Risk
    happened_at: datetime | None = None
    persons: int | None = None
    data: str = ""
    consequences: str = ""
    measures: str = ""
    ente_told_at: datetime | None = None
    garante_told_at: datetime | None = None
    late_reason: str = ""
    persons_told_at: datetime | None = None
    persons_not_told: str = ""
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A breach of the register."""

    id: int
    ente_id: int
    account: Account
    recorded_at: datetime

    @property
    def due_at(self) -> datetime:
        """Until when the Garante has to be told."""
        return self.account.known_at + TERM


def standing(account: Account, now: datetime) -> Standing:
    """Where a breach stands. Pure. Art. 33(1): unless a risk is unlikely, the Garante is told within 72 hours."""
    if account.closed_at is not None:
        return Standing.CLOSED
    if account.risk is not Risk.UNLIKELY and account.garante_told_at is None:
        if now - account.known_at > TERM:
            return Standing.LATE
        return Standing.TO_ASSESS if account.risk is Risk.UNKNOWN else Standing.TO_NOTIFY
    if account.risk is Risk.HIGH and account.persons_told_at is None and not account.persons_not_told:
        return Standing.TO_COMMUNICATE
    return Standing.DEALT_WITH


def check(account: Account, now: datetime) -> None:
    """Raise `InvalidError`, field by field, for what cannot be or is missing."""
    wrong = []
    if not account.what.strip():
        wrong.append(InvalidError("Descrivi che cosa è successo.", field="what"))
    wrong += [
        InvalidError("Il testo è troppo lungo: al massimo 4000 caratteri.", field=name)
        for name in ("what", "data", "consequences", "measures", "late_reason", "persons_not_told")
        if len(getattr(account, name)) > MAX_TEXT
    ]
    for name in ("happened_at", "known_at", "ente_told_at", "garante_told_at", "persons_told_at", "closed_at"):
        at = getattr(account, name)
        if at is not None and at > now:
            wrong.append(InvalidError("Questa data è nel futuro.", field=name))
    if account.happened_at and account.happened_at > account.known_at:
        wrong.append(InvalidError("Non si può sapere di una violazione prima che avvenga.", field="known_at"))
    if account.garante_told_at and account.garante_told_at < account.known_at:
        wrong.append(InvalidError("La notifica al Garante viene dopo la scoperta.", field="garante_told_at"))
    if account.garante_told_at and account.garante_told_at - account.known_at > TERM and not account.late_reason:
        wrong.append(InvalidError("Dopo le 72 ore servono i motivi del ritardo.", field="late_reason"))
    if account.persons is not None and not 0 <= account.persons <= MAX_PERSONS:
        wrong.append(InvalidError("Scrivi un numero di persone tra 0 e 100 milioni.", field="persons"))
    if account.closed_at and standing(_reopened(account), now) is not Standing.DEALT_WITH:
        wrong.append(InvalidError("Prima di chiudere: valuta il rischio e fai le comunicazioni.", field="closed_at"))
    if wrong:
        raise InvalidError("Controlla i campi segnati.", parts=wrong)


def record(session: Session, by: Principal, *, ente_id: int, account: Account) -> int:
    """Write a breach down."""
    entitled(session, by, ente_id)
    check(account, clock.now(session))
    row = Breach(ente_id=ente_id, recorded_by=by.user_id, recorded_at=clock.now(session), **_values(account))
    session.add(row)
    session.flush()
    audit.note(session, by, kind="breach.recorded", ente_id=ente_id, subject=str(row.id), after=_told(account))
    touch(session, topics.privacy(ente_id))
    return row.id


def change(session: Session, by: Principal, *, breach_id: int, account: Account) -> None:
    """Bring it up to date; the log keeps what stood there."""
    row = session.get(Breach, breach_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError("Questa violazione non è nel registro.")
    entitled(session, by, row.ente_id)
    check(account, clock.now(session))
    before = _account(row)
    for name, value in _values(account).items():
        setattr(row, name, value)
    session.flush()
    audit.note(
        session, by, kind="breach.changed", ente_id=row.ente_id, subject=str(row.id), before=_told(before),
        after=_told(account),
    )  # fmt: skip
    touch(session, topics.privacy(row.ente_id))


def register(session: Session, by: Principal) -> list[Recorded]:
    """The breaches of the enti whose data `by` looks after, the newest first."""
    by.require(Permission.PRIVACY_MANAGE)
    scope = scope_for(session, by, Permission.PRIVACY_MANAGE)
    rows = session.scalars(
        select(Breach).where(Breach.ente_id.in_(scope.enti or ())).order_by(Breach.known_at.desc(), Breach.id.desc())
    )
    return [Recorded(row.id, row.ente_id, _account(row), row.recorded_at) for row in rows]


def one(session: Session, by: Principal, breach_id: int) -> Recorded:
    """One breach. Raises `NotFoundError`."""
    found = next((each for each in register(session, by) if each.id == breach_id), None)
    if found is None:
        raise NotFoundError("Questa violazione non è nel registro.")
    return found


def _reopened(account: Account) -> Account:
    return Account(**{**_values(account), "closed_at": None})


def _values(account: Account) -> dict[str, Any]:
    return {name: getattr(account, name) for name in Account.__dataclass_fields__}


def _account(row: Breach) -> Account:
    return Account(**{name: getattr(row, name) for name in Account.__dataclass_fields__})


def _told(account: Account) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in _values(account).items()
        if value not in {None, ""}
    }
