"""Reading conversations by SMS as they stand, and how those of a day went. They are in no figure of the telephone's."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, bindparam, func, or_, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.core import clock
from crm.core.db import table_of
from telephony.queues.figures import figures_locked
from telephony.texts import settings
from telephony.texts.models import Closed, TextThread, ThreadState

_THREAD = table_of(TextThread)
_OURS = _THREAD.c.contract_id == func.any(bindparam("contracts", type_=ARRAY(BigInteger)))
_WAITS = _THREAD.c.state.in_((ThreadState.WAITING, ThreadState.OFFERED))
_IN_TIME = or_(_THREAD.c.not_before.is_(None), _THREAD.c.not_before <= bindparam("now"))
_LIVE = select(
    func.count().filter(_WAITS, _IN_TIME), func.count().filter(_WAITS, ~_IN_TIME),
    func.min(_THREAD.c.waiting_since).filter(_WAITS, _IN_TIME), func.count().filter(~_WAITS),
).where(_OURS, _THREAD.c.state != ThreadState.CLOSED)  # fmt: skip
_DAY = select(
    func.count(), func.count(_THREAD.c.answered_at), func.count().filter(_THREAD.c.closed == Closed.FULL),
    func.avg(_THREAD.c.waited_ms).filter(_THREAD.c.taken_at.is_not(None)),
).where(_OURS, _THREAD.c.begun_at >= bindparam("since"), _THREAD.c.metered)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TextFigures:
    """Threads now, and those begun today while the line was open. `wait_ms`: up to the taking, of those taken."""

    waiting: int
    until_opening: int  # wait for the line to open
    since: datetime | None
    under_way: int
    received: int
    answered: int
    refused: int
    wait_ms: Decimal | None


@dataclass(frozen=True, slots=True)
class LiveText:
    """A thread as a supervisor sees it; not with whom."""

    id: UUID
    ente_id: int | None
    queue_id: int
    state: ThreadState
    agent: str | None  # none where single figures are locked, too
    taken: bool
    since: datetime  # the citizen's last word


def figures(session: Session, contract_ids: frozenset[int]) -> TextFigures | None:
    """How it stands in these contracts, as far as the scope sees; none where none holds conversations by SMS."""
    if not contract_ids & settings.all_settings(session).keys():
        return None
    now = clock.now(session)
    since = clock.start_of_day(clock.business_day(now))
    ours = {"contracts": sorted(contract_ids), "now": now, "since": since}
    live, day = session.execute(_LIVE, ours).one(), session.execute(_DAY, ours).one()
    return TextFigures(*live, *day)


def live(session: Session, contract_ids: frozenset[int]) -> list[LiveText]:
    """The threads that are not closed: who waits for an answer for longest comes first."""
    rows = session.execute(
        select(
            _THREAD.c.id, _THREAD.c.ente_id, _THREAD.c.queue_id, _THREAD.c.state, _THREAD.c.agent_id, _THREAD.c.wrote_at
        )
        .where(_THREAD.c.contract_id.in_(contract_ids), _THREAD.c.state != ThreadState.CLOSED)
        .order_by(_THREAD.c.replied_at.is_not(None), _THREAD.c.wrote_at)
        .limit(200)
    ).all()
    locks = figures_locked(session, {row.agent_id for row in rows if row.agent_id is not None})
    names = access.named(session, [one for one, why in locks.items() if why is None])
    return [
        LiveText(
            row.id, row.ente_id, row.queue_id, row.state, names.get(row.agent_id), row.agent_id is not None,
            row.wrote_at,
        )
        for row in rows
    ]  # fmt: skip
