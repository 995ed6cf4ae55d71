"""Keeping a mark, apart from the call that it was given in."""

from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from telephony.surveys.models import SurveyAnswer


def keep(
    session: Session, answer_id: UUID, *, score: int, contract_id: int, ente_id: int | None, queue_id: int | None
) -> None:
    """A caller's mark for a queue, or for the voice flow where he waited in none. Kept once by its id."""
    session.execute(
        insert(SurveyAnswer)
        .values(
            id=answer_id, contract_id=contract_id, ente_id=ente_id, queue_id=queue_id,
            day=clock.business_day(clock.now(session)), score=score,
        )
        .on_conflict_do_nothing()
    )  # fmt: skip
