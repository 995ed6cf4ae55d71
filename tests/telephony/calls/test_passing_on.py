"""Hold, consultation and passing on, as citizens and agents live them."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from crm.access import queries as access
from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core.configuration import changed
from crm.core.db import Scope
from crm.core.errors import ConflictError, InvalidError
from crm.enti.models import Office
from crm.files import queries as files
from crm.levels.metering import FactKind
from telephony.agents.models import AgentState, PauseReason
from telephony.calls import conversation, talk, whom
from telephony.calls.addresses import conference_name
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import AgentAnswered, LegEnd, LegEnded
from telephony.calls.models import AgentLeg, Call, LegState, Outcome, Phase
from telephony.calls.whom import Missing, Why
from telephony.carriers.port import CUSTOMER, Enqueue, JoinConference, Say, Standing
from telephony.commands.models import CommandKind, CommandState
from telephony.ivr import prompts
from telephony.ivr.prompts import Sentence
from telephony.queues import queries
from telephony.queues.models import EntryState, Queue, QueueMember
from telephony.queues.routing import HEAD, MEANT_S, PASSED_S
from tests.cast import DOMAIN, MARIO_MOBILE, STRANGER
from tests.telephony.fake_carrier import refused
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

OFFICE = "+390571757000"


def in_talk(stage: Stage) -> tuple[UUID, Principal]:
    """Anna speaks with Mario, whom she has identified."""
    stage.ready(stage.cast.anna)
    call = stage.queues()
    stage.talks(call)
    anna = stage.principal(stage.cast.anna)
    stage.work(lambda s: conversation.identify(s, anna, call_id=call, contact_id=stage.cast.mario))
    return call, anna


def arranged(stage: Stage) -> dict[str, Standing]:
    """How the carrier was told that everybody takes part."""
    return dict(stage.carrier.arranged[-1].standing)


def party_of(stage: Stage, call: UUID) -> UUID:
    found = stage.call(call).party_leg_id
    assert found is not None
    return found


def party_answers(stage: Stage, call: UUID, *, after: float = 10) -> UUID:
    leg = party_of(stage, call)
    stage.hear(call, AgentAnswered(stage.after(call, after), leg))
    stage.run()
    return leg


def an_office(stage: Stage) -> None:
    stage.work(
        lambda s: s.add(
            Office(
                ente_id=stage.cast.empoli, name="Ufficio Tributi", address="Via del Papa 41", phone=OFFICE,
                competent_for="Tributi", accessibility="", hours=[],
            )
        )
    )  # fmt: skip


def consults_luca(stage: Stage) -> tuple[UUID, Principal, Principal]:
    call, anna = in_talk(stage)
    stage.ready(stage.cast.luca)
    stage.work(lambda s: talk.consult(s, anna, call_id=call, agent_id=stage.cast.luca))
    stage.run()
    return call, anna, stage.principal(stage.cast.luca)


def test_anna_puts_mario_on_hold_and_takes_him_up_again(stage: Stage) -> None:
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.hold(s, anna, call_id=call))
    stage.work(lambda s: talk.hold(s, anna, call_id=call))  # pressed twice
    stage.run()
    (room,) = stage.carrier.arranged
    assert (room.conference, room.hold_url) == (conference_name(stage.leg(call)), TO.hold(stage.cast.contract, call))
    assert room.standing == {CUSTOMER: Standing(hold=True)}
    assert stage.presence(stage.cast.anna).state is AgentState.TALKING
    stage.work(lambda s: talk.back(s, anna, call_id=call))
    stage.run()
    assert arranged(stage) == {CUSTOMER: Standing()}
    assert [kind for kind, _ in stage.facts(call)][-2:] == [FactKind.HELD, FactKind.RESUMED]


def test_the_held_time_is_no_time_of_conversation(stage: Stage) -> None:
    """Metric: AHT. It is talk + hold + wrap-up."""
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.hold(s, anna, call_id=call))
    held = timedelta(seconds=40)
    stage.work(lambda s: s.execute(update(Call).values(held_since=Call.held_since - held)))
    row = stage.call(call)
    assert row.held_since is not None
    stage.caller_leaves(call, after=5)
    over = stage.call(call)
    assert (over.held_since, over.talking_since) == (None, None)
    assert over.outcome is Outcome.ANSWERED


def test_two_orders_that_overtake_each_other_end_in_what_was_asked_last(stage: Stage) -> None:
    """The one carried out late tells the carrier what is true by then, not what was when it was written."""
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.hold(s, anna, call_id=call))
    stage.work(lambda s: talk.back(s, anna, call_id=call))
    stage.pending.reverse()
    stage.run()
    assert arranged(stage) == {CUSTOMER: Standing()}


def test_when_the_carrier_will_not_hold_the_agent_is_not_told_that_he_did(stage: Stage) -> None:
    call, anna = in_talk(stage)
    stage.carrier.telling.append(refused())
    stage.work(lambda s: talk.hold(s, anna, call_id=call))
    stage.run()
    assert stage.call(call).held_since is None
    assert stage.commands()[-1] == (CommandKind.ARRANGE, CommandState.FAILED)


def test_whoever_is_not_in_conversation_holds_nobody(stage: Stage) -> None:
    call, anna = in_talk(stage)
    luca = stage.principal(stage.cast.luca)
    with pytest.raises(ConflictError):
        stage.work(lambda s: talk.hold(s, luca, call_id=call))
    stage.caller_leaves(call)
    with pytest.raises(ConflictError, match="non è in corso"):
        stage.work(lambda s: talk.hold(s, anna, call_id=call))


# -- a colleague ------------------------------------------------------------------------------------------------


def test_anna_asks_luca_while_mario_hears_music_and_takes_mario_up_again(stage: Stage) -> None:
    call, anna, luca = consults_luca(stage)
    ring = list(stage.carrier.rings.values())[-1]
    assert (ring.agent, ring.conference) == (f"agent_{stage.cast.luca}", conference_name(stage.leg(call)))
    assert stage.presence(stage.cast.luca).state is AgentState.RINGING
    assert arranged(stage) == {CUSTOMER: Standing(hold=True)}
    party_answers(stage, call)
    assert stage.presence(stage.cast.luca).state is AgentState.TALKING
    assert stage.call(call).agent_id == stage.cast.anna
    with pytest.raises(ConflictError):  # the call is not his
        stage.work(lambda s: conversation.hang_up(s, luca, call_id=call))
    stage.work(lambda s: talk.back(s, anna, call_id=call))
    stage.run()
    assert stage.presence(stage.cast.luca).state is AgentState.READY
    assert arranged(stage) == {CUSTOMER: Standing()}
    assert len(stage.carrier.ended) == 1


def test_a_colleague_who_is_asked_and_says_that_he_is_done_is_free_again(stage: Stage) -> None:
    call, _, luca = consults_luca(stage)
    party_answers(stage, call)
    stage.work(lambda s: talk.leave_consultation(s, luca, call_id=call))
    stage.run()
    assert stage.presence(stage.cast.luca).state is AgentState.READY
    assert stage.call(call).held_since is not None  # Anna takes him up herself
    with pytest.raises(ConflictError):
        stage.work(lambda s: talk.leave_consultation(s, luca, call_id=call))


def test_a_colleague_who_does_not_answer_is_paused_visibly_and_mario_is_still_anna_s(stage: Stage) -> None:
    """Rule: a pause, not an exile. No-answers lead to a visible, reversible pause."""
    call, _, _ = consults_luca(stage)
    stage.passes(30)
    stage.engine.fire_timers()
    stage.run()
    luca = stage.presence(stage.cast.luca)
    assert (luca.state, luca.pause_reason) == (AgentState.PAUSED, PauseReason.MISSED_CALL)
    row = stage.call(call)
    assert (row.phase, row.agent_id, row.party_leg_id) == (Phase.TALKING, stage.cast.anna, None)


def test_luca_takes_mario_over_with_notes_and_without_asking_him_again_who_he_is(stage: Stage) -> None:
    cast = stage.cast
    call, anna, luca = consults_luca(stage)
    leg = party_answers(stage, call)
    stage.work(lambda s: conversation.draft(s, anna, call_id=call, topic=Topic.PAYMENT, disposition="", note="Rate."))
    stage.work(lambda s: talk.pass_on(s, anna, call_id=call))
    stage.run()
    row = stage.call(call)
    assert (row.agent_id, row.leg_id, row.note, row.topic) == (cast.luca, leg, "Rate.", Topic.PAYMENT)
    assert stage.presence(cast.anna).state is AgentState.READY
    assert arranged(stage) == {CUSTOMER: Standing()}
    assert stage.carrier.arranged[-1].conference == conference_name(row.room_id or leg) != conference_name(leg)
    (join,) = (one for one in stage.hears(call) if isinstance(one, JoinConference))
    assert join.name == conference_name(row.room_id or leg)
    kinds = [kind for kind, _ in stage.facts(call)]
    assert kinds[-4:] == [FactKind.HELD, FactKind.RESUMED, FactKind.PASSED_ON, FactKind.SERVED]

    def opened(by: Principal) -> bool:
        return stage.work(lambda s: files.opening(s, by, contact_id=cast.mario)) is not None

    assert (opened(anna), opened(luca)) == (False, False)  # he opens it himself: that is audited
    stage.work(lambda s: conversation.identify(s, luca, call_id=call, contact_id=cast.mario))
    assert opened(luca)
    stage.caller_leaves(call, after=90)
    about = {"topic": Topic.PAYMENT, "disposition": Disposition.ANSWERED, "note": "Rate spiegate."}
    stage.work(lambda s: conversation.draft(s, luca, call_id=call, **about))
    stage.work(lambda s: conversation.wrap_up(s, luca, call_id=call, intended=None))
    (entry,) = stage.timeline(cast.mario)
    assert (entry.author_id, entry.detail["note"]) == (cast.luca, "Rate spiegate.")


def test_the_three_of_them_talk_and_when_anna_s_line_drops_the_other_two_go_on(stage: Stage) -> None:
    call, anna, _ = consults_luca(stage)
    first = stage.leg(call)
    with pytest.raises(ConflictError, match="non ha ancora risposto"):
        stage.work(lambda s: talk.together(s, anna, call_id=call))
    party_answers(stage, call)
    stage.work(lambda s: talk.together(s, anna, call_id=call))
    stage.run()
    assert arranged(stage) == {CUSTOMER: Standing()}
    stage.leg_ends(call, LegEnd.COMPLETED, first, after=30)
    row = stage.call(call)
    assert (row.phase, row.agent_id, row.party_leg_id) == (Phase.TALKING, stage.cast.luca, None)
    assert stage.entry(call).state is EntryState.LEFT


def test_mario_hangs_up_while_he_is_held_and_both_are_let_go(stage: Stage) -> None:
    """Rule: no ghost rings. A caller's end cancels the legs that ring for him."""
    call, _, _ = consults_luca(stage)
    stage.caller_leaves(call, after=20)
    stage.run()
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP
    assert stage.presence(stage.cast.luca).state is AgentState.READY
    legs = stage.work(lambda s: s.execute(select(AgentLeg.state).where(AgentLeg.call_id == call)).scalars().all())
    assert set(legs) == {LegState.ENDED}
    assert len(stage.carrier.ended) == 2


