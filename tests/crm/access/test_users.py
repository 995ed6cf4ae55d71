"""Administrators keep the people of their enti: accounts, links, roles, and who stays an administrator."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.access import queries, service, users
from crm.access.authority import Subject
from crm.access.models import AccessLink, Role, RoleGrant, User, UserEvent, UserSession
from crm.access.passwords import matches
from crm.access.permissions import Principal
from crm.access.queries import Filter
from crm.access.users import Person
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.clock import business_day
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.staff.models import StaffChange, StaffNotice
from tests.cast import Cast, principal_of

pytestmark = pytest.mark.integration
BRUNO = Person("bruno", "Bruno Fabbri", "Operatore, livello C2", "bruno@example.it")


@pytest.fixture
def session(database: Database, cast: Cast) -> Iterator[Session]:
    """As wide as an administrator of both contracts sees."""
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci, cast.siena], [cast.contract])) as session:
        yield session


def administrator(session: Session, username: str, on: Subject) -> Principal:
    """Somebody new who administers an ente or a contract."""
    user_id = users.create(session, None, person=Person(username, username.title()))
    users.grant(session, None, user_id=user_id, role=Role.ADMINISTRATOR, on=on)
    return principal_of(session, user_id)


@pytest.fixture
def ada(session: Session, cast: Cast) -> Principal:
    """Administers the contract of Empoli and Vinci."""
    return administrator(session, "ada", Subject(contract_id=cast.contract))


def wrong_fields(error: InvalidError) -> set[str]:
    return {part.field for part in error.parts}


def test_bruno_is_created_chooses_his_password_and_works_from_a_day_on(
    session: Session, cast: Cast, ada: Principal
) -> None:
    bruno = users.create(session, ada, person=BRUNO)
    token = users.make_link(session, ada, user_id=bruno)
    user = users.whose_link(session, token)
    assert user is not None
    assert user.password_hash is None
    chosen = users.checked_hash(user, "mare di carta nel vento", "mare di carta nel vento")
    assert users.use_link(session, token=token, password_hash=chosen) == bruno
    assert matches(session.get_one(User, bruno).password_hash, "mare di carta nel vento")
    with pytest.raises(NotFoundError):
        users.use_link(session, token=token, password_hash="x")
    tomorrow = business_day(clock.now(session)) + timedelta(days=1)
    on = Subject(contract_id=cast.contract)
    users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=on, starts_on=tomorrow, ends_on=tomorrow)
    assert principal_of(session, bruno).held == frozenset()  # its end is set: not among those without
    (grant,) = queries.grants(session, [bruno])
    assert grant.in_force is None
    assert grant.valid_to is not None
    assert grant.valid_to - grant.valid_from >= timedelta(hours=23)
    told = session.execute(select(StaffNotice.ente_id, StaffNotice.starts_on, StaffNotice.ends_on).where(
        StaffNotice.user_id == bruno)).all()  # fmt: skip
    assert {tuple(row) for row in told} == {(cast.empoli, tomorrow, tomorrow), (cast.vinci, tomorrow, tomorrow)}
    account = queries.account(session, ada, user_id=bruno)
    assert [one.kind.value for one in account.history] == [
        "user.granted", "user.password_set", "user.link_made", "user.created",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("person", "fields"),
    [
        (Person("", ""), {"username", "name"}),
        (Person("Nome Cognome", "Nome"), {"username"}),
        (Person("anna", "Un'altra Anna"), {"username"}),
        (Person("nuovo", "x" * 81), {"name"}),
        (Person("nuovo", "a\x00b"), {"name"}),
        (Person("nuovo", "Nuovo", "q" * 121, "non è posta"), {"qualification", "email"}),
        (Person("x" * 61, "Nuovo"), {"username"}),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    session: Session, cast: Cast, ada: Principal, person: Person, fields: set[str]
) -> None:
    with pytest.raises(InvalidError) as refusal:
        users.create(session, ada, person=person)
    assert wrong_fields(refusal.value) == fields


def test_two_people_do_not_have_one_name_or_address(session: Session, cast: Cast, ada: Principal) -> None:
    first = users.create(session, ada, person=BRUNO)
    users.create(session, ada, person=Person("carlo", "Carlo"))
    for person, field in (
        (Person("Bruno", "Altro"), "username"),
        (Person("altro", "Altro", "", "BRUNO@example.it"), "email"),
    ):
        with pytest.raises(InvalidError) as refusal:
            users.create(session, ada, person=person)
        assert wrong_fields(refusal.value) == {field}
    with pytest.raises(InvalidError):
        users.edit(session, ada, user_id=first, person=Person("carlo", "Bruno"))
    users.edit(session, ada, user_id=first, person=BRUNO)  # as it is


def test_a_link_is_good_for_three_days_and_only_the_last_one_made(session: Session, ada: Principal) -> None:
    bruno = users.create(session, ada, person=BRUNO)
    first, second = (users.make_link(session, ada, user_id=bruno) for _ in range(2))
    assert users.whose_link(session, first) is None
    assert users.whose_link(session, second) is not None
    assert second not in session.execute(select(AccessLink.token_hash)).scalars().all()
    session.execute(update(AccessLink).values(expires_at=clock.now(session)))
    assert users.whose_link(session, second) is None


def test_whoever_is_no_administrator_manages_nobody(session: Session, cast: Cast) -> None:
    sara = principal_of(session, cast.sara)
    for attempt in (
        lambda: users.create(session, sara, person=BRUNO),
        lambda: users.edit(session, sara, user_id=cast.anna, person=BRUNO),
        lambda: users.set_active(session, sara, user_id=cast.anna, active=False),
        lambda: users.make_link(session, sara, user_id=cast.anna),
        lambda: users.end_sessions(session, sara, user_id=cast.anna),
        lambda: users.reset_second_factor(session, sara, user_id=cast.anna),
        lambda: users.grant(
            session, sara, user_id=cast.anna, role=Role.SUPERVISOR, on=Subject(contract_id=cast.contract)
        ),
        lambda: queries.users(session, sara, wanted=Filter()),
        lambda: queries.account(session, sara, user_id=cast.anna),
    ):
        with pytest.raises(ForbiddenError):
            attempt()  # type: ignore[no-untyped-call]


def test_an_administrator_does_not_raise_himself_nor_lock_himself_out(
    session: Session, cast: Cast, ada: Principal
) -> None:
    own = session.execute(select(RoleGrant.id).where(RoleGrant.user_id == ada.user_id)).scalar_one()
    for attempt in (
        lambda: users.grant(session, ada, user_id=ada.user_id, role=Role.AGENT, on=Subject(contract_id=cast.contract)),
        lambda: users.revoke(session, ada, grant_id=own),
        lambda: users.set_active(session, ada, user_id=ada.user_id, active=False),
        lambda: users.reset_second_factor(session, ada, user_id=ada.user_id),
        lambda: users.link_identity(session, ada, user_id=ada.user_id, provider="x", issuer="i", subject="s"),
    ):
        with pytest.raises(ConflictError):
            attempt()  # type: ignore[no-untyped-call]


def test_the_last_administrator_stays(session: Session, cast: Cast, ada: Principal) -> None:
    """Two who would take away each other's role: the second is refused."""
    on = Subject(contract_id=cast.contract)
    dora = administrator(session, "dora", on)
    of = {
        user: session.execute(select(RoleGrant.id).where(RoleGrant.user_id == user)).scalar_one()
        for user in (ada.user_id, dora.user_id)
    }
    users.revoke(session, ada, grant_id=of[dora.user_id])
    with pytest.raises(ConflictError, match="ultimo amministratore"):
        users.revoke(session, dora, grant_id=of[ada.user_id])  # by what she held when her request began
    with pytest.raises(ConflictError, match="ultimo amministratore"):
        users.set_active(session, dora, user_id=ada.user_id, active=False)


