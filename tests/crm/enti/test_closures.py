"""Sara asks for a closure; Empoli and Vinci decide, each for its own lines."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.enti import closure_queries, closures, consent, queries
from crm.enti import service as lines
from crm.enti.calendar import opening
from crm.enti.consent import ClosureStanding
from crm.enti.models import Closure
from tests.cast import Cast

pytestmark = pytest.mark.integration
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def person(role: Role, *, ente: int | None = None, contract: int | None = None, user: int) -> Principal:
    return Principal(user, "", "it", frozenset({Held(role, ente, contract)}))


class Centre:
    """Who asks and who decides; each step is a transaction of its own."""

    def __init__(self, database: Database, cast: Cast) -> None:
        self.database, self.cast = database, cast
        self.sara = person(Role.SUPERVISOR, contract=cast.contract, user=cast.sara)
        self.empoli = person(Role.ENTE_APPROVER, ente=cast.empoli, user=cast.vera)
        self.vinci = person(Role.ENTE_APPROVER, ente=cast.vinci, user=cast.vera)
        self.siena = person(Role.ENTE_APPROVER, ente=cast.siena, user=cast.vera)
        self.starts = self.do(clock.now) + DAY

    def do(self, work: Any, *enti: int) -> Any:
        scope = Scope.of_enti(enti) if enti else Scope.of_contract(self.cast.contract)
        return self.database.transact(scope, work)

    def ask(self, *enti: int, by: Principal | None = None, **changed: Any) -> UUID:
        values = {
            "contract_id": self.cast.contract, "ente_ids": enti, "starts_at": self.starts,
            "ends_at": self.starts + HOUR, "reason": "Lavori elettrici", "message": "chiusi per lavori",
        } | changed  # fmt: skip
        proposal: UUID = self.do(lambda session: closures.propose(session, by or self.sara, **values))
        return proposal

    def decide(self, by: Principal, ente: int, *, approve: bool = True, reason: str = "") -> None:
        row = self.row(ente)
        self.do(
            lambda session: closures.decide(session, by, closure_id=row.id, approve=approve, reason=reason),
            *(held.ente_id for held in by.held),
        )

    def undo(self, by: Principal, ente: int) -> None:
        row = self.row(ente)
        self.do(lambda session: closures.undo_decision(session, by, closure_id=row.id), ente)

    def row(self, ente: int) -> Closure:
        found: Closure = self.do(lambda session: session.scalars(select(Closure).where(Closure.ente_id == ente)).one())
        return found

    def is_open(self, ente: int | None, at: datetime) -> bool:
        def look(session: Session) -> bool:
            return opening(queries.timetable(session, self.cast.contract, ente), at).is_open

        found: bool = self.do(look)
        return found


@pytest.fixture
def centre(database: Database, cast: Cast) -> Centre:
    return Centre(database, cast)


def test_lines_close_where_the_ente_agreed_and_nowhere_else(centre: Centre) -> None:
    empoli, vinci = centre.cast.empoli, centre.cast.vinci
    during = centre.starts + HOUR / 2
    centre.ask(empoli, vinci)
    assert centre.is_open(empoli, during)
    centre.decide(centre.empoli, empoli)
    assert not centre.is_open(empoli, during)
    assert centre.is_open(empoli, centre.starts - HOUR)
    assert centre.is_open(empoli, centre.starts + HOUR)
    assert centre.is_open(vinci, during)
    assert centre.is_open(None, during)  # whoever calls the common line may want Vinci
    centre.decide(centre.vinci, vinci)
    assert not centre.is_open(None, during)


def test_a_refusal_says_why_and_leaves_the_lines_open(centre: Centre) -> None:
    empoli = centre.cast.empoli
    centre.ask(empoli)
    with pytest.raises(InvalidError):
        centre.decide(centre.empoli, empoli, approve=False)
    centre.decide(centre.empoli, empoli, approve=False, reason="È giorno di scadenza")
    assert centre.row(empoli).decision_reason == "È giorno di scadenza"
    assert centre.is_open(empoli, centre.starts)
    with pytest.raises(ConflictError):
        centre.decide(centre.empoli, empoli)


def test_another_ente_decides_nothing(centre: Centre) -> None:
    centre.ask(centre.cast.empoli)
    for by in (centre.siena, centre.vinci):
        with pytest.raises(NotFoundError):
            centre.decide(by, centre.cast.empoli)
    row = centre.row(centre.cast.empoli)
    for by in (centre.vinci, centre.sara):  # even in a scope that shows it
        with pytest.raises(ForbiddenError):
            centre.do(lambda s, by=by: closures.decide(s, by, closure_id=row.id, approve=True))
    assert centre.row(centre.cast.empoli).standing is ClosureStanding.PROPOSED


def test_an_agent_asks_for_nothing_and_nobody_asks_for_another_contracts_ente(centre: Centre) -> None:
    anna = person(Role.AGENT, contract=centre.cast.contract, user=centre.cast.anna)
    with pytest.raises(ForbiddenError):
        centre.ask(centre.cast.empoli, by=anna)
    with pytest.raises(ForbiddenError):
        centre.ask(centre.cast.siena, contract_id=centre.cast.other_contract)
    for wrong, field in (((centre.cast.siena,), "ente"), ((), "ente")):
        with pytest.raises(InvalidError) as refusal:
            centre.ask(*wrong)
        assert [part.field for part in refusal.value.parts] == [field]


def test_what_is_missing_is_said_at_its_field(centre: Centre) -> None:
    with pytest.raises(InvalidError) as refusal:
        centre.ask(centre.cast.empoli, reason=" ", message="x" * 201)
    assert {part.field for part in refusal.value.parts} == {"reason", "message"}


def test_the_same_time_is_asked_for_once(centre: Centre) -> None:
    centre.ask(centre.cast.empoli)
    with pytest.raises(ConflictError):
        centre.ask(centre.cast.empoli, centre.cast.vinci, starts_at=centre.starts + HOUR / 2)
    centre.ask(centre.cast.vinci)


def test_two_who_ask_at_once_ask_once(centre: Centre) -> None:
    def ask(_: int) -> bool:
        try:
            centre.ask(centre.cast.empoli)
        except ConflictError:
            return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(ask, range(4))) == 1


def test_taken_back_the_lines_stay_open(centre: Centre) -> None:
    empoli = centre.cast.empoli
    proposal = centre.ask(empoli)
    centre.decide(centre.empoli, empoli)
    for _ in range(2):
        centre.do(lambda s: closures.take_back(s, centre.sara, proposal=proposal))
    assert centre.row(empoli).standing is ClosureStanding.WITHDRAWN
    assert centre.is_open(empoli, centre.starts)


def test_the_ente_decides_anew_until_it_begins(centre: Centre) -> None:
    empoli = centre.cast.empoli
    centre.ask(empoli)
    centre.decide(centre.empoli, empoli)
    centre.undo(centre.empoli, empoli)
    assert centre.is_open(empoli, centre.starts)
    assert centre.do(closure_queries.published) == []
    with pytest.raises(ConflictError):  # there is nothing to undo
        centre.undo(centre.empoli, empoli)
    centre.decide(centre.empoli, empoli, approve=False, reason="È giorno di scadenza")
    centre.undo(centre.empoli, empoli)
    assert centre.row(empoli).decision_reason == ""
    centre.decide(centre.empoli, empoli)
    with pytest.raises(ForbiddenError):
        centre.undo(centre.sara, empoli)
    at = centre.starts
    assert consent.undecided(ClosureStanding.APPROVED, starts_at=at, now=at - HOUR) is ClosureStanding.PROPOSED
    with pytest.raises(ConflictError):
        consent.undecided(ClosureStanding.APPROVED, starts_at=at, now=at)


def test_a_refusal_is_not_undone_when_the_same_was_asked_for_again(centre: Centre) -> None:
    empoli = centre.cast.empoli
    centre.ask(empoli)
    centre.decide(centre.empoli, empoli, approve=False, reason="È giorno di scadenza")
    refused = centre.row(empoli).id
    centre.ask(empoli)
    with pytest.raises(ConflictError):
        centre.do(lambda s: closures.undo_decision(s, centre.empoli, closure_id=refused), empoli)


def test_what_was_closed_without_consent_can_be_told_from_what_was_agreed(centre: Centre) -> None:
    cast = centre.cast
    centre.ask(cast.empoli)
    centre.decide(centre.empoli, cast.empoli)
    centre.ask(cast.vinci)
    centre.do(lambda s: lines.close_lines(s, centre.sara, contract_id=cast.contract, reason="Guasto"))
    found = centre.do(
        lambda s: closure_queries.closed(s, cast.contract, since=centre.starts - 2 * DAY, until=centre.starts + DAY)
    )
    assert [(one.standing, one.ente_id, one.agreed_from) for one in found] == [
        (ClosureStanding.EMERGENCY, None, None),
        (ClosureStanding.APPROVED, cast.empoli, centre.starts),
    ]


def test_the_hours_lost_are_the_ente_s_that_did_not_agree(centre: Centre) -> None:
    cast, at = centre.cast, centre.do(clock.now)
    begun = {
        "starts_at": at - 3 * HOUR,
        "declared_by": cast.sara,
        "declared_at": at - 5 * HOUR,
        "reason": "",
        "message": "",
    }
    emergency = Closure(
        contract_id=cast.contract, ente_id=None, ends_at=None, standing=ClosureStanding.EMERGENCY, decision_reason="",
        **begun,
    )  # fmt: skip
    agreed = Closure(
        contract_id=cast.contract, ente_id=cast.empoli, ends_at=at - HOUR, standing=ClosureStanding.APPROVED,
        proposal=uuid4(), decided_at=at - 4 * HOUR, decided_by=cast.vera, decision_reason="", **begun,
    )  # fmt: skip

    def write(session: Session) -> None:
        changed(session)
        session.add_all([emergency, agreed])

    centre.do(write)
    found = centre.do(lambda session: closure_queries.lost(session, [cast.empoli, cast.vinci, cast.siena]))
    hours = {one.ente_id: max(one.this_month + one.last_month, one.this_year) for one in found}
    now = centre.do(clock.now)
    assert hours.keys() == {cast.empoli, cast.vinci}
    assert HOUR <= hours[cast.empoli] <= HOUR + (now - at)
    assert 3 * HOUR <= hours[cast.vinci] <= 3 * HOUR + (now - at)


def test_everybody_reads_what_is_agreed_and_not_what_is_only_asked(centre: Centre) -> None:
    cast = centre.cast
    centre.ask(cast.empoli, cast.vinci)
    centre.decide(centre.empoli, cast.empoli)
    with centre.database.begin(Scope.nothing()) as session:
        found = closure_queries.published(session)
    assert [(one.ente_id, one.message) for one in found] == [(cast.empoli, "Chiusi per lavori.")]


def test_each_step_is_in_the_audit_of_its_ente(centre: Centre) -> None:
    cast = centre.cast
    proposal = centre.ask(cast.empoli)
    centre.decide(centre.empoli, cast.empoli)
    centre.do(lambda s: closures.take_back(s, centre.sara, proposal=proposal))
    kinds = centre.do(
        lambda s: s.scalars(
            select(AuditEntry.kind).where(AuditEntry.ente_id == cast.empoli).order_by(AuditEntry.id)
        ).all()
    )
    assert kinds == ["closure.proposed", "closure.approved", "closure.withdrawn"]
