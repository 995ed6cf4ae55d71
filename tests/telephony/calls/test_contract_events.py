"""A contract's limits, told once as they are passed: the sixth caller, a wait over five minutes, an hour."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from crm.core import clock
from crm.core.db import Scope
from crm.levels import service as levels
from crm.levels.metering import Account, Callers, FactKind, Measured, hour_of, quarter_of
from crm.levels.metrics import ANSWERED_WITHIN, LONGEST_WAIT, LOST, QUEUE_CAP
from crm.levels.models import ContractEvent, ContractEventKind
from telephony.calls import service
from telephony.calls.events import LegEnd
from telephony.calls.service import Heard
from tests.cast import NOTICE, REGIONAL_LINE, STRANGER, promise
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration

FIXED = "+390571700700"


@pytest.fixture
def limited(stage: Stage) -> Stage:
    """As in Intercent-ER: five in the queue, five minutes, for landlines and mobiles each."""
    with stage.database.begin(Scope.nothing()) as session:
        rows = ((QUEUE_CAP, 5, None), (LONGEST_WAIT, 300, "landline"), (LONGEST_WAIT, 300, "mobile"))
        for metric, target, callers in rows:
            promise(session, stage.cast.contract, metric, target, callers=callers)
    return stage


def events(stage: Stage) -> list[tuple[ContractEventKind, str, Decimal, bool]]:
    """Kind, about what, how much, and whether it stands."""
    rows = stage.work(lambda s: s.execute(select(ContractEvent).order_by(ContractEvent.id)).scalars().all())
    return [(row.kind, row.subject, row.measured, row.withdrawn_at is None) for row in rows]


def test_the_sixth_who_waits_for_an_ente_is_told_whatever_the_queue(limited: Stage) -> None:
    """Metric: queue cap."""
    cast = limited.cast
    for n in range(5):
        limited.queues(sid=f"CA{n}")
    assert events(limited) == []
    other = limited.arrives(STRANGER, REGIONAL_LINE, sid="CAvinci")
    limited.presses(other, "1")
    limited.presses(other, NOTICE)  # Vinci's, in its own queue: not one more of Empoli's
    assert (limited.call(other).ente_id, events(limited)) == (cast.vinci, [])
    sixth = limited.queues(sid="CAsixth")
    assert events(limited) == [(ContractEventKind.QUEUE_OVER, str(sixth), Decimal(6), True)]
    limited.caller_leaves(sixth, after=4)
    seventh = limited.queues(sid="CAseventh")
    assert [subject for _, subject, _, _ in events(limited)] == [str(sixth), str(seventh)]


def test_two_who_enter_at_once_do_not_miss_each_other(limited: Stage) -> None:
    """The fifth has entered, and nobody can see it yet; the sixth waits until he can be counted."""
    for n in range(4):
        limited.queues(sid=f"CA{n}")
    fifth, sixth = limited.arrives(sid="CAfifth"), limited.arrives(sid="CAsixth")
    with ThreadPoolExecutor(max_workers=1) as pool:
        with limited.database.begin(Scope.of_contract(limited.cast.contract)) as session:
            at = clock.now(session)
            service.enter_queue(session, fifth, limited.cast.operator, Heard("queued", at))
            entering = pool.submit(limited.presses, sixth, "0")
            wait([entering], timeout=0.3)
            assert not entering.done()
        entering.result(timeout=10)
    assert [(kind, subject) for kind, subject, _, _ in events(limited)] == [
        (ContractEventKind.QUEUE_OVER, str(sixth))
    ]  # fmt: skip


def test_a_contract_that_promises_nothing_of_the_kind_has_no_such_events(stage: Stage) -> None:
    for n in range(7):
        stage.caller_leaves(stage.queues(sid=f"CA{n}"), after=400) if n > 5 else stage.queues(sid=f"CA{n}")
    assert (events(stage), stage.timers()) == ([], 0)


def test_a_wait_over_five_minutes_is_told_when_nothing_else_happens(limited: Stage) -> None:
    call = limited.queues()
    limited.passes(299)
    limited.engine.fire_timers()
    assert (events(limited), limited.timers()) == ([], 1)
    limited.passes(2)
    limited.engine.fire_timers()
    assert events(limited) == [(ContractEventKind.WAIT_OVER, str(call), Decimal(300), True)]
    (at,) = limited.work(lambda s: s.execute(select(ContractEvent.occurred_at)).scalars().all())
    assert at == limited.after(call, 300.001)
    limited.caller_leaves(call, after=320)
    assert events(limited) == [(ContractEventKind.WAIT_OVER, str(call), Decimal(320), True)]
    assert len(events(limited)) == 1  # once


@pytest.mark.parametrize(("waited", "told"), [(300, []), (300.001, [ContractEventKind.WAIT_OVER])])
def test_five_minutes_are_not_over_five_minutes(limited: Stage, waited: float, told: list[ContractEventKind]) -> None:
    """The engine was away meanwhile: the wait's end tells."""
    call = limited.queues(FIXED)
    limited.caller_leaves(call, after=waited)
    assert [kind for kind, *_ in events(limited)] == told
    assert limited.timers() == 0


