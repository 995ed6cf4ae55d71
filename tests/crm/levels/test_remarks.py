"""Notes on calls over a limit, and calls left out of the penalties with their ente's agreement."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from crm.access.models import Role
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.levels import remarks
from crm.levels.agreement import Promise
from crm.levels.known import Breach
from crm.levels.metering import Callers
from crm.levels.metrics import LONGEST_WAIT, MetricName
from crm.levels.models import ContractEvent, ContractEventKind, RemarkState
from crm.levels.remarks import Step, Waiting, left_out
from crm.levels.verdicts import Verdict
from tests.cast import Cast

pytestmark = pytest.mark.integration
TUESDAY = datetime(2026, 11, 24, 8, tzinfo=UTC)
CALL, NOBODYS = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"


@pytest.fixture
def late(database: Database, cast: Cast) -> date:
    """Two calls waited for too long: Empoli's, and one of which nobody knows the ente. The day."""
    with database.begin(Scope.of_contract(cast.contract)) as session:
        at = clock.now(session)
        session.add_all(
            ContractEvent(
                contract_id=cast.contract, ente_id=ente_id, kind=ContractEventKind.WAIT_OVER, metric=LONGEST_WAIT,
                subject=call, limit=Decimal(300), measured=Decimal(301), occurred_at=at, recorded_at=at,
            )
            for call, ente_id in ((CALL, cast.empoli), (NOBODYS, None))
        )  # fmt: skip
        return clock.business_day(at)


def sara(cast: Cast) -> Principal:
    return Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))


def of_ente(cast: Cast, ente_id: int) -> Principal:
    return Principal(cast.vera, "Vera", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))


def says(
    database: Database, cast: Cast, words: str = "Guasto della rete.", *, call: str = CALL, out: bool = True
) -> int:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return remarks.say(
            session, sara(cast), contract_id=cast.contract, metric=LONGEST_WAIT, subject=call, text=words, leave_out=out
        )[0]


def decides(database: Database, cast: Cast, remark: int, step: Step, *, reason: str = "", ente: int = 0) -> None:
    by = of_ente(cast, ente or cast.empoli)
    with database.begin(Scope.of_enti([ente or cast.empoli])) as session:
        remarks.decide(session, by, remark_id=remark, step=step, reason=reason)


def state(database: Database, cast: Cast, day: date) -> tuple[list[RemarkState], bool]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        said = remarks.remarks(session, cast.contract, day, day + timedelta(days=1))
    promise = Promise(cast.contract, LONGEST_WAIT, "<=", Decimal(300))
    late = Breach(LONGEST_WAIT, CALL, day, TUESDAY, Decimal(301), Callers.LANDLINE, cast.empoli)
    out = left_out(said, [Verdict(promise, breaches=(late,))])
    return [one.state for one in said.get((LONGEST_WAIT, CALL), [])], (LONGEST_WAIT, CALL) in out


def test_a_call_is_left_out_only_once_its_ente_agrees(database: Database, cast: Cast, late: date) -> None:
    asked = says(database, cast)
    assert state(database, cast, late) == ([RemarkState.ASKED], False)
    decides(database, cast, asked, Step.APPROVE)
    decides(database, cast, asked, Step.APPROVE)  # pressed twice
    assert state(database, cast, late) == ([RemarkState.APPROVED], True)
    with pytest.raises(ConflictError, match="già stata decisa"):
        decides(database, cast, asked, Step.REFUSE, reason="Ci ho ripensato.")
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        kinds = list(session.scalars(select(AuditEntry.kind).where(AuditEntry.kind.like("penalty.%"))))
    assert kinds == ["penalty.exclusion_asked", "penalty.exclusion_approved"]


