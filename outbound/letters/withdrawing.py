"""Letters that were made and may not leave any more: judged once more before their files are taken, and as they leave.

Whoever has paid, promised, died or complained since his letter was made gets none. It is taken out of the archive and
of the manifest, its file goes, and it is kept why; the others stay as they are, byte for byte.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.cases.posted import Fate
from crm.core import clock, topics
from crm.core.db import Database, Scope, touch
from crm.core.errors import ConflictError
from crm.core.jobs import Runner, Taken
from crm.documents.privacy import let_go
from outbound.compliance.rules import Reason
from outbound.letters import origins
from outbound.letters.models import BatchState, Letter, LetterBatch, LetterState
from outbound.letters.origin import Against
from outbound.letters.queries import BatchView

AT_ONCE = 200
CHECKED_FOR = timedelta(hours=1)  # for which files may be taken without being judged once more
LOOKED_AT = 2_000  # letters judged at once for whoever looks


def require_may_leave(session: Session, campaign_id: int | None, now: datetime) -> None:
    """Raise `ConflictError` while nothing of a batch of this origin may leave."""
    if why := origins.of(campaign_id).stands_still(session, campaign_id, now):
        raise ConflictError(why)


def forecast(session: Session, found: BatchView, now: datetime) -> dict[Reason | Fate, int] | None:
    """Why letters of a batch would be withdrawn were they judged now; none: there are too many to look while one waits.

    Nothing is changed by looking.
    """
    if found.state is not BatchState.MADE or found.letters > LOOKED_AT:
        return None if found.letters > LOOKED_AT else {}
    its = (Letter.batch_id == found.id, Letter.state == LetterState.MADE)
    letters, batch = session.scalars(select(Letter).where(*its)).all(), session.get_one(LetterBatch, found.id)
    against = origins.of(found.campaign_id).against(session, batch, letters, now)
    return dict(Counter(reason for one in against.values() for reason in one.reasons).most_common())


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
    against = origins.of(batch.campaign_id).against(session, batch, letters, now)
    _withdraw(session, batch, [one for one in letters if one.id in against], against, now)
    return [one for one in letters if one.id not in against]


def _check(session: Session, batch_id: int, after: int) -> int | None:
    """Some more of them; the number of the last, none: there are no more, or the batch has gone on."""
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    origins.of(batch.campaign_id).alone(session, batch)
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
    session: Session, batch: LetterBatch, letters: Sequence[Letter], against: Mapping[UUID, Against], now: datetime
) -> None:  # fmt: skip
    digests = []
    for one in letters:
        reasons = [reason.value for reason in against[one.id].reasons]
        digests += [one.sha256] if one.sha256 else []
        one.state, one.withdrawn_at, one.why, one.sha256, one.content = LetterState.WITHDRAWN, now, reasons, None, None
        batch.withdrawn += 1
        batch.letters -= 1
        batch.pages -= one.pages
        batch.sheets -= one.sheets
        batch.cents -= one.cents
    session.flush()
    origins.of(batch.campaign_id).withdrawn(session, batch, letters, against, now)
    let_go(session, ente_id=batch.ente_id, digests=digests)


CHECKER = Runner(check, gave_up)
