"""From the list to the conversation: an agent takes the next one, calls him, and what came of it decides the rest."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from crm.collection.models import ImportRun, ImportState
from crm.contacts import preferences
from crm.core import clock
from crm.core.errors import ConflictError
from outbound.campaigns import contacts, ripening
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Attempt, Campaign, CampaignContact, CampaignVersion, ContactState
from outbound.campaigns.plan import Plan, kept
from outbound.compliance import windows
from outbound.compliance.rules import Ended, Reason
from outbound.dialer import calling
from outbound.lists.models import ContactList, ListState, Origin
from telephony.calls import reception
from telephony.calls.events import LegEnd
from telephony.calls.models import Consent
from telephony.calls.service import Heard
from telephony.carriers.port import Taking
from telephony.recording import pausing
from telephony.recording.models import Purpose, RecordingSetting
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, principal_of
from tests.telephony.conftest import stage
from tests.telephony.stage import Stage

__all__ = ["stage"]

pytestmark = pytest.mark.integration
ALWAYS = ("0:00-24:00",) * 7


@pytest.fixture
def campaign(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> int:
    """It runs, and people may be called whatever the hour: Mario is in it. Anna and Luca are ready."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    stage.ready(stage.cast.anna, stage.cast.luca)
    return int(stage.work(lambda s: _runs(s, stage)))


def _runs(session: Any, stage: Stage) -> int:
    cast, now = stage.cast, clock.now(session)
    of = {"ente_id": cast.empoli}
    when = dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), now - timedelta(minutes=1))
    session.add(ImportRun(**of, file_name="f", file_bytes=1, totals=[], state=ImportState.DONE, **when))
    made = ContactList(**of, name="x", origin=Origin.FILE, state=ListState.READY, made_by=cast.sara, made_at=now)
    session.add(made)
    session.flush()
    found = Campaign(
        **of, contract_id=cast.contract, list_id=made.id, name="x", state=State.RUNNING, version=1,
        made_by=cast.sara, made_at=now, changed_at=now, started_at=now, admitted_at=now,
    )  # fmt: skip
    session.add(found)
    session.flush()
    plan = Plan(queue_id=cast.operator, line=EMPOLI_LINE, hours=ALWAYS)
    its = {**of, "campaign_id": found.id}
    session.add(CampaignVersion(**its, number=1, plan=kept(plan), written_by=cast.sara, written_at=now))
    session.add(CampaignContact(**its, contact_id=cast.mario, state=ContactState.READY, due_at=now))
    return found.id


class Anna:
    """She calls."""

    def __init__(self, stage: Stage, campaign: int) -> None:
        self.stage, self.campaign = stage, campaign
        self.me = stage.work(lambda s: principal_of(s, stage.cast.anna))
        self.mario = {"campaign_id": campaign, "contact_id": stage.cast.mario}

    def takes(self) -> Any:
        return self.stage.work(lambda s: contacts.next_contact(s, self.me, campaign_id=self.campaign))

    def calls(self) -> Any:
        return self.stage.work(lambda s: calling.call(s, self.me, **self.mario))

    def rings(self) -> UUID:
        """She takes Mario and picks up: his telephone rings."""
        assert self.takes().contact_id == self.stage.cast.mario
        call: UUID = self.calls()[0]
        self.stage.run()
        self.stage.answers(call)
        self.stage.run()
        return call

    def line_ends(self, call: UUID, status: str) -> None:
        leg = self.stage.leg(call)
        heard = Heard(f"citizen:{leg}:{status}", self.stage.work(clock.now), detail=(("status", status),))
        sid = self.stage.call(call).carrier_sid
        self.stage.work(lambda s: reception.line_ended(s, call, sid, heard, leg))
        self.stage.engine.fire_timers()

    def attempt(self) -> Any:
        rows = select(Attempt.begun, Attempt.ended, Attempt.operator, Attempt.number, Attempt.agent_id)
        return self.stage.work(lambda s: s.execute(rows).one())

    def mario_is(self) -> Any:
        row = select(CampaignContact.state, CampaignContact.why)
        return self.stage.work(lambda s: s.execute(row).one())


