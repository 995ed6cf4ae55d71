"""Callbacks from the queue: the place is kept, the number confirmed, the citizen called once, the meter right."""

from collections.abc import Container
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from crm.contacts.models import ContactPreference
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Scope
from crm.core.errors import ConflictError
from crm.enti.models import Contract
from crm.follow_ups.models import FollowUp, FollowUpKind
from crm.levels.metering import Counts, FactKind
from telephony.agents.models import AgentState
from telephony.callbacks import rules
from telephony.callbacks import service as callbacks
from telephony.callbacks.models import Callback, CallbackState
from telephony.calls import reception, service
from telephony.calls.addresses import conference_name
from telephony.calls.events import CallerJoined, LegEnd
from telephony.calls.models import Outcome, Phase
from telephony.calls.reception import Reply
from telephony.calls.service import Heard
from telephony.carriers.port import Enqueue, Gather, Hangup, Say
from telephony.commands.models import CommandKind, CommandState
from telephony.floor.current import floor
from telephony.ivr.definition import Flow, Goodbye, ToCallback, ToQueue
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence
from telephony.ivr.turns import Place
from telephony.queues.models import EntryState, Queue
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.calls.test_levels_proved import proof
from tests.telephony.fake_carrier import refused
from tests.telephony.stage import TO, Stage

pytestmark = pytest.mark.integration

AGREED = (Say(sentence(Sentence.CALLBACK_AGREED)), Hangup())


def are_called(stage: Stage, weekdays: Container[int]) -> None:
    """On these days people may be called, at any hour."""
    week = ["0:00-24:00" if day in weekdays else "" for day in range(7)]
    with stage.database.begin(Scope.nothing()) as session:
        changed(session)
        session.execute(update(Contract).where(Contract.id == stage.cast.contract).values(called_back=week))


@pytest.fixture
def centre(stage: Stage) -> Stage:
    """The operators' queue offers callbacks; whatever the hour, people may be called."""
    are_called(stage, range(7))
    with stage.database.begin(Scope.nothing()) as session:
        changed(session)
        session.execute(update(Queue).where(Queue.id == stage.cast.operator).values(calls_back=True))
    return stage


def waits(stage: Stage, call: UUID) -> Reply:
    return stage.work(lambda s: reception.waiting(s, call, TO))


def keys(stage: Stage, call: UUID, pressed: str, *, step: int | None = None) -> Reply:
    """What a waiting caller keys."""
    at = Place.restored(stage.call(call).ivr).step if step is None else step
    return stage.work(lambda s: reception.key_while_waiting(s, call, step=at, pressed=pressed, to=TO))


def words(reply: Reply) -> str:
    (gather,) = reply
    assert isinstance(gather, Gather)
    return " ".join(one.text for one in gather.prompts if isinstance(one, Say))


def asks(stage: Stage, call: UUID) -> None:
    """He wants to be called back at the number he calls from, and hangs up."""
    keys(stage, call, "1")
    assert keys(stage, call, "1") == AGREED
    sid = stage.call(call).carrier_sid
    stage.carrier.loses(sid)
    ended(stage, call, sid)


def ended(stage: Stage, call: UUID, sid: str, leg: UUID | None = None) -> object:
    """The carrier says that a line is over."""
    stage.told += 1
    heard = Heard(f"ended:{stage.told}", stage.work(clock.now))
    return stage.work(lambda s: reception.line_ended(s, call, sid, heard, leg))


def row(stage: Stage, call: UUID) -> Callback:
    return stage.work(lambda s: s.execute(select(Callback).where(Callback.call_id == call)).scalar_one())


def called(stage: Stage) -> list[tuple[str | None, str]]:
    """Whom the carrier was asked to call, and under which label."""
    return [(ring.number, ring.label) for ring in stage.carrier.rings.values() if ring.number]


def answered_for(stage: Stage, call: UUID) -> UUID:
    """An operator is found, and picks up: the citizen's telephone rings."""
    stage.run()
    leg = stage.leg(call)
    stage.answers(call)
    stage.run()
    return leg


