"""Making a batch, in the background: who gets a letter, what it says, its file in the store. Killed, it goes on.

What a letter says is written with the decision to write it; its file follows from that, byte for byte, however often
it is made. So nobody gets two letters at a step, and none is lost.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crm.core import clock, jobs, topics
from crm.core.clock import start_of_day
from crm.core.db import Database, Scope, table_of, touch
from crm.core.jobs import Runner, Taken
from crm.documents import service as documents
from crm.documents.privacy import FORGET
from crm.documents.store import DocumentStore
from crm.privacy.holders import rows_of
from outbound.letters import origins, postage
from outbound.letters.models import BatchState, Letter, LetterBatch, LetterState
from outbound.letters.postage import Parcel
from outbound.letters.printed import Printed, Typeset
from outbound.letters.queries import prices_of
from outbound.messages.cost import CENT

AT_ONCE = 25  # letters in a transaction, and whose files are held in memory
_L, _B = table_of(Letter), table_of(LetterBatch)


@dataclass(frozen=True, slots=True)
class File:
    """The file of a letter that is composed. `cents` none: too heavy for the prices agreed."""

    letter_id: UUID
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
    return File(letter.id, printed, parcel, parcel.cents(prices_of(batch)))


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
    origin = origins.of(batch.campaign_id)
    origin.alone(session, batch)
    kept, refused = _within(files, origin.left(session, batch))
    if refused:
        digests = [one.digest for one in refused]
        jobs.enqueue(session, ente_id=batch.ente_id, kind=FORGET, argument={"contents": digests})
    costs = {}
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
        costs[one.letter_id] = (one.cents or 0) * CENT
        batch.letters += 1
        batch.pages += one.parcel.pages
        batch.sheets += one.parcel.sheets
        batch.cents += one.cents or 0
    origin.made(session, costs, batch)
    heavy, poor = ([one for one in refused if (one.cents is None) is which] for which in (True, False))
    _let_go(session, batch, _of(session, heavy), origin.heavy)
    batch.left_out += len(heavy)
    undo(session, batch, _of(session, poor))
    batch.over_budget = batch.over_budget or bool(poor)
    session.flush()
    touch(session, topics.campaigns(batch.ente_id))


def undo(session: Session, batch: LetterBatch, letters: Sequence[Letter]) -> None:
    """Letters of a batch, locked, that never left are as if they had not been written."""
    _let_go(session, batch, letters, origins.of(batch.campaign_id).unwritten)


def _let_go(
    session: Session, batch: LetterBatch, letters: Sequence[Letter],
    told: Callable[[Session, LetterBatch, Sequence[Letter]], None],
) -> None:  # fmt: skip
    if letters:
        told(session, batch, letters)
        session.flush()
        session.execute(delete(_L).where(_L.c.id.in_([one.id for one in letters])))
        for one in letters:
            session.expunge(one)


def _of(session: Session, files: list[File]) -> Sequence[Letter]:
    return session.scalars(select(Letter).where(Letter.id.in_([one.letter_id for one in files]))).all()


def _compose(session: Session, batch_id: int) -> bool:
    """Settle what some more letters say. False: none are left to be written."""
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    number = session.scalar(select(func.max(Letter.number)).where(Letter.batch_id == batch_id)) or 0
    room = min(AT_ONCE, batch.most - number)
    if batch.state is not BatchState.MAKING or batch.over_budget or room <= 0:
        return False
    found = origins.of(batch.campaign_id).compose(session, batch, number, room)
    session.flush()
    touch(session, topics.campaigns(batch.ente_id))
    return found


def _ready(session: Session, batch_id: int) -> None:
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch.state is BatchState.MAKING:
        batch.state, batch.ready_at, batch.checked_at = BatchState.MADE, clock.now(session), batch.made_at
        touch(session, topics.campaigns(batch.ente_id))
