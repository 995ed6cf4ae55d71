"""The wallboard's figures."""

import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import Database, Scope
from crm.levels.formulas import longest_wait_ms
from crm.levels.metering import hour_of, ms_between, quarter_of
from crm.levels.metrics import LONGEST_WAIT, LOST, QUEUE_CAP
from crm.levels.models import ContractEvent, ContractEventKind, ContractTerms
from crm.levels.terms import Denominator, Formula
from telephony.agents.models import AgentState, AgentTime
from telephony.agents.times import MEASURES
from telephony.calls import reception
from telephony.calls.addresses import Addresses
from telephony.calls.reception import Arrival
from telephony.lines import queries as lines
from telephony.queues.models import EntryState, QueueEntry
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER, Cast
from tests.telephony.stage import Stage, build
from web.edge.templating import fragment
from web.wallboard.board import read

pytestmark = pytest.mark.integration

TO = Addresses("https://cc.example.it")


@pytest.fixture
def stage(database: Database, cast: Cast) -> Stage:
    return build(database, cast)


def calls(database: Database, cast: Cast, caller: str, line: str, sid: str) -> None:
    """Somebody calls and listens to the menu."""
    with database.begin(Scope.nothing()) as session:
        called = lines.line(session, line)
    assert called is not None
    with database.begin(Scope.of_contract(cast.contract)) as session:
        reception.arrive(session, Arrival(sid, line, caller, clock.now(session)), called, TO)


def test_every_column_adds_up_to_the_centre(database: Database, cast: Cast) -> None:
    """Rule: one query layer."""
    calls(database, cast, MARIO_MOBILE, EMPOLI_LINE, "CA1")
    calls(database, cast, STRANGER, REGIONAL_LINE, "CA2")
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])
    with database.begin(scope) as session:
        board = read(session, scope)
    assert board.centre.counts.received == 2
    assert sum(row.figures.counts.received for row in board.queues) == 2
    assert sum(row.figures.counts.received for row in board.enti) == 2


def test_a_viewer_sees_his_own_ente_and_that_the_lines_are_open(database: Database, cast: Cast) -> None:
    calls(database, cast, MARIO_MOBILE, EMPOLI_LINE, "CA1")
    calls(database, cast, STRANGER, REGIONAL_LINE, "CA2")
    scope = Scope.of_enti([cast.empoli])
    with database.begin(scope) as session:
        board = read(session, scope)
    assert board.opening.is_open
    assert board.centre.counts.received == 1
    assert [row.ente.short_name for row in board.enti if row.ente] == ["Empoli"]
    assert board.agents is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "it",
            [
                "Avvisi del contratto",
                "6 in coda: il contratto ne ammette 5",
                "Attesa oltre 300 s",
                "20,0 %, limite 15,0 %",
                "T = 20 s",
            ],
        ),
        ("en", ["Contract alerts", "6 in the queue: the contract allows 5", "Waited over 300 s", "T = 20 s"]),
    ],
)
def test_limits_passed_today_are_on_the_board_and_the_service_level_says_how_it_is_computed(
    database: Database, cast: Cast, language: str, words: list[str]
) -> None:
    """Metric: stamp."""
    calls(database, cast, MARIO_MOBILE, EMPOLI_LINE, "CA1")
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])
    passed = (
        (ContractEventKind.QUEUE_OVER, QUEUE_CAP, "5", "6", cast.empoli),
        (ContractEventKind.WAIT_OVER, LONGEST_WAIT, "300", "300", cast.vinci),
        (ContractEventKind.HOUR_OVER, LOST, "0.15", "0.2", None),
    )
    with database.begin(scope) as session:
        at = clock.now(session)
        session.add_all(
            ContractEvent(
                contract_id=cast.contract, ente_id=ente, kind=kind, metric=metric, subject=metric, limit=limit,
                measured=measured, occurred_at=at, recorded_at=at,
            )
            for kind, metric, limit, measured, ente in passed
        )  # fmt: skip
    with database.begin(scope) as session:
        board = read(session, scope)
    html = fragment("wallboard/board.html", language, board=board, states=tuple(AgentState), switches=[])
    assert [one for one in words if one not in html] == []
    assert len(board.alerts) == 3
    assert board.service is not None
    assert board.service.share is None  # nobody has asked for an operator
    mine = Scope.of_enti([cast.empoli])
    with database.begin(mine) as session:
        assert [one.passed.metric for one in read(session, mine).alerts] == [QUEUE_CAP]


