"""What is remembered of the configuration: never older than the transaction, never what was rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.configuration import changed, kept
from crm.core.db import Database, Scope
from crm.enti import queries as enti
from crm.enti.models import Closure, Contract, Ente
from tests.cast import Cast
from tests.databases import DatabaseUrls

pytestmark = pytest.mark.integration


@pytest.fixture
def other_process(database_urls: DatabaseUrls) -> Iterator[Database]:
    """A second process on the same database, which remembers for itself."""
    database = Database(database_urls.app, database_urls.routing, pool_size=2)
    yield database
    database.dispose()


def short_name(database: Database, cast: Cast) -> str:
    """What Empoli is called, in a transaction of its own."""
    with database.begin(Scope.nothing()) as session:
        return enti.badges(session)[cast.empoli].short_name


def rename(session: Session, cast: Cast, name: str) -> None:
    session.execute(update(Ente).where(Ente.id == cast.empoli).values(short_name=name))


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    sent: list[str] = []

    def note(*told: Any) -> None:
        sent.append(told[2])

    event.listen(database.app_engine, "before_cursor_execute", note)
    yield sent
    event.remove(database.app_engine, "before_cursor_execute", note)


def test_what_was_read_once_is_not_read_again(database: Database, cast: Cast) -> None:
    short_name(database, cast)
    with statements(database) as sent:
        short_name(database, cast)
    assert len(sent) == 1  # the one that opens the transaction


def test_a_change_is_seen_by_whoever_begins_after_it(database: Database, cast: Cast) -> None:
    assert short_name(database, cast) == "Empoli"
    with database.begin(Scope.nothing()) as session:
        rename(session, cast, "Empoli Nuova")
    assert short_name(database, cast) == "Empoli Nuova"


def test_a_change_by_another_process_is_seen_too(database: Database, other_process: Database, cast: Cast) -> None:
    assert short_name(database, cast) == "Empoli"
    with other_process.begin(Scope.nothing()) as session:
        rename(session, cast, "Empoli Nuova")
    assert short_name(database, cast) == "Empoli Nuova"


def test_what_is_rolled_back_was_never_remembered(database: Database, cast: Cast) -> None:
    with database.begin(Scope.nothing()) as session:
        rename(session, cast, "Sbagliato")
        assert enti.badges(session)[cast.empoli].short_name == "Sbagliato"
        session.rollback()
    assert short_name(database, cast) == "Empoli"


def test_whoever_says_that_he_changes_it_reads_his_own_writing(database: Database, cast: Cast) -> None:
    short_name(database, cast)
    with database.begin(Scope.nothing()) as session:
        changed(session)
        rename(session, cast, "Empoli Nuova")
        assert enti.badges(session)[cast.empoli].short_name == "Empoli Nuova"


def test_a_transaction_that_began_before_a_change_keeps_nothing_for_those_after_it(
    database: Database, other_process: Database, cast: Cast
) -> None:
    with database.begin(Scope.nothing()) as early:
        clock.now(early)  # it has begun
        with other_process.begin(Scope.nothing()) as session:
            rename(session, cast, "Empoli Nuova")
        assert enti.badges(early)[cast.empoli].short_name == "Empoli Nuova"  # read committed: as without a memory
        with other_process.begin(Scope.nothing()) as session:
            rename(session, cast, "Empoli Terza")
    assert short_name(database, cast) == "Empoli Terza"


def test_a_slow_transaction_does_not_bring_the_old_version_back(database: Database, cast: Cast) -> None:
    with database.begin(Scope.nothing()) as early:
        clock.now(early)
        with database.begin(Scope.nothing()) as session:
            rename(session, cast, "Empoli Nuova")
        assert short_name(database, cast) == "Empoli Nuova"
        enti.contract_name(early, cast.contract)
    with statements(database) as sent:
        assert short_name(database, cast) == "Empoli Nuova"
    assert len(sent) == 1


def test_a_closure_that_ends_by_itself_needs_no_change(database: Database, cast: Cast) -> None:
    scope = Scope.of_contract(cast.contract)
    with database.begin(scope) as session:
        at = clock.now(session)
        session.add(
            Closure(
                contract_id=cast.contract, ente_id=None, starts_at=at, ends_at=at + timedelta(hours=1),
                reason="Sciopero.", declared_by=cast.sara, declared_at=at,
            )
        )  # fmt: skip
    with database.begin(scope) as session:
        (spell,) = enti.timetable(session, cast.contract, None).closures
    assert spell.ends_at == at + timedelta(hours=1)


def test_arguments_by_name_would_be_forgotten_as_a_key(database: Database, cast: Cast) -> None:
    @kept
    def name(session: Session, contract_id: int) -> str:
        found = session.get(Contract, contract_id)
        assert found is not None
        return found.name

    with database.begin(Scope.nothing()) as session:
        assert name(session, cast.contract) == "Toscana"
        with pytest.raises(AssertionError):
            name(session, contract_id=cast.contract)
