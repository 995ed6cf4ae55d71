"""A number of the ente's protocol for each case: one, whatever goes wrong; by hand where there is no system."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import uvicorn
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.cases import service
from crm.cases.lifecycle import Channel, Deed, Topic
from crm.cases.models import Case, CaseStep
from crm.cases.protocol import registering
from crm.cases.protocol.models import CaseRegistration
from crm.cases.protocol.port import ProtocolError, endpoint
from crm.cases.protocol.simulator.app import Office, create_app
from crm.cases.saying import Request
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError
from crm.core.jobs import Job, JobState
from crm.enti.models import Ente
from tests.cast import Cast, principal_of
from web.run.claims import free_port

pytestmark = pytest.mark.integration


@pytest.fixture
def office(loopback: None, database: Database, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Empoli's protocol system, a program that answers."""
    standing_in, port = Office("segreto"), free_port()
    server = uvicorn.Server(
        uvicorn.Config(create_app(standing_in), host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    with database.begin(Scope.nothing()) as session:
        code = session.get_one(Ente, cast.empoli).cadastral_code
    monkeypatch.setenv(f"FILODIRETTO_PROTOCOL_{code}_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv(f"FILODIRETTO_PROTOCOL_{code}_TOKEN", "segreto")
    while not server.started:
        thread.join(0.01)
    yield standing_in
    server.should_exit = True
    thread.join()


def opened(database: Database, cast: Cast) -> int:
    request = Request(Topic.ACCESS, Channel.PEC, "Vuole vedere la relata")
    with database.begin(Scope.of_enti([cast.empoli], [cast.contract])) as session:
        by = principal_of(session, cast.anna)
        return service.open_case(session, by, request=request, contact_id=cast.mario)


def tries(database: Database, cast: Cast) -> None:
    """The jobs that are owed are done; what is due later is due now."""
    scope = Scope.of_enti([cast.empoli])
    with database.begin(scope) as session:
        session.execute(
            update(CaseRegistration).where(CaseRegistration.due_at.is_not(None)).values(due_at=jobs.clock.now(session))
        )
    registering.ask_again(database)
    with database.begin(scope) as session:
        owed = session.scalars(select(Job.id).where(Job.kind == registering.REGISTER, Job.state == JobState.WAITING))
        ids = list(owed)
    for one in ids:
        jobs.run(database, {registering.REGISTER: registering.RUNNER}, job_id=one, ente_id=cast.empoli)


def case(database: Database, cast: Cast) -> tuple[Case, CaseRegistration | None]:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.scalars(select(Case)).one()
        return row, registering.owed(session, row.id)


def test_whatever_goes_wrong_on_the_way_a_case_has_one_number(office: Office, database: Database, cast: Cast) -> None:
    opened(database, cast)
    office.faults[:] = ["error", "deaf"]
    for _ in range(2):
        tries(database, cast)
        row, waiting = case(database, cast)
        assert (row.protocol_number, bool(waiting and waiting.due_at and waiting.trouble)) == ("", True)
    tries(database, cast)
    tries(database, cast)
    row, waiting = case(database, cast)
    assert (len(office.registered), row.protocol_number[4:], waiting) == (1, "/0000001", None)
    assert row.protocol_on == date.fromisoformat(next(iter(office.registered.values()))["day"])
    assert row.version == 1  # whoever was about to take a step takes it
    with database.begin(Scope.of_enti([cast.empoli], [cast.contract])) as session:
        by = principal_of(session, cast.anna)  # she writes one by hand, and has not seen that it came
        with pytest.raises(ConflictError):
            service.register(session, by, case_id=row.id, version=1, number="7", day=row.protocol_on)


def test_what_is_refused_waits_for_people_who_may_write_the_number_by_hand(
    office: Office, database: Database, cast: Cast
) -> None:
    case_id = opened(database, cast)
    office.faults[:] = ["refuse"]
    tries(database, cast)
    _, waiting = case(database, cast)
    assert waiting is not None
    assert waiting.due_at is None
    tries(database, cast)  # it is not asked again by itself

    def work(session: Session) -> None:
        by = principal_of(session, cast.anna)
        registering.retry(session, by, case_id=case_id)
        service.register(session, by, case_id=case_id, version=1, number="7", day=jobs.clock.now(session).date())

    database.transact(Scope.of_enti([cast.empoli], [cast.contract]), work)
    tries(database, cast)
    row, waiting = case(database, cast)
    assert (row.protocol_number, waiting, office.registered) == ("7", None, {})
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert len(session.scalars(select(CaseStep).where(CaseStep.deed == Deed.REGISTER)).all()) == 1


def test_an_ente_without_a_system_owes_nothing_and_a_wrong_address_is_told() -> None:
    assert endpoint("D403", {}) is None
    with pytest.raises(ProtocolError):
        endpoint("D403", {"FILODIRETTO_PROTOCOL_D403_URL": "http://protocollo.example.it"})


def test_an_office_that_is_started_again_gives_no_number_twice(tmp_path: Path) -> None:
    day, book = date(2026, 11, 23), tmp_path / "book.jsonl"
    first = Office("token", book).number("one", day)
    again = Office("token", book)
    assert (again.number("one", day), again.number("two", day)["number"]) == (first, "2026/0000002")
