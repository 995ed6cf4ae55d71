"""Who practises is out of service; practice is one's own, ends by itself, and survives whoever dies."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Permission, Principal
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError
from telephony.agents import service as agents
from telephony.agents.models import AgentFact, AgentState
from telephony.calls import oversight
from telephony.practice import queries, service
from telephony.practice.models import PracticeDebrief, PracticeSession
from telephony.practice.story import Deed, StoryKey
from tests.cast import Cast, make_ready, presence_of, principal_of
from tests.telephony.stage import Stage, build

pytestmark = pytest.mark.integration


class Trainee:
    """One of the cast, at practice."""

    def __init__(self, database: Database, user_id: int) -> None:
        self.database = database
        with database.begin(Scope.nothing()) as session:
            self.by: Principal = principal_of(session, user_id)

    def begin(self) -> None:
        with self.database.begin(Scope.nothing()) as session:
            service.begin(session, self.by)

    def ring(self, story: StoryKey | None = None) -> UUID:
        with self.database.begin(Scope.nothing()) as session:
            service.ring(session, self.by, story=story)
        call = self.row().call_id
        assert call is not None
        return call

    def act(self, call: UUID, deed: Deed, what: str = "") -> None:
        with self.database.begin(Scope.nothing()) as session:
            service.act(session, self.by, call_id=call, deed=deed, what=what)

    def save(self, call: UUID) -> None:
        with self.database.begin(Scope.nothing()) as session:
            service.save(
                session, self.by, call_id=call, topic="other", disposition="answered", note="Orari dello sportello"
            )

    def row(self) -> PracticeSession:
        with self.database.begin(Scope.nothing()) as session:
            found = session.get(PracticeSession, self.by.user_id)
            assert found is not None
            return found

    def kept(self) -> list[PracticeDebrief]:
        with self.database.begin(Scope.nothing()) as session:
            mine = PracticeDebrief.agent_id == self.by.user_id
            return list(session.scalars(select(PracticeDebrief).where(mine)))

    def wish(self, state: AgentState) -> None:
        with self.database.begin(Scope.nothing()) as session:
            agents.wish(session, self.by, intended=state)


@pytest.fixture
def anna(database: Database, cast: Cast) -> Trainee:
    return Trainee(database, cast.anna)


@pytest.fixture
def luca(database: Database, cast: Cast) -> Trainee:
    return Trainee(database, cast.luca)


@pytest.fixture
def stage(database: Database, cast: Cast) -> Stage:
    return build(database, cast)


def test_no_real_call_reaches_who_practises(anna: Trainee, luca: Trainee, stage: Stage, cast: Cast) -> None:
    """Rule: practice counts nowhere. Nor is its trainee counted on."""
    make_ready(anna.database, cast.anna)
    anna.begin()
    call = stage.queues()
    stage.run()
    assert stage.call(call).agent_id is None
    with pytest.raises(ConflictError, match="Stai facendo una prova"):
        anna.wish(AgentState.READY)
    with anna.database.begin(Scope.nothing()) as session:
        service.end(session, anna.by)
    anna.wish(AgentState.READY)
    stage.matcher.match_now("main", found_by="test")
    assert stage.call(call).agent_id == cast.anna


def test_the_database_itself_refuses_who_would_be_ready_and_practise(anna: Trainee) -> None:
    anna.begin()
    with pytest.raises(IntegrityError, match="practises_out_of_service"), anna.database.begin(Scope.nothing()) as s:
        s.execute(text("UPDATE agent_presence SET state = 'ready'"))


def test_nobody_goes_to_practise_from_a_real_call(anna: Trainee, stage: Stage, cast: Cast) -> None:
    make_ready(anna.database, cast.anna)
    stage.talks(stage.queues())
    with pytest.raises(ConflictError, match="Hai una chiamata"):
        anna.begin()
    assert presence_of(anna.database, cast.anna).practising_since is None


def test_what_is_timed_of_an_agent_ends_where_his_practice_begins(anna: Trainee, cast: Cast) -> None:
    make_ready(anna.database, cast.anna)
    anna.begin()
    call = anna.ring(StoryKey.QUESTION)
    anna.act(call, Deed.ANSWER)
    anna.act(call, Deed.HANG_UP)
    anna.save(call)
    with anna.database.begin(Scope.nothing()) as session:
        mine = select(AgentFact.activity).where(AgentFact.agent_id == cast.anna).order_by(AgentFact.id)
        assert [one.value for one in session.scalars(mine)] == ["offline", "ready", "offline"]


def test_a_call_is_where_it_was_whatever_process_or_tab_asks(anna: Trainee, cast: Cast) -> None:
    anna.begin()
    call = anna.ring(StoryKey.INSTALMENTS)
    anna.act(call, Deed.ANSWER)
    anna.act(call, Deed.SAY, "hello")
    anna.begin()  # pressed in another tab: nothing begins anew
    with anna.database.begin(Scope.nothing()) as session:
        own = queries.current(session, cast.anna)
        assert own is not None
        assert own.course is not None
        assert own.course.said == {"hello"}
        assert own.row.call_id == call
    with pytest.raises(ConflictError, match="già una chiamata di prova"):
        anna.ring()


def test_two_practise_at_once_and_neither_reaches_the_others_call(anna: Trainee, luca: Trainee) -> None:
    for one in (anna, luca):
        one.begin()
    hers, his = anna.ring(StoryKey.QUESTION), luca.ring(StoryKey.CARD)
    anna.act(hers, Deed.ANSWER)
    for foreign in (hers, uuid4()):
        with pytest.raises(ConflictError, match="non c'è più"):
            luca.act(foreign, Deed.HANG_UP)
    luca.act(his, Deed.ANSWER)
    anna.act(hers, Deed.HANG_UP)
    anna.save(hers)
    assert (len(anna.kept()), len(luca.kept())) == (1, 0)
    assert [one["deed"] for one in luca.row().steps] == ["answer"]


def test_only_who_answers_calls_practises(database: Database, cast: Cast) -> None:
    vera = Trainee(database, cast.vera)
    assert not vera.by.can(Permission.CALLS_ANSWER)
    for work in (service.begin, service.end, service.ring, service.forget):
        with pytest.raises(ForbiddenError), database.begin(Scope.nothing()) as session:
            work(session, vera.by)


def test_practice_forgotten_overnight_ends_itself_and_keeps_what_was_finished(anna: Trainee, luca: Trainee) -> None:
    anna.begin()
    luca.begin()
    first = anna.ring(StoryKey.QUESTION)
    anna.act(first, Deed.ANSWER)
    anna.act(first, Deed.HANG_UP)
    anna.save(first)
    anna.ring()
    assert tidy(anna.database) == 0
    past = timedelta(minutes=31)
    _back(anna.database, past, anna.by.user_id)
    assert tidy(anna.database) == 1
    assert presence_of(anna.database, anna.by.user_id).practising_since is None
    assert presence_of(anna.database, luca.by.user_id).practising_since is not None
    assert len(anna.kept()) == 1
    with pytest.raises(ConflictError, match="Non sei più in prova"):
        anna.act(first, Deed.SAY, "hello")
    assert tidy(anna.database) == 0


def test_whoever_signs_out_practises_no_longer(anna: Trainee) -> None:
    anna.begin()
    with anna.database.begin(Scope.nothing()) as session:
        agents.leave(session, anna.by)
    assert presence_of(anna.database, anna.by.user_id).practising_since is None
    with pytest.raises(ConflictError):
        anna.ring()


def test_what_is_kept_is_let_go_after_a_year_and_when_its_owner_says_so(anna: Trainee) -> None:
    anna.begin()
    call = anna.ring(StoryKey.QUESTION)
    anna.act(call, Deed.ANSWER)
    anna.act(call, Deed.HANG_UP)
    anna.save(call)
    (kept,) = anna.kept()
    with anna.database.begin(Scope.nothing()) as session:
        older = {"agent_id": anna.by.user_id, "talked_s": 1, "wrote_s": 1, "findings": {}}
        session.add(PracticeDebrief(story=StoryKey.CARD, at=kept.at - timedelta(days=366), **older))
    tidy(anna.database)
    assert [one.id for one in anna.kept()] == [kept.id]
    with anna.database.begin(Scope.nothing()) as session:
        service.forget(session, anna.by)
    assert anna.kept() == []


def test_stories_come_in_their_order_and_then_the_one_longest_ago(anna: Trainee) -> None:
    anna.begin()
    rung = []
    for _ in range(8):
        call = anna.ring()
        rung.append(anna.row().story)
        anna.act(call, Deed.ANSWER)
        anna.act(call, Deed.HANG_UP)
        anna.save(call)
    assert rung == [*StoryKey, StoryKey.QUESTION]


def test_supervisors_see_who_practises_apart_from_who_is_ready(anna: Trainee, cast: Cast) -> None:
    make_ready(anna.database, cast.anna, cast.luca)
    anna.begin()
    with anna.database.begin(Scope.of_contract(cast.contract)) as session:
        seen = {one.agent_id: one for one in oversight.overview(session, frozenset({cast.contract}))}
        assert queries.practising(session, frozenset({cast.contract})) == 1
        assert queries.practising(session, frozenset({cast.other_contract})) == 0
    assert seen[cast.anna].practising_since is not None
    assert (seen[cast.anna].state, seen[cast.luca].state) == (AgentState.OFFLINE, AgentState.READY)
    assert seen[cast.luca].practising_since is None


def test_whoever_is_in_training_may_only_practise_until_a_supervisor_lets_him_begin(
    anna: Trainee, stage: Stage, cast: Cast
) -> None:
    sara = Trainee(anna.database, cast.sara)
    make_ready(anna.database, cast.anna)
    train(sara, cast.anna, on=True)
    train(sara, cast.anna, on=True)  # pressed twice: told once
    call = stage.queues()
    stage.run()
    assert stage.call(call).agent_id is None
    with pytest.raises(ConflictError, match="Sei in formazione"):
        anna.wish(AgentState.READY)
    anna.begin()
    with anna.database.begin(Scope.nothing()) as session:
        service.end(session, anna.by)
    train(sara, cast.anna, on=False)
    anna.wish(AgentState.READY)
    with anna.database.begin(Scope.of_contract(cast.contract)) as session:
        told = session.scalars(select(AuditEntry.kind).where(AuditEntry.kind == "agent.training")).all()
    assert len(told) == 4  # in each ente's log, twice


def test_nobody_is_taken_from_a_call_to_be_trained_nor_by_who_does_not_oversee_him(
    anna: Trainee, stage: Stage, cast: Cast
) -> None:
    make_ready(anna.database, cast.anna)
    stage.talks(stage.queues())
    with pytest.raises(ConflictError, match="Ha una chiamata"):
        train(Trainee(anna.database, cast.sara), cast.anna, on=True)
    for user_id in (cast.luca, cast.vera):
        with pytest.raises(ForbiddenError):
            train(Trainee(anna.database, user_id), cast.anna, on=True)
    assert not presence_of(anna.database, cast.anna).in_training


def train(by: Trainee, agent_id: int, *, on: bool) -> None:
    with by.database.begin(Scope.of_contract(min(by.by.contracts, default=0))) as session:
        oversight.train(session, by.by, agent_id=agent_id, on=on)


def tidy(database: Database) -> int:
    return database.transact(Scope.nothing(), service.tidy)


def _back(database: Database, by: timedelta, agent_id: int) -> None:
    def work(session: Session) -> None:
        mine = PracticeSession.agent_id == agent_id
        session.execute(update(PracticeSession).where(mine).values(touched_at=PracticeSession.touched_at - by))
        moved = text("UPDATE agent_presence SET practising_since = practising_since - :by WHERE agent_id = :agent")
        session.execute(moved, {"by": by, "agent": agent_id})

    database.transact(Scope.nothing(), work)