def passes(stage: Stage, minutes: float) -> None:
    """Time passes for callbacks, too."""
    stage.passes(minutes * 60)
    with stage.database.begin(Scope.across_enti()) as session:
        session.execute(
            text("UPDATE callback SET not_before = not_before - make_interval(mins => :m),"
                 " expires_at = expires_at - make_interval(mins => :m)"), {"m": int(minutes)},
        )  # fmt: skip
    stage.engine.fire_timers()


def test_a_waiting_caller_is_offered_to_be_called_back_and_confirms_his_number(centre: Stage) -> None:
    call = centre.queues()
    assert sentence(Sentence.CALLBACK_OFFER) in words(waits(centre, call))
    assert words(keys(centre, call, "1")).startswith("La richiamiamo al numero 3 4 8")
    assert keys(centre, call, "1") == AGREED
    assert row(centre, call).number == MARIO_MOBILE
    stands = centre.call(call)
    assert (stands.phase, stands.away, Place.restored(stands.ivr).kept) == (Phase.WAITING, True, {})
    assert centre.entry(call).state is EntryState.ASIDE  # he is still on the line, and would be busy
    ended(centre, call, stands.carrier_sid)
    assert centre.entry(call).state is EntryState.WAITING


def test_whose_hanging_up_is_never_heard_of_is_called_a_little_later(centre: Stage) -> None:
    call = centre.queues()
    keys(centre, call, "1")
    keys(centre, call, "1")
    passes(centre, 1)
    assert centre.entry(call).state is EntryState.WAITING


def test_one_of_our_lines_is_never_called_back(centre: Stage) -> None:
    """A voice flow of another line has put somebody through: which number is his, nobody knows."""
    call = centre.queues(REGIONAL_LINE)
    keys(centre, call, "1")
    assert (
        words(waits(centre, call))
        == f"{sentence(Sentence.CALLBACK_KEY_IN)} {sentence(Sentence.CALLBACK_NOT_BY_DIGITS)}"
    )


def test_another_number_is_read_back_before_it_counts(centre: Stage) -> None:
    call = centre.queues()
    keys(centre, call, "1")
    assert (
        words(keys(centre, call, "2"))
        == f"{sentence(Sentence.CALLBACK_KEY_IN)} {sentence(Sentence.CALLBACK_NOT_BY_DIGITS)}"
    )
    assert words(keys(centre, call, "899123456")).startswith(sentence(Sentence.CALLBACK_WRONG))
    assert "0 5 7 1 7 0 0 7 0 1" in words(keys(centre, call, "0571700701"))
    assert keys(centre, call, "1") == AGREED
    assert row(centre, call).number == "+390571700701"


def test_who_changes_his_mind_waits_on(centre: Stage) -> None:
    call = centre.queues()
    keys(centre, call, "1")
    assert keys(centre, call, "0") == (Say(sentence(Sentence.NEVER_MIND)),)
    assert (centre.call(call).away, centre.call(call).phase) == (False, Phase.WAITING)
    assert sentence(Sentence.CALLBACK_OFFER) in words(waits(centre, call))


def test_a_key_that_is_told_twice_does_nothing_twice(centre: Stage) -> None:
    call = centre.queues()
    step = Place.restored(centre.call(call).ivr).step
    once = keys(centre, call, "1", step=step)
    assert keys(centre, call, "1", step=step) == once
    assert not centre.call(call).away


