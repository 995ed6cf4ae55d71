"""What is otherwise in a file than before the gestionale was asked about its person. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crm.positions.models import PositionState
from crm.positions.summary import owed_cents
from crm.positions.views import PositionView


@dataclass(frozen=True, slots=True)
class Change:
    """A position that is otherwise. `is_new`, `is_gone`: it was not there before, or is there no more. `owed` (cents)
    and `state`: as they were and are, none where they are the same.
    """

    position: PositionView
    is_new: bool = False
    is_gone: bool = False
    owed: tuple[int, int] | None = None
    state: tuple[PositionState, PositionState] | None = None


def changes(before: Iterable[PositionView], after: Sequence[PositionView]) -> tuple[Change, ...]:
    """What became of positions, in the order in which they are shown now; those that are gone come last."""
    was = {one.id: one for one in before}
    still = {one.id for one in after}
    found = [Change(one, is_new=True) if one.id not in was else _change(was[one.id], one) for one in after]
    gone = [Change(one, is_gone=True) for one in was.values() if one.id not in still]
    return tuple(one for one in (*found, *gone) if one is not None)


def _change(was: PositionView, now: PositionView) -> Change | None:
    if was.digest == now.digest:
        return None
    owed = owed_cents(was), owed_cents(now)
    return Change(
        now, owed=owed if owed[0] != owed[1] else None, state=(was.state, now.state) if was.state != now.state else None
    )
