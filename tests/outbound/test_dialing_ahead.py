"""Lines that ring ahead of the operators: the one who waits longest gets who answers, and the cap holds beforehand."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.contacts import preferences
from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError, FieldError
from outbound.campaigns.models import Attempt, CampaignContact, ContactState, Skip
from outbound.campaigns.plan import Mode, Purpose
from outbound.cati.models import Asked, SurveyCase
from outbound.compliance import windows
from outbound.compliance.rules import Ended, Reason
from outbound.dialer import calling, lines, recalls
from outbound.dialer.models import DialerLine, DialerRecall, DialerSetting, LineState
from telephony.agents.models import AgentState
from telephony.calls.models import Phase
from telephony.carriers.port import JoinConference, Say
from tests.cast import MARIO_MOBILE, principal_of
from tests.outbound.dialing import Dialing, planned
from tests.telephony.conftest import stage
from tests.telephony.stage import Stage

__all__ = ["stage"]
pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def whatever_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """People may be called whatever the hour at which the tests run."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)


@pytest.fixture
def ahead(stage: Stage) -> Dialing:
    """Two operators are enough, and calls may be risked at the highest price."""
    found = Dialing(stage, mode=Mode.PREDICTIVE, others=12)
    found.joins(stage.cast.anna)
    stage.work(lambda s: s.execute(update(DialerSetting).values(least=2, price=0.5)))
    return found


def reached(ahead: Dialing, times: int) -> None:
    """So many people answered before, one in four, and each found somebody: the bound is under the cap."""

    def before(session: Session) -> None:
        of = {"ente_id": ahead.stage.cast.empoli, "contract_id": ahead.stage.cast.contract}
        at = clock.now(session) - timedelta(days=3)
        rows = [
            {
                **of, "id": new_id(session), "campaign_id": ahead.campaign, "state": LineState.OVER, "at": at,
                "lease_until": at, "ended_at": at, "answered_at": at + timedelta(seconds=9) if n % 4 == 0 else None,
                "call_id": new_id(session) if n % 4 == 0 else None,
            }
            for n in range(4 * times)
        ]  # fmt: skip
        session.execute(insert(DialerLine), rows)

    ahead.stage.work(before)


def test_more_lines_ring_than_operators_wait_once_the_bound_allows_it(stage: Stage, ahead: Dialing) -> None:
    cast = stage.cast
    ahead.seated(cast.anna, cast.luca)
    reached(ahead, 250)
    assert ahead.turn() > 2
    assert {one.for_agent for one in ahead.lines() if one.state is LineState.RINGING} == {None}


def test_before_anything_is_known_nobody_is_risked(stage: Stage, ahead: Dialing) -> None:
    """The bound of nothing is one: one line for each operator, and it is his."""
    cast = stage.cast
    ahead.seated(cast.anna, cast.luca)
    assert ahead.turn() == 2
    assert {one.for_agent for one in ahead.lines()} == {cast.anna, cast.luca}


def test_with_few_operators_each_has_his_line(stage: Stage, ahead: Dialing) -> None:
    ahead.seated(stage.cast.anna)
    reached(ahead, 250)
    assert ahead.turn() == 1


def test_the_first_who_answer_get_those_who_waited_longest_and_the_third_hears_who_called(
    stage: Stage, ahead: Dialing
) -> None:
    cast = stage.cast
    ahead.seated(cast.anna, cast.luca)
    reached(ahead, 250)
    ahead.turn()
    first, second, third, *_ = [one for one in ahead.lines() if one.state is LineState.RINGING]
    assert isinstance(ahead.answers(first)[0], JoinConference)
    assert isinstance(ahead.answers(second)[0], JoinConference)
    assert isinstance(ahead.answers(third)[0], Say)
    met = {one.id: one.call_id for one in ahead.lines()}
    assert met[first.id] != met[second.id]
    assert met[third.id] is None
    tried = {one.id: one for one in ahead.attempts()}
    assert (tried[third.id].ended, tried[third.id].operator) == (Ended.SILENT, False)
    assert {tried[one.id].agent_id for one in (first, second)} == {cast.anna, cast.luca}
    ahead.turn()
    assert [one.dropped for one in ahead.lines() if one.state is LineState.RINGING and one.answered_at is None] != []


