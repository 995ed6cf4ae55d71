"""How a contract's levels stood in a period, and what is owed where they were missed. Pure.

A level without figures is *unknown*, neither kept nor missed. Nothing here reads a clock: a period that is still
running is judged by what it holds so far, and by the service days that it will have.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated

from pydantic import Field

from crm.core.clock import start_of_day
from crm.enti.calendar import INSTANT
from crm.levels import formulas
from crm.levels.agreement import Agreement, Promise
from crm.levels.formulas import NEAR, Standing
from crm.levels.metering import Callers, Counts
from crm.levels.metrics import (
    ANSWERED_WITHIN,
    AVAILABLE,
    LONGEST_WAIT,
    LOST,
    QUEUE_CAP,
    SATISFIED,
    WAITING_OVER,
    MetricName,
)
from crm.levels.terms import Terms

ONE = Decimal(1)
MS_PER_MINUTE = 60_000
BELOW = frozenset({"<", "<="})
UNLESS_EMPTY = Field(exclude_if=lambda known: not known)  # what was kept before it was known keeps its seal


@dataclass(frozen=True, slots=True)
class Breach:
    """One call that passed a limit: when, by how much, and whose it was. Or a day at the desks (`subject` is its date):
    `enti` are those at whose offices it was over; none in what was kept before that was known.
    """

    metric: str
    subject: str
    day: date
    occurred_at: datetime
    measured: Decimal
    callers: Callers
    ente_id: int | None = None
    queue_id: int | None = None
    enti: Annotated[tuple[int, ...], UNLESS_EMPTY] = ()


@dataclass(frozen=True, slots=True)
class Continuity:
    """What the system measured of itself in a period; none where it did not measure yet.

    `interruptions` are minutes each, `notices` hours from a beginning until users were told; of those that the ente
    agreed not to count, neither. `pages` and `pages_failed`: how long pages were to answer, day and night, and how
    long they did not. `restored` is how many hours the last drill of a restore took.
    """

    interruptions: tuple[Decimal, ...] = ()
    notices: tuple[Decimal, ...] = ()
    pages: timedelta = timedelta()
    pages_failed: timedelta = timedelta()
    restored: Decimal | None = None

    def then(self, later: "Continuity") -> "Continuity":
        """Of this period and of the one after it. An interruption that goes on from one to the other is in both."""
        return Continuity(
            self.interruptions + later.interruptions, self.notices + later.notices,
            self.pages + later.pages, self.pages_failed + later.pages_failed,
            self.restored if later.restored is None else later.restored,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class AtDesks:
    """What happened at the desks of the offices in a period; none where nobody was called and nothing was sampled.

    `longest`: of each day on which anybody was called, the longest wait of whoever was, in seconds; `of_enti`: of each
    day the same at the offices of each ente.
    `served` people were served for `served_s` seconds together. `lead`: of the daily samples of each office and
    service, the most working days until the first appointment that could be had.
    """

    longest: Mapping[date, int] = field(default_factory=dict)
    served: int = 0
    served_s: int = 0
    lead: int | None = None
    of_enti: Annotated[Mapping[date, Mapping[int, int]], UNLESS_EMPTY] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outbound:
    """Calls that campaigns placed, and for how long operators worked for them while somebody could be called."""

    attempts: int
    staffed_ms: int

    @property
    def an_hour(self) -> Decimal | None:
        """Calls by the hour of an operator's time; none of no time."""
        return formulas.outbound_per_hour(self.attempts, self.staffed_ms)

    def __add__(self, other: "Outbound") -> "Outbound":
        return Outbound(self.attempts + other.attempts, self.staffed_ms + other.staffed_ms)


