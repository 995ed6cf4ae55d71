"""A day for Fabio and Lia: planned, searched by the worker's job, changed by hand, published, given to each alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crm.access.models import RoleGrant
from crm.access.permissions import Principal
from crm.collection.models import ImportRun, ImportState
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.core.jobs import Job, LeaseLostError, Taken
from crm.enti.calendar import Timetable, is_holiday
from crm.positions.models import Position
from outbound.compliance.rules import Reason
from outbound.field.agents.models import DeclaredTie, FieldAgent
from outbound.field.agents.ties import Tie
from outbound.field.practices.lifecycle import Limits, MandateState, State
from outbound.field.practices.models import FieldMandate, NoVisit, Practice
from outbound.field.rounds import changing, publishing, queries, service, tasks
from outbound.field.rounds.admitting import Case, Given, Refusal, proposed, publishable, refusal
from outbound.field.rounds.candidates import agents, candidates
from outbound.field.rounds.changes import Change
from outbound.field.rounds.checking import breaches
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.models import PublishedStop, RoundPlan, RoundStop
from outbound.field.rounds.problem import Fault
from outbound.field.rounds.settings import Working
from tests.cast import Cast, add_contact, add_position, principal_of
from tests.outbound.field.people import a_mandate, a_practice, an_agent, approved
from web.migrations import tables

__all__ = ("tables",)  # those that practices refer to
pytestmark = pytest.mark.integration
T = TypeVar("T")
DOORS = 6
FRIDAY = 4
EMPOLI = Timetable((), patron=(11, 30))


@dataclass
class Planning:
    """Empoli and Vinci, served by one contract; Fabio visits both, Lia Empoli alone; six doors of Fabio's."""

    database: Database
    cast: Cast
    fabio: int = 0
    lia: int = 0
    doors: tuple[int, ...] = ()
    in_vinci: int = 0
    plan: int = 0

    def work(self, do: Callable[[Session, Principal], T], who: str = "sara") -> T:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            return do(session, principal_of(session, getattr(self.cast, who)))

    def begun(self) -> int:
        self.plan = self.work(lambda s, sara: service.begin(s, sara, contract_id=self.cast.contract, day=self.day(s)))
        self.work(lambda s, _: s.execute(update(RoundPlan).values(seconds=1)))
        return self.plan

    def day(self, session: Session) -> Any:
        """The next Monday to Friday that is no holiday: homes and businesses are visited."""
        day = clock.business_day(clock.now(session)) + timedelta(days=1)
        while day.weekday() > FRIDAY or is_holiday(EMPOLI, day):
            day += timedelta(days=1)
        return day

    def searched(self) -> None:
        """The planner asks, and the worker does it."""
        self.work(lambda s, sara: service.solve(s, sara, plan_id=self.plan))
        self.job(tasks.run_solve)

    def job(self, do: Callable[[Database, Taken], None], renew: Callable[[], None] = lambda: None) -> None:
        with self.database.begin(Scope.of_contract(self.cast.contract)) as session:
            row = session.scalars(select(Job).where(Job.kind == service.SOLVE).order_by(Job.id.desc())).first()
            assert row is not None
            taken = Taken(row.id, row.ente_id, row.argument, renew)
        do(self.database, taken)

    def shown(self) -> Any:
        return self.work(lambda s, sara: queries.plan(s, sara, self.plan))

    def orders(self) -> dict[int, list[int]]:
        of = self.shown()
        return {agent: [one.practice_id for one in of.order(agent)] for agent in of.agents}


