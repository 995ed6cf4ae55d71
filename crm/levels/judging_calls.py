"""How levels of calls stand: shares of them, and limits that none may pass. Pure."""

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from crm.levels import formulas
from crm.levels.agreement import Promise
from crm.levels.formulas import Standing
from crm.levels.known import Evidence
from crm.levels.terms import Terms
from crm.levels.verdicts import BELOW, ONE, Judge, Verdict, bad_share, of_days, standing_of


def day_by_day(judged: Judge) -> Judge:
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
        standing, allowed = of_days(promise, over, days)
        worst = max(figures) if promise.op in BELOW else min(figures)
        return Verdict(promise, standing, worst, over, days, max(allowed - over, 0))

    return judge_days


def waiting_over(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    counts = evidence.counts(promise)
    return bad_share(promise, counts.waited_over, formulas.whole(counts, terms.denominator))


def lost(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    counts = evidence.counts(promise)
    return bad_share(promise, counts.lost, formulas.whole(counts, terms.denominator))


def answered_within(promise: Promise, evidence: Evidence, terms: Terms) -> Verdict:
    good, whole = formulas.in_time(evidence.counts(promise), terms.formula)
    if not whole:
        return Verdict(promise)
    share = Decimal(good) / whole
    left = formulas.spendable(whole - good, whole, ONE - promise.target, strict=promise.op == ">")
    return Verdict(promise, standing_of(promise, share), share, good, whole, left)


def each_call(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
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
    standing, allowed = of_days(promise, len(bad), days)
    if standing is not Standing.BROKEN and not (days and any(evidence.days.values())):
        standing = Standing.UNKNOWN
    penalised = passed
    if promise.tolerated_excluded:  # which days are forgiven the contract leaves open: the worst, then the earliest
        forgiven = set(sorted(bad, key=lambda day: (-bad[day], day))[:allowed])
        penalised = tuple(one for one in passed if one.day not in forgiven)
    return Verdict(promise, standing, worst, len(bad), days, max(allowed - len(bad), 0), passed, penalised)
