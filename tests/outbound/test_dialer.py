"""Dialing for operators who wait in their seats: who answers speaks with somebody at once, or hears who called."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from crm.core.errors import ConflictError, InvalidError
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Mode
from outbound.compliance import rules, windows
from outbound.compliance.rules import Ended
from outbound.dialer import driving, service
from outbound.dialer.models import LineState
from outbound.dialer.service import Wanted
from telephony.agents import service as agents
from telephony.agents.models import AgentState
from telephony.calls import oversight
from telephony.calls.events import LegEnd
from telephony.calls.models import Phase
from telephony.carriers.port import Hangup, JoinConference, Say
from telephony.queues import queries as queues
from telephony.standing.pace import Pace
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, principal_of
from tests.outbound.dialing import Dialing
from tests.telephony.conftest import stage
from tests.telephony.fake_carrier import no_answer, refused
from tests.telephony.stage import Stage

__all__ = ["stage"]
pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def whatever_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """People may be called whatever the hour at which the tests run."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)


@pytest.fixture
def progressive(stage: Stage) -> Dialing:
    """One line for each operator who waits."""
    return Dialing(stage, others=3)


def wish(stage: Stage, agent: int, intended: AgentState) -> None:
    me = stage.work(lambda s: principal_of(s, agent))
    stage.work(lambda s: agents.wish(s, me, intended=intended))


def mode(one: Dialing, wanted: Wanted) -> None:
    sara = one.stage.work(lambda s: principal_of(s, one.stage.cast.sara))
    one.stage.work(lambda s: service.change(s, sara, campaign_id=one.campaign, wanted=wanted))


def test_the_operator_is_there_first_and_whoever_answers_is_with_him_at_once(
    stage: Stage, progressive: Dialing
) -> None:
    anna = stage.cast.anna
    (seat,) = progressive.seated(anna)
    assert stage.carrier.dials == {}, "nobody is called before she is in her seat"
    assert progressive.turn() == 1
    (dial,) = stage.carrier.dials.values()
    assert (dial.number, dial.caller_id, dial.machine_url) == (MARIO_MOBILE, EMPOLI_LINE, None)
    (line,) = progressive.lines()
    assert (line.for_agent, line.state) == (anna, LineState.RINGING)
    assert isinstance(progressive.answers(line)[0], JoinConference)
    stage.joins(seat)
    call = stage.call(seat)
    assert (call.phase, call.agent_id, call.caller, call.contact_id) == (
        Phase.TALKING, anna, MARIO_MOBILE, stage.cast.mario
    )  # fmt: skip
    progressive.ends(line, "completed")
    assert stage.presence(anna).state is AgentState.WRAP_UP
    progressive.settle()
    (attempt,) = progressive.attempts()
    assert (attempt.ended, attempt.operator, attempt.call_id, attempt.agent_id) == (Ended.ANSWERED, True, seat, anna)
    assert stage.counts() == {}, "no caller's figure moves"
    assert progressive.turn() == 0, "while she writes her notes nobody is called"


def test_who_does_not_answer_leaves_her_in_her_seat_and_the_next_one_is_called(
    stage: Stage, progressive: Dialing
) -> None:
    anna = stage.cast.anna
    (seat,) = progressive.seated(anna)
    progressive.turn()
    (line,) = progressive.lines()
    progressive.ends(line, "no-answer")
    assert progressive.attempts()[0].ended is Ended.NO_ANSWER
    assert progressive.turn() == 1
    assert progressive.seat(anna) == seat
    assert stage.call(seat).phase is Phase.JOINING
    assert [one.number for one in stage.carrier.dials.values()] == [MARIO_MOBILE, "+393481000000"]
    assert progressive.turn() == 0, "one line for each operator"


def test_two_operators_get_two_people_and_never_the_same(stage: Stage, progressive: Dialing) -> None:
    """Rule: one winner."""
    progressive.seated(stage.cast.anna, stage.cast.luca)
    assert progressive.turn() == 2
    first, second = progressive.lines()
    assert {first.for_agent, second.for_agent} == {stage.cast.anna, stage.cast.luca}
    assert len({one.number for one in progressive.attempts()}) == 2
    for line in (second, first):
        progressive.answers(line)
    found = progressive.lines()
    assert {one.call_id for one in found} == {progressive.seat(one) for one in (stage.cast.anna, stage.cast.luca)}
    assert {stage.call(one.call_id).agent_id == one.for_agent for one in found if one.call_id} == {True}


def test_a_pause_stops_it_at_once_and_what_rings_is_hung_up(stage: Stage, progressive: Dialing) -> None:
    """Rule: no dialling without agents."""
    anna = stage.cast.anna
    progressive.seated(anna)
    progressive.turn()
    wish(stage, anna, AgentState.PAUSED)
    assert progressive.turn() == 0
    (line,) = progressive.lines()
    assert line.dropped
    assert line.carrier_sid in stage.carrier.ended
    progressive.ends(line, "canceled")
    assert progressive.attempts()[0].ended is Ended.NO_ANSWER


