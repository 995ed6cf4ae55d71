"""Closed periods are judged again: what differs is explained by what was recorded since; written only on purpose."""

from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.continuity.models import Cause, Interruption, Part, ServiceSpell
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.levels import folding, recomputing, remarks, service
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period, Promise
from crm.levels.behind import Paid, behind
from crm.levels.closing import close_due, closed
from crm.levels.differences import Counted, Learnt, Whole, WhyChanged, differences, shifts
from crm.levels.judgement import judge_all
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
from crm.levels.later import Changes
from crm.levels.metering import Account, Callers, Counts, FactKind, Measured, quarter_of
from crm.levels.metrics import LONGEST_WAIT, LOST, Each
from crm.levels.models import ClosedPeriod, ContractEvent, ContractEventKind, RemarkState, ServiceDelta, ServiceFact
from crm.levels.penalties import penalties
from crm.levels.recomputing import Recomputed, recompute, write_version
from crm.levels.remarks import Remark, Step
from crm.levels.service import SeenFact
from crm.levels.terms import USUAL
from tests.cast import Cast, open_week
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import GOLDEN, TENTH, Call, play, read

OCTOBER = date(2026, 10, 1), date(2026, 10, 31)
SIXTH = TENTH.date()
SETTLED = datetime(2026, 11, 1, 3, tzinfo=UTC)


# -- pure -----------------------------------------------------------------------------------------------------------


def test_each_figure_of_what_is_kept_has_its_difference() -> None:
    then = Evidence((SIXTH,), promised=timedelta(hours=9), failed=timedelta(), marks=(4, 5))
    now = Evidence(
        (), promised=timedelta(hours=8), failed=timedelta(minutes=31), marks=(5, 7),
        continuity=Continuity((Decimal(31),), (Decimal(2),), timedelta(hours=24), timedelta(minutes=31), Decimal(4)),
        desks=AtDesks({SIXTH: 900}, 3, 1200, 5), outbound=Outbound(90, 3_600_000),
        unfit=(Unfit(1, 1, SIXTH, 2, 4),), terms=(TermTaken(1, 1, "x", SIXTH, 6),),
        complaints=Complaints((Complaint(1, 1, SIXTH),)), replies=(Replied("M-2", None, "x", SIXTH, 4, 6),),
    )  # fmt: skip
    found = {one.figure: (one.was, one.now) for one in shifts(then, now)}
    assert found[Whole.SERVICE_DAYS] == (1, 0)
    assert found[Whole.PROMISED_MIN] == (540, 480)
    assert found[Whole.FAILED_MIN] == (0, 31)
    assert found[Whole.INTERRUPTION_MIN] == (None, 31)
    assert set(found) == set(Whole)
    assert not list(shifts(now, now))


def test_a_difference_is_of_what_was_learnt_of_its_own_figure() -> None:
    then, now = Evidence(), Evidence((SIXTH,), {SIXTH: {Callers.MOBILE: Counts(received=1)}}, marks=(5, 5))
    learnt = Learnt(
        {(SIXTH, Callers.MOBILE): frozenset({WhyChanged.LATE, WhyChanged.IMPORTED})},
        frozenset({WhyChanged.INTERRUPTION_AGREED, WhyChanged.INTERRUPTION_FOUND}),
    )
    (calls,) = differences(then, now, learnt)
    assert calls.causes == (WhyChanged.IMPORTED, WhyChanged.LATE)
    assert {one.figure: one.causes for one in shifts(then, now, learnt)} == {
        Whole.SERVICE_DAYS: (WhyChanged.INTERRUPTION_AGREED,),
        Whole.CONTENT: (WhyChanged.SURVEY_LATE,), Whole.MARKS: (WhyChanged.SURVEY_LATE,),
    }  # fmt: skip
    (untold,) = differences(then, now)
    assert untold.causes == (WhyChanged.RECOUNTED,)


SUBJECTS = st.sampled_from([str(UUID(int=n)) for n in range(4)])
BREACHES = st.lists(
    st.builds(
        Breach, st.sampled_from([LONGEST_WAIT, "max_contacts_in_queue"]), SUBJECTS, st.just(SIXTH), st.just(TENTH),
        st.integers(301, 900).map(Decimal), st.sampled_from(Callers),
    ),
    unique_by=lambda one: (one.metric, one.subject), max_size=8,
)  # fmt: skip
RATES = st.decimals(Decimal("0.0001"), 10, places=4)


def remark(metric: str, subject: str) -> Remark:
    said = "x", RemarkState.APPROVED, "Sara", TENTH, "Vera", TENTH, ""
    return Remark(1, 1, metric, subject, *said)


