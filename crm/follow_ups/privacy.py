"""What follow-ups hold of a person: one that is still to be done stands against erasing him; notes go."""

from sqlalchemy import null, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.follow_ups.models import FollowUp, FollowUpState
from crm.privacy.holders import Holder, Person, TableHolder

_FOLLOW_UP = table_of(FollowUp)
TO_BE_DONE = "C'è un'attività ancora da fare: prima va conclusa o annullata."


class _FollowUps(TableHolder):
    def obstacles(self, session: Session, person: Person) -> list[str]:
        """Promises not kept yet."""
        left = select(_FOLLOW_UP.c.id).where(*self.of(person), _FOLLOW_UP.c.state == FollowUpState.OPEN).limit(1)
        return [TO_BE_DONE] if session.execute(left).one_or_none() else []


HOLDERS: tuple[Holder, ...] = (
    _FollowUps(_FOLLOW_UP, "Attività", emptied={"note": "", "before": null()}, why="Il lavoro svolto resta contato."),
)