def test_anna_lets_mario_wait_for_luca_who_is_rung_before_anybody_else(stage: Stage) -> None:
    """Marta has been free for longer, and is not asked."""
    cast = stage.cast
    call, anna = in_talk(stage)
    stage.ready(cast.marta, cast.luca)
    stage.work(lambda s: talk.pass_to_agent(s, anna, call_id=call, agent_id=cast.luca))
    (made,) = stage.run()
    assert (made.call_id, made.agent_id) == (call, cast.luca)
    assert stage.presence(cast.anna).state is AgentState.READY
    says, *_ = stage.hears(call)
    assert isinstance(says, Say)
    assert says.text == prompts.sentence(Sentence.PASSED_ON)
    stage.leg_ends(call, LegEnd.NO_ANSWER, after=30)
    stage.run()
    assert stage.call(call).phase is Phase.WAITING  # kept for him, who is paused now
    stage.passes(MEANT_S)
    made_then = stage.matcher.match_now(DOMAIN, found_by="event")
    assert [one.agent_id for one in made_then] == [cast.marta]


def test_a_colleague_who_is_not_free_is_not_asked(stage: Stage) -> None:
    call, anna = in_talk(stage)
    for do in (talk.consult, talk.pass_to_agent):
        with pytest.raises(ConflictError, match="non è più libero"):
            stage.work(lambda s, do=do: do(s, anna, call_id=call, agent_id=stage.cast.luca))
    assert stage.call(call).held_since is None


