"""Calls that an agent places: his telephone rings first, the citizen's once, and no caller's figure moves."""

from uuid import UUID

import pytest

from crm.access.permissions import Principal
from crm.core import clock
from crm.core.errors import ConflictError, InvalidError
from crm.levels.metering import Counts
from telephony.agents.models import AgentState
from telephony.calls import placing, reception
from telephony.calls.events import LegEnd
from telephony.calls.models import Outcome, Phase
from telephony.calls.placing import How, Placed
from telephony.calls.service import Heard
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, principal_of
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


@pytest.fixture
def anna(stage: Stage) -> Principal:
    stage.ready(stage.cast.anna)
    return stage.work(lambda s: principal_of(s, stage.cast.anna))


def place(stage: Stage, by: Principal, number: str = MARIO_MOBILE) -> UUID:
    cast = stage.cast
    wanted = Placed(cast.empoli, cast.contract, cast.mario, number, EMPOLI_LINE, cast.operator)
    return stage.work(lambda s: placing.place(s, by, wanted))


def called(stage: Stage) -> list[str | None]:
    """Whom the carrier was asked to call."""
    return [ring.number for ring in stage.carrier.rings.values() if ring.number]


def ends(stage: Stage, call: UUID, leg: UUID, status: str) -> None:
    """The carrier says so of the citizen's line."""
    heard = Heard(f"citizen:{leg}:{status}", stage.work(clock.now), detail=(("status", status),))
    stage.work(lambda s: reception.line_ended(s, call, stage.call(call).carrier_sid, heard, leg))


def test_the_agent_s_telephone_rings_first_and_whoever_answers_finds_him_there(stage: Stage, anna: Principal) -> None:
    call = place(stage, anna)
    assert stage.presence(stage.cast.anna).state is AgentState.RINGING
    stage.run()
    assert called(stage) == []
    stage.answers(call)
    stage.run()
    assert called(stage) == [MARIO_MOBILE]
    stage.joins(call)
    found = stage.call(call)
    assert (found.phase, found.agent_id, found.caller, found.placed) == (
        Phase.TALKING,
        stage.cast.anna,
        MARIO_MOBILE,
        True,
    )
    stage.caller_leaves(call)
    assert stage.call(call).outcome is Outcome.ANSWERED
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP
    assert sum(stage.counts().values(), Counts()) == Counts(), "no caller's figure moves"
    assert stage.work(lambda s: placing.ended(s, call)).how is How.ANSWERED  # who he is, nobody asked


def test_whoever_does_not_answer_is_called_once_and_the_agent_is_free(stage: Stage, anna: Principal) -> None:
    call = place(stage, anna)
    stage.run()
    stage.answers(call)
    stage.run()
    assert stage.work(lambda s: placing.ended(s, call)) is None
    ends(stage, call, stage.leg(call), "busy")
    stage.engine.fire_timers()
    stage.run()
    found = stage.call(call)
    assert (found.phase, found.outcome) == (Phase.ENDED, Outcome.NOT_REACHED)
    assert stage.presence(stage.cast.anna).state is AgentState.READY
    assert stage.work(lambda s: placing.ended(s, call)).how is How.BUSY
    assert called(stage) == [MARIO_MOBILE]


def test_an_agent_who_does_not_pick_up_leaves_nobody_called(stage: Stage, anna: Principal) -> None:
    call = place(stage, anna)
    stage.run()
    stage.leg_ends(call, LegEnd.NO_ANSWER)
    stage.engine.fire_timers()
    stage.run()
    assert stage.work(lambda s: placing.ended(s, call)).how is How.NEVER_RANG
    assert called(stage) == []


def test_who_is_not_free_places_nothing_and_nobody_is_called_by_two(stage: Stage, anna: Principal) -> None:
    place(stage, anna)
    with pytest.raises(ConflictError):
        place(stage, anna, "+390571700321")
    stage.ready(stage.cast.luca)
    luca = stage.work(lambda s: principal_of(s, stage.cast.luca))
    with pytest.raises(ConflictError, match="già chiamando"):
        place(stage, luca)
    with pytest.raises(InvalidError):
        place(stage, luca, "+39899123456")
