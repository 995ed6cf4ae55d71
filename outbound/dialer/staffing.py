"""Calls and operators' time of each campaign's day (requirement O4): summed up from rows, read, proved.

What is summed: attempts that began; and, of the operators who took part, the time that `worked` counts. The rows are
`attempt`, `dialer_stay`, `campaign_look`, `agent_fact` and `dialer_gap`; a sum is made anew from them until an hour
after its day, and can be at any time later (`verify`).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from crm.core import clock
from crm.core.clock import business_day, start_of_day
from crm.core.db import Database, Scope, table_of
from crm.core.each import total_of_each
from crm.enti.queries import coverage
from crm.levels.known import Outbound
from outbound.campaigns.models import Attempt, Campaign, Look, LookEnd
from outbound.dialer.models import DialerGap, DialerStay, OutboundDay
from outbound.dialer.worked import Looked, Span, stretches, united, within, without, worked_ms
from telephony.agents import queries as agents
from telephony.calls.models import Call

LATE = timedelta(hours=1)  # after a day's end: its calls, and what is told late of its operators
CLAIM = timedelta(minutes=10)  # that somebody is looked at, at the most
ONE_DAY = timedelta(days=1)
_A, _C, _LOOK, _CALL = table_of(Attempt), table_of(Campaign), table_of(Look), table_of(Call)
_STAY, _GAP, _DAY = table_of(DialerStay), table_of(DialerGap), table_of(OutboundDay)
_ADD = insert(_DAY)
_WRITE = _ADD.on_conflict_do_update(
    index_elements=["campaign_id", "day"],
    set_={name: _ADD.excluded[name] for name in ("attempts", "staffed_ms", "counted_at")},
)


@dataclass(frozen=True, slots=True)
class Day:
    """A campaign's day, with its sums as they are stored and as its rows make them."""

    campaign_id: int
    day: date
    stored: Outbound
    true: Outbound


def spans_of(session: Session, campaign_id: int, since: datetime, until: datetime) -> dict[int, list[Span]]:
    """The time between two instants that each operator gave the campaign while somebody could be called."""
    gaps = session.execute(
        select(_GAP.c.since, func.coalesce(_GAP.c.until, until)).where(
            _GAP.c.campaign_id == campaign_id, _GAP.c.since < until, func.coalesce(_GAP.c.until, until) > since
        )
    ).all()
    empty = [(first, last) for first, last in gaps]
    stays: dict[int, list[Span]] = defaultdict(list)
    for agent_id, joined_at, left_at in session.execute(
        select(_STAY.c.agent_id, _STAY.c.joined_at, func.coalesce(_STAY.c.left_at, until)).where(
            _STAY.c.campaign_id == campaign_id, _STAY.c.joined_at < until,
            func.coalesce(_STAY.c.left_at, until) > since,
        )
    ):  # fmt: skip
        stays[agent_id].append((joined_at, left_at))
    looks = _looks(session, campaign_id, since, until)
    return {
        one: found
        for one in sorted({*stays, *looks})
        if (
            found := within(united([*without(stays.get(one, ()), empty), *stretches(looks.get(one, ()))]), since, until)
        )
    }


def _looks(session: Session, campaign_id: int, since: datetime, until: datetime) -> dict[int, list[Looked]]:
    """Of before, too, as far as they may reach: a conversation may last beyond midnight."""
    done = case(
        (_LOOK.c.call_id.is_not(None), func.coalesce(_CALL.c.wrapped_up_at, _CALL.c.ended_at, until)),
        else_=func.coalesce(_LOOK.c.over_at, func.least(_LOOK.c.asked_at + CLAIM, until)),
    )
    rows = session.execute(
        select(_LOOK.c.agent_id, _LOOK.c.asked_at, done, _LOOK.c.became.is_distinct_from(LookEnd.NOBODY))
        .outerjoin(_CALL, _CALL.c.id == _LOOK.c.call_id)
        .where(_LOOK.c.campaign_id == campaign_id, _LOOK.c.asked_at > since - ONE_DAY, _LOOK.c.asked_at < until)
        .order_by(_LOOK.c.asked_at, _LOOK.c.id)
    )
    found: dict[int, list[Looked]] = defaultdict(list)
    for agent_id, at, end, somebody in rows:
        found[agent_id].append(Looked(at, max(at, end), somebody))
    return found


def calls_of(session: Session, campaign_id: int, since: datetime, until: datetime) -> set[UUID]:
    """The conversations of a campaign, of the day before as well: one may last beyond midnight."""
    its = _A.c.campaign_id == campaign_id, _A.c.at > since - ONE_DAY, _A.c.at < until, _A.c.call_id.is_not(None)
    return set(session.scalars(select(_A.c.call_id).where(*its)))


def summed(session: Session, campaign_id: int, since: datetime, until: datetime) -> Outbound:
    """A campaign's calls that began between two instants, and the operators' time of it, from the rows alone."""
    its = _A.c.campaign_id == campaign_id, _A.c.begun, _A.c.at >= since, _A.c.at < until
    attempts = session.execute(select(func.count()).select_from(_A).where(*its)).scalar_one()
    spans = spans_of(session, campaign_id, since, until)
    facts = agents.facts_of(session, sorted(spans), since, until) if spans else {}
    calls = calls_of(session, campaign_id, since, until) if spans else set[UUID]()
    return Outbound(attempts, sum(worked_ms(facts.get(one, []), his, calls) for one, his in spans.items()))