@dataclass(frozen=True, slots=True)
class Unfit:
    """An agent who visits was found unfit for an ente: how many working days it took until he was removed, and until
    somebody took his place; of what is still owed as many as have passed once it is late, and none before.
    """

    id: int
    ente_id: int
    found_on: date
    removed: int | None
    replaced: int | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of a period: its service days, its calls by day and caller, the limits that were passed.

    `service_days` are those on which the lines were to be open, to the period's end. `promised` and `failed`: how long
    they were to be open so far, and how long of that they were not, or nobody of ours was there, without the ente's
    consent. `marks`: how many of
    those asked were content, and how many answered; none where nobody is asked. `desks`: of the offices. `outbound`: of
    campaigns; none where nobody was to be called. `unfit`: the agents who were found so.
    """

    service_days: tuple[date, ...] = ()
    days: Mapping[date, Mapping[Callers, Counts]] = field(default_factory=dict)
    breaches: tuple[Breach, ...] = ()
    promised: timedelta = timedelta()
    failed: timedelta = timedelta()
    marks: tuple[int, int] | None = None
    continuity: Continuity | None = None
    desks: AtDesks | None = None
    outbound: Annotated[Outbound | None, UNLESS_EMPTY] = None
    unfit: Annotated[tuple[Unfit, ...], UNLESS_EMPTY] = ()

    def counts(self, promise: Promise) -> Counts:
        """The calls that a level is about."""
        return sum(
            (counts for day in self.days.values() for callers, counts in day.items() if promise.is_for(callers)),
            Counts(),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one level stands.

    `part` of `whole` is the figure behind a share, or the days over the limit of all service days. `spendable`: how
    much more may go wrong before the level is missed. `breaches` passed the limit; of those `penalised` are paid for.
    """

    promise: Promise
    standing: Standing = Standing.UNKNOWN
    measured: Decimal | None = None
    part: int | None = None
    whole: int | None = None
    spendable: int | None = None
    breaches: tuple[Breach, ...] = ()
    penalised: tuple[Breach, ...] = ()
    span: Annotated[tuple[date, date] | None, Field(exclude_if=lambda known: known is None)] = None


Judge = Callable[[Promise, Evidence, Terms], Verdict]