@given(BREACHES, st.lists(st.tuples(st.just(LONGEST_WAIT), SUBJECTS), max_size=2), RATES, RATES, st.booleans())
def test_what_stands_behind_a_penalty_sums_up_to_it(
    breaches: list[Breach], out: list[tuple[str, str]], one: Decimal, other: Decimal, grouped: bool
) -> None:
    """Rule: a list behind each euro."""
    group = "g" if grouped else ""
    levels = tuple(
        Promise(1, metric, "<=", Decimal(300), penalty_per_mille=rate, penalty_each=Each.CALL, penalty_group=group)
        for metric, rate in ((LONGEST_WAIT, one), ("max_contacts_in_queue", other))
    )
    agreed = Agreement(1, EVER, Period.MONTH, levels, Decimal("123456.78"))
    verdicts = judge_all(levels, Evidence((SIXTH,), {}, tuple(breaches)), USUAL)
    said = {key: [remark(*key)] for key in out}
    listed = list(behind(agreed, verdicts, said))
    assert {(each.breach.metric, each.breach.subject) for each in listed} == {(b.metric, b.subject) for b in breaches}
    for owed in penalties(agreed, verdicts, excluded=frozenset(said)):
        mine = [each for each in listed if each.verdict.promise == owed.promise]
        assert owed.euro == sum((each.euro or 0 for each in mine), Decimal(0)).quantize(Decimal("0.01"))
        assert len(owed.breaches) == sum(each.paid is Paid.OWED for each in mine)
        assert all(each.said for each in mine if each.paid is Paid.LEFT_OUT and not grouped)
        assert not any(each.paid is Paid.OWED and each.said for each in mine)


# -- over the database ----------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(SETTLED)


@pytest.fixture
def october(timed: Database, cast: Cast, clock: Clock) -> list[UUID]:
    """Empoli's October is closed, and it is an hour later; which calls there were."""
    with timed.begin(Scope.nothing()) as session:
        session.add(ServiceSpell(part=Part.PAGES, began_at=datetime(2026, 9, 1, tzinfo=UTC), last_at=clock.now))
        level = Promise(
            cast.contract, LONGEST_WAIT, "<=", Decimal(300), penalty_per_mille=Decimal(1), penalty_each=Each.CALL
        )
        lost = Promise(cast.contract, LOST, "<=", Decimal("0.5"))
        put(session, Agreement(cast.contract, EVER, Period.MONTH, (level, lost), Decimal(10_000)))
    found = play(timed, cast, *GOLDEN)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        changed(session)
        session.add(open_week(cast.contract, *["08:00-18:00"] * 5))
        session.add(
            ContractEvent(
                contract_id=cast.contract, ente_id=cast.empoli, kind=ContractEventKind.WAIT_OVER, metric=LONGEST_WAIT,
                subject=str(found[0]), limit=Decimal(300), measured=Decimal(301), occurred_at=TENTH, recorded_at=TENTH,
            )
        )  # fmt: skip
    close_due(timed, read)
    clock.now += timedelta(hours=1)
    return found


def judged(session: Session, cast: Cast, ente_id: int | None = None) -> Recomputed:
    mine = ente_id or cast.empoli
    return recompute(session, cast.contract, mine, *OCTOBER, read(session, cast.contract, mine))


def whys(found: Changes) -> dict[str, set[WhyChanged]]:
    told: dict[str, set[WhyChanged]] = {}
    for one in (*found.of_days, *found.of_period):
        name = one.counted if hasattr(one, "counted") else one.figure
        told.setdefault(name.value, set()).update(one.causes)
    return told


@pytest.mark.integration
def test_nothing_new_is_equal_and_nothing_is_written(timed: Database, cast: Cast, october: list[UUID]) -> None:
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        found = judged(session, cast)
        assert found.is_sound
        assert found.is_the_same
        assert set(session.scalars(select(ClosedPeriod.version))) == {1}