def test_an_administrator_of_vinci_takes_over_nobody_of_empoli(session: Session, cast: Cast, ada: Principal) -> None:
    """Whoever could make an access link for a colleague elsewhere would hold what he holds."""
    vito = administrator(session, "vito", Subject(ente_id=cast.vinci))
    for attempt in (
        lambda: users.make_link(session, vito, user_id=cast.anna),
        lambda: users.reset_second_factor(session, vito, user_id=cast.sara),
        lambda: users.set_active(session, vito, user_id=ada.user_id, active=False),
        lambda: users.edit(session, vito, user_id=cast.vera, person=BRUNO),
        lambda: users.link_identity(session, vito, user_id=cast.anna, provider="x", issuer="i", subject="s"),
        lambda: users.grant(session, vito, user_id=cast.vera, role=Role.AGENT, on=Subject(ente_id=cast.empoli)),
        lambda: users.grant(session, vito, user_id=cast.vera, role=Role.AGENT, on=Subject(contract_id=cast.contract)),
        lambda: users.grant(session, vito, user_id=cast.vera, role=Role.AGENT, on=Subject()),
    ):
        with pytest.raises(ForbiddenError):
            attempt()  # type: ignore[no-untyped-call]
    vera = session.execute(select(RoleGrant.id).where(RoleGrant.user_id == cast.vera)).scalar_one()
    with pytest.raises(NotFoundError):
        users.revoke(session, vito, grant_id=vera)
    with pytest.raises(NotFoundError):
        queries.account(session, vito, user_id=cast.vera)
    seen, _ = queries.users(session, vito, wanted=Filter(active=None))
    assert {one.username for one in seen} == {"vito"}
    with pytest.raises(NotFoundError):
        users.grant(session, vito, user_id=cast.vera, role=Role.ENTE_VIEWER, on=Subject(ente_id=cast.vinci))
    users.grant(session, ada, user_id=cast.vera, role=Role.ENTE_VIEWER, on=Subject(contract_id=cast.contract))
    users.grant(session, ada, user_id=vito.user_id, role=Role.AGENT, on=Subject(contract_id=cast.contract))
    assert queries.account(session, vito, user_id=vito.user_id).manageable is False


