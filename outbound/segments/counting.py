"""How many a segment means, while somebody is still making it: within a second, exactly or nearly."""

from dataclasses import dataclass

from psycopg import errors
from sqlalchemy import Select, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm.core import clock
from outbound.segments.conditions import Segment
from outbound.segments.sql import About, members

PATIENCE_MS = 1_500
FEW = 10
SHARE = 64  # of whom one in so many is looked at, when all of them take too long


@dataclass(frozen=True, slots=True)
class Count:
    """How many; `exact` or judged by a part of them. None where even that takes too long. `few`: some of them."""

    people: int | None
    exact: bool
    few: tuple[int, ...] = ()


def count(session: Session, segment: Segment, *, ente_id: int, patience_ms: int = PATIENCE_MS) -> Count:
    """How many contacts of an ente a segment means now.

    An older count that nobody waits for any more ends by itself: none takes longer than `patience_ms`, twice.
    """
    about = About(ente_id, clock.now(session))
    if exactly := _within(session, members(segment, about), patience_ms):
        return Count(exactly[0], exact=True, few=exactly[1])
    if nearly := _within(session, members(segment, about, share=SHARE), patience_ms):
        return Count(nearly[0] * SHARE, exact=False, few=nearly[1])
    return Count(None, exact=False)


def swiftly(session: Session, *, at_most_ms: int = 0) -> None:
    """Plan what follows in this transaction for many rows: by hashes, without compiling anything first.

    The planner multiplies the ente of a query by the ente of the row policy, expects one contact, and would look each
    of a million up by itself. `at_most_ms`: what takes longer is broken off; 0: nothing is.
    """
    session.execute(_SWIFTLY, {"most": str(at_most_ms)})


_SWIFTLY = text(
    "SELECT set_config('jit', 'off', true), set_config('enable_nestloop', 'off', true),"
    " set_config('work_mem', '64MB', true), set_config('statement_timeout', :most, true)"
)
_AS_BEFORE = text(
    "SELECT set_config(name, reset_val, true) FROM pg_settings"
    " WHERE name IN ('jit', 'enable_nestloop', 'work_mem', 'statement_timeout')"
)


def _within(session: Session, chosen: Select[int], patience_ms: int) -> tuple[int, tuple[int, ...]] | None:
    """How many, and some of them. None: it took longer."""
    each = chosen.cte("each").prefix_with("MATERIALIZED", dialect="postgresql")
    some = func.array(select(each.c.contact_id).limit(FEW).scalar_subquery())
    try:
        with session.begin_nested():
            swiftly(session, at_most_ms=patience_ms)
            many, few = session.execute(select(select(func.count()).select_from(each).scalar_subquery(), some)).one()
            session.execute(_AS_BEFORE)
    except DBAPIError as error:
        if isinstance(error.orig, errors.QueryCanceled):
            return None
        raise
    return many, tuple(few)
