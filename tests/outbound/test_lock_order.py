"""Whoever changes what a campaign costs and moves its people locks the campaign first: no two wait for each other."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, update

from crm.core.db import Database
from crm.positions.models import Position
from outbound.campaigns.plan import Channel, Step
from outbound.compliance import windows
from outbound.compliance.rules import Written
from outbound.dialer import calling
from outbound.letters import service
from outbound.messages.sending import Sender
from telephony.calls.addresses import Addresses
from tests.cast import Cast
from tests.outbound.dialing import Dialing
from tests.outbound.letters.conftest import press
from tests.outbound.letters.press import LETTERS, Press
from tests.outbound.messages.test_sending import ONLY_SMS
from tests.telephony.conftest import stage
from tests.telephony.stage import Stage

__all__ = ["press", "stage"]
pytestmark = pytest.mark.integration
CAMPAIGN = re.compile(r"UPDATE campaign SET|FROM campaign\s+WHERE campaign.id = \S+ FOR NO KEY UPDATE")
PEOPLE = re.compile(r"UPDATE campaign_contact SET|FROM campaign_contact\s.*FOR UPDATE", re.DOTALL)


@contextmanager
def locked(database: Database) -> Iterator[list[str]]:
    """What is locked while this lasts, in its order, transaction by transaction: the campaign C, its people P."""
    told, now = list[str](), list[str]()

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        now.extend(letter for letter, found in (("C", CAMPAIGN), ("P", PEOPLE)) if found.search(statement))

    def over(_connection: Any) -> None:
        told.append("".join(now))
        now.clear()

    event.listen(database.app_engine, "before_cursor_execute", heard)
    event.listen(database.app_engine, "commit", over)
    try:
        yield told
    finally:
        event.remove(database.app_engine, "before_cursor_execute", heard)
        event.remove(database.app_engine, "commit", over)


def in_order(told: list[str]) -> bool:
    """In each transaction that locks both, the campaign is the first; and there are some."""
    both = [one for one in told if {*one} == {"C", "P"}]
    return bool(both) and all(one.startswith("C") for one in both)


def test_letters_and_messages_lock_the_campaign_before_its_people(press: Press, cast: Cast) -> None:
    heavy, paid, reached = press.people(3)
    plan = replace(
        LETTERS, steps=(Step(Channel.LETTER), Step(Channel.SMS)), prices={Written.SMS: 365},
        messages=ONLY_SMS.messages, consent_to_messages=False,
    )  # fmt: skip
    campaign = press.run(heavy, paid, reached, cast.mario, plan=plan)
    typeset = press.typeset

    def laid_out(said: Any, at: Any) -> Any:
        printed = typeset(said, at)
        return replace(printed, pages=40) if press.laid_out == 1 else printed

    press.typeset = laid_out  # type: ignore[method-assign]
    with locked(press.database) as told:
        batch = press.ask(campaign)
        press.jobs_done()
        none_owed = update(Position).where(Position.contact_id == paid).values(residual_cents=0)
        press.work(lambda s: s.execute(none_owed))
        press.work(lambda s: service.hand_over(s, press.sara, batch_id=batch, to="Tipografia Arno"))
        press.jobs_done()
    found = press.batch(batch)
    assert (found.letters, found.left_out, found.withdrawn) == (2, 1, 1), "all that can become of one"
    assert in_order(told)
    with locked(press.database) as told:
        Sender(press.database, Addresses("https://filodiretto.example.it")).send_all()
    assert in_order(told)


def test_calls_that_are_over_lock_the_campaign_before_its_people(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "opening", lambda _window, at: at)
    one = Dialing(stage)
    one.seated(stage.cast.anna)
    one.turn()
    (line,) = one.lines()
    one.answers(line)
    stage.joins(one.lines()[0].call_id)
    stage.passes(30)
    one.ends(line, "completed")
    with locked(stage.database) as told:
        stage.work(calling.settle)
    assert in_order(told)
