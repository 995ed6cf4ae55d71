"""Empoli's October, call by call: what each did is said here, and every figure of the report follows from it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from crm.levels import folding, service
from crm.levels.agreement import Period
from crm.levels.closing import close_due
from crm.levels.evidence import of_period
from crm.levels.metering import Account, Callers, FactKind, Measured, quarter_of
from crm.levels.service import SeenFact
from crm.reports.due import span
from tests.cast import Cast
from tests.crm.conftest import Clock

OCTOBER = span(Period.MONTH, date(2026, 10, 1))
SETTLED = datetime(2026, 11, 1, 3, tzinfo=UTC)  # four in the morning in Rome, a Sunday and All Saints
TENTH = datetime(2026, 10, 6, 8, 5, tzinfo=UTC)  # five past ten in Rome, a Tuesday


def read(session: Any, contract_id: int, ente_id: int | None) -> Any:
    """What is known of days, each period read once; nobody was asked whether he is content."""
    return cache(lambda first, after: of_period(session, contract_id, first, after, ente_id=ente_id))


@dataclass(frozen=True)
class Call:
    """A call: its wait, and its conversation when somebody answered; in seconds."""

    at: datetime
    wait: float
    talk: float | None = None
    callers: Callers = Callers.MOBILE
    vinci: bool = False  # Empoli's otherwise
    wrap_up: float = 0


GOLDEN = (
    Call(TENTH, 12.5, 60, wrap_up=30),
    Call(TENTH + timedelta(minutes=1), 40, 125.25, Callers.LANDLINE),
    Call(TENTH + timedelta(minutes=2), 40.001, 3),
    Call(TENTH + timedelta(hours=1), 300),  # hung up
    Call(TENTH + timedelta(days=3), 2),  # hung up at once
    Call(TENTH, 1, 999, vinci=True),  # is in no figure of Empoli's
)


@pytest.fixture
def clock() -> Clock:
    return Clock(SETTLED)


@pytest.fixture
def centre(timed: Database, cast: Cast) -> Cast:
    """The golden October, folded; not closed yet."""
    play(timed, cast, *GOLDEN)
    return cast


def play(database: Database, cast: Cast, *calls: Call) -> list[UUID]:
    """These calls happen, and are folded; which they are."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        subjects = [_record(session, cast, one) for one in calls]
    with database.begin(Scope.of_contract(cast.contract)) as session:
        folding.fold(session)
    return subjects


def close(database: Database) -> None:
    """The periods that are over are closed."""
    close_due(database, read)


def _record(session: Session, cast: Cast, one: Call) -> UUID:
    ente = cast.vinci if one.vinci else cast.empoli
    account = Account(cast.contract, ente, cast.operator, one.callers, quarter_of(one.at))
    waited = round(one.wait * 1000)
    answered = one.at + timedelta(milliseconds=waited)
    ended = answered + timedelta(seconds=one.talk or 0)
    kinds = [(FactKind.RECEIVED, one.at, 0), (FactKind.ENTERED, one.at, 0)]
    if one.talk is not None:
        kinds.append((FactKind.SERVED, answered, waited))
    kinds.append((FactKind.LEFT, ended, waited))
    if one.wrap_up:
        kinds.append((FactKind.WRAPPED_UP, ended + timedelta(seconds=one.wrap_up), waited))
    measured = Measured(
        received=True, entered=True, served=one.talk is not None, ended=True, waited_ms=waited,
        talk_ms=round((one.talk or 0) * 1000), wrap_up_ms=round(one.wrap_up * 1000),
    )  # fmt: skip
    facts = [SeenFact(kind, at, ms, repaired=False) for kind, at, ms in kinds]
    subject = uuid4()
    service.record(session, subject=subject, facts=facts, before=None, after=(account, measured))
    return subject