def judge(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    """How a level stands by this evidence."""
    judged = _JUDGES.get(promise.metric)
    return Verdict(promise) if judged is None else judged(promise, evidence, terms)


def is_judged(promise: Promise) -> bool:
    """Whether anything feeds its metric yet."""
    return promise.metric in _JUDGES


def judge_all(levels: Iterable[Promise], evidence: Evidence, terms: Terms) -> tuple[Verdict, ...]:
    """Each level, in its order."""
    return tuple(judge(one, evidence, terms) for one in levels)


@dataclass(frozen=True, slots=True)
class Penalty:
    """What is owed for one level. `euro` is none while the contract's value is not known."""

    promise: Promise
    breaches: tuple[Breach, ...]
    per_mille: Decimal
    euro: Decimal | None


def penalties(
    agreement: Agreement, verdicts: Iterable[Verdict], *, excluded: Collection[tuple[str, str]] = ()
) -> tuple[Penalty, ...]:
    """What is owed for each level that has a penalty, with the calls behind it.

    A call that misses several levels of one group is paid for once, under the first of them. `excluded`: metric and
    subject of what the ente agreed to leave out; of one group, the call is left out of all.
    """
    verdicts = list(verdicts)
    out = {
        (one.promise.penalty_group, breach.subject)
        for one in verdicts
        for breach in one.penalised
        if one.promise.penalty_group and (breach.metric, breach.subject) in excluded
    }
    paid: set[tuple[str, str]] = set()
    owed = []
    for verdict in verdicts:
        promise = verdict.promise
        if promise.penalty_per_mille is None:
            continue
        mine = []
        for breach in verdict.penalised:
            group = (promise.penalty_group, breach.subject)
            if (breach.metric, breach.subject) in excluded or (promise.penalty_group and group in paid | out):
                continue
            paid.add(group)
            mine.append(breach)
        per_mille = promise.penalty_per_mille * len(mine)
        euro = None if agreement.net_value is None else (agreement.net_value * per_mille / 1000).quantize(CENT)
        owed.append(Penalty(promise, tuple(mine), per_mille, euro))
    return tuple(owed)


CENT = Decimal("0.01")


def tolerated_days(share: Decimal, service_days: int) -> int:
    """How many of so many service days may be over the limit while it holds on that share of them."""
    return int((ONE - share) * service_days)


def _bad_share(promise: Promise, part: int, whole: int) -> Verdict:
    if not whole:
        return Verdict(promise, part=part, whole=whole)
    share = Decimal(part) / whole
    left = formulas.spendable(part, whole, promise.target, strict=promise.op == "<") if promise.op in BELOW else 0
    return Verdict(promise, standing_of(promise, share), share, part, whole, left)


def standing_of(promise: Promise, measured: Decimal) -> Standing:
    """How a figure stands against a level's limit."""
    if not promise.holds(measured):
        return Standing.BROKEN
    if promise.op.startswith("<"):
        near = promise.target > 0 and measured >= promise.target * NEAR
    elif promise.target < 1:  # a share that must be high is near its limit when what it lacks is
        near = ONE - measured >= (ONE - promise.target) * NEAR
    else:
        near = measured * NEAR <= promise.target
    return Standing.NEAR if near else Standing.GOOD


def _of_days(promise: Promise, over: int, days: int) -> tuple[Standing, int]:
    """How a level stands that has to hold on a share of so many days and was missed on some; on how many it may be."""
    allowed = tolerated_days(promise.share_of_days or ONE, days)
    if over > allowed:
        return Standing.BROKEN, allowed
    return Standing.NEAR if over and over >= allowed * NEAR else Standing.GOOD, allowed


def _day_by_day(judged: Judge) -> Judge:
    """A share of calls may have to hold on a share of the service days: each is judged by its own calls then."""

    def judge_days(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
        if promise.share_of_days is None:
            return judged(promise, evidence, terms)
        each = replace(promise, share_of_days=None)
        figures = [
            found.measured
            for day in evidence.service_days
            if (found := judged(each, Evidence(days={day: evidence.days.get(day, {})}), terms)).measured is not None
        ]
        if not figures:
            return Verdict(promise)
        days, over = len(evidence.service_days), sum(not promise.holds(one) for one in figures)
        standing, allowed = _of_days(promise, over, days)
        worst = max(figures) if promise.op in BELOW else min(figures)
        return Verdict(promise, standing, worst, over, days, max(allowed - over, 0))

    return judge_days


def _waiting_over(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    counts = evidence.counts(promise)
    return _bad_share(promise, counts.waited_over, formulas.whole(counts, terms.denominator))


def _lost(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    counts = evidence.counts(promise)
    return _bad_share(promise, counts.lost, formulas.whole(counts, terms.denominator))


def _answered_within(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    good, whole = formulas.in_time(evidence.counts(promise), terms.formula)
    if not whole:
        return Verdict(promise)
    share = Decimal(good) / whole
    left = formulas.spendable(whole - good, whole, ONE - promise.target, strict=promise.op == ">")
    return Verdict(promise, standing_of(promise, share), share, good, whole, left)


def _each_call(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """A limit that no call may pass; or that must hold on a share of the service days."""
    passed = tuple(
        one
        for one in evidence.breaches
        if one.metric == promise.metric
        and promise.is_for(one.callers)
        # Of a wait that still lasts, as much as the limit is known: no event is written of less than more.
        and (one.measured == promise.target or not promise.holds(one.measured))
    )
    worst = max((one.measured for one in passed), default=None)
    if promise.share_of_days is None:
        known = any(evidence.days.values())
        standing = Standing.BROKEN if passed else Standing.GOOD if known else Standing.UNKNOWN
        return Verdict(promise, standing, worst, len(passed), None, 0, passed, passed)
    bad = Counter(one.day for one in passed)
    days = len(evidence.service_days)
    standing, allowed = _of_days(promise, len(bad), days)
    if standing is not Standing.BROKEN and not (days and any(evidence.days.values())):
        standing = Standing.UNKNOWN
    penalised = passed
    if promise.tolerated_excluded:  # which days are forgiven the contract leaves open: the worst, then the earliest
        forgiven = set(sorted(bad, key=lambda day: (-bad[day], day))[:allowed])
        penalised = tuple(one for one in passed if one.day not in forgiven)
    return Verdict(promise, standing, worst, len(bad), days, max(allowed - len(bad), 0), passed, penalised)


def _available(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    return _time_share(promise, evidence.promised, evidence.failed)


def _portal(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.continuity
    return Verdict(promise) if known is None else _time_share(promise, known.pages, known.pages_failed)


def _time_share(promise: Promise, promised: timedelta, failed: timedelta) -> Verdict:
    if not promised:
        return Verdict(promise)
    minutes, lost = (round(span.total_seconds() / 60) for span in (promised, failed))
    share = ONE - Decimal(failed // INSTANT) / Decimal(promised // INSTANT)
    return Verdict(promise, standing_of(promise, share), share, lost, minutes)


def _interruption(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """No interruption longer than promised; where there was none the longest is of no minutes."""
    known = evidence.continuity
    if known is None:
        return Verdict(promise)
    longest = max(known.interruptions, default=Decimal(0))
    return Verdict(promise, standing_of(promise, longest), longest)


def _incident_notice(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """Of no interruption nobody had to be told: unknown."""
    known = evidence.continuity
    if known is None or not known.notices:
        return Verdict(promise)
    return Verdict(promise, standing_of(promise, max(known.notices)), max(known.notices))


def _recovery(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.continuity
    if known is None or known.restored is None:
        return Verdict(promise)
    return Verdict(promise, standing_of(promise, known.restored), known.restored)


def _satisfied(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    if evidence.marks is None or not evidence.marks[1]:
        return Verdict(promise)
    content, answered = evidence.marks
    share = Decimal(content) / answered
    return Verdict(promise, standing_of(promise, share), share, content, answered)


def _outbound(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """Calls by the hour of an operator's time; `whole` is that time in minutes."""
    known = evidence.outbound
    if known is None or (measured := known.an_hour) is None:
        return Verdict(promise)
    return Verdict(
        promise, standing_of(promise, measured), measured, known.attempts, round(known.staffed_ms / MS_PER_MINUTE)
    )  # fmt: skip


def _counter_wait(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """The longest wait of each day on which anybody was called, in minutes; or on a share of those days.

    A day beyond those that are forgiven (the worst first; none, where it has to hold on each) is paid for once, where
    the contract says so; no call is behind it.
    """
    days = evidence.desks.longest if evidence.desks else {}
    if not days:
        return Verdict(promise)
    minutes = {day: _minutes(longest) for day, longest in days.items()}
    worst = max(minutes.values())
    over = sorted((day for day in minutes if not promise.holds(minutes[day])), key=lambda day: (-minutes[day], day))
    passed = tuple(
        Breach(
            promise.metric, day.isoformat(), day, start_of_day(day), minutes[day], Callers.LANDLINE,
            enti=enti_over(promise, evidence.desks.of_enti.get(day, {}) if evidence.desks else {}),
        )
        for day in over
    )  # fmt: skip
    if promise.share_of_days is None:
        paid = () if promise.penalty_each is None else passed
        return Verdict(promise, standing_of(promise, worst), worst, len(over), len(days), penalised=paid)
    standing, allowed = _of_days(promise, len(over), len(days))
    left = max(allowed - len(over), 0)
    return Verdict(promise, standing, worst, len(over), len(days), left, (), passed[allowed:])


def enti_over(promise: Promise, longest: Mapping[int, int]) -> tuple[int, ...]:
    """The enti at whose offices a day's longest wait, in seconds, does not keep the promise."""
    return tuple(sorted(one for one, seconds in longest.items() if not promise.holds(_minutes(seconds))))


def _counter_handling(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.desks
    if known is None or not known.served:
        return Verdict(promise)
    mean = _minutes(known.served_s) / known.served
    return Verdict(promise, standing_of(promise, mean), mean)


def _lead(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.desks
    if known is None or known.lead is None:
        return Verdict(promise)
    return Verdict(promise, standing_of(promise, Decimal(known.lead)), Decimal(known.lead))


def _after_finding(days_of: Callable[[Unfit], int | None]) -> Judge:
    """The most working days after a finding; `part` of `whole` findings came late. Each day late is paid for, where the
    contract says so.
    """

    def judged(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
        known = [(one, days) for one in evidence.unfit if (days := days_of(one)) is not None]
        if not known:
            return Verdict(promise)
        late = tuple(
            Breach(
                promise.metric, f"{one.id}:{n}", one.found_on, start_of_day(one.found_on), Decimal(n),
                Callers.LANDLINE, one.ente_id, enti=(one.ente_id,),
            )
            for one, days in known
            for n in range(days + 1)
            if not promise.holds(Decimal(n))
        )  # fmt: skip
        worst = Decimal(max(days for _, days in known))
        over = sum(not promise.holds(Decimal(days)) for _, days in known)
        paid = () if promise.penalty_each is None else late
        return Verdict(promise, standing_of(promise, worst), worst, over, len(known), penalised=paid)

    return judged


def _minutes(seconds: int) -> Decimal:
    return Decimal(seconds) / 60


_JUDGES: Mapping[str, Judge] = MappingProxyType(
    {
        WAITING_OVER: _day_by_day(_waiting_over), LOST: _day_by_day(_lost),
        ANSWERED_WITHIN: _day_by_day(_answered_within), QUEUE_CAP: _each_call, LONGEST_WAIT: _each_call,
        AVAILABLE: _available, SATISFIED: _satisfied, MetricName.OUTBOUND: _outbound,
        MetricName.PORTAL_UPTIME: _portal, MetricName.INTERRUPTION: _interruption,
        MetricName.COUNTER_WAIT: _counter_wait, MetricName.COUNTER_HANDLING: _counter_handling,
        MetricName.APPOINTMENT_LEAD: _lead, MetricName.INCIDENT_NOTICE: _incident_notice,
        MetricName.DISASTER_RECOVERY: _recovery,
        MetricName.FIELD_REMOVED: _after_finding(lambda one: one.removed),
        MetricName.FIELD_REPLACED: _after_finding(lambda one: one.replaced),
    }
)  # fmt: skip
