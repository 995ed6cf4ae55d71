"""What Anna promises Mario, and what becomes of it when others do it, put it off, or are gone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import EnteExclusion, Role, RoleGrant, User
from crm.access.permissions import Principal
from crm.audit import queries as audit
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.follow_ups import lists, queries, service
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpList, FollowUpState
from crm.follow_ups.service import To
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import Cast, principal_of

pytestmark = pytest.mark.integration


@pytest.fixture
def anna(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.anna)


@pytest.fixture
def sara(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.sara)


@pytest.fixture
def luca(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.luca)


@pytest.fixture
def promise(everything: Session, cast: Cast, anna: Principal) -> int:
    """Anna will call Mario back tomorrow."""
    return make(everything, anna, cast.mario)


def make(session: Session, by: Principal, contact_id: int, *, to: To | None = None, note: str = "Dopo le 15") -> int:
    return service.make(
        session, by, contact_id=contact_id, kind=FollowUpKind.CALL_BACK,
        due_at=clock.now(session) + timedelta(days=1), to=to or To(user_id=by.user_id), note=note,
    )  # fmt: skip


def row(session: Session, follow_up_id: int) -> FollowUp:
    return session.get_one(FollowUp, follow_up_id, populate_existing=True)


def test_a_promise_is_somebodys_on_a_list_and_on_the_timeline(
    everything: Session, cast: Cast, anna: Principal, promise: int
) -> None:
    (mine,) = queries.of_owner(everything, cast.anna)
    assert (mine.id, mine.name, mine.list_name, mine.gone) == (promise, "MARIO BIANCHI", lists.FIRST_NAME, False)
    assert [one.id for one in queries.of_list(everything, mine.list_id)] == [promise]
    assert queries.owed(everything, cast.anna) == queries.Owed(late=0, today=0)
    (entry,) = everything.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.FOLLOW_UP))
    assert (entry.status, entry.contact_id, entry.detail["note"], entry.detail["owner"]) == (
        "open", cast.mario, "Dopo le 15", "Anna",
    )  # fmt: skip
    service.done(everything, anna, follow_up_id=promise)
    everything.refresh(entry)
    assert (entry.status, entry.detail["closed_by"]) == ("done", "Anna")
    assert queries.of_owner(everything, cast.anna) == []


CHANGES: dict[str, Callable[[Session, Principal, int, Cast], None]] = {
    "done": lambda session, by, id_, cast: service.done(session, by, follow_up_id=id_),
    "cancel": lambda session, by, id_, cast: service.cancel(session, by, follow_up_id=id_),
    "postpone": lambda session, by, id_, cast: service.postpone(
        session, by, follow_up_id=id_, due_at=datetime(2027, 1, 7, 10, tzinfo=UTC)
    ),
    "assign": lambda session, by, id_, cast: service.assign(session, by, follow_up_id=id_, to=To(user_id=cast.luca)),
    "to a list": lambda session, by, id_, cast: service.assign(session, by, follow_up_id=id_, to=To(list_id=1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_each_change_is_audited_and_can_be_taken_back_once(
    everything: Session, cast: Cast, anna: Principal, luca: Principal, promise: int,
    change: Callable[[Session, Principal, int, Cast], None],
) -> None:  # fmt: skip
    before = service._standing(row(everything, promise))
    change(everything, luca, promise, cast)
    changed = row(everything, promise)
    assert service._standing(changed) != before
    assert changed.changed_at is not None
    last = max(audit.of_contact(everything, cast.empoli, [cast.mario]), key=lambda one: one.id)
    assert (last.actor_id, last.contact_id, last.ente_id) == (cast.luca, cast.mario, cast.empoli)
    assert last.before != last.after
    named = {**(last.before or {}), **(last.after or {})}
    assert not named.keys() & {"owner_id", "list_id"}
    assert named.get("owner") in {None, "Anna", "Luca"}
    service.undo(everything, anna, follow_up_id=promise, changed_at=changed.changed_at)
    assert service._standing(row(everything, promise)) == before
    with pytest.raises(ConflictError):
        service.undo(everything, anna, follow_up_id=promise, changed_at=changed.changed_at)


def test_what_is_done_is_not_put_back_on_a_list_that_was_closed(
    everything: Session, cast: Cast, anna: Principal, sara: Principal, promise: int
) -> None:
    lists.create(everything, sara, contract_id=cast.contract, name="Richiamate")
    service.done(everything, anna, follow_up_id=promise)
    done = row(everything, promise)
    at = done.changed_at
    assert at is not None
    lists.close(everything, sara, list_id=done.list_id)
    with pytest.raises(ConflictError, match="il suo elenco è stato chiuso"), everything.begin_nested():
        service.undo(everything, anna, follow_up_id=promise, changed_at=at)
    everything.expire_all()
    assert row(everything, promise).state is FollowUpState.DONE


def test_what_somebody_else_did_meanwhile_is_not_taken_back(
    everything: Session, anna: Principal, luca: Principal, cast: Cast, promise: int
) -> None:
    CHANGES["postpone"](everything, anna, promise, cast)
    mine = row(everything, promise).changed_at
    assert mine is not None
    row(everything, promise).changed_at = mine + timedelta(seconds=1)  # one clock reading a transaction
    everything.flush()
    with pytest.raises(ConflictError):
        service.undo(everything, anna, follow_up_id=promise, changed_at=mine)


def test_closing_twice_the_same_way_is_no_error_and_otherwise_is_one(
    everything: Session, anna: Principal, luca: Principal, promise: int
) -> None:
    service.done(everything, anna, follow_up_id=promise)
    service.done(everything, luca, follow_up_id=promise)
    assert row(everything, promise).closed_by == anna.user_id
    for late in (service.cancel, lambda *a, **k: service.assign(*a, **k, to=To(user_id=luca.user_id))):
        with pytest.raises(ConflictError):
            late(everything, luca, follow_up_id=promise)


@pytest.mark.parametrize("gone", ["disabled", "without a role", "kept away"])
def test_when_its_owner_is_gone_it_is_visibly_the_lists(
    everything: Session, cast: Cast, anna: Principal, sara: Principal, gone: str
) -> None:
    promise = make(everything, anna, cast.mario, to=To(user_id=cast.luca))
    (of_list,) = queries.lists(everything, [cast.contract])
    assert of_list.nobodys == 0
    if gone == "disabled":
        everything.execute(update(User).where(User.id == cast.luca).values(active=False))
    elif gone == "kept away":
        kept_away = {"user_id": cast.luca, "ente_id": cast.empoli, "reason": "x", "made_by": cast.vera}
        everything.add(EnteExclusion(**kept_away, made_at=clock.now(everything)))
        everything.flush()
    else:
        everything.execute(
            update(RoleGrant).where(RoleGrant.user_id == cast.luca).values(valid_to=clock.now(everything))
        )
    (seen,) = queries.of_list(everything, of_list.id)
    assert (seen.id, seen.gone, seen.owner) == (promise, True, "Luca")
    assert queries.lists(everything, [cast.contract])[0].nobodys == 1
    assert [one.id for one in queries.of_all(everything, [cast.contract])] == [promise]
    with pytest.raises(InvalidError):
        service.assign(everything, sara, follow_up_id=promise, to=To(user_id=cast.luca))
    service.assign(everything, sara, follow_up_id=promise, to=To(user_id=cast.anna))
    assert not queries.of_owner(everything, cast.anna)[0].gone


def test_it_is_given_only_to_whoever_works_there(everything: Session, cast: Cast, anna: Principal) -> None:
    elsewhere = FollowUpList(contract_id=cast.other_contract, name="Siena", active=True)
    everything.add(elsewhere)
    everything.flush()
    for to in (To(user_id=cast.vera), To(list_id=elsewhere.id), To(list_id=10**9), To(user_id=10**9)):
        with pytest.raises(InvalidError) as refused:
            make(everything, anna, cast.mario, to=to)
        assert refused.value.field == "to"
    with pytest.raises(InvalidError):
        make(everything, anna, cast.mario, note="x" * 1001)
    assert queries.of_contacts(everything, [cast.mario]) == []


def test_who_may_not_make_or_change_one(everything: Session, cast: Cast, anna: Principal, promise: int) -> None:
    vera = principal_of(everything, cast.vera)  # she watches Empoli
    with pytest.raises(ForbiddenError):
        make(everything, vera, cast.mario)
    for change in CHANGES.values():
        with pytest.raises(ForbiddenError):
            change(everything, vera, promise, cast)


def test_a_desk_clerk_of_one_ente_does_what_concerns_it(everything: Session, cast: Cast, promise: int) -> None:
    everything.execute(
        update(RoleGrant).where(RoleGrant.user_id == cast.vera).values(role=Role.DESK_CLERK, ente_id=cast.empoli)
    )
    vera = principal_of(everything, cast.vera)
    mine = make(everything, vera, cast.mario)
    service.done(everything, vera, follow_up_id=promise)
    assert [one.id for one in queries.of_owner(everything, cast.vera)] == [mine]
    with pytest.raises(ForbiddenError):
        make(everything, vera, cast.gina)


def test_another_ente_does_not_know_of_it(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        anna = principal_of(session, cast.anna)
        promise = make(session, anna, cast.mario)
    for scope in (Scope.of_contract(cast.other_contract), Scope.of_enti([cast.vinci])):
        with database.begin(scope) as session:
            assert queries.get(session, promise) is None
            with pytest.raises(NotFoundError):
                service.done(session, anna, follow_up_id=promise)
            with pytest.raises(NotFoundError):
                make(session, anna, cast.mario)


# -- lists -------------------------------------------------------------------------------------------------------------


def test_lists_are_opened_renamed_and_closed_once_they_are_empty(
    everything: Session, cast: Cast, anna: Principal, sara: Principal, promise: int
) -> None:
    calls = lists.create(everything, sara, contract_id=cast.contract, name="  Da   richiamare ")
    assert [one.name for one in queries.lists(everything, [cast.contract])] == [lists.FIRST_NAME, "Da richiamare"]
    lists.rename(everything, sara, list_id=calls, name="Richiamate")
    service.assign(everything, anna, follow_up_id=promise, to=To(list_id=calls))
    with pytest.raises(ConflictError):
        lists.close(everything, sara, list_id=calls)
    service.done(everything, anna, follow_up_id=promise)
    lists.close(everything, sara, list_id=calls)
    with pytest.raises(InvalidError):
        make(everything, anna, cast.mario, to=To(list_id=calls))
    (left,) = queries.lists(everything, [cast.contract])
    with pytest.raises(ConflictError):
        lists.close(everything, sara, list_id=left.id)
    assert lists.create(everything, sara, contract_id=cast.contract, name="Richiamate") == calls  # opened again


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, lists.FIRST_NAME])
def test_a_list_needs_a_name_of_its_own(
    everything: Session, cast: Cast, sara: Principal, promise: int, name: str
) -> None:
    other = lists.create(everything, sara, contract_id=cast.contract, name="Altro")
    for refused in (
        lambda: lists.create(everything, sara, contract_id=cast.contract, name=name),
        lambda: lists.rename(everything, sara, list_id=other, name=name),
    ):
        with pytest.raises(InvalidError) as error:
            refused()
        assert error.value.field == "name"


def test_who_may_not_keep_lists(everything: Session, cast: Cast, anna: Principal, sara: Principal) -> None:
    theirs = FollowUpList(contract_id=cast.other_contract, name="Siena", active=True)
    everything.add(theirs)
    everything.flush()
    with pytest.raises(ForbiddenError):
        lists.create(everything, anna, contract_id=cast.contract, name="Mia")
    with pytest.raises(ForbiddenError):
        lists.create(everything, sara, contract_id=cast.other_contract, name="Mia")
    for refused in (
        lambda: lists.rename(everything, sara, list_id=theirs.id, name="Mia"),
        lambda: lists.close(everything, sara, list_id=theirs.id),
    ):
        with pytest.raises(NotFoundError):
            refused()
