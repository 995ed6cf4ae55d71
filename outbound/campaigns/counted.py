"""Figures of large campaigns: counted once for everybody who looks, and kept for a while.

A figure is what the rows say; a kept one says when it was counted. Of campaigns that are not large nothing is kept.
Nobody waits for whoever counts anew: meanwhile others are shown what was counted last. Whatever counts and dies leaves
the last one as it was.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Select, delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.db import table_of
from outbound.campaigns.models import Campaign, CampaignFigure

T = TypeVar("T")
LARGE = 50_000  # rows that are counted, from which on a figure is kept
SHARE = 20  # it is kept this many times as long as counting it took: that takes a twentieth of a processor at the most
SHORTEST, LONGEST = timedelta(seconds=2), timedelta(minutes=10)
_F, _C = table_of(CampaignFigure), table_of(Campaign)


def kept_for(took_ms: float) -> timedelta:
    """How long a figure that took so long to count is shown. Pure."""
    return min(max(timedelta(milliseconds=SHARE * took_ms), SHORTEST), LONGEST)


def counted(
    session: Session, campaign_id: int, kind: str, adapter: TypeAdapter[T], count: Callable[[], T],
    *, rows: Callable[[T], int],
) -> T:  # fmt: skip
    """A figure of a campaign, as it is now or, of a large one, as it was counted a moment ago.

    `count` reads nothing but the campaign's, so that whoever sees the campaign sees the same; `rows`: how many it
    counted, none for a figure that is not to be kept, such as one that names somebody.
    """
    its = select(_F.c.at, _F.c.took_ms, _F.c.value).where(_F.c.campaign_id == campaign_id, _F.c.kind == kind)
    last = session.execute(its).one_or_none()
    if last is not None and (_fresh(session, last) or not _is_ours(session, its)):
        return adapter.validate_json(last.value)
    began = time.perf_counter()
    found = count()
    took_ms = (time.perf_counter() - began) * 1000
    if rows(found) >= LARGE:
        session.execute(_keep(session, campaign_id, kind, took_ms, adapter.dump_json(found).decode()))
    elif last is not None:
        session.execute(delete(_F).where(_F.c.campaign_id == campaign_id, _F.c.kind == kind))
    return found


def _is_ours(session: Session, its: Select[Any]) -> bool:
    """Whether this transaction is to count anew: nobody else does, or has done so since."""
    row = session.execute(its.with_for_update(skip_locked=True)).one_or_none()
    return row is not None and not _fresh(session, row)


def _fresh(session: Session, row: Any) -> bool:
    return bool(clock.now(session) - row.at < kept_for(row.took_ms))


def _keep(session: Session, campaign_id: int, kind: str, took_ms: float, value: str) -> Any:
    row: Select[Any] = select(
        _C.c.id, literal(kind), _C.c.ente_id, literal(clock.now(session)), literal(round(took_ms)), literal(value)
    ).where(_C.c.id == campaign_id)
    names = ["campaign_id", "kind", "ente_id", "at", "took_ms", "value"]
    new = insert(_F).from_select(names, row)
    anew = {name: new.excluded[name] for name in ("at", "took_ms", "value")}
    return new.on_conflict_do_update(index_elements=["campaign_id", "kind"], set_=anew)