def test_whoever_got_a_silent_call_is_called_next_with_an_operator_of_his_own(stage: Stage, ahead: Dialing) -> None:
    cast = stage.cast
    ahead.seated(cast.anna, cast.luca)
    reached(ahead, 250)
    long_ago = stage.work(clock.now) - timedelta(days=9)
    stage.work(
        lambda s: s.add(
            Attempt(
                id=new_id(s), ente_id=cast.empoli, contract_id=cast.contract, version=1,
                campaign_id=ahead.campaign, contact_id=cast.mario, number=MARIO_MOBILE, at=long_ago, begun=True,
                reasons=[], ended=Ended.SILENT, ended_at=long_ago,
            )
        )
    )  # fmt: skip
    ahead.turn()
    his = next(one for one in ahead.attempts() if one.contact_id == cast.mario and one.ended is None)
    line = next(one for one in ahead.lines() if one.id == his.id)
    assert line.for_agent in {cast.anna, cast.luca}


def test_who_refused_one_interviewer_is_rung_for_another_alone(stage: Stage, ahead: Dialing) -> None:
    """A survey's refusal that a supervisor released: no line that whoever is free may get."""
    cast = stage.cast
    planned(stage, ahead.campaign, purpose=Purpose.SURVEY, form_id=1, vary_hours=False)
    stage.work(
        lambda s: s.add(
            SurveyCase(
                campaign_id=ahead.campaign, contact_id=cast.mario, ente_id=cast.empoli, refusals=1, not_by=cast.anna,
                asked=Asked.CONVERSION,
            )
        )
    )  # fmt: skip
    ahead.seated(cast.anna)
    reached(ahead, 250)
    ahead.turn()
    assert cast.mario not in {one.contact_id for one in ahead.attempts()}
    ahead.seated(cast.luca)
    ahead.turn()
    (his,) = (one for one in ahead.attempts() if one.contact_id == cast.mario)
    assert next(one for one in ahead.lines() if one.id == his.id).for_agent == cast.luca
    assert {one.for_agent for one in ahead.lines()} > {None, cast.luca}, "others are anybody's"


def test_a_machine_is_hung_up_on_and_its_operator_is_free(stage: Stage) -> None:
    """Rule: a person first. It is told apart while the operator is on the line already."""
    one = Dialing(stage)
    anna = stage.cast.anna
    one.joins(anna)
    stage.work(lambda s: s.execute(update(DialerSetting).values(hears_machines=True)))
    (seat,) = one.seated(anna)
    one.turn()
    (dial,) = stage.carrier.dials.values()
    assert dial.machine_url
    (line,) = one.lines()
    one.answers(line)
    now = (stage.work(clock.now) - stage.call(seat).queued_at).total_seconds()
    stage.joins(seat, after=now)
    stage.work(lambda s: lines.machine(s, line.id, "machine_start"))
    stage.run()
    assert line.carrier_sid in stage.carrier.ended
    assert stage.presence(anna).state is AgentState.READY
    one.settle()
    assert [(its.ended, its.operator) for its in one.attempts()] == [(Ended.MACHINE, True)]
    assert stage.call(seat).phase is Phase.ENDED


def test_who_has_been_spoken_with_is_not_taken_for_a_machine(stage: Stage) -> None:
    """Rule: a person first. What is heard too late is logged, and not believed."""
    one = Dialing(stage)
    (seat,) = one.seated(stage.cast.anna)
    one.turn()
    (line,) = one.lines()
    one.answers(line)
    stage.joins(seat, after=-30)
    stage.work(lambda s: lines.machine(s, line.id, "machine_start"))
    assert stage.call(seat).phase is Phase.TALKING
    stage.work(lambda s: lines.machine(s, line.id, "human"))
    assert stage.call(seat).phase is Phase.TALKING


