"""The versions of a contract's levels, as their history shows them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from crm.levels.agreement import Agreement, Promise
from crm.levels.metering import Callers
from crm.levels.metrics import METRICS, MetricName, Unit
from crm.levels.queries import Written


class Fate(StrEnum):
    """What became of a version."""

    CURRENT = "current"
    COMING = "coming"
    PAST = "past"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Shown:
    """A level in words. `metric` is none for a name that the product does not know."""

    promise: Promise
    metric: MetricName | None
    unit: Unit
    callers: Callers | None


@dataclass(frozen=True, slots=True)
class Version:
    """A version with its levels."""

    written: Written
    fate: Fate
    levels: tuple[Shown, ...]

    @property
    def agreement(self) -> Agreement:
        """What it promises."""
        return self.written.agreement


def history(versions: Iterable[Written], current: Agreement | None, today: date) -> list[Version]:
    """All that were ever written, in their order."""
    return [Version(one, _fate(one, current, today), tuple(map(_shown, one.agreement.levels))) for one in versions]


def _fate(one: Written, current: Agreement | None, today: date) -> Fate:
    if one.withdrawn_at is not None:
        return Fate.WITHDRAWN
    if one.replaced_at is not None:
        return Fate.REPLACED
    if current is not None and one.agreement.id == current.id:
        return Fate.CURRENT
    return Fate.COMING if one.agreement.valid_from > today else Fate.PAST


def _shown(one: Promise) -> Shown:
    known = one.metric in METRICS
    return Shown(
        one, MetricName(one.metric) if known else None, METRICS[one.metric].unit if known else Unit.CONTACTS,
        None if one.callers is None else Callers(one.callers),
    )  # fmt: skip