@pytest.mark.integration
def test_each_difference_has_its_real_cause(timed: Database, cast: Cast, clock: Clock, october: list[UUID]) -> None:
    play(timed, cast, Call(TENTH, 7, 8, Callers.LANDLINE))  # told late
    account = Account(cast.contract, cast.empoli, cast.operator, Callers.MOBILE, quarter_of(TENTH))
    measured = Measured(received=True, entered=True, served=True, ended=True, waited_ms=12_500, talk_ms=60_000,
                        wrap_up_ms=30_000)  # fmt: skip
    yesterday = replace(account, quarter=quarter_of(TENTH - timedelta(days=1)))
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        for kind, after in ((FactKind.MOVED, account), (FactKind.ATTRIBUTED, replace(account, ente_id=cast.vinci))):
            facts = [SeenFact(kind, clock.now, 12_500, repaired=False)]
            service.record(
                session, subject=october[0], facts=facts, before=(account, measured), after=(after, measured)
            )
        old = [SeenFact(FactKind.RECEIVED, TENTH - timedelta(days=1), 0, repaired=False)]
        imported = {"imported": True}
        session.execute(
            insert(ServiceFact),
            [row | imported for row in service.fact_rows(uuid4(), old, yesterday, recorded_at=clock.now)],
        )
        left = Measured(received=True, entered=False, served=False, ended=True, waited_ms=None)
        told = service.changes(None, (yesterday, left), [USUAL])
        session.execute(insert(ServiceDelta), [asdict(where) | asdict(counts) for where, counts in told])
        changed(session)
        session.add_all(
            [
                open_week(cast.contract, *["08:00-18:00"] * 5, "09:00-12:00"),  # as if it had always been so
                Interruption(
                    cause=Cause.EVERYTHING, began_at=TENTH, ended_at=TENTH + timedelta(minutes=40), found_at=clock.now
                ),
            ]
        )  # fmt: skip
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        folding.fold(session)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        found = judged(session, cast)
        by_day = {(one.day, one.callers, one.counted): one.causes for one in found.changes.of_days}
        assert by_day[SIXTH, Callers.LANDLINE, Counted.RECEIVED] == (WhyChanged.LATE,)
        assert by_day[SIXTH, Callers.MOBILE, Counted.RECEIVED] == (WhyChanged.ATTRIBUTED,)
        assert by_day[SIXTH - timedelta(days=1), Callers.MOBILE, Counted.RECEIVED] == (WhyChanged.IMPORTED,)
        of_period = whys(found.changes)
        assert of_period["failed_min"] == {WhyChanged.INTERRUPTION_FOUND}
        assert of_period["promised_min"] == {WhyChanged.HOURS_CHANGED}
        assert of_period["interruptions"] == {WhyChanged.INTERRUPTION_FOUND}
        assert {one.key[0][0] for one in found.moved} >= {LOST}
        vinci = judged(session, cast, cast.vinci)
        assert whys(vinci.changes)["received"] == {WhyChanged.ATTRIBUTED}
    with timed.begin(Scope.of_enti([cast.empoli])) as session:  # an ente sees the causes of its own calls
        kept = closed(session, cast.contract, *OCTOBER, ente_id=cast.empoli)
        assert kept is not None
        assert kept.version == 1
        known = {(one.day, one.callers): one.causes for one in judged(session, cast).changes.of_days}
        assert known[SIXTH, Callers.LANDLINE] == (WhyChanged.LATE,)


@pytest.mark.integration
def test_an_exclusion_agreed_later_moves_the_penalty_and_a_further_version_keeps_it(
    timed: Database, cast: Cast, clock: Clock, october: list[UUID]
) -> None:
    sara = Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))
    vera = Principal(cast.vera, "Vera", "it", frozenset({Held(Role.ENTE_APPROVER, cast.empoli, None)}))
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        (asked,) = remarks.say(
            session, sara, contract_id=cast.contract, metric=LONGEST_WAIT, subject=str(october[0]), text="Guasto.",
            leave_out=True,
        )  # fmt: skip
    with timed.begin(Scope.of_enti([cast.empoli])) as session:
        remarks.decide(session, vera, remark_id=asked, step=Step.APPROVE)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        found = judged(session, cast)
        (moved,) = found.moved
        assert moved.was is not None
        assert moved.now is not None
        assert (moved.was.euro, moved.now.euro, moved.causes) == (10, 0, (WhyChanged.EXCLUSION_AGREED,))
        assert not found.changes
        assert write_version(session, cast.contract, cast.empoli, found, reason="Verbale del 3 novembre.") == 2
    with timed.begin(Scope.of_enti([cast.empoli])) as session:
        kept = closed(session, cast.contract, *OCTOBER, ente_id=cast.empoli)
        assert kept is not None
        assert (kept.version, kept.reason) == (2, "Verbale del 3 novembre.")
        assert session.scalar(select(func.count()).where(AuditEntry.kind == "levels.recomputed")) == 1
        kept_all = select(ClosedPeriod.version).where(ClosedPeriod.first == OCTOBER[0])
        assert sorted(session.scalars(kept_all)) == [1, 2]
        again = judged(session, cast)
        assert again.is_sound
        assert again.is_the_same
    assert close_due(timed, read) == 0
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        whole = closed(session, cast.contract, *OCTOBER)
        assert whole is not None
        assert whole.version == 1
        assert recomputing.periods(session, cast.contract, ente_id=cast.empoli, begins=OCTOBER[0]) == [OCTOBER]


@pytest.mark.integration
def test_a_definition_that_changed_is_told_as_such(timed: Database, cast: Cast, october: list[UUID]) -> None:
    with timed.begin(Scope.nothing()) as session:
        level = Promise(cast.contract, LOST, "<=", Decimal("0.1"))
        put(session, Agreement(cast.contract, EVER, Period.MONTH, (level,)))
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        found = {one.key[0][0]: one for one in judged(session, cast).moved}
        assert found[LONGEST_WAIT].now is None
        assert all(one.causes == (WhyChanged.LEVELS_CHANGED,) for one in found.values())