def test_the_place_is_kept_and_the_citizen_called_when_an_operator_has_answered(centre: Stage) -> None:
    """Rule: no dialling without agents. A queue callback keeps its place and is not an abandonment."""
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    later = centre.queues(None, sid="CAlater")
    centre.ready(centre.cast.anna)
    leg = answered_for(centre, call)
    assert centre.call(later).phase is Phase.WAITING
    assert called(centre) == [(MARIO_MOBILE, "customer")]
    stands = centre.call(call)
    assert (stands.phase, stands.away, stands.carrier_sid) == (Phase.JOINING, True, "CAleg1")
    centre.joins(call)
    stands = centre.call(call)
    assert (stands.phase, stands.away, stands.answered_at is not None) == (Phase.TALKING, False, True)
    assert row(centre, call).state is CallbackState.FULFILLED
    assert centre.presence(centre.cast.anna).state is AgentState.TALKING
    ended(centre, call, "CAleg1", leg)
    assert (centre.call(call).phase, centre.call(call).outcome) == (Phase.ENDED, Outcome.ANSWERED)
    kinds = [kind for kind, _ in centre.facts(call)]
    assert kinds == [FactKind.RECEIVED, FactKind.ENTERED, FactKind.CALLBACK, FactKind.SERVED, FactKind.LEFT]
    centre.engine.fold_counters()
    assert centre.differences() == []
    counts = centre.counts()[centre.cast.empoli, centre.cast.operator]
    assert (counts.answered, counts.lost, counts.abandoned) == (1, 0, 0)
    assert centre.timers() == 1  # the wrap-up's


def test_who_is_cut_off_when_he_is_called_back_may_ask_for_it_again(centre: Stage) -> None:
    """contact-centre.md: whoever is cut off keeps his place, and what he may do there."""
    cast, call = centre.cast, centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(cast.anna)
    answered_for(centre, call)
    centre.joins(call)
    centre.leg_ends(call, LegEnd.COMPLETED)
    asks(centre, call)
    stands, asked = centre.call(call), row(centre, call)
    assert (stands.phase, stands.away, asked.state, asked.ended_at) == (Phase.WAITING, True, CallbackState.OPEN, None)
    centre.ready(cast.anna)
    passes(centre, 1)
    answered_for(centre, call)
    centre.joins(call)
    assert row(centre, call).state is CallbackState.FULFILLED
    assert proof(centre).differences == ()


def test_the_line_he_gave_up_ends_nothing_however_late_it_is_told(centre: Stage) -> None:
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    answered_for(centre, call)
    ended(centre, call, "CAfirst")
    centre.joins(call)
    ended(centre, call, "CAfirst")
    assert centre.call(call).phase is Phase.TALKING


def test_who_does_not_answer_is_called_again_later_and_in_the_end_given_up(centre: Stage) -> None:
    """Metric: lost. A callback not fulfilled is lost. Somebody has to look after him."""
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    for attempt in range(1, rules.MOST_ATTEMPTS + 1):
        leg = answered_for(centre, call)
        ended(centre, call, centre.call(call).carrier_sid, leg)
        centre.run()
        assert (centre.call(call).phase, row(centre, call).attempts) == (Phase.WAITING, attempt)
        assert centre.entry(call).state is EntryState.ASIDE
        assert centre.presence(centre.cast.anna).state is AgentState.READY
        passes(centre, 16)
    stands = centre.call(call)
    assert (stands.phase, stands.outcome) == (Phase.ENDED, Outcome.NOT_REACHED)
    assert row(centre, call).state is CallbackState.GIVEN_UP
    assert len(called(centre)) == rules.MOST_ATTEMPTS
    centre.engine.fold_counters()
    assert centre.differences() == []
    assert centre.counts()[centre.cast.empoli, centre.cast.operator] == Counts(received=1, entered=1, lost=1)
    owed = centre.work(lambda s: s.execute(select(FollowUp)).scalars().all())
    assert [(one.kind, one.contact_id, one.call_id) for one in owed] == [
        (FollowUpKind.CALL_BACK, centre.cast.mario, call)
    ]  # fmt: skip
    assert [entry.status for entry in centre.timeline(centre.cast.mario)].count("not_reached") == 1
    assert centre.timers() == 0


def is_rung_and_nobody_hears_of_it(centre: Stage) -> UUID:
    """A citizen is called back, and the carrier's answer does not come; his call."""
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    centre.run()
    centre.answers(call)
    centre.carrier.loses_replies = True
    centre.run()
    centre.carrier.loses_replies = False
    return call


