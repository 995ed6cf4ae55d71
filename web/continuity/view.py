"""What stopped the service, contract by contract and ente by ente: minutes, interruptions, what is said of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from crm.continuity import account, queries
from crm.continuity.account import Row
from crm.continuity.spells import Minutes, Outage
from crm.core import clock
from crm.enti import downtime
from crm.enti import queries as enti
from crm.enti.downtime import Spell

SHOWN = timedelta(days=400)
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Watched:
    """A contract, or one of its enti: the minutes of this month, of the last one and of this year, with the rows."""

    contract_id: int
    name: str
    ente_id: int | None
    this_month: Minutes
    last_month: Minutes
    this_year: Minutes
    pages_this_year: Minutes
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ToldWithin:
    """Of how many interruptions users were told, or should have been by now; and of how many within the hour."""

    known: int
    in_time: int


def told_within(session: Session) -> ToldWithin:
    """Of the last twelve months."""
    now = clock.now(session)
    known = [
        one for one in queries.outages(session, since=now - YEAR) if one.told_at is not None or one.is_told_late(now)
    ]
    return ToldWithin(len(known), sum(not one.is_told_late(now) for one in known))


def watched(session: Session, whom: Iterable[tuple[int, int | None]]) -> list[Watched]:
    """Each contract as a whole, or the ente of it that is named."""
    found = queries.outages(session, since=clock.now(session) - SHOWN)
    return [_watched(session, contract_id, ente_id, found) for contract_id, ente_id in whom]


def _watched(session: Session, contract_id: int, ente_id: int | None, found: list[Outage]) -> Watched:
    now = clock.now(session)
    month, before, year = downtime.periods(now)
    since = Spell(min(before.starts_at, year.starts_at), now)
    known = account.known(session, contract_id, ente_id, since, found)
    return Watched(
        contract_id, enti.contract_name(session, contract_id), ente_id,
        account.minutes(session, known, month), account.minutes(session, known, before),
        account.minutes(session, known, year), account.pages(session, known, year),
        tuple(account.rows(session, known)),
    )  # fmt: skip
