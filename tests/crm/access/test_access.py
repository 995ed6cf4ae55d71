"""Signing in, what each role may do, and what each may see."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from crm.access import service, table
from crm.access.attempts import FREE_BY_NAME, FREE_BY_PLACE, PAUSES, WINDOW
from crm.access.models import Role, RoleGrant, SignInAttempt, User, UserSession
from crm.access.passwords import hash_password, matches
from crm.access.permissions import MEANINGS, PERMISSIONS, Held, Permission, Principal
from crm.core import clock, configuration
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError
from crm.enti import queries as enti
from crm.enti import service as lines
from crm.enti.models import ContractEnte
from tests.cast import Cast

PASSWORD = "la mia parola segreta"

# -- permissions ----------------------------------------------------------------------------------------------------

OFFICE = {Role.AGENT, Role.SUPERVISOR, Role.CAMPAIGN_MANAGER, Role.DESK_CLERK}
OF_AN_ENTE = {Role.ENTE_VIEWER, Role.ENTE_APPROVER}
MAY = {
    Permission.CALLS_ANSWER: {Role.AGENT, Role.SUPERVISOR},
    Permission.CALLS_OUTSIDE: {Role.SUPERVISOR},
    Permission.CALLS_WATCH: {Role.SUPERVISOR},
    Permission.STAFFING_PLAN: {Role.SUPERVISOR},
    Permission.CAMPAIGN_MANAGE: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.CAMPAIGN_APPROVE: {Role.ENTE_APPROVER},
    Permission.LIST_MANAGE: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.RECORDING_LISTEN: {Role.SUPERVISOR, Role.ENTE_APPROVER},
    Permission.RECORDING_SAVE: {Role.ENTE_APPROVER},
    Permission.FILE_READ: OFFICE | OF_AN_ENTE,
    Permission.CONTACT_RECORD: OFFICE,
    Permission.CONTACT_MERGE: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.FOLLOW_UP_MANAGE: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.AGENDA_MANAGE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.APPOINTMENT_READ: {Role.AGENT, Role.SUPERVISOR, Role.DESK_CLERK, Role.ADMINISTRATOR} | OF_AN_ENTE,
    Permission.APPOINTMENT_MANAGE: {Role.AGENT, Role.SUPERVISOR, Role.DESK_CLERK},
    Permission.PROPOSAL_MAKE: OFFICE,
    Permission.PROPOSAL_DECIDE: {Role.ENTE_APPROVER},
    Permission.BOARD_MANAGE: {Role.SUPERVISOR},
    Permission.BOARD_WATCH: set(Role) - {Role.FIELD_AGENT, Role.DESK_CLERK},
    Permission.ENTE_WATCH: OF_AN_ENTE | {Role.SUPERVISOR, Role.CONTRACT_SUPERVISOR},
    Permission.CENTRE_CLOSE: {Role.SUPERVISOR},
    Permission.FLOW_MANAGE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.QUEUE_MANAGE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.AGENT_OVERSEE: {Role.SUPERVISOR},
    Permission.CLOSURE_PROPOSE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.CLOSURE_APPROVE: {Role.ENTE_APPROVER},
    Permission.KNOWLEDGE_WRITE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.QUESTIONNAIRE_WRITE: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.INTERVIEW_CONDUCT: {Role.AGENT, Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.INTERVIEW_EXPORT: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER, Role.ENTE_APPROVER},
    Permission.FIELD_MANAGE: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER},
    Permission.FIELD_APPROVE: {Role.ENTE_APPROVER},
    Permission.FIELD_WATCH: {Role.SUPERVISOR, Role.CAMPAIGN_MANAGER} | OF_AN_ENTE,
    Permission.FIELD_VISIT: {Role.FIELD_AGENT},
    Permission.CASE_READ: OFFICE | OF_AN_ENTE,
    Permission.CASE_WORK: OFFICE,
    Permission.CASE_MANAGE: {Role.SUPERVISOR},
    Permission.CASE_DECIDE: {Role.ENTE_APPROVER},
    Permission.PENALTY_CONTEST: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.PENALTY_DECIDE: {Role.ENTE_APPROVER},
    Permission.REPORT_ADDRESS: {Role.SUPERVISOR, Role.ENTE_APPROVER},
    Permission.COLLECTION_IMPORT: {Role.ADMINISTRATOR},
    Permission.ACCESS_READ: {Role.SUPERVISOR, Role.ENTE_APPROVER, Role.ADMINISTRATOR},
    Permission.USER_REMOVE: {Role.ENTE_APPROVER},
    Permission.USER_MANAGE: {Role.ADMINISTRATOR},
    Permission.ENTE_MANAGE: {Role.ADMINISTRATOR},
    Permission.MONITORING_MANAGE: {Role.ADMINISTRATOR},
    Permission.QUALITY_MANAGE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
    Permission.QUALITY_EVALUATE: {Role.SUPERVISOR},
    Permission.PRIVACY_MANAGE: {Role.ADMINISTRATOR},
    Permission.MAIL_ANSWER: {Role.AGENT, Role.SUPERVISOR, Role.DESK_CLERK},
    Permission.MAILBOX_MANAGE: {Role.SUPERVISOR, Role.ADMINISTRATOR},
}


@pytest.mark.parametrize("permission", Permission)
def test_which_roles_hold_which_permission(permission: Permission) -> None:
    assert {role for role in Role if permission in PERMISSIONS[role]} == MAY[permission]


def sign_in(session: Session, *, username: str, password: str, address: str = "203.0.113.7") -> str:
    """Sign in, and get the browser's token."""
    user_id = service.check(service.attempt(session, username=username, address=address), password)
    service.forgive(session, username=username)
    return service.open_session(session, user_id)