def looks(centre: Stage) -> None:
    """Time passes, and it is looked for."""
    centre.passes(20)
    centre.dispatcher.sweep()


def test_a_reply_that_is_lost_is_looked_for_and_the_citizen_not_called_twice(centre: Stage) -> None:
    """Rule: unknown, not repeated. Lost REST reply, second paid call: "unknown", reconciled, never blindly repeated."""
    call = is_rung_and_nobody_hears_of_it(centre)
    assert (CommandKind.CALL_BACK, CommandState.UNKNOWN) in centre.commands()
    looks(centre)
    assert called(centre) == [(MARIO_MOBILE, "customer")]
    assert centre.call(call).carrier_sid == "CAleg1"
    centre.joins(call)
    assert centre.call(call).phase is Phase.TALKING


def test_a_carrier_whose_lists_lag_behind_is_asked_again_before_he_is_said_not_to_have_been_called(
    centre: Stage,
) -> None:
    """Rule: unknown, not repeated. Participant and call lists are eventually consistent (reference/twilio.md)."""
    call = is_rung_and_nobody_hears_of_it(centre)
    centre.carrier.lists_lag = True
    looks(centre)
    assert (CommandKind.CALL_BACK, CommandState.UNKNOWN) in centre.commands()
    centre.carrier.lists_lag = False
    looks(centre)
    assert centre.call(call).carrier_sid == "CAleg1"
    assert row(centre, call).attempts == 0


def test_a_line_that_told_of_itself_needs_no_list(centre: Stage) -> None:
    """Rule: unknown, not repeated. Its callback names the line before any list does."""
    call = is_rung_and_nobody_hears_of_it(centre)
    centre.carrier.lists_lag = True
    leg = centre.leg(call)
    assert centre.work(lambda s: service.on_line(s, call, leg, "CAleg1"))
    looks(centre)
    assert (CommandKind.CALL_BACK, CommandState.DONE) in centre.commands()
    assert (row(centre, call).attempts, centre.carrier.ended) == (0, [])


def test_a_line_that_shows_itself_too_late_falls_silent(centre: Stage) -> None:
    """Rule: unknown, not repeated. He would answer, hear nobody, and be called again."""
    call = is_rung_and_nobody_hears_of_it(centre)
    leg = centre.leg(call)
    centre.carrier.lists_lag = True
    for _ in range(3):
        looks(centre)
    assert (CommandKind.CALL_BACK, CommandState.FAILED) in centre.commands()
    assert not centre.work(lambda s: service.on_line(s, call, leg, "CAleg1"))
    centre.dispatcher.let_go("CAleg1")
    centre.waits()
    assert centre.carrier.ended == ["CAleg1"]


def test_his_line_is_known_from_its_joining_before_anybody_else_tells_of_it(centre: Stage) -> None:
    """contact-centre.md: callbacks overtake each other, and the reply that created them: nobody is cut off for it."""
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    centre.run()
    leg = centre.leg(call)
    centre.answers(call)
    centre.carrier.loses_replies = True
    centre.run()
    centre.carrier.loses_replies = False
    centre.carrier.labels[conference_name(leg)] = {"customer": None}
    centre.passes(20)
    centre.reconciler.run()
    assert centre.call(call).phase is Phase.JOINING, "his line has no name yet"
    centre.hear(call, CallerJoined(centre.work(clock.now), leg, "CAleg1"))
    assert (centre.call(call).carrier_sid, row(centre, call).leg_id) == ("CAleg1", leg)
    centre.dispatcher.sweep()
    centre.passes(20)
    centre.reconciler.run()
    assert centre.call(call).phase is Phase.TALKING
    assert "CAleg1" not in centre.carrier.ended


def test_a_carrier_that_will_not_call_costs_an_attempt_and_no_operator(centre: Stage) -> None:
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    centre.run()
    centre.answers(call)
    centre.carrier.ringing.append(refused())
    centre.run()
    assert (centre.call(call).phase, row(centre, call).attempts) == (Phase.WAITING, 1)
    assert centre.presence(centre.cast.anna).state is AgentState.READY


