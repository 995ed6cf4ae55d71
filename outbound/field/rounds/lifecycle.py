"""The life of a day's plan. Pure."""

from enum import StrEnum

from crm.core.errors import ConflictError


class PlanState(StrEnum):
    DRAFT = "draft"  # nobody has a round yet
    SOLVING = "solving"
    READY = "ready"  # to be looked at, changed by hand, and published
    PUBLISHED = "published"  # the agents have it as it stands


class PlanDeed(StrEnum):
    """What happens to a plan."""

    CHANGE = "change"
    SOLVE = "solve"
    SOLVED = "solved"  # or stopped, or given up: with the best rounds found so far
    PUBLISH = "publish"


TRANSITIONS: dict[tuple[PlanState, PlanDeed], PlanState] = {
    (PlanState.DRAFT, PlanDeed.CHANGE): PlanState.DRAFT,
    (PlanState.READY, PlanDeed.CHANGE): PlanState.READY,
    (PlanState.PUBLISHED, PlanDeed.CHANGE): PlanState.READY,  # the agents keep theirs until it is published again
    (PlanState.DRAFT, PlanDeed.SOLVE): PlanState.SOLVING,
    (PlanState.READY, PlanDeed.SOLVE): PlanState.SOLVING,
    (PlanState.PUBLISHED, PlanDeed.SOLVE): PlanState.SOLVING,
    (PlanState.SOLVING, PlanDeed.SOLVED): PlanState.READY,
    (PlanState.READY, PlanDeed.PUBLISH): PlanState.PUBLISHED,
}


def after(state: PlanState, deed: PlanDeed) -> PlanState:
    """The state that follows.

    Raises:
        ConflictError: this cannot happen to a plan in that state.
    """
    if (found := TRANSITIONS.get((state, deed))) is not None:
        return found
    if state is PlanState.SOLVING:
        raise ConflictError("I giri si stanno calcolando: aspetta che finisca, o ferma il calcolo.")
    if state is PlanState.DRAFT:
        raise ConflictError("Non c'è ancora nessun giro: calcolali prima.")
    raise ConflictError("Il piano nel frattempo è cambiato: ricarica la pagina.")
