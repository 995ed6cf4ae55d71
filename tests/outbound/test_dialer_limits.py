"""What stops a dialer, and who gets whom: money, the carrier's refusals, skills, and who is kept for an operator."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import new_id
from crm.core.errors import ConflictError
from outbound.campaigns import contacts, ripening, running, spending
from outbound.campaigns.models import Attempt, CampaignContact, ContactState
from outbound.campaigns.plan import Mode
from outbound.compliance import windows
from outbound.compliance.rules import Reason
from outbound.dialer import calling, fit, lines, queries
from outbound.dialer.deciding import Why
from outbound.dialer.fit import Lack
from outbound.dialer.models import GRACE, DialerLine, DialerRecall, DialerSetting, LineState
from outbound.outcomes.catalogue import OutcomeRules
from outbound.promises import service as promises
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise
from telephony.agents.models import AgentPresence
from telephony.calls import placing, seats
from telephony.calls.models import Call
from telephony.calls.placing import Placed
from telephony.queues.models import QueueMember
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, principal_of
from tests.outbound.dialing import Dialing, planned
from tests.telephony.conftest import stage
from tests.telephony.fake_carrier import refused
from tests.telephony.stage import Stage

__all__ = ["stage"]
pytestmark = pytest.mark.integration
PRICED = OutcomeRules(minute_mills=100)  # ten cents a minute


@pytest.fixture(autouse=True)
def whatever_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    """People may be called whatever the hour at which the tests run."""
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)


def setting(one: Dialing) -> Any:
    its = select(DialerSetting.refusals, DialerSetting.refused_code, DialerSetting.held_until)
    return one.stage.work(lambda s: s.execute(its).one())


# -- money --------------------------------------------------------------------------------------------------------


def test_when_the_money_is_spent_nobody_is_dialed_and_more_of_it_goes_on(stage: Stage) -> None:
    one, cast = Dialing(stage, others=3), stage.cast
    planned(stage, one.campaign, budget_cents=20, outcomes=PRICED)
    (seat,) = one.seated(cast.anna)
    assert one.turn() == 1, "a minute of it may still be paid"
    (line,) = one.lines()
    one.answers(line)
    stage.joins(seat)
    one.ends(line, "completed")
    stage.work(lambda s: s.execute(update(Call).where(Call.id == seat).values(talked_ms=90_000, held_ms=30_000)))
    one.settle()
    of = stage.work(lambda s: running.get(s, one.campaign))
    assert stage.work(lambda s: spending.cost(s, of)) == 2_000, "two minutes at ten cents"
    assert stage.work(lambda s: spending.left(s, of)) == 0
    board = stage.work(lambda s: queries.board(s, one.campaign))
    assert (board.reason.why, board.spent, board.budget_cents) == (Why.BUDGET, 2_000, 20)
    assert one.turn() == 0
    assert stage.work(lambda s: contacts.claim(s, campaign=of, agent_id=cast.anna)) is None
    planned(stage, one.campaign, budget_cents=40)
    more = stage.work(lambda s: running.get(s, one.campaign))
    assert stage.work(lambda s: contacts.claim(s, campaign=more, agent_id=cast.luca)) is not None


def test_who_was_claimed_before_the_money_was_spent_is_not_dialed_after(stage: Stage) -> None:
    one, cast = Dialing(stage, mode=Mode.PREVIEW), stage.cast
    stage.ready(cast.anna)
    anna = stage.work(lambda s: principal_of(s, cast.anna))
    planned(stage, one.campaign, budget_cents=10, outcomes=PRICED)
    assert stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign)) is not None
    planned(stage, one.campaign, budget_cents=9)
    mario = {"campaign_id": one.campaign, "contact_id": cast.mario}
    call, verdict = stage.work(lambda s: calling.call(s, anna, **mario))
    assert (call, verdict.reasons) == (None, (Reason.NOT_RUNNING,))


# -- the carrier --------------------------------------------------------------------------------------------------


def test_while_the_carrier_refuses_every_call_it_is_asked_less_and_less_and_nobody_is_tried(stage: Stage) -> None:
    """A suspended account: no attempt counts against people, and the board says so."""
    one = Dialing(stage, others=5)
    one.seated(stage.cast.anna, stage.cast.luca)
    stage.carrier.ringing += [refused(code=20003)] * 3
    one.turn()
    assert setting(one)[:2] == (1, 20003), "refused together they count once"
    assert one.turn() == 0
    board = stage.work(lambda s: queries.board(s, one.campaign))
    assert (board.reason.why, board.how.refused_code) == (Why.CARRIER, 20003)
    past = update(DialerSetting).values(held_until=stage.work(clock.now) - timedelta(seconds=1))
    stage.work(lambda s: s.execute(past))
    assert one.turn() == 1, "one alone, to see whether it calls again"
    assert setting(one).refusals == 2
    assert [attempt.begun for attempt in one.attempts()] == [False] * 3
    stage.work(lambda s: s.execute(past))
    one.turn()
    assert setting(one) == (0, None, None), "it calls again"
    assert one.turn() == 1


def test_each_pause_is_twice_as_long_and_none_longer_than_ten_minutes() -> None:
    assert [lines.held_for(n).total_seconds() for n in (0, 1, 2, 3, 7, 8, 99)] == [0, 5, 10, 20, 320, 600, 600]


def test_a_number_of_another_contract_is_shown_to_nobody(stage: Stage) -> None:
    """Though a plan had it: neither is a seat opened with it nor a call placed."""
    cast = stage.cast
    seat = seats.Seat(cast.anna, cast.empoli, cast.other_contract, EMPOLI_LINE, cast.operator)
    anna = stage.work(lambda s: principal_of(s, cast.anna))
    wanted = Placed(cast.empoli, cast.other_contract, cast.mario, MARIO_MOBILE, EMPOLI_LINE, cast.operator)
    for tried in (lambda s: seats.open_seat(s, seat), lambda s: placing.place(s, anna, wanted)):
        with pytest.raises(ConflictError, match="numero da mostrare"):
            stage.work(tried)


# -- who calls ----------------------------------------------------------------------------------------------------


def test_who_calls_answers_the_queue_as_well_as_the_plan_asks_in_its_languages(stage: Stage) -> None:
    one, cast = Dialing(stage), stage.cast
    of = lambda: stage.work(lambda s: fit.lack_of(s, one.campaign, cast.anna))  # noqa: E731
    assert of() is None
    planned(stage, one.campaign, languages=("de",))
    assert of() is Lack.LANGUAGE
    with pytest.raises(ConflictError, match="lingue"):
        one.joins(cast.anna)
    stage.work(
        lambda s: s.execute(update(AgentPresence).where(AgentPresence.agent_id == cast.anna).values(speaks=["de"]))
    )
    assert of() is None
    hers = QueueMember.agent_id == cast.anna, QueueMember.queue_id == cast.operator
    stage.work(lambda s: s.execute(update(QueueMember).where(*hers).values(level=3)))
    planned(stage, one.campaign, level=2)
    assert of() is Lack.LEVEL
    planned(stage, one.campaign, level=3)
    one.joins(cast.anna)
    stage.work(lambda s: s.delete(s.scalars(select(QueueMember).where(*hers)).one()))
    assert of() is Lack.QUEUE
    one.turn()
    assert one.stay(cast.anna).left_at is not None, "nor goes on who no longer does"


def test_ahead_of_operators_who_asked_for_one_of_them_gets_her(stage: Stage) -> None:
    """He wanted to be called at this hour by her: his line is hers, though lines ring for whoever is free."""
    one, cast = Dialing(stage, mode=Mode.PREDICTIVE, others=12), stage.cast
    one.joins(cast.anna)
    stage.work(lambda s: s.execute(update(DialerSetting).values(least=2, price=0.5)))
    _reached(one, 600)
    one.seated(cast.luca)
    stage.answers(one.seat(cast.anna))
    stage.run()
    now = stage.work(clock.now)
    late = select(CampaignContact.contact_id).order_by(CampaignContact.priority).limit(1)
    last = stage.work(lambda s: s.scalars(late).one())
    stage.work(
        lambda s: s.add(
            DialerRecall(
                campaign_id=one.campaign, contact_id=last, ente_id=cast.empoli, wanted_at=now - timedelta(minutes=1),
                agent_id=cast.anna, made_at=now,
            )
        )
    )  # fmt: skip
    one.turn()
    live = [line for line in one.lines() if line.state is not LineState.OVER]
    whose = dict(stage.work(lambda s: s.execute(select(Attempt.contact_id, Attempt.id)).all()))
    (his,) = [line for line in live if line.id == whose.get(last)]
    assert his.for_agent == cast.anna


def _reached(one: Dialing, times: int) -> None:
    def before(session: Session) -> None:
        at = clock.now(session) - timedelta(days=3)
        its = {
            "ente_id": one.stage.cast.empoli, "contract_id": one.stage.cast.contract, "campaign_id": one.campaign,
            "state": LineState.OVER, "at": at, "lease_until": at, "ended_at": at,
        }  # fmt: skip
        answered = {"answered_at": at + timedelta(seconds=9)}
        session.execute(
            insert(DialerLine),
            [{**its, **answered, "id": new_id(session), "call_id": new_id(session)} for _ in range(times)],
        )

    one.stage.work(before)


def test_whoever_took_a_promise_that_was_broken_has_him_first_and_then_anybody(stage: Stage) -> None:
    one, cast = Dialing(stage, mode=Mode.PREVIEW), stage.cast
    stage.ready(cast.anna, cast.luca)
    anna, luca = (stage.work(lambda s, who=who: principal_of(s, who)) for who in (cast.anna, cast.luca))

    def broken(session: Session) -> None:
        today = clock.business_day(clock.now(session))
        row = PaymentPromise(
            ente_id=cast.empoli, campaign_id=one.campaign, contact_id=cast.mario, outcome_id=new_id(session),
            made_on=today - timedelta(days=9), due_on=today - timedelta(days=5), grace_days=0, cents=100,
            state=PromiseState.BROKEN, paid_cents=0, made_by=cast.luca,
        )  # fmt: skip
        session.add(row)
        session.flush()
        promises._follow(session, row, anew=False)

    stage.work(broken)
    state, due_at = stage.work(lambda s: s.execute(select(CampaignContact.state, CampaignContact.due_at)).one())
    assert state is ContactState.LATER
    assert due_at - stage.work(clock.now) > GRACE - timedelta(minutes=1)
    assert stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign)) is None
    found = stage.work(lambda s: calling.next_contact(s, luca, campaign_id=one.campaign))
    assert found is not None
    assert found.contact_id == cast.mario
    back = update(CampaignContact).values(
        state=ContactState.LATER, claimed_by=None, due_at=stage.work(clock.now) - timedelta(seconds=1)
    )
    stage.work(lambda s: s.execute(back))
    stage.work(lambda s: s.execute(update(DialerRecall).values(wanted_at=DialerRecall.wanted_at - GRACE)))
    stage.work(lambda s: ripening.ripen(s, campaign_id=one.campaign))
    assert stage.work(lambda s: calling.next_contact(s, anna, campaign_id=one.campaign)) is not None, "he did not come"
