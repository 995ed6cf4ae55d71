"""Transactions: their clock, their signals, their retries."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.core import clock
from crm.core.db import Database, LiveTopic, Scope, signal, touch
from crm.core.jobs import JobWritten
from crm.core.logs import mask_details, mask_secrets
from tests.cast import Cast
from tests.databases import DatabaseUrls, PostgresServer

# -- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "utc_hour"),
    [(date(2026, 1, 10), 23), (date(2026, 7, 10), 22), (date(2026, 3, 29), 23), (date(2026, 3, 30), 22)],
)
def test_a_day_begins_at_midnight_in_rome(day: date, utc_hour: int) -> None:
    start = clock.start_of_day(day)
    assert (start.hour, start.tzinfo) == (utc_hour, UTC)
    assert clock.business_day(start) == day


def test_late_evening_in_greenwich_is_already_tomorrow_in_rome() -> None:
    assert clock.business_day(datetime(2026, 11, 20, 23, 30, tzinfo=UTC)) == date(2026, 11, 21)


@pytest.mark.integration
def test_all_of_a_transaction_happens_in_one_instant(database: Database) -> None:
    with database.begin(Scope.nothing()) as session:
        first = clock.now(session)
        theirs = session.execute(select(func.clock_timestamp())).scalar_one()
        assert clock.now(session) == first
        assert first <= theirs
        assert first.utcoffset() is not None
    with database.begin(Scope.nothing()) as session:
        assert clock.now(session) > first


@pytest.mark.integration
@pytest.mark.parametrize("scope", [Scope.nothing(), Scope.across_enti()])
def test_a_savepoint_is_of_its_transaction_s_instant(database: Database, scope: Scope) -> None:
    with database.begin(scope) as session:
        first = clock.now(session)
        with session.begin_nested():
            assert clock.now(session) == first


@pytest.mark.integration
def test_a_clock_that_ticks_by_itself_runs_by_the_database_and_not_by_the_host(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "datetime", HostSetWrongly)
    began = time.monotonic()
    ticking = clock.DatabaseClock(database)
    assert ticking.now().year == 1999  # nobody has been asked yet
    ticking.refresh()
    with database.begin(Scope.nothing()) as session:
        theirs = session.execute(select(func.clock_timestamp())).scalar_one()
        ours = ticking.now()
        later = session.execute(select(func.clock_timestamp())).scalar_one()
    asked_for = timedelta(seconds=time.monotonic() - began)
    assert theirs - asked_for <= ours <= later + asked_for
    assert ours.utcoffset() == timedelta(0)


@pytest.mark.integration
def test_between_two_answers_of_the_database_it_goes_on_and_an_answer_corrects_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: host[0])
    ticking = clock.DatabaseClock(database)
    ticking.refresh()
    first = ticking.now()
    assert ticking.now() == first
    host[0] += 600
    assert ticking.now() - first == timedelta(minutes=10)
    ticking.refresh()  # ten minutes have not passed at the database
    assert timedelta() <= ticking.now() - first < timedelta(minutes=1)
    database.dispose()
    monkeypatch.setattr(database, "begin", _away)
    with pytest.raises(OSError):
        ticking.refresh()
    assert ticking.now() - first < timedelta(minutes=1)


class HostSetWrongly(datetime):
    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime(1999, 12, 31, tzinfo=tz)


def _away(_scope: Scope) -> Any:
    raise OSError("the database is away")


# -- signals --------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_signals_are_handed_on_once_each_and_only_after_the_commit(database: Database, cast: Cast) -> None:
    heard: list[tuple[list[Any], str]] = []

    def name() -> str:
        with database.begin(Scope.nothing()) as session:
            return session.execute(select(User.name).where(User.id == cast.anna)).scalar_one()

    database.on(LiveTopic, lambda topics: heard.append((topics, name())))
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.anna).values(name="Anna Nuova"))
        touch(session, "board:1", "agent:7")
        touch(session, "board:1")
        assert heard == []
    assert heard == [([LiveTopic("board:1"), LiveTopic("agent:7")], "Anna Nuova")]


@pytest.mark.integration
def test_a_released_savepoint_hands_nothing_on(database: Database) -> None:
    heard: list[Any] = []
    database.on(LiveTopic, heard.extend)
    with database.begin(Scope.nothing()) as session:
        with session.begin_nested():
            touch(session, "board:1")
        assert heard == []
    assert heard == [LiveTopic("board:1")]


@pytest.mark.integration
def test_what_was_rolled_back_is_not_announced(database: Database, cast: Cast) -> None:
    heard: list[Any] = []
    database.on(LiveTopic, heard.extend)

    def fails(session: Session) -> None:
        session.execute(update(User).where(User.id == cast.anna).values(name="Mai"))
        touch(session, "board:1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.transact(Scope.nothing(), fails)
    assert heard == []
    with database.begin(Scope.nothing()) as session:
        assert session.get_one(User, cast.anna).name == "Anna"


@pytest.mark.integration
def test_one_handler_s_failure_undoes_nothing_and_stops_no_other(database: Database, cast: Cast) -> None:
    heard: list[Any] = []

    def broken(_: list[Any]) -> None:
        raise RuntimeError

    database.on(LiveTopic, broken)
    database.on(JobWritten, heard.extend)
    with database.begin(Scope.nothing()) as session:
        session.execute(update(User).where(User.id == cast.anna).values(name="Anna Nuova"))
        signal(session, LiveTopic("board:1"), JobWritten(1, 1))
    assert heard == [JobWritten(1, 1)]
    with database.begin(Scope.nothing()) as session:
        assert session.get_one(User, cast.anna).name == "Anna Nuova"


# -- retries --------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_of_two_transactions_in_each_other_s_way_both_get_done(database: Database, cast: Cast) -> None:
    """A real deadlock: PostgreSQL breaks it, and the loser begins again."""
    both_hold_one = threading.Barrier(2)
    attempts: list[int] = []

    def rename(first: int, second: int, name: str) -> None:
        tried: list[int] = []

        def work(session: Session) -> None:
            tried.append(first)
            attempts.append(first)
            session.execute(update(User).where(User.id == first).values(name=name))
            if len(tried) == 1:
                both_hold_one.wait(10)
            session.execute(update(User).where(User.id == second).values(name=name))
            touch(session, f"user:{name}")

        database.transact(Scope.nothing(), work)

    heard: list[Any] = []
    database.on(LiveTopic, heard.extend)
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(rename, cast.anna, cast.luca, "uno")
        other = pool.submit(rename, cast.luca, cast.anna, "due")
        one.result(20)
        other.result(20)
    assert len(attempts) > 2  # how many more is luck: whoever begins again may meet the other once more
    assert sorted(topic.name for topic in heard) == ["user:due", "user:uno"]
    with database.begin(Scope.nothing()) as session:
        names = session.execute(select(User.name).where(User.id.in_([cast.anna, cast.luca]))).scalars().all()
        assert len(set(names)) == 1


@pytest.mark.integration
def test_any_other_failure_is_not_tried_again(database: Database) -> None:
    attempts: list[int] = []

    def work(_: Session) -> None:
        attempts.append(1)
        raise ValueError

    with pytest.raises(ValueError):
        database.transact(Scope.nothing(), work)
    assert attempts == [1]


@pytest.mark.integration
@pytest.mark.parametrize("scope", [Scope.nothing(), Scope.across_enti()])
def test_a_restart_of_postgresql_is_not_noticed_by_whoever_asks_next(
    database: Database, postgres: PostgresServer, database_urls: DatabaseUrls, scope: Scope
) -> None:
    """Every pooled connection is dead, and many ask at once."""
    many = 6
    together = threading.Barrier(many)

    def ask(wait: threading.Barrier | None = None) -> datetime:
        with database.begin(scope) as session:
            if wait:
                wait.wait(10)
            return clock.now(session)

    with ThreadPoolExecutor(many) as pool:
        before = list(pool.map(lambda _: ask(together), range(many)))
        assert postgres.cut_off(database_urls.name) >= many
        after = list(pool.map(lambda _: ask(), range(many)))
    assert min(after) > max(before)


@pytest.mark.integration
def test_a_connection_lost_in_the_middle_is_an_error_and_nothing_is_done_twice(
    database: Database, postgres: PostgresServer, database_urls: DatabaseUrls, cast: Cast
) -> None:
    attempts: list[int] = []

    def work(session: Session) -> None:
        attempts.append(1)
        session.execute(update(User).where(User.id == cast.anna).values(name="Mai"))
        postgres.cut_off(database_urls.name)
        session.execute(select(User.name))

    with pytest.raises(OperationalError):
        database.transact(Scope.nothing(), work)
    assert attempts == [1]
    with database.begin(Scope.nothing()) as session:
        assert session.get_one(User, cast.anna).name == "Anna"


# -- logs -----------------------------------------------------------------------------------------------------------


def test_secrets_do_not_reach_the_logs() -> None:
    entry = {"event": "x", "auth_token": "a", "Password": "b", "x_twilio_signature": "c", "call": "d"}
    masked = mask_secrets(None, "", dict(entry))
    assert masked == {"event": "x", "auth_token": "***", "Password": "***", "x_twilio_signature": "***", "call": "d"}


@pytest.mark.integration
def test_the_row_that_the_database_objects_to_does_not_reach_the_logs(database: Database, cast: Cast) -> None:
    with pytest.raises(IntegrityError) as refused, database.begin(Scope.nothing()) as session:
        session.execute(update(User).values(username="anna"))
    told = f"Traceback ...\n{refused.value}\nmore"
    assert "(anna)" in told
    masked = str(mask_details(None, "", {"event": "x", "exception": told})["exception"])
    assert "anna" not in masked
    assert "DETAIL: ***" in masked
    assert "uq_app_user_username" in masked
    assert mask_details(None, "", {"event": "x"}) == {"event": "x"}
