"""Watching single workers is locked until the agreement is entered: what opens it, and what locks it again."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from crm.monitoring import queries, service
from crm.monitoring.lock import Agreement, AgreementKind, Lock, Use, current, locked, locked_for
from crm.monitoring.service import Entered
from tests.cast import Cast, principal_of

DAY = date(2026, 11, 20)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))
ENTERED = Entered(
    AgreementKind.UNION, date(2026, 1, 12), "Accordo aziendale, prot. 118", frozenset({Use.LISTENING, Use.SCORES}),
    date(2026, 1, 12), None, "Si ascoltano conversazioni estratte a sorte.", 12,
)  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> tuple[Agreement, ...]:
    def one(id_: int) -> Agreement:
        begins = draw(DAYS)
        lasts = draw(st.none() | st.integers(0, 2000))
        return Agreement(
            id_, AgreementKind.UNION, begins, "x", draw(st.frozensets(st.sampled_from(Use), min_size=1)), begins,
            None if lasts is None else begins + timedelta(days=lasts), draw(st.booleans()), "x", 12,
        )  # fmt: skip

    return tuple(one(n) for n in range(1, draw(st.integers(1, 5)) + 1))


@given(st.sampled_from(Use), DAYS, st.booleans())
def test_without_an_agreement_everything_is_locked(use: Use, on: date, has_read: bool) -> None:
    """Rule: no watching without an agreement."""
    assert locked_for((), use, on, has_read=has_read) is Lock.NONE


@given(histories(), st.sampled_from(Use), DAYS)
def test_it_is_open_exactly_when_the_version_that_counts_holds_and_allows_it(
    versions: tuple[Agreement, ...], use: Use, on: date
) -> None:
    """Rule: no watching without an agreement."""
    one = current(versions, on)
    holds = one is not None and not one.withdrawn and (one.valid_until is None or on <= one.valid_until)
    assert (locked(versions, use, on) is None) == (holds and one is not None and use in one.uses)
    assert locked_for(versions, use, on, has_read=False) is not None, "nobody is watched who has not read it"
    assert locked_for(versions, use, on, has_read=True) == locked(versions, use, on)


@given(histories(), st.sampled_from(Use), DAYS)
def test_what_is_withdrawn_is_locked_at_once_and_no_older_version_comes_back(
    versions: tuple[Agreement, ...], use: Use, on: date
) -> None:
    one = current(versions, on)
    if one is not None:
        withdrawn = tuple(replace(v, withdrawn=v.withdrawn or v is one) for v in versions)
        assert locked(withdrawn, use, on) is Lock.WITHDRAWN


def test_a_later_version_locks_nothing_before_its_first_day() -> None:
    now = Agreement(1, AgreementKind.UNION, DAY, "x", frozenset(Use), DAY, None, False, "x", 12)
    later = replace(now, id=2, uses=frozenset({Use.SCORES}), valid_from=DAY + timedelta(days=10))
    assert locked((now, later), Use.LISTENING, DAY) is None
    assert locked((now, later), Use.LISTENING, DAY + timedelta(days=10)) is Lock.LEFT_OUT
    assert locked((later,), Use.SCORES, DAY) is Lock.NOT_YET


# -- entering ---------------------------------------------------------------------------------------------------


def admin(cast: Cast, contract: int | None = None) -> Principal:
    return Principal(cast.sara, "", "it", frozenset({Held(Role.ADMINISTRATOR, None, contract or cast.contract)}))


def how(database: Database, cast: Cast, uses: Iterable[Use] = Use) -> set[Lock | None]:
    with database.begin(Scope.nothing()) as session:
        return {queries.lock(session, use, contract_id=cast.contract, agent_id=cast.anna) for use in uses}


@pytest.mark.integration
def test_it_is_entered_read_and_withdrawn(locked_centre: Database, cast: Cast) -> None:
    database, boss = locked_centre, admin(cast)
    assert how(database, cast) == {Lock.WITHDRAWN}
    with database.begin(Scope.of_contract(cast.contract)) as session:
        agreement = service.enter(session, boss, contract_id=cast.contract, entered=ENTERED)
    assert how(database, cast, ENTERED.uses) == {Lock.NOT_READ}
    assert how(database, cast, {Use.FIGURES}) == {Lock.LEFT_OUT}
    with database.begin(Scope.nothing()) as session:
        service.confirm(session, principal_of(session, cast.anna), agreement_id=agreement)
        service.confirm(session, principal_of(session, cast.anna), agreement_id=agreement)
    assert how(database, cast, ENTERED.uses) == {None}
    with database.begin(Scope.of_contract(cast.contract)) as session, pytest.raises(FieldError):
        service.withdraw(session, boss, agreement_id=agreement, because="")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        service.withdraw(session, boss, agreement_id=agreement, because="Disdetto dalle RSU")
    assert how(database, cast) == {Lock.WITHDRAWN}
    with database.begin(Scope.of_contract(cast.contract)) as session:
        with pytest.raises(ConflictError):
            service.withdraw(session, boss, agreement_id=agreement, because="Disdetto ancora")
        kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.kind.startswith("monitoring.")))
        assert sorted(kinds) == ["monitoring.entered"] * 2 + ["monitoring.withdrawn"] * 2, "each ente is told"


@pytest.mark.integration
def test_a_new_version_is_read_anew(database: Database, cast: Cast) -> None:
    assert how(database, cast) == {None}
    with database.begin(Scope.of_contract(cast.contract)) as session:
        service.enter(session, admin(cast), contract_id=cast.contract, entered=replace(ENTERED, uses=frozenset(Use)))
    assert how(database, cast) == {Lock.NOT_READ}


@pytest.mark.integration
def test_what_is_missing_is_said_at_its_field(database: Database, cast: Cast) -> None:
    wrong = replace(
        ENTERED, reference="", uses=frozenset(), signed_on=date(2099, 1, 1), valid_until=date(2025, 1, 1), told="",
        keep_months=0, document=b"GIF89a",
    )  # fmt: skip
    with database.begin(Scope.of_contract(cast.contract)) as session, pytest.raises(InvalidError) as error:
        service.enter(session, admin(cast), contract_id=cast.contract, entered=wrong)
    assert {one.field for one in error.value.parts} == {
        "reference", "signed_on", "use-listening", "valid_from", "valid_until", "told", "keep_months", "document",
    }  # fmt: skip


@pytest.mark.integration
def test_it_is_entered_by_its_administrator_alone(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        ours = queries.versions(session, cast.contract)[0].id
        for who in (
            principal_of(session, cast.sara),
            principal_of(session, cast.anna),
            admin(cast, cast.other_contract),
        ):
            with pytest.raises(ForbiddenError):
                service.enter(session, who, contract_id=cast.contract, entered=ENTERED)
            with pytest.raises(NotFoundError):
                service.withdraw(session, who, agreement_id=ours, because="Non la voglio")
        with pytest.raises(ConflictError):  # Vera works for nobody's queue: there is nothing for her to confirm
            service.confirm(session, principal_of(session, cast.vera), agreement_id=ours)


@pytest.mark.integration
def test_the_document_is_read_by_who_works_under_it_and_nobody_else(database: Database, cast: Cast) -> None:
    pdf = b"%PDF-1.7 accordo"
    with database.begin(Scope.of_contract(cast.contract)) as session:
        made = service.enter(session, admin(cast), contract_id=cast.contract, entered=replace(ENTERED, document=pdf))
        assert queries.document(session, principal_of(session, cast.anna), agreement_id=made) == pdf
        for who in (principal_of(session, cast.vera), admin(cast, cast.other_contract)):
            with pytest.raises(NotFoundError):
                queries.document(session, who, agreement_id=made)


@pytest.mark.integration
def test_a_contract_s_agreement_opens_no_other(locked_centre: Database, cast: Cast) -> None:
    with locked_centre.begin(Scope.of_contract(cast.contract)) as session:
        service.enter(session, admin(cast), contract_id=cast.contract, entered=ENTERED)
        assert queries.lock(session, Use.SCORES, contract_id=cast.contract) is None
        assert queries.lock(session, Use.SCORES, contract_id=cast.other_contract) is Lock.WITHDRAWN