def fold_all(database: Database) -> int:
    """Bring the sums of every contract up to now; how many days of campaigns were counted."""
    with database.begin(Scope.nothing()) as session:
        contracts = sorted(coverage(session))
    return total_of_each(
        contracts, lambda one: database.transact(Scope.of_contract(one), lambda s: fold(s, contract_id=one))
    )


def fold(session: Session, *, contract_id: int) -> int:
    """The same of one contract: each day since the last one that was counted to its end."""
    now = clock.now(session)
    last = session.scalar(select(func.max(_DAY.c.counted_at)).where(_DAY.c.contract_id == contract_id))
    since = None if last is None else start_of_day(business_day(last - LATE))
    counted = 0
    for campaign_id, ente_id, day in _active(session, contract_id, since, now):
        first, after = start_of_day(day), start_of_day(day + ONE_DAY)
        found = summed(session, campaign_id, first, min(after, now))
        row = {
            "campaign_id": campaign_id, "day": day, "ente_id": ente_id, "contract_id": contract_id,
            "attempts": found.attempts, "staffed_ms": found.staffed_ms, "counted_at": now,
        }  # fmt: skip
        session.execute(_WRITE, row)
        counted += 1
    return counted


def _active(
    session: Session, contract_id: int, since: datetime | None, now: datetime
) -> Iterator[tuple[int, int, date]]:
    """On which days campaigns called somebody, or operators took part; of all time, where none was counted yet."""
    its = _C.c.contract_id == contract_id, _C.c.started_at.is_not(None)
    ended = _C.c.ended_at.is_(None) | (_C.c.ended_at >= since) if since is not None else _C.c.id.is_not(None)
    for campaign_id, ente_id in session.execute(select(_C.c.id, _C.c.ente_id).where(*its, ended).order_by(_C.c.id)):
        for day in sorted(_days(session, campaign_id, since, now)):
            yield campaign_id, ente_id, day


def _days(session: Session, campaign_id: int, since: datetime | None, now: datetime) -> set[date]:
    found: set[date] = set()
    for table, at in ((_A, _A.c.at), (_LOOK, _LOOK.c.asked_at)):
        day: Any = func.date(func.timezone("Europe/Rome", at))
        recent = () if since is None else (at >= since,)
        found |= set(session.scalars(select(day).distinct().where(table.c.campaign_id == campaign_id, *recent)))
    end = func.coalesce(_STAY.c.left_at, now)
    recent = () if since is None else (end >= since,)
    for joined_at, left_at in session.execute(
        select(_STAY.c.joined_at, end).where(_STAY.c.campaign_id == campaign_id, *recent)
    ):
        day = business_day(max(joined_at, since) if since is not None else joined_at)
        while day <= business_day(left_at):
            found.add(day)
            day += ONE_DAY
    return found


def of_period(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> Outbound | None:  # fmt: skip
    """What is known of the days from `first` to before `after`, as of a minute ago at most; none where nobody was to be
    called.
    """
    attempts, staffed = session.execute(
        select(func.sum(_DAY.c.attempts), func.sum(_DAY.c.staffed_ms)).where(*_of(contract_id, first, after, ente_id))
    ).one()
    return None if attempts is None else Outbound(int(attempts), int(staffed))


def by_campaign(
    session: Session, contract_id: int, first: date, after: date, *, ente_id: int | None = None
) -> Mapping[tuple[int, str], Mapping[date, Outbound]]:  # fmt: skip
    """The same, day by day, of each campaign with its name."""
    found: dict[tuple[int, str], dict[date, Outbound]] = {}
    rows = session.execute(
        select(_DAY.c.campaign_id, _C.c.name, _DAY.c.day, _DAY.c.attempts, _DAY.c.staffed_ms)
        .join(_C, _C.c.id == _DAY.c.campaign_id)
        .where(*_of(contract_id, first, after, ente_id))
        .order_by(_C.c.name, _DAY.c.campaign_id, _DAY.c.day)
    )
    for campaign_id, name, day, attempts, staffed in rows:
        found.setdefault((campaign_id, name), {})[day] = Outbound(attempts, staffed)
    return found


def _of(contract_id: int, first: date, after: date, ente_id: int | None) -> tuple[Any, ...]:
    its = _DAY.c.contract_id == contract_id, _DAY.c.day >= first, _DAY.c.day < after
    return its if ente_id is None else (*its, _DAY.c.ente_id == ente_id)


def verify(session: Session, contract_id: int, since: datetime, until: datetime) -> list[Day]:
    """Count every day of a contract anew that is over, between two instants."""
    over = min(business_day(until), business_day(clock.now(session) - LATE))
    rows = session.execute(
        select(_DAY.c.campaign_id, _DAY.c.day, _DAY.c.attempts, _DAY.c.staffed_ms)
        .where(_DAY.c.contract_id == contract_id, _DAY.c.day >= business_day(since), _DAY.c.day < over)
        .order_by(_DAY.c.day, _DAY.c.campaign_id)
    ).all()
    return [
        Day(
            row.campaign_id, row.day, Outbound(row.attempts, row.staffed_ms),
            summed(session, row.campaign_id, start_of_day(row.day), start_of_day(row.day + ONE_DAY)),
        )
        for row in rows
    ]  # fmt: skip


def correct(session: Session, days: list[Day]) -> None:
    """Bring sums that differ to what their rows say."""
    for one in days:
        its = _DAY.c.campaign_id == one.campaign_id, _DAY.c.day == one.day
        values = {"attempts": one.true.attempts, "staffed_ms": one.true.staffed_ms}
        session.execute(_DAY.update().where(*its).values(**values))
