"""A year of Empoli's: Fabio has a mandate for Mario's debt, the gestionale tells of payments, quarters are settled."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import psycopg
import pytest
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.collection.importer import import_feed
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from outbound.field.closing import agreeing, listening, register, settling
from outbound.field.closing.agreed import Band, Conditions
from outbound.field.practices.lifecycle import Closed, MandateState, State
from outbound.field.practices.models import FieldMandate, Practice, PracticeDebt
from tests.cast import Cast
from tests.databases import DatabaseUrls, PostgresServer
from tests.outbound.field import people

T = TypeVar("T")
BEGAN = datetime(2026, 1, 10, 8, tzinfo=UTC)
TAXPAYER = {
    "record": "taxpayer", "codice_fiscale": "BNCMRA62A01D403X", "surname": "BIANCHI", "given_name": "MARIO",
}  # fmt: skip
POSITION = {
    "record": "position", "codice_fiscale": "BNCMRA62A01D403X", "tax": "tari", "year": 2024,
    "act_kind": "ingiunzione", "act_number": "2024/118", "state": "overdue",
    "amounts": {"tax": "600.00", "sanctions": "180.00", "interest": "22.50", "costs": "9.50", "residual": "812.00"},
    "issued_on": "2024-09-01", "due_on": "2024-11-03", "notification": "notified", "notified_on": "2024-09-03",
}  # fmt: skip


@dataclass
class World:
    """The product over a clock of our own."""

    database: Database
    cast: Cast
    clock: list[datetime]
    folder: Path
    agent: int = 0
    practice: int = 0
    mandate: UUID = field(default_factory=lambda: UUID(int=0))
    fed: int = 0

    def work(self, deed: Callable[[Session], T], *enti: int) -> T:
        """In one transaction of these enti, or of Empoli."""
        return self.database.transact(Scope.of_enti(enti or [self.cast.empoli]), deed)

    def at(self, day: date) -> None:
        """It is noon of a day."""
        self.clock[0] = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)

    @property
    def sara(self) -> Principal:
        """She supervises the contract."""
        return Principal(self.cast.sara, "sara", "it", frozenset({Held(Role.SUPERVISOR, None, self.cast.contract)}))

    @property
    def vera(self) -> Principal:
        """She decides for Empoli."""
        return Principal(self.cast.vera, "vera", "it", frozenset({Held(Role.ENTE_APPROVER, self.cast.empoli, None)}))

    def agree(self, valid_from: date = date(2026, 1, 1), conditions: Conditions | None = None) -> int:
        """The company proposes, Empoli accepts: ninety per mille, thirty days."""
        conditions = conditions or Conditions((Band(Decimal(90)),))

        def both(session: Session) -> int:
            made = agreeing.propose(
                session, self.sara, ente_id=self.cast.empoli, valid_from=valid_from, conditions=conditions
            )
            agreeing.decide(session, self.vera, terms_id=made, accepts=True)
            return made

        return self.work(both)

    def begin(self) -> None:
        """Fabio has a practice about `T-1`, and accepts it until the end of March."""

        def work(session: Session) -> tuple[int, int, UUID]:
            agent = people.an_agent(session, self.cast.anna, self.cast.sara)
            practice = a_practice(session, self.cast, 1, ["T-1"], self.cast.sara)
            mandate = people.a_mandate(session, practice, agent, self.cast.sara)
            mandate.valid_from, mandate.valid_to = BEGAN.date(), date(2026, 3, 31)
            mandate.given_at = mandate.accepted_at = BEGAN
            session.flush()
            register.mandate_given(session, mandate_id=mandate.id)
            register.mandate_accepted(session, mandate_id=mandate.id)
            return agent.id, practice.id, mandate.id

        self.agent, self.practice, self.mandate = self.work(work)

    def close(self, closed: Closed = Closed.PROMISED) -> None:
        """The practice is closed now, as the practices' service does it."""

        def work(session: Session) -> None:
            practice = session.get_one(Practice, self.practice)
            practice.state, practice.closed, practice.closed_at = State.CLOSED, closed, self.clock[0]
            mandate = session.get_one(FieldMandate, self.mandate)
            mandate.state, mandate.ended_at = MandateState.ENDED, self.clock[0]

        self.work(work)

    def feed(self, *positions: dict[str, Any], mode: str = "full") -> None:
        """The gestionale hands over its state of now."""
        self.fed += 1
        header = {
            "record": "feed", "version": 1, "ente": "D403", "mode": mode, "as_of": self.clock[0].isoformat(),
            "source": "x",
        }  # fmt: skip
        rows = [header, TAXPAYER, *({**POSITION, **one} for one in positions)]
        rows.append({"record": "end", "taxpayers": 1, "positions": len(positions)})
        path = self.folder / f"feed-{self.fed}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        done = import_feed(self.database, path, ente_code_expected="D403")
        assert done.failure is None, done.failure
        listening.hear_all(self.database)

    def tells(self, day: date, *payments: tuple[date, str], **more: Any) -> None:
        """On a day it tells of these payments on `T-1`, in euro."""
        self.at(day)
        self.feed(
            {
                "reference": "T-1",
                "payments": [{"paid_on": on.isoformat(), "amount": amount} for on, amount in payments], **more,
            }
        )  # fmt: skip

    def settle(self) -> int:
        """Every quarter that can be settled; how many were."""
        return settling.close_all(self.database)


def a_practice(session: Session, cast: Cast, number: int, references: list[str], by: int) -> Practice:
    """Mario's, opened in January."""
    practice = people.a_practice(session, cast.empoli, cast.mario, by, number)
    practice.opened_at = BEGAN - timedelta(days=1)
    session.flush()
    for one in session.query(PracticeDebt).filter_by(practice_id=practice.id):
        session.delete(one)
    session.flush()
    for reference in references:
        session.add(
            PracticeDebt(ente_id=cast.empoli, practice_id=practice.id, reference=reference, cents=practice.cents)
        )
    session.flush()
    return practice


@pytest.fixture
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """May do what the product may not."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.lent, autocommit=True) as connection:
        yield connection


@pytest.fixture
def world(database_urls: DatabaseUrls, cast: Cast, tmp_path: Path) -> Iterator[World]:
    """See the module; nothing is agreed yet."""
    clock = [BEGAN]
    database = Database(
        database_urls.app, database_urls.routing, pool_size=8, secrecy=Secrecy(bytes(32)), clock=lambda: clock[0]
    )
    found = World(database, cast, clock, tmp_path)
    found.begin()
    yield found
    database.dispose()