@pytest.fixture
def planning(database: Database, cast: Cast) -> Planning:
    found = Planning(database, cast)

    def settle(session: Session, _: Principal) -> None:
        fabio, lia = an_agent(session, cast.luca, cast.sara, 1), an_agent(session, cast.marta, cast.sara, 2)
        lia.surname, lia.given_name = "Verdi", "Lia"
        for agent in (fabio, lia):
            approved(session, cast.empoli, agent, cast.sara)
        approved(session, cast.vinci, fabio, cast.sara)
        doors = []
        for n in range(DOORS):
            contact = add_contact(session, cast.empoli, f"BNCMRA62A01D40{n}Y", "BIANCHI", f"PINO {n}", None)
            add_position(session, cast.empoli, contact, f"TARI-{n}", None)
            practice = a_practice(session, cast.empoli, contact, cast.sara, n + 1)
            practice.latitude, practice.longitude = 43.70 + n * 0.01, 10.93 + (n % 2) * 0.03
            practice.priority = n % 3
            _mandated(session, practice, fabio, cast.sara)
            doors.append(practice.id)
        vinci = a_practice(session, cast.vinci, cast.gina, cast.sara, 1)
        vinci.town, vinci.latitude, vinci.longitude = "Vinci", 43.7835, 10.9228
        _mandated(session, vinci, fabio, cast.sara)
        add_position(session, cast.vinci, cast.gina, "TARI-VINCI", None)
        heard = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), clock.now(session))
        session.add_all(
            ImportRun(
                ente_id=one, file_name="feed.jsonl", file_bytes=1, totals=[], state=ImportState.DONE, **heard
            )
            for one in (cast.empoli, cast.vinci)
        )  # fmt: skip
        found.fabio, found.lia, found.doors, found.in_vinci = fabio.id, lia.id, tuple(doors), vinci.id

    found.work(settle)
    return found


def _mandated(session: Session, practice: Practice, agent: FieldAgent, by: int) -> FieldMandate:
    mandate = a_mandate(session, practice, agent, by)
    today = clock.business_day(clock.now(session))
    mandate.valid_from, mandate.valid_to = today - timedelta(days=30), today + timedelta(days=30)
    return mandate


# -- which practices ------------------------------------------------------------------------------------------------

DAY = date(2026, 11, 24)
HIS = Given(1, True, Limits(date(2026, 11, 1), date(2026, 11, 30), 3))
CASE = Case(State.ACCEPTED, HIS, frozenset({1, 2}))


@pytest.mark.parametrize(
    ("case", "why"),
    [
        (CASE, None),
        (replace(CASE, state=State.CLOSED), Refusal.CLOSED),
        (replace(CASE, state=State.FROZEN), Refusal.FROZEN),
        (replace(CASE, given=replace(HIS, limits=Limits(DAY + timedelta(days=1), DAY + timedelta(days=9)))),
         Refusal.NOT_VALID),
        (replace(CASE, given=replace(HIS, visits=3)), Refusal.NO_VISITS_LEFT),
        (replace(CASE, after=DAY + timedelta(days=1)), Refusal.NOT_YET),
        (replace(CASE, after=DAY), None),
        (replace(CASE, allowed=False), Refusal.NOT_ALLOWED),
        (replace(CASE, could=frozenset({2})), Refusal.NOBODY),
        (replace(CASE, state=State.OPEN, given=None), None),
    ],
)  # fmt: skip
def test_why_a_practice_is_in_no_round(case: Case, why: Refusal | None) -> None:
    assert refusal(case, DAY) is why


def test_nobody_is_sent_to_a_door_without_a_mandate_that_he_has_accepted() -> None:
    """Rule: no door without a mandate."""
    offered, nobodys = replace(CASE, given=replace(HIS, accepted=False)), replace(CASE, state=State.OPEN, given=None)
    assert [publishable(one, DAY, 1) for one in (CASE, offered, nobodys)] == [True, False, False]
    assert not publishable(CASE, DAY, 2)
    assert proposed([(7, CASE), (8, offered), (9, nobodys)], DAY) == [7]


# -- a plan ---------------------------------------------------------------------------------------------------------


def test_a_plan_begins_with_who_has_accepted_what_for_the_day(planning: Planning) -> None:
    planning.work(
        lambda s, _: s.execute(update(Practice).where(Practice.id == planning.doors[5]).values(state="frozen"))
    )
    planning.begun()
    of = planning.shown()
    assert list(of.agents) == [planning.fabio]
    assert of.stops.keys() == {*planning.doors[:5], planning.in_vinci}
    assert planning.begun() == of.plan.id, "a day has one plan"
    assert of.plan.state is PlanState.DRAFT


