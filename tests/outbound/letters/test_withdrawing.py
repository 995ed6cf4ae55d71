"""Letters that are made and may not leave any more: judged once more, taken out, and the others stay as they were."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm.collection.models import ImportRefusal, ImportRun, Of
from crm.contacts.models import ConditionKind, Contact, ContactAddress, ContactCondition, Source, Verification
from crm.core.errors import ConflictError, ForbiddenError
from crm.documents.store import StoreError
from crm.follow_ups import service as follow_ups
from crm.follow_ups.models import FollowUpKind
from crm.positions.models import Position, PositionState
from crm.timeline.models import TimelineEntry
from outbound.campaigns import running
from outbound.campaigns.lifecycle import Deed
from outbound.campaigns.models import ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.compliance.rules import Reason
from outbound.letters import composing, manifest, queries, service, withdrawing
from outbound.letters.models import BatchState, LetterState
from tests.cast import Cast
from tests.outbound.letters.press import LETTERS, Press
from tests.outbound.test_campaigns import DAY, HOUR, NOON

pytestmark = pytest.mark.integration


def paid(press: Press, contact: int) -> None:
    press.work(
        lambda s: s.execute(
            update(Position).where(Position.contact_id == contact).values(residual_cents=0, state=PositionState.PAID)
        )
    )


def made(press: Press, *people: int) -> tuple[int, int]:
    campaign = press.run(*people, plan=LETTERS)
    batch = press.ask(campaign)
    press.jobs_done()
    return campaign, batch


def files(press: Press, batch: int) -> tuple[str, dict[int, bytes]]:
    found = press.work(lambda s: service.take(s, press.sara, batch_id=batch))
    letters = press.work(lambda s: list(queries.every(s, batch)))
    read = {one.number: press.store.read(one.ente_id, one.sha256, most=one.size) for one in letters}
    return manifest.csv(found, letters).decode("utf-8-sig"), read


def over(press: Press, batch: int) -> None:
    press.work(lambda s: service.hand_over(s, press.sara, batch_id=batch, to="Tipografia Arno"))
    press.jobs_done()


def states(press: Press, batch: int) -> dict[int, LetterState]:
    return {one.contact_id: one.state for one in press.letters(batch)}


def test_before_its_files_are_taken_whoever_may_not_be_written_to_any_more_is_taken_out(
    press: Press, cast: Cast
) -> None:
    payer, dead, moved, case, stays = press.people(5)
    campaign, batch = made(press, payer, dead, moved, case, stays)
    before = files(press, batch)
    press.now += 2 * HOUR
    with pytest.raises(ConflictError, match="più di un'ora"):
        press.work(lambda s: service.take(s, press.sara, batch_id=batch))

    def change(session: Any) -> None:
        of = {"ente_id": cast.empoli, "contact_id": dead, "kind": ConditionKind.DECEASED, "source": Source.RELATED}
        session.add(ContactCondition(**of, note="", told_at=press.now, told_by=cast.sara))
        wrong = update(ContactAddress).where(ContactAddress.contact_id == moved)
        session.execute(wrong.values(verification=Verification.WRONG))
        note = {"kind": FollowUpKind.CASE, "note": "Contesta."}
        follow_ups.owe(session, ente_id=cast.empoli, contact_id=case, **note)

    paid(press, payer)
    press.work(change)
    said = press.work(lambda s: withdrawing.forecast(s, queries.batch(s, batch), press.now))
    assert said == dict.fromkeys((Reason.NOTHING_DUE, Reason.DECEASED, Reason.NO_ADDRESS, Reason.COMPLAINT), 1)
    assert press.batch(batch).letters == 5, "looking changes nothing"
    press.work(lambda s: service.check(s, press.sara, batch_id=batch))
    press.jobs_done()
    found = press.batch(batch)
    assert (found.letters, found.withdrawn, found.cents) == (1, 4, 110)
    assert press.work(lambda s: queries.why_withdrawn(s, batch)) == said
    after = files(press, batch)
    assert after[1] == {5: before[1][5]}, "the same bytes for the one who stays"
    head, *rows = before[0].splitlines()
    assert after[0].splitlines() == [head, rows[4]]
    pulled = press.work(lambda s: service.take_withdrawn(s, press.sara, batch_id=batch))
    assert [one.number for one in pulled] == [1, 2, 3, 4], "they are in the archive that was taken first"
    assert {press.contact(campaign, one).why for one in (payer, dead, case)} == {
        Reason.NOTHING_DUE, Reason.DECEASED, Reason.COMPLAINT,
    }  # fmt: skip
    assert press.contact(campaign, moved).due_at == press.now + 10 * DAY, "without an address he is called"
    kept = press.work(
        lambda s: s.execute(select(WrittenAttempt.begun, WrittenAttempt.cost, WrittenAttempt.reasons)).all()
    )
    assert sorted((one.begun, one.cost) for one in kept) == [(False, 0)] * 4 + [(True, 11_000)]
    (gone,) = [one for one in press.letters(batch) if one.contact_id == payer]
    assert (gone.state, gone.why, gone.sha256) == (LetterState.WITHDRAWN, ["nothing_due"], None)
    over(press, batch)
    assert states(press, batch)[stays] is LetterState.HANDED_OVER
    told = select(TimelineEntry).where(TimelineEntry.kind == "letter")
    assert press.work(lambda s: [one.contact_id for one in s.scalars(told)]) == [stays]


def test_who_pays_after_the_files_were_taken_is_taken_out_as_they_leave(press: Press, cast: Cast) -> None:
    payer, stays = press.people(2)
    campaign, batch = made(press, payer, stays)
    files(press, batch)
    press.now += HOUR / 2
    paid(press, payer)
    over(press, batch)
    assert states(press, batch) == {payer: LetterState.WITHDRAWN, stays: LetterState.HANDED_OVER}
    pulled = press.work(lambda s: service.take_withdrawn(s, press.sara, batch_id=batch))
    assert [one.contact_id for one in pulled] == [payer]
    assert press.contact(campaign, payer).why is Reason.NOTHING_DUE
    assert press.contact(campaign, stays).due_at == press.now + 10 * DAY
    assert len(files(press, batch)[1]) == 1, "reprints are of those that left"


def test_a_letter_that_asks_for_more_than_there_is_to_be_paid_is_written_anew(press: Press, cast: Cast) -> None:
    (lucia,) = press.people(1)
    campaign, batch = made(press, lucia)
    press.work(lambda s: s.execute(update(Position).where(Position.contact_id == lucia).values(residual_cents=30_000)))
    press.now += HOUR / 2
    over(press, batch)
    assert states(press, batch) == {lucia: LetterState.WITHDRAWN}
    assert press.contact(campaign, lucia).why is Reason.STALE
    press.now += HOUR
    from outbound.campaigns.ripening import ripen  # noqa: PLC0415

    press.work(lambda s: ripen(s, campaign_id=campaign))
    assert press.waiting(campaign, Channel.LETTER) == [lucia]
    again = press.ask(campaign)
    press.jobs_done()
    assert [one.asked_cents for one in press.letters(again)] == [30_000]


def test_nothing_is_taken_or_handed_over_of_a_campaign_that_the_ente_has_stopped(press: Press, cast: Cast) -> None:
    campaign, batch = made(press, *press.people(1))
    press.act(press.vera, campaign, Deed.STOP, reason="Un errore negli importi.")
    for deed in (service.take, service.check):
        with pytest.raises(ConflictError, match="ha fermato"):
            press.work(lambda s, deed=deed: deed(s, press.sara, batch_id=batch))
    with pytest.raises(ConflictError, match="ha fermato"):
        over(press, batch)
    press.act(press.vera, campaign, Deed.RELEASE)
    with pytest.raises(ConflictError, match="non è in corso"):
        over(press, batch)
    press.act(press.sara, campaign, Deed.RESUME)
    over(press, batch)
    press.act(press.vera, campaign, Deed.STOP, reason="Un errore negli importi.")
    with pytest.raises(ConflictError, match="ha fermato"):
        files(press, batch)


def test_on_old_knowledge_of_the_debts_nothing_leaves(press: Press, cast: Cast) -> None:
    campaign, batch = made(press, *press.people(1))
    press.work(lambda s: s.execute(update(ImportRun).values(as_of=NOON - 31 * DAY)))
    with pytest.raises(ConflictError, match="troppo vecchio"):
        over(press, batch)
    assert press.batch(batch).state is BatchState.MADE
    assert press.contact(campaign, press.letters(batch)[0].contact_id).state is ContactState.LATER


def test_killed_while_it_judges_it_goes_on(press: Press, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    people = press.people(5)
    _, batch = made(press, *people)
    for one in people[:4]:
        paid(press, one)
    press.now += 2 * HOUR
    press.work(lambda s: service.check(s, press.sara, batch_id=batch))
    press.work(lambda s: service.check(s, press.sara, batch_id=batch))
    monkeypatch.setattr(withdrawing, "AT_ONCE", 2)
    sift, calls = withdrawing.sift, [0]

    def dying(*given: Any) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise KeyboardInterrupt
        return sift(*given)

    monkeypatch.setattr(withdrawing, "sift", dying)
    with pytest.raises(KeyboardInterrupt):
        press.jobs_done()
    with pytest.raises(ConflictError):
        files(press, batch)
    press.now += timedelta(minutes=5)
    press.jobs_done()
    assert (press.batch(batch).letters, press.batch(batch).withdrawn) == (1, 4)
    assert len(files(press, batch)[1]) == 1


def test_others_do_not_have_letters_judged_and_the_post_cannot_say_a_withdrawn_one_arrived(
    press: Press, cast: Cast, tmp_path: Any
) -> None:
    payer, stays = press.people(2)
    _, batch = made(press, payer, stays)
    for deed in (service.check, service.look, service.take_withdrawn):
        with pytest.raises(ForbiddenError):
            press.work(lambda s, deed=deed: deed(s, press.vera, batch_id=batch))
    paid(press, payer)
    (gone,) = [one for one in press.letters(batch) if one.contact_id == payer]
    over(press, batch)
    assert gone.sha256 is not None
    with pytest.raises(StoreError):
        press.store.read(cast.empoli, gone.sha256, most=100_000)
    press.now += 6 * DAY
    text = "Numero;Esito;Data\n" + f"{queries.Code(batch, gone.number)};Consegnata;28/11/2026"
    reading = press.read(tmp_path / "esiti.csv", text)
    assert "era stata ritirata" in press.work(lambda s: queries.reading(s, reading)).mistakes[0][1]


def test_without_a_bound_on_age_a_feed_is_not_asked_for(press: Press, cast: Cast) -> None:
    campaign, _ = made(press, *press.people(1))
    its = press.work(lambda s: running.get(s, campaign))
    unbound = replace(its, rules=replace(its.rules, fresh=None))
    assert not press.work(lambda s: composing.are_old(s, unbound, NOON + 400 * DAY))


def test_of_whom_the_last_feed_told_what_was_not_taken_gets_no_letter_until_it_is_told_again(
    press: Press, cast: Cast
) -> None:
    unclear, stays = press.people(2)
    campaign, batch = made(press, unclear, stays)

    def refused(session: Any) -> None:
        run = session.execute(select(ImportRun.id).where(ImportRun.ente_id == cast.empoli)).scalar_one()
        code = session.get_one(Contact, unclear).codice_fiscale
        what = {"run_id": run, "line": 9, "reason": "x", "of": Of.TAXPAYER, "key": code, "codice_fiscale": code}
        session.add(ImportRefusal(ente_id=cast.empoli, **what))

    press.work(refused)
    over(press, batch)
    assert states(press, batch) == {unclear: LetterState.WITHDRAWN, stays: LetterState.HANDED_OVER}
    found = press.contact(campaign, unclear)
    assert (found.state, found.why) == (ContactState.LATER, Reason.STALE)