@pytest.fixture
def anna(stage: Stage, campaign: int) -> Anna:
    return Anna(stage, campaign)


def test_from_the_list_to_the_conversation(stage: Stage, anna: Anna) -> None:
    call = anna.rings()
    stage.joins(call)
    assert stage.work(calling.settle) == 0
    stage.caller_leaves(call)
    assert [stage.work(calling.settle) for _ in range(2)] == [1, 0]
    assert anna.attempt() == (True, Ended.ANSWERED, True, MARIO_MOBILE, stage.cast.anna)
    assert anna.mario_is() == (ContactState.LATER, Reason.TRIED)


def test_whoever_is_engaged_is_tried_again_a_little_later_and_not_before(stage: Stage, anna: Anna) -> None:
    call = anna.rings()
    anna.line_ends(call, "busy")
    stage.work(calling.settle)
    assert anna.attempt()[:3] == (True, Ended.BUSY, False)
    assert anna.takes() is None
    back = update(Attempt).values(at=Attempt.at - timedelta(minutes=16))
    stage.work(lambda s: s.execute(back))
    soon = update(CampaignContact).values(due_at=clock_back(stage))
    stage.work(lambda s: s.execute(soon))
    assert stage.work(lambda s: ripening.ripen(s, campaign_id=anna.campaign)) == 1
    assert anna.takes() is not None


def test_an_agent_s_own_telephone_that_stays_silent_is_no_attempt(stage: Stage, anna: Anna) -> None:
    assert anna.takes() is not None
    call, _ = anna.calls()
    stage.run()
    stage.leg_ends(call, LegEnd.NO_ANSWER)
    stage.engine.fire_timers()
    stage.work(calling.settle)
    assert anna.attempt()[:2] == (False, None)
    assert anna.mario_is() == (ContactState.READY, None)


def test_he_is_not_called_who_has_asked_for_it_a_moment_ago(stage: Stage, anna: Anna) -> None:
    assert anna.takes() is not None
    sara = stage.work(lambda s: principal_of(s, stage.cast.sara))
    stage.work(lambda s: preferences.do_not_call(s, sara, contact_id=stage.cast.mario))
    call, verdict = anna.calls()
    assert (call, verdict.reasons) == (None, (Reason.DO_NOT_CALL,))
    stage.run()
    assert not stage.carrier.rings


def test_who_is_not_free_keeps_whom_he_has_claimed_and_nothing_is_written(stage: Stage, anna: Anna) -> None:
    assert anna.takes() is not None
    stage.queues()
    stage.run()  # a caller was faster: her telephone rings
    if stage.presence(stage.cast.anna).state.value == "ready":
        stage.queues(sid="CAother", caller="+390571700322")
        stage.run()
    with pytest.raises(ConflictError):
        anna.calls()
    assert stage.work(lambda s: s.scalars(select(Attempt.id)).all()) == []


def test_an_interview_s_conversation_is_recorded_once_its_person_agrees(stage: Stage, anna: Anna) -> None:
    call = anna.rings()
    stage.joins(call)
    agree = {"call_id": call, "agrees": True}
    assert not stage.work(lambda s: pausing.agree(s, anna.me, **agree)), "his ente has nothing recorded"
    of = {"ente_id": stage.cast.empoli, "is_on": True, "purpose": Purpose.QUALITY, "workers": "x", "share": 100}
    stage.work(lambda s: s.add(RecordingSetting(**of, keep_days=1, pause_s=30)))
    assert stage.work(lambda s: pausing.agree(s, anna.me, **agree))
    stage.run()
    assert [one.taking for one in stage.carrier.taken] == [Taking.ON]
    luca = stage.work(lambda s: principal_of(s, stage.cast.luca))
    with pytest.raises(ConflictError):
        stage.work(lambda s: pausing.agree(s, luca, **agree))
    assert not stage.work(lambda s: pausing.agree(s, anna.me, call_id=call, agrees=False))
    stage.run()
    assert stage.call(call).consent is Consent.WITHDRAWN


def clock_back(stage: Stage) -> Any:
    return stage.work(clock.now) - timedelta(seconds=1)
