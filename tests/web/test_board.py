"""The wallboard's figures."""

import pytest

from crm.core import clock
from crm.core.db import Database, Scope
from telephony.calls import reception
from telephony.calls.addresses import Addresses
from telephony.calls.reception import Arrival
from telephony.lines import queries as lines
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER, Cast
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
