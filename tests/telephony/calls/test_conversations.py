"""Whole calls, from the first ring to the notes, as citizens and agents live them."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Scope
from crm.core.errors import ConflictError, InvalidError
from crm.enti import service as lines
from crm.enti.consent import ClosureStanding
from crm.enti.models import Closure
from crm.levels.metering import Counts, FactKind
from telephony.agents import service as agents
from telephony.agents.models import AgentState, PauseReason
from telephony.calls import conversation
from telephony.calls.addresses import conference_name
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import CallerJoined, CallerLeft, LegEnd
from telephony.calls.models import Outcome, Phase, ProposedBy
from telephony.carriers.port import Enqueue, Gather, Hangup, JoinConference, Say
from telephony.commands.models import CommandKind, CommandState
from telephony.ivr import prompts
from telephony.ivr.prompts import Sentence
from telephony.queues.models import EntryState
from telephony.queues.routing import BACK_S, HEAD
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, NOTICE, REGIONAL_LINE, STRANGER
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
ANSWERED = Counts(1, 1, answered=1, wait_ms=5_000, answered_within=1)


def write_up(stage: Stage, call: UUID, agent: int) -> None:
    """The agent writes what it was about, and is done."""
    by = stage.principal(agent)
    about = {"topic": Topic.INSTALMENTS, "disposition": Disposition.WILL_PAY, "note": "Rate."}

    def work(session: Session) -> None:
        conversation.draft(session, by, call_id=call, **about)
        conversation.wrap_up(session, by, call_id=call, intended=None)

    stage.work(work)


def takes_a_break(stage: Stage, agent: int) -> None:
    """The agent asks for a break: at once, or after his call."""
    by = stage.principal(agent)
    stage.work(lambda s: agents.wish(s, by, intended=AgentState.PAUSED, reason=PauseReason.BREAK))


def test_mario_calls_anna_answers_they_talk_and_she_writes_it_up(stage: Stage) -> None:
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.arrives()
    assert (stage.call(call).ente_id, stage.call(call).contact_id) == (cast.empoli, cast.mario)
    (queued,) = [one for one in stage.presses(call, "0") if isinstance(one, Enqueue)]
    assert queued.wait_url == TO.wait(cast.contract, call)
    assert stage.presence(cast.anna).state is AgentState.READY

    (assigned,) = stage.run()
    assert (assigned.call_id, assigned.agent_id) == (call, cast.anna)
    assert (stage.call(call).phase, stage.entry(call).state) == (Phase.RINGING, EntryState.OFFERED)
    anna = stage.presence(cast.anna)
    assert (anna.state, anna.call_id, anna.leg_id) == (AgentState.RINGING, call, assigned.leg_id)
    (ring,) = stage.carrier.rings.values()
    assert (ring.agent, ring.conference) == (f"agent_{cast.anna}", conference_name(assigned.leg_id))

    stage.answers(call, after=4)
    stage.run()
    assert stage.carrier.redirected == [("CAmario", TO.resume(cast.contract, call))]
    assert stage.hears(call) == (JoinConference(ring.conference, TO.dial_ended(cast.contract, call)),)
    assert stage.presence(cast.anna).state is AgentState.RINGING  # not talking before both are there

    stage.joins(call, after=5)
    assert (stage.call(call).phase, stage.call(call).waited_ms) == (Phase.TALKING, 5_000)
    assert stage.presence(cast.anna).state is AgentState.TALKING
    assert stage.timeline(cast.mario)[0].status == "in_progress"
    stage.work(lambda s: conversation.identify(s, stage.principal(cast.anna), call_id=call, contact_id=cast.mario))

    stage.caller_leaves(call, after=125)
    stage.run()
    assert stage.carrier.ended == [stage.sid(assigned.leg_id)]
    assert stage.presence(cast.anna).state is AgentState.WRAP_UP
    assert stage.timers() == 1

    write_up(stage, call, cast.anna)
    anna = stage.presence(cast.anna)
    assert (anna.state, anna.call_id, anna.leg_id) == (AgentState.READY, None, None)
    assert stage.timers() == 0
    (entry,) = stage.timeline(cast.mario)
    assert (entry.status, entry.author_id, entry.ente_id) == (Outcome.ANSWERED, cast.anna, cast.empoli)
    assert entry.detail == {
        "identified": True, "waited_ms": 5_000, "talked_s": 120, "topic": "instalments", "disposition": "will_pay",
        "note": "Rate.",
    }  # fmt: skip
    assert stage.facts(call) == [
        (FactKind.RECEIVED, 0), (FactKind.ENTERED, 0), (FactKind.SERVED, 5_000), (FactKind.LEFT, 5_000),
        (FactKind.WRAPPED_UP, 5_000),
    ]  # fmt: skip
    assert stage.counts() == {(cast.empoli, cast.operator): ANSWERED + Counts(handled=1, talk_ms=120_000)}
    assert {state for _, state in stage.commands()} == {CommandState.DONE}


def test_the_longest_waiting_caller_gets_the_longest_idle_agent(stage: Stage) -> None:
    first, second = stage.queues(), stage.queues(STRANGER, sid="CAother")
    stage.ready(stage.cast.luca, stage.cast.anna)
    assert [(one.call_id, one.agent_id) for one in stage.run()] == [(first, stage.cast.luca), (second, stage.cast.anna)]


def test_a_caller_who_hangs_up_in_the_menu_is_received_and_not_lost(stage: Stage) -> None:
    call = stage.arrives()
    stage.caller_leaves(call, after=8)
    assert (stage.call(call).outcome, stage.facts(call)) == (Outcome.LEFT_IVR, [(FactKind.RECEIVED, 0)])
    assert stage.counts() == {(stage.cast.empoli, None): Counts(received=1)}
    assert stage.timeline(stage.cast.mario)[0].status == Outcome.LEFT_IVR


def test_a_caller_who_gives_up_while_waiting_is_lost(stage: Stage) -> None:
    call = stage.queues()
    stage.caller_leaves(call, after=41)
    assert (stage.call(call).outcome, stage.entry(call).state) == (Outcome.ABANDONED, EntryState.LEFT)
    assert stage.facts(call)[-1] == (FactKind.LEFT, 41_000)
    assert stage.counts() == {
        (stage.cast.empoli, stage.cast.operator): Counts(
            1, 1, lost=1, waited_over=1, abandoned=1, abandoned_wait_ms=41_000
        )
    }  # fmt: skip
    stage.ready(stage.cast.anna)
    assert stage.run() == []


def test_the_caller_gives_up_while_annas_phone_rings(stage: Stage) -> None:
    """Rule: no ghost rings."""
    cast = stage.cast
    stage.ready(cast.anna)
    before = stage.presence(cast.anna).idle_since
    call = stage.queues()
    (assigned,) = stage.run()
    stage.caller_leaves(call, after=9)
    stage.run()
    anna = stage.presence(cast.anna)
    assert (anna.state, anna.idle_since, anna.call_id) == (AgentState.READY, before, None)  # she keeps her turn
    assert stage.carrier.ended == [stage.sid(assigned.leg_id)]
    assert stage.timers() == 0
    assert stage.call(call).outcome is Outcome.ABANDONED
    assert stage.timeline(cast.mario)[0].author_id is None  # she never spoke with him
    assert stage.counts()[cast.empoli, cast.operator] == Counts(
        1, 1, lost=1, abandoned=1, abandoned_within=1, abandoned_wait_ms=9_000
    )  # fmt: skip


def test_the_caller_gives_up_on_his_way_to_anna(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    stage.answers(call)
    stage.caller_leaves(call, after=5)
    stage.run()
    assert stage.presence(stage.cast.anna).state is AgentState.READY
    assert stage.call(call).outcome is Outcome.ABANDONED
    assert (CommandKind.CONNECT_CALLER, CommandState.DONE) in stage.commands()
    assert stage.carrier.redirected == []


def test_anna_does_not_answer_and_luca_is_offered_the_call(stage: Stage) -> None:
    cast = stage.cast
    stage.ready(cast.anna, cast.luca)
    call = stage.queues()
    stage.run()
    waiting_since = stage.call(call).waiting_since
    stage.leg_ends(call, LegEnd.NO_ANSWER, after=25)
    (next_one,) = stage.run()
    assert (next_one.call_id, next_one.agent_id) == (call, cast.luca)
    anna = stage.presence(cast.anna)
    assert (anna.state, anna.pause_reason) == (AgentState.PAUSED, PauseReason.MISSED_CALL)
    assert stage.call(call).waiting_since == waiting_since  # the wait was not interrupted


def test_the_carrier_forgets_to_say_that_anna_did_not_answer(stage: Stage) -> None:
    stage.ready(stage.cast.anna, stage.cast.luca)
    call = stage.queues()
    (first,) = stage.run()
    stage.passes(24)
    stage.engine.fire_timers()
    assert stage.presence(stage.cast.anna).state is AgentState.RINGING  # twenty seconds, and the carrier's five
    stage.passes(2)
    stage.engine.fire_timers()
    (second,) = stage.run()
    assert (second.call_id, second.agent_id) == (call, stage.cast.luca)
    assert stage.presence(stage.cast.anna).pause_reason is PauseReason.MISSED_CALL
    assert stage.carrier.ended == [stage.sid(first.leg_id)]


def test_annas_line_drops_and_mario_waits_again_at_the_head(stage: Stage) -> None:
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    other = stage.queues(STRANGER, sid="CAother")
    takes_a_break(stage, cast.anna)
    stage.leg_ends(call, LegEnd.COMPLETED, after=100)
    stage.run()
    assert stage.presence(cast.anna).state is AgentState.PAUSED
    assert (stage.call(call).phase, stage.entry(call).priority) == (Phase.WAITING, HEAD)
    assert stage.carrier.redirected[-1] == ("CAmario", TO.resume(cast.contract, call))
    apology, queue = stage.hears(call)
    assert apology == Say(prompts.sentence(Sentence.CUT_OFF))
    assert isinstance(queue, Enqueue)

    stage.ready(cast.luca)
    (assigned,) = stage.run()
    assert (assigned.call_id, assigned.agent_id) == (call, cast.luca)
    assert stage.call(other).phase is Phase.WAITING
    stage.answers(call, after=128)
    stage.joins(call, after=130)
    stage.caller_leaves(call, after=200)
    assert stage.facts(call) == [
        (FactKind.RECEIVED, 0), (FactKind.ENTERED, 0), (FactKind.SERVED, 5_000), (FactKind.RETURNED, 5_000),
        (FactKind.SERVED, 35_000), (FactKind.LEFT, 35_000),
    ]  # fmt: skip
    mine = stage.counts()[cast.empoli, cast.operator]
    assert (mine.answered, mine.wait_ms, mine.lost) == (1, 35_000, 0)
    assert stage.timeline(cast.mario)[0].author_id == cast.luca


@pytest.mark.parametrize("comes_back", [True, False])
def test_annas_browser_dies_and_mario_is_kept_for_her_while_she_may_come_back(stage: Stage, comes_back: bool) -> None:
    """Luca is free, and is not asked before it is clear that she does not."""
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.ready(cast.luca)
    stage.leg_ends(call, LegEnd.COMPLETED, after=10)
    assert stage.run() == []
    assert stage.presence(cast.anna).device is None
    if comes_back:
        anna = stage.principal(cast.anna)
        stage.work(lambda s: agents.set_device(s, anna, device="desk again", ready=True))
    else:
        stage.passes(BACK_S + 10)
        stage.engine.fire_timers()
    (made,) = stage.run()
    assert (made.call_id, made.agent_id) == (call, cast.anna if comes_back else cast.luca)


def test_a_caller_who_was_cut_off_and_gives_up_was_answered_all_the_same(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.leg_ends(call, LegEnd.COMPLETED, after=60)
    stage.caller_leaves(call, after=110)
    assert stage.call(call).outcome is Outcome.ANSWERED
    counted = stage.counts()[stage.cast.empoli, stage.cast.operator]
    assert (counted.answered, counted.lost, counted.wait_ms, counted.waited_over) == (1, 0, 55_000, 1)


def test_anna_hangs_up_for_both(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    leg = stage.talks(call)
    stage.work(lambda s: conversation.hang_up(s, stage.principal(stage.cast.anna), call_id=call))
    stage.work(lambda s: conversation.hang_up(s, stage.principal(stage.cast.anna), call_id=call))  # a second click
    stage.run()
    assert stage.carrier.ended == ["CAmario", stage.sid(leg)]
    stage.leg_ends(call, LegEnd.COMPLETED, leg, after=90)  # her end is told first
    assert stage.call(call).phase is Phase.TALKING
    stage.caller_leaves(call, after=90)
    assert (stage.call(call).phase, stage.call(call).outcome) == (Phase.ENDED, Outcome.ANSWERED)
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP


def test_hanging_up_too_early_is_refused_and_does_not_swallow_the_click_that_counts(stage: Stage) -> None:
    by = stage.principal(stage.cast.anna)
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    stage.answers(call)
    with pytest.raises(ConflictError):
        stage.work(lambda s: conversation.hang_up(s, by, call_id=call))
    stage.joins(call)
    stage.work(lambda s: conversation.hang_up(s, by, call_id=call))
    assert stage.call(call).closing


def test_annas_wrap_up_runs_out_on_the_server_and_her_notes_are_kept(stage: Stage) -> None:
    """Rule: wrap-up is the agent's."""
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.caller_leaves(call)
    by = stage.principal(cast.anna)
    stage.work(
        lambda s: conversation.draft(s, by, call_id=call, topic="payment", disposition="", note="Scriveva ancora")
    )
    stage.passes(59)
    stage.engine.fire_timers()
    assert stage.presence(cast.anna).state is AgentState.WRAP_UP
    stage.passes(2)
    stage.engine.fire_timers()
    assert (stage.presence(cast.anna).state, stage.timers()) == (AgentState.READY, 0)
    assert stage.timeline(cast.mario)[0].detail["note"] == "Scriveva ancora"


