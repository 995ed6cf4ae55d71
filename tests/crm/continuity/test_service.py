"""The system finds out by itself that it was away; what it found stands, and an ente alone says what counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm.access.models import Role, User
from crm.access.permissions import Held, Principal
from crm.continuity import notices, queries, remarks, runs, service
from crm.continuity.models import Cause, ContinuityRun, Interruption, Part, RunKind, RunState
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.core.secrecy import Secrecy
from crm.levels import evidence
from crm.levels.agreement import Promise
from crm.levels.formulas import Standing
from crm.levels.judgement import judge
from crm.levels.metrics import MetricName
from crm.levels.terms import Terms
from crm.messages.models import Message
from tests.cast import Cast

pytestmark = pytest.mark.integration
TUESDAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)  # nine in Rome
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


class Life:
    """The installation, at the instant that the test says it is."""

    def __init__(self, urls: Any, cast: Cast) -> None:
        self.now = TUESDAY
        self.cast = cast
        self.database = Database(
            urls.app, urls.routing, pool_size=2, clock=lambda: self.now, secrecy=Secrecy(bytes(32))
        )

    def at(self, after: timedelta) -> "Life":
        self.now = TUESDAY + after
        return self

    def do(self, work: Any, scope: Scope | None = None) -> Any:
        return self.database.transact(scope or Scope.nothing(), work)

    def signs(self, until: timedelta, *parts: Part) -> None:
        """Whoever lives says so, from now on, every half minute."""
        while self.now <= TUESDAY + until:
            for part in parts:
                self.do(lambda session, part=part: service.beat(session, part))
            self.now += 30 * SECOND

    def engine(self, *, carrier: datetime | None = None) -> list[Interruption]:
        """What the engine's chore does."""

        def work(session: Session) -> list[Interruption]:
            service.beat(session, Part.ENGINE)
            return service.review(session, carrier_failing_since=carrier, carrier_known=True)

        found: list[Interruption] = self.do(work)
        return found

    def pages(self, *, since: datetime, apologies: int = 0) -> list[Interruption]:
        """What a `web` does that is there again, and has been running since then."""

        def work(session: Session) -> list[Interruption]:
            assert not service.beat(session, Part.PAGES)
            return service.review(session, pages_since=since, apologies=apologies)

        found: list[Interruption] = self.do(work)
        return found


@pytest.fixture
def life(database_urls: Any, cast: Cast) -> Iterator[Life]:
    life = Life(database_urls, cast)
    yield life
    life.database.dispose()


def sara(cast: Cast) -> Principal:
    return Principal(cast.sara, "Sara", "it", frozenset({Held(Role.SUPERVISOR, None, cast.contract)}))


def approver(cast: Cast, ente_id: int) -> Principal:
    return Principal(cast.vera, "Vera", "it", frozenset({Held(Role.ENTE_APPROVER, ente_id, None)}))


def test_signs_make_one_spell_and_processes_share_it(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.PAGES)
    rows = life.do(lambda s: list(s.execute(text("SELECT began_at, last_at FROM service_spell"))))
    assert rows == [(TUESDAY, TUESDAY + 5 * MINUTE)]
    assert life.engine() == []


