"""The register of the staff: an ente reads its notices, removes somebody, takes him back, has somebody replaced."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.access import service as access
from crm.access import users
from crm.access.authority import Subject
from crm.access.models import EnteExclusion, Role, RoleGrant
from crm.access.permissions import Permission, Principal
from crm.access.users import Person
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.enti.models import Contract
from crm.staff import queries, service
from crm.staff.models import ReplacementState, StaffChange
from tests.cast import Cast, principal_of


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 400))
def test_twenty_days_are_calendar_days_and_the_first_is_not_counted(asked: date, days: int) -> None:
    assert (service.due_on(asked, days) - asked).days == days
    assert service.due_on(date(2026, 11, 21), 20) == date(2026, 12, 11)


@pytest.fixture
def session(database: Database, cast: Cast) -> Iterator[Session]:
    """As wide as both sides of Empoli's contract see."""
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])) as session:
        yield session


@pytest.fixture
def piero(session: Session, cast: Cast) -> Principal:
    """Decides for Empoli."""
    return made(session, "piero", Role.ENTE_APPROVER, Subject(ente_id=cast.empoli))


@pytest.fixture
def ada(session: Session, cast: Cast) -> Principal:
    """Administers the contract."""
    return made(session, "ada", Role.ADMINISTRATOR, Subject(contract_id=cast.contract))


def made(session: Session, username: str, role: Role, on: Subject) -> Principal:
    user_id = users.create(session, None, person=Person(username, username.title()))
    users.grant(session, None, user_id=user_id, role=role, on=on)
    return principal_of(session, user_id)


def resumed(session: Session, user_id: int) -> Principal:
    found = access.resume(session, access.open_session(session, user_id))
    assert found is not None
    return found.principal


@pytest.mark.integration
def test_the_register_knows_who_serves_whom_and_not_the_ente_s_own(session: Session, cast: Cast) -> None:
    sara, anna = (principal_of(session, one) for one in (cast.sara, cast.anna))
    assert [one.name for one in queries.register(session, sara, cast.empoli)] == ["Anna", "Luca", "Marta", "Sara"]
    assert [one.name for one in queries.of_the_ente(session, sara, cast.empoli)] == ["Vera"]
    for read in (queries.register, queries.of_the_ente, queries.removed):
        for by, ente in ((sara, cast.siena), (anna, cast.empoli)):
            with pytest.raises(ForbiddenError):
                read(session, by, ente)
    session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.luca).values(valid_to=clock.now(session)))
    assert cast.luca not in {one.user_id for one in queries.register(session, sara, cast.empoli, on=date(2030, 1, 1))}
    assert cast.luca in {one.user_id for one in queries.register(session, sara, cast.empoli, on=date(2021, 1, 1))}


@pytest.mark.integration
def test_empoli_removes_anna_who_goes_on_working_for_vinci(session: Session, cast: Cast, piero: Principal) -> None:
    at = clock.now(session)
    session.execute(insert(RoleGrant).values(user_id=cast.anna, role=Role.AGENT, ente_id=cast.empoli, valid_from=at))
    token = access.open_session(session, cast.anna)
    before = access.resume(session, token)
    service.remove(session, piero, ente_id=cast.empoli, user_id=cast.anna, reason="Modi sgarbati")
    after = access.resume(session, token)
    assert before is not None
    assert after is not None
    assert before.principal != after.principal  # so that her open pages are closed within seconds
    for permission in (Permission.FILE_READ, Permission.CALLS_ANSWER):
        assert access.scope_for(session, after.principal, permission).enti == {cast.vinci}
    assert after.principal.enti_for(Permission.FILE_READ) == frozenset()
    with pytest.raises(ForbiddenError):
        access.require_on(session, after.principal, Permission.FILE_READ, ente_id=cast.empoli)
    assert "Anna" not in {one.name for one in queries.register(session, piero, cast.empoli)}
    assert "Anna" in {one.name for one in queries.register(session, principal_of(session, cast.sara), cast.vinci)}
    notice = queries.notices(session, frozenset({cast.empoli}), limit=1)[0]
    assert (notice.change, notice.name) == (StaffChange.REMOVED, "Anna")
    entry = session.execute(select(AuditEntry).where(AuditEntry.kind == "user.removed")).scalar_one()
    assert (entry.ente_id, entry.reason) == (cast.empoli, "Modi sgarbati")
    with pytest.raises(NotFoundError):
        service.remove(session, piero, ente_id=cast.empoli, user_id=cast.anna, reason="Ancora")


