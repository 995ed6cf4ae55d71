"""A version of what a contract promises holds for whole periods: nothing agreed later judges a day before it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError, InvalidError
from crm.enti.models import Contract, ContractEnte
from crm.levels import queries
from crm.levels.administration import put, write
from crm.levels.agreement import EVER, Agreement, Period, Promise, begins, cut_by, in_force
from crm.levels.closing import close_due, closed
from crm.levels.metering import MEASURES, Callers
from crm.levels.metrics import LOST, WAITING_OVER
from crm.levels.models import ServiceHour
from crm.levels.terms import USUAL, Denominator, Formula, Terms
from crm.levels.terms import in_force as terms_in_force
from tests.cast import Cast
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import read

DAYS = st.dates(date(2026, 1, 1), date(2027, 12, 31))
STARTS = DAYS.map(lambda day: day.replace(day=1)) | DAYS
NOVEMBER, DECEMBER, JANUARY = date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)


# -- pure -----------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(STARTS, st.sampled_from(Period)), max_size=8), DAYS)
def test_whatever_is_taken_no_period_is_of_two_versions(asked: list[tuple[date, Period]], day: date) -> None:
    taken: list[Agreement] = []
    for number, (begun, period) in enumerate(asked):
        new = Agreement(1, begun, period, (), id=number)
        if begins(taken, new) is None and cut_by(taken, new) is None:
            taken.append(new)
    current = in_force(taken, day)
    if current is None:
        return
    first, after = current.period.around(day)
    born = min(one.valid_from for one in taken)
    each = [first + timedelta(days=n) for n in range((after - first).days)]
    assert {in_force(taken, one) for one in each if one >= born or day < born} == {current}


def test_a_change_of_the_period_begins_where_both_do() -> None:
    monthly = Agreement(1, EVER, Period.MONTH, ())
    quarterly = Agreement(1, DECEMBER, Period.QUARTER, ())
    assert begins([monthly], quarterly) == (date(2026, 10, 1), JANUARY)
    assert begins([monthly], replace(quarterly, valid_from=JANUARY)) is None
    assert begins([monthly], replace(monthly, valid_from=DECEMBER)) is None
    assert begins([monthly], replace(monthly, valid_from=date(2026, 12, 2))) == (DECEMBER, JANUARY)
    assert begins([], replace(monthly, valid_from=date(2026, 12, 2))) is None  # none was there before
    coming = replace(monthly, valid_from=date(2027, 2, 1))
    assert cut_by([monthly, coming], replace(quarterly, valid_from=JANUARY)) == date(2027, 2, 1)


# -- with the database -----------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 20, 9, tzinfo=UTC))


@pytest.fixture
def promised(timed: Database, cast: Cast) -> Agreement:
    """From ever: less than 15 per cent of calls lost, a month at a time; fifteen of a hundred were, this November."""
    agreement = Agreement(cast.contract, EVER, Period.MONTH, (Promise(cast.contract, LOST, "<=", Decimal("0.15")),))
    with timed.begin(Scope.nothing()) as session:
        put(session, agreement)
    return agreement


def called(database: Database, cast: Cast, at: datetime) -> None:
    counts = dict.fromkeys(MEASURES, 0) | {"received": 100, "entered": 60, "lost": 15}
    with database.begin(Scope.of_contract(cast.contract)) as session:
        session.add(
            ServiceHour(
                contract_id=cast.contract, hour=at, ente_id=cast.empoli, queue_id=cast.operator,
                callers=Callers.MOBILE, **counts,
            )
        )  # fmt: skip


def writes(
    database: Database, cast: Cast, new: Agreement, terms: Terms = USUAL, *, role: Role = Role.ADMINISTRATOR
) -> None:
    by = Principal(cast.sara, "Sara", "it", frozenset({Held(role, None, cast.contract)}))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        write(session, by, new, terms)


def refused(database: Database, cast: Cast, new: Agreement, terms: Terms = USUAL) -> dict[str, str]:
    with pytest.raises(InvalidError) as error:
        writes(database, cast, new, terms)
    return {one.field: str(one) for one in error.value.parts}


def stood(database: Database, cast: Cast, first: date) -> tuple[Decimal | None, str, Terms]:
    """How the one level of a month was closed."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        kept = closed(session, cast.contract, first, Period.MONTH.around(first)[1] - timedelta(days=1))
    assert kept is not None
    (verdict,) = kept.frozen.verdicts
    return verdict.measured, verdict.standing.value, replace(kept.frozen.terms, valid_from=USUAL.valid_from)