def test_after_everything_died_whoever_is_back_first_finds_the_hole(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    assert life.at(40 * MINUTE).engine() == []  # it is back before the pages, and cannot know why they are not
    [found] = life.at(41 * MINUTE).pages(since=life.now)
    assert (found.cause, found.began_at, found.ended_at) == (
        Cause.EVERYTHING, TUESDAY + 5 * MINUTE, TUESDAY + 41 * MINUTE
    )  # fmt: skip
    assert life.do(service.review) == []  # written once


QUARTER = timedelta(days=100)


def test_a_fault_of_a_quarter_is_found_and_written_once(life: Life) -> None:
    """Longer than signs are looked back for: what it began with is the last sign there was."""
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    assert life.at(QUARTER).engine() == []
    [found] = life.at(QUARTER + MINUTE).pages(since=life.now)
    assert (found.cause, found.began_at, found.ended_at) == (
        Cause.EVERYTHING, TUESDAY + 5 * MINUTE, TUESDAY + QUARTER + MINUTE
    )  # fmt: skip
    assert life.do(service.review) == []


def test_pages_that_stand_still_for_a_quarter_are_one_interruption_and_its_end_is_seen(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    life.signs(7 * MINUTE, Part.ENGINE)
    [open_] = life.engine()
    assert life.at(QUARTER).engine() == []
    [over] = life.at(QUARTER + MINUTE).pages(since=TUESDAY)
    assert (over.id, over.ended_at) == (open_.id, TUESDAY + QUARTER + MINUTE)


def test_a_database_that_was_away_is_told_by_pages_that_lived_through_it(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    [found] = life.at(15 * MINUTE).pages(since=TUESDAY, apologies=3)
    assert (found.cause, found.apologies) == (Cause.DATABASE, 3)


def test_pages_that_stand_still_are_seen_while_they_do(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    life.signs(7 * MINUTE, Part.ENGINE)
    [open_] = life.engine()
    assert (open_.cause, open_.began_at, open_.ended_at) == (Cause.PAGES, TUESDAY + 5 * MINUTE, None)
    assert life.engine() == []
    [over] = life.at(9 * MINUTE).pages(since=TUESDAY)
    assert (over.id, over.ended_at) == (open_.id, TUESDAY + 9 * MINUTE)


def test_a_sign_that_came_just_before_it_was_missed_ends_what_was_opened(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    life.signs(6 * MINUTE + 30 * SECOND, Part.ENGINE)
    assert life.engine()
    life.do(lambda s: s.execute(text("UPDATE service_spell SET last_at = :at WHERE part = 'pages'"), {"at": life.now}))
    assert [one.ended_at for one in life.do(service.review)] == [life.now]


def test_a_silent_carrier_is_an_interruption_of_calls(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    assert life.engine(carrier=life.now - 20 * SECOND) == []  # it may come back
    since = life.now
    life.signs(10 * MINUTE, Part.PAGES)
    [open_] = life.engine(carrier=since)
    assert (open_.cause, open_.began_at) == (Cause.CARRIER, since)
    assert life.engine(carrier=since) == []
    [over] = life.engine()
    assert over.ended_at == life.now


def test_what_was_measured_cannot_be_changed_or_deleted_by_the_running_system(life: Life) -> None:
    life.signs(5 * MINUTE, Part.PAGES)
    life.at(41 * MINUTE).pages(since=life.now)
    for statement in (
        "DELETE FROM interruption", "UPDATE interruption SET began_at = began_at + interval '1 minute'",
        "UPDATE interruption SET cause = 'carrier'", "UPDATE interruption SET ended_at = began_at",
        "UPDATE interruption SET ended_at = NULL", "DELETE FROM service_spell",
        "UPDATE service_spell SET began_at = began_at - interval '1 day'", "DELETE FROM continuity_run",
        "UPDATE service_notice SET words = 'x'",
    ):  # fmt: skip
        with pytest.raises(DBAPIError, match=r"denied|stands"):
            life.do(lambda s, statement=statement: s.execute(text(statement)))


def levels(life: Life, ente_id: int | None, **limits: str) -> dict[str, tuple[Any, Standing]]:
    """How these levels stand on this day."""

    def work(session: Session) -> dict[str, tuple[Any, Standing]]:
        day = life.now.date()
        known = evidence.of_period(session, life.cast.contract, day, day + timedelta(days=1), ente_id=ente_id)
        found = {}
        for name, limit in limits.items():
            op, target = limit.split()
            verdict = judge(Promise(life.cast.contract, MetricName[name].value, op, Decimal(target)), known, Terms())
            found[name] = (verdict.measured, verdict.standing)
        return found

    result: dict[str, tuple[Any, Standing]] = life.do(work, Scope.of_contract(life.cast.contract))
    return result


PROMISED = {"AVAILABLE": "> 0.95", "PORTAL_UPTIME": ">= 0.99", "INTERRUPTION": "<= 30", "INCIDENT_NOTICE": "<= 1"}


def test_an_interruption_reaches_the_levels_until_the_ente_agrees_not_to_count_it(life: Life) -> None:
    cast = life.cast
    assert {one for _, one in levels(life, cast.empoli, PORTAL_UPTIME=">= 0.99").values()} == {Standing.UNKNOWN}
    life.signs(60 * MINUTE, Part.PAGES)
    assert {one for _, one in levels(life, cast.empoli, **PROMISED).values()} == {Standing.GOOD, Standing.UNKNOWN}
    [found] = life.at(132 * MINUTE).pages(since=life.now)
    notices.tell(life.database)
    measured = levels(life, cast.empoli, **PROMISED)
    assert measured["INTERRUPTION"] == (72, Standing.BROKEN)
    assert float(measured["INCIDENT_NOTICE"][0]) == 1.2
    assert measured["INCIDENT_NOTICE"][1] is Standing.BROKEN
    assert measured["PORTAL_UPTIME"][1] is measured["AVAILABLE"][1] is Standing.BROKEN
    assert round(float(measured["PORTAL_UPTIME"][0]), 3) == round(1 - 72 / 132, 3)

    scope = Scope.of_contract(cast.contract)
    asked = life.do(
        lambda s: remarks.ask(s, sara(cast), contract_id=cast.contract, interruption_id=found.id, text="Rete."), scope
    )
    assert asked == 2  # Empoli and Vinci, each for itself
    with pytest.raises(ConflictError):
        life.do(
            lambda s: remarks.ask(s, sara(cast), contract_id=cast.contract, interruption_id=found.id, text="Rete."),
            scope,
        )
    by_ente = {one.ente_id: one.id for one in life.do(lambda s: queries.remarks(s, [found.id]), scope)[found.id]}
    with pytest.raises(NotFoundError):  # Siena's, or anybody's of another ente: the row is not there for him
        life.do(
            lambda s: remarks.decide(s, approver(cast, cast.siena), remark_id=by_ente[cast.empoli], agreed=True),
            Scope.of_enti([cast.siena]),
        )
    with pytest.raises(ForbiddenError):
        life.do(lambda s: remarks.decide(s, sara(cast), remark_id=by_ente[cast.empoli], agreed=True), scope)
    decide = approver(cast, cast.empoli), Scope.of_enti([cast.empoli])
    life.do(lambda s: remarks.decide(s, decide[0], remark_id=by_ente[cast.empoli], agreed=True), decide[1])
    with pytest.raises(ConflictError):
        life.do(
            lambda s: remarks.decide(s, decide[0], remark_id=by_ente[cast.empoli], agreed=False, reason="No."),
            decide[1],
        )
    assert levels(life, cast.empoli, **PROMISED)["INTERRUPTION"] == (0, Standing.GOOD)
    assert levels(life, cast.vinci, **PROMISED)["INTERRUPTION"][1] is Standing.BROKEN
    assert levels(life, None, **PROMISED)["INTERRUPTION"][1] is Standing.BROKEN  # not all of them agreed


def test_users_who_want_it_are_told_by_mail_of_what_lasts_and_of_its_end(life: Life) -> None:
    cast = life.cast

    def wants(session: Session) -> None:
        session.execute(update(User).where(User.id == cast.vera).values(email="vera@empoli.example"))
        session.execute(update(User).where(User.id == cast.anna).values(email="anna@centro.example"))
        notices.follow(session, approver(cast, cast.empoli), wanted=True)

    life.do(wants)
    life.signs(5 * MINUTE, Part.PAGES, Part.ENGINE)
    life.signs(7 * MINUTE, Part.ENGINE)
    life.engine()
    assert notices.tell(life.database) == 0  # it may be over in a moment
    [one] = life.do(lambda s: queries.outages(s, since=TUESDAY))
    assert one.told_at == life.now  # on the status page, and beside everybody's name
    life.signs(11 * MINUTE, Part.ENGINE)
    assert notices.tell(life.database) == notices.tell(life.database) == 1  # once, however often it is asked
    life.pages(since=TUESDAY)
    assert notices.tell(life.database) == 1
    assert notices.tell(life.database) == 0
    sent = life.do(
        lambda s: s.execute(select(Message.template, Message.address).order_by(Message.made_at)).all(),
        Scope.of_enti([cast.empoli, cast.vinci]),
    )
    assert sent == [("service_down", "vera@empoli.example"), ("service_back", "vera@empoli.example")]
    life.do(lambda s: notices.follow(s, approver(cast, cast.empoli), wanted=False))
    assert not life.do(lambda s: notices.follows(s, cast.vera))


def test_a_supervisor_says_how_it_stands_and_takes_it_back(life: Life) -> None:
    cast = life.cast
    for text_, until, field in (("", None, "text"), ("x" * 401, None, "text"), ("Guasto.", TUESDAY, "until")):
        with pytest.raises(FieldError) as refused:
            life.do(lambda s, t=text_, u=until: notices.publish(s, sara(cast), text=t, until=u))
        assert [one.field for one in refused.value.parts] == [field]
    with pytest.raises(ForbiddenError):
        life.do(lambda s: notices.publish(s, approver(cast, cast.empoli), text="Guasto."))
    life.do(lambda s: notices.publish(s, sara(cast), text="Guasto  della rete.", until=TUESDAY + HOUR))
    life.do(lambda s: notices.publish(s, sara(cast), text="Ancora un'ora.", until=TUESDAY + 2 * HOUR))
    said = life.do(queries.said)
    assert (said.words, said.until) == ("Ancora un'ora.", TUESDAY + 2 * HOUR)
    life.do(lambda s: notices.take_down(s, sara(cast)))
    assert life.do(queries.said) is None
    with pytest.raises(ConflictError):
        life.do(lambda s: notices.take_down(s, sara(cast)))


def test_a_restore_is_tried_every_four_weeks_once_there_is_a_backup(life: Life) -> None:
    day = 24 * HOUR

    def ran(kind: RunKind, *, good: bool) -> None:
        run = life.do(lambda s: runs.begin(s, kind))
        assert not life.do(runs.drill_due)
        life.do(lambda s: runs.end(s, run, {"seconds": 1}, good=good))

    assert not life.do(runs.drill_due)
    ran(RunKind.BACKUP, good=True)
    assert not life.at(4 * MINUTE).do(runs.drill_due)  # who has just started has other things to do
    assert life.at(5 * MINUTE).do(runs.drill_due)
    ran(RunKind.DRILL, good=False)
    assert not life.at(23 * HOUR).do(runs.drill_due)
    assert life.at(25 * HOUR).do(runs.drill_due)
    ran(RunKind.DRILL, good=True)
    assert not life.at(28 * day).do(runs.drill_due)
    assert life.at(30 * day).do(runs.drill_due)


def test_a_backup_is_due_each_night_and_one_that_died_is_not_waited_for(life: Life) -> None:
    assert life.do(runs.backup_due)
    assert not life.do(queries.backup_too_old)  # nobody has ever begun
    first = life.do(lambda s: runs.begin(s, RunKind.BACKUP))
    assert not life.do(runs.backup_due)
    with pytest.raises(ConflictError):
        life.do(lambda s: runs.begin(s, RunKind.BACKUP))
    life.at(4 * MINUTE).do(lambda s: runs.alive(s, first))
    assert not life.at(8 * MINUTE).do(runs.backup_due)
    assert life.at(10 * MINUTE).do(runs.backup_due)  # silent for more than five minutes
    second = life.do(lambda s: runs.begin(s, RunKind.BACKUP))
    assert life.do(lambda s: s.get_one(ContinuityRun, first).state) is RunState.FAILED
    assert life.do(queries.backup_too_old)
    life.do(lambda s: runs.end(s, second, {"seconds": 1}, archive="a.age", good=True))
    assert not life.do(queries.backup_too_old)
    assert not life.at(17 * HOUR).do(runs.backup_due)  # two at night in Rome
    assert life.at(17 * HOUR + 31 * MINUTE).do(runs.backup_due)
    third = life.do(lambda s: runs.begin(s, RunKind.BACKUP))
    life.do(lambda s: runs.end(s, third, {"error": "no room"}, good=False))
    assert not life.do(runs.backup_due)  # again in an hour
    assert life.at(19 * HOUR).do(runs.backup_due)
    assert life.at(27 * HOUR).do(queries.backup_too_old)
