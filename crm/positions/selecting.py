"""Positions by what is true of them, as SQL: the twin of `crm.positions.summary`, which says the same of one position.

For whoever selects among a million: nothing here reads a row. `today` is a day in Rome.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from crm.core.db import table_of
from crm.positions.models import NotificationState, Position, PositionState
from crm.positions.summary import ENFORCEABLE, EXTINCT, HALTED, LATE, PlanStanding, Standing

_P = table_of(Position)
CONTACT, TAX, YEAR, ACT_KIND, STATE = _P.c.contact_id, _P.c.tax, _P.c.year, _P.c.act_kind, _P.c.state
NOTIFICATION, DUE_ON, NOTIFIED_ON = _P.c.notification, _P.c.due_on, _P.c.notified_on
# What is still owed of a position, in cents.
OWED: ColumnElement[int] = case((STATE.in_(EXTINCT), 0), else_=_P.c.residual_cents)
_UNPAID_BEFORE: ColumnElement[str] = literal_column(
    "'$[*] ? ((!exists(@.paid_on) || @.paid_on == null) && @.due_on < $today)'::jsonpath"
)
_IN_PLAN = STATE == PositionState.IN_INSTALMENTS
_LAPSED = _P.c.plan["lapsed_on"].astext.is_not(None)


def standing(today: date) -> ColumnElement[str]:
    """A `Standing`."""
    late = case((DUE_ON.is_(None), or_(STATE.in_(LATE), _LAPSED)), else_=today > DUE_ON)
    return case(
        (STATE.in_(EXTINCT), Standing.PAID.value),
        (STATE.in_(HALTED), Standing.SUSPENDED.value),
        (and_(_IN_PLAN, ~_LAPSED), Standing.IN_INSTALMENTS.value),
        (late, Standing.OVERDUE.value),
        else_=Standing.DUE.value,
    )


def plan_standing(today: date) -> ColumnElement[str]:
    """A `PlanStanding`."""
    about = cast({"today": today.isoformat()}, JSONB)
    return case(
        (~_IN_PLAN, PlanStanding.NONE.value),
        (_LAPSED, PlanStanding.LAPSED.value),
        (func.jsonb_path_exists(_P.c.instalments, _UNPAID_BEFORE, about), PlanStanding.LATE.value),
        else_=PlanStanding.KEPT.value,
    )


def to_collect(today: date) -> ColumnElement[bool]:
    """See `summary.is_to_collect`."""
    return and_(
        ACT_KIND.in_(ENFORCEABLE), NOTIFICATION == NotificationState.NOTIFIED,
        STATE != PositionState.IN_LITIGATION, standing(today) == Standing.OVERDUE.value, OWED > 0,
    )  # fmt: skip


def owed_in_all() -> ColumnElement[int]:
    """Of those positions of a contact that are chosen, together."""
    return func.sum(OWED)


def how_many() -> ColumnElement[int]:
    """How many of a contact's positions are chosen."""
    return func.count()


def owners(ente_id: int, *which: ColumnElement[bool], together: Iterable[ColumnElement[bool]] = ()) -> Select[int]:
    """The contacts of an ente with positions of which all of `which` holds, and of those positions all of `together`.

    What the collection system has withdrawn is no position.
    """
    found = select(CONTACT).where(_P.c.ente_id == ente_id, _P.c.withdrawn_as_of.is_(None), *which)
    return found.group_by(CONTACT).having(and_(True, *together))