def test_whom_anna_may_choose(stage: Stage) -> None:
    cast = stage.cast
    an_office(stage)
    told = dict.fromkeys(("address", "competent_for", "accessibility"), "")
    stage.work(lambda s: s.add(Office(ente_id=cast.empoli, name="Premium", phone="+39899123456", hours=[], **told)))
    call, anna = in_talk(stage)
    stage.ready(cast.luca)
    row = stage.call(call)
    found = stage.work(lambda s: whom.reachable(s, anna, row))
    assert [(one.agent_id, one.is_free) for one in found.colleagues] == [(cast.luca, True)]
    assert [one.number for one in found.outside] == [OFFICE]
    assert [one.id for one in found.queues] == [cast.notices, cast.operator]
    assert not found.any_number


# -- a queue ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", [True, False])
def test_anna_passes_mario_on_to_another_queue(stage: Stage, first: bool) -> None:
    """Metric: wait."""
    cast = stage.cast
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.hold(s, anna, call_id=call))
    stage.work(lambda s: talk.pass_to_queue(s, anna, call_id=call, queue_id=cast.notices, first=first))
    stage.crash()
    entry, row = stage.entry(call), stage.call(call)
    assert (entry.queue_id, entry.priority, entry.state) == (cast.notices, HEAD if first else 0, EntryState.WAITING)
    assert (row.queue_id, row.in_queue_id) == (cast.operator, cast.notices)  # it is counted where it came in
    (line,) = stage.work(lambda s: queries.standing(s, frozenset({cast.contract})))
    assert (line.queue_id, line.waiting) == (cast.notices, 1)  # and seen where it waits
    assert (row.identified_at is not None, row.agent_id, row.held_since) == (True, None, None)
    assert isinstance(stage.hears(call)[-1], Enqueue)
    stage.ready(cast.luca)
    stage.matcher.match_now(DOMAIN, found_by="event")
    stage.answers(call, after=40)
    stage.joins(call, after=41)
    kinds = [kind for kind, _ in stage.facts(call)]
    assert kinds[-4:] == [FactKind.RESUMED, FactKind.PASSED_ON, FactKind.RETURNED, FactKind.SERVED]
    assert not stage.call(call).passed
    (told,) = stage.timeline(cast.mario)[0].detail["passed"]
    assert (told["kind"], told["to"]) == ("queue", "Avvisi")
    assert told["by"] == stage.work(lambda s: access.named(s, [cast.anna]))[cast.anna]