def principal(*held: Held) -> Principal:
    return Principal(1, "Anna", "it", frozenset(held))


def test_a_permission_on_one_contract_is_none_on_another() -> None:
    sara = principal(Held(Role.SUPERVISOR, None, 1), Held(Role.AGENT, None, 2))
    assert sara.can(Permission.CENTRE_CLOSE)
    assert sara.can(Permission.CENTRE_CLOSE, contract_id=1)
    assert not sara.can(Permission.CENTRE_CLOSE, contract_id=2)
    with pytest.raises(ForbiddenError):
        sara.require(Permission.CENTRE_CLOSE, contract_id=2)
    assert sara.contracts == {1, 2}


def test_a_role_on_an_ente_is_none_on_its_contract() -> None:
    vera = principal(Held(Role.SUPERVISOR, 1, None))
    assert vera.can(Permission.CENTRE_CLOSE)
    assert not vera.can(Permission.CENTRE_CLOSE, contract_id=1)
    assert vera.contracts == frozenset()


def test_whoever_holds_nothing_may_nothing() -> None:
    assert not any(principal().can(permission) for permission in Permission)


# -- passwords ------------------------------------------------------------------------------------------------------


def test_passwords_are_hashed_with_a_salt() -> None:
    one, other = hash_password(PASSWORD), hash_password(PASSWORD)
    assert one != other
    assert one.startswith("$argon2id$")
    assert matches(one, PASSWORD)
    assert not matches(one, PASSWORD + " ")


