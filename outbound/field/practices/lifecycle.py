"""The life of a practice, of its mandates, and of each visit in it. Pure.

A practice is opened for a campaign or by the ente, given to an agent by a mandate, accepted by him once he has
declared that nothing ties him to the taxpayer, visited as often as the mandate says, and closed with a report.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from crm.core.errors import ConflictError


class Origin(StrEnum):
    CAMPAIGN = "campaign"
    ENTE = "ente"


class State(StrEnum):
    OPEN = "open"  # nobody has it
    OFFERED = "offered"  # an agent is to accept it
    ACCEPTED = "accepted"
    FROZEN = "frozen"  # nobody goes: its agent was removed, or something stands against visits
    CLOSED = "closed"


class Deed(StrEnum):
    """What happens to a practice."""

    OFFER = "offer"  # a mandate is given
    ACCEPT = "accept"
    DECLINE = "decline"  # a tie, or another reason
    REVOKE = "revoke"  # its mandate ends before its time
    EXPIRE = "expire"
    FREEZE = "freeze"
    RELEASE = "release"  # it is free to be offered again
    CLOSE = "close"


class Closed(StrEnum):
    """Why a practice is over."""

    PAID = "paid"
    PROMISED = "promised"
    INSTALMENTS = "instalments"
    DISPUTED = "disputed"
    HARDSHIP = "hardship"
    REFUSED = "refused"
    NOT_FOUND = "not_found"  # moved, unknown, nobody however often
    DECEASED = "deceased"
    FORBIDDEN = "forbidden"  # nobody may be sent any more: annulled, suspended, a complaint
    UNSAFE = "unsafe"
    RECALLED = "recalled"  # by the ente, or its campaign ended


TRANSITIONS: dict[tuple[State, Deed], State] = {
    (State.OPEN, Deed.OFFER): State.OFFERED,
    (State.OFFERED, Deed.ACCEPT): State.ACCEPTED,
    (State.OFFERED, Deed.DECLINE): State.OPEN,
    (State.OFFERED, Deed.REVOKE): State.OPEN,
    (State.OFFERED, Deed.EXPIRE): State.OPEN,
    (State.ACCEPTED, Deed.DECLINE): State.OPEN,  # a tie may come to light at the door
    (State.ACCEPTED, Deed.REVOKE): State.OPEN,
    (State.ACCEPTED, Deed.EXPIRE): State.OPEN,
    (State.OPEN, Deed.FREEZE): State.FROZEN,
    (State.OFFERED, Deed.FREEZE): State.FROZEN,
    (State.ACCEPTED, Deed.FREEZE): State.FROZEN,
    (State.FROZEN, Deed.RELEASE): State.OPEN,
    **{(one, Deed.CLOSE): State.CLOSED for one in State if one is not State.CLOSED},
}


def after(state: State, deed: Deed) -> State:
    """The state that follows.

    Raises:
        ConflictError: this cannot happen to a practice in that state.
    """
    try:
        return TRANSITIONS[state, deed]
    except KeyError:
        raise ConflictError("La pratica nel frattempo è cambiata: riaprila e guarda a che punto è.") from None


class MandateState(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"
    ENDED = "ended"  # its practice was closed, or its days are over


class Occasion(StrEnum):
    """When the rules were asked about a visit."""

    OPENED = "opened"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    VISITED = "visited"


class AssignmentState(StrEnum):
    PROPOSED = "proposed"
    DONE = "done"
    UNDONE = "undone"
    DROPPED = "dropped"


# Whether a practice's end is the end of the matter for its campaign too; else the campaign's next step follows.
ENDS_THE_MATTER = frozenset(
    {Closed.PAID, Closed.DISPUTED, Closed.HARDSHIP, Closed.DECEASED, Closed.FORBIDDEN, Closed.RECALLED}
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a mandate allows. `most_visits`: in all; `may_photograph`: the place, never a person."""

    valid_from: date
    valid_to: date
    most_visits: int = 3
    may_photograph: bool = False

    def covers(self, day: date) -> bool:
        """Whether it is valid on a day, both ends included."""
        return self.valid_from <= day <= self.valid_to
