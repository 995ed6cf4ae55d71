"""How a contract's levels stand, as the page shows them: one reading, for a contract or for one of its enti."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.errors import FieldError
from crm.enti.queries import contract_name
from crm.levels import evidence, queries
from crm.levels.agreement import Agreement, Period, Promise, in_force
from crm.levels.behind import Behind, behind
from crm.levels.closing import ONE_DAY, Closed, Days, closed, judged
from crm.levels.judgement import is_judged, judge
from crm.levels.known import Breach, Evidence
from crm.levels.later import Changes, changes
from crm.levels.metering import Callers
from crm.levels.metrics import LATE, METRICS, MetricName, Unit
from crm.levels.models import RemarkState
from crm.levels.penalties import Penalty, penalties
from crm.levels.recomputing import periods
from crm.levels.remarks import Remark, left_out, remarks
from crm.levels.terms import Terms
from crm.levels.terms import in_force as terms_in_force
from crm.levels.verdicts import Verdict
from crm.reports.report import Level, level_in
from outbound.dialer import staffing
from outbound.field.agents import judged as judged_agents
from telephony.mail import measured as mails
from telephony.surveys import queries as surveys

PERIODS_SHOWN = 13


@dataclass(frozen=True, slots=True)
class Standing:
    """A level today and over its period, or over one of its own: `told` says over which days, as reports and API do.

    `metric` is none for a name that the product does not know.
    """

    promise: Promise
    metric: MetricName | None
    unit: Unit
    today: Verdict | None  # none when the period shown, or its own one, is over
    period: Verdict
    penalty: Penalty | None
    told: Level

    @property
    def is_measured(self) -> bool:
        """Whether anything here feeds its metric."""
        return is_judged(self.promise)

    @property
    def callers(self) -> Callers | None:
        """Of whose calls alone."""
        return None if self.promise.callers is None else Callers(self.promise.callers)


@dataclass(frozen=True, slots=True)
class Standings:
    """One contract's levels in a period. `choices`: the first and the last day of each that may be shown.

    `closed`: what was kept when the period was closed, whose figures are shown then; `changed` is what was learnt of it
    since. `behind`: each call over a limit, and whether it is paid for.
    """

    contract_id: int
    name: str
    ente_id: int | None
    first: date
    last: date
    is_running: bool
    agreement: Agreement
    terms: Terms
    rows: tuple[Standing, ...]
    choices: tuple[tuple[date, date], ...]
    service_days: int
    closed: Closed | None
    changed: Changes
    behind: tuple[Behind, ...]
    remarks: Mapping[tuple[str, str], list[Remark]]

    def query(self, row: Standing) -> str:
        """The address of what stands behind a level's penalty, after its `?`."""
        fields = {
            "metric": row.promise.metric, "callers": row.promise.callers, "service": row.promise.service,
            "begins": self.first.isoformat(), "own": row.told.first if row.period.span else None, "ente": self.ente_id,
        }  # fmt: skip
        return urlencode({name: value for name, value in fields.items() if value})

    @property
    def asked(self) -> int:
        """How many requests to leave a call or a day out wait for an ente."""
        return sum(one.state is RemarkState.ASKED for said in self.remarks.values() for one in said)

    @property
    def out(self) -> frozenset[tuple[str, str]]:
        """The calls and the days, by metric, that their enti agreed to leave out of the penalties."""
        return left_out(self.remarks, (row.period for row in self.rows))

    @property
    def euro(self) -> Decimal | None:
        """What is owed in all; none when no value is known, or no level has a penalty."""
        owed = [row.penalty.euro for row in self.rows if row.penalty is not None and row.penalty.euro is not None]
        return sum(owed, Decimal()) if owed else None


def days_of(session: Session, contract_id: int, ente_id: int | None) -> Days:
    """What is known of a contract's days, each period read once."""
    known: dict[tuple[date, date], Evidence] = {}

    def of(first: date, after: date) -> Evidence:
        if (first, after) not in known:
            found = evidence.of_period(session, contract_id, first, after, ente_id=ente_id)
            marks = surveys.contented(session, contract_id, first, after, ente_id=ente_id)
            outbound = staffing.of_period(session, contract_id, first, after, ente_id=ente_id)
            unfit = judged_agents.of_period(session, contract_id, first, after, ente_id=ente_id)
            replies = mails.replies_of_period(session, contract_id, first, after, ente_id=ente_id)
            known[first, after] = replace(found, marks=marks, outbound=outbound, unfit=unfit, replies=replies)
        return known[first, after]

    return of


