"""Reading when external calendars are busy."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas.external.models import BusyTime
from crm.agendas.plan import Open
from crm.agendas.times import Stretch, without
from crm.core import clock
from crm.core.db import table_of

_BUSY = table_of(BusyTime)


class Busy(NamedTuple):
    """When an office, or (not none) one of its desks, is busy elsewhere."""

    office_id: int
    desk_id: int | None
    when: Stretch


def busy(session: Session, office_ids: Collection[int], first: date, last: date) -> list[Busy]:
    """When these offices are busy on these days, in order."""
    rows = session.execute(
        select(_BUSY.c.office_id, _BUSY.c.desk_id, _BUSY.c.starts_at, _BUSY.c.ends_at).where(
            _BUSY.c.office_id.in_(office_ids), _BUSY.c.ends_at > clock.start_of_day(first),
            _BUSY.c.starts_at < clock.start_of_day(last + timedelta(days=1)),
        ).order_by(_BUSY.c.starts_at, _BUSY.c.calendar_id)
    )  # fmt: skip
    return [Busy(row.office_id, row.desk_id, Stretch(row.starts_at, row.ends_at)) for row in rows]


def left_open(opened: Iterable[Open], busy: Collection[Busy]) -> list[Open]:
    """What is open besides. Pure."""
    if not busy:
        return list(opened)
    return [
        replace(one, when=part)
        for one in opened
        for part in without(one.when, [each.when for each in busy if each.desk_id in {None, one.desk_id}])
    ]
