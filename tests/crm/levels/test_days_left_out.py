"""Days at the desks over a limit: notes, and days that all the enti whose offices they were agree to leave out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.agendas.models import BookableService
from crm.audit.models import AuditEntry
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, ForbiddenError, NotFoundError
from crm.enti.models import Office
from crm.levels import remarks
from crm.levels.administration import put
from crm.levels.agreement import EVER, Agreement, Period, Promise
from crm.levels.behind import Paid, behind
from crm.levels.closing import close_due, closed
from crm.levels.differences import WhyChanged
from crm.levels.frozen import restored, seal, stored
from crm.levels.judgement import judge
from crm.levels.known import AtDesks, Evidence
from crm.levels.metrics import Each, MetricName
from crm.levels.models import RemarkState
from crm.levels.recomputing import recompute
from crm.levels.remarks import Remark, Step, Waiting, left_out
from crm.levels.terms import USUAL
from crm.levels.verdicts import Verdict
from crm.turns.models import Turn, TurnState
from tests.cast import Cast
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import read

OCTOBER = date(2026, 10, 1), date(2026, 10, 31)
SIXTH, SEVENTH, EIGHTH = (date(2026, 10, day) for day in (6, 7, 8))
WAIT = MetricName.COUNTER_WAIT.value
PROMISE = Promise(1, WAIT, "<=", Decimal(30), penalty_per_mille=Decimal(1), penalty_each=Each.DAY_OVER)


# -- pure -----------------------------------------------------------------------------------------------------------


def said(ente_id: int, state: RemarkState) -> Remark:
    at = datetime(2026, 11, 2, 9, tzinfo=UTC)
    return Remark(1, ente_id, WAIT, SIXTH.isoformat(), "Sciopero.", state, "Sara", at, None, None, "")


@given(
    st.dictionaries(st.integers(1, 4), st.sampled_from([600, 1800, 1801, 7200]), min_size=1),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from(RemarkState)), max_size=6),
)
def test_a_day_is_left_out_once_everybody_over_it_agreed(
    waits: dict[int, int], answers: list[tuple[int, RemarkState]]
) -> None:
    longest = max(waits.values())
    verdict = judge(PROMISE, Evidence(desks=AtDesks({SIXTH: longest}, of_enti={SIXTH: waits})), USUAL)
    key = WAIT, SIXTH.isoformat()
    over = {one for one, seconds in waits.items() if seconds > 1800}
    assert {one for breach in verdict.penalised for one in breach.enti} == over
    agreed = {one for one, state in answers if state is RemarkState.APPROVED}
    out = left_out({key: [said(*one) for one in answers]}, [verdict])
    assert (key in out) is bool(over and over <= agreed)


def test_a_closing_from_before_the_enti_were_kept_asks_whoever_was_asked() -> None:
    verdict = judge(PROMISE, Evidence(desks=AtDesks({SIXTH: 3600})), USUAL)
    key = WAIT, SIXTH.isoformat()
    assert not left_out({key: [said(1, RemarkState.APPROVED), said(2, RemarkState.REFUSED)]}, [verdict])
    assert left_out({key: [said(1, RemarkState.APPROVED), said(2, RemarkState.APPROVED)]}, [verdict]) == {key}


# -- with the database -----------------------------------------------------------------------------------------------


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 2, 9, tzinfo=UTC))


@pytest.fixture
def desks(timed: Database, cast: Cast) -> dict[int, Any]:
    """On the sixth Empoli and Vinci let somebody wait for an hour, on the seventh Empoli alone; the eighth is good."""
    with timed.begin(Scope.nothing()) as session:
        level = Promise(
            cast.contract, WAIT, "<=", Decimal(30), penalty_per_mille=Decimal(1), penalty_each=Each.DAY_OVER
        )
        put(session, Agreement(cast.contract, EVER, Period.MONTH, (level,), Decimal(10_000)))
    places = {}
    for ente_id in (cast.empoli, cast.vinci):
        with timed.begin(Scope.of_enti([ente_id])) as session:
            office = Office(
                ente_id=ente_id, name="Tributi", address="Via Roma 1", competent_for="", accessibility="", hours=[]
            )
            service = BookableService(
                ente_id=ente_id, name={"it": "TARI"}, description={}, bring={}, duration=20, step=20
            )
            session.add_all([office, service])
            session.flush()
            places[ente_id] = {"ente_id": ente_id, "office_id": office.id, "service_id": service.id}
    waited(timed, places[cast.empoli], {SIXTH: 3600, SEVENTH: 3600, EIGHTH: 60})
    waited(timed, places[cast.vinci], {SIXTH: 2400, SEVENTH: 60})
    return places


def waited(database: Database, place: dict[str, Any], days: dict[date, int]) -> None:
    with database.begin(Scope.of_enti([place["ente_id"]])) as session:
        session.add_all(
            Turn(
                **place, day=day, letter="A", number=seconds % 1000 + 1, state=TurnState.DONE, waited_s=seconds,
                arrived_at=datetime(day.year, day.month, day.day, 8, tzinfo=UTC),
            )
            for day, seconds in days.items()
        )  # fmt: skip


def sara(cast: Cast) -> Principal:
    return Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))


def asks(database: Database, cast: Cast, day: date | str, *, out: bool = True) -> list[int]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return remarks.say(
            session, sara(cast), contract_id=cast.contract, metric=WAIT, subject=str(day), text="L'altro sportello.",
            leave_out=out,
        )  # fmt: skip


def decides(database: Database, cast: Cast, remark: int, ente_id: int, step: Step = Step.APPROVE) -> None:
    by = Principal(cast.vera, "Vera", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))
    with database.begin(Scope.of_enti([ente_id])) as session:
        remarks.decide(session, by, remark_id=remark, step=step, reason="Non è vero.")


def paid(database: Database, cast: Cast, ente_id: int | None = None) -> dict[date, Paid]:
    """How the days over the limit stand in October, for the contract or for one ente."""
    scope = Scope.of_contract(cast.contract) if ente_id is None else Scope.of_enti([ente_id])
    with database.begin(scope) as session:
        agreement = remarks.agreement(session, cast.contract, OCTOBER[0])
        assert agreement is not None
        evidence = read(session, cast.contract, ente_id)(OCTOBER[0], date(2026, 11, 1))
        verdicts: list[Verdict] = [judge(one, evidence, USUAL) for one in agreement.levels]
        about = remarks.remarks(session, cast.contract, OCTOBER[0], date(2026, 11, 1))
        return {one.breach.day: one.paid for one in behind(agreement, verdicts, about)}


@pytest.mark.integration
def test_each_ente_answers_for_its_own_desks_and_the_contract_for_all(
    timed: Database, cast: Cast, desks: dict[int, Any]
) -> None:
    of_empoli, of_vinci = asks(timed, cast, SIXTH)
    assert paid(timed, cast) == {SIXTH: Paid.OWED, SEVENTH: Paid.OWED}
    decides(timed, cast, of_empoli, cast.empoli)
    decides(timed, cast, of_empoli, cast.empoli)  # pressed twice
    assert paid(timed, cast) == {SIXTH: Paid.OWED, SEVENTH: Paid.OWED}
    assert paid(timed, cast, cast.empoli) == {SIXTH: Paid.LEFT_OUT, SEVENTH: Paid.OWED}
    assert paid(timed, cast, cast.vinci) == {SIXTH: Paid.OWED}
    decides(timed, cast, of_vinci, cast.vinci)
    assert paid(timed, cast) == {SIXTH: Paid.LEFT_OUT, SEVENTH: Paid.OWED}
    for ente_id in (cast.empoli, cast.vinci):
        with timed.begin(Scope.of_enti([ente_id])) as session:
            kinds = list(session.scalars(select(AuditEntry.kind).where(AuditEntry.kind.like("penalty.%"))))
        assert kinds == ["penalty.exclusion_asked", "penalty.exclusion_approved"]


@pytest.mark.integration
def test_whoever_refused_is_asked_again_and_nobody_else(timed: Database, cast: Cast, desks: dict[int, Any]) -> None:
    of_empoli, of_vinci = asks(timed, cast, SIXTH)
    with pytest.raises(ConflictError, match="già stata chiesta"):
        asks(timed, cast, SIXTH)
    with timed.begin(Scope.of_enti([cast.vinci])) as session:
        assert remarks.waiting(session, [cast.vinci]) == [Waiting(cast.vinci, cast.contract, OCTOBER[0], 1)]
    decides(timed, cast, of_empoli, cast.empoli)
    decides(timed, cast, of_vinci, cast.vinci, Step.REFUSE)
    (again,) = asks(timed, cast, SIXTH)
    assert paid(timed, cast)[SIXTH] is Paid.OWED
    decides(timed, cast, again, cast.vinci)
    assert paid(timed, cast)[SIXTH] is Paid.LEFT_OUT
    assert len(asks(timed, cast, SIXTH, out=False)) == 2  # a note, in each ente's log
    assert len(asks(timed, cast, SEVENTH)) == 1  # Empoli alone was over


@pytest.mark.integration
def test_what_is_not_over_cannot_be_asked_for_and_nobody_answers_for_another(
    timed: Database, cast: Cast, desks: dict[int, Any]
) -> None:
    for subject in (EIGHTH, f"{SEVENTH:%Y%m%d}", "2026-10-09", "2026-13-45", "sei ottobre", "'; --"):
        with pytest.raises(NotFoundError):
            asks(timed, cast, subject)
    (of_empoli,) = asks(timed, cast, SEVENTH)
    with pytest.raises(NotFoundError):
        decides(timed, cast, of_empoli, cast.vinci)
    with pytest.raises(ForbiddenError), timed.begin(Scope.of_contract(cast.contract)) as session:
        remarks.decide(session, sara(cast), remark_id=of_empoli, step=Step.APPROVE)
    stranger = Principal(cast.vera, "Vera", "it", frozenset({Held(Role.SUPERVISOR, None, cast.other_contract)}))
    with pytest.raises(ForbiddenError), timed.begin(Scope.of_contract(cast.contract)) as session:
        remarks.say(
            session, stranger, contract_id=cast.contract, metric=WAIT, subject=str(SEVENTH), text="No.", leave_out=True
        )
    assert paid(timed, cast)[SEVENTH] is Paid.OWED


@pytest.mark.integration
def test_a_closed_day_is_left_out_later_with_its_cause_and_by_those_it_was_closed_with(
    timed: Database, cast: Cast, desks: dict[int, Any], clock: Clock
) -> None:
    close_due(timed, read)
    clock.now += timedelta(hours=1)
    waited(timed, desks[cast.vinci], {SEVENTH: 7201})  # told after the closing: of then Empoli answers alone
    (of_empoli,) = asks(timed, cast, SEVENTH)
    decides(timed, cast, of_empoli, cast.empoli)
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        kept = closed(session, cast.contract, *OCTOBER)
        assert kept is not None
        assert seal(kept.frozen) == kept.seal == seal(restored(stored(kept.frozen)))
        about = remarks.remarks(session, cast.contract, OCTOBER[0], date(2026, 11, 1))
        assert left_out(about, kept.frozen.verdicts) == {(WAIT, SEVENTH.isoformat())}
        own = recompute(session, cast.contract, cast.empoli, *OCTOBER, read(session, cast.contract, cast.empoli))
        (moved,) = own.moved
        assert own.is_sound
        assert moved.was is not None
        assert moved.now is not None
        assert (moved.was.euro, moved.now.euro, moved.causes) == (20, 10, (WhyChanged.EXCLUSION_AGREED,))
        whole = recompute(session, cast.contract, None, *OCTOBER, read(session, cast.contract, None))
        assert {one.causes for one in whole.changes.of_period} == {(WhyChanged.DESK_LATE,)}
        assert not left_out(about, whole.now.verdicts)  # as it is known now, Vinci would have to agree, too


@pytest.mark.integration
def test_the_day_after_the_period_is_of_the_next_one(timed: Database, cast: Cast, desks: dict[int, Any]) -> None:
    waited(timed, desks[cast.empoli], {date(2026, 11, 1): 3600})
    asks(timed, cast, date(2026, 11, 1))
    with timed.begin(Scope.of_contract(cast.contract)) as session:
        assert not remarks.remarks(session, cast.contract, OCTOBER[0], OCTOBER[1] + timedelta(days=1))
        assert remarks.remarks(session, cast.contract, date(2026, 11, 1), date(2026, 12, 1))
