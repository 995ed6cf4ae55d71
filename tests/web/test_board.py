"""The wallboard's figures."""

import pytest

from crm.core import clock
from crm.core.db import Database, Scope
from crm.levels.metering import hour_of
from crm.levels.models import ContractEvent, ContractEventKind, ContractTerms
from crm.levels.queries import LONGEST_WAIT, LOST, QUEUE_CAP
from crm.levels.terms import Denominator, Formula
from telephony.agents.models import AgentState
from telephony.calls import reception
from telephony.calls.addresses import Addresses
from telephony.calls.reception import Arrival
from telephony.lines import queries as lines
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER, Cast
from web.edge.templating import fragment
from web.wallboard.board import read

pytestmark = pytest.mark.integration

TO = Addresses("https://cc.example.it")


def calls(database: Database, cast: Cast, caller: str, line: str, sid: str) -> None:
    """Somebody calls and listens to the menu."""
    with database.begin(Scope.nothing()) as session:
        called = lines.line(session, line)
    assert called is not None
    with database.begin(Scope.of_contract(cast.contract)) as session:
        reception.arrive(session, Arrival(sid, line, caller, clock.now(session)), called, TO)


def test_every_column_adds_up_to_the_centre(database: Database, cast: Cast) -> None:
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


def test_shares_are_of_what_the_contract_says(database: Database, cast: Cast) -> None:
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
