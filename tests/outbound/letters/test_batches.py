"""A batch of letters as its people live it: who gets one, once, however often it is killed; what it may cost."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.contacts.models import ConditionKind, ContactAddress, ContactCondition, Source
from crm.core.db import Scope
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.documents.store import StoreError
from crm.positions.models import Position, PositionState
from crm.timeline.models import TimelineEntry
from outbound.campaigns import ripening, sequence
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.models import ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.compliance.rules import Reason
from outbound.letters import manifest, queries, service
from outbound.letters.models import BatchState, Letter, LetterState
from tests.cast import Cast
from tests.outbound.letters.press import LETTERS, PRICES, Press
from tests.outbound.test_campaigns import DAY, NOON

pytestmark = pytest.mark.integration


def attempts(press: Press, campaign: int) -> list[Any]:
    rows = select(WrittenAttempt.contact_id, WrittenAttempt.begun, WrittenAttempt.reasons, WrittenAttempt.cost).where(
        WrittenAttempt.campaign_id == campaign
    )
    return list(press.work(lambda s: s.execute(rows.order_by(WrittenAttempt.contact_id)).all()))


def test_each_gets_a_letter_and_when_it_is_handed_over_the_days_of_the_call_begin(press: Press, cast: Cast) -> None:
    lucia = press.people(1)[0]
    campaign = press.run(cast.mario, lucia, plan=LETTERS)
    batch = press.ask(campaign)
    with pytest.raises(ConflictError, match="già in preparazione"):
        press.ask(campaign)
    press.jobs_done()
    made = press.batch(batch)
    assert (made.state, made.letters, made.pages, made.sheets, made.cents) == (BatchState.MADE, 2, 3, 2, 2 * 110)
    assert press.contact(campaign, cast.mario).state is ContactState.LATER, "nothing else of it reaches him meanwhile"
    assert {one.cost for one in attempts(press, campaign)} == {11_000}
    press.work(lambda s: service.hand_over(s, press.sara, batch_id=batch, to="Tipografia Arno"))
    press.jobs_done()
    his = press.contact(campaign, cast.mario)
    assert (his.state, his.due_at) == (ContactState.LATER, NOON + 10 * DAY)
    entries = press.work(lambda s: s.execute(select(TimelineEntry.status, TimelineEntry.detail)).all())
    assert {one.status for one in entries} == {"sent"}
    assert {one.detail["number"] for one in entries} == {str(queries.Code(batch, n)) for n in (1, 2)}
    with pytest.raises(ConflictError):
        press.work(lambda s: service.cancel(s, press.sara, batch_id=batch))


def test_the_files_are_those_the_manifest_says_and_taken_again_they_are_the_same(press: Press) -> None:
    campaign = press.run(*press.people(3), plan=LETTERS)
    batch = press.ask(campaign)
    with pytest.raises(ConflictError):
        press.work(lambda s: service.take(s, press.sara, batch_id=batch))
    press.jobs_done()

    def files() -> tuple[bytes, list[bytes]]:
        found = press.work(lambda s: service.take(s, press.sara, batch_id=batch))
        letters = press.work(lambda s: list(queries.every(s, batch)))
        read = [press.store.read(one.ente_id, one.sha256, most=one.size) for one in letters]
        assert [hashlib.sha256(one).hexdigest() for one in read] == [one.sha256 for one in letters]
        return manifest.csv(found, letters), read

    first = files()
    assert files() == first
    head, *rows = first[0].decode("utf-8-sig").splitlines()
    assert head.split(";") == list(manifest.HEAD)
    assert len(rows) == 3
    assert "VERDI" in rows[0]
    assert rows[0].split(";")[0] == str(queries.Code(batch, 1))


@pytest.mark.parametrize("dies_after", [0, 1, 2])
def test_killed_while_letters_are_made_it_goes_on_and_nobody_gets_two(
    press: Press, dies_after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbound.letters.making.AT_ONCE", 2)
    people = press.people(5)
    campaign = press.run(*people, plan=LETTERS)
    batch = press.ask(campaign)
    press.broken_at = dies_after
    with pytest.raises(KeyboardInterrupt):
        press.jobs_done()
    assert press.batch(batch).state is BatchState.MAKING
    press.broken_at, press.now = None, press.now + timedelta(minutes=5)
    press.jobs_done()
    assert press.batch(batch).letters == 5
    letters = press.letters(batch)
    assert [one.number for one in letters] == [1, 2, 3, 4, 5]
    assert {one.contact_id for one in letters} == set(people)
    assert {one.state for one in letters} == {LetterState.MADE}
    assert all(one.content is None for one in letters)


def test_nobody_is_written_to_who_may_not_be_and_the_reason_is_kept(press: Press, cast: Cast) -> None:
    dead, paid, homeless, returned = press.people(4)

    def change(session: Any) -> None:
        session.add(
            ContactCondition(
                ente_id=cast.empoli, contact_id=dead, kind=ConditionKind.DECEASED, source=Source.RELATED, note="",
                told_at=NOON, told_by=cast.sara,
            )
        )  # fmt: skip
        session.execute(update(Position).where(Position.contact_id == paid).values(state=PositionState.PAID))
        session.execute(update(ContactAddress).where(ContactAddress.contact_id == homeless).values(street=None))
        session.execute(
            update(ContactAddress).where(ContactAddress.contact_id == returned).values(outcome="unreachable")
        )

    press.work(change)
    campaign = press.run(cast.mario, dead, paid, homeless, returned, plan=LETTERS)
    batch = press.ask(campaign)
    press.jobs_done()
    assert [one.contact_id for one in press.letters(batch)] == [cast.mario]
    reasons = {one.contact_id: set(one.reasons) for one in attempts(press, campaign)}
    assert reasons == {
        cast.mario: set(), dead: {Reason.DECEASED}, paid: {Reason.NOTHING_DUE}, homeless: {Reason.NO_ADDRESS},
        returned: {Reason.NO_ADDRESS},
    }  # fmt: skip
    assert press.contact(campaign, dead).state is ContactState.OUT
    assert press.waiting(campaign, Channel.CALL) == [], "who has no address is called ten days later"
    assert press.contact(campaign, homeless).due_at == NOON + 10 * DAY
    assert press.work(lambda s: queries.why_left_out(s, queries.batch(s, batch)))[Reason.NO_ADDRESS] == 2


def test_what_is_disputed_in_court_is_not_asked_for_in_writing(press: Press, cast: Cast) -> None:
    press.work(lambda s: s.execute(update(Position).values(state=PositionState.IN_LITIGATION)))
    campaign = press.run(cast.mario, plan=LETTERS)
    batch = press.ask(campaign)
    press.jobs_done()
    assert press.letters(batch) == []
    with pytest.raises(ConflictError, match="nessuna lettera"):
        press.work(lambda s: service.hand_over(s, press.sara, batch_id=batch, to="Tipografia"))


def test_the_budget_ends_a_batch_and_whom_it_did_not_bear_waits_for_the_next(press: Press) -> None:
    people = press.people(4)
    campaign = press.run(*people, plan=replace(LETTERS, budget_cents=250))
    batch = press.ask(campaign)
    press.jobs_done()
    made = press.batch(batch)
    assert (made.letters, made.cents, made.over_budget) == (2, 220, True)
    assert len(press.waiting(campaign, Channel.LETTER)) == 2
    assert sum(one.begun for one in attempts(press, campaign)) == 2


def test_a_letter_too_heavy_for_the_prices_agreed_is_left_out(press: Press, cast: Cast) -> None:
    campaign = press.run(cast.mario, plan=LETTERS)
    with pytest.raises(InvalidError):
        press.ask(campaign, prices=replace(PRICES, postage={}))
    batch = press.ask(campaign, most=10)
    press.typeset = lambda said, at: replace(Press.typeset(press, said, at), pages=60)  # type: ignore[method-assign]
    press.jobs_done()
    made = press.batch(batch)
    assert (made.letters, made.left_out, made.cents) == (0, 1, 0)
    assert press.contact(campaign, cast.mario).due_at == NOON + 10 * DAY


def test_a_batch_that_is_cancelled_leaves_no_file_and_it_is_their_turn_again(press: Press, cast: Cast) -> None:
    campaign = press.run(cast.mario, plan=LETTERS)
    batch = press.ask(campaign)
    press.jobs_done()
    (letter,) = press.letters(batch)
    press.work(lambda s: service.cancel(s, press.sara, batch_id=batch))
    press.jobs_done()
    assert press.letters(batch) == []
    assert letter.sha256 is not None
    with pytest.raises(StoreError):
        press.store.read(cast.empoli, letter.sha256, most=100_000)
    assert press.waiting(campaign, Channel.LETTER) == [cast.mario]
    again = press.ask(campaign)
    press.jobs_done()
    assert press.batch(again).letters == 1


def test_a_pause_stops_it_within_some_letters_and_the_others_wait(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("outbound.letters.making.AT_ONCE", 2)
    campaign = press.run(*press.people(5), plan=LETTERS)
    batch = press.ask(campaign)
    lay_out = press.typeset

    def pausing(said: Any, at: Any) -> Any:
        if press.laid_out == 1:
            press.act(press.sara, campaign, Deed.PAUSE)
        return lay_out(said, at)

    press.typeset = pausing  # type: ignore[method-assign]
    press.jobs_done()
    assert (press.batch(batch).state, press.batch(batch).letters) == (BatchState.MADE, 2)


def test_whoever_was_forgotten_after_his_letter_goes_to_the_next_step(press: Press, cast: Cast) -> None:
    """A batch was never handed over: after some weeks its people are looked at again, and written to no second time."""
    campaign = press.run(cast.mario, plan=LETTERS)
    press.ask(campaign)
    press.jobs_done()
    press.now += sequence.HELD + DAY
    press.work(lambda s: ripening.ripen(s, campaign_id=campaign))
    again = press.ask(campaign)
    press.jobs_done()
    assert press.batch(again).letters == 0
    assert press.contact(campaign, cast.mario).due_at == press.now + 10 * DAY


def test_others_neither_make_nor_read_letters(press: Press, cast: Cast) -> None:
    campaign = press.run(cast.mario, plan=LETTERS)
    with pytest.raises(ForbiddenError):
        press.work(lambda s: service.ask(s, press.anna, campaign_id=campaign, prices=PRICES, duplex=True))
    batch = press.ask(campaign)
    press.jobs_done()
    (letter,) = press.letters(batch)
    for deed in (
        lambda s: service.take(s, press.vera, batch_id=batch),
        lambda s: service.hand_over(s, press.vera, batch_id=batch, to="Me"),
        lambda s: service.cancel(s, press.anna, batch_id=batch),
        lambda s: service.open_letter(s, press.anna, letter_id=letter.id),  # his file is not open
    ):
        with pytest.raises(ForbiddenError):
            press.work(deed)

    def abroad(session: Any) -> None:
        service.open_letter(session, press.sara, letter_id=letter.id)

    with pytest.raises(NotFoundError):
        press.database.transact(Scope.of_enti([cast.siena]), abroad)


def test_the_ente_sees_a_real_letter_before_it_approves(press: Press, cast: Cast) -> None:
    campaign = press.begin(cast.mario, plan=LETTERS)
    seen = press.work(lambda s: service.preview(s, press.vera, campaign_id=campaign))
    assert seen.to.lines == ("MARIO BIANCHI", "VIA ROMA 1", "50053 EMPOLI FI")
    assert seen.cents == 81_200
    with pytest.raises(ForbiddenError):
        press.work(lambda s: service.preview(s, press.anna, campaign_id=campaign))
    assert press.work(lambda s: s.scalars(select(Letter)).all()) == []
