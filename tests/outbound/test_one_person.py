"""Somebody who stands in the registers twice is one person: called once, written to once, by whatever row."""

import threading
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import ColumnElement, select, update

from crm.contacts.models import ContactMerge, ContactPreference
from crm.core.errors import ConflictError
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUp, FollowUpKind, FollowUpState
from outbound.campaigns import claims, contacts, ripening
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Channel, Phase, Step
from outbound.compliance.rules import Ended, Reason, Written
from outbound.messages.sending import owe
from outbound.outcomes import service as outcomes
from outbound.promises import service as promises
from outbound.promises.judging import PromiseState
from outbound.promises.models import PaymentPromise
from tests.cast import Cast
from tests.outbound.messages.test_sending import ONLY_SMS, SMS, TO, Outreach, outreach
from tests.outbound.test_campaigns import DAY, HOUR, PLAN, Office, office

__all__ = ["office", "outreach"]
pytestmark = pytest.mark.integration


def merged(office: Office, kept: int, other: int) -> None:
    of = {"ente_id": office.cast.empoli, "kept_id": kept, "merged_id": other, "reason": "È lui."}
    office.work(lambda s: s.add(ContactMerge(**of, merged_at=office.now, merged_by=office.cast.sara)))


def undone(office: Office, *which: ColumnElement[bool]) -> None:
    undo = update(ContactMerge).where(*which).values(undone_at=office.now, undone_by=office.cast.sara)
    office.work(lambda s: s.execute(undo))


def test_who_is_in_the_campaign_under_two_rows_gets_one_sms(outreach: Outreach, cast: Cast) -> None:
    other = outreach.somebody(1)
    campaign = outreach.run(cast.mario, other, plan=ONLY_SMS)
    merged(outreach, cast.mario, other)
    assert outreach.send() == 1
    assert outreach.contact(campaign, cast.mario).state is ContactState.DONE
    assert outreach.contact(campaign, other)[:2] == (ContactState.OUT, Reason.SAME_PERSON)
    assert outreach.work(outcomes.let_go) == 0
    undone(outreach)
    assert outreach.work(outcomes.let_go) == 1, "it was somebody else after all"
    assert outreach.send() == 1


def test_of_three_rows_two_are_somebody_elses_who_is_reached_once(outreach: Outreach, cast: Cast) -> None:
    second, third = outreach.somebody(1), outreach.somebody(2)
    campaign = outreach.run(cast.mario, second, third, plan=ONLY_SMS)
    merged(outreach, cast.mario, second)
    merged(outreach, second, third)
    assert outreach.send() == 1
    undone(outreach, ContactMerge.kept_id == cast.mario)
    assert outreach.work(outcomes.let_go) == 1, "by one of the two rows that are left to him"
    assert outreach.work(outcomes.let_go) == 0
    assert outreach.send() == 1
    left = [outreach.contact(campaign, one)[:2] for one in (second, third)]
    assert left == [(ContactState.DONE, None), (ContactState.OUT, Reason.SAME_PERSON)]


def test_he_counts_by_the_row_that_has_come_furthest(outreach: Outreach, cast: Cast) -> None:
    other = outreach.somebody(1)
    plan = replace(ONLY_SMS, steps=(Step(Channel.SMS), Step(Channel.SMS, 8)))
    campaign = outreach.run(cast.mario, other, plan=plan)
    step = update(CampaignContact).where(CampaignContact.contact_id == other).values(step=1, state=ContactState.LATER)
    outreach.work(lambda s: s.execute(step))
    merged(outreach, cast.mario, other)
    assert outreach.send() == 0
    assert outreach.contact(campaign, cast.mario).why is Reason.SAME_PERSON
    assert outreach.contact(campaign, other).state is ContactState.LATER


def test_two_campaigns_do_not_claim_two_rows_of_one_man_at_one_instant(office: Office, cast: Cast) -> None:
    lucia = office.lucia()
    merged(office, cast.mario, lucia)
    first, second = office.run(cast.mario, name="Una"), office.run(lucia, name="Due")
    got: list[Any] = []
    gate, claimed = threading.Barrier(2), claims.claim

    def together(session: Any, **given: Any) -> bool:
        gate.wait(timeout=10)
        return claimed(session, **given)

    def ask(by: Any, campaign: int) -> None:
        got.append(office.next(by, campaign))

    claims.claim = together
    try:
        threads = [threading.Thread(target=ask, args=one) for one in ((office.anna, first), (office.luca, second))]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        claims.claim = claimed
    assert sum(one is not None for one in got) == 1


def test_two_campaigns_that_write_to_two_rows_of_one_man_at_one_instant_keep_to_the_week(
    outreach: Outreach, cast: Cast
) -> None:
    other = outreach.somebody(1)
    merged(outreach, cast.mario, other)
    outreach.run(cast.mario, plan=ONLY_SMS)
    assert outreach.send() == 1
    campaigns = outreach.run(cast.mario, plan=ONLY_SMS, name="Una"), outreach.run(other, plan=ONLY_SMS, name="Due")
    sent: list[int] = []
    gate, lock = threading.Barrier(2), claims.lock

    def together(session: Any, persons: Any) -> None:
        gate.wait(timeout=10)
        lock(session, persons)

    def send(campaign: int) -> None:
        of = {"campaign_id": campaign, "channel": Written.SMS, "addresses": TO}
        sent.append(outreach.work(lambda s: owe(s, **of))[1])

    claims.lock = together
    try:
        threads = [threading.Thread(target=send, args=(one,)) for one in campaigns]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    finally:
        claims.lock = lock
    assert sorted(sent) == [0, 1]


