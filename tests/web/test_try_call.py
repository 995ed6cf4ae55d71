"""A call in words, on the terminal."""

from datetime import UTC, datetime

import pytest

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.db import Database, Scope
from crm.enti.service import close_lines
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, NOTICE, REGIONAL_LINE, Cast
from web.voice.terminal import try_call

pytestmark = pytest.mark.integration
FRIDAY = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def played(database: Database, number: str, *answers: str, caller: str = "", at: datetime | None = FRIDAY) -> int:
    return try_call(database, number, caller=caller, at=at, answers=answers)


def test_whoever_keys_a_notice_number_gets_into_its_queue(
    database: Database, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    assert played(database, REGIONAL_LINE, "", "1", f"{NOTICE}#") == 0
    out = capsys.readouterr().out
    assert "it: Non ho ricevuto la sua scelta." in out
    assert "[waits for digits, then #; nothing is silence]" in out
    assert out.endswith("[in queue: Avvisi]\n")


def test_a_known_caller_is_not_asked_and_nothing_is_written(
    database: Database, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    assert played(database, EMPOLI_LINE, "1", caller=MARIO_MOBILE) == 0
    out = capsys.readouterr().out
    assert "Comune di Empoli" in out
    assert "[waits for digits" not in out


def test_when_the_lines_are_closed_the_call_ends(
    database: Database, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    sara = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        close_lines(session, sara, contract_id=cast.contract, reason="Guasto alla rete.")
    assert played(database, EMPOLI_LINE, "1", at=None) == 0
    said = capsys.readouterr().out
    assert "Guasto alla rete." in said
    assert said.endswith("[the call ends]\n")
    assert played(database, EMPOLI_LINE, "0", at=None) == 0, "zero while that is said"
    said = capsys.readouterr().out
    assert "Adesso nessun operatore può rispondere." in said
    assert said.count("Guasto alla rete.") == 2


def test_a_number_that_is_none_of_ours_is_answered_with_those_that_are(
    database: Database, cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    assert played(database, "+39021234") == 2
    assert EMPOLI_LINE in capsys.readouterr().err
