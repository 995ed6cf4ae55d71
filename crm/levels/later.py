"""Reading what was recorded after a period was closed: why its figures are not what they were."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Date, cast, func, select
from sqlalchemy.orm import Session

from crm.continuity import queries as continuity
from crm.core.clock import business_day, start_of_day
from crm.levels.closing import ONE_DAY, Closed
from crm.levels.differences import Difference, Learnt, Shift, WhyChanged, differences, shifts
from crm.levels.evidence import PER_CALL, callers_of
from crm.levels.known import Evidence
from crm.levels.metering import Callers, FactKind
from crm.levels.models import ContractEvent, ServiceFact


@dataclass(frozen=True, slots=True)
class Changes:
    """What is not as it was when a period was closed: of its calls, and of everything else."""

    of_days: tuple[Difference, ...] = ()
    of_period: tuple[Shift, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.of_days or self.of_period)

    def __len__(self) -> int:
        return len(self.of_days) + len(self.of_period)


def changes(session: Session, contract_id: int, ente_id: int | None, kept: Closed, now: Evidence) -> Changes:
    """What is known of a closed period `now` and was not then, each figure with its causes.

    They are told by what the session sees: of a call that went to another ente, that it went.
    """
    then = kept.frozen.evidence
    days, whole = list(differences(then, now)), list(shifts(then, now))
    if not days and not whole:
        return Changes()
    learnt = Learnt(
        _of_calls(session, contract_id, kept, {one.day for one in days}) if days else {},
        _of_hours(session, contract_id, ente_id, kept) if whole else frozenset(),
    )
    return Changes(tuple(differences(then, now, learnt)), tuple(shifts(then, now, learnt)))


def _of_calls(
    session: Session, contract_id: int, kept: Closed, days: Collection[date]
) -> dict[tuple[date, Callers], frozenset[WhyChanged]]:
    """Why the counters of these days changed: by the facts of their calls that were written after the closing."""
    since, until = start_of_day(min(days)), start_of_day(max(days) + ONE_DAY)
    received, later = ServiceFact.__table__.alias("received"), ServiceFact.__table__.alias("later")
    day = cast(func.timezone("Europe/Rome", received.c.occurred_at), Date)
    rows = session.execute(
        select(day, received.c.callers, later.c.kind, later.c.imported, later.c.repaired)
        .distinct()
        .join(later, later.c.subject == received.c.subject)
        .where(
            received.c.contract_id == contract_id, received.c.kind == FactKind.RECEIVED,
            received.c.occurred_at >= since, received.c.occurred_at < until, later.c.recorded_at > kept.closed_at,
        )
    )  # fmt: skip
    found: dict[tuple[date, Callers], set[WhyChanged]] = {}
    for on, callers, kind, imported, repaired in rows:
        found.setdefault((on, callers), set()).add(_why(kind, imported=imported, repaired=repaired))
    for key in _of_events(session, contract_id, kept, since, until) - set(found):
        found[key] = {WhyChanged.LATE}
    return {key: frozenset(causes) for key, causes in found.items()}


def _why(kind: FactKind, *, imported: bool, repaired: bool) -> WhyChanged:
    if imported:
        return WhyChanged.IMPORTED
    if kind in {FactKind.MOVED, FactKind.ATTRIBUTED}:
        return WhyChanged.ATTRIBUTED
    return WhyChanged.REPAIRED if repaired else WhyChanged.LATE


def _of_events(
    session: Session, contract_id: int, kept: Closed, since: datetime, until: datetime
) -> set[tuple[date, Callers]]:
    """The days on which a limit turned out later to have been passed, or not to have been."""
    rows = session.execute(
        select(ContractEvent.occurred_at, ContractEvent.subject).where(
            ContractEvent.contract_id == contract_id, ContractEvent.kind.in_(PER_CALL),
            ContractEvent.occurred_at >= since, ContractEvent.occurred_at < until,
            (ContractEvent.recorded_at > kept.closed_at) | (ContractEvent.withdrawn_at > kept.closed_at),
        )
    ).all()  # fmt: skip
    whose = callers_of(session, {UUID(row.subject) for row in rows})
    return {(business_day(row.occurred_at), whose.get(UUID(row.subject), Callers.LANDLINE)) for row in rows}


def _of_hours(session: Session, contract_id: int, ente_id: int | None, kept: Closed) -> frozenset[WhyChanged]:
    """What was learnt after the closing of what had interrupted the service."""
    since, until, at = start_of_day(kept.first), start_of_day(kept.last + ONE_DAY), kept.closed_at
    found: set[WhyChanged] = set()
    if continuity.learnt_since(session, at, since=since, until=until):
        found.add(WhyChanged.INTERRUPTION_FOUND)
    if continuity.decided_since(session, at, contract_id, ente_id, since=since, until=until):
        found.add(WhyChanged.INTERRUPTION_AGREED)
    return frozenset(found)
