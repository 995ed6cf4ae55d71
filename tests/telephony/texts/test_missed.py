"""What citizens wrote while nobody heard of it is found at the carrier, once, and nothing else changes."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from crm.core import clock
from crm.core.db import Scope
from crm.messages.models import MessageStop
from telephony.carriers.port import CarrierError, Written
from telephony.lines import queries as lines
from telephony.texts import reception
from telephony.texts.missed import FIRST, LAG, Missed
from telephony.texts.models import TextThread
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER
from tests.telephony.stage import Stage
from tests.telephony.texts.desk import Texts

pytestmark = pytest.mark.integration


def wrote(
    stage: Stage, body: str, *, ago: timedelta = timedelta(minutes=5), sid: str = "SM-lost", line: str = EMPOLI_LINE,
    citizen: str = MARIO_MOBILE,
) -> None:  # fmt: skip
    """The carrier has it; whether anybody was told is another matter."""
    at = stage.work(clock.now) - ago
    stage.carrier.written.setdefault(line, []).append(Written(sid, citizen, body, at))


def stops(stage: Stage) -> set[tuple[int, str]]:
    with stage.database.begin(Scope.of_contract(stage.cast.contract)) as session:
        return {(one.ente_id, one.address) for one in session.scalars(select(MessageStop))}


def threads(stage: Stage) -> int:
    return stage.work(lambda s: s.execute(select(func.count(TextThread.id))).scalar_one())


def test_what_nobody_told_of_is_found_once_and_answered(texts: Texts, stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    wrote(stage, "Non posso telefonare.\u00a0Mi aiuta?")
    look = Missed(stage.database, stage.carrier)
    assert [look.run(), look.run(), Missed(stage.database, stage.carrier).run()] == [1, 0, 0]
    thread = texts.offered()
    assert (thread.state.value, thread.agent_id) == ("offered", stage.cast.anna)
    assert texts.said(thread.id)[0] == "> Non posso telefonare. Mi aiuta?"
    assert len(texts.owed()) == 1


def test_what_was_told_is_not_taken_twice(texts: Texts, stage: Stage) -> None:
    texts.writes("Buongiorno", sid="SM-told")
    wrote(stage, "Buongiorno", sid="SM-told")
    assert Missed(stage.database, stage.carrier).run() == 0
    assert len(texts.said(texts.last().id)) == 2  # his, and that it has come


def test_what_may_still_be_told_is_left_alone_and_found_later(texts: Texts, stage: Stage) -> None:
    wrote(stage, "Adesso", ago=LAG / 2)
    look = Missed(stage.database, stage.carrier)
    assert look.run() == 0
    (one,) = stage.carrier.written.pop(EMPOLI_LINE)
    wrote(stage, one.body, ago=LAG * 2)
    assert look.run() == 1


def test_a_night_is_looked_back_on_and_an_older_one_is_not(texts: Texts, stage: Stage) -> None:
    wrote(stage, "Stanotte", ago=FIRST - timedelta(hours=1), sid="SM-night")
    wrote(stage, "Ieri", ago=FIRST + timedelta(hours=1), sid="SM-old", citizen=STRANGER)
    assert Missed(stage.database, stage.carrier).run() == 1
    assert threads(stage) == 1


def test_while_the_carrier_is_away_nothing_is_forgotten(texts: Texts, stage: Stage) -> None:
    wrote(stage, "Mi sente?", ago=timedelta(hours=2))
    look = Missed(stage.database, stage.carrier)
    stage.carrier.silent = True
    with pytest.raises(CarrierError):
        look.run()
    stage.carrier.silent = False
    assert look.run() == 1


def test_an_opt_out_that_nobody_heard_counts_and_the_last_word_wins(texts: Texts, stage: Stage) -> None:
    cast = stage.cast
    wrote(stage, "Basta!", ago=timedelta(minutes=9), sid="SM1")
    look = Missed(stage.database, stage.carrier)
    assert look.run() == 0
    assert stops(stage) == {(cast.empoli, MARIO_MOBILE), (cast.vinci, MARIO_MOBILE)}
    wrote(stage, "riprendi", ago=timedelta(minutes=3), sid="SM2", line=REGIONAL_LINE)
    for again in (look, Missed(stage.database, stage.carrier)):
        again.run()
        assert stops(stage) == set()
    assert threads(stage) == 0


def test_a_word_that_he_has_just_taken_back_is_not_held_against_him(texts: Texts, stage: Stage) -> None:
    wrote(stage, "STOP", ago=LAG * 2, sid="SM1")
    wrote(stage, "RIPRENDI", ago=LAG / 2, sid="SM2")  # whose webhook was here, or is on its way
    Missed(stage.database, stage.carrier).run()
    assert stops(stage) == set()


def test_where_nobody_reads_sms_nothing_begins(stage: Stage) -> None:
    wrote(stage, "C'è qualcuno?")
    assert Missed(stage.database, stage.carrier).run() == 0
    found = stage.work(lambda s: lines.line(s, EMPOLI_LINE))
    assert found is not None
    assert threads(stage) == 0
    assert reception.readable(" a\tb\x00 ") == "a b"