@pytest.mark.parametrize("stored", [None, "", "not a hash", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$wrong"])
def test_without_a_good_hash_no_password_matches(stored: str | None) -> None:
    assert not matches(stored, PASSWORD)
    assert not matches(stored, "a password that nobody has")


# -- sessions -------------------------------------------------------------------------------------------------------


@pytest.fixture
def session(database: Database, cast: Cast) -> Iterator[Session]:
    """Before signing in nobody has a scope. Anna's password is known."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.anna).values(password_hash=hash_password(PASSWORD)))
        yield session


@pytest.mark.integration
def test_anna_signs_in_works_and_signs_out(session: Session, cast: Cast) -> None:
    token = sign_in(session, username=" ANNA ", password=PASSWORD)
    signed_in = service.resume(session, token)
    assert signed_in is not None
    anna = signed_in.principal
    assert (anna.user_id, anna.name, anna.held) == (cast.anna, "Anna", {Held(Role.AGENT, None, cast.contract)})
    assert len(signed_in.csrf_token) >= 32
    service.sign_out(session, token)
    assert service.resume(session, token) is None


@pytest.mark.integration
def test_only_a_hash_of_the_token_is_kept(session: Session) -> None:
    token = sign_in(session, username="anna", password=PASSWORD)
    row = session.execute(select(UserSession)).scalar_one()
    assert token not in {row.token_hash, row.csrf_token}


@pytest.mark.integration
@pytest.mark.parametrize(
    ("username", "password"), [("anna", "sbagliata"), ("anna", ""), ("nessuno", PASSWORD), ("", ""), ("luca", PASSWORD)]
)
def test_a_wrong_name_and_a_wrong_password_sound_the_same(session: Session, username: str, password: str) -> None:
    with pytest.raises(service.SignInError) as refusal:
        sign_in(session, username=username, password=password)
    assert str(refusal.value) == "Nome utente o password non corretti."
    assert session.execute(select(func.count()).select_from(UserSession)).scalar_one() == 0


@pytest.mark.integration
def test_who_has_left_the_company_neither_signs_in_nor_goes_on(session: Session, cast: Cast) -> None:
    token = sign_in(session, username="anna", password=PASSWORD)
    session.execute(update(User).where(User.id == cast.anna).values(active=False))
    assert service.resume(session, token) is None
    with pytest.raises(service.SignInError):
        sign_in(session, username="anna", password=PASSWORD)


@pytest.mark.integration
def test_a_session_ends_by_itself_and_is_swept_at_the_next_sign_in(session: Session) -> None:
    old = sign_in(session, username="anna", password=PASSWORD)
    session.execute(update(UserSession).values(expires_at=clock.now(session) - timedelta(microseconds=1)))
    assert service.resume(session, old) is None
    sign_in(session, username="anna", password=PASSWORD)
    assert session.execute(select(func.count()).select_from(UserSession)).scalar_one() == 1


@pytest.mark.integration
def test_a_token_nobody_was_given_opens_nothing(session: Session) -> None:
    assert service.resume(session, "") is None
    assert service.resume(session, "x" * 500) is None


@pytest.mark.integration
def test_anna_chooses_her_own_language_and_nobody_else_s(session: Session, cast: Cast) -> None:
    service.choose_language(session, Principal(cast.anna, "Anna", "it", frozenset()), language="en")
    assert session.execute(select(User.id).where(User.language == "en")).scalars().all() == [cast.anna]


# -- attempts -------------------------------------------------------------------------------------------------------


def fails(session: Session, username: str, times: int, *, address: str = "203.0.113.7") -> None:
    """Somebody tries so many times and never gets in."""
    for _ in range(times):
        service.attempt(session, username=username, address=address)


def passes(session: Session, seconds: float) -> None:
    """Time passes for the attempts made so far."""
    ago = SignInAttempt.made_at - timedelta(seconds=seconds)
    session.execute(update(SignInAttempt).values(made_at=ago))


def attempts(session: Session) -> int:
    return session.execute(select(func.count()).select_from(SignInAttempt)).scalar_one()


@pytest.mark.integration
@pytest.mark.parametrize("username", ["anna", "nessuno"])
def test_after_five_failures_a_name_rests_a_while_from_wherever_it_is_tried(session: Session, username: str) -> None:
    fails(session, username, FREE_BY_NAME)
    for tried in (username, f" {username.upper()}"):
        with pytest.raises(service.TooManyAttemptsError) as refusal:
            sign_in(session, username=tried, password=PASSWORD, address="198.51.100.1")
        assert refusal.value.until == clock.now(session) + PAUSES[0]
    assert attempts(session) == FREE_BY_NAME  # what is refused does not prolong the pause
    passes(session, PAUSES[0].total_seconds())
    fails(session, username, 1)
    with pytest.raises(service.TooManyAttemptsError) as refusal:
        sign_in(session, username=username, password=PASSWORD)
    assert refusal.value.until == clock.now(session) + PAUSES[1]


@pytest.mark.integration
def test_a_correct_password_clears_the_name(session: Session) -> None:
    fails(session, "anna", FREE_BY_NAME - 1)
    fails(session, "luca", 1)
    sign_in(session, username="anna", password=PASSWORD)
    assert attempts(session) == 1
    fails(session, "anna", FREE_BY_NAME)


@pytest.mark.integration
def test_one_place_that_tries_many_names_rests_and_nobody_else_does(session: Session) -> None:
    for n in range(FREE_BY_PLACE):
        fails(session, f"nome{n}", 1, address=f"2001:db8:1:2::{n}")
    with pytest.raises(service.TooManyAttemptsError):
        sign_in(session, username="anna", password=PASSWORD, address="2001:db8:1:2::ffff")
    sign_in(session, username="anna", password=PASSWORD, address="2001:db8:1:3::1")


@pytest.mark.integration
def test_an_office_that_signs_in_at_eight_o_clock_does_not_use_up_its_address(session: Session) -> None:
    for _ in range(FREE_BY_PLACE + 5):
        known = service.attempt(session, username="anna", address="203.0.113.7")
        assert known is not None
        service.forgive(session, username="anna")
    assert attempts(session) == 0


@pytest.mark.integration
def test_old_attempts_are_forgotten(session: Session) -> None:
    fails(session, "nessuno", 3)
    passes(session, WINDOW.total_seconds())
    fails(session, "anna", 1)
    assert attempts(session) == 1


@pytest.mark.integration
def test_attempts_are_kept_without_names_and_addresses(session: Session) -> None:
    fails(session, "la mia parola segreta", 1)
    kept = session.execute(select(SignInAttempt)).scalar_one()
    assert not {"la mia parola segreta", "203.0.113.7"} & {kept.name_hash, kept.place_hash}


@pytest.mark.integration
@pytest.mark.parametrize("names", [["anna"] * 8, [f"nome{n}" for n in range(8)]])
def test_of_many_attempts_at_once_no_more_are_checked_than_of_as_many_in_a_row(
    database: Database, cast: Cast, names: list[str]
) -> None:
    """They are counted before the password is checked, one after the other for each name and each place."""
    with database.begin(Scope.nothing()) as session:
        for n in range(FREE_BY_PLACE - FREE_BY_NAME):
            service.attempt(session, username=f"altro{n}", address="203.0.113.7")
    together = threading.Barrier(len(names))

    def tries(name: str) -> bool:
        together.wait(10)
        try:
            with database.begin(Scope.nothing()) as session:
                service.attempt(session, username=name, address="203.0.113.7")
        except service.TooManyAttemptsError:
            return False
        return True

    with ThreadPoolExecutor(len(names)) as pool:
        assert sum(pool.map(tries, names)) == FREE_BY_NAME


# -- scope ----------------------------------------------------------------------------------------------------------


def signed_in(session: Session, user_id: int) -> Principal:
    """A user as his requests see him, whatever his password."""
    session.execute(update(User).where(User.id == user_id).values(password_hash=hash_password(PASSWORD)))
    name = session.execute(select(User.username).where(User.id == user_id)).scalar_one()
    found = service.resume(session, sign_in(session, username=name, password=PASSWORD))
    assert found is not None
    return found.principal


@pytest.mark.integration
def test_an_agent_sees_the_enti_of_his_contract_and_its_unattributed_calls(session: Session, cast: Cast) -> None:
    scope = service.scope_for(session, signed_in(session, cast.anna), Permission.CALLS_ANSWER)
    assert scope == Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])


@pytest.mark.integration
def test_vera_watches_empoli_alone_and_no_call_of_nobodys(session: Session, cast: Cast) -> None:
    vera = signed_in(session, cast.vera)
    scope = service.scope_for(session, vera, Permission.BOARD_WATCH)
    assert scope == Scope.of_enti([cast.empoli])
    assert service.contracts_watched(session, scope) == {cast.contract}
    assert service.scope_for(session, vera, Permission.CONTACT_RECORD) == Scope.nothing()


@pytest.mark.integration
def test_a_scope_is_of_the_grants_that_give_this_very_permission(session: Session, cast: Cast) -> None:
    session.execute(
        insert(RoleGrant).values(
            user_id=cast.anna, role=Role.ENTE_VIEWER, ente_id=cast.siena, valid_from=clock.now(session)
        )
    )
    anna = signed_in(session, cast.anna)
    assert service.scope_for(session, anna, Permission.CONTACT_RECORD).enti == {cast.empoli, cast.vinci}
    assert service.scope_for(session, anna, Permission.BOARD_WATCH).enti == {cast.empoli, cast.vinci, cast.siena}


@pytest.mark.integration
def test_a_grant_begins_and_ends(session: Session, cast: Cast) -> None:
    at = clock.now(session)
    second = timedelta(seconds=1)
    session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.anna).values(valid_to=at))
    session.execute(
        insert(RoleGrant).values(user_id=cast.anna, role=Role.AGENT, ente_id=cast.empoli, valid_from=at + second)
    )
    assert signed_in(session, cast.anna).held == frozenset()
    session.execute(update(RoleGrant).where(RoleGrant.ente_id == cast.empoli).values(valid_from=at))
    assert signed_in(session, cast.anna).held == {Held(Role.AGENT, cast.empoli, None)}


@pytest.mark.integration
def test_an_ente_that_joins_a_contract_is_seen_by_its_agents_from_then_on(session: Session, cast: Cast) -> None:
    anna = signed_in(session, cast.anna)
    session.execute(
        insert(ContractEnte).values(contract_id=cast.contract, ente_id=cast.siena)
    )  # fmt: skip
    configuration.changed(session)
    assert service.scope_for(session, anna, Permission.FILE_READ).enti == {cast.empoli, cast.vinci, cast.siena}


# -- closing the lines ----------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_sara_closes_the_lines_and_opens_them_again(everything: Session, cast: Cast) -> None:
    sara = principal(Held(Role.SUPERVISOR, None, cast.contract))
    lines.close_lines(everything, sara, contract_id=cast.contract, reason="  Guasto   alla rete ")
    (closure,) = enti.timetable(everything, cast.contract, cast.empoli).closures
    assert (closure.reason, closure.ends_at) == ("Guasto alla rete.", None)
    with pytest.raises(ConflictError):
        lines.close_lines(everything, sara, contract_id=cast.contract, reason="Ancora")
    lines.reopen_lines(everything, sara, contract_id=cast.contract)
    lines.reopen_lines(everything, sara, contract_id=cast.contract)  # a second click
    assert enti.timetable(everything, cast.contract, None).closures == ()


@pytest.mark.integration
def test_an_agent_closes_nothing_and_a_reason_fits_a_sentence(everything: Session, cast: Cast) -> None:
    anna = principal(Held(Role.AGENT, None, cast.contract))
    with pytest.raises(ForbiddenError):
        lines.close_lines(everything, anna, contract_id=cast.contract, reason="")
    with pytest.raises(ForbiddenError):
        lines.reopen_lines(everything, anna, contract_id=cast.contract)
    sara = principal(Held(Role.SUPERVISOR, None, cast.contract))
    with pytest.raises(ForbiddenError):
        lines.close_lines(everything, sara, contract_id=cast.other_contract, reason="")
    with pytest.raises(InvalidError):
        lines.close_lines(everything, sara, contract_id=cast.contract, reason="x" * 201)


# -- the documents' table --------------------------------------------------------------------------------------------


def test_the_documents_table_of_permissions_is_the_codes() -> None:
    kept = Path(__file__).parents[3] / "docs" / "permissions.md"
    assert kept.read_text("utf-8") == table.markdown(), "filodiretto permissions > docs/permissions.md"
    assert set(MEANINGS) == set(Permission)