def test_the_job_finds_rounds_that_can_be_walked(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    of = planning.shown()
    assert of.plan.state is PlanState.READY
    assert len(of.order(planning.fabio)) == DOORS + 1
    assert breaches(of.problem, of.rounds()) == ()


def test_a_worker_that_dies_loses_nothing_and_the_next_goes_on(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    before = planning.orders()

    def dies() -> None:
        raise LeaseLostError

    planning.work(lambda s, sara: service.solve(s, sara, plan_id=planning.plan))
    with pytest.raises(LeaseLostError):
        planning.job(tasks.run_solve, renew=dies)
    assert planning.shown().plan.state is PlanState.SOLVING
    assert planning.orders() == before, "the best that was found is still there"
    planning.job(tasks.run_solve)
    assert planning.shown().plan.state is PlanState.READY
    planning.job(tasks.run_solve)  # told twice
    assert planning.shown().plan.state is PlanState.READY


def test_given_up_it_says_so_and_can_be_asked_again(planning: Planning) -> None:
    planning.begun()
    planning.work(lambda s, sara: service.solve(s, sara, plan_id=planning.plan))

    def gives_up(database: Database, job: Taken) -> None:
        with database.begin(Scope.of_contract(planning.cast.contract)) as session:
            tasks.gave_up(session, job)

    planning.job(gives_up)
    assert planning.shown().plan.failure == tasks.BROKEN
    planning.searched()
    assert planning.shown().plan.failure == ""


def test_stopped_it_is_content_with_what_it_has(planning: Planning) -> None:
    planning.begun()
    planning.work(lambda s, _: s.execute(update(RoundPlan).values(seconds=120)))
    planning.work(lambda s, sara: service.solve(s, sara, plan_id=planning.plan))
    planning.work(lambda s, sara: service.stop(s, sara, plan_id=planning.plan))
    planning.job(tasks.run_solve)
    assert len(planning.orders()[planning.fabio]) == DOORS + 1


def test_while_it_is_searched_nothing_is_changed(planning: Planning) -> None:
    planning.begun()
    planning.work(lambda s, sara: service.solve(s, sara, plan_id=planning.plan))
    with pytest.raises(ConflictError, match="stanno calcolando"):
        planning.work(lambda s, sara: changing.take_out(s, sara, plan_id=planning.plan, practice_id=planning.doors[0]))


def test_without_agents_or_practices_it_says_what_is_missing(planning: Planning) -> None:
    planning.begun()
    planning.work(lambda s, sara: service.drop_agent(s, sara, plan_id=planning.plan, agent_id=planning.fabio))
    with pytest.raises(InvalidError, match="agente"):
        planning.work(lambda s, sara: service.solve(s, sara, plan_id=planning.plan))


def test_a_practice_without_a_place_is_left_out_and_said(planning: Planning) -> None:
    away = update(Practice).where(Practice.id == planning.doors[0]).values(latitude=None, longitude=None)
    planning.work(lambda s, _: s.execute(away))
    planning.begun()
    planning.searched()
    row = planning.shown().stops[planning.doors[0]]
    assert (row.agent_id, row.why) == (None, Fault.NO_PLACE)


def test_a_visit_moved_by_hand_stays_where_it_was_put_when_the_rest_is_searched(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    last = planning.orders()[planning.fabio][-1]
    planning.work(
        lambda s, sara: changing.move(
            s, sara, plan_id=planning.plan, practice_id=last, agent_id=planning.fabio, position=1
        )
    )
    assert planning.orders()[planning.fabio][0] == last
    begins = planning.shown().stops[last].begins
    assert planning.shown().stops[last].fixed_at == begins
    planning.searched()
    assert planning.shown().stops[last].begins == begins
    planning.work(lambda s, sara: changing.release(s, sara, plan_id=planning.plan, practice_id=last))
    assert planning.shown().stops[last].fixed_agent_id is None


def test_a_visit_is_fixed_at_an_hour_for_visits_alone(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    one = planning.doors[2]
    at = 16 * 3600
    planning.work(lambda s, sara: changing.fix(s, sara, plan_id=planning.plan, practice_id=one, at=at))
    assert planning.shown().stops[one].begins == at
    planning.searched()
    assert planning.shown().stops[one].begins == at
    with pytest.raises(InvalidError, match="A quell'ora"):
        planning.work(lambda s, sara: changing.fix(s, sara, plan_id=planning.plan, practice_id=one, at=5 * 3600))


def test_taken_out_and_removed(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    out, gone = planning.doors[:2]
    planning.work(lambda s, sara: changing.take_out(s, sara, plan_id=planning.plan, practice_id=out))
    planning.work(lambda s, sara: changing.remove(s, sara, plan_id=planning.plan, practice_id=gone))
    of = planning.shown()
    assert (of.stops[out].agent_id, of.stops[out].why) == (None, "")
    assert gone not in of.stops
    assert breaches(of.problem, of.rounds()) == ()
    assert planning.work(lambda s, sara: service.add(s, sara, plan_id=planning.plan, practice_ids=[gone, out])) == 1


def test_a_mandate_is_personal_and_a_tie_keeps_away(planning: Planning) -> None:
    planning.begun()
    planning.work(lambda s, sara: service.put_agent(s, sara, plan_id=planning.plan, agent_id=planning.lia))
    with pytest.raises(InvalidError, match="L'incarico è di Fabio Lotti"):
        planning.work(
            lambda s, sara: changing.move(
                s, sara, plan_id=planning.plan, practice_id=planning.doors[0], agent_id=planning.lia, position=1
            )
        )

    def free(session: Session, _: Principal) -> None:
        """The first door is nobody's, the second nobody's and Lia's cousin's."""
        for one in planning.doors[:2]:
            practice = session.get_one(Practice, one)
            practice.state, practice.agent_id = State.OPEN, None
            session.execute(
                update(FieldMandate).where(FieldMandate.practice_id == one).values(state=MandateState.DECLINED)
            )
        tied = session.get_one(Practice, planning.doors[1]).contact_id
        session.add(
            DeclaredTie(
                id=uuid4(), ente_id=planning.cast.empoli, agent_id=planning.lia, contact_id=tied, tie=Tie.FAMILY,
                past=True, note="", declared_at=clock.now(session),
            )
        )  # fmt: skip

    planning.work(free)
    for one, may in zip(planning.doors[:2], ({planning.fabio, planning.lia}, {planning.fabio}), strict=True):
        assert next(stop.may for stop in planning.shown().problem.stops if stop.key == one) == may
    planning.work(
        lambda s, sara: changing.move(
            s, sara, plan_id=planning.plan, practice_id=planning.doors[0], agent_id=planning.lia, position=1
        )
    )
    assert planning.orders()[planning.lia] == [planning.doors[0]]


def test_several_agents_share_what_nobody_has_yet(planning: Planning) -> None:
    def free(session: Session, _: Principal) -> None:
        session.execute(update(FieldMandate).values(state=MandateState.DECLINED))
        session.execute(update(Practice).values(state=State.OPEN, agent_id=None))

    planning.begun()
    planning.work(free)
    planning.work(lambda s, sara: service.put_agent(s, sara, plan_id=planning.plan, agent_id=planning.lia))
    for agent in (planning.fabio, planning.lia):
        planning.work(
            lambda s, sara, agent=agent: service.put_agent(
                s, sara, plan_id=planning.plan, agent_id=agent, working=Working(most=4)
            )
        )
    planning.searched()
    assert sorted(len(its) for its in planning.orders().values()) == [3, 4]
    planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan))
    assert planning.work(lambda s, _: s.scalar(select(func.count()).select_from(PublishedStop))) == 0


def test_whom_the_rules_keep_from_being_visited_is_in_no_plan_and_the_page_says_why(planning: Planning) -> None:
    refusing, paid, promised = planning.doors[:3]

    def happen(session: Session, _: Principal) -> None:
        whose = {one: session.get_one(Practice, one).contact_id for one in (refusing, paid, promised)}
        session.add(
            NoVisit(
                ente_id=planning.cast.empoli, contact_id=whose[refusing], why="l'ha chiesto", since=clock.now(session),
                written_by=planning.cast.sara,
            )
        )  # fmt: skip
        session.execute(update(Position).where(Position.contact_id == whose[paid]).values(residual_cents=0))
        later = clock.now(session) + timedelta(days=20)
        session.execute(update(Practice).where(Practice.id == promised).values(not_before=later))

    planning.work(happen)
    planning.begun()
    assert planning.shown().stops.keys() == {*planning.doors[3:], planning.in_vinci}

    def answers(session: Session, _: Principal) -> list[Any]:
        day = planning.day(session)
        enti = [planning.cast.empoli, planning.cast.vinci]
        among = agents(session, enti=enti, day=day).values()
        found = candidates(session, enti=enti, day=day, among=among)
        return [(refusal(found[one].case, day), found[one].reasons) for one in (*planning.doors[:4],)]

    not_visited, paid_for, not_yet, free = planning.work(answers)
    assert not_visited == (Refusal.NOT_ALLOWED, (Reason.DO_NOT_VISIT, Reason.WINDOW))
    assert paid_for[0] is Refusal.NOT_ALLOWED
    assert not_yet == (Refusal.NOT_YET, (Reason.WINDOW, Reason.VISITED))
    assert free == (None, ())


def test_a_plan_far_ahead_does_not_wait_for_fresher_data(planning: Planning) -> None:
    def far(session: Session, sara: Principal) -> int:
        day = planning.day(session) + timedelta(days=7)
        while day.weekday() > FRIDAY or is_holiday(EMPOLI, day):
            day += timedelta(days=1)
        return service.begin(session, sara, contract_id=planning.cast.contract, day=day)

    planning.plan = planning.work(far)
    assert len(planning.shown().stops) == DOORS + 1


# -- what agents are given --------------------------------------------------------------------------------------------


def given(planning: Planning, agent: int) -> Any:
    return planning.work(lambda s, _: queries.round_of(s, agent_id=agent, day=planning.day(s)))


def test_an_agent_has_his_round_once_it_is_published_and_is_told_what_changes(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    assert given(planning, planning.fabio) is None
    assert planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan)) == DOORS + 1
    first = given(planning, planning.fabio)
    assert [one.practice_id for one in first.stops] == planning.orders()[planning.fabio]
    assert [one.position for one in first.stops] == list(range(1, DOORS + 2))
    assert first.leaves <= first.stops[0].begins < first.stops[-1].leaves <= first.done
    assert (first.times, first.changes) == (1, {})
    planning.work(lambda s, sara: changing.take_out(s, sara, plan_id=planning.plan, practice_id=planning.doors[0]))
    assert planning.shown().plan.state is PlanState.READY
    assert len(given(planning, planning.fabio).stops) == DOORS + 1, "he has his until it is published again"
    planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan))
    again = given(planning, planning.fabio)
    assert len(again.stops) == DOORS
    assert (again.times, again.changes[planning.doors[0]]) == (2, Change.REMOVED)
    with pytest.raises(ConflictError):
        planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan))


