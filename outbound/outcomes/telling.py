"""An outcome on the person's timeline: one line, brought up to date when the promise in it is judged."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.timeline import service as timeline
from crm.timeline.models import EntryKind
from outbound.campaigns.models import Campaign
from outbound.outcomes.models import OutcomeGiven
from outbound.promises import queries as promises


def tell(session: Session, row: OutcomeGiven) -> None:
    """Put it there as it stands."""
    name = session.scalar(select(Campaign.name).where(Campaign.id == row.campaign_id))
    promise = promises.of_outcomes(session, [row.id]).get(row.id)
    timeline.record(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.OUTCOME, source=row.id,
        occurred_at=row.given_at, author_id=row.given_by, status=row.said.value,
        detail={
            "campaign": name, "note": row.note,
            "call_after": row.call_after.isoformat() if row.call_after else None,
            "promise": None if promise is None else {
                "due_on": promise.due_on.isoformat(), "cents": promise.cents, "state": promise.state.value,
                "paid_cents": promise.paid_cents,
            },
        },
    )  # fmt: skip


def take_off(session: Session, row: OutcomeGiven) -> None:
    """It was given by mistake."""
    timeline.withdraw(
        session, ente_id=row.ente_id, contact_id=row.contact_id, kind=EntryKind.OUTCOME, source=row.id
    )  # fmt: skip


def promise_changed(session: Session, outcome_id: UUID) -> None:
    """The promise in it stands otherwise."""
    row = session.get(OutcomeGiven, outcome_id)
    if row is not None and row.undone_at is None:
        tell(session, row)