@pytest.mark.integration
def test_a_new_grant_on_the_ente_does_not_bring_back_whom_it_keeps_away(
    session: Session, cast: Cast, piero: Principal, ada: Principal
) -> None:
    service.remove(session, piero, ente_id=cast.empoli, user_id=cast.anna, reason="Modi sgarbati")
    users.grant(session, ada, user_id=cast.anna, role=Role.SUPERVISOR, on=Subject(ente_id=cast.empoli))
    assert cast.empoli not in (access.scope_for(session, resumed(session, cast.anna), Permission.FILE_READ).enti or ())


@pytest.mark.integration
def test_who_may_remove_whom(session: Session, cast: Cast, piero: Principal, ada: Principal) -> None:
    with pytest.raises(ForbiddenError):
        service.remove(session, piero, ente_id=cast.vinci, user_id=cast.anna, reason="Non è mio")
    for other in (cast.sara, cast.anna, cast.vera):
        with pytest.raises(ForbiddenError):
            service.remove(session, principal_of(session, other), ente_id=cast.empoli, user_id=cast.luca, reason="x")
    with pytest.raises(ForbiddenError):
        service.remove(session, ada, ente_id=cast.empoli, user_id=cast.luca, reason="x")
    with pytest.raises(ConflictError):
        service.remove(session, piero, ente_id=cast.empoli, user_id=piero.user_id, reason="x")
    stranger = made(session, "stranger", Role.AGENT, Subject(ente_id=cast.vinci))
    with pytest.raises(NotFoundError):
        service.remove(session, piero, ente_id=cast.empoli, user_id=stranger.user_id, reason="x")
    for reason in ("", "   ", "x" * 401):
        with pytest.raises(InvalidError):
            service.remove(session, piero, ente_id=cast.empoli, user_id=cast.luca, reason=reason)
    paola = made(session, "paola", Role.CONTRACT_SUPERVISOR, Subject(contract_id=cast.contract))
    service.remove(session, piero, ente_id=cast.empoli, user_id=paola.user_id, reason="Ha cambiato ufficio")
    assert access.scope_for(session, resumed(session, paola.user_id), Permission.BOARD_WATCH).enti == {cast.vinci}


@pytest.mark.integration
def test_an_approver_rids_himself_of_nobody_of_his_own_ente(session: Session, cast: Cast, piero: Principal) -> None:
    """Else one of two approvers would be alone, by a request that the page does not offer."""
    other = made(session, "petra", Role.ENTE_APPROVER, Subject(ente_id=cast.empoli))
    for colleague in (other.user_id, cast.vera):
        with pytest.raises(NotFoundError):
            service.remove(session, piero, ente_id=cast.empoli, user_id=colleague, reason="Comando io")
        assert access.scope_for(session, resumed(session, colleague), Permission.ENTE_WATCH).enti == {cast.empoli}
    at = clock.now(session)  # whoever serves the ente as well goes, and what he holds of the ente's own with it
    session.execute(
        insert(RoleGrant).values(user_id=cast.anna, role=Role.ENTE_VIEWER, ente_id=cast.empoli, valid_from=at)
    )
    service.remove(session, piero, ente_id=cast.empoli, user_id=cast.anna, reason="Modi sgarbati")
    assert access.scope_for(session, resumed(session, cast.anna), Permission.FILE_READ).enti == {cast.vinci}


