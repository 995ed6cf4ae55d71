"""Messages of a campaign as they leave: to whom, once, in time, within the money; and what stops them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from crm.collection.models import ImportRun, ImportState
from crm.contacts.models import ContactReach, ReachKind, Verification
from crm.core import jobs
from crm.follow_ups.models import FollowUp
from crm.messages import bulk, outbox
from crm.messages.models import Message, MessageState, Reason
from crm.positions.models import Position, PositionState
from crm.timeline.models import EntryKind, TimelineEntry
from outbound.campaigns import running, spending
from outbound.campaigns.admission import ADMITTER
from outbound.campaigns.lifecycle import Deed, State
from outbound.campaigns.models import CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel, Phase, Plan, Step
from outbound.campaigns.service import ADMIT
from outbound.compliance.rules import Reason as Why
from outbound.compliance.rules import Written
from outbound.messages import preview
from outbound.messages.queries import became
from outbound.messages.sending import Sender, ask_unheard, before_leaving
from outbound.messages.text import Words
from telephony.calls.addresses import Addresses
from telephony.carriers.port import CarrierError
from telephony.messages.delivery import Delivery
from telephony.messages.mail import Mail, Mailer
from telephony.standing.pace import Pace
from telephony.texts.reception import opt
from tests.cast import MARIO_MOBILE, Cast, add_contact, add_position
from tests.databases import DatabaseUrls
from tests.outbound.test_campaigns import DAY, HOUR, NOON, Office
from tests.telephony.fake_carrier import FakeCarrier, refused, unreachable

pytestmark = pytest.mark.integration
TO = Addresses("https://cc.example.it")
SMS = Words(body="{ente}: buongiorno {nome}, ci chiami al {telefono}.")
EMAIL = Words("{ente}: una comunicazione", "Ci chiami al {telefono}.", "Deve {importo} in {avvisi} avviso.")
PLAN = Plan(
    steps=(Step(Channel.SMS), Step(Channel.EMAIL, 3)), fresh_hours=720, hours=("",) * 7, consent_to_messages=False,
    messages={Written.SMS: {Phase.PERSONAL: SMS}, Written.EMAIL: {Phase.PERSONAL: EMAIL}},
    prices={Written.SMS: 365, Written.EMAIL: 5},
)  # fmt: skip
ONLY_SMS = replace(PLAN, steps=(Step(Channel.SMS),))


class PostBox(Mailer):
    """A mail server that takes everything."""

    def __init__(self) -> None:
        self.taken: list[Mail] = []

    def send(self, mail: Mail) -> None:
        self.taken.append(mail)


class Outreach(Office):
    """The office, with a carrier and a mail server; `post` does what workers do until nothing is due."""

    def __init__(self, urls: DatabaseUrls, cast: Cast) -> None:
        super().__init__(urls, cast)
        self.carrier, self.mails = FakeCarrier(), PostBox()
        self.delivery = Delivery(self.carrier, self.mails, TO, before=before_leaving)
        self.texts = Pace()
        self.work(
            lambda s: s.add(
                ImportRun(
                    ente_id=cast.empoli, file_name="feed", file_bytes=1, totals=[], state=ImportState.DONE,
                    **dict.fromkeys(("as_of", "started_at", "moved_at", "ended_at"), NOON - HOUR),
                )
            )
        )  # fmt: skip

    def send(self) -> int:
        return Sender(self.database, TO, texts=self.texts).send_all()

    def post(self) -> None:
        known = {
            outbox.DELIVER: self.delivery.runner(), bulk.DELIVER: self.delivery.runner_of_many(), ADMIT: ADMITTER,
        }  # fmt: skip
        with self.database.begin(self.scope) as session:
            due = [job_id for job_id, ente_id in jobs.due(session) if ente_id == self.cast.empoli]
        for job_id in due:
            jobs.run(self.database, known, job_id=job_id, ente_id=self.cast.empoli)

    def attempts(self) -> list[WrittenAttempt]:
        return list(self.work(lambda s: s.scalars(select(WrittenAttempt).order_by(WrittenAttempt.at)).all()))

    def messages(self) -> list[Message]:
        return list(self.work(lambda s: s.scalars(select(Message).order_by(Message.made_at)).all()))

    def somebody(self, n: int, mobile: str | None = "", **reach: Any) -> int:
        def add(session: Any) -> int:
            who = add_contact(
                session, self.cast.empoli, f"VRDLGU70A{n:02}D403X", f"VERDI{n}", "LUIGI",
                f"+3934800010{n:02}" if mobile == "" else mobile,
            )  # fmt: skip
            add_position(session, self.cast.empoli, who, f"V-{n}", None)
            return int(who)

        return int(self.work(add))

    def email(self, contact: int, value: str, verification: Verification = Verification.UNVERIFIED) -> None:
        about = {"ente_id": self.cast.empoli, "contact_id": contact, "kind": ReachKind.EMAIL}
        self.work(lambda s: s.add(ContactReach(**about, value=value, verification=verification)))


@pytest.fixture
def outreach(database_urls: DatabaseUrls, cast: Cast) -> Iterator[Outreach]:
    made = Outreach(database_urls, cast)
    yield made
    made.adds_up()
    made.database.dispose()


def test_an_sms_leaves_once_and_the_email_follows_after_its_days(outreach: Outreach, cast: Cast) -> None:
    outreach.email(cast.mario, "mario@example.it", Verification.VERIFIED)
    campaign = outreach.run(plan=PLAN)
    assert (outreach.send(), outreach.send()) == (1, 0)
    outreach.post()
    (sms,) = outreach.carrier.texts.values()
    assert sms.to == MARIO_MOBILE
    assert "buongiorno MARIO BIANCHI, ci chiami al +39 0571 000001. Per non ricevere SMS: STOP" in sms.body
    (attempt,) = outreach.attempts()
    assert (attempt.begun, attempt.parts, attempt.cost, attempt.step) == (True, 1, 365, 0)
    assert outreach.messages()[0].state is MessageState.SENT
    assert outreach.contact(campaign, cast.mario).state is ContactState.LATER
    outreach.now = NOON + 3 * DAY
    outreach.work(lambda s: s.execute(update(ImportRun).values(as_of=outreach.now)))
    from outbound.campaigns.ripening import ripen  # noqa: PLC0415

    outreach.work(lambda s: ripen(s, campaign_id=campaign))
    assert outreach.send() == 1
    outreach.post()
    (mail,) = outreach.mails.taken
    assert "Deve 812,00\xa0€ in 1 avviso." in mail.body
    assert "€" not in mail.subject
    assert mail.stop_url is not None
    assert f"Per non ricevere altre e-mail da questo ente: {mail.stop_url}" in mail.body
    assert outreach.contact(campaign, cast.mario).state is ContactState.DONE
    assert outreach.work(lambda s: spending.cost(s, running.get(s, campaign))) == 370


def test_it_stands_on_the_timeline_and_not_on_the_list_of_follow_ups(outreach: Outreach, cast: Cast) -> None:
    outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.carrier.sending.append(refused())
    outreach.post()
    (entry,) = outreach.work(
        lambda s: s.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.MESSAGE)).all()
    )
    assert (entry.contact_id, entry.status, entry.detail["template"]) == (cast.mario, "failed", "campaign")
    assert not outreach.work(lambda s: s.scalars(select(FollowUp)).all())


def test_an_answer_that_was_lost_is_looked_for_and_nothing_is_sent_twice(outreach: Outreach) -> None:
    outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.carrier.loses_replies = True
    outreach.post()
    assert outreach.messages()[0].state is MessageState.UNKNOWN
    outreach.now += timedelta(minutes=1)
    outreach.post()
    assert outreach.messages()[0].state is MessageState.SENT
    outreach.post()
    assert len(outreach.carrier.texts) == 1


def test_a_worker_that_dies_among_many_repeats_nothing(outreach: Outreach, cast: Cast) -> None:
    others = [outreach.somebody(n) for n in range(12)]
    outreach.run(cast.mario, *others, plan=ONLY_SMS)
    assert outreach.send() == 13
    send, died = outreach.carrier.send_message, []

    def dies(text: Any) -> str:
        sid = send(text)
        if len(outreach.carrier.texts) == 4:
            died.append(sid)
            raise SystemExit  # killed, the message taken and nothing written
        return sid

    outreach.carrier.send_message = dies  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        outreach.post()
    outreach.carrier.send_message = send  # type: ignore[method-assign]
    outreach.now += jobs.LEASE + timedelta(seconds=1)
    for _ in range(3):
        outreach.post()
        outreach.now += timedelta(minutes=2)
    assert died
    to = [one.to for one in outreach.carrier.texts.values()]
    assert sorted(to) == sorted(set(to))
    states = {one.address: one.state for one in outreach.messages()}
    assert len(states) == 13
    assert {address for address, state in states.items() if state is MessageState.SENT} == set(to)
    # What was to leave that very instant is not sent again: somebody sees that nobody knows (decision 0018).
    assert {state for address, state in states.items() if address not in to} <= {MessageState.UNKNOWN}


def test_who_is_led_back_to_a_step_is_not_written_to_there_again_and_nobody_waits_for_it(
    outreach: Outreach, cast: Cast
) -> None:
    lucia = outreach.somebody(1)
    campaign = outreach.run(cast.mario, plan=PLAN)
    assert outreach.send() == 1
    outreach.post()
    outreach.work(lambda s: s.execute(update(CampaignContact).values(step=0, state=ContactState.READY, due_at=NOON)))
    other = {"campaign_id": campaign, "ente_id": cast.empoli, "contact_id": lucia}
    outreach.work(lambda s: s.add(CampaignContact(**other, state=ContactState.READY, due_at=NOON)))
    assert outreach.send() == 1
    assert sorted(one.contact_id for one in outreach.attempts()) == sorted((cast.mario, lucia))
    found = outreach.contact(campaign, cast.mario)
    assert (found.state, found.due_at) == (ContactState.LATER, NOON + 3 * DAY)


def test_a_pause_stops_what_was_owed_and_resuming_sends_it(outreach: Outreach, cast: Cast) -> None:
    campaign = outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.act(outreach.sara, campaign, Deed.PAUSE)
    outreach.post()
    assert not outreach.carrier.texts
    (attempt,) = outreach.attempts()
    assert (attempt.begun, attempt.reasons, attempt.cost) == (False, [Why.NOT_RUNNING], 0)
    assert outreach.contact(campaign, cast.mario).state is ContactState.READY
    assert outreach.send() == 0
    outreach.act(outreach.sara, campaign, Deed.RESUME)
    assert outreach.send() == 1
    outreach.post()
    assert len(outreach.carrier.texts) == 1


def test_an_sms_that_never_left_leads_nobody_back_to_whom_the_email_after_it_has_gone(
    outreach: Outreach, cast: Cast
) -> None:
    outreach.email(cast.mario, "mario@example.it", Verification.VERIFIED)
    campaign = outreach.run(plan=replace(PLAN, steps=(Step(Channel.SMS), Step(Channel.EMAIL), Step(Channel.SMS, 9))))
    assert outreach.send() == 2
    sms, _ = sorted(outreach.attempts(), key=lambda one: one.step)
    outreach.act(outreach.sara, campaign, Deed.PAUSE)
    outreach.work(lambda s: before_leaving(s, [sms.item_id]))
    outreach.act(outreach.sara, campaign, Deed.RESUME)
    assert [one.begun for one in sorted(outreach.attempts(), key=lambda one: one.step)] == [False, True]
    found = outreach.contact(campaign, cast.mario)
    assert (found.state, found.due_at) == (ContactState.LATER, NOON + 9 * DAY)


def test_who_paid_while_the_carrier_was_away_is_not_written_to(outreach: Outreach, cast: Cast) -> None:
    campaign = outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.work(lambda s: s.execute(update(Position).values(state=PositionState.PAID, residual_cents=0)))
    outreach.now += timedelta(minutes=5)
    outreach.post()
    assert not outreach.carrier.texts
    assert (outreach.messages()[0].state, outreach.messages()[0].reason) == (MessageState.WITHHELD, Reason.CANCELLED)
    found = outreach.contact(campaign, cast.mario)
    assert (found.state, found.why) == (ContactState.OUT, Why.NOTHING_DUE)


def test_stop_is_honoured_by_every_campaign_of_the_contract(outreach: Outreach, cast: Cast) -> None:
    outreach.email(cast.mario, "mario@example.it")
    first = outreach.run(plan=PLAN)
    outreach.work(lambda s: opt(s, contract_id=cast.contract, citizen=MARIO_MOBILE, stops=True))
    assert outreach.send() == 0
    (attempt,) = outreach.attempts()
    assert (attempt.begun, attempt.reasons) == (False, [Why.STOPPED])
    assert outreach.contact(first, cast.mario).state is ContactState.LATER  # the e-mail comes after its days
    second = outreach.run(plan=ONLY_SMS, name="Altra")
    outreach.send()
    found = outreach.contact(second, cast.mario)
    assert (found.state, found.why) == (ContactState.OUT, Why.STOPPED)
    assert not outreach.messages()


def test_the_carriers_word_that_he_opted_out_is_written_down(outreach: Outreach, cast: Cast) -> None:
    outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.carrier.sending.append(CarrierError("opted out", permanent=True, code=21610))
    outreach.post()
    assert outreach.messages()[0].reason is Reason.OPTED_OUT
    outreach.now += 8 * DAY
    outreach.work(lambda s: s.execute(update(ImportRun).values(as_of=outreach.now)))
    second = outreach.run(plan=ONLY_SMS, name="Altra")
    outreach.send()
    assert outreach.contact(second, cast.mario).why is Why.STOPPED


def test_a_number_at_which_no_sms_arrives_is_called_and_not_written_to_again(outreach: Outreach, cast: Cast) -> None:
    outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.post()
    (message,) = outreach.messages()
    landline = {"told": MessageState.FAILED, "reason": Reason.BAD_ADDRESS}
    outreach.work(lambda s: outbox.heard(s, message_id=message.id, external_id="SM0", **landline))
    second = outreach.run(plan=ONLY_SMS, name="Altra")
    outreach.send()
    assert outreach.contact(second, cast.mario).why is Why.NO_ADDRESS
    assert Why.NO_NUMBER not in outreach.why_not(second, cast.mario)


def test_without_his_consent_nobody_is_written_to_unless_the_plan_says_so(outreach: Outreach, cast: Cast) -> None:
    campaign = outreach.run(plan=replace(ONLY_SMS, consent_to_messages=True))
    assert outreach.send() == 0
    assert outreach.contact(campaign, cast.mario).why is Why.NO_CONSENT


def test_nothing_leaves_at_night_and_nobody_is_put_aside_for_it(outreach: Outreach, cast: Cast) -> None:
    outreach.now = NOON + 10 * HOUR
    campaign = outreach.run(plan=ONLY_SMS)
    assert outreach.send() == 0
    assert outreach.contact(campaign, cast.mario).state is ContactState.READY
    outreach.now = NOON + 21 * HOUR
    assert outreach.send() == 1


def test_the_budget_is_never_exceeded(outreach: Outreach, cast: Cast) -> None:
    others = [outreach.somebody(n) for n in range(5)]
    campaign = outreach.run(cast.mario, *others, plan=replace(ONLY_SMS, budget_cents=12))
    assert outreach.send() == 3  # 0,1095 €; a fourth would make it 0,1460 €
    assert outreach.send() == 0
    assert outreach.work(lambda s: spending.cost(s, running.get(s, campaign))) == 1_095


def test_they_leave_at_the_accounts_pace(outreach: Outreach, cast: Cast) -> None:
    others = [outreach.somebody(n) for n in range(5)]
    outreach.run(cast.mario, *others, plan=ONLY_SMS)
    outreach.texts = Pace("text", 2.0)
    assert outreach.send() == 2
    assert outreach.send() == 0
    outreach.now += timedelta(seconds=1)
    assert outreach.send() == 2


def test_nothing_more_is_owed_while_what_was_owed_does_not_leave(outreach: Outreach, cast: Cast) -> None:
    others = [outreach.somebody(n) for n in range(25)]
    outreach.run(cast.mario, *others, plan=ONLY_SMS)
    outreach.texts = Pace("text", 20.0)
    assert outreach.send() == 20
    outreach.carrier.sending.extend(unreachable() for _ in range(20))
    outreach.post()
    assert not outreach.carrier.texts
    outreach.now += timedelta(seconds=10)
    assert outreach.send() == 0
    outreach.now += timedelta(minutes=2)
    outreach.post()
    assert len(outreach.carrier.texts) == 20
    assert outreach.send() == 6


def test_a_landline_alone_goes_on_to_the_next_step_with_its_reason(outreach: Outreach) -> None:
    landline = outreach.somebody(1, "+390571700123")
    campaign = outreach.run(landline, plan=PLAN)
    assert outreach.send() == 0
    assert outreach.attempts()[0].reasons == [Why.NO_ADDRESS]
    assert outreach.contact(campaign, landline).state is ContactState.LATER


def test_two_who_send_at_once_write_to_nobody_twice(outreach: Outreach, cast: Cast) -> None:
    import threading  # noqa: PLC0415

    others = [outreach.somebody(n) for n in range(8)]
    outreach.run(cast.mario, *others, plan=ONLY_SMS)
    counts: list[int] = []
    both = [threading.Thread(target=lambda: counts.append(outreach.send())) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sum(counts) == 9
    assert len({one.contact_id for one in outreach.attempts()}) == 9


def test_what_became_of_it_is_asked_for_where_nobody_says(outreach: Outreach) -> None:
    outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.post()
    outreach.carrier.became["SM0"] = ("delivered", None)
    assert ask_unheard(outreach.database) == 0
    outreach.now += timedelta(minutes=16)
    assert ask_unheard(outreach.database) == 1
    outreach.post()
    assert outreach.messages()[0].state is MessageState.DELIVERED


def test_a_receipt_comes_back_to_the_attempt(outreach: Outreach) -> None:
    outreach.run(plan=ONLY_SMS)
    outreach.send()
    outreach.post()
    (attempt,) = outreach.attempts()
    assert isinstance(attempt.item_id, UUID)
    outreach.work(lambda s: outbox.heard(s, message_id=attempt.item_id, external_id="SM0", told=MessageState.DELIVERED))
    assert outreach.messages()[0].state is MessageState.DELIVERED


def test_a_stopped_campaign_sends_nothing_until_the_ente_releases_it(outreach: Outreach, cast: Cast) -> None:
    campaign = outreach.run(plan=ONLY_SMS)
    assert outreach.act(outreach.vera, campaign, Deed.STOP, reason="Basta") is State.STOPPED
    assert outreach.send() == 0
    assert outreach.contact(campaign, cast.mario).state is ContactState.READY


def test_what_became_of_them_is_counted_with_why_others_were_not_written(outreach: Outreach, cast: Cast) -> None:
    landline = outreach.somebody(1, "+390571700123")
    campaign = outreach.run(cast.mario, landline, outreach.somebody(2), plan=ONLY_SMS)
    outreach.send()
    outreach.carrier.sending.append(refused())
    outreach.post()
    found = outreach.work(lambda s: became(s, campaign))[Written.SMS]
    assert found.states == {MessageState.SENT: 1, MessageState.FAILED: 1}
    assert (found.tally.messages, found.tally.cost, found.on_the_way) == (2, 730, 0)
    assert (found.failures, found.refused) == ({Reason.BAD_ADDRESS: 1}, {Why.NO_ADDRESS: 1})


def test_a_long_list_is_looked_at_in_part_and_says_so(
    outreach: Outreach, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    everybody = [cast.mario, *(outreach.somebody(n) for n in range(11))]
    campaign = outreach.begin(*everybody, plan=ONLY_SMS)
    about = {"campaign_id": campaign, "channel": Written.SMS, "phase": Phase.PERSONAL, "public_url": "https://x"}
    whole = outreach.work(lambda s: preview.preview(s, outreach.sara, **about))
    assert (whole.all_of_them, whole.reached, whole.tally.messages, whole.tally.cost) == (True, 12, 12, 12 * 365)
    assert [one.length.units for one in whole.examples] == sorted(one.length.units for one in whole.examples)
    assert len(whole.examples) == preview.SHOWN
    monkeypatch.setattr(preview, "SAMPLE", 4)
    part = outreach.work(lambda s: preview.preview(s, outreach.vera, **about))
    assert (part.all_of_them, part.looked, part.people) == (False, 4, 12)
    assert part.tally == whole.tally
    assert not outreach.messages()
