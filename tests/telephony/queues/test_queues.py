"""Queues as supervisors set them up: their keys, who answers in them, how one ends."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.core import clock
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.follow_ups.service import To
from telephony.agents import service as agents
from telephony.ivr import queries as flows
from telephony.ivr import service as ivr
from telephony.ivr.definition import Flow, ToQueue, ToVoicemail
from telephony.queues import queries, service
from telephony.queues.models import QueueEntry
from telephony.queues.service import QueueSetting
from tests.cast import MARIO_MOBILE, REGIONAL_LINE, STRANGER, principal_of
from tests.cast import add_contact as contact_of
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration
RATES = QueueSetting("Rate", "2", "chiedere una rateizzazione")


@pytest.fixture
def sara(stage: Stage) -> Principal:
    return Principal(stage.cast.sara, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.contract)}))


def added(stage: Stage, by: Principal, setting: QueueSetting = RATES) -> int:
    return stage.work(lambda session: service.add(session, by, contract_id=stage.cast.contract, setting=setting))


def test_a_new_queue_is_in_the_menu_and_whoever_joins_it_is_offered_its_calls(stage: Stage, sara: Principal) -> None:
    rates = added(stage, sara)
    call = stage.arrives(STRANGER)
    stage.presses(call, "2")
    assert stage.entry(call).queue_id == rates
    stage.ready(stage.cast.anna)
    assert stage.run() == []  # she is ready, but not for this queue
    stage.work(lambda session: service.staff(session, sara, queue_id=rates, levels={stage.cast.anna: 1}))
    assert [one.agent_id for one in stage.run()] == [stage.cast.anna]
    stage.work(lambda session: service.staff(session, sara, queue_id=rates, levels={}))
    assert stage.work(lambda s: queries.members(s, stage.cast.contract)).get(rates) is None
    with pytest.raises(ConflictError, match="aspetta"):
        stage.work(lambda session: service.close(session, sara, queue_id=rates))


def test_an_agent_of_a_lower_level_answers_once_the_call_has_waited(stage: Stage, sara: Principal) -> None:
    rates = added(stage, sara, replace(RATES, widens_s=20))
    stage.work(lambda session: service.staff(session, sara, queue_id=rates, levels={stage.cast.anna: 2}))
    stage.ready(stage.cast.anna)
    call = stage.arrives(STRANGER)
    stage.presses(call, "2")
    assert stage.run() == []
    stage.passes(21)
    stage.engine.fire_timers()
    assert [one.agent_id for one in stage.run()] == [stage.cast.anna]


def test_a_call_is_kept_for_who_spoke_with_the_taxpayer_last(stage: Stage, sara: Principal) -> None:
    stage.ready(stage.cast.luca)
    first = stage.queues(MARIO_MOBILE, sid="CAfirst")
    stage.run()
    stage.talks(first)
    stage.caller_leaves(first)
    rates = added(stage, sara, replace(RATES, sticky_s=30))
    levels = {stage.cast.luca: 3, stage.cast.anna: 1}
    stage.work(lambda session: service.staff(session, sara, queue_id=rates, levels=levels))
    call = stage.arrives(MARIO_MOBILE, sid="CAagain")
    stage.presses(call, "2")
    assert stage.entry(call).knows == stage.cast.luca
    stage.ready(stage.cast.anna)
    assert stage.run() == []  # he writes up his notes: in service
    stage.passes(31)
    stage.engine.fire_timers()
    assert [one.agent_id for one in stage.run()] == [stage.cast.anna]


def test_it_is_kept_for_who_owes_him_something_and_in_whichever_ente_he_is_known(stage: Stage, sara: Principal) -> None:
    """Mario is known in Vinci, too. Whoever spoke with him in Empoli knows him; whoever promised him something more."""
    cast, number = stage.cast, "+393480000077"
    there = stage.work(lambda session: contact_of(session, cast.vinci, "BNCMRA62A01D403X", "BIANCHI", "MARIO", number))
    stage.ready(cast.luca)
    spoke = stage.queues(MARIO_MOBILE, sid="CAspoke")
    stage.run()
    stage.talks(spoke)
    stage.caller_leaves(spoke)
    rates = added(stage, sara, replace(RATES, sticky_s=30))

    def knows(sid: str) -> int | None:
        call = stage.arrives(number, REGIONAL_LINE, sid=sid)
        stage.presses(call, "2")
        assert (stage.call(call).contact_id, stage.entry(call).queue_id) == (there, rates)
        return stage.entry(call).knows

    assert knows("CAsecond") == cast.luca
    stage.work(lambda session: promised(session, cast.sara, cast.mario))  # she answers no calls
    assert knows("CAthird") == cast.luca
    owed = stage.work(lambda session: promised(session, cast.marta, cast.mario))
    assert knows("CAfourth") == cast.luca, "she is not there, he is"
    stage.ready(cast.marta)
    assert knows("CAfifth") == cast.marta
    marta = stage.principal(cast.marta)
    stage.work(lambda session: follow_ups.done(session, marta, follow_up_id=owed))
    assert knows("CAsixth") == cast.luca


def promised(session: Session, owner: int, contact_id: int) -> int:
    """Somebody has something to do for a taxpayer."""
    return follow_ups.make(
        session, principal_of(session, owner), contact_id=contact_id, kind=FollowUpKind.CALL_BACK,
        due_at=clock.now(session) + timedelta(days=1), to=To(user_id=owner),
    )  # fmt: skip


def test_whoever_chose_a_language_is_answered_by_who_speaks_it(stage: Stage, sara: Principal) -> None:
    teach = {"contract_id": stage.cast.contract, "agent_id": stage.cast.luca}
    with pytest.raises(InvalidError, match="lingua"):
        stage.work(lambda session: service.teach(session, sara, languages=["it"], **teach))
    stage.work(lambda session: service.teach(session, sara, languages=["de"], **teach))
    stage.ready(stage.cast.anna, stage.cast.luca)
    call = stage.queues(STRANGER)
    stage.work(lambda session: session.execute(update(QueueEntry).values(language="de")))
    assert [one.agent_id for one in stage.run()] == [stage.cast.luca]
    assert stage.entry(call).language == "de"


def test_only_whoever_may_answer_joins_a_queue(stage: Stage, sara: Principal) -> None:
    with pytest.raises(InvalidError, match="non risponde"):
        stage.work(lambda s: service.staff(s, sara, queue_id=stage.cast.notices, levels={stage.cast.vera: 1}))


def test_a_closed_queue_frees_its_key_and_leaves_the_menu(stage: Stage, sara: Principal) -> None:
    stage.work(lambda session: service.close(session, sara, queue_id=stage.cast.notices))
    stage.work(lambda session: service.close(session, sara, queue_id=stage.cast.notices))  # twice is once
    anew = added(stage, sara, replace(RATES, menu_digit="1"))
    listed = stage.work(lambda s: queries.queues(s, frozenset({stage.cast.contract})))
    assert {(one.id, one.menu_digit) for one in listed} == {(stage.cast.operator, None), (anew, "1")}
    every = stage.work(lambda s: queries.with_closed(s, frozenset({stage.cast.contract})))
    assert stage.cast.notices in {one.id for one in every}  # the board still shows what it did today


def test_a_queue_whose_messages_a_published_flow_takes_stays(stage: Stage, sara: Principal) -> None:
    nodes = {
        "coda": ToQueue(queue=stage.cast.operator),
        "messaggio": ToVoicemail(queue=stage.cast.notices, otherwise="coda"),
    }
    follows(stage, Flow(start="messaggio", operator="coda", nodes=nodes), cap=None)
    with pytest.raises(ConflictError, match="percorso vocale"):
        stage.work(lambda session: service.close(session, sara, queue_id=stage.cast.notices))


def test_a_queue_to_which_a_published_flow_leads_stays(stage: Stage, sara: Principal) -> None:
    def publish(session: Session) -> None:
        flow_id = ivr.create(session, sara, contract_id=stage.cast.contract, name="Prova")
        (draft,) = flows.flow(session, flow_id).versions
        ivr.publish(session, sara, version_id=draft.id)

    stage.work(publish)
    with pytest.raises(ConflictError, match="percorso vocale"):
        stage.work(lambda session: service.close(session, sara, queue_id=stage.cast.notices))


@pytest.mark.parametrize(
    ("setting", "fields"),
    [
        (QueueSetting(" "), {"name"}), (QueueSetting("x" * 61), {"name"}), (QueueSetting("avvisi"), {"name"}),
        (QueueSetting("Rate", "1", "rate"), {"digit"}), (QueueSetting("Rate", "0", "rate"), {"digit"}),
        (QueueSetting("Rate", "2"), {"label"}), (QueueSetting("Rate", "2", "{ente}"), {"label"}),
        (QueueSetting("Rate", ring_timeout_s=2, wrap_up_s=901), {"ring", "wrap"}),
        (QueueSetting("Rate", priority=10, overflow_id=99), {"priority", "overflow"}),
        (QueueSetting("Rate", ages_s=-1, widens_s=3601, sticky_s=9999), {"ages", "widens", "sticky"}),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_queue_is_said_at_its_fields(
    stage: Stage, sara: Principal, setting: QueueSetting, fields: set[str]
) -> None:
    with pytest.raises(InvalidError) as refused:
        added(stage, sara, setting)
    assert {one.field for one in refused.value.parts} == fields


def test_queues_are_set_up_by_the_supervisors_of_their_contract_alone(stage: Stage) -> None:
    agent = stage.principal(stage.cast.anna)
    other = Principal(stage.cast.vera, "", "it", frozenset({Held(Role.SUPERVISOR, None, stage.cast.other_contract)}))
    for somebody in (agent, other):
        with pytest.raises(ForbiddenError):
            added(stage, somebody)
        with pytest.raises(NotFoundError):
            stage.work(lambda s, by=somebody: service.close(s, by, queue_id=stage.cast.notices))


def test_an_agent_is_rung_at_a_telephone_of_his_own_and_needs_none_in_the_browser(
    stage: Stage, sara: Principal
) -> None:
    cast = stage.cast
    stage.ready(cast.anna)
    stage.work(lambda s: agents.set_device(s, stage.principal(cast.anna), device="desk", ready=False))
    stage.queues()
    assert stage.run() == []
    for number in ("12", "899 123 456", "sip:anna@", "sip:anna@centre.it?x=1"):
        with pytest.raises(InvalidError) as wrong:
            stage.work(
                lambda s, n=number: service.ring_at(s, sara, contract_id=cast.contract, agent_id=cast.anna, number=n)
            )
        assert wrong.value.field == "number"
    for number, rung in (("sip:anna@centre.it", "sip:anna@centre.it"), ("0571 757000", "+390571757000")):
        stage.work(
            lambda s, n=number: service.ring_at(s, sara, contract_id=cast.contract, agent_id=cast.anna, number=n)
        )
        assert stage.presence(cast.anna).rings_at == rung
    (made,) = stage.run()
    assert made.agent_id == cast.anna
    (ring,) = stage.carrier.rings.values()
    assert (ring.number, ring.tones) == ("+390571757000", False)
    with pytest.raises(ForbiddenError):
        stage.work(
            lambda s: service.ring_at(
                s, stage.principal(cast.anna), contract_id=cast.contract, agent_id=cast.anna, number=""
            )
        )  # fmt: skip
