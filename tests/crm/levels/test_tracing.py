"""The calls behind a figure: as many as it says, by whatever formula, page by page, of any part of the calls."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, product
from uuid import UUID, uuid4

import pytest
from sqlalchemy.orm import Session

from crm.core.clock import start_of_day
from crm.core.db import Database, Scope
from crm.levels import service
from crm.levels.formulas import in_time
from crm.levels.metering import Account, Callers, Counts, FactKind, Measured, quarter_of
from crm.levels.service import SeenFact
from crm.levels.terms import Formula
from crm.levels.tracing import EVERYBODY, Among, Figure, Listed, behind, part, replayed
from tests.cast import Cast
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import OCTOBER, TENTH, Call, play

PERIOD = start_of_day(OCTOBER.first), start_of_day(OCTOBER.after)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 1, 3, tzinfo=UTC))


@pytest.fixture
def calls(timed: Database, cast: Cast) -> None:
    """Waits on both sides of each threshold, answered and not, of both enti and kinds of callers; and one called back
    in vain, one told in its menu, neither folded yet; and one of September.
    """
    waits = product((2, 5, 5.001, 20, 20.001, 40, 40.001), (60, None), Callers, (False, True))
    gaps = count()
    play(
        timed, cast, *(
            Call(TENTH + timedelta(hours=5 * next(gaps) % 60, minutes=next(gaps)), wait, talk, callers, vinci)
            for wait, talk, callers, vinci in waits
        ),
        Call(PERIOD[0] - timedelta(minutes=1), 300),
    )  # fmt: skip
    account = Account(cast.contract, cast.empoli, cast.operator, Callers.MOBILE, quarter_of(TENTH))
    in_vain = [FactKind.RECEIVED, FactKind.ENTERED, FactKind.CALLBACK, FactKind.SERVED, FactKind.NOT_REACHED]
    measured = Measured(received=True, entered=True, served=False, ended=True, waited_ms=50_000, called_back=True)
    told = Measured(received=True, entered=False, served=False, ended=True, waited_ms=0)
    nobodys = Account(cast.contract, None, None, Callers.LANDLINE, quarter_of(TENTH))
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        for where, kinds, stands in ((account, in_vain, measured), (nobodys, [FactKind.RECEIVED], told)):
            facts = [
                SeenFact(kind, TENTH, 50_000 if kind is not FactKind.RECEIVED and stands.entered else 0, repaired=False)
                for kind in (*kinds, FactKind.LEFT)
            ]
            service.record(session, subject=uuid4(), facts=facts, before=None, after=(where, stands))


def asked(cast: Cast) -> Iterator[Listed]:
    """Every figure by every formula, of all calls and of parts of them."""
    parts = (
        EVERYBODY, Among(ente_id=cast.vinci, callers=Callers.MOBILE), Among(queue_id=cast.operator),
        Among(no_queue=True), Among(no_ente=True),
    )  # fmt: skip
    for figure, among in product(Figure, parts):
        for formula in Formula if figure is Figure.IN_TIME else (Formula.A,):
            yield Listed(cast.contract, figure, *PERIOD, among, formula)


def paged(session: Session, what: Listed, most: int) -> tuple[list[UUID], set[int]]:
    found: list[UUID] = []
    told = set()
    while True:
        page, many = part(session, what, skip=len(found), most=most)
        told.add(many)
        if not page:
            return found, told
        assert len(page) == min(most, many - len(found))
        found += [one.subject for one in page]


@pytest.mark.integration
@pytest.mark.usefixtures("calls")
def test_each_list_has_as_many_calls_as_its_figure_counts(timed: Database, cast: Cast) -> None:
    """Held against every call's facts, read without the counters."""
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        every = sorted(replayed(session, cast.contract, *PERIOD), key=lambda one: (one.received_at, one.subject))
        assert len(every) == 58
        for what in asked(cast):
            mine = [one for one in every if what.has(one)]
            total = sum((one.counts for one in every if what.among.has(one.account)), Counts())
            figure = (
                in_time(total, what.formula)[0] if what.figure is Figure.IN_TIME else getattr(total, what.figure.value)
            )
            assert len(mine) == figure, what
            assert [one.subject for one in behind(session, what)] == [one.subject for one in mine], what
            for most in (7, 1000):
                assert paged(session, what, most) == ([one.subject for one in mine], {figure}), what


@pytest.mark.integration
@pytest.mark.usefixtures("calls")
def test_formula_d_lists_the_abandons_that_it_credits(timed: Database, cast: Cast) -> None:
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        by_a, by_d = (
            {one.subject for one in behind(session, Listed(cast.contract, Figure.IN_TIME, *PERIOD, formula=formula))}
            for formula in (Formula.A, Formula.D)
        )
        credited = list(behind(session, Listed(cast.contract, Figure.ABANDONED, *PERIOD)))
    assert by_d - by_a == {one.subject for one in credited if one.counts.abandoned_within}
    assert len(by_d - by_a) == 16


@pytest.mark.integration
@pytest.mark.usefixtures("calls")
def test_another_contracts_scope_sees_none_of_them(timed: Database, cast: Cast) -> None:
    with timed.begin(Scope.of_contract(cast.other_contract)) as session:
        assert part(session, Listed(cast.contract, Figure.RECEIVED, *PERIOD), skip=0, most=10) == ([], 0)
