"""After a batch was handed over or cancelled, in the background: what follows for each of its letters."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.core import clock, topics
from crm.core.db import Database, Scope, table_of, touch
from crm.core.jobs import Runner, Taken
from crm.documents.privacy import let_go
from crm.files.letters import LetterState as Standing
from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.campaigns import running, sequence, spending
from outbound.campaigns.models import CampaignContact, ContactState
from outbound.letters import queries, withdrawing
from outbound.letters.codes import Code
from outbound.letters.making import undo
from outbound.letters.models import BatchState, Letter, LetterBatch, LetterState

AT_ONCE = 200
_CC = table_of(CampaignContact)


def settle(database: Database, job: Taken) -> None:
    """Bring the letters of a batch (`batch`) to where it is, some at a time; begun again, it goes on."""
    batch_id, scope = job.argument["batch"], Scope.of_enti([job.ente_id])
    while database.transact(scope, lambda session: _settle(session, batch_id)):
        job.renew()


def _settle(session: Session, batch_id: int) -> int:
    batch = session.get_one(LetterBatch, batch_id, with_for_update=True, populate_existing=True)
    spending.alone(session, batch.campaign_id)
    done = 0
    if batch.state is BatchState.HANDED_OVER and batch.ended_at is not None:
        done = _leave(session, batch, batch.ended_at)
    elif batch.state is BatchState.CANCELLED:
        done = _take_back(session, batch)
    touch(session, topics.campaigns(batch.ente_id))
    return done


def _leave(session: Session, batch: LetterBatch, at: datetime) -> int:
    """They are on their way: on the timelines, and the days of the next step begin. Judged once more: those that may
    not leave are withdrawn.
    """
    some = withdrawing.made(session, batch.id)
    letters = withdrawing.sift(session, batch, some, clock.now(session))
    campaign, campaign_name = running.get(session, batch.campaign_id), queries.batch(session, batch.id).campaign
    at_step = queries.steps(session, campaign_id=campaign.id, contact_ids=[one.contact_id for one in letters])
    still = [one.contact_id for one in letters if at_step.get(one.contact_id) == one.step]
    sequence.passed(session, campaign=campaign, contact_ids=still, now=at)
    for one in letters:
        one.state = LetterState.HANDED_OVER
        tell(session, one, campaign_name, at, batch.ended_by)
    session.flush()
    return len(some)


def tell(session: Session, one: Letter, campaign: str, at: datetime, author_id: int | None) -> None:
    """A letter, as it stands, on its addressee's timeline."""
    state = {LetterState.DELIVERED: Standing.DELIVERED, LetterState.RETURNED: Standing.RETURNED}
    timeline.record(
        session, ente_id=one.ente_id, contact_id=one.contact_id, kind=EntryKind.LETTER, source=one.id, occurred_at=at,
        author_id=author_id, status=state.get(one.state, Standing.SENT).value,
        detail={
            "campaign": campaign, "number": str(Code(one.batch_id, one.number)), "cents": one.asked_cents,
            "outcome": one.outcome.value if one.outcome else None,
            "on": one.outcome_on.isoformat() if one.outcome_on else None,
        },
    )  # fmt: skip


def counted_from(session: Session, one: Letter, at: datetime | None, now: datetime) -> None:
    """The days of the step that follows a letter begin at an instant; none: nothing is to be waited for."""
    campaign = running.get(session, one.campaign_id)
    if campaign.plan.step_after(one.step) is None:
        return
    session.execute(
        update(_CC)
        .where(
            _CC.c.campaign_id == campaign.id, _CC.c.contact_id == one.contact_id, _CC.c.step == one.step + 1,
            _CC.c.state == ContactState.LATER, _CC.c.why.is_(None),
        )
        .values(due_at=now if at is None else campaign.plan.due_after(one.step, at))
    )  # fmt: skip


def _take_back(session: Session, batch: LetterBatch) -> int:
    """They never left: their files go, and it is those people's turn as before."""
    its = (Letter.batch_id == batch.id, Letter.state != LetterState.WITHDRAWN)
    some = select(Letter.id, Letter.sha256).where(*its).order_by(Letter.number).limit(AT_ONCE)
    rows = session.execute(some).all()
    done = undo(session, campaign_id=batch.campaign_id, which=Letter.id.in_([row.id for row in rows]))
    let_go(session, ente_id=batch.ente_id, digests=[row.sha256 for row in rows if row.sha256])
    return done


SETTLER = Runner(settle)