def test_who_answers_while_she_leaves_still_finds_her(stage: Stage, progressive: Dialing) -> None:
    """Nobody hears silence because somebody pressed a button in the same second."""
    anna = stage.cast.anna
    (seat,) = progressive.seated(anna)
    progressive.turn()
    wish(stage, anna, AgentState.PAUSED)
    (line,) = progressive.lines()
    assert isinstance(progressive.answers(line)[0], JoinConference)
    stage.joins(seat)
    progressive.ends(line, "completed")
    assert stage.presence(anna).intended is AgentState.PAUSED


def test_who_waits_in_a_seat_is_shown_as_ready_and_counts_as_nobody_s_callback(
    stage: Stage, progressive: Dialing
) -> None:
    anna, contract = stage.cast.anna, frozenset({stage.cast.contract})
    progressive.seated(anna)
    staffing = stage.work(lambda s: queues.staffing(s, contract))
    assert (staffing.all.get(AgentState.READY), staffing.all.get(AgentState.RINGING)) == (1, None)
    assert {one.away for one in stage.work(lambda s: queues.standing(s, contract))} <= {0}
    (hers,) = [one for one in stage.work(lambda s: oversight.overview(s, contract)) if one.agent_id == anna]
    assert hers.state is AgentState.READY


def test_who_leaves_the_campaign_is_let_out_of_his_seat_and_not_rung_again(stage: Stage, progressive: Dialing) -> None:
    anna = stage.cast.anna
    (seat,) = progressive.seated(anna)
    progressive.nobody_left()
    progressive.leaves(anna)
    progressive.turn()
    assert stage.call(seat).phase is Phase.ENDED
    assert stage.presence(anna).state is AgentState.READY
    progressive.turn()
    assert progressive.stay(anna).left_at is not None
    progressive.passes(60)
    progressive.turn()
    assert stage.presence(anna).state is AgentState.READY


def test_whose_shift_ends_is_on_no_campaign_and_who_joins_before_it_begins_is(
    stage: Stage, progressive: Dialing
) -> None:
    anna = stage.cast.anna
    stage.ready(anna)
    wish(stage, anna, AgentState.OFFLINE)
    me = stage.work(lambda s: principal_of(s, anna))
    stage.work(lambda s: service.join(s, me, campaign_id=progressive.campaign))
    progressive.turn()
    assert progressive.stay(anna).left_at is None
    (seat,) = progressive.seated(anna)
    progressive.nobody_left()
    wish(stage, anna, AgentState.OFFLINE)
    progressive.turn()
    assert stage.call(seat).phase is Phase.ENDED
    progressive.turn()
    assert progressive.stay(anna).left_at is not None


def test_a_telephone_that_is_not_answered_pauses_its_operator_and_is_not_rung_again(
    stage: Stage, progressive: Dialing
) -> None:
    progressive.joins(stage.cast.anna)
    progressive.turn()
    seat = progressive.seat(stage.cast.anna)
    stage.leg_ends(seat, LegEnd.NO_ANSWER)
    stage.run()
    assert stage.call(seat).phase is Phase.ENDED
    assert stage.presence(stage.cast.anna).state is AgentState.PAUSED
    progressive.passes(60)
    progressive.turn()
    assert progressive.seat(stage.cast.anna) == seat
    assert stage.carrier.dials == {}


def test_who_phones_us_goes_first(stage: Stage, progressive: Dialing) -> None:
    """A caller waits: the operator who waits in his seat for nobody yet is let out, and gets him."""
    anna = stage.cast.anna
    (seat,) = progressive.seated(anna)
    call = stage.queues(caller="+390571700322", sid="CAgina")
    stage.run()
    stage.passes(30)
    assert progressive.turn() == 0
    stage.run()
    assert stage.call(seat).phase is Phase.ENDED
    assert stage.call(call).agent_id == anna
    progressive.passes(60)
    progressive.turn()
    assert progressive.seat(anna) == seat, "while she is with him nobody rings her for the campaign"


def test_nobody_there_he_hears_who_called_and_nothing_of_why(stage: Stage, progressive: Dialing) -> None:
    (seat,) = progressive.seated(stage.cast.anna)
    progressive.turn()
    stage.leg_ends(seat, LegEnd.COMPLETED)
    (line,) = progressive.lines()
    said, end = progressive.answers(line)
    assert isinstance(said, Say)
    assert isinstance(end, Hangup)
    assert "Comune di Empoli" in said.text
    assert ", ".join(EMPOLI_LINE.removeprefix("+39")) in said.text
    for word in ("debit", "pagament", "avvis", "ingiunzion", "tribut", "TARI", "scadut", "multa"):
        assert word.lower() not in said.text.lower()
    progressive.ends(line, "completed")
    (attempt,) = progressive.attempts()
    assert (attempt.ended, attempt.operator) == (Ended.SILENT, False)
    mario = select(CampaignContact.state, CampaignContact.due_at).where(CampaignContact.contact_id == stage.cast.mario)
    state, due_at = stage.work(lambda s: s.execute(mario).one())
    assert state is ContactState.LATER
    assert due_at - attempt.at >= rules.SILENT_LOCK


