"""Where a proposal stands and where it may go from there, pure.

made → approved → exported → acknowledged
  │        │           └───→ rejected (by the collection system)
  │        └ (waits for the next export)
  ├──→ refused (by the ente)
  └──→ withdrawn (by who made it)

The ente may undo its decision: approved or refused → made. Once it is exported it may not.
"""

from datetime import datetime
from enum import StrEnum

from crm.core.errors import ConflictError, FieldError


class State(StrEnum):
    MADE = "made"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPORTED = "exported"
    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


OPEN = (State.MADE, State.APPROVED, State.EXPORTED)  # the same thing is not proposed again meanwhile
_DECIDED = (State.APPROVED, State.REFUSED)
_ANSWERED = (State.EXPORTED, State.ACKNOWLEDGED, State.REJECTED)


def decided(state: State, *, approve: bool, reason: str) -> State:
    """The ente decides. Raises `ConflictError` when it is decided already, `InvalidError` for a refusal unexplained."""
    if state is not State.MADE:
        raise ConflictError("Qualcun altro ha già deciso, o la proposta è stata ritirata: ricarica la pagina.")
    if not approve and not reason:
        raise FieldError("Scrivi perché non la accogli: lo legge chi l'ha proposta.", field="reason")
    return State.APPROVED if approve else State.REFUSED


def undecided(state: State) -> State:
    """The ente takes its decision back. Raises `ConflictError` when there is none, or it has been handed over."""
    if state in _ANSWERED:
        raise ConflictError("È già partita verso il gestionale: la decisione non si può più annullare.")
    if state not in _DECIDED:
        raise ConflictError("Non c'è una decisione da annullare: ricarica la pagina.")
    return State.MADE


def withdrawn(state: State) -> State:
    """Whoever made it takes it back. Raises `ConflictError` once the ente has decided."""
    if state is not State.MADE:
        raise ConflictError("L'ente ha già deciso: la proposta non si può più ritirare.")
    return State.WITHDRAWN


def answered(state: State, *, accepted: bool, at: datetime, heard_at: datetime | None) -> State | None:
    """The collection system answered, as it says, at `at`; `heard_at` is that of the answer already known.

    Answers come in any order and more than once: the later one stands, and none is returned for what says nothing
    new. Raises `ConflictError` for a proposal that was never handed over.
    """
    if state not in _ANSWERED:
        raise ConflictError("Questa proposta non è stata ancora esportata.")
    outcome = State.ACKNOWLEDGED if accepted else State.REJECTED
    if heard_at is not None and (at < heard_at or (at == heard_at and outcome is state)):
        return None
    return outcome