def test_a_callback_that_came_late_takes_the_event_back(limited: Stage) -> None:
    call = limited.queues()
    limited.passes(301)
    limited.engine.fire_timers()
    limited.caller_leaves(call, after=120)
    assert events(limited) == [(ContractEventKind.WAIT_OVER, str(call), Decimal(300), False)]


def test_a_wait_is_summed_over_its_stretches(limited: Stage) -> None:
    limited.ready(limited.cast.anna)
    call = limited.queues()
    limited.run()
    limited.answers(call, after=190)
    limited.joins(call, after=200)
    assert (events(limited), limited.timers()) == ([], 0)
    limited.leg_ends(call, LegEnd.FAILED, after=260)
    limited.crash()
    limited.passes(355)  # 200 and 95 seconds
    limited.engine.fire_timers()
    assert events(limited) == []
    limited.passes(6)
    limited.engine.fire_timers()
    assert [kind for kind, *_ in events(limited)] == [ContractEventKind.WAIT_OVER]


def test_an_event_goes_with_its_call_to_the_ente(limited: Stage) -> None:
    call = limited.queues(STRANGER, REGIONAL_LINE)
    limited.caller_leaves(call, after=400)
    limited.work(lambda s: service.attribute(s, call, limited.cast.vinci))
    assert limited.work(lambda s: s.execute(select(ContractEvent.ente_id)).scalars().all()) == [limited.cast.vinci]


def counted(
    stage: Stage, arrived: datetime, *, lost: bool, ended: bool = True, callers: Callers = Callers.MOBILE,
    waited_s: int = 9,
) -> UUID:  # fmt: skip
    """A call that arrived then, as the meter is told of it."""
    call = uuid4()
    account = Account(stage.cast.contract, stage.cast.empoli, stage.cast.operator, callers, quarter_of(arrived))
    stands = Measured(received=True, entered=True, served=not lost, ended=ended, waited_ms=waited_s * 1000)
    fact = levels.SeenFact(FactKind.RECEIVED, arrived, 0, repaired=False)
    stage.work(lambda s: levels.record(s, subject=call, facts=(fact,), before=None, after=(account, stands)))
    return call


def test_an_hour_over_its_limit_is_told_when_it_is_over(stage: Stage) -> None:
    """One in five lost, and less than 15 % may be. What is learnt late corrects it."""
    now = stage.work(clock.now)
    last = hour_of(now) - timedelta(hours=1)
    for n in range(5):
        counted(stage, last + timedelta(minutes=n), lost=n == 0)
        counted(stage, now, lost=True)  # this hour is not over yet
    stage.engine.fold_counters()
    assert events(stage) == [(ContractEventKind.HOUR_OVER, last.isoformat(), Decimal("0.2"), True)]
    stage.engine.fold_counters()
    assert len(events(stage)) == 1
    for n in range(2):
        counted(stage, last + timedelta(minutes=n), lost=False)
    stage.engine.fold_counters()
    assert [stands for *_, stands in events(stage)] == [False]  # one in seven
    counted(stage, last, lost=True)
    stage.engine.fold_counters()
    assert events(stage) == [(ContractEventKind.HOUR_OVER, last.isoformat(), Decimal("0.25"), True)]
    metric, at = stage.work(lambda s: s.execute(select(ContractEvent.metric, ContractEvent.occurred_at)).one())
    assert (metric, at) == (LOST, last + timedelta(hours=1))


def test_landlines_and_mobiles_are_held_against_their_own_limits(stage: Stage) -> None:
    """All landlines were lost and no mobile was: the second does not take back what the first was told of."""
    with stage.database.begin(Scope.nothing()) as session:
        for callers in ("landline", "mobile"):
            promise(session, stage.cast.contract, LOST, Decimal("0.1"), op="<", callers=callers)
    last = hour_of(stage.work(clock.now)) - timedelta(hours=1)
    counted(stage, last, lost=True, callers=Callers.LANDLINE)
    counted(stage, last, lost=False, callers=Callers.MOBILE)
    stage.engine.fold_counters()
    told = [(subject, measured, stands) for _, subject, measured, stands in events(stage)]
    assert (f"{last.isoformat()} landline", Decimal(1), True) in told
    assert not any(subject.endswith("mobile") for subject, _, _ in told)


def test_an_hour_below_its_service_level_is_told(stage: Stage) -> None:
    """A share that is to be reached, not kept below; corrected downwards and upwards by what is learnt late."""
    with stage.database.begin(Scope.nothing()) as session:
        promise(session, stage.cast.contract, ANSWERED_WITHIN, Decimal("0.8"), op=">=")
    last = hour_of(stage.work(clock.now)) - timedelta(hours=1)

    def told() -> list[Decimal]:
        stage.engine.fold_counters()
        rows = select(ContractEvent.measured).where(
            ContractEvent.metric == ANSWERED_WITHIN, ContractEvent.withdrawn_at.is_(None)
        )
        return list(stage.work(lambda s: s.scalars(rows).all()))

    counted(stage, last, lost=False, waited_s=500)
    counted(stage, last, lost=False)
    assert told() == [Decimal("0.5")]
    counted(stage, last, lost=False, waited_s=500)
    counted(stage, last, lost=False, waited_s=500)
    assert told() == [Decimal("0.25")]
    for _ in range(12):
        counted(stage, last, lost=False)
    assert told() == []