@pytest.mark.integration
def test_somebody_comes_back_when_an_administrator_asks_and_the_ente_consents(
    session: Session, cast: Cast, piero: Principal, ada: Principal
) -> None:
    service.remove(session, piero, ente_id=cast.empoli, user_id=cast.anna, reason="Modi sgarbati")
    (gone,) = queries.removed(session, piero, cast.empoli)
    with pytest.raises(ConflictError):
        service.answer_readmission(session, piero, exclusion_id=gone.id, consents=True)
    with pytest.raises(ForbiddenError):
        service.ask_readmission(session, piero, exclusion_id=gone.id, reason="Ci ripenso")
    service.ask_readmission(session, ada, exclusion_id=gone.id, reason="Ha seguito un corso")
    with pytest.raises(ForbiddenError):
        service.answer_readmission(session, ada, exclusion_id=gone.id, consents=True)
    service.answer_readmission(session, piero, exclusion_id=gone.id, consents=False)
    service.ask_readmission(session, ada, exclusion_id=gone.id, reason="Ne ha seguito un altro")
    service.answer_readmission(session, piero, exclusion_id=gone.id, consents=True)
    assert queries.removed(session, piero, cast.empoli) == []
    found = access.scope_for(session, resumed(session, cast.anna), Permission.FILE_READ).enti
    assert found == {cast.empoli, cast.vinci}
    assert session.execute(select(EnteExclusion.lifted_by)).scalar_one() == piero.user_id  # the row stays


@pytest.mark.integration
def test_a_replacement_is_asked_for_overdue_and_done(
    session: Session, cast: Cast, piero: Principal, ada: Principal
) -> None:
    session.execute(update(Contract).where(Contract.id == cast.contract).values(replacement_days=15))
    asked = business_day(clock.now(session))
    request = service.ask_replacement(session, piero, ente_id=cast.empoli, user_id=cast.luca, reason="Non risponde")
    with pytest.raises(ConflictError):
        service.ask_replacement(session, piero, ente_id=cast.empoli, user_id=cast.luca, reason="Ancora")
    (open_one,) = queries.replacements(session, frozenset({cast.empoli}), open_only=True)
    assert (open_one.due_on, open_one.days_left, open_one.overdue) == (asked + timedelta(days=15), 15, False)
    session.info["now"] += timedelta(days=16)
    (open_one,) = queries.replacements(session, frozenset({cast.empoli}))
    assert (open_one.days_left, open_one.overdue) == (-1, True)
    for nobody in (cast.luca, cast.vera, 999_999):
        with pytest.raises(InvalidError):
            service.replace(session, ada, request_id=request, replacement_id=nobody)
    with pytest.raises(ForbiddenError):
        service.replace(session, piero, request_id=request, replacement_id=cast.marta)
    service.replace(session, ada, request_id=request, replacement_id=cast.marta)
    (done,) = queries.replacements(session, frozenset({cast.empoli}))
    assert (done.state, done.replaced_by, done.overdue) == (ReplacementState.DONE, "Marta", True)
    assert "Luca" not in {one.name for one in queries.register(session, piero, cast.empoli)}
    with pytest.raises(ConflictError):
        service.withdraw_replacement(session, piero, request_id=request)


@pytest.mark.integration
def test_notices_are_unread_until_the_ente_reads_them(
    session: Session, cast: Cast, piero: Principal, ada: Principal
) -> None:
    empoli = frozenset({cast.empoli})
    bruno = users.create(session, ada, person=Person("bruno", "Bruno", "Operatore, livello C2"))
    users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=cast.contract))
    users.edit(session, ada, user_id=bruno, person=Person("bruno", "Bruno Fabbri", "Operatore, livello C2"))
    (changed, joined) = queries.notices(session, empoli, limit=2)
    assert (joined.change, joined.name, joined.qualification, joined.role) == (
        StaffChange.JOINED, "Bruno", "Operatore, livello C2", Role.AGENT,
    )  # fmt: skip
    assert (changed.change, changed.name) == (StaffChange.CHANGED, "Bruno Fabbri")
    with pytest.raises(ForbiddenError):
        service.see_notices(session, ada, ente_id=cast.empoli, up_to=changed.id)
    service.see_notices(session, piero, ente_id=cast.empoli, up_to=joined.id)
    assert [one.id for one in queries.notices(session, empoli, limit=9, unseen_only=True)] == [changed.id]
    vinci = frozenset({cast.vinci})
    assert queries.notices(session, vinci, limit=1, unseen_only=True) != []  # each ente reads for itself