def test_anna_does_not_get_back_at_once_whom_she_passed_on_while_luca_is_in_service(stage: Stage) -> None:
    cast = stage.cast
    stage.ready(cast.luca)
    stage.talks(stage.queues(STRANGER, sid="CAother"))  # with Luca
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.pass_to_queue(s, anna, call_id=call, queue_id=cast.operator, first=True))
    stage.run()
    assert (stage.call(call).phase, stage.presence(cast.anna).state) == (Phase.WAITING, AgentState.READY)
    stage.passes(PASSED_S + 1)
    stage.engine.fire_timers()
    stage.run()
    assert (stage.call(call).phase, stage.call(call).agent_id) == (Phase.RINGING, cast.anna)


def test_whoever_is_passed_on_is_answered_by_more_the_longer_he_waits_there(stage: Stage) -> None:
    """The queue of notices opens to the next level after 20 seconds; what he waited before does not count."""
    cast = stage.cast
    with stage.database.begin(Scope.of_enti([cast.empoli], [cast.contract])) as session:
        changed(session)
        session.execute(update(Queue).where(Queue.id == cast.notices).values(widens_s=20))
        there = QueueMember.queue_id == cast.notices
        session.execute(delete(QueueMember).where(there, QueueMember.agent_id == cast.anna))
        session.execute(update(QueueMember).where(there, QueueMember.agent_id == cast.luca).values(level=2))
    call, anna = in_talk(stage)
    stage.ready(cast.luca)
    stage.work(lambda s: talk.pass_to_queue(s, anna, call_id=call, queue_id=cast.notices, first=False))
    stage.run()
    assert stage.call(call).phase is Phase.WAITING
    stage.passes(21)
    stage.engine.fire_timers()
    (given,) = stage.run()
    assert (given.call_id, given.agent_id) == (call, cast.luca)


