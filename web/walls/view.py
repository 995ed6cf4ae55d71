"""What a room's screen shows, for whoever has its link: figures of queues, enti and levels, and of no person."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from crm.core import topics
from crm.core.db import Scope
from crm.enti.queries import enti_of
from crm.levels.formulas import Standing
from crm.levels.metering import Counts
from telephony.agents.models import AgentState
from telephony.queues import queries as queues
from telephony.queues.figures import untold
from telephony.walls.models import WallPage
from telephony.walls.queries import Room
from web.edge.templating import fragment
from web.live.hub import Rendered
from web.supervision import now
from web.supervision.now import ContractNow, LevelRow, QueueNow
from web.wallboard import board
from web.wallboard.board import EnteRow
from web.walls.sheets import Sheet, sheets
from web.wiring import Runtime


@dataclass(frozen=True, slots=True)
class WallView:
    """One screen's figures. `states`: how many agents are in each, and never who."""

    room: Room
    contract: ContractNow
    total: QueueNow
    queues: tuple[QueueNow, ...]
    enti: tuple[EnteRow, ...]
    states: Mapping[AgentState, int] | None  # none: it would tell of a single one
    carrier_silent: bool
    topics: frozenset[str]

    @property
    def unmeasured(self) -> int:
        """How many levels are promised of which nothing is known so far."""
        return len(self.contract.rows) - len(self.levels)

    @property
    def levels(self) -> tuple[LevelRow, ...]:
        """Those of which something is known."""
        return tuple(one for one in self.contract.rows if one.of.period.standing is not Standing.UNKNOWN)

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """What the screen shows, one after the other."""
        rows = {WallPage.LEVELS: self.levels, WallPage.QUEUES: self.queues, WallPage.ENTI: self.enti}
        return sheets(self.room.pages, rows)


def scope_of(room: Room) -> Scope:
    """What the screen may see: the enti chosen, or every ente of its contract."""
    if room.ente_ids:
        return Scope.of_enti(room.ente_ids, [room.contract_id])
    return Scope.of_contract(room.contract_id)


def read(session: Session, room: Room) -> WallView:
    """A screen's figures, in the scope of its room."""
    scope = Scope.of_enti(room.ente_ids, [room.contract_id])
    found = now.read(session, scope, frozenset())
    (contract,) = found.contracts
    shown = tuple(one for one in contract.queues if not room.queue_ids or one.queue_id in room.queue_ids)
    staffing = queues.staffing(session, scope.contracts)
    kept_back = untold(session, staffing)
    states: Mapping[AgentState, int] | None = None if None in kept_back else staffing.all
    if room.queue_ids:
        told = set(room.queue_ids) - kept_back
        states = _largest(staffing.queues.get(one, {}) for one in sorted(told)) if told else None
    enti: tuple[EnteRow, ...] = ()
    if WallPage.ENTI in room.pages:
        of = Scope.of_enti(room.ente_ids or enti_of(session, room.contract_id), [room.contract_id])
        enti = board.read(session, of).enti
    return WallView(
        room, contract, summed(shown) if room.queue_ids else contract.total, shown, enti, states,
        found.carrier_silent_since is not None, found.topics | {topics.carrier()},
    )  # fmt: skip


def render(runtime: Runtime, room: Room) -> Rendered:
    """The screen's one region."""
    with runtime.database.begin(scope_of(room)) as session:
        view = read(session, room)
    html = fragment("walls/wall.html", room.language, view=view, states=tuple(AgentState), pages=tuple(WallPage))
    return Rendered({"wall": html}, view.topics)


def summed(rows: Iterable[QueueNow]) -> QueueNow:
    """Some queues as one. Pure."""
    rows = list(rows)
    first = QueueNow(None, None, 0, None, 0, 0, Counts(), Counts())
    return replace(
        first, waiting=sum(one.waiting for one in rows),
        since=min((one.since for one in rows if one.since), default=None),
        talking=sum(one.talking for one in rows), away=sum(one.away for one in rows),
        hour=sum((one.hour for one in rows), Counts()), today=sum((one.today for one in rows), Counts()),
    )  # fmt: skip


def _largest(those: Iterable[Mapping[AgentState, int]]) -> dict[AgentState, int]:
    """Agents of several queues are the same people as a rule: the queue with most of each state stands for all."""
    found: dict[AgentState, int] = {}
    for states in those:
        for state, count in states.items():
            found[state] = max(found.get(state, 0), count)
    return found
