"""Reading thresholds, alerts and browsers."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from crm.access import queries as access
from crm.access.permissions import Principal
from telephony.alerts.models import Alert, AlertRule, PushSubscription

MOST_SHOWN = 200


class Which(StrEnum):
    """Of the alerts, which."""

    STANDING = "standing"  # not over yet
    UNSEEN = "unseen"  # nobody has taken notice
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert with its threshold, and who has taken notice."""

    id: int
    rule: AlertRule
    measured: Decimal
    raised_at: datetime
    cleared_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str


def rules(session: Session, contract_ids: Collection[int]) -> list[AlertRule]:
    """The thresholds that are looked at, in the order in which they were written."""
    return list(
        session.scalars(
            select(AlertRule)
            .where(AlertRule.contract_id.in_(contract_ids), AlertRule.ended_at.is_(None))
            .order_by(AlertRule.contract_id, AlertRule.id)
            .execution_options(populate_existing=True)
        )
    )


def standing(session: Session, contract_ids: Collection[int]) -> list[Raised]:
    """Alerts that stand, the newest first."""
    return _found(session, Alert.contract_id.in_(contract_ids) & Alert.cleared_at.is_(None))


def history(
    session: Session, contract_ids: Collection[int], *, which: Which = Which.ALL, since: datetime, until: datetime
) -> list[Raised]:
    """The alerts raised in a period, the newest first, `MOST_SHOWN` at the most; those that stand, since whenever."""
    where = Alert.contract_id.in_(contract_ids) & (Alert.raised_at < until)
    if which is Which.STANDING:
        return _found(session, where & Alert.cleared_at.is_(None))
    if which is Which.UNSEEN:
        where &= Alert.acknowledged_at.is_(None)
    return _found(session, where & (Alert.raised_at >= since))


def browsers(session: Session, by: Principal) -> list[PushSubscription]:
    """Where a user is told."""
    mine = PushSubscription.user_id == by.user_id, PushSubscription.ended_at.is_(None)
    return list(session.scalars(select(PushSubscription).where(*mine).order_by(PushSubscription.id)))


def _found(session: Session, where: ColumnElement[bool]) -> list[Raised]:
    rows = session.execute(
        select(Alert, AlertRule)
        .join(AlertRule, AlertRule.id == Alert.rule_id)
        .where(where)
        .order_by(Alert.raised_at.desc(), Alert.id.desc())
        .limit(MOST_SHOWN)
        .execution_options(populate_existing=True)
    ).all()
    names = access.named(session, {one.acknowledged_by for one, _ in rows if one.acknowledged_by is not None})
    return [
        Raised(
            one.id, rule, one.measured, one.raised_at, one.cleared_at, names.get(one.acknowledged_by or 0),
            one.acknowledged_at, one.note,
        )
        for one, rule in rows
    ]  # fmt: skip
