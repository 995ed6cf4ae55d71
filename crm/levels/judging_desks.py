"""How levels of the desks stand: waits, times of service, the wait for an appointment. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from crm.core.clock import start_of_day
from crm.levels.agreement import Promise
from crm.levels.known import Breach, Evidence
from crm.levels.metering import Callers
from crm.levels.terms import Terms
from crm.levels.verdicts import Verdict, of_days, standing_of


def counter_wait(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
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
    standing, allowed = of_days(promise, len(over), len(days))
    left = max(allowed - len(over), 0)
    return Verdict(promise, standing, worst, len(over), len(days), left, (), passed[allowed:])


def enti_over(promise: Promise, longest: Mapping[int, int]) -> tuple[int, ...]:
    """The enti at whose offices a day's longest wait, in seconds, does not keep the promise."""
    return tuple(sorted(one for one, seconds in longest.items() if not promise.holds(_minutes(seconds))))


def counter_handling(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.desks
    if known is None or not known.served:
        return Verdict(promise)
    mean = _minutes(known.served_s) / known.served
    return Verdict(promise, standing_of(promise, mean), mean)


def lead(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    known = evidence.desks
    if known is None or known.lead is None:
        return Verdict(promise)
    return Verdict(promise, standing_of(promise, Decimal(known.lead)), Decimal(known.lead))


def _minutes(seconds: int) -> Decimal:
    return Decimal(seconds) / 60