def test_a_complaint_under_one_row_holds_the_other_until_it_is_closed(office: Office, cast: Cast) -> None:
    lucia = office.lucia()
    merged(office, cast.mario, lucia)
    campaign = office.run(cast.mario)
    of = {"ente_id": cast.empoli, "contact_id": lucia, "kind": FollowUpKind.CASE, "note": "Reclama."}
    office.work(lambda s: follow_ups.owe(s, **of))
    assert office.next(office.anna, campaign) is None
    assert office.contact(campaign, cast.mario).why is Reason.COMPLAINT
    assert office.work(outcomes.let_go) == 0, "by the same rule that has put him out"
    office.work(lambda s: s.execute(update(FollowUp).values(state=FollowUpState.DONE, closed_at=office.now)))
    assert office.work(outcomes.let_go) == 1
    assert office.next(office.anna, campaign) is not None


def test_who_wants_no_calls_is_still_written_a_letter(office: Office, cast: Cast) -> None:
    plan = replace(
        PLAN, steps=(Step(Channel.CALL), Step(Channel.SMS), Step(Channel.CALL, 1), Step(Channel.LETTER, 3)),
        messages={Written.SMS: {Phase.PERSONAL: SMS}},
    )  # fmt: skip
    campaign, calls_alone = office.run(cast.mario, plan=plan), office.run(cast.mario, name="Solo chiamate")
    of = {"ente_id": cast.empoli, "contact_id": cast.mario}
    wish = {"do_not_call_since": office.now, "do_not_call_why": "", "weekdays": [], "written_at": office.now}
    office.work(lambda s: s.add(ContactPreference(**of, **wish, written_by=cast.anna)))
    assert office.next(office.anna, campaign) is None
    assert office.contact(campaign, cast.mario) == (ContactState.LATER, None, office.now + 3 * DAY)
    office.now += 3 * DAY
    office.work(lambda s: ripening.ripen(s, campaign_id=campaign))
    assert office.waiting(campaign, Channel.LETTER) == [cast.mario]
    office.now -= 3 * DAY
    assert office.next(office.anna, calls_alone) is None
    assert office.contact(calls_alone, cast.mario)[:2] == (ContactState.OUT, Reason.DO_NOT_CALL)


def test_after_the_last_conversation_nobody_writes_before_its_outcome_or_half_an_hour(
    outreach: Outreach, cast: Cast
) -> None:
    plan = replace(
        PLAN, steps=(Step(Channel.CALL), Step(Channel.SMS)), attempts=1, consent_to_messages=False,
        messages={Written.SMS: {Phase.PERSONAL: SMS}}, prices={Written.SMS: 365},
    )  # fmt: skip
    campaign = outreach.run(cast.mario, plan=plan)
    assert outreach.next(outreach.anna, campaign) is not None
    attempt_id, _ = outreach.dial(outreach.anna, campaign, cast.mario)
    outreach.work(lambda s: contacts.ended(s, attempt_id=attempt_id, ended=Ended.SPOKEN, operator=True))
    assert outreach.send() == 0
    outreach.now += HOUR / 4
    outreach.work(lambda s: ripening.ripen(s, campaign_id=campaign))
    assert outreach.send() == 0
    outreach.now += HOUR / 4
    outreach.work(lambda s: ripening.ripen(s, campaign_id=campaign))
    assert outreach.send() == 1, "nobody said anything in half an hour"


def test_who_keeps_a_promise_about_a_part_is_called_no_more_on_a_claim_of_before(office: Office, cast: Cast) -> None:
    campaign, other = office.run(cast.mario), office.run(cast.mario, name="Altra")
    today = office.now.date()

    def promise(session: Any, of: int) -> PaymentPromise:
        row = PaymentPromise(
            ente_id=cast.empoli, campaign_id=of, contact_id=cast.mario, outcome_id=uuid4(), made_on=today,
            due_on=today, grace_days=0, cents=100, state=PromiseState.KEPT, paid_cents=100, judged_on=today,
            made_by=cast.anna,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row

    assert office.next(office.anna, campaign) is not None
    office.work(lambda s: promises._follow(s, promise(s, campaign), anew=False))
    assert office.contact(campaign, cast.mario).state is ContactState.DONE
    with pytest.raises(ConflictError, match="non è più tuo"):
        office.dial(office.anna, campaign, cast.mario)

    assert office.next(office.anna, other) is not None
    attempt_id, _ = office.dial(office.anna, other, cast.mario)
    office.work(lambda s: promises._follow(s, promise(s, other), anew=False))
    assert office.contact(other, cast.mario).state is ContactState.CLAIMED, "he is on the telephone"
    office.work(lambda s: contacts.ended(s, attempt_id=attempt_id, ended=Ended.NO_ANSWER, operator=False))
    assert office.contact(other, cast.mario).state is ContactState.DONE
    states = office.work(lambda s: s.scalars(select(CampaignContact.state)).all())
    assert set(states) == {ContactState.DONE}