def test_a_machine_that_found_nobody_is_no_silent_call(stage: Stage) -> None:
    one = Dialing(stage)
    one.seated(stage.cast.anna)
    one.turn()
    (line,) = one.lines()
    stage.work(lambda s: s.execute(update(type(line)).values(dropped=True)))
    one.answers(line)
    assert one.attempts()[0].ended is Ended.SILENT
    stage.work(lambda s: lines.machine(s, line.id, "machine_start"))
    assert one.attempts()[0].ended is Ended.MACHINE


def test_who_wants_to_be_called_later_is_called_then_by_whom_he_spoke_with(stage: Stage) -> None:
    one = Dialing(stage, others=1)
    cast = stage.cast
    anna, luca = (stage.work(lambda s, who=who: principal_of(s, who)) for who in (cast.anna, cast.luca))
    one.calls_back(cast.anna)
    soon = stage.work(clock.now) + timedelta(hours=1)
    his = {"campaign_id": one.campaign, "contact_id": cast.mario}
    stage.work(lambda s: recalls.ask(s, anna, **his, at=soon))
    row = select(CampaignContact.state, CampaignContact.why).where(CampaignContact.contact_id == cast.mario)
    assert stage.work(lambda s: s.execute(row).one()) == (ContactState.LATER, Reason.WISH)
    first = stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign))
    assert first is not None
    assert first.contact_id != cast.mario
    other = {**his, "contact_id": first.contact_id}
    stage.work(lambda s: calling.let_go(s, anna, **other, why=Skip.OTHER))
    one.nobody_left()
    stage.work(lambda s: s.execute(update(DialerRecall).values(wanted_at=soon - timedelta(minutes=61))))
    assert stage.work(lambda s: calling.next_contact(s, luca, campaign_id=one.campaign)) is None
    found = stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign))
    assert found is not None
    assert found.contact_id == cast.mario


def test_what_he_asked_for_never_overrules_the_law(stage: Stage) -> None:
    one = Dialing(stage)
    cast = stage.cast
    anna, sara = (stage.work(lambda s, who=who: principal_of(s, who)) for who in (cast.anna, cast.sara))
    one.calls_back(cast.anna)
    now = stage.work(clock.now)
    his = {"campaign_id": one.campaign, "contact_id": cast.mario}
    with pytest.raises(FieldError):
        stage.work(lambda s: recalls.ask(s, anna, **his, at=now - timedelta(minutes=1)))
    stage.work(lambda s: recalls.ask(s, anna, **his, at=now + timedelta(minutes=1)))
    stage.work(lambda s: s.execute(update(DialerRecall).values(wanted_at=now - timedelta(minutes=1))))
    stage.work(lambda s: preferences.do_not_call(s, sara, contact_id=cast.mario))
    assert stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign)) is None
    row = select(CampaignContact.state, CampaignContact.why)
    assert stage.work(lambda s: s.execute(row).one()) == (ContactState.OUT, Reason.DO_NOT_CALL)


def test_nobody_is_kept_for_an_operator_who_did_not_speak_with_him(stage: Stage) -> None:
    """Else whoever tries numbers learns one after the other who is in a campaign, and puts people off for weeks."""
    one = Dialing(stage, others=1)
    cast = stage.cast
    anna, luca = (stage.work(lambda s, who=who: principal_of(s, who)) for who in (cast.anna, cast.luca))
    soon = stage.work(clock.now) + timedelta(hours=1)
    one.calls_back(cast.anna)
    others = select(CampaignContact.contact_id).where(CampaignContact.contact_id != cast.mario)
    stranger = stage.work(lambda s: s.scalars(others).one())
    for by, contact_id in ((luca, cast.mario), (anna, stranger)):
        his = {"campaign_id": one.campaign, "contact_id": contact_id}
        with pytest.raises(ConflictError):
            stage.work(lambda s, by=by, his=his: recalls.ask(s, by, **his, at=soon))
    assert stage.work(lambda s: s.scalars(select(DialerRecall)).all()) == []
