"""Teams: a case is Luca's and Marta's together until one of them takes it up; nothing stays with who has left."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.access.models import EnteExclusion, RoleGrant, User
from crm.access.permissions import Principal
from crm.audit.models import AuditEntry
from crm.cases import having, hearing, owners, queries, service, teams, views, warning
from crm.cases.escalation import Told
from crm.cases.lifecycle import Channel, Deed, Topic
from crm.cases.models import Case, CaseTeam, CaseTerm
from crm.cases.queries import Filter, Whose
from crm.cases.saying import Request, Said
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, InvalidError, NotFoundError
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import Cast, principal_of

pytestmark = pytest.mark.integration
RATES = {Topic.INSTALMENTS}


@pytest.fixture
def anna(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.anna)


@pytest.fixture
def luca(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.luca)


@pytest.fixture
def sara(everything: Session, cast: Cast) -> Principal:
    return principal_of(everything, cast.sara)


def formed(
    session: Session, sara: Principal, cast: Cast, *people: int, name: str = "Rate", topics: set[Topic] = RATES
) -> int:
    return teams.make(
        session, sara, contract_id=cast.contract, name=name, topics=topics, members=people or (cast.luca, cast.marta)
    )


def opened(session: Session, by: Principal, cast: Cast, topic: Topic = Topic.INSTALMENTS) -> Case:
    request = Request(topic, Channel.PHONE, "Ha perso il lavoro")
    case_id = service.open_case(session, by, request=request, contact_id=cast.mario)
    return session.get_one(Case, case_id, populate_existing=True)


def given(session: Session, by: Principal, case: Case, user_id: int | None = None, team_id: int | None = None) -> None:
    owners.assign(session, by, case_id=case.id, version=case.version, user_id=user_id, team_id=team_id)


def listed(session: Session, which: Filter, user_id: int) -> list[int]:
    return [one.id for one in queries.listed(session, which, user_id=user_id)[0]]


def leaves(session: Session, user_id: int) -> None:
    session.execute(update(User).where(User.id == user_id).values(active=False))


def test_a_new_case_about_a_team_s_topic_is_the_team_s_until_one_of_it_takes_it_up(
    everything: Session, cast: Cast, anna: Principal, luca: Principal, sara: Principal
) -> None:
    before = opened(everything, anna, cast)
    team = formed(everything, sara, cast)
    case, other = opened(everything, anna, cast), opened(everything, anna, cast, Topic.RELIEF)
    assert [one.team_id for one in (before, case, other)] == [None, team, None]
    first = views.one(everything, case.id)
    assert (first.owner, first.team) == ("", "Rate")
    assert next((one.deed, one.words, one.by) for one in first.steps) == (Deed.ASSIGN, "Rate", "")
    entries = everything.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.CASE))
    assert {one.detail["case"]: one.detail["owner"] for one in entries} == {
        before.id: None, case.id: "Rate", other.id: None,
    }  # fmt: skip
    with pytest.raises(ForbiddenError):
        given(everything, anna, case, cast.anna)
    service.step(everything, luca, case_id=case.id, version=case.version, deed=Deed.TAKE, said=Said())
    assert (case.owner_id, case.team_id) == (cast.luca, team)
    assert listed(everything, Filter(whose=Whose.TEAMS), cast.marta) == [case.id]
    assert listed(everything, Filter(team_id=team), cast.sara) == [case.id]
    assert listed(everything, Filter(whose=Whose.NOBODYS), cast.anna) == [before.id, other.id]
    assert listed(everything, Filter(whose=Whose.TEAMS), cast.anna) == []


def test_who_works_on_a_team_s_case_and_is_not_of_it_does_not_become_its_owner(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    formed(everything, sara, cast)
    case = opened(everything, anna, cast)
    service.step(everything, anna, case_id=case.id, version=case.version, deed=Deed.TAKE, said=Said())
    assert case.owner_id is None
    case.heard_at = clock.now(everything)
    hearing.looked(everything, anna, case)
    assert case.heard_at is not None
    hearing.looked(everything, principal_of(everything, cast.marta), case)
    assert case.heard_at is None


def test_a_supervisor_gives_a_case_to_a_team_to_one_of_it_and_to_somebody_else(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    team, case = formed(everything, sara, cast, topics=set()), opened(everything, anna, cast)
    with pytest.raises(ForbiddenError):
        given(everything, anna, case, team_id=team)
    stands = []
    for user_id, team_id in ((None, team), (cast.marta, None), (None, team), (cast.anna, None), (None, None)):
        given(everything, sara, case, user_id, team_id)
        stands.append((case.owner_id, case.team_id))
    assert stands == [(None, team), (cast.marta, team), (None, team), (cast.anna, None), (None, None)]
    words = [one.words for one in views.one(everything, case.id).steps if one.deed is Deed.ASSIGN]
    assert words[::-1] == ["Rate", "Marta", "Rate", "Anna", ""]
    given(everything, sara, case, None, team)
    version = case.version
    given(everything, sara, case, None, team)  # it is theirs already
    assert case.version == version


def test_a_team_is_told_as_an_owner_would_be_and_a_supervisor_at_once_where_nobody_is_left(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    formed(everything, sara, cast)
    case, now = opened(everything, anna, cast), clock.now(everything)
    for each in everything.scalars(select(CaseTerm)):
        each.since_at, each.due_at = now - timedelta(days=13), now + timedelta(days=2)
    everything.flush()
    warning.warn(everything, ente_id=cast.empoli)

    def told() -> list[Told]:
        return [one.said for one in views.one(everything, case.id).steps if one.deed is Deed.WARN]  # type: ignore[misc]

    assert told() == [Told.OWNER]
    assert [
        queries.waiting(everything, user_id=one, manages=False, decides=False)
        for one in (cast.luca, cast.marta, cast.anna)
    ] == [1, 1, 0]
    assert having.followers(everything, case) == {cast.luca, cast.marta}
    everything.add(
        EnteExclusion(user_id=cast.luca, ente_id=cast.empoli, made_by=cast.vera, made_at=now, reason="Parente")
    )
    everything.flush()
    assert having.followers(everything, case) == {cast.marta}
    leaves(everything, cast.marta)
    assert not having.followers(everything, case)
    other = opened(everything, anna, cast)
    everything.execute(
        update(CaseTerm).where(CaseTerm.case_id == other.id)
        .values(since_at=now - timedelta(days=13), due_at=now + timedelta(days=2))
    )  # fmt: skip
    warning.warn(everything, ente_id=cast.empoli)
    assert {one.said for one in views.one(everything, other.id).steps if one.deed is Deed.WARN} == set(Told)


def test_a_team_with_nobody_for_the_ente_has_nothing_and_keeps_nobody_from_it(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    team = formed(everything, sara, cast, cast.luca)
    before = opened(everything, anna, cast)
    leaves(everything, cast.luca)
    after = opened(everything, anna, cast)
    assert (before.team_id, after.team_id) == (team, None)
    assert listed(everything, Filter(whose=Whose.NOBODYS), cast.anna) == [before.id, after.id]
    owners.set_worker(everything, sara, contract_id=cast.contract, user_id=cast.anna, topics=RATES, most=5)
    lines, _ = owners.plan(everything, sara, contract_id=cast.contract)
    assert {line.owner_id for line in lines} == {cast.anna}
    given(everything, anna, before, cast.anna)
    assert (before.owner_id, before.team_id) == (cast.anna, None)
    with pytest.raises(InvalidError, match="nessuno lavora"):
        given(everything, sara, after, team_id=team)
    assert teams.for_case(everything, sara, contract_id=cast.contract, ente_id=cast.empoli) == {}


def test_who_works_for_another_ente_now_has_this_one_s_cases_in_name_alone(database: Database, cast: Cast) -> None:
    """Seen by whoever sees both, while the other has cases too."""

    def moved(session: Session) -> tuple[int, list[int]]:
        luca = principal_of(session, cast.luca)
        case = opened(session, luca, cast, Topic.RELIEF)
        given(session, luca, case, cast.luca)
        grants = update(RoleGrant).where(RoleGrant.user_id == cast.luca)
        session.execute(grants.values(contract_id=cast.other_contract))
        request = Request(Topic.COMPLAINT, Channel.ENTE, "Di Siena, che quel contratto copre")
        service.registered(session, None, request=request, contact_id=None, ente_id=cast.siena)
        assert views.one(session, case.id).gone
        return case.id, listed(session, Filter(whose=Whose.NOBODYS, topic=Topic.RELIEF), cast.sara)

    both = Scope.of_enti([cast.empoli, cast.siena], [cast.contract, cast.other_contract])
    case_id, nobodys = database.transact(both, moved)
    assert nobodys == [case_id]


def test_a_team_s_case_is_shared_out_among_its_people_alone(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    formed(everything, sara, cast, cast.marta)
    for user_id in (cast.luca, cast.marta):
        owners.set_worker(everything, sara, contract_id=cast.contract, user_id=user_id, topics=RATES, most=5)
    cases = [opened(everything, anna, cast) for _ in range(3)]
    lines, loads = owners.plan(everything, sara, contract_id=cast.contract)
    assert ({line.owner for line in lines}, {line.team for line in lines}, loads) == ({"Marta"}, {"Rate"}, {"Marta": 3})
    wanted = {cases[0].id: cast.luca, cases[1].id: cast.marta}  # the first is not the plan's
    assert owners.apply(everything, sara, contract_id=cast.contract, wanted=wanted) == 1
    assert cases[1].owner_id == cast.marta


def test_cases_of_who_has_left_are_nobody_s_and_shared_out_again(
    everything: Session, cast: Cast, anna: Principal, luca: Principal, sara: Principal
) -> None:
    case = opened(everything, anna, cast, Topic.RELIEF)
    given(everything, luca, case, cast.luca)
    assert queries.counted(everything, Filter(), user_id=cast.sara)[2] == 0
    everything.execute(delete(RoleGrant).where(RoleGrant.user_id == cast.luca))
    assert queries.counted(everything, Filter(), user_id=cast.sara)[2] == 1
    (row,), _ = queries.listed(everything, Filter(whose=Whose.NOBODYS), user_id=cast.sara)
    assert (row.owner, row.gone) == ("Luca", True)
    owners.set_worker(
        everything, sara, contract_id=cast.contract, user_id=cast.marta, topics={Topic.RELIEF}, most=5
    )  # fmt: skip
    (line,), _ = owners.plan(everything, sara, contract_id=cast.contract)
    assert line.owner_id == cast.marta
    given(everything, anna, case, cast.anna)
    assert case.owner_id == cast.anna


def test_who_leaves_a_team_keeps_what_he_took_up_and_one_that_is_dissolved_leaves_the_rest_to_nobody(
    everything: Session, cast: Cast, anna: Principal, luca: Principal, sara: Principal
) -> None:
    team = formed(everything, sara, cast)
    his, free = opened(everything, anna, cast), opened(everything, anna, cast)
    given(everything, luca, his, cast.luca)
    teams.change(everything, sara, team_id=team, name="Dilazioni", topics=RATES, members=[cast.marta])
    assert (his.owner_id, his.team_id) == (cast.luca, team)
    (view,) = teams.of_contract(everything, cast.contract)
    assert (view.name, list(view.members.values()), view.cases, view.free) == ("Dilazioni", ["Marta"], 2, 1)
    leaves(everything, cast.luca)
    assert teams.of_contract(everything, cast.contract)[0].free == 2
    assert teams.close(everything, sara, team_id=team) == 2
    assert [(one.owner_id, one.team_id) for one in (his, free)] == [(cast.luca, None), (None, None)]
    assert opened(everything, anna, cast).team_id is None
    with pytest.raises(NotFoundError):
        teams.close(everything, sara, team_id=team)
    with pytest.raises(InvalidError, match="non c'è più"):
        given(everything, sara, free, team_id=team)
    again = formed(everything, sara, cast, cast.marta, name=" Dilazioni ")
    assert again == team
    kinds = everything.scalars(select(AuditEntry.kind).where(AuditEntry.kind.like("case_team.%"))).all()
    assert kinds == ["case_team.made", "case_team.changed", "case_team.closed", "case_team.made"]


def test_what_cannot_be_a_team_is_said_field_by_field(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    formed(everything, sara, cast)

    def refused(**said: object) -> set[str | None]:
        wanted = {"name": "Altra", "topics": set(), "members": [cast.anna]} | said
        with pytest.raises(InvalidError) as error:
            teams.make(everything, sara, contract_id=cast.contract, **wanted)  # type: ignore[arg-type]
        return {one.field for one in error.value.parts}

    assert refused(name="  ") == {"name"}
    assert refused(name="Rate") == {"name"}
    assert refused(topics={Topic.INSTALMENTS}) == {"topics"}
    assert refused(members=[]) == {"members"}
    assert refused(members=[cast.vera], topics=RATES) == {"members", "topics"}
    assert len(teams.of_contract(everything, cast.contract)) == 1
    with pytest.raises(ForbiddenError):
        teams.make(everything, anna, contract_id=cast.contract, name="Mia", topics=(), members=[cast.anna])


def test_a_team_of_another_contract_is_not_to_be_had(
    everything: Session, cast: Cast, anna: Principal, sara: Principal
) -> None:
    row = CaseTeam(contract_id=cast.other_contract, name="Siena", topics=[])
    everything.add(row)
    everything.flush()
    with pytest.raises(NotFoundError):
        teams.change(everything, sara, team_id=row.id, name="Mia", topics=(), members=[cast.anna])
    with pytest.raises(InvalidError, match="non c'è più"):
        given(everything, sara, opened(everything, anna, cast), team_id=row.id)