def test_who_holds_nothing_yet_is_of_whoever_made_him(session: Session, cast: Cast, ada: Principal) -> None:
    """Whoever chose his password before he was given a role would hold that role."""
    on = Subject(contract_id=cast.other_contract)
    silvio, sonia = (administrator(session, name, on) for name in ("silvio", "sonia"))
    bruno = users.create(session, silvio, person=BRUNO)
    with pytest.raises(ForbiddenError):
        users.make_link(session, ada, user_id=bruno)
    with pytest.raises(ForbiddenError):
        users.link_identity(session, ada, user_id=bruno, provider="x", issuer="i", subject="s")
    with pytest.raises(NotFoundError):
        users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=cast.contract))
    assert "bruno" not in {one.username for one in queries.users(session, ada, wanted=Filter(active=None))[0]}
    assert "bruno" in {one.username for one in queries.users(session, sonia, wanted=Filter(active=None))[0]}
    users.make_link(session, sonia, user_id=bruno)  # who may manage Silvio


def test_whoever_took_the_last_role_keeps_the_account_and_nobody_gains_it_by_giving_one(
    session: Session, cast: Cast, ada: Principal
) -> None:
    silvio = administrator(session, "silvio", Subject(contract_id=cast.other_contract))
    bruno = users.create(session, ada, person=BRUNO)
    held = [
        users.grant(session, None, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=one))
        for one in (cast.contract, cast.other_contract)
    ]
    for by in (ada, silvio):
        assert queries.account(session, by, user_id=bruno).manageable is False
    users.revoke(session, ada, grant_id=held[0])
    session.info["now"] += timedelta(hours=1)
    users.revoke(session, silvio, grant_id=held[1])
    session.info["now"] += timedelta(hours=1)
    assert queries.account(session, ada, user_id=bruno).manageable is False  # though she made him
    assert queries.account(session, silvio, user_id=bruno).manageable is True
    with pytest.raises(ForbiddenError):  # she would choose his password, and keep it when Silvio takes him back
        users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=cast.contract))
    assert not queries.account(session, ada, user_id=bruno).grantable
    users.grant(session, silvio, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=cast.other_contract))