def standings(session: Session, contract_id: int, *, ente_id: int | None, begins: str = "") -> Standings | None:
    """How the contract stands in the period that begins on a day as a field writes it, else in this one.

    None when it promises nothing. Raises `FieldError` for a period that is none of its own.
    """
    today = clock.business_day(clock.now(session))
    versions = queries.agreements(session, frozenset({contract_id}))
    current = in_force(versions, today)
    if current is None:
        return None
    choices = _choices(session, contract_id, ente_id, current.period, today)
    running_now = next(iter(_latest(current.period, today, 1)))
    chosen = next((one for one in choices if one[0].isoformat() == begins), None) if begins else running_now
    if chosen is None:
        raise FieldError("Scegli uno dei periodi dell'elenco.", "begins")
    first, last = chosen
    running = first <= today <= last
    judged_on = today if running else last
    days, kept = days_of(session, contract_id, ente_id), closed(session, contract_id, first, last, ente_id=ente_id)
    if kept is None:
        agreement = in_force(versions, judged_on)
        assert agreement is not None
        at = clock.now(session) if running else clock.start_of_day(last)  # as the live board has it
        terms = terms_in_force(queries.terms(session, contract_id), at)
        begins_on, after = agreement.period.around(judged_on)
        whole = days(begins_on, after)
        verdicts = judged(agreement, terms, begins_on, after - ONE_DAY, days, until=judged_on)
    else:
        frozen = kept.frozen
        agreement, terms, whole, verdicts = frozen.agreement, frozen.terms, frozen.evidence, frozen.verdicts
        begins_on, after = first, last + ONE_DAY
    day = days(today, today + ONE_DAY) if running else None
    said = remarks(session, contract_id, begins_on, after)
    owed = {one.promise.key: one for one in penalties(agreement, verdicts, excluded=left_out(said, verdicts))}
    return Standings(
        contract_id=contract_id, name=contract_name(session, contract_id), ente_id=ente_id, first=first, last=last,
        is_running=running, agreement=agreement, terms=terms, choices=choices, service_days=len(whole.service_days),
        closed=kept, remarks=said, behind=tuple(behind(agreement, verdicts, said)),
        changed=Changes() if kept is None else changes(session, contract_id, ente_id, kept, days(begins_on, after)),
        rows=tuple(
            _standing(level_in(one, agreement.period, begins_on, judged_on), one, day, terms, owed)
            for one in verdicts
        ),
    )  # fmt: skip


def late_days(session: Session, contract_id: int, day: date) -> Iterable[Breach]:
    """The days that something came late which the penalties count, of findings of the period of a day."""
    agreed = queries.agreement(session, contract_id, day)
    if agreed is None:
        return []
    first, _ = agreed.period.around(day)
    found = standings(session, contract_id, ente_id=None, begins=first.isoformat())
    rows = () if found is None else found.rows
    return [breach for row in rows if row.promise.metric in LATE for breach in row.period.penalised]


def _standing(
    told: Level, verdict: Verdict, day: Evidence | None, terms: Terms, owed: Mapping[tuple[str, str, str], Penalty]
) -> Standing:
    promise = verdict.promise
    known, over = promise.metric in METRICS, told.ended and verdict.span is not None
    return Standing(
        promise, MetricName(promise.metric) if known else None,
        METRICS[promise.metric].unit if known else Unit.CONTACTS,
        None if day is None or over else judge(promise, day, terms), verdict, owed.get(promise.key), told,
    )  # fmt: skip


def _choices(
    session: Session, contract_id: int, ente_id: int | None, period: Period, today: date
) -> tuple[tuple[date, date], ...]:  # fmt: skip
    """The latest periods, and whatever else was closed, the latest first; of those that begin together the longest."""
    found = {first: (first, last) for first, last in _latest(period, today, PERIODS_SHOWN)}
    for first, last in reversed(periods(session, contract_id, ente_id=ente_id, begins=None)):
        found.setdefault(first, (first, last))
    return tuple(found[first] for first in sorted(found, reverse=True))


def _latest(period: Period, day: date, count: int) -> Iterable[tuple[date, date]]:
    first, after = period.around(day)
    for _ in range(count):
        yield first, after - ONE_DAY
        first, after = period.before(first)
