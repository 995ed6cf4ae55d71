"""Signs of life: written as a loop turns, not oftener than they must, and never a reason to stop."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from crm.core import heartbeats
from crm.core.db import Database, Scope
from crm.core.heartbeats import FORGOTTEN, FRESH, Heartbeat, Pulse, Sign

pytestmark = pytest.mark.integration


def signs(database: Database) -> list[Sign]:
    with database.begin(Scope.nothing()) as session:
        return heartbeats.signs(session)


def passes(database: Database, time: timedelta) -> None:
    with database.begin(Scope.nothing()) as session:
        session.execute(update(Heartbeat).values(beaten_at=Heartbeat.beaten_at - time))


def pulse(database: Database, process: str = "worker", *, host: str = "one", pid: int = 7, every_s: float = 0) -> Pulse:
    made = Pulse(database, process, every_s=every_s)
    made._me = {"process": process, "host": host, "pid": pid}
    return made


def test_a_loop_that_stands_still_is_seen_by_its_last_sign(database: Database) -> None:
    worker = pulse(database)
    worker.beat()
    passes(database, FRESH + timedelta(seconds=1))
    assert [sign.is_fresh for sign in signs(database)] == [False]
    worker.beat("counts")
    (sign,) = signs(database)
    assert (sign.process, sign.host, sign.pid, sign.doing, sign.is_fresh) == ("worker", "one", 7, "counts", True)
    assert sign.is_of("worker", "one")
    assert not sign.is_of("worker", "two")


def test_a_fast_loop_writes_every_few_seconds_only(database: Database) -> None:
    worker = pulse(database, every_s=60)
    worker.beat()
    passes(database, timedelta(seconds=50))
    worker.beat()
    assert signs(database)[0].age >= timedelta(seconds=50)


def test_a_process_that_starts_takes_the_place_of_those_killed_here_before_it(database: Database) -> None:
    for host, pid in (("one", 1), ("one", 2), ("two", 3)):
        pulse(database, host=host, pid=pid).beat()
    pulse(database, "beat", host="one", pid=4).beat()
    neighbour = pulse(database, host="one", pid=5)
    neighbour.beat()
    assert {(sign.process, sign.pid) for sign in signs(database)} == {("worker", 3), ("worker", 5), ("beat", 4)}
    passes(database, FORGOTTEN)
    pulse(database, "engine", host="three", pid=6).beat()
    assert [sign.process for sign in signs(database)] == ["engine"]
    neighbour.beat()  # it lives: it was only slow
    assert {sign.pid for sign in signs(database)} == {5, 6}


def test_whoever_stops_as_it_should_is_not_missed(database: Database) -> None:
    first, second = pulse(database, pid=1), pulse(database, host="two", pid=2)
    first.beat()
    second.beat()
    first.stop()
    assert [sign.pid for sign in signs(database)] == [2]


def test_a_database_that_is_away_stops_no_loop(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = pulse(database)

    def away(_scope: Scope) -> None:
        raise OperationalError("", {}, OSError())

    with monkeypatch.context() as patched:
        patched.setattr(database, "begin", away)
        worker.beat()
        worker.stop()
    worker.beat()
    assert len(signs(database)) == 1