def test_who_serves_two_contracts_is_kept_by_whoever_administers_both(
    session: Session, cast: Cast, ada: Principal
) -> None:
    """Else what one of them planted in the account (a password, a second factor, an identity) would open the other."""
    first, second = Subject(contract_id=cast.contract), Subject(contract_id=cast.other_contract)
    silvio, both = administrator(session, "silvio", second), administrator(session, "bea", first)
    users.grant(session, None, user_id=both.user_id, role=Role.ADMINISTRATOR, on=second)
    both = principal_of(session, both.user_id)
    bruno = users.create(session, ada, person=BRUNO)
    users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=first)
    elsewhere = users.grant(session, both, user_id=bruno, role=Role.AGENT, on=second)
    for by, on in ((ada, first), (silvio, second)):
        for attempt in (
            lambda by=by: users.make_link(session, by, user_id=bruno),
            lambda by=by: users.edit(session, by, user_id=bruno, person=Person("bruno", "Un altro")),
            lambda by=by: users.reset_second_factor(session, by, user_id=bruno),
            lambda by=by: users.set_active(session, by, user_id=bruno, active=False),
            lambda by=by: users.end_sessions(session, by, user_id=bruno),
            lambda by=by: users.link_identity(session, by, user_id=bruno, provider="x", issuer="i", subject="s"),
            lambda by=by, on=on: users.grant(session, by, user_id=bruno, role=Role.SUPERVISOR, on=on),
        ):
            with pytest.raises(ForbiddenError):
                attempt()  # type: ignore[no-untyped-call]
    users.make_link(session, both, user_id=bruno)
    users.revoke(session, silvio, grant_id=elsewhere)  # each takes back what is of his own
    session.info["now"] += timedelta(hours=1)
    users.make_link(session, ada, user_id=bruno)
    with pytest.raises(ForbiddenError):
        users.grant(session, silvio, user_id=bruno, role=Role.AGENT, on=second)


def test_whom_a_provider_made_is_anybodys_to_give_a_role_and_nobodys_to_take(
    session: Session, cast: Cast, ada: Principal
) -> None:
    bruno = users.create(session, None, person=BRUNO)
    account = queries.account(session, ada, user_id=bruno)
    assert (account.manageable, account.grantable) == (False, True)
    with pytest.raises(ForbiddenError):
        users.make_link(session, ada, user_id=bruno)
    (contract,) = ada.contracts
    users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=contract))
    users.make_link(session, ada, user_id=bruno)
    silvio = administrator(session, "silvio", Subject(contract_id=cast.other_contract))
    with pytest.raises(NotFoundError):  # the second comes too late
        users.grant(session, silvio, user_id=bruno, role=Role.AGENT, on=Subject(contract_id=cast.other_contract))


def test_periods_are_checked_and_do_not_overlap(session: Session, cast: Cast, ada: Principal) -> None:
    bruno, on = users.create(session, ada, person=BRUNO), Subject(contract_id=cast.contract)
    today = business_day(clock.now(session))
    for starts, ends, field in (
        (today - timedelta(days=1), None, "starts_on"),
        (None, today - timedelta(days=1), "ends_on"),
        (today + timedelta(days=2), today + timedelta(days=1), "ends_on"),
    ):
        with pytest.raises(InvalidError) as refusal:
            users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=on, starts_on=starts, ends_on=ends)
        assert wrong_fields(refusal.value) == {field}
    users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=on, ends_on=today)
    users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=on, starts_on=today + timedelta(days=1))
    with pytest.raises(ConflictError):
        users.grant(session, ada, user_id=bruno, role=Role.AGENT, on=on, starts_on=date(2099, 1, 1))


