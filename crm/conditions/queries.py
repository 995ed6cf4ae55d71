"""Reading what contracts agree besides their levels."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.conditions.agreed import Arrangement, Conditions, read
from crm.conditions.models import ContractCondition
from crm.core import clock
from crm.core.configuration import kept
from crm.enti import details


@dataclass(frozen=True, slots=True)
class Version:
    """Conditions from a day on, and who wrote them."""

    valid_from: date
    preset: str
    said: Conditions
    written_by: int | None
    written_at: datetime


@kept
def versions(session: Session, contract_id: int) -> tuple[Version, ...]:
    """All of them, the last of each day after those that it took the place of."""
    rows = session.scalars(
        select(ContractCondition)
        .where(ContractCondition.contract_id == contract_id)
        .order_by(ContractCondition.valid_from, ContractCondition.id)
    )
    return tuple(Version(row.valid_from, row.preset, read(row.kept), row.written_by, row.written_at) for row in rows)


def conditions(session: Session, contract_id: int, day: date | None = None) -> Conditions:
    """What holds on a day, else today."""
    on = day or clock.business_day(clock.now(session))
    return next((one.said for one in reversed(versions(session, contract_id)) if one.valid_from <= on), Conditions())


def arrangement(session: Session, contract_id: int) -> Arrangement:
    """What holds today, with the opening hours and the days of replacement that are in force."""
    return Arrangement(
        details.own_week(session, contract_id, None), details.contract_days(session, contract_id).replacement,
        conditions(session, contract_id),
    )  # fmt: skip


def writers(session: Session, contract_id: int) -> dict[int, str]:
    """The names of who wrote its versions."""
    return dict(access.named(session, {one.written_by for one in versions(session, contract_id) if one.written_by}))
