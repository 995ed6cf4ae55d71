"""The last euro of a budget is spent once, by whoever asks first: a batch of letters, an SMS."""

import contextlib
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from crm.core.errors import ConflictError
from outbound.campaigns import running, spending
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.campaigns.plan import Channel, Step
from outbound.compliance.rules import Written
from outbound.letters import service
from outbound.letters.models import BatchState, LetterBatch
from outbound.messages.sending import Sender
from telephony.calls.addresses import Addresses
from tests.cast import Cast
from tests.outbound.letters.press import LETTERS, Press
from tests.outbound.messages.test_sending import ONLY_SMS

TO = Addresses("https://filodiretto.example.it")


@given(st.lists(st.integers(0, 10**8), max_size=5), st.integers(0, 10_000))
def test_talk_costs_what_its_minutes_cost_and_no_part_of_it_is_free(stretches: list[int], mills: int) -> None:
    whole = spending.talk_cost(sum(stretches), mills)
    assert whole <= sum(spending.talk_cost(one, mills) for one in stretches) <= whole + len(stretches)
    assert whole * 60_000 >= sum(stretches) * mills * 10
    assert spending.talk_cost(60_000, mills) == mills * 10
    assert spending.cents_of(spending.talk_cost(60_000, 120)) == 12


@pytest.mark.integration
def test_a_letter_and_an_sms_at_one_instant_do_not_both_spend_the_last_euro(
    press: Press, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lucia,) = press.people(1)
    plan = replace(
        LETTERS, steps=(Step(Channel.LETTER), Step(Channel.SMS, 1)), budget_cents=110, prices={Written.SMS: 365},
        messages=ONLY_SMS.messages, consent_to_messages=False,
    )  # fmt: skip
    campaign = press.run(cast.mario, lucia, plan=plan)
    press.work(
        lambda s: s.execute(update(CampaignContact).where(CampaignContact.contact_id == cast.mario).values(step=1))
    )
    press.ask(campaign)
    gate, asked, left = threading.Barrier(2), Counter[str](), spending.left

    def meeting(session: Any, one: running.Running) -> int | None:
        """Each reads what is left as the other does: whoever must wait for the other never gets to the gate."""
        found, me = left(session, one), threading.current_thread().name
        asked[me] += 1
        if me == "letters" or asked[me] == 2:  # an SMS asks twice, first whether to begin at all
            with contextlib.suppress(threading.BrokenBarrierError):
                gate.wait(timeout=0.5)
        return found

    monkeypatch.setattr(spending, "left", meeting)
    threads = [
        threading.Thread(target=press.jobs_done, name="letters"),
        threading.Thread(target=Sender(press.database, TO).send_all, name="texts"),
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    monkeypatch.setattr(spending, "left", left)
    assert asked, "both have asked"
    cost = press.work(lambda s: spending.cost(s, running.get(s, campaign)))
    assert cost in {11_000, 365}, "one of the two"
    assert press.work(lambda s: left(s, running.get(s, campaign))) >= 0


@pytest.mark.integration
def test_a_batch_that_stopped_goes_on_once_no_other_is_being_made(press: Press, cast: Cast) -> None:
    (lucia,) = press.people(1)
    campaign = press.run(cast.mario, lucia, plan=LETTERS)
    first = press.ask(campaign, most=1)
    press.work(lambda s: s.execute(update(LetterBatch).values(state=BatchState.FAILED)))
    press.ask(campaign)
    with pytest.raises(ConflictError, match="già in preparazione"):
        press.work(lambda s: service.go_on(s, press.sara, batch_id=first))
    press.jobs_done()
    press.work(lambda s: service.go_on(s, press.sara, batch_id=first))
    press.jobs_done()
    assert press.batch(first).state is BatchState.MADE
    assert press.contact(campaign, lucia).state is ContactState.LATER
