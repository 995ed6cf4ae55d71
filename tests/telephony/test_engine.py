"""The engine's sign of life: left by its loop, and by a loop that turns alone."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from crm.core import heartbeats
from crm.core.db import Scope
from crm.core.heartbeats import LEADS, WAITS, Sign
from telephony import engine as engines
from telephony.engine import Chore, Engine
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration


@contextmanager
def running(stage: Stage, *chores: Chore) -> Iterator[Engine]:
    """An engine that does these chores alone, in a thread of its own."""
    engine = Engine(stage.database, stage.matcher, stage.dispatcher, stage.reconciler)
    engine.chores = chores
    engine._pulse._every_s = 0.05
    stop = threading.Event()
    thread = threading.Thread(target=engine.run, args=(stop,))
    thread.start()
    try:
        yield engine
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def sign(stage: Stage) -> Sign | None:
    with stage.database.begin(Scope.nothing()) as session:
        return next(iter(heartbeats.signs(session)), None)


def eventually(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def grows_old(stage: Stage, seconds: float = 1) -> None:
    """Nothing more is heard of the engine."""
    eventually(lambda: (one := sign(stage)) is not None and one.age.total_seconds() > seconds)


class Turns:
    """A chore that is waited for: each time that it is done is an event."""

    def __init__(self, do: Callable[[], object] = lambda: None) -> None:
        self._do = do
        self._done = threading.Condition()
        self._count = 0

    def __call__(self) -> object:
        with self._done:
            self._count += 1
            self._done.notify_all()
        return self._do()

    def more(self, count: int) -> None:
        """Wait until it has been done so many times more."""
        with self._done:
            wanted = self._count + count
            assert self._done.wait_for(lambda: self._count >= wanted, 10)


def test_an_engine_that_turns_says_so_and_whether_it_leads(stage: Stage) -> None:
    with running(stage):
        eventually(lambda: (one := sign(stage)) and one.doing == LEADS)
        with running(stage):
            eventually(lambda: (one := sign(stage)) and one.doing == WAITS)
    assert sign(stage) is None  # both stopped as they should


def test_an_engine_whose_loop_is_held_up_gives_no_sign_of_life(stage: Stage) -> None:
    """Rule: heartbeat and take-over."""
    go_on = threading.Event()

    def hold() -> None:
        if sign(stage):
            go_on.wait(20)

    try:
        with running(stage, Chore("hold", 0.1, hold)):
            grows_old(stage)
            go_on.set()
            eventually(lambda: (one := sign(stage)) and one.age.total_seconds() < 0.5)
    finally:
        go_on.set()


def test_an_engine_beside_which_a_chore_never_ends_gives_no_sign_of_life(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    try:
        with running(stage, Chore("carrier", 0.1, lambda: go_on.wait(20), patient=True)):
            eventually(lambda: (one := sign(stage)) and one.age.total_seconds() < 0.5)  # it may take its time
            monkeypatch.setattr(engines, "PATIENCE_S", 0.3)
            grows_old(stage)
            go_on.set()
            eventually(lambda: (one := sign(stage)) and one.age.total_seconds() < 0.5)
    finally:
        go_on.set()


def test_a_chore_that_fails_each_time_holds_nobody_up(stage: Stage) -> None:
    broken, other = Turns(lambda: 1 / 0), Turns()
    with running(stage, Chore("broken", 0.1, broken), Chore("other", 0.1, other)):
        broken.more(3)
        other.more(3)
        eventually(lambda: (one := sign(stage)) and (one.doing, one.age.total_seconds() < 0.5) == (LEADS, True))


def test_when_the_engine_that_leads_is_gone_the_other_takes_over(stage: Stage) -> None:
    """Rule: heartbeat and take-over. Its connection is cut, as if it had died: nothing is done by nobody, or by two."""
    first, second = Turns(), Turns()
    with running(stage, Chore("first", 0.1, first)) as one:
        first.more(1)
        with running(stage, Chore("second", 0.1, second)) as other:
            one.leads = lambda: False  # type: ignore[method-assign]
            one.resign()
            second.more(3)
            assert other._leads