# -- outside ----------------------------------------------------------------------------------------------------


def test_anna_asks_the_office_and_leaves_mario_to_it(stage: Stage) -> None:
    an_office(stage)
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.consult(s, anna, call_id=call, number="0571 757000"))
    stage.run()
    ring = list(stage.carrier.rings.values())[-1]
    assert (ring.number, ring.tones, ring.caller_id) == (OFFICE, True, stage.call(call).line)
    party_answers(stage, call)
    stage.work(lambda s: talk.pass_on(s, anna, call_id=call))
    stage.run()
    assert stage.call(call).phase is Phase.OUTSIDE
    assert stage.presence(stage.cast.anna).state is AgentState.WRAP_UP
    about = {"topic": Topic.ACCESS, "disposition": Disposition.REDIRECTED, "note": ""}
    stage.work(lambda s: conversation.draft(s, anna, call_id=call, **about))
    stage.work(lambda s: conversation.wrap_up(s, anna, call_id=call, intended=None))
    assert stage.presence(stage.cast.anna).state is AgentState.READY
    office = stage.leg(call)
    stage.hear(call, LegEnded(stage.after(call, 200), office, LegEnd.COMPLETED))
    stage.run()
    assert stage.call(call).carrier_sid in stage.carrier.ended
    stage.caller_leaves(call, after=201)
    over = stage.call(call)
    assert (over.phase, over.agent_id, over.outcome) == (Phase.ENDED, stage.cast.anna, Outcome.ANSWERED)
    assert stage.timeline(stage.cast.mario)[0].detail["passed"][0]["to"] == "Ufficio Tributi"


