"""Each metric that something feeds, just at its limit and just past it; the others, unknown. Reckoned by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest

import pytest

from crm.levels.agreement import Promise
from crm.levels.formulas import Standing
from crm.levels.judgement import _JUDGES as JUDGES
from crm.levels.judgement import judge
from crm.levels.known import (
    AtDesks,
    Breach,
    Complaint,
    Complaints,
    Continuity,
    Evidence,
    Outbound,
    Replied,
    TermTaken,
    Unfit,
)
from crm.levels.metering import Callers, Counts, Measured, contribution
from crm.levels.metrics import METRICS, OF_CASES, OF_MAIL
from crm.levels.metrics import MetricName as N
from crm.levels.terms import USUAL, Denominator, Formula, Terms

AT = datetime(2026, 10, 6, 8, tzinfo=UTC)
DAYS = tuple(AT.date() + timedelta(days=n) for n in range(10))
HOUR = timedelta(hours=1)


def answered(waited_s: str) -> Measured:
    return Measured(received=True, entered=True, served=True, ended=True, waited_ms=_ms(waited_s))


def gave_up(waited_s: str) -> Measured:
    return Measured(received=True, entered=True, served=False, ended=True, waited_ms=_ms(waited_s))


def self_served() -> Measured:
    return Measured(received=True, entered=False, served=False, ended=True, waited_ms=0)


def _ms(seconds: str) -> int:
    return int(Decimal(seconds) * 1000)


def calls(*each: Measured, terms: Terms = USUAL) -> Evidence:
    """A day of these calls, with mobiles."""
    total = sum((contribution(one, terms) for one in each), Counts())
    return Evidence(DAYS, {DAYS[0]: {Callers.MOBILE: total}})


def over(metric: str, measured: str, *days: int) -> Evidence:
    """Calls over a limit on some of ten days; something was received on each."""
    breaches = tuple(
        Breach(metric, str(n), DAYS[day], AT + day * 24 * HOUR, Decimal(measured), Callers.MOBILE)
        for n, day in enumerate(days)
    )
    return Evidence(DAYS, {day: {Callers.MOBILE: Counts(received=1)} for day in DAYS}, breaches)


def measured(**known: object) -> Evidence:
    return Evidence(continuity=Continuity(**known))  # type: ignore[arg-type]


def waits(*seconds: int, **known: int) -> Evidence:
    """The longest wait of each day at the desks."""
    return Evidence(desks=AtDesks(dict(zip(DAYS, seconds, strict=False)), **known))


def unfit(removed: Sequence[int | None] = (), replaced: Sequence[int | None] = ()) -> Evidence:
    """Agents who were found unfit, each removed or replaced after so many working days."""
    pairs = zip_longest(removed, replaced)
    return Evidence(unfit=tuple(Unfit(n, 1, DAYS[0], one, other) for n, (one, other) in enumerate(pairs)))


@dataclass(frozen=True)
class Example:
    """What was promised, what is known, and what comes of it: the figure and how it stands."""

    op: str
    target: str
    evidence: Evidence
    figure: str | None
    standing: Standing
    terms: Terms = USUAL
    share_of_days: str | None = None


GOOD, NEAR, BROKEN, UNKNOWN = Standing.GOOD, Standing.NEAR, Standing.BROKEN, Standing.UNKNOWN
MOMENT = timedelta(milliseconds=360)  # a millionth of a hundred hours
ENTERED = Terms(denominator=Denominator.ENTERED)
E = Terms(formula=Formula.E)
QUARTER_MS = 15 * 60_000


def took(metric: N, *days: int) -> Evidence:
    """Terms of cases, each over after so many days."""
    return Evidence(terms=tuple(TermTaken(n, 1, metric, DAYS[0], one) for n, one in enumerate(days)))


def complaints(many: int, *, of: int) -> Evidence:
    """So many, of so many conversations."""
    known = Complaints(tuple(Complaint(n, 1, DAYS[0]) for n in range(many)))
    return Evidence(DAYS, {DAYS[0]: {Callers.MOBILE: Counts(answered=of)}}, complaints=known)


def replied(metric: N, *days: int, calendar: Sequence[int] = ()) -> Evidence:
    """Answers to mails, each after so many days of the metric's, and of the calendar's."""
    both = zip_longest(days, calendar, fillvalue=0)
    return Evidence(replies=tuple(Replied(f"M-{n}", 1, metric, DAYS[0], one, c) for n, (one, c) in enumerate(both)))


GOLDEN: dict[N, Sequence[Example]] = {
    **{
        metric: (
            Example("<=", "5", took(metric, 2, 5), "5", NEAR),
            Example("<=", "5", took(metric, 6, 1), "6", BROKEN),
            Example("<", "5", took(metric, 5), "5", BROKEN),
            Example("<=", "5", took(N.COMPLAINTS, 9), None, UNKNOWN),
        )
        for metric in OF_CASES
    },
    **{
        metric: (
            Example("<=", "3", replied(metric, 0, 3), "3", NEAR),
            Example("<=", "3", replied(metric, 4, 1), "4", BROKEN),
            Example("<=", "3", replied(metric, 0), "0", GOOD),
            Example("<=", "3", replied(N.MEAN_MAIL_REPLY, 9), None, UNKNOWN),
        )
        for metric in OF_MAIL
    },
    N.MEAN_MAIL_REPLY: (
        Example("<=", "3", replied(N.PEC_REPLY, calendar=(0, 6)), "3", NEAR),
        Example("<=", "3", replied(N.EMAIL_REPLY, calendar=(1, 4, 5)), "3.333333", BROKEN),
        Example("<=", "3", replied(N.EMAIL_REPLY, calendar=(0, 1)), "0.5", GOOD),
        Example("<=", "3", Evidence(), None, UNKNOWN),
    ),
    N.COMPLAINTS: (
        Example("<", "0.005", complaints(5, of=1000), "0.005", BROKEN),
        Example("<=", "0.005", complaints(5, of=1000), "0.005", NEAR),
        Example("<=", "0.005", complaints(0, of=1000), "0", GOOD),
        Example("<=", "0.005", complaints(0, of=0), None, UNKNOWN),
        Example("<=", "0.005", Evidence(), None, UNKNOWN),
    ),
    N.FIELD_REMOVED: (
        Example("<=", "1", unfit(removed=(0, 1)), "1", NEAR),
        Example("<=", "1", unfit(removed=(0, 2)), "2", BROKEN),
        Example("<=", "1", unfit(removed=(0,)), "0", GOOD),
        Example("<=", "1", unfit(removed=(None,)), None, UNKNOWN),
        Example("<=", "1", unfit(replaced=(3,)), None, UNKNOWN),
    ),
    N.FIELD_REPLACED: (
        Example("<=", "3", unfit(replaced=(2, 3)), "3", NEAR),
        Example("<=", "3", unfit(replaced=(4, None)), "4", BROKEN),
        Example("<=", "3", Evidence(), None, UNKNOWN),
    ),
    N.OUTBOUND: (
        Example(">=", "50", Evidence(outbound=Outbound(75, 6 * QUARTER_MS)), "50", NEAR),
        Example(">=", "50", Evidence(outbound=Outbound(75, 6 * QUARTER_MS + 1)), "49.999991", BROKEN),
        Example(">=", "50", Evidence(outbound=Outbound(63, 4 * QUARTER_MS)), "63", GOOD),
        Example(">=", "50", Evidence(outbound=Outbound(0, 0)), None, UNKNOWN),
        Example(">=", "50", Evidence(), None, UNKNOWN),
    ),
    N.WAITING_OVER: (
        Example("<", "0.25", calls(*[answered("40")] * 3, gave_up("40.001")), "0.25", BROKEN),
        Example("<=", "0.25", calls(*[answered("40")] * 3, gave_up("40.001")), "0.25", NEAR),
        Example("<", "0.25", calls(*[answered("40")] * 4), "0", GOOD),
        Example("<", "0.25", calls(), None, UNKNOWN),
    ),
    N.LOST: (
        Example("<", "0.25", calls(*[answered("1")] * 3, gave_up("1")), "0.25", BROKEN),
        Example("<", "0.25", calls(*[answered("1")] * 2, self_served(), self_served(), gave_up("1")), "0.2", NEAR),
        Example(
            "<", "0.25", calls(*[answered("1")] * 2, self_served(), self_served(), gave_up("1")), "0.333333", BROKEN,
            ENTERED,
        ),
        Example("<", "0.25", calls(self_served()), None, UNKNOWN, ENTERED),
    ),
    N.ANSWERED_WITHIN: (
        Example(">=", "0.8", calls(*[answered("20")] * 4, answered("20.001")), "0.8", NEAR),
        Example(">", "0.8", calls(*[answered("20")] * 4, answered("20.001")), "0.8", BROKEN),
        Example(">=", "0.8", calls(*[answered("20")] * 4, gave_up("3")), "0.8", NEAR),
        Example(">=", "0.8", calls(*[answered("20")] * 4, gave_up("3")), "1", GOOD, E),
        Example(">=", "0.8", calls(gave_up("3")), None, UNKNOWN, E),
    ),
    N.QUEUE_CAP: (
        Example("<=", "5", over(N.QUEUE_CAP, "6", 0), "6", BROKEN),
        Example("<=", "5", over(N.LONGEST_WAIT, "301", 0), None, GOOD),
        Example("<=", "5", Evidence(DAYS), None, UNKNOWN),
    ),
    N.LONGEST_WAIT: (
        Example("<=", "300", over(N.LONGEST_WAIT, "300.001", 0), "300.001", BROKEN),
        Example("<=", "300", over(N.LONGEST_WAIT, "300.001", 3, 3, 3), "300.001", NEAR, share_of_days="0.9"),
        Example("<=", "300", over(N.LONGEST_WAIT, "300.001", 3, 4), "300.001", BROKEN, share_of_days="0.9"),
        Example("<=", "300", over(N.LONGEST_WAIT, "299.999", 3), None, GOOD),
        Example("<=", "300", Evidence(), None, UNKNOWN, share_of_days="0.9"),
    ),
    N.AVAILABLE: (
        Example(">", "0.95", Evidence(promised=100 * HOUR, failed=5 * HOUR), "0.95", BROKEN),
        Example(
            ">", "0.95", Evidence(promised=100 * HOUR, failed=5 * HOUR - MOMENT), "0.950001", NEAR
        ),
        Example(">", "0.95", Evidence(promised=100 * HOUR), "1", GOOD),
        Example(">", "0.95", Evidence(), None, UNKNOWN),
    ),
    N.SATISFIED: (
        Example(">=", "0.9", Evidence(marks=(9, 10)), "0.9", NEAR),
        Example(">=", "0.9", Evidence(marks=(89, 99)), "0.89899", BROKEN),
        Example(">=", "0.9", Evidence(marks=(0, 0)), None, UNKNOWN),
    ),
    N.PORTAL_UPTIME: (
        Example(">=", "0.99", measured(pages=100 * HOUR, pages_failed=HOUR), "0.99", NEAR),
        Example(
            ">=", "0.99", measured(pages=100 * HOUR, pages_failed=HOUR + MOMENT), "0.989999", BROKEN
        ),
        Example(">=", "0.99", measured(), None, UNKNOWN),
        Example(">=", "0.99", Evidence(), None, UNKNOWN),
    ),
    N.INTERRUPTION: (
        Example("<=", "30", measured(interruptions=(Decimal(2), Decimal(30))), "30", NEAR),
        Example("<=", "30", measured(interruptions=(Decimal("30.001"),)), "30.001", BROKEN),
        Example("<=", "30", measured(), "0", GOOD),
        Example("<=", "30", Evidence(), None, UNKNOWN),
    ),
    N.INCIDENT_NOTICE: (
        Example("<=", "1", measured(notices=(Decimal("0.1"), Decimal(1))), "1", NEAR),
        Example("<=", "1", measured(notices=(Decimal("1.001"),)), "1.001", BROKEN),
        Example("<=", "1", measured(), None, UNKNOWN),
        Example("<=", "1", Evidence(), None, UNKNOWN),
    ),
    N.DISASTER_RECOVERY: (
        Example("<=", "4", measured(restored=Decimal(4)), "4", NEAR),
        Example("<=", "4", measured(restored=Decimal("4.001")), "4.001", BROKEN),
        Example("<=", "4", measured(), None, UNKNOWN),
        Example("<=", "4", Evidence(), None, UNKNOWN),
    ),
    N.COUNTER_WAIT: (
        Example("<=", "15", waits(600, 900), "15", NEAR),
        Example("<=", "15", waits(600, 903), "15.05", BROKEN),
        Example("<", "25", waits(*[600] * 9, 1500), "25", NEAR, share_of_days="0.9"),
        Example("<", "25", waits(*[600] * 8, 1500, 1500), "25", BROKEN, share_of_days="0.9"),
        Example("<", "25", waits(*[1499] * 10), "24.983333", GOOD, share_of_days="0.9"),
        Example("<=", "15", waits(), None, UNKNOWN),
        Example("<=", "15", Evidence(), None, UNKNOWN),
    ),
    N.COUNTER_HANDLING: (
        Example("<", "25", waits(60, served=2, served_s=3000), "25", BROKEN),
        Example("<", "25", waits(60, served=3, served_s=1800), "10", GOOD),
        Example("<", "25", waits(60), None, UNKNOWN),
        Example("<", "25", Evidence(), None, UNKNOWN),
    ),
    N.APPOINTMENT_LEAD: (
        Example("<=", "5", waits(lead=5), "5", NEAR),
        Example("<=", "5", waits(lead=6), "6", BROKEN),
        Example("<=", "5", waits(lead=0), "0", GOOD),
        Example("<=", "5", waits(60), None, UNKNOWN),
        Example("<=", "5", Evidence(), None, UNKNOWN),
    ),
}  # fmt: skip


@pytest.mark.parametrize("metric", GOLDEN)
def test_each_metric_at_its_limit_past_it_and_with_nothing_to_tell(metric: N) -> None:
    """Metric: levels of a contract."""
    for one in GOLDEN[metric]:
        days = None if one.share_of_days is None else Decimal(one.share_of_days)
        promise = Promise(1, metric, one.op, Decimal(one.target), share_of_days=days)
        found = judge(promise, one.evidence, one.terms)
        figure = None if found.measured is None else f"{round(found.measured, 6).normalize():f}"
        assert (figure, found.standing) == (one.figure, one.standing), one
    assert {one.standing for one in GOLDEN[metric]} >= {BROKEN, UNKNOWN}


def test_every_metric_that_is_judged_has_its_examples_and_every_other_is_unknown() -> None:
    """Metric: levels of a contract. A metric that comes to be fed has to come with its examples."""
    assert JUDGES.keys() == GOLDEN.keys()
    everything = Evidence(
        DAYS, {DAYS[0]: {Callers.MOBILE: Counts(received=5, entered=5)}}, promised=HOUR, marks=(5, 5),
        continuity=Continuity(pages=HOUR), desks=AtDesks({DAYS[0]: 60}, 1, 60, 1),
    )  # fmt: skip
    for name in METRICS.keys() - GOLDEN.keys():
        verdict = judge(Promise(1, name, "<=", Decimal(1)), everything, USUAL)
        assert (verdict.standing, verdict.measured) == (UNKNOWN, None)