def test_the_ente_of_an_unfit_agent_is_asked_to_leave_a_late_day_out(database: Database, cast: Cast) -> None:
    day = date(2026, 9, 7)
    subject = f"{day}:7:2"
    late = Breach(
        MetricName.FIELD_REMOVED, subject, day, clock.start_of_day(day), Decimal(2), Callers.LANDLINE, cast.empoli,
        enti=(cast.empoli,),
    )  # fmt: skip
    with database.begin(Scope.of_contract(cast.contract)) as session:
        told = {"contract_id": cast.contract, "metric": MetricName.FIELD_REMOVED, "text": "Era via.", "leave_out": True}
        with pytest.raises(NotFoundError):
            remarks.say(session, sara(cast), **told, subject=f"{day}:7:1", late=lambda *_: [late])
        (asked,) = remarks.say(session, sara(cast), **told, subject=subject, late=lambda *_: [late])
    decides(database, cast, asked, Step.APPROVE)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        said = remarks.remarks(session, cast.contract, day, day + timedelta(days=1))
        promise = Promise(1, MetricName.FIELD_REMOVED, "<=", Decimal(1))
        assert remarks.left_out(said, [Verdict(promise, penalised=(late,))]) == {(MetricName.FIELD_REMOVED, subject)}


def test_a_refusal_says_why_and_the_call_may_be_asked_for_again(database: Database, cast: Cast, late: date) -> None:
    asked = says(database, cast)
    with pytest.raises(FieldError):
        decides(database, cast, asked, Step.REFUSE)
    decides(database, cast, asked, Step.REFUSE, reason="La rete era vostra.")
    again = says(database, cast, "La rete era dell'operatore.")
    with pytest.raises(ConflictError, match="già stata chiesta"):
        says(database, cast)
    with database.begin(Scope.of_contract(cast.contract)) as session:
        remarks.decide(session, sara(cast), remark_id=again, step=Step.WITHDRAW)
    assert state(database, cast, late) == ([RemarkState.REFUSED, RemarkState.WITHDRAWN], False)


def test_what_waits_for_an_ente_is_told_by_the_period_in_which_it_stands(
    database: Database, cast: Cast, late: date
) -> None:
    """However long ago that began: the page shows one period at a time."""

    def waits(*ente_ids: int) -> list[Waiting]:
        with database.begin(Scope.of_enti(ente_ids)) as session:
            return remarks.waiting(session, ente_ids)

    says(database, cast, out=False)
    assert waits(cast.empoli) == []
    asked = says(database, cast)
    assert waits(cast.empoli, cast.vinci) == [Waiting(cast.empoli, cast.contract, late.replace(day=1), 1)]
    assert waits(cast.vinci) == []
    decides(database, cast, asked, Step.REFUSE, reason="No.")
    assert waits(cast.empoli) == []


def test_a_note_asks_for_nothing(database: Database, cast: Cast, late: date) -> None:
    noted = says(database, cast, out=False)
    assert state(database, cast, late) == ([RemarkState.NOTE], False)
    with pytest.raises(ConflictError):
        decides(database, cast, noted, Step.APPROVE)
    with pytest.raises(FieldError):
        says(database, cast, "  ", out=False)


@pytest.mark.usefixtures("late")
def test_whoever_is_paid_does_not_decide_and_nobody_decides_for_another_ente(database: Database, cast: Cast) -> None:
    asked = says(database, cast)
    with pytest.raises(ForbiddenError), database.begin(Scope.of_contract(cast.contract)) as session:
        remarks.decide(session, sara(cast), remark_id=asked, step=Step.APPROVE)
    with pytest.raises(NotFoundError):
        decides(database, cast, asked, Step.APPROVE, ente=cast.vinci)
    with pytest.raises(ForbiddenError), database.begin(Scope.of_enti([cast.empoli])) as session:
        remarks.decide(session, of_ente(cast, cast.vinci), remark_id=asked, step=Step.APPROVE)
    with pytest.raises(ForbiddenError), database.begin(Scope.of_enti([cast.empoli])) as session:
        remarks.say(
            session, of_ente(cast, cast.empoli), contract_id=cast.contract, metric=LONGEST_WAIT, subject=CALL,
            text="No.", leave_out=True,
        )  # fmt: skip


@pytest.mark.usefixtures("late")
def test_nobody_can_agree_for_a_call_of_no_ente(database: Database, cast: Cast) -> None:
    with pytest.raises(ConflictError, match="di quale ente"):
        says(database, cast, call=NOBODYS)
    with pytest.raises(NotFoundError):
        says(database, cast, call="00000000-0000-0000-0000-000000000003")
