"""Figures of large campaigns: counted once for everybody who looks, and kept for a while.

A figure is what the rows say; a kept one says when it was counted. Of campaigns that are not large nothing is kept.
Nobody waits for whoever counts anew: meanwhile others are shown what was counted last. Whatever counts and dies leaves
the last one as it was.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

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


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """A figure as it was counted at an instant; `fresh`: it need not be counted anew yet."""

    value: T
    at: datetime
    fresh: bool


def last(session: Session, campaign_id: int, kind: str, adapter: TypeAdapter[T]) -> Kept[T] | None:
    """A figure as it was counted last; none: it never was."""
    row = session.execute(_its(campaign_id, kind)).one_or_none()
    return None if row is None else Kept(adapter.validate_json(row.value), row.at, _fresh(session, row))


def keep(
    session: Session, campaign_id: int, kind: str, adapter: TypeAdapter[T], value: T, *, took_ms: float
) -> None:  # fmt: skip
    """It was counted just now, in so long."""
    session.execute(_keep(session, campaign_id, kind, took_ms, adapter.dump_json(value).decode()))


def counted(
    session: Session, campaign_id: int, kind: str, adapter: TypeAdapter[T], count: Callable[[], T],
    *, rows: Callable[[T], int],
) -> T:  # fmt: skip
    """A figure of a campaign, as it is now or, of a large one, as it was counted a moment ago.

    `count` reads nothing but the campaign's, so that whoever sees the campaign sees the same; `rows`: how many it
    counted, none for a figure that is not to be kept, such as one that names somebody.
    """
    its = _its(campaign_id, kind)
    row = session.execute(its).one_or_none()
    if row is not None and (_fresh(session, row) or not _is_ours(session, its)):
        return adapter.validate_json(row.value)
    began = time.perf_counter()
    found = count()
    took_ms = (time.perf_counter() - began) * 1000
    if rows(found) >= LARGE:
        keep(session, campaign_id, kind, adapter, found, took_ms=took_ms)
    elif row is not None:
        session.execute(delete(_F).where(_F.c.campaign_id == campaign_id, _F.c.kind == kind))
    return found


def _its(campaign_id: int, kind: str) -> Select[Any]:
    return select(_F.c.at, _F.c.took_ms, _F.c.value).where(_F.c.campaign_id == campaign_id, _F.c.kind == kind)


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
