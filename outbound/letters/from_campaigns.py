"""Letters of a campaign: whose turn it is, its budget, and where its people go on."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import start_of_day
from crm.core.db import new_id, table_of
from outbound.campaigns import claims, judging, running, sequence, spending
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import Campaign, CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance.rules import Written
from outbound.letters import composing, queries
from outbound.letters.codes import Code
from outbound.letters.composing import Candidate
from outbound.letters.content import written
from outbound.letters.models import Letter, LetterBatch, LetterOutcome, LetterState
from outbound.letters.origin import Against

_CC, _W = table_of(CampaignContact), table_of(WrittenAttempt)
STOPPED = "L'ente ha fermato la campagna: queste lettere non si consegnano."
HALTED = "La campagna non è in corso: le sue lettere si scaricano e si consegnano quando lo è."
OLD = "Ciò che si sa dei debiti è troppo vecchio per dire a chi si può ancora scrivere: aspetta il prossimo carico."


def alone(session: Session, batch: LetterBatch) -> None:
    """Nobody else spends of its budget."""
    spending.alone(session, _id(batch))


def left(session: Session, batch: LetterBatch) -> int | None:
    """Of its budget."""
    return spending.left(session, _campaign(session, batch))


def compose(session: Session, batch: LetterBatch, number: int, room: int) -> bool:
    """Judge some more of those whose turn it is, and settle what their letters say."""
    now, campaign = clock.now(session), _campaign(session, batch)
    waiting = sequence.waiting(session, campaign=campaign, channel=Channel.LETTER, limit=room, now=now)
    if not waiting:
        return False
    steps = queries.steps(session, campaign_id=campaign.id, contact_ids=waiting)
    had = queries.written_to(session, campaign_id=campaign.id, steps=steps)
    sequence.passed(session, campaign=campaign, contact_ids=had, now=now)
    writing = composing.writing(session, campaign, batch.day)
    fresh = [one for one in waiting if one not in had]
    claims.lock_all(session, fresh)  # as messages do
    for one in composing.candidates(session, campaign, fresh, phase=writing.phase, day=batch.day, now=now):
        letter = None
        if one.verdict.allowed and one.to is not None:
            number += 1
            said = written(writing.facts(str(Code(batch.id, number)), one.to, one.items))
            letter = Letter(
                id=new_id(session), ente_id=batch.ente_id, batch_id=batch.id, number=number, campaign_id=campaign.id,
                contact_id=one.contact_id, step=steps[one.contact_id], state=LetterState.COMPOSED,
                lines=list(one.to.lines), address_id=one.to.address_id, content=said,
                asked_cents=sum(item.cents for item in one.items), notices=len(said["notices"]),
            )  # fmt: skip
            session.add(letter)
        else:
            batch.left_out += 1
        _attempt(session, campaign, one, steps[one.contact_id], letter)
    return True


def made(session: Session, costs: Mapping[UUID, int], batch: LetterBatch) -> None:
    """They cost the campaign something."""
    for letter_id, cost in costs.items():
        session.execute(update(_W).where(_W.c.item_id == letter_id).values(cost=cost))
    spending.wrote(session, campaign_id=_id(batch), cost=sum(costs.values()))


def unwritten(session: Session, batch: LetterBatch, letters: Sequence[Letter]) -> None:
    """Those people's turn is still to come."""
    gone = delete(_W).where(_W.c.item_id.in_([one.id for one in letters])).returning(_W.c.cost)
    spending.wrote(session, campaign_id=_id(batch), cost=-sum(session.scalars(gone)))
    for step in {one.step for one in letters}:
        session.execute(
            update(_CC)
            .where(
                _CC.c.campaign_id == batch.campaign_id, _CC.c.step == step, _CC.c.state == ContactState.LATER,
                _CC.c.contact_id.in_([one.contact_id for one in letters if one.step == step]),
            )
            .values(state=ContactState.READY, due_at=clock.now(session))
        )  # fmt: skip


def heavy(session: Session, batch: LetterBatch, letters: Sequence[Letter]) -> None:
    """They go on without a letter."""
    campaign, now = _campaign(session, batch), clock.now(session)
    unwritten(session, batch, letters)
    sequence.passed(session, campaign=campaign, contact_ids=[one.contact_id for one in letters], now=now)


def against(
    session: Session, batch: LetterBatch, letters: Sequence[Letter], now: datetime
) -> Mapping[UUID, Against]:  # fmt: skip
    """Whoever has paid, promised, died or complained since."""
    found = composing.judged_again(session, _campaign(session, batch), letters, day=batch.day, now=now)
    return {one: Against(verdict.reasons, verdict) for one, verdict in found.items()}