def test_nobody_answers_at_the_office_and_mario_is_next_in_turn(stage: Stage) -> None:
    an_office(stage)
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.pass_outside(s, anna, call_id=call, number=OFFICE))
    stage.run()
    assert stage.call(call).phase is Phase.OUTSIDE
    stage.hear(call, LegEnded(stage.after(call, 40), stage.leg(call), LegEnd.NO_ANSWER))
    (made,) = stage.run()  # Anna, whose notes of it are not due any more
    assert made.agent_id == stage.cast.anna
    row = stage.call(call)
    assert (row.phase, row.wrapped_up_at, stage.entry(call).priority) == (Phase.RINGING, None, HEAD)
    (says, *_) = stage.hears(call)
    assert isinstance(says, Say)
    assert says.text == prompts.sentence(Sentence.NOBODY_OUTSIDE)


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (LegEnd.BUSY, Why.BUSY), (LegEnd.NO_ANSWER, Why.NO_ANSWER), (LegEnd.TIMED_OUT, Why.NO_ANSWER),
        (LegEnd.FAILED, Why.FAILED),
    ],
)  # fmt: skip
def test_anna_is_told_why_the_office_is_not_there_and_mario_stays_hers(stage: Stage, reason: LegEnd, why: Why) -> None:
    an_office(stage)
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.consult(s, anna, call_id=call, number=OFFICE))
    stage.run()
    stage.hear(call, LegEnded(stage.after(call, 10), party_of(stage, call), reason))
    stage.run()
    assert stage.work(lambda s: whom.missing(s, stage.call(call))) == Missing("Ufficio Tributi", why)
    assert (stage.call(call).phase, stage.presence(stage.cast.anna).state) == (Phase.TALKING, AgentState.TALKING)
    stage.work(lambda s: talk.back(s, anna, call_id=call))
    stage.work(lambda s: talk.hold(s, anna, call_id=call))  # of a hold that comes later it says nothing
    assert stage.work(lambda s: whom.missing(s, stage.call(call))) is None


def test_a_colleague_who_hangs_up_as_the_call_is_passed_to_him_is_said_to_be_gone(stage: Stage) -> None:
    call, anna, _ = consults_luca(stage)
    leg = party_answers(stage, call)
    assert stage.work(lambda s: whom.missing(s, stage.call(call))) is None
    stage.hear(call, LegEnded(stage.after(call, 20), leg, LegEnd.COMPLETED))
    for ask in (talk.pass_on, talk.together):
        with pytest.raises(ConflictError, match="non è più in linea"):
            stage.work(lambda s, ask=ask: ask(s, anna, call_id=call))  # type: ignore[misc]
    found = stage.work(lambda s: whom.missing(s, stage.call(call)))
    assert found is not None
    assert found.why is Why.GONE
    assert stage.call(call).agent_id == stage.cast.anna


def test_what_happens_outside_is_found_out_when_its_callbacks_are_lost(stage: Stage) -> None:
    an_office(stage)
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.pass_outside(s, anna, call_id=call, number=OFFICE))
    stage.run()
    sid = stage.sid(stage.leg(call))
    assert sid is not None
    stage.carrier.picks_up(sid)
    stage.passes(16)
    stage.reconciler.run()
    assert stage.call(call).party_joined
    stage.carrier.loses(sid)
    stage.passes(16)
    stage.reconciler.run()
    stage.run()
    assert stage.call(call).carrier_sid in stage.carrier.ended


def test_only_a_supervisor_may_have_any_number_dialled_and_none_of_a_dear_kind(stage: Stage) -> None:
    an_office(stage)
    call, anna = in_talk(stage)
    sara = Principal(
        stage.cast.anna, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)})
    )  # the same desk, with other grants

    def dials(by: Principal, number: str) -> None:
        stage.work(lambda s: talk.consult(s, by, call_id=call, number=number))

    for by, number, why in (
        (anna, MARIO_MOBILE, "solo agli uffici"),
        (anna, "12", "completo"),
        (sara, "+442079460000", "numero italiano"),
        (sara, "899 123 456", "numero italiano"),
    ):
        with pytest.raises(InvalidError, match=why):
            dials(by, number)
    dials(sara, MARIO_MOBILE)


# -- help -------------------------------------------------------------------------------------------------------


def test_anna_asks_for_help_and_takes_it_back(stage: Stage) -> None:
    call, anna = in_talk(stage)
    stage.work(lambda s: talk.ask_help(s, anna, call_id=call, wanted=True))
    stage.work(lambda s: talk.ask_help(s, anna, call_id=call, wanted=True))
    assert stage.call(call).help_since is not None
    stage.work(lambda s: talk.ask_help(s, anna, call_id=call, wanted=False))
    assert stage.call(call).help_since is None
    assert stage.log(call)[-2:] == ["HelpAsked", "HelpTakenBack"]
