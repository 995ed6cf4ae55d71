"""Whatever makes somebody able to answer pulls whoever waits, by itself: the sweep finds nothing to do."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.db import Scope
from telephony.agents import service as agents
from telephony.agents.models import AgentPresence, AgentState
from telephony.calls import conversation, oversight, talk
from telephony.calls.choices import Disposition, Topic
from telephony.calls.events import AgentAnswered, LegEnd
from telephony.queues import service as queues
from tests.cast import STRANGER
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration
Capacity = Callable[[Stage], None]


def sara(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))


def anna(stage: Stage) -> Principal:
    return stage.principal(stage.cast.anna)


def presence(stage: Stage, **values: object) -> None:
    """Anna is at her desk, but for this."""
    stage.ready(stage.cast.anna)
    with stage.database.begin(Scope.nothing()) as session:
        session.execute(update(AgentPresence).where(AgentPresence.agent_id == stage.cast.anna).values(**values))


def talks(stage: Stage) -> UUID:
    """Anna speaks with Mario."""
    stage.ready(stage.cast.anna)
    call = stage.queues(sid="CAfirst")
    stage.talks(call)
    return call


def writes_up(stage: Stage) -> UUID:
    call = talks(stage)
    stage.caller_leaves(call)
    return call


def gone(stage: Stage) -> None:
    with stage.database.begin(Scope.nothing()) as session:
        ago = clock.now(session) - timedelta(seconds=5)
    presence(stage, live_until=ago)


def says_ready(stage: Stage) -> Capacity:
    presence(stage, state=AgentState.PAUSED, intended=AgentState.PAUSED)
    return lambda stage: stage.work(lambda s: agents.wish(s, anna(stage), intended=AgentState.READY))


def console_is_back(stage: Stage) -> Capacity:
    gone(stage)
    return lambda stage: stage.work(lambda s: agents.renew(s, [stage.cast.anna]))


def page_is_loaded_again(stage: Stage) -> Capacity:
    gone(stage)
    return lambda stage: stage.work(lambda s: agents.attend(s, anna(stage)))


def may_answer_for_the_contract(stage: Stage) -> Capacity:
    presence(stage, answers_for=[])
    return lambda stage: stage.work(lambda s: agents.attend(s, anna(stage)))


def telephone_registers(stage: Stage) -> Capacity:
    presence(stage, device=None)
    return lambda stage: stage.work(lambda s: agents.set_device(s, anna(stage), device="desk", ready=True))


def is_given_a_telephone(stage: Stage) -> Capacity:
    presence(stage, device=None)
    contract, agent = stage.cast.contract, stage.cast.anna
    return lambda stage: stage.work(
        lambda s: queues.ring_at(s, sara(stage), contract_id=contract, agent_id=agent, number="0571 700700")
    )


def joins_the_queue(stage: Stage) -> Capacity:
    stage.work(lambda s: queues.staff(s, sara(stage), queue_id=stage.cast.operator, levels={}))
    stage.ready(stage.cast.anna)
    levels = {stage.cast.anna: 1}
    return lambda stage: stage.work(
        lambda s: queues.staff(s, sara(stage), queue_id=stage.cast.operator, levels=levels)
    )  # fmt: skip


def notes_are_saved(stage: Stage) -> Capacity:
    call = writes_up(stage)

    def save(stage: Stage) -> None:
        about = {"topic": Topic.PAYMENT, "disposition": Disposition.ANSWERED, "note": ""}
        stage.work(lambda s: conversation.draft(s, anna(stage), call_id=call, **about))
        stage.work(lambda s: conversation.wrap_up(s, anna(stage), call_id=call, intended=None))

    return save


def time_for_notes_runs_out(stage: Stage) -> Capacity:
    writes_up(stage)

    def runs_out(stage: Stage) -> None:
        stage.passes(61)
        stage.engine.fire_timers()

    return runs_out


def supervisor_ends_the_notes(stage: Stage) -> Capacity:
    writes_up(stage)
    return lambda stage: stage.work(
        lambda s: oversight.release(s, sara(stage), agent_id=stage.cast.anna, to=AgentState.READY)
    )  # fmt: skip


def was_rung_for_nothing(stage: Stage) -> Capacity:
    stage.ready(stage.cast.anna)
    call = stage.queues(sid="CAfirst")
    stage.run()
    return lambda stage: stage.caller_leaves(call) and None


def was_only_consulted(stage: Stage) -> Capacity:
    """Luca speaks with Mario, and has asked her; nobody else is there."""
    stage.ready(stage.cast.luca)
    call = stage.queues(sid="CAfirst")
    stage.talks(call)
    stage.ready(stage.cast.anna)
    luca = stage.principal(stage.cast.luca)
    stage.work(lambda s: talk.consult(s, luca, call_id=call, agent_id=stage.cast.anna))
    stage.run()
    leg = stage.call(call).party_leg_id
    assert leg is not None
    stage.hear(call, AgentAnswered(stage.after(call, 20), leg))
    return lambda stage: stage.work(lambda s: talk.leave_consultation(s, anna(stage), call_id=call))


def passed_her_call_on(stage: Stage) -> Capacity:
    """To a queue in which she does not answer herself."""
    notices = stage.cast.notices
    stage.work(lambda s: queues.staff(s, sara(stage), queue_id=notices, levels={stage.cast.luca: 1}))
    call = talks(stage)
    return lambda stage: stage.work(
        lambda s: talk.pass_to_queue(s, anna(stage), call_id=call, queue_id=notices, first=True)
    )  # fmt: skip


def line_dropped_while_the_caller_came(stage: Stage) -> Capacity:
    """The first call waits again, ahead of the others: it is what she gets, once her telephone is there."""
    stage.ready(stage.cast.anna)
    call = stage.queues(sid="CAfirst")
    stage.run()
    stage.answers(call)
    return lambda stage: stage.leg_ends(call, LegEnd.COMPLETED, after=5) and None


EVENTS = (
    says_ready, console_is_back, page_is_loaded_again, may_answer_for_the_contract, telephone_registers,
    is_given_a_telephone, joins_the_queue, notes_are_saved, time_for_notes_runs_out, supervisor_ends_the_notes,
    was_rung_for_nothing, was_only_consulted, passed_her_call_on,
    line_dropped_while_the_caller_came,
)  # fmt: skip


@pytest.mark.parametrize("prepare", EVENTS, ids=lambda prepare: prepare.__name__)
def test_every_event_that_frees_somebody_pulls_whoever_waits(
    stage: Stage, prepare: Callable[[Stage], Capacity]
) -> None:
    """Rule: capacity pulls. Nothing is found by polling."""
    happens = prepare(stage)
    stage.run()
    waiting = stage.queues(STRANGER, sid="CAwaits")
    stage.run()
    assert stage.call(waiting).agent_id is None
    happens(stage)
    assert stage.cast.anna in [one.agent_id for one in stage.run()]
    stage.passes(2)
    assert stage.engine.sweep_queues() == 0
