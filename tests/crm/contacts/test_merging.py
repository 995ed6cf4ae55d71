"""Sara sees that two contacts are one person. Nothing moves, and what she undoes never was."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.contacts import merging, queries
from crm.contacts.models import Contact, PersonKind
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from tests.cast import AS_OF, Cast, principal_of

pytestmark = pytest.mark.integration
WHY = "Stesso nome e stesso telefono"


@pytest.fixture
def sara(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.sara)


@pytest.fixture
def double(everything: Session, cast: Cast) -> int:
    """Mario in Empoli once more, under a codice fiscale with a slip."""
    return contact(everything, cast.empoli, "BNCMRA62A01D403Y")


def contact(session: Session, ente_id: int, codice_fiscale: str) -> int:
    row = Contact(
        ente_id=ente_id, codice_fiscale=codice_fiscale, kind=PersonKind.NATURAL, surname="BIANCHI", given_name="MARIO",
        name_key="BIANCHI MARIO", as_of=AS_OF, digest="x",
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row.id


def same(session: Session, contact_id: int) -> list[int]:
    return [one.id for one in queries.same_person(session, contact_id)]


def test_two_contacts_become_one_person_and_two_again(
    everything: Session, cast: Cast, sara: Principal, double: int
) -> None:
    merge = merging.merge(everything, sara, kept_id=cast.mario, merged_id=double, reason=WHY)
    assert same(everything, cast.mario) == [cast.mario, double]
    assert same(everything, double) == [double, cast.mario]
    (view,) = merging.of_contacts(everything, [double])
    assert (view.id, view.kept_id, view.reason) == (merge, cast.mario, WHY)
    for _ in range(2):  # pressed twice
        merging.undo(everything, sara, merge_id=merge)
    assert (same(everything, cast.mario), same(everything, double)) == ([cast.mario], [double])
    assert merging.of_contacts(everything, [double]) == []
    kinds = [(one.kind, one.contact_id) for one in everything.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert kinds == [(kind, who) for kind in ("contact.merged", "contact.merge_undone") for who in (cast.mario, double)]


def test_a_person_is_united_over_enti_and_merges_at_once(
    everything: Session, cast: Cast, sara: Principal, double: int
) -> None:
    in_vinci = contact(everything, cast.vinci, "BNCMRA62A01D403Y")
    third = contact(everything, cast.vinci, "BNCMRA62A01D403Z")
    merging.merge(everything, sara, kept_id=cast.mario, merged_id=double, reason=WHY)
    merging.merge(everything, sara, kept_id=third, merged_id=in_vinci, reason=WHY)
    everybody = {cast.mario, double, in_vinci, third}
    for one in everybody:
        found = same(everything, one)
        assert found[0] == one
        assert set(found) == everybody


def test_undoing_the_first_of_two_merges_leaves_the_second(
    everything: Session, cast: Cast, sara: Principal, double: int
) -> None:
    third = contact(everything, cast.empoli, "BNCMRA62A01D403Z")
    first = merging.merge(everything, sara, kept_id=cast.mario, merged_id=double, reason=WHY)
    merging.merge(everything, sara, kept_id=third, merged_id=double, reason=WHY)
    assert set(same(everything, cast.mario)) == {cast.mario, double, third}
    merging.undo(everything, sara, merge_id=first)
    assert same(everything, cast.mario) == [cast.mario]
    assert set(same(everything, double)) == {double, third}


def test_what_is_united_is_not_united_again(everything: Session, cast: Cast, sara: Principal, double: int) -> None:
    third = contact(everything, cast.empoli, "BNCMRA62A01D403Z")
    merging.merge(everything, sara, kept_id=cast.mario, merged_id=double, reason=WHY)
    merging.merge(everything, sara, kept_id=double, merged_id=third, reason=WHY)
    for kept, merged in ((cast.mario, double), (double, cast.mario), (third, cast.mario)):
        with pytest.raises(ConflictError):
            merging.merge(everything, sara, kept_id=kept, merged_id=merged, reason=WHY)


def test_what_cannot_be_merged(everything: Session, cast: Cast, sara: Principal, double: int) -> None:
    for kept, merged, reason, error in (
        (cast.mario, cast.gina, WHY, InvalidError),  # another ente's
        (cast.mario, cast.mario, WHY, InvalidError),
        (cast.mario, double, " ", InvalidError),
        (cast.mario, double, "x" * 201, InvalidError),
        (cast.mario, cast.stranger_in_siena, WHY, NotFoundError),
    ):
        with pytest.raises(error):
            merging.merge(everything, sara, kept_id=kept, merged_id=merged, reason=reason)
    assert same(everything, cast.mario) == [cast.mario]


def test_who_may_not_merge(everything: Session, cast: Cast, sara: Principal, double: int) -> None:
    anna = principal_of(everything, cast.anna)
    merge = merging.merge(everything, sara, kept_id=cast.mario, merged_id=double, reason=WHY)
    with pytest.raises(ForbiddenError):
        merging.merge(everything, anna, kept_id=cast.mario, merged_id=double, reason=WHY)
    with pytest.raises(ForbiddenError):
        merging.undo(everything, anna, merge_id=merge)


def test_another_ente_sees_no_merge(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara, double = principal_of(session, cast.sara), contact(session, cast.empoli, "BNCMRA62A01D403Y")
        merge = merging.merge(session, sara, kept_id=cast.mario, merged_id=double, reason=WHY)
    with database.begin(Scope.of_contract(cast.other_contract)) as session, pytest.raises(NotFoundError):
        merging.undo(session, sara, merge_id=merge)
    with database.begin(Scope.of_enti([cast.vinci])) as session:
        assert merging.of_contacts(session, [double]) == []