def withdrawn(
    session: Session, batch: LetterBatch, letters: Sequence[Letter], against: Mapping[UUID, Against], now: datetime
) -> None:  # fmt: skip
    """They were never written; those people are where the rules put them: at the letter's step, or out."""
    campaign = _campaign(session, batch)
    for one in letters:
        verdict = against[one.id].verdict
        assert verdict is not None, "the rules have judged it"
        cost = session.execute(select(_W.c.cost).where(_W.c.item_id == one.id)).scalar_one()
        spending.wrote(session, campaign_id=campaign.id, cost=-cost)
        session.execute(
            update(_W).where(_W.c.item_id == one.id)
            .values(
                begun=False, cost=0, reasons=[reason.value for reason in verdict.reasons],
                not_before=verdict.not_before,
            )
        )  # fmt: skip
        back = session.execute(
            update(_CC)
            .where(
                _CC.c.campaign_id == campaign.id, _CC.c.contact_id == one.contact_id, _CC.c.step == one.step,
                _CC.c.state == ContactState.LATER,
            )
            .values(state=ContactState.READY, due_at=now, why=None).returning(_CC.c.contact_id)
        ).all()  # fmt: skip
        if back:
            judging.put_aside(session, campaign, one.contact_id, verdict, now)


def handed_over(session: Session, batch: LetterBatch, letters: Sequence[Letter], at: datetime) -> None:
    """The days of the next step begin."""
    campaign = _campaign(session, batch)
    at_step = queries.steps(session, campaign_id=campaign.id, contact_ids=[one.contact_id for one in letters])
    still = [one.contact_id for one in letters if at_step.get(one.contact_id) == one.step]
    sequence.passed(session, campaign=campaign, contact_ids=still, now=at)


def heard(session: Session, letter: Letter, now: datetime) -> None:
    """The days of the next step count from when he had it; if he had none, it begins at once."""
    assert letter.campaign_id is not None
    assert letter.step is not None
    campaign = running.get(session, letter.campaign_id)
    if campaign.plan.step_after(letter.step) is None:
        return
    delivered = letter.outcome is LetterOutcome.DELIVERED and letter.outcome_on is not None
    since = start_of_day(letter.outcome_on) if delivered and letter.outcome_on else None
    session.execute(
        update(_CC)
        .where(
            _CC.c.campaign_id == campaign.id, _CC.c.contact_id == letter.contact_id, _CC.c.step == letter.step + 1,
            _CC.c.state == ContactState.LATER, _CC.c.why.is_(None),
        )
        .values(due_at=now if since is None else campaign.plan.due_after(letter.step, since))
    )  # fmt: skip


def about(session: Session, letter: Letter) -> dict[str, Any]:
    """The campaign."""
    return {"campaign": session.scalars(select(Campaign.name).where(Campaign.id == letter.campaign_id)).one()}


def stands_still(session: Session, campaign_id: int | None, now: datetime) -> str:
    """It halts, or the ente's data are too old."""
    assert campaign_id is not None
    campaign = running.get(session, campaign_id)
    if campaign.state is State.STOPPED:
        return STOPPED
    if campaign.state is not State.RUNNING:
        return HALTED
    return OLD if composing.are_old(session, campaign, now) else ""


def is_stopped(session: Session, campaign_id: int | None) -> bool:
    """The ente has stopped it."""
    assert campaign_id is not None
    return running.get(session, campaign_id).state is State.STOPPED


def _attempt(session: Session, campaign: Running, one: Candidate, step: int, letter: Letter | None) -> None:
    """The verdict is kept; whoever gets a letter waits for it to be handed over, the others as they are judged."""
    now = clock.now(session)
    session.add(
        WrittenAttempt(
            id=new_id(session), ente_id=campaign.ente_id, contract_id=campaign.contract_id, campaign_id=campaign.id,
            version=campaign.version, contact_id=one.contact_id, step=step, channel=Written.LETTER,
            address=one.verdict.number, at=now, begun=letter is not None,
            reasons=[reason.value for reason in one.verdict.reasons],
            not_before=one.verdict.not_before, item_id=letter.id if letter else None, parts=1, cost=0,
        )
    )  # fmt: skip
    if letter is None:
        judging.put_aside(session, campaign, one.contact_id, one.verdict, now)
        return
    session.execute(
        update(_CC).where(_CC.c.campaign_id == campaign.id, _CC.c.contact_id == one.contact_id)
        .values(state=ContactState.LATER, due_at=now + sequence.HELD, why=None)
    )  # fmt: skip


def _campaign(session: Session, batch: LetterBatch) -> Running:
    return running.get(session, _id(batch))


def _id(batch: LetterBatch) -> int:
    assert batch.campaign_id is not None
    return batch.campaign_id
