"""Reading what became of a campaign's messages."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.orm import Session

from crm.core.db import table_of
from crm.messages.models import Message, MessageState
from crm.messages.models import Reason as Failure
from outbound.campaigns.counted import counted
from outbound.campaigns.models import WrittenAttempt
from outbound.compliance.rules import Reason, Written
from outbound.messages.cost import Tally

_W, _M = table_of(WrittenAttempt), table_of(Message)
_WHY: ColumnElement[str | None] = literal_column("written_attempt.reasons[1]")  # the first one; none: it was written


@dataclass(slots=True)
class Became:
    """What became of the messages of a channel: how many stand how, why they failed, why others were not written."""

    states: dict[MessageState, int] = field(default_factory=dict)
    failures: dict[Failure, int] = field(default_factory=dict)
    refused: dict[Reason, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    last_at: datetime | None = None

    @property
    def on_the_way(self) -> int:
        """Owed, being sent, or nobody knows yet."""
        return sum(self.states.get(one, 0) for one in (MessageState.OWED, MessageState.SENDING, MessageState.UNKNOWN))


_BECAME = TypeAdapter(dict[Written, Became])


def became(session: Session, campaign_id: int) -> Mapping[Written, Became]:
    """By channel, of those that were used; of a large campaign, as it was counted a moment ago."""

    def rows(found: Mapping[Written, Became]) -> int:
        return sum(one.tally.messages + sum(one.refused.values()) for one in found.values())

    return counted(session, campaign_id, "became", _BECAME, partial(became_now, session, campaign_id), rows=rows)


def became_now(session: Session, campaign_id: int) -> dict[Written, Became]:
    """The same as it is now, however long counting takes."""
    rows = session.execute(
        select(
            _W.c.channel, _W.c.begun, _WHY.label("why"), _M.c.state, _M.c.reason, func.count().label("n"),
            func.sum(_W.c.parts).label("parts"), func.sum(_W.c.cost).label("cost"), func.max(_W.c.at).label("last"),
        )
        .outerjoin(_M, _M.c.id == _W.c.item_id)
        .where(_W.c.campaign_id == campaign_id)
        .group_by(_W.c.channel, _W.c.begun, _WHY, _M.c.state, _M.c.reason)
        .order_by(func.count().desc())
    )  # fmt: skip
    found: dict[Written, Became] = defaultdict(Became)
    for row in rows:
        one = found[row.channel]
        if not row.begun:
            why = Reason(row.why)
            one.refused[why] = one.refused.get(why, 0) + row.n
            continue
        one.tally = Tally(one.tally.messages + row.n, one.tally.parts + row.parts, one.tally.cost + int(row.cost))
        one.last_at = max(filter(None, (one.last_at, row.last)))
        if row.state is not None:
            one.states[row.state] = one.states.get(row.state, 0) + row.n
        if row.reason is not None:
            one.failures[row.reason] = one.failures.get(row.reason, 0) + row.n
    return dict(found)
