"""Where a campaign stands and where it may go from there, pure.

draft ⇄ submitted → approved → running ⇄ paused → ended
  ↑         │           │         │         │
  └ refused ┘           └─────────┴─────────┴──→ stopped (by the ente) → paused

A change of what was approved makes it a draft again, which the ente approves anew; whoever was reached stays reached.
"""

from enum import StrEnum

from crm.core.errors import ConflictError


class State(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"  # the ente is to approve it
    APPROVED = "approved"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"  # by the ente, which alone releases it
    ENDED = "ended"


class Deed(StrEnum):
    """What somebody does to it: the company that calls, or the ente in whose name."""

    SUBMIT = "submit"
    TAKE_BACK = "take_back"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    CHANGE = "change"
    END = "end"

    APPROVE = "approve"
    REFUSE = "refuse"
    STOP = "stop"
    RELEASE = "release"


OF_THE_ENTE = frozenset({Deed.APPROVE, Deed.REFUSE, Deed.STOP, Deed.RELEASE})
_LIVE = (State.APPROVED, State.RUNNING, State.PAUSED)
_ALLOWED: dict[Deed, tuple[tuple[State, ...], State]] = {
    Deed.SUBMIT: ((State.DRAFT,), State.SUBMITTED),
    Deed.TAKE_BACK: ((State.SUBMITTED,), State.DRAFT),
    Deed.APPROVE: ((State.SUBMITTED,), State.APPROVED),
    Deed.REFUSE: ((State.SUBMITTED,), State.DRAFT),
    Deed.START: ((State.APPROVED,), State.RUNNING),
    Deed.PAUSE: ((State.RUNNING,), State.PAUSED),
    Deed.RESUME: ((State.PAUSED,), State.RUNNING),
    Deed.STOP: (_LIVE, State.STOPPED),
    Deed.RELEASE: ((State.STOPPED,), State.PAUSED),
    Deed.CHANGE: ((State.APPROVED, State.PAUSED, State.STOPPED), State.DRAFT),
    Deed.END: ((*_LIVE, State.STOPPED, State.DRAFT), State.ENDED),
}


def may(state: State, deed: Deed) -> bool:
    """Whether this can be done to it now."""
    return state in _ALLOWED[deed][0]


def after(state: State, deed: Deed) -> State:
    """Where it stands then. Raises `ConflictError` when it cannot be done now: somebody else was faster, mostly."""
    if not may(state, deed):
        raise ConflictError("La campagna intanto è cambiata, e questo ora non si può fare: ricarica la pagina.")
    return _ALLOWED[deed][1]
