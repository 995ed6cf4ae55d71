"""Letters that were made and may not leave any more: judged once more before their files are taken, and as they leave.

Whoever has paid, promised, died or complained since his letter was made gets none. It is taken out of the archive and
of the manifest, its file goes, and it is kept why; the others stay as they are, byte for byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.errors import ConflictError
from crm.core.jobs import Runner, Taken
from crm.documents.privacy import let_go
from outbound.campaigns import judging, running, spending
from outbound.campaigns.lifecycle import State
from outbound.campaigns.models import CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.running import Running
from outbound.compliance.rules import Verdict
from outbound.letters import composing
from outbound.letters.models import BatchState, Letter, LetterBatch, LetterState

AT_ONCE = 200
CHECKED_FOR = timedelta(hours=1)  # for which files may be taken without being judged once more
_CC, _W = table_of(CampaignContact), table_of(WrittenAttempt)
STOPPED = "L'ente ha fermato la campagna: queste lettere non si consegnano."
HALTED = "La campagna non è in corso: le sue lettere si scaricano e si consegnano quando lo è."
OLD = "Ciò che si sa dei debiti è troppo vecchio per dire a chi si può ancora scrivere: aspetta il prossimo carico."


def require_may_leave(session: Session, campaign: Running, now: datetime) -> None:
    """Raise `ConflictError` while nothing of a campaign may leave: it halts, or the ente's data are too old."""
    if campaign.state is State.STOPPED:
        raise ConflictError(STOPPED)
    if campaign.state is not State.RUNNING:
        raise ConflictError(HALTED)
    if composing.are_old(session, campaign, now):
        raise ConflictError(OLD)


def is_checked(state: BatchState, checked_at: datetime | None, now: datetime) -> bool:
    """Whether its letters were judged so lately that their files may be taken. Pure."""
    return state is BatchState.MADE and checked_at is not None and now - checked_at <= CHECKED_FOR


def check(database: Database, job: Taken) -> None:
    """Judge the letters of a batch (`batch`), some at a time, and withdraw those that may not leave."""
    batch_id, scope, after = job.argument["batch"], Scope.of_enti([job.ente_id]), 0
    began = database.transact(scope, clock.now)
    while True:
        last = database.transact(scope, lambda session: _check(session, batch_id, after))  # noqa: B023
        if last is None:
            break
        after = last
        job.renew()
    database.transact(scope, lambda session: _checked(session, batch_id, began))


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: somebody may have it done again."""
    batch = session.get_one(LetterBatch, job.argument["batch"], with_for_update=True, populate_existing=True)
    batch.checked_at = batch.checked_at or batch.made_at - CHECKED_FOR
    touch(session, topics.campaigns(batch.ente_id))


def made(session: Session, batch_id: int, *, after: int = 0) -> Sequence[Letter]:
    """Some letters of a batch that are made and have not left, by their number."""
    return session.scalars(
        select(Letter).where(Letter.batch_id == batch_id, Letter.state == LetterState.MADE, Letter.number > after)
        .order_by(Letter.number).limit(AT_ONCE).execution_options(populate_existing=True)
    ).all()  # fmt: skip


def sift(session: Session, batch: LetterBatch, letters: Sequence[Letter], now: datetime) -> list[Letter]:
    """Withdraw those of these letters, whose batch is locked, that may not leave; those that may."""
    campaign = running.get(session, batch.campaign_id)
    against = composing.judged_again(session, campaign, letters, day=batch.day, now=now)
    _withdraw(session, batch, campaign, [one for one in letters if one.id in against], against, now)
    return [one for one in letters if one.id not in against]


def _check(session: Session, batch_id: int, after: int) -> int | None:
    """Some more of them; the number of the last, none: there are no more, or the batch has gone on."""
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    spending.alone(session, batch.campaign_id)
    letters = made(session, batch_id, after=after) if batch.state is BatchState.MADE else ()
    if not letters:
        return None
    last = letters[-1].number
    sift(session, batch, letters, clock.now(session))
    touch(session, topics.campaigns(batch.ente_id))
    return last


def _checked(session: Session, batch_id: int, began: datetime) -> None:
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    batch.checked_at = began
    touch(session, topics.campaigns(batch.ente_id))


def _withdraw(
    session: Session, batch: LetterBatch, campaign: Running, letters: Iterable[Letter],
    against: Mapping[UUID, Verdict], now: datetime,
) -> None:  # fmt: skip
    """They were never written; those people are where the rules put them: at the letter's step, or out."""
    digests = []
    for one in letters:
        verdict = against[one.id]
        reasons = [reason.value for reason in verdict.reasons]
        digests += [one.sha256] if one.sha256 else []
        one.state, one.withdrawn_at, one.why, one.sha256, one.content = LetterState.WITHDRAWN, now, reasons, None, None
        batch.withdrawn += 1
        batch.letters -= 1
        batch.pages -= one.pages
        batch.sheets -= one.sheets
        batch.cents -= one.cents
        session.flush()
        cost = session.execute(select(_W.c.cost).where(_W.c.item_id == one.id)).scalar_one()
        spending.wrote(session, campaign_id=campaign.id, cost=-cost)
        session.execute(
            update(_W).where(_W.c.item_id == one.id)
            .values(begun=False, cost=0, reasons=reasons, not_before=verdict.not_before)
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
    let_go(session, ente_id=batch.ente_id, digests=digests)


CHECKER = Runner(check, gave_up)