@pytest.mark.integration
def test_what_is_agreed_for_december_leaves_november_as_it_was_promised(
    timed: Database, cast: Cast, clock: Clock, promised: Agreement
) -> None:
    called(timed, cast, datetime(2026, 11, 3, 9, tzinfo=UTC))
    called(timed, cast, datetime(2026, 12, 3, 9, tzinfo=UTC))
    stricter = (Promise(cast.contract, LOST, "<=", Decimal("0.10")),)
    new = replace(promised, valid_from=date(2026, 11, 21), levels=stricter)
    assert "01/12/2026" in refused(timed, cast, new)["valid_from"]
    assert set(refused(timed, cast, replace(new, valid_from=date(2026, 10, 1)))) == {"valid_from"}
    of_queue = replace(USUAL, denominator=Denominator.ENTERED)
    seconds = replace(of_queue, within_ms=30_000)
    writes(timed, cast, replace(new, valid_from=DECEMBER), seconds)  # nobody has called in December yet
    clock.now = datetime(2027, 1, 2, 9, tzinfo=UTC)
    close_due(timed, read)
    assert stood(timed, cast, NOVEMBER) == (Decimal("0.15"), "near", USUAL)
    assert stood(timed, cast, DECEMBER) == (Decimal("0.25"), "broken", seconds)


@pytest.mark.integration
def test_a_running_period_is_corrected_as_a_whole_and_every_ente_reads_of_it(
    timed: Database, cast: Cast, clock: Clock, promised: Agreement
) -> None:
    """On its very last day, too."""
    called(timed, cast, datetime(2026, 11, 3, 9, tzinfo=UTC))
    clock.now = datetime(2026, 11, 30, 22, 30, tzinfo=UTC)  # half past eleven at night in Rome
    right = replace(promised, valid_from=NOVEMBER)
    writes(timed, cast, right, replace(USUAL, formula=Formula.B, denominator=Denominator.ENTERED))
    with timed.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        assert session.scalar(select(func.count()).where(AuditEntry.kind == "contract.levels")) == 2
    clock.now = datetime(2026, 12, 2, 9, tzinfo=UTC)
    close_due(timed, read)
    measured, _, terms = stood(timed, cast, NOVEMBER)
    assert (measured, terms.formula) == (Decimal("0.25"), Formula.B)


@pytest.mark.integration
def test_seconds_by_which_calls_were_counted_stay_until_the_next_period(
    timed: Database, cast: Cast, promised: Agreement
) -> None:
    right, seconds = replace(promised, valid_from=NOVEMBER), replace(USUAL, within_ms=30_000, short_ms=10_000)
    writes(timed, cast, right, seconds)  # nobody called yet: all of it holds from the first on
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        assert queries.terms(session, cast.contract)[-1].valid_from == datetime(2026, 10, 31, 23, tzinfo=UTC)
    called(timed, cast, datetime(2026, 11, 3, 9, tzinfo=UTC))
    assert set(refused(timed, cast, right, replace(seconds, short_ms=5_000))) == {"short"}
    waits = Promise(cast.contract, WAITING_OVER, "<", Decimal("0.2"), threshold_s=Decimal(60))
    assert set(refused(timed, cast, replace(right, levels=(*right.levels, waits)), seconds)) == {"threshold-1"}
    writes(timed, cast, right, replace(seconds, formula=Formula.E))
    writes(timed, cast, replace(promised, valid_from=DECEMBER), USUAL)


@pytest.mark.integration
def test_calls_counted_before_anything_was_promised_keep_the_seconds_they_were_counted_by(
    timed: Database, cast: Cast, clock: Clock
) -> None:
    """What is proved by recomputing it would else differ: the first version's threshold is not that of calls before."""
    with timed.begin(Scope.nothing()) as session:
        new = Contract(name="Livorno")
        session.add(new)
        session.flush()
        session.add(ContractEnte(contract_id=new.id, ente_id=cast.empoli))
        cast = replace(cast, contract=new.id)
    called(timed, cast, datetime(2026, 11, 3, 9, tzinfo=UTC))
    waits = Promise(cast.contract, WAITING_OVER, "<", Decimal("0.2"), threshold_s=Decimal(20))
    writes(timed, cast, Agreement(cast.contract, NOVEMBER, Period.MONTH, (waits,)))
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        versions = queries.terms(session, cast.contract)
    assert terms_in_force(versions, datetime(2026, 11, 3, 9, tzinfo=UTC)).over_ms == USUAL.over_ms
    assert terms_in_force(versions, clock.now + timedelta(hours=1)).over_ms == 20_000


@pytest.mark.integration
def test_a_version_that_is_to_come_is_not_cut_and_nobody_else_writes(
    timed: Database, cast: Cast, promised: Agreement
) -> None:
    writes(timed, cast, replace(promised, valid_from=date(2027, 2, 1)))
    quarterly = replace(promised, valid_from=JANUARY, period=Period.QUARTER)
    assert "01/02/2027" in refused(timed, cast, quarterly)["valid_from"]
    writes(timed, cast, replace(quarterly, period=Period.MONTH))
    with pytest.raises(ForbiddenError):
        writes(timed, cast, replace(promised, valid_from=DECEMBER), role=Role.SUPERVISOR)
