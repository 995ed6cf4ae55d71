"""A visit as what may follow it depends on: whether he was spoken with, and for how long nobody goes again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from outbound.field.visits.door import Outcome, Whom

# Who may have been himself: of somebody who says that it is he and does not show it, too, it was a conversation.
SPOKEN_WITH = frozenset({Whom.HIMSELF, Whom.ENTITLED, Whom.COMPANY, Whom.NOT_ESTABLISHED})
# How long nobody goes again after an outcome, in his practice or one opened anew. Our own choice, of no source.
PAUSES: Mapping[Outcome, timedelta] = MappingProxyType(
    {
        Outcome.ABSENT: timedelta(days=3), Outcome.THIRD_PARTY: timedelta(days=3), Outcome.CLOSED: timedelta(days=7),
        Outcome.PROMISE: timedelta(days=7), Outcome.MET: timedelta(days=10), Outcome.ALREADY_PAID: timedelta(days=10),
        Outcome.PAID: timedelta(days=10),  # by then the collection system tells of the payment
        Outcome.INSTALMENTS: timedelta(days=15),
        Outcome.REFUSED: timedelta(days=15), Outcome.MOVED: timedelta(days=15), Outcome.NOT_FOUND: timedelta(days=15),
        Outcome.DISPUTE: timedelta(days=30), Outcome.HARDSHIP: timedelta(days=30),
        Outcome.DECEASED: timedelta(days=30), Outcome.UNSAFE: timedelta(days=30),
    }
)  # fmt: skip
USUAL_PAUSE = timedelta(days=2)  # after a visit whose outcome nobody told


@dataclass(frozen=True, slots=True)
class Visited:
    """Somebody was visited. `spoken`: with him, or with whoever may hear of his debts."""

    at: datetime
    spoken: bool
    outcome: Outcome | None = None

    @property
    def over_at(self) -> datetime:
        """From when on he may be visited again."""
        return self.at + (USUAL_PAUSE if self.outcome is None else PAUSES[self.outcome])


def spoke(whom: Whom | None) -> bool:
    """Whether a visit was an effective conversation with him."""
    return whom in SPOKEN_WITH