def test_disabling_ends_sessions_and_links_and_tells_the_enti(session: Session, cast: Cast, ada: Principal) -> None:
    token = service.open_session(session, cast.anna)
    users.make_link(session, ada, user_id=cast.anna)
    users.set_active(session, ada, user_id=cast.anna, active=False)
    users.set_active(session, ada, user_id=cast.anna, active=False)  # a second click
    assert service.resume(session, token) is None
    assert session.execute(select(func.count()).select_from(AccessLink)).scalar_one() == 0
    users.set_active(session, ada, user_id=cast.anna, active=True)
    told = session.execute(
        select(StaffNotice.change).where(StaffNotice.ente_id == cast.empoli, StaffNotice.user_id == cast.anna)
        .order_by(StaffNotice.id)
    ).scalars()  # fmt: skip
    assert list(told) == [StaffChange.SUSPENDED, StaffChange.RESUMED]


def test_every_change_is_in_the_audit_with_before_and_after(session: Session, cast: Cast, ada: Principal) -> None:
    anna = Person("anna", "Anna Verdi")
    users.edit(session, ada, user_id=cast.anna, person=anna)
    entry = session.execute(select(AuditEntry).where(AuditEntry.kind == "user.edited")).scalar_one()
    assert (entry.actor_id, entry.detail["subject"]) == (ada.user_id, f"user:{cast.anna}")
    assert (entry.detail["before"]["name"], entry.detail["after"]["name"]) == ("Anna", "Anna Verdi")
    event = session.execute(select(UserEvent).where(UserEvent.kind == "user.edited")).scalar_one()
    assert event.detail["after"]["name"] == "Anna Verdi"


def test_users_are_found_by_name_role_ente_and_state(session: Session, cast: Cast, ada: Principal) -> None:
    def found(wanted: Filter) -> set[str]:
        return {one.username for one in queries.users(session, ada, wanted=wanted)[0]}

    users.create(session, ada, person=Person("percento", "100% Sara_", "Capoturno"))
    assert found(Filter()) == {"ada", "anna", "luca", "marta", "percento", "sara", "vera"}
    assert found(Filter(text="SAR")) == {"sara", "percento"}
    assert found(Filter(text="%")) == {"percento"}
    assert found(Filter(text="capoturno 100")) == {"percento"}
    assert found(Filter(role=Role.AGENT)) == {"anna", "luca", "marta"}
    assert found(Filter(ente_id=cast.vinci)) == {"ada", "anna", "luca", "marta", "sara"}
    users.set_active(session, ada, user_id=cast.luca, active=False)
    assert found(Filter(active=False)) == {"luca"}
    assert "luca" in found(Filter(active=None))


def test_one_ends_one_s_own_sessions_and_nobody_else_s(session: Session, cast: Cast) -> None:
    tokens = [service.open_session(session, cast.anna) for _ in range(3)]
    other = service.open_session(session, cast.luca)
    first = service.resume(session, tokens[0])
    assert first is not None
    anna = first.principal
    lucas = session.execute(select(UserSession.id).where(UserSession.user_id == cast.luca)).scalar_one()
    users.end_own_session(session, anna, session_id=lucas)
    assert service.resume(session, other) is not None
    assert users.end_other_sessions(session, anna) == 2
    assert [service.resume(session, token) is not None for token in tokens] == [True, False, False]
    (shown,) = queries.sessions(session, user_id=cast.anna, this=anna.session_id)
    assert shown.is_this