def test_an_operator_who_drops_while_it_rings_stops_the_ringing(centre: Stage) -> None:
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    leg = answered_for(centre, call)
    sid = centre.call(call).carrier_sid
    centre.leg_ends(call, LegEnd.COMPLETED, leg)
    centre.run()
    assert sid in centre.carrier.ended
    assert row(centre, call).attempts == 0
    ended(centre, call, sid, leg)  # told late: nobody is to blame for it
    assert row(centre, call).attempts == 0


def test_an_operator_gone_before_the_carrier_has_answered_leaves_nobody_ringing(centre: Stage) -> None:
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    centre.run()
    leg = centre.leg(call)
    centre.answers(call)
    centre.carrier.loses_replies = True
    centre.run()
    centre.carrier.loses_replies = False
    centre.leg_ends(call, LegEnd.COMPLETED, leg)
    centre.crash()
    centre.passes(10)
    centre.dispatcher.sweep()
    assert centre.carrier.ended == ["CAleg1"]


def test_a_lost_callback_about_the_citizens_line_is_repaired(centre: Stage) -> None:
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.ready(centre.cast.anna)
    leg = answered_for(centre, call)
    centre.passes(20)
    centre.reconciler.run()
    assert centre.call(call).phase is Phase.JOINING
    centre.carrier.loses(centre.call(call).carrier_sid)
    centre.passes(20)
    centre.reconciler.run()
    assert (centre.call(call).phase, row(centre, call).attempts, leg) == (Phase.WAITING, 1, leg)


def test_somebody_away_is_not_given_up_because_his_first_line_is_over(centre: Stage) -> None:
    call = centre.queues(sid="CAfirst")
    asks(centre, call)
    centre.passes(3_600)
    centre.reconciler.run()
    assert centre.call(call).phase is Phase.WAITING


def test_who_is_to_be_called_back_does_not_fill_the_queue(centre: Stage) -> None:
    """The cap counts who waits on the line; whoever is full of callers leads to a callback."""
    cast = centre.cast
    flow = Flow(
        start="coda", operator="coda",
        nodes={
            "coda": ToQueue(queue=cast.operator, full="richiamata"),
            "richiamata": ToCallback(queue=cast.operator, otherwise="fine"),
            "fine": Goodbye(text={Language.ITALIAN: "Arrivederci."}),
        },
    )  # fmt: skip
    follows(centre, flow, cap=1)
    first = centre.arrives(None, EMPOLI_LINE, sid="CAfirst")
    call = centre.arrives(sid="CAsecond")
    assert words(centre.hears(call)).startswith("La richiamiamo al numero")
    assert centre.counts()[cast.empoli, cast.operator].lost == 1
    assert centre.presses(call, "1") == AGREED
    assert centre.counts()[cast.empoli, cast.operator].lost == 0  # not before that failed
    ended(centre, call, "CAsecond")
    centre.caller_leaves(first)
    assert isinstance(centre.hears(centre.arrives(None, sid="CAthird"))[-1], Enqueue)
    centre.ready(cast.anna)
    answered_for(centre, call)
    centre.joins(call)
    assert centre.counts()[cast.empoli, cast.operator].answered == 1
    centre.engine.fold_counters()
    assert centre.differences() == []


def test_who_asked_not_to_be_called_is_not_offered_it(centre: Stage) -> None:
    cast = centre.cast

    def refuse(session):  # type: ignore[no-untyped-def]
        at = clock.now(session)
        session.add(
            ContactPreference(
                ente_id=cast.empoli, contact_id=cast.mario, weekdays=[], do_not_call_since=at, do_not_call_why="",
                written_at=at, written_by=cast.anna,
            )
        )  # fmt: skip

    centre.work(refuse)
    call = centre.queues()
    assert isinstance(waits(centre, call)[0], Say)


