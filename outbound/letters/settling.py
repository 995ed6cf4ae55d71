"""After a batch was handed over or cancelled, in the background: what follows for each of its letters."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Database, Scope, touch
from crm.core.jobs import Runner, Taken
from crm.documents.privacy import let_go
from crm.files.letters import LetterState as Standing
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.letters import origins, withdrawing
from outbound.letters.codes import Code
from outbound.letters.making import undo
from outbound.letters.models import BatchState, Letter, LetterBatch, LetterState

AT_ONCE = 200


def settle(database: Database, job: Taken) -> None:
    """Bring the letters of a batch (`batch`) to where it is, some at a time; begun again, it goes on."""
    batch_id, scope = job.argument["batch"], Scope.of_enti([job.ente_id])
    while database.transact(scope, lambda session: _settle(session, batch_id)):
        job.renew()


def _settle(session: Session, batch_id: int) -> int:
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    origins.of(batch.campaign_id).alone(session, batch)
    done = 0
    if batch.state is BatchState.HANDED_OVER and batch.ended_at is not None:
        done = _leave(session, batch, batch.ended_at)
    elif batch.state is BatchState.CANCELLED:
        done = _take_back(session, batch)
    touch(session, topics.campaigns(batch.ente_id))
    return done


def _leave(session: Session, batch: LetterBatch, at: datetime) -> int:
    """They are on their way, and on the timelines. Judged once more: those that may not leave are withdrawn."""
    some = withdrawing.made(session, batch.id)
    letters = withdrawing.sift(session, batch, some, clock.now(session))
    origins.of(batch.campaign_id).handed_over(session, batch, letters, at)
    for one in letters:
        one.state = LetterState.HANDED_OVER
        tell(session, one, at, batch.ended_by)
    session.flush()
    return len(some)


def tell(session: Session, one: Letter, at: datetime, author_id: int | None) -> None:
    """A letter, as it stands, on its addressee's timeline."""
    state = {LetterState.DELIVERED: Standing.DELIVERED, LetterState.RETURNED: Standing.RETURNED}
    timeline.record(
        session, ente_id=one.ente_id, contact_id=one.contact_id, kind=EntryKind.LETTER, source=one.id, occurred_at=at,
        author_id=author_id, status=state.get(one.state, Standing.SENT).value,
        detail={
            **origins.of(one.campaign_id).about(session, one), "number": str(Code(one.batch_id, one.number)),
            "cents": one.asked_cents, "outcome": one.outcome.value if one.outcome else None,
            "on": one.outcome_on.isoformat() if one.outcome_on else None,
        },
    )  # fmt: skip


def _take_back(session: Session, batch: LetterBatch) -> int:
    """They never left: their files go, and it is their turn as before."""
    its = (Letter.batch_id == batch.id, Letter.state != LetterState.WITHDRAWN)
    letters = session.scalars(select(Letter).where(*its).order_by(Letter.number).limit(AT_ONCE)).all()
    digests = [one.sha256 for one in letters if one.sha256]
    undo(session, batch, letters)
    let_go(session, ente_id=batch.ente_id, digests=digests)
    return len(letters)


SETTLER = Runner(settle)
