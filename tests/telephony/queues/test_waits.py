"""What a waiting caller is told, as a fact, and how often that came true."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import select

from crm.core import clock
from crm.levels import service as levels
from crm.levels.metering import Account, Callers, FactKind, Measured, quarter_of
from crm.levels.models import ServiceFact
from telephony.calls import reception
from telephony.carriers.port import Play, Say
from telephony.queues import waits
from telephony.queues.waits import Announced, Kept
from tests.telephony.stage import TO, Stage
from web.levels.terminal import check_waits

pytestmark = pytest.mark.integration


def handled(stage: Stage, calls: int, *, minutes: float) -> None:
    """So many calls of the operator's queue were handled just now, each for so long."""
    cast = stage.cast
    stands = Measured(
        received=True, entered=True, served=True, ended=True, waited_ms=9_000, talk_ms=int(minutes * 60_000)
    )  # fmt: skip
    at = stage.work(clock.now)
    account = Account(cast.contract, cast.empoli, cast.operator, Callers.MOBILE, quarter_of(at))
    for _ in range(calls):
        stage.work(lambda s: levels.record(s, subject=uuid4(), facts=(), before=None, after=(account, stands)))


def told(stage: Stage, call: UUID) -> str:
    """What the caller hears while he waits."""
    said, music = stage.work(lambda s: reception.waiting(s, call, TO))
    assert isinstance(said, Say)
    assert isinstance(music, Play)
    return said.text


def test_a_caller_is_told_his_place_and_how_long_it_may_take(stage: Stage) -> None:
    """Metric: EWT. The expected wait is announced as a range; the announcement is a fact of the call."""
    handled(stage, 50, minutes=4)
    stage.ready(stage.cast.anna)
    stage.talks(stage.queues(sid="CAfirst"))
    second, third = stage.queues(sid="CAsecond"), stage.queues(sid="CAthird")
    assert told(stage, second).startswith("Lei è il prossimo")
    assert told(stage, third) == "Prima di lei c'è una persona. L'attesa prevista è tra 2 e 17 minuti."
    facts = stage.work(
        lambda s: s.execute(
            select(ServiceFact.position, ServiceFact.announced_from_s, ServiceFact.announced_s).where(
                ServiceFact.kind == FactKind.ANNOUNCED, ServiceFact.subject == third
            )
        ).all()
    )
    assert [tuple(row) for row in facts] == [(2, 120, 1020)]


def test_without_calls_to_tell_it_by_only_the_place_is_told(stage: Stage) -> None:
    stage.ready(stage.cast.anna)
    stage.talks(stage.queues(sid="CAfirst"))
    stage.queues(sid="CAsecond")
    assert told(stage, stage.queues(sid="CAthird")) == "Prima di lei c'è una persona."
    stage.engine.fold_counters()
    assert stage.differences() == []


def test_callers_of_another_queue_count_where_the_same_agents_serve_them(stage: Stage) -> None:
    handled(stage, 50, minutes=4)
    stage.ready(stage.cast.anna)
    stage.talks(stage.queues(sid="CAfirst"))
    call = stage.arrives(sid="CAnotices")
    stage.presses(call, "1")
    after = stage.queues(sid="CAafter")
    assert told(stage, after) == (
        "Lei è il prossimo: le risponderemo appena un operatore si libera."
        " L'attesa prevista è tra 2 e 17 minuti."
    )  # fmt: skip


def test_what_was_announced_is_compared_with_what_came_true(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    """Metric: EWT."""
    handled(stage, 50, minutes=4)
    stage.ready(stage.cast.anna)
    first = stage.queues(sid="CAfirst")
    stage.talks(first)
    second, gone = stage.queues(sid="CAsecond"), stage.queues(sid="CAgone")
    told(stage, second)
    told(stage, gone)
    stage.caller_leaves(gone, after=30)
    stage.ready(stage.cast.luca)
    stage.run()
    stage.answers(second, after=100)
    stage.joins(second, after=104)
    queue, contract = stage.cast.operator, stage.cast.contract
    at = stage.work(clock.now)
    since = at.replace(year=2000)
    assert stage.work(lambda s: waits.kept_by_queue(s, contract, since, at)) == {queue: Kept(1, within=1)}
    assert check_waits(stage.database, contract=None, since=None, until=None)
    assert "1 of 1 as announced (100%)" in capsys.readouterr().out


def test_shorter_and_longer_are_told_apart() -> None:
    rows = [Announced(1, 120, 300, waited) for waited in (60, 120, 300, 301)] + [Announced(1, 3600, None, 9_000)]
    assert waits.kept(rows) == Kept(5, within=3, shorter=1, longer=1)
