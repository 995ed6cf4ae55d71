"""How levels of cases and of mails stand: days that each term took, complaints over the contacts of the front office.

Pure.
"""

from decimal import Decimal

from crm.core.clock import start_of_day
from crm.levels.agreement import Promise
from crm.levels.known import Breach, Complaint, Evidence, Replied, TermTaken
from crm.levels.metering import Callers
from crm.levels.terms import Terms
from crm.levels.verdicts import Verdict, bad_share, late_subject, standing_of


def within(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """The most days that a term took; `part` of `whole` terms were late. Each day late is paid for, where the contract
    says so.
    """
    owed: tuple[TermTaken | Replied, ...] = (*evidence.terms, *evidence.replies)
    known = [one for one in owed if one.metric == promise.metric]
    if not known:
        return Verdict(promise)
    late = tuple(
        Breach(
            promise.metric, late_subject(one.due_on, one.id, n), one.due_on, start_of_day(one.due_on), Decimal(n),
            Callers.LANDLINE, one.ente_id, enti=() if one.ente_id is None else (one.ente_id,),
        )
        for one in known
        for n in range(one.days + 1)
        if not promise.holds(Decimal(n))
    )  # fmt: skip
    worst = Decimal(max(one.days for one in known))
    over = sum(not promise.holds(Decimal(one.days)) for one in known)
    paid = () if promise.penalty_each is None else late
    return Verdict(promise, standing_of(promise, worst), worst, over, len(known), penalised=paid)


def mean_reply(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """The mean of the days of the calendar until answers to mails left, of all mailboxes; what is late and still waits
    counts with the days so far.
    """
    known = evidence.replies
    if not known:
        return Verdict(promise)
    mean = Decimal(sum(one.calendar_days for one in known)) / len(known)
    return Verdict(promise, standing_of(promise, mean), mean, whole=len(known))


def complaints(promise: Promise, evidence: Evidence, _: Terms) -> Verdict:
    """Complaints over conversations that were had and people who were served at the desks.

    Each complaint over the share is paid for, the last ones that came in. A level of one service alone is judged by all
    complaints, as nobody knows of which service a contact was, and so not paid for.
    """
    if evidence.complaints is None:
        return Verdict(promise)
    came = evidence.complaints.those
    contacts = sum(counts.answered for day in evidence.days.values() for counts in day.values())
    contacts += evidence.desks.served if evidence.desks else 0
    verdict = bad_share(promise, len(came), contacts)
    if promise.penalty_each is None or promise.service or not contacts:
        return verdict
    allowed = next((n for n in range(len(came), 0, -1) if promise.holds(Decimal(n) / contacts)), 0)
    paid = tuple(_breach(promise, one) for one in came[allowed:])
    return Verdict(
        promise, verdict.standing, verdict.measured, verdict.part, verdict.whole, verdict.spendable, penalised=paid
    )


def _breach(promise: Promise, one: Complaint) -> Breach:
    return Breach(
        promise.metric, f"{one.id}:0", one.on, start_of_day(one.on), Decimal(1), Callers.LANDLINE, one.ente_id,
        enti=(one.ente_id,),
    )  # fmt: skip
