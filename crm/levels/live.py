"""How a contract's levels stand just now, in this hour, today and in their period: what the live board shows."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from sqlalchemy.orm import Session

from crm.core import clock
from crm.levels import queries
from crm.levels.agreement import Agreement, Promise, in_force
from crm.levels.closing import ONE_DAY, Days
from crm.levels.judgement import is_judged, judge
from crm.levels.known import Evidence
from crm.levels.metering import Callers, Counts, hour_of, quarter_of
from crm.levels.metrics import LONGEST_WAIT, QUEUE_CAP
from crm.levels.terms import Terms
from crm.levels.terms import in_force as terms_in_force
from crm.levels.verdicts import Verdict, standing_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """Callers of one kind who wait now for one ente. `longest_ms`: how long the first of them has waited in all."""

    ente_id: int | None
    callers: Callers
    count: int
    longest_ms: int


@dataclass(frozen=True, slots=True)
class LiveLevel:
    """One level. `now` is the queue as it stands, and of a share the running quarter hour."""

    promise: Promise
    now: Verdict
    hour: Verdict
    today: Verdict
    period: Verdict

    @property
    def spendable(self) -> int | None:
        """How many more calls, or days, may go wrong before the period's level is missed."""
        return self.period.spendable if self.period.whole is not None else None


@dataclass(frozen=True, slots=True)
class LiveLevels:
    """Those of a contract that something feeds, with the days of the period they are summed up in."""

    contract_id: int
    agreement: Agreement
    terms: Terms
    hour: datetime
    levels: tuple[LiveLevel, ...]


def live(session: Session, contract_id: int, days: Days, waiting: Collection[Waiting]) -> LiveLevels | None:
    """How each level of a contract stands; none when it promises nothing. `days` reads what is known of some days."""
    at = clock.now(session)
    today = clock.business_day(at)
    agreement = in_force(queries.agreements(session, frozenset({contract_id})), today)
    if agreement is None:
        return None
    terms = terms_in_force(queries.terms(session, contract_id), at)
    hour, quarter = hour_of(at), quarter_of(at)
    counted = queries.quarters_by_callers(session, contract_id, hour)
    day = days(today, today + ONE_DAY)
    of_hour = _of_part(day, counted.values(), since=hour)
    of_quarter = _of_part(day, [counted.get(quarter, {})], since=quarter)
    return LiveLevels(
        contract_id, agreement, terms, hour,
        tuple(
            LiveLevel(
                one, now_of(one, of_quarter, terms, waiting), judge(_each_counts(one), of_hour, terms),
                judge(_each_counts(one), day, terms),
                judge(one, days(*(one.period or agreement.period).around(today)), terms),
            )
            for one in agreement.levels
            if is_judged(one)
        ),
    )  # fmt: skip


def now_of(promise: Promise, running: Evidence, terms: Terms, waiting: Iterable[Waiting]) -> Verdict:
    """How a level stands at this instant. Pure."""
    mine = [one for one in waiting if promise.is_for(one.callers)]
    if promise.metric == LONGEST_WAIT:
        longest = Decimal(max((one.longest_ms for one in mine), default=0)) / 1000
        return Verdict(promise, standing_of(promise, longest), longest)
    if promise.metric == QUEUE_CAP:  # counts an ente's whole call centre
        by_ente: Counter[int | None] = Counter()
        for one in mine:
            by_ente[one.ente_id] += one.count
        most = Decimal(max(by_ente.values(), default=0))
        return Verdict(promise, standing_of(promise, most), most)
    return judge(promise, running, terms)


def _of_part(day: Evidence, counted: Iterable[dict[Callers, Counts]], *, since: datetime) -> Evidence:
    """What is known of the part of a day since an instant: its calls and its events, nothing about whole days."""
    total: dict[Callers, Counts] = {}
    for by_callers in counted:
        for callers, counts in by_callers.items():
            total[callers] = total.get(callers, Counts()) + counts
    return Evidence(
        service_days=day.service_days, days={since.date(): total} if total else {},
        breaches=tuple(one for one in day.breaches if one.occurred_at >= since),
    )  # fmt: skip


def _each_counts(promise: Promise) -> Promise:
    """The level as it is looked at within a day: a share of days says nothing there, so each call counts."""
    return promise if promise.share_of_days is None else replace(promise, share_of_days=None)