def test_a_second_request_for_the_same_number_is_told_and_not_taken(centre: Stage) -> None:
    asks(centre, centre.queues(sid="CAfirst"))
    again = centre.queues(sid="CAagain")
    keys(centre, again, "1")
    assert keys(centre, again, "1") == (Say(sentence(Sentence.CALLBACK_KNOWN)), Hangup())
    assert not centre.call(again).away


def test_out_of_hours_it_is_put_aside(centre: Stage) -> None:
    today = centre.work(clock.now).astimezone(clock.ROME).weekday()
    are_called(centre, {(today + 3) % 7})
    call = centre.queues()
    asks(centre, call)
    centre.ready(centre.cast.anna)
    assert centre.run() == []
    assert centre.entry(call).state is EntryState.ASIDE
    are_called(centre, range(7))
    passes(centre, 30)
    centre.passes(60 * 60 * 24 * 3)
    centre.engine.fire_timers()
    assert [one.call_id for one in centre.run()] == [call]


def test_an_answering_machine_is_an_attempt_and_no_answer(centre: Stage) -> None:
    """Rule: a person first. Metric: lost. A callback that was not fulfilled is lost; a machine fulfils none."""
    cast, call = centre.cast, centre.queues()
    asks(centre, call)
    centre.ready(cast.anna)
    answered_for(centre, call)
    centre.joins(call)
    centre.run()
    assert sum(centre.counts().values(), Counts()).answered == 1
    anna = centre.principal(cast.anna)
    centre.work(lambda s: callbacks.machine_answered(s, anna, call_id=call))
    centre.run()
    stands, asked = centre.call(call), row(centre, call)
    assert (stands.phase, stands.away, stands.agent_id, stands.answered_at) == (Phase.WAITING, True, None, None)
    assert (asked.state, asked.attempts, centre.entry(call).state) == (CallbackState.OPEN, 1, EntryState.ASIDE)
    assert centre.presence(cast.anna).state is AgentState.READY
    assert stands.carrier_sid in centre.carrier.ended
    total = sum(centre.counts().values(), Counts())
    assert (total.answered, total.lost, total.handled) == (0, 0, 0)
    assert proof(centre).differences == ()
    ended(centre, call, stands.carrier_sid, centre.work(lambda s: row(centre, call).leg_id))
    assert row(centre, call).attempts == 1, "his line's end tells nothing new"
    passes(centre, 16)
    answered_for(centre, call)
    centre.joins(call)
    assert row(centre, call).state is CallbackState.FULFILLED
    assert proof(centre).differences == ()
    centre.caller_leaves(call, after=90)
    with pytest.raises(ConflictError, match="Non stai parlando"):
        centre.work(lambda s: callbacks.machine_answered(s, anna, call_id=call))


def test_whoever_calls_again_and_is_served_is_not_called_back(centre: Stage) -> None:
    cast, first = centre.cast, centre.queues()
    asks(centre, first)
    centre.crash()
    again = centre.queues(sid="CAagain")
    centre.crash()
    centre.work(lambda s: floor(s).write_entry(first, state=EntryState.ASIDE))
    centre.ready(cast.anna)
    centre.talks(again)
    anna = centre.principal(cast.anna)
    owed = centre.work(lambda s: callbacks.owed_to(s, centre.call(again)))
    assert owed is not None
    assert owed.call_id == first
    for _ in range(2):
        centre.work(lambda s: callbacks.close_as_served(s, anna, call_id=again))
    over = centre.call(first)
    assert (over.phase, over.outcome, over.away) == (Phase.ENDED, Outcome.ANSWERED, False)
    assert (row(centre, first).state, centre.entry(first).state) == (CallbackState.FULFILLED, EntryState.LEFT)
    total = sum(centre.counts().values(), Counts())
    assert (total.entered, total.answered, total.lost) == (2, 2, 0)
    assert proof(centre).differences == ()
    assert centre.work(lambda s: callbacks.owed_to(s, centre.call(again))) is None