def test_a_break_asked_for_during_the_conversation_begins_after_the_notes(stage: Stage) -> None:
    """Rule: the intention is kept."""
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues()
    stage.talks(call)
    takes_a_break(stage, cast.anna)
    assert stage.presence(cast.anna).state is AgentState.TALKING
    stage.caller_leaves(call)
    write_up(stage, call, cast.anna)
    anna = stage.presence(cast.anna)
    assert (anna.state, anna.pause_reason) == (AgentState.PAUSED, PauseReason.BREAK)


def test_nothing_is_saved_without_saying_what_it_was_about(stage: Stage) -> None:
    """Rule: the intention is kept."""
    by = stage.principal(stage.cast.anna)
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    with pytest.raises(ConflictError):
        write_up(stage, call, stage.cast.anna)  # the caller is still there
    stage.caller_leaves(call)
    with pytest.raises(InvalidError):
        stage.work(lambda s: conversation.wrap_up(s, by, call_id=call, intended=None))
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP


def test_luca_cannot_write_up_annas_call(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    stage.caller_leaves(call)
    with pytest.raises(ConflictError):
        write_up(stage, call, stage.cast.luca)


def test_while_the_lines_are_closed_a_caller_is_told_why_and_counts_as_received(stage: Stage) -> None:
    """Metric: received. within the metering hours, whatever became of it; nobody approved this closure."""
    cast = stage.cast
    sara = Principal(cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    stage.work(lambda s: lines.close_lines(s, sara, contract_id=cast.contract, reason="Guasto alla rete."))
    call = stage.arrives()
    told, end = stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAagain")
    assert isinstance(told, Gather)
    greeting, why = told.prompts
    assert isinstance(why, Say)
    assert "Guasto alla rete." in why.text
    assert (greeting, end) == (Say("Buongiorno, servizio riscossione tributi, Comune di Empoli."), Hangup())
    stage.caller_leaves(call, after=5)
    assert stage.call(call).outcome is Outcome.CLOSED
    total = sum(stage.counts().values(), Counts())
    assert (total.received, total.entered, total.lost) == (2, 0, 0)
    stage.work(lambda s: lines.reopen_lines(s, sara, contract_id=cast.contract))
    (menu,) = stage.announced(MARIO_MOBILE, EMPOLI_LINE, sid="CAlater")
    assert isinstance(menu, Gather)


def test_while_the_lines_are_closed_as_the_ente_agreed_a_call_counts_nowhere(stage: Stage) -> None:
    """Rule: one query layer."""
    cast, at = stage.cast, stage.work(clock.now)
    agreed = {"reason": "Trasloco", "message": "Trasloco.", "standing": ClosureStanding.APPROVED, "proposal": uuid4()}
    with stage.database.begin(Scope.of_enti([cast.empoli], [cast.contract])) as session:
        changed(session)
        session.add(
            Closure(
                contract_id=cast.contract, ente_id=cast.empoli, starts_at=at - HOUR, ends_at=at + HOUR,
                declared_by=cast.sara, declared_at=at - 2 * HOUR, decided_by=cast.vera, decided_at=at - HOUR, **agreed,
            )
        )  # fmt: skip
    call = stage.arrives()
    stage.caller_leaves(call, after=5)
    assert (stage.call(call).outcome, stage.facts(call), stage.counts()) == (Outcome.CLOSED, [], {})


# -- whose call it is ---------------------------------------------------------------------------------------------


def test_a_call_on_the_regional_line_finds_its_ente_by_the_notice_number(stage: Stage) -> None:
    cast = stage.cast
    call = stage.arrives(STRANGER, REGIONAL_LINE)
    assert stage.call(call).ente_id is None
    assert stage.counts() == {(None, None): Counts(received=1)}
    (asked,) = stage.presses(call, "1")
    assert isinstance(asked, Gather)
    heard = tuple(Say(prompts.sentence(one)) for one in (Sentence.ASK_NOTICE, Sentence.NO_NOTICE))
    assert (asked.digits, asked.prompts) == (None, heard)
    said, queued = stage.presses(call, NOTICE)
    assert said == Say(prompts.sentence(Sentence.OPERATOR))
    assert isinstance(queued, Enqueue)
    found = stage.call(call)
    assert (found.ente_id, found.contact_id, found.proposed_by) == (cast.vinci, cast.gina, ProposedBy.NOTICE_NUMBER)
    assert stage.entry(call).ente_id == cast.vinci
    assert stage.counts() == {(cast.vinci, cast.notices): Counts(1, 1)}
    assert [kind for kind, _ in stage.facts(call)] == [
        FactKind.RECEIVED, FactKind.MOVED, FactKind.ATTRIBUTED, FactKind.ENTERED,
    ]  # fmt: skip


def test_a_notice_of_another_ente_than_the_line_s_finds_nobody(stage: Stage) -> None:
    call = stage.arrives(STRANGER)  # Empoli's own line; the notice is Vinci's
    stage.presses(call, "1")
    (again,) = stage.presses(call, NOTICE)
    assert isinstance(again, Gather)
    assert again.prompts[0] == Say(prompts.sentence(Sentence.NOTICE_UNKNOWN))
    assert (stage.call(call).ente_id, stage.call(call).contact_id) == (stage.cast.empoli, None)


def test_the_agent_finds_out_whose_call_it_is_and_the_counters_move_there(stage: Stage) -> None:
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues(STRANGER, REGIONAL_LINE)
    stage.talks(call)
    assert stage.counts() == {(None, cast.operator): ANSWERED}
    by = stage.principal(cast.anna)
    stage.work(lambda s: conversation.propose(s, by, call_id=call, contact_id=cast.gina))
    stage.work(lambda s: conversation.identify(s, by, call_id=call, contact_id=cast.gina))
    assert stage.counts() == {(cast.vinci, cast.operator): ANSWERED}
    stage.caller_leaves(call)
    assert stage.counts() == {(cast.vinci, cast.operator): ANSWERED + Counts(handled=1, talk_ms=55_000)}
    assert stage.timeline(cast.gina)[0].detail["identified"] is True
    with pytest.raises(ConflictError):
        stage.work(lambda s: conversation.propose(s, by, call_id=call, contact_id=cast.mario))


def test_it_is_not_mario_who_calls_from_marios_mobile_but_gina(stage: Stage) -> None:
    cast = stage.cast
    stage.ready(cast.anna)
    call = stage.queues(line=REGIONAL_LINE)
    assert (stage.call(call).ente_id, stage.call(call).contact_id) == (cast.empoli, cast.mario)
    stage.talks(call)
    by = stage.principal(cast.anna)
    stage.work(lambda s: conversation.propose(s, by, call_id=call, contact_id=cast.gina))
    stage.work(lambda s: conversation.identify(s, by, call_id=call, contact_id=cast.gina))
    stage.caller_leaves(call)
    found = stage.call(call)
    assert (found.ente_id, found.contact_id, found.proposed_by) == (cast.vinci, cast.gina, ProposedBy.AGENT)
    assert stage.timeline(cast.mario) == []  # he did not call
    assert [entry.status for entry in stage.timeline(cast.gina)] == [Outcome.ANSWERED]
    assert stage.counts() == {(cast.vinci, cast.operator): ANSWERED + Counts(handled=1, talk_ms=55_000)}


def test_a_withheld_number_is_nobody_s(stage: Stage) -> None:
    call = stage.arrives(None, REGIONAL_LINE)
    row = stage.call(call)
    assert (row.caller, row.ente_id, row.contact_id, row.proposed_by) == (None, None, None, None)


# -- told twice, told late ----------------------------------------------------------------------------------------


def test_a_call_announced_twice_is_one_call(stage: Stage) -> None:
    call = stage.arrives()
    again = stage.announced(None, REGIONAL_LINE, sid="CAmario")
    assert again == stage.hears(call)
    assert stage.counts() == {(stage.cast.empoli, None): Counts(received=1)}


def test_a_key_delivered_twice_is_pressed_once(stage: Stage) -> None:
    call = stage.arrives(STRANGER, REGIONAL_LINE)
    first = stage.presses(call, "1", step=0)
    assert stage.presses(call, "1", step=0) == first  # not a wrong notice number
    stage.presses(call, NOTICE, step=1)
    before = stage.snapshot()
    (queued,) = stage.presses(call, NOTICE, step=1)
    assert isinstance(queued, Enqueue)
    assert stage.snapshot() == before


def test_the_caller_s_end_is_told_twice_under_two_names(stage: Stage) -> None:
    """The queue says that he hung up, and so does his call."""
    call = stage.queues()
    stage.caller_leaves(call, after=10)
    before = stage.snapshot()
    stage.caller_leaves(call, after=11)
    stage.hear(call, CallerLeft(stage.after(call, 12)), "left-queue:CAmario")
    assert stage.snapshot() == before


def test_after_the_caller_the_leg_we_ended_says_so_too_and_nothing_happens(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    leg = stage.talks(call)
    stage.caller_leaves(call)
    stage.run()
    before = stage.snapshot()
    stage.leg_ends(call, LegEnd.COMPLETED, leg, after=61)
    assert stage.snapshot() == before
    assert stage.pending == []


def test_an_answer_told_after_the_leg_s_end_does_not_revive_it(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    call = stage.queues()
    (assigned,) = stage.run()
    stage.leg_ends(call, LegEnd.NO_ANSWER, after=20)
    stage.answers(call, assigned.leg_id, after=19)
    stage.run()
    assert stage.call(call).phase is Phase.WAITING
    assert stage.carrier.ended == [stage.sid(assigned.leg_id)]  # it might be true: better to end it


def test_a_leg_that_answers_for_a_call_already_with_another_agent_is_ended(stage: Stage) -> None:
    """Rule: one winner."""
    cast = stage.cast
    stage.ready(cast.anna, cast.luca)
    call = stage.queues()
    (first,) = stage.run()
    stage.leg_ends(call, LegEnd.TIMED_OUT, after=25)
    (second,) = stage.run()
    stage.answers(call, first.leg_id, after=26)
    stage.run()
    assert stage.carrier.ended == [stage.sid(first.leg_id)] * 2  # at the time-out, and because it answered
    assert stage.call(call).leg_id == second.leg_id
    assert stage.presence(cast.luca).state is AgentState.RINGING


def test_callbacks_in_the_wrong_order_lead_to_the_same_end(stage: Stage) -> None:
    """Rule: told twice, done once."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.run()
    leg = stage.leg(call)
    stage.answers(call)
    stage.run()
    stage.joins(call, after=5)
    stage.answers(call, leg, after=4)  # the conference told first, the leg's own status comes late
    stage.caller_leaves(call, after=65)
    stage.hear(call, CallerJoined(stage.after(call, 66), leg), "again")
    assert [kind for kind, _ in stage.facts(call)] == [
        FactKind.RECEIVED, FactKind.ENTERED, FactKind.SERVED, FactKind.LEFT,
    ]  # fmt: skip
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP


def test_what_a_caller_hears_once_it_is_over_is_nothing(stage: Stage) -> None:
    call = stage.queues()
    stage.caller_leaves(call)
    assert stage.hears(call) == (Hangup(),)