def test_told_twice_or_in_any_order_nothing_happens_twice(stage: Stage, progressive: Dialing) -> None:
    (seat,) = progressive.seated(stage.cast.anna)
    progressive.turn()
    (line,) = progressive.lines()
    once, again = progressive.answers(line), progressive.answers(line)
    assert once == again
    stage.joins(seat)
    for _ in range(2):
        progressive.ends(line, "completed")
        progressive.settle()
    assert [one.ended for one in progressive.attempts()] == [Ended.ANSWERED]
    assert isinstance(progressive.answers(line)[0], Hangup)


def test_a_call_that_the_carrier_refuses_is_no_attempt(stage: Stage, progressive: Dialing) -> None:
    progressive.seated(stage.cast.anna)
    stage.carrier.ringing.append(refused(code=20003))
    progressive.turn()
    (line,) = progressive.lines()
    assert line.state is LineState.OVER
    assert [(one.begun, one.ended) for one in progressive.attempts()] == [(False, None)]


def test_a_number_that_cannot_be_called_is_not_dialed_again_at_once(stage: Stage, progressive: Dialing) -> None:
    progressive.seated(stage.cast.anna)
    stage.carrier.ringing.append(refused())
    progressive.turn()
    (first,) = progressive.attempts()
    assert (first.begun, first.ended) == (True, Ended.FAILED)
    progressive.turn()
    assert [one.contact_id for one in progressive.attempts()].count(first.contact_id) == 1


def test_a_lost_reply_is_looked_for_and_never_dialed_again(stage: Stage, progressive: Dialing) -> None:
    """Rule: unknown, not repeated. Rule: no dialling without agents. A lost reply locks nothing up."""
    progressive.seated(stage.cast.anna)
    stage.carrier.ringing.append(no_answer())
    progressive.turn()
    progressive.passes(30)
    progressive.nobody_left()
    assert progressive.turn() == 0
    (line,) = progressive.lines()
    assert line.state is LineState.OVER
    assert [one.ended for one in progressive.attempts()] == [Ended.UNKNOWN]


def test_calls_leave_no_faster_than_the_account_may_place_them(stage: Stage, progressive: Dialing) -> None:
    progressive.seated(stage.cast.anna, stage.cast.luca)
    slow = partial(driving.turn, campaign_id=progressive.campaign, paced=Pace("AC2", 1.0))
    first, second = stage.work(slow), stage.work(slow)
    assert [len(one.owed) for one in (first, second)] == [1, 1], "one a second, and one line a turn"
    assert (first.owed[0].wait, second.owed[0].wait > timedelta()) == (timedelta(), True)


def test_a_line_whose_end_nobody_told_is_asked_for(stage: Stage, progressive: Dialing) -> None:
    progressive.seated(stage.cast.anna)
    progressive.turn()
    (line,) = progressive.lines()
    stage.carrier.loses(str(line.carrier_sid))
    progressive.passes(120)
    progressive.turn()
    assert progressive.lines()[0].state is LineState.OVER


def test_another_engine_goes_on_with_lines_and_seats(stage: Stage, progressive: Dialing) -> None:
    """Rule: heartbeat and take-over. The process that dialed is gone, and who answers is let in all the same."""
    (seat,) = progressive.seated(stage.cast.anna)
    progressive.turn()
    stage.crash()
    other = type(progressive.dialer)(stage.database, stage.carrier, progressive.dialer._addresses)
    assert other.run() == 0
    progressive.answers(progressive.lines()[0])
    stage.joins(seat)
    assert stage.call(seat).phase is Phase.TALKING


def test_the_mode_is_the_supervisor_s_within_what_the_ente_approved(stage: Stage, progressive: Dialing) -> None:
    (seat,) = progressive.seated(stage.cast.anna)
    with pytest.raises(InvalidError):
        mode(progressive, Wanted(Mode.PREDICTIVE))
    mode(progressive, Wanted(Mode.PREVIEW))
    progressive.turn()
    assert stage.call(seat).phase is Phase.ENDED, "operators look first, and call themselves"
    with pytest.raises(ConflictError):
        progressive.joins(stage.cast.luca)
    mode(progressive, Wanted(Mode.PROGRESSIVE))
    progressive.passes(60)
    progressive.turn()
    assert progressive.seat(stage.cast.anna) != seat


def test_a_supervisor_stops_it_and_what_rings_is_hung_up(stage: Stage, progressive: Dialing) -> None:
    (seat,) = progressive.seated(stage.cast.anna)
    progressive.turn()
    sara: Any = stage.work(lambda s: principal_of(s, stage.cast.sara))
    stage.work(lambda s: service.stop(s, sara, campaign_id=progressive.campaign, stopped=True))
    progressive.turn()
    assert progressive.lines()[0].dropped
    assert stage.call(seat).phase is Phase.ENDED
