"""How levels of visits stand: agents found unfit, removed and replaced in working days. Pure."""

from collections.abc import Callable
from decimal import Decimal

from crm.core.clock import start_of_day
from crm.levels.agreement import Promise
from crm.levels.known import Breach, Evidence, Unfit
from crm.levels.metering import Callers
from crm.levels.terms import Terms
from crm.levels.verdicts import Judge, Verdict, late_subject, standing_of


def after_finding(days_of: Callable[[Unfit], int | None]) -> Judge:
    """The most working days after a finding; `part` of `whole` findings came late. Each day late is paid for, where the
    contract says so.
    """

    def judged(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
        known = [(one, days) for one in evidence.unfit if (days := days_of(one)) is not None]
        if not known:
            return Verdict(promise)
        late = tuple(
            Breach(
                promise.metric, late_subject(one.found_on, one.id, n), one.found_on, start_of_day(one.found_on),
                Decimal(n), Callers.LANDLINE, one.ente_id, enti=(one.ente_id,),
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