def test_the_longest_wait_on_the_board_is_that_of_the_definition(stage: Stage) -> None:
    """Metric: longest wait. Whoever is rung for waits still; whoever is joined or gone does no more."""
    cast = stage.cast
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])

    def longest() -> tuple[int | None, int | None]:
        """As the board shows it, and as it is defined."""

        def work(session: Session) -> tuple[int | None, int | None]:
            now, board = clock.now(session), read(session, scope)
            live = select(QueueEntry.entered_at).where(QueueEntry.state != EntryState.LEFT)
            shown = None if board.centre.since is None else ms_between(board.centre.since, now)
            return shown, longest_wait_ms(session.execute(live).scalars(), now)

        return stage.database.transact(scope, work)

    assert longest() == (None, None)
    stage.ready(cast.anna)
    first = stage.queues(sid="CAfirst")
    stage.queues(STRANGER, sid="CAsecond")
    stage.run()
    shown, defined = longest()
    assert shown == defined is not None
    stage.answers(first)
    stage.joins(first)
    later, as_defined = longest()
    assert later == as_defined is not None


def test_occupancy_is_on_the_board_of_whoever_watches_a_contract_and_of_nobody_else(stage: Stage) -> None:
    """Metric: occupancy. Three agents had ten minutes of calls, and ten without; of two, none is told."""
    cast = stage.cast
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])

    def spent(*people: int) -> str:
        with stage.database.begin(Scope.nothing()) as session:
            quarter = quarter_of(clock.now(session))
            zero = dict.fromkeys(MEASURES, 0)
            session.add_all(
                AgentTime(agent_id=one, quarter=quarter, **zero | {"ready_ms": 600_000, "talking_ms": 600_000})
                for one in people
            )
        with stage.database.begin(scope) as session:
            board = read(session, scope)
        html = fragment("wallboard/board.html", "it", board=board, states=tuple(AgentState), switches=[])
        return " ".join(re.sub("<[^>]+>", " ", html).split())

    assert "occupazione oggi n.d. si calcola da tre operatori in su" in spent(cast.anna, cast.luca)
    seen = spent(cast.marta)
    assert "occupazione oggi 50 %" in seen.replace("\xa0", " ")
    assert "0/0 pronti · occ. 50 %" in seen.replace("\xa0", " ")
    mine = Scope.of_enti([cast.empoli])
    with stage.database.begin(mine) as session:
        board = read(session, mine)
    assert (board.agents, board.occupancy) == (None, None)


def test_shares_are_of_what_the_contract_says(database: Database, cast: Cast) -> None:
    """Metric: denominator."""
    with database.begin(Scope.nothing()) as session:
        session.add(
            ContractTerms(
                contract_id=cast.contract, valid_from=hour_of(clock.now(session)), formula=Formula.D, within_ms=30_000,
                short_ms=2_500, over_ms=60_000, denominator=Denominator.ENTERED,
            )
        )  # fmt: skip
    calls(database, cast, MARIO_MOBILE, EMPOLI_LINE, "CA1")
    scope = Scope.of_enti([cast.empoli, cast.vinci], [cast.contract])
    with database.begin(scope) as session:
        board = read(session, scope)
    assert (board.limits.threshold_s, board.centre.counts.received, board.centre.lost.whole) == (60, 1, 0)
    html = fragment("wallboard/board.html", "it", board=board, states=tuple(AgentState), switches=[])
    assert "formula D, T = 30 s, abbandoni brevi fino a 2.5 s" in html
    assert "entrate in coda" in html