def test_a_door_whose_mandate_ended_is_in_his_round_no_more(planning: Planning) -> None:
    """Rule: no door without a mandate."""
    planning.begun()
    planning.searched()
    planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan))
    ended = update(FieldMandate).where(FieldMandate.practice_id == planning.doors[3])
    planning.work(lambda s, _: s.execute(ended.values(state=MandateState.REVOKED)))
    assert planning.doors[3] not in {one.practice_id for one in given(planning, planning.fabio).stops}


def test_a_round_that_cannot_be_walked_is_not_published(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    late = update(RoundStop).where(RoundStop.practice_id == planning.doors[0]).values(begins=3600, arrives=3600)
    planning.work(lambda s, _: s.execute(late))
    with pytest.raises(InvalidError, match="Qualche giro"):
        planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan))


# -- who may ----------------------------------------------------------------------------------------------------------


def test_only_who_plans_the_contract_sees_or_changes_its_days(planning: Planning) -> None:
    planning.begun()
    with pytest.raises(ForbiddenError):
        planning.work(lambda s, vera: service.solve(s, vera, plan_id=planning.plan), "vera")
    with pytest.raises(NotFoundError):
        planning.work(lambda s, anna: queries.plan(s, anna, planning.plan), "anna")
    with planning.database.begin(Scope.nothing()) as session:
        session.execute(
            update(RoleGrant)
            .where(RoleGrant.user_id == planning.cast.sara)
            .values(contract_id=planning.cast.other_contract)
        )
    with pytest.raises(NotFoundError):
        planning.work(lambda s, sara: service.solve(s, sara, plan_id=planning.plan))
    assert planning.work(queries.plans) == []


def test_another_ente_sees_nothing_of_who_is_visited(planning: Planning) -> None:
    planning.begun()
    planning.searched()
    planning.work(lambda s, sara: publishing.publish(s, sara, plan_id=planning.plan))
    for ente, seen in ((planning.cast.vinci, 1), (planning.cast.siena, 0)):
        with planning.database.begin(Scope.of_enti([ente])) as session:
            assert len(session.scalars(select(RoundStop)).all()) == seen
            assert len(session.scalars(select(PublishedStop)).all()) == seen


def test_whom_an_ente_of_the_contract_keeps_away_plans_nothing_of_it(planning: Planning) -> None:
    planning.begun()

    def tries(session: Session, sara: Principal) -> None:
        service.solve(session, replace(sara, kept_from=frozenset({planning.cast.vinci})), plan_id=planning.plan)

    with pytest.raises(ForbiddenError, match="allontanato"):
        planning.work(tries)
