"""Making a batch, in the background: who gets a letter, what it says, its file in the store. Killed, it goes on.

What a letter says is written with the decision to write it; its file follows from that, byte for byte, however often
it is made. So nobody gets two letters at a step, and none is lost.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from crm.core import clock, jobs, topics
from crm.core.clock import start_of_day
from crm.core.db import Database, Scope, new_id, table_of, touch
from crm.core.jobs import Runner, Taken
from crm.documents import service as documents
from crm.documents.privacy import FORGET
from crm.documents.store import DocumentStore
from crm.privacy.holders import rows_of
from outbound.campaigns import claims, judging, running, sequence, spending
from outbound.campaigns.models import CampaignContact, ContactState, WrittenAttempt
from outbound.campaigns.plan import Channel
from outbound.campaigns.running import Running
from outbound.compliance.rules import Written
from outbound.letters import composing, postage, queries
from outbound.letters.codes import Code
from outbound.letters.composing import Candidate
from outbound.letters.content import written
from outbound.letters.models import BatchState, Letter, LetterBatch, LetterState
from outbound.letters.postage import Parcel
from outbound.letters.printed import Printed, Typeset
from outbound.letters.queries import prices_of
from outbound.messages.cost import CENT

AT_ONCE = 25  # letters in a transaction, and whose files are held in memory
_L, _B, _CC, _W = table_of(Letter), table_of(LetterBatch), table_of(CampaignContact), table_of(WrittenAttempt)


@dataclass(frozen=True, slots=True)
class File:
    """The file of a letter that is composed. `cents` none: too heavy for the prices agreed."""

    letter_id: UUID
    contact_id: int
    printed: Printed
    parcel: Parcel
    cents: int | None

    @property
    def digest(self) -> str:
        """Under which the store keeps it."""
        return sha256(self.printed.content).hexdigest()


def maker(store: DocumentStore, typeset: Typeset) -> Runner:
    """Makes batches; `typeset` lays letters out."""
    return Runner(partial(make, store, typeset), gave_up)


def make(store: DocumentStore, typeset: Typeset, database: Database, job: Taken) -> None:
    """Make the letters of a batch (`batch`), some at a time: first those that an earlier attempt has composed."""
    batch_id, scope = job.argument["batch"], Scope.of_enti([job.ente_id])
    while True:
        while composed := database.transact(scope, lambda session: _composed(session, batch_id)):
            batch, letters = composed
            files = [_file(batch, letter, typeset) for letter in letters]
            for one in files:
                _put(store, job.ente_id, one)
            database.transact(scope, lambda session: _made(session, batch_id, files))  # noqa: B023
            job.renew()
        if not database.transact(scope, lambda session: _compose(session, batch_id)):
            break
    database.transact(scope, lambda session: _ready(session, batch_id))


def gave_up(session: Session, job: Taken) -> None:
    """The last attempt failed: somebody may have it go on."""
    session.execute(
        update(_B).where(_B.c.id == job.argument["batch"], _B.c.state == BatchState.MAKING)
        .values(state=BatchState.FAILED)
    )  # fmt: skip
    touch(session, topics.campaigns(job.ente_id))


def _composed(session: Session, batch_id: int) -> tuple[LetterBatch, Sequence[Letter]] | None:
    """Letters whose files are to be made; none, or the batch is over."""
    batch = session.get_one(LetterBatch, batch_id, populate_existing=True)
    letters = session.scalars(
        select(Letter)
        .where(Letter.batch_id == batch_id, Letter.state == LetterState.COMPOSED, Letter.content.is_not(None))
        .order_by(Letter.number).limit(AT_ONCE)
    ).all()  # fmt: skip
    session.expunge_all()
    return (batch, letters) if letters and batch.state is BatchState.MAKING else None


def _file(batch: LetterBatch, letter: Letter, typeset: Typeset) -> File:
    assert letter.content is not None, "a letter that is composed says something"
    printed = typeset(letter.content, start_of_day(batch.day))
    parcel = postage.parcel(printed.pages, duplex=batch.duplex)
    return File(letter.id, letter.contact_id, printed, parcel, parcel.cents(prices_of(batch)))


def _within(files: list[File], left: int | None) -> tuple[list[File], list[File]]:
    """Those that may be sent, and those that may not: too heavy, or from the first on that the budget does not bear.

    `left`: of the budget, in ten-thousandths of a euro.
    """
    kept: list[File] = []
    for one in files:
        if one.cents is None:
            continue
        if left is not None:
            if one.cents * CENT > left:
                break
            left -= one.cents * CENT
        kept.append(one)
    taken = {one.letter_id for one in kept}
    return kept, [one for one in files if one.letter_id not in taken]


def _put(store: DocumentStore, ente_id: int, one: File) -> None:
    with tempfile.NamedTemporaryFile(prefix="filodiretto-letter-") as file:
        file.write(one.printed.content)
        file.flush()
        store.put(ente_id, one.digest, Path(file.name))


def _made(session: Session, batch_id: int, files: list[File]) -> None:
    """The files are in the store. What cannot be paid is as if it had not been composed, and ends the batch."""
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    spending.alone(session, batch.campaign_id)
    campaign = running.get(session, batch.campaign_id)
    kept, refused = _within(files, spending.left(session, campaign))
    if refused:
        digests = [one.digest for one in refused]
        jobs.enqueue(session, ente_id=batch.ente_id, kind=FORGET, argument={"contents": digests})
    cost = 0
    for one in kept:
        done = session.execute(
            update(_L)
            .where(_L.c.id == one.letter_id, _L.c.state == LetterState.COMPOSED, _L.c.content.is_not(None))
            .values(
                state=LetterState.MADE, content=None, sha256=one.digest, size=len(one.printed.content),
                pages=one.parcel.pages, sheets=one.parcel.sheets, grams=one.parcel.grams, envelope=one.parcel.envelope,
                cents=one.cents,
            )
        )  # fmt: skip
        if not rows_of(done):  # another worker was faster, whose file it is; or he was erased meanwhile
            jobs.enqueue(session, ente_id=batch.ente_id, kind=FORGET, argument={"contents": [one.digest]})
            continue
        documents.receive(session, ente_id=batch.ente_id, sha256=one.digest)
        session.execute(
            update(_W).where(_W.c.item_id == one.letter_id).values(cost=(one.cents or 0) * CENT)
        )  # fmt: skip
        batch.letters += 1
        batch.pages += one.parcel.pages
        batch.sheets += one.parcel.sheets
        batch.cents += one.cents or 0
        cost += (one.cents or 0) * CENT
    spending.wrote(session, campaign_id=batch.campaign_id, cost=cost)
    heavy = [one for one in refused if one.cents is None]
    poor = [one for one in refused if one.cents is not None]
    _undo(session, batch, heavy)
    batch.left_out += len(heavy)
    sequence.passed(session, campaign=campaign, contact_ids=[one.contact_id for one in heavy], now=clock.now(session))
    _undo(session, batch, poor)
    batch.over_budget = batch.over_budget or bool(poor)
    session.flush()
    touch(session, topics.campaigns(batch.ente_id))


def _undo(session: Session, batch: LetterBatch, files: list[File]) -> None:
    undo(session, campaign_id=batch.campaign_id, which=Letter.id.in_([one.letter_id for one in files]))


def undo(session: Session, *, campaign_id: int, which: ColumnElement[bool]) -> int:
    """Letters that never left are as if they had not been written: those people's turn is still to come; how many."""
    gone = session.execute(delete(Letter).where(which).returning(Letter.id, Letter.contact_id, Letter.step)).all()
    costs = session.scalars(delete(_W).where(_W.c.item_id.in_([one.id for one in gone])).returning(_W.c.cost))
    spending.wrote(session, campaign_id=campaign_id, cost=-sum(costs))
    for step in {one.step for one in gone}:
        session.execute(
            update(_CC)
            .where(
                _CC.c.campaign_id == campaign_id, _CC.c.step == step, _CC.c.state == ContactState.LATER,
                _CC.c.contact_id.in_([one.contact_id for one in gone if one.step == step]),
            )
            .values(state=ContactState.READY, due_at=clock.now(session))
        )  # fmt: skip
    return len(gone)


def _compose(session: Session, batch_id: int) -> bool:
    """Judge some more of those whose turn it is, and settle what their letters say. False: none are left."""
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    number = session.scalar(select(func.max(Letter.number)).where(Letter.batch_id == batch_id)) or 0
    room = min(AT_ONCE, batch.most - number)
    if batch.state is not BatchState.MAKING or batch.over_budget or room <= 0:
        return False
    now, campaign = clock.now(session), running.get(session, batch.campaign_id)
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
    session.flush()
    touch(session, topics.campaigns(batch.ente_id))
    return True


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


def _ready(session: Session, batch_id: int) -> None:
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state is BatchState.MAKING:
        batch.state, batch.ready_at, batch.checked_at = BatchState.MADE, clock.now(session), batch.made_at
        touch(session, topics.campaigns(batch.ente_id))
