"""Reports make themselves once a period has settled, once, of golden calls; and somebody is told."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from crm.access.models import EnteExclusion, RoleGrant, User
from crm.conditions import service as conditions
from crm.conditions.agreed import Conditions
from crm.core import jobs
from crm.core.db import Database, Scope
from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.core.jobs import Job, JobState
from crm.levels.agreement import Period
from crm.levels.metering import Callers, Extremes
from crm.messages.models import Message
from crm.reports import addressees, queries, service
from crm.reports.models import ReportWish, ServiceReport
from crm.reports.queries import MAKE
from crm.reports.report import Durations, Report, between, total
from tests.cast import Cast, principal_of
from tests.crm.conftest import Clock
from tests.crm.reports.conftest import OCTOBER, SETTLED, TENTH, Call, close, play, read

pytestmark = pytest.mark.integration
RUNNERS = {MAKE: service.maker(read), service.TELL: service.teller("https://centre.example.it")}


def work(database: Database) -> int:
    """The worker does what is due; how many jobs."""
    with database.begin(Scope.of_enti(range(1, 9))) as session:
        due = jobs.due(session)
    return sum(jobs.run(database, RUNNERS, job_id=job, ente_id=ente) for job, ente in due)


def made(database: Database, ente_id: int, period: Period = Period.MONTH) -> list[Report]:
    """The reports of an ente's that there are, the oldest first."""
    with database.begin(Scope.of_enti([ente_id])) as session:
        ids = session.scalars(select(ServiceReport.id).where(ServiceReport.period == period).order_by(ServiceReport.id))
        return [queries.get(session, one)[1] for one in ids.all()]


def test_a_month_of_golden_calls_is_reported_to_the_millisecond(timed: Database, centre: Cast) -> None:
    """Metric: monthly report."""
    close(timed)
    service.owe_due(timed)
    work(timed)
    (report,) = made(timed, centre.empoli)
    head = report.head
    assert (head.received, head.entered, head.answered, head.lost, head.handled) == (5, 5, 3, 2, 3)
    assert head.talk == Durations(3, 188_250, 3_000, 62_750, 125_250)
    assert head.wait == Durations(3, 92_501, 12_500, 30_834, 40_001)
    assert (head.hold_ms, head.wrap_up_ms, head.outbound) == (0, 30_000, None)
    assert [(one.start, one.callers, one.counts.received, one.counts.waited_over) for one in report.hours] == [
        (datetime(2026, 10, 6, 8, tzinfo=UTC), Callers.LANDLINE, 1, 0),
        (datetime(2026, 10, 6, 8, tzinfo=UTC), Callers.MOBILE, 2, 1),
        (datetime(2026, 10, 6, 9, tzinfo=UTC), Callers.MOBILE, 1, 1),
        (datetime(2026, 10, 9, 8, tzinfo=UTC), Callers.MOBILE, 1, 0),
    ]
    assert [(one.spread.talk, one.spread.wait) for one in report.hours if one.spread] == [
        (Extremes(125_250, 125_250), Extremes(40_000, 40_000)),
        (Extremes(3_000, 60_000), Extremes(12_500, 40_001)),
        (Extremes(), Extremes()),  # they hung up
        (Extremes(), Extremes()),
    ]
    assert {one.day for one in report.days} == {date(2026, 10, 6), date(2026, 10, 9)}
    assert total(report.days) == total(report.hours)
    assert [one.metric for one in report.levels]
    assert len(report.accounts) == 1
    assert report.accounts[0].first == OCTOBER.first
    assert not report.changed
    (vinci,) = made(timed, centre.vinci)
    assert vinci.head.received == 1
    assert vinci.head.talk.longest_ms == 999_000


def test_it_is_made_once_whatever_dies_and_however_often_it_is_asked(timed: Database, centre: Cast) -> None:
    """Rule: one report a period. A worker that died before it said so does it again, and nothing comes of that."""
    assert service.owe_due(timed) == 0  # the month is not closed yet
    close(timed)
    # October, of Empoli, of Vinci and of both: nobody called before, and nobody at Siena.
    assert service.owe_due(timed) == 3
    assert service.owe_due(timed) == 0
    work(timed)
    assert service.owe_due(timed) == 0
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        done = next(
            one for one in session.scalars(select(Job).where(Job.kind == MAKE)) if not one.argument.get("whole")
        )
        assert done.state is JobState.DONE
        jobs.enqueue(session, ente_id=centre.empoli, kind=MAKE, argument=dict(done.argument))
    work(timed)
    assert len(made(timed, centre.empoli)) == 1
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        assert len(session.scalars(select(Job).where(Job.kind == service.TELL)).all()) == 1


def test_after_an_outage_a_report_waits_for_the_closings_of_its_days(
    timed: Database, centre: Cast, clock: Clock
) -> None:
    """Else it would be without their penalties, and be told so."""
    clock.now = datetime(2027, 1, 4, 7, tzinfo=UTC)
    service.owe_due(timed)
    work(timed)
    assert [one.first.month for one in made(timed, centre.empoli)] == [10]  # too long ago to be closed now
    assert not made(timed, centre.empoli, Period.QUARTER)
    close(timed)
    service.owe_due(timed)
    work(timed)
    assert [one.accounts[-1].first.month for one in made(timed, centre.empoli)[1:]] == [12, 11]
    (quarter,) = made(timed, centre.empoli, Period.QUARTER)
    assert [one.first.month for one in quarter.accounts] == [11, 12]


def test_a_making_that_failed_is_told_of_until_the_report_is_there(timed: Database, centre: Cast) -> None:
    close(timed)
    service.owe_due(timed)

    def on_its_way() -> list[tuple[bool, bool]]:
        with timed.begin(Scope.of_enti([centre.empoli])) as session:
            return [(one.failed, one.is_due) for one in queries.being_made(session, [centre.empoli])]

    def all_fail() -> None:
        with timed.begin(Scope.of_enti([centre.empoli, centre.vinci])) as session:
            session.execute(update(Job).where(Job.state == JobState.WAITING).values(state=JobState.FAILED))

    all_fail()
    assert on_its_way() == [(True, True)]
    service.owe_due(timed)
    assert on_its_way() == [(False, True)]
    work(timed)
    assert on_its_way() == []
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        (first,) = queries.latest(session, [centre.empoli])
        service.ask_anew(session, principal_of(session, centre.vera), report_id=first.id)
    all_fail()
    service.owe_due(timed)
    assert on_its_way() == [(True, False)]  # it is there, and nobody tries again by himself


def test_the_contract_has_a_report_of_all_its_enti_that_no_ente_sees(timed: Database, centre: Cast) -> None:
    close(timed)
    service.owe_due(timed)
    work(timed)
    with timed.begin(Scope.of_contract(centre.contract)) as session:
        (made_,) = queries.latest(session, [], [centre.contract])
        _, whole = queries.get(session, made_.id)
        assert (made_.ente_id, whole.ente, whole.about) == (None, "", "Toscana")
        assert (whole.head.received, whole.head.handled) == (6, 4)
        assert (whole.head.talk.shortest_ms, whole.head.talk.longest_ms) == (3_000, 999_000)
        assert total(whole.days) == total(whole.hours)
        assert [one.first for one in whole.accounts] == [OCTOBER.first]
        sara = principal_of(session, centre.sara)
        service.ask_anew(session, sara, report_id=made_.id)
        with pytest.raises(ConflictError):
            service.ask_anew(session, sara, report_id=made_.id)
        kept_away = replace(sara, kept_from=frozenset({centre.vinci}))
        for other in (principal_of(session, centre.vera), kept_away):
            with pytest.raises(NotFoundError):
                service.ask_anew(session, other, report_id=made_.id)
            assert not queries.whole_contracts(session, other)
        assert queries.whole_contracts(session, sara) == {centre.contract}
        (making,) = queries.being_made(session, [], [centre.contract])
        assert making.ente_id is None
        assert not queries.being_made(session, [centre.empoli, centre.vinci])
    with timed.begin(Scope.of_enti([centre.empoli, centre.vinci])) as session:
        assert not queries.latest(session, [], [centre.contract])
        with pytest.raises(NotFoundError):
            queries.get(session, made_.id)
    work(timed)
    with timed.begin(Scope.of_contract(centre.contract)) as session:
        (latest,) = queries.latest(session, [], [centre.contract])
        assert (latest.version, latest.of, [one.version for one in queries.versions(session, latest)]) == (2, 2, [2, 1])
    assert service.owe_due(timed) == 0


def test_a_quarter_and_a_year_come_in_the_same_way(timed: Database, centre: Cast, clock: Clock) -> None:
    close(timed)
    clock.now = datetime(2027, 1, 1, 3, tzinfo=UTC)
    close(timed)
    service.owe_due(timed)
    work(timed)
    (quarter,), (year,) = (made(timed, centre.empoli, one) for one in (Period.QUARTER, Period.YEAR))
    assert (quarter.first, quarter.last) == (date(2026, 10, 1), date(2026, 12, 31))
    assert (year.first, year.last) == (date(2026, 1, 1), date(2026, 12, 31))
    assert quarter.head == year.head
    assert [one.first.month for one in quarter.accounts] == [10, 11, 12]
    assert len(made(timed, centre.empoli)) == 3  # October, November, December


def test_what_is_learnt_after_the_closing_is_told_apart_and_the_sums_agree(timed: Database, centre: Cast) -> None:
    """Rule: a closed period is never computed anew."""
    close(timed)
    play(timed, centre, Call(TENTH, 7, 8))
    service.owe_due(timed)
    work(timed)
    (report,) = made(timed, centre.empoli)
    assert report.head.received == total(report.days).received == 5
    assert total(report.hours).received == 6
    changed = {one.counted.value: one.now - one.was for one in report.changed}
    assert changed["received"] == 1
    for name in ("received", "answered", "wait_ms", "talk_ms"):
        assert getattr(total(report.hours), name) - getattr(total(report.days), name) == changed[name]


def test_made_anew_it_is_a_further_version_and_the_old_one_stays(timed: Database, centre: Cast) -> None:
    close(timed)
    service.owe_due(timed)
    work(timed)
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        vera = principal_of(session, centre.vera)
        (first,) = queries.latest(session, [centre.empoli])
        service.ask_anew(session, vera, report_id=first.id)
    with timed.begin(Scope.of_enti([centre.empoli])) as session, pytest.raises(ConflictError):
        service.ask_anew(session, vera, report_id=first.id)
    play(timed, centre, Call(TENTH, 7, 8))
    work(timed)
    old, new = made(timed, centre.empoli)
    assert not between(old, new)  # the days are those of the closing
    assert new.changed
    assert not old.changed
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        (latest,) = queries.latest(session, [centre.empoli])
        assert (latest.version, latest.of) == (2, 2)
        assert [one.version for one in queries.versions(session, latest)] == [2, 1]
        told = session.scalars(select(Job).where(Job.kind == service.TELL)).all()
    assert len(told) == 1  # of the first one alone


def test_whoever_wants_it_is_written_to_on_the_first_working_day(timed: Database, centre: Cast, clock: Clock) -> None:
    """Rule: told on the first working day."""
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        session.execute(update(User).where(User.id == centre.vera).values(email="vera@example.it"))
        session.execute(update(User).where(User.id == centre.anna).values(email="anna@example.it"))
        service.wish(session, principal_of(session, centre.vera), ente_id=centre.empoli, wanted=True)
        session.add(ReportWish(ente_id=centre.empoli, user_id=centre.anna, wished_at=SETTLED))  # she may not watch it
    close(timed)
    service.owe_due(timed)
    work(timed)
    assert not messages(timed, centre.empoli)  # a Sunday, and All Saints
    clock.now = datetime(2026, 11, 2, 7, 0, 1, tzinfo=UTC)  # Monday, eight in Rome
    work(timed)
    (mail,) = messages(timed, centre.empoli)
    assert mail.address == "vera@example.it"
    assert "https://centre.example.it/reports/" in mail.body
    assert not any(word in mail.body for word in ("5", "3.0"))  # no figure of the service


def test_the_offices_of_the_ente_are_told_of_each_month_and_of_nothing_else(
    timed: Database, centre: Cast, clock: Clock
) -> None:
    """Rule: told on the first working day. Whoever also asked for it is told once."""
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        session.execute(update(User).where(User.id == centre.vera).values(email="Vera@example.it"))
        vera, sara = principal_of(session, centre.vera), principal_of(session, centre.sara)
        service.wish(session, vera, ente_id=centre.empoli, wanted=True)
        for address in (" Tributi@example.it ", "vera@example.it", "gone@example.it", "tributi@example.it"):
            addressees.add(session, sara, ente_id=centre.empoli, address=address)
        addressees.remove(session, sara, ente_id=centre.empoli, address="gone@example.it")
        assert addressees.addressees(session, [centre.empoli]) == {
            centre.empoli: ["tributi@example.it", "vera@example.it"]
        }
        for wrong in ("tributi", "a b@example.it", "x@" + "y" * 300 + ".it", ""):
            with pytest.raises(FieldError):
                addressees.add(session, sara, ente_id=centre.empoli, address=wrong)
        with pytest.raises(ForbiddenError):
            addressees.add(session, vera, ente_id=centre.empoli, address="x@example.it")  # she may only watch
        with pytest.raises(ForbiddenError):
            addressees.add(session, sara, ente_id=centre.siena, address="x@example.it")
    clock.now = datetime(2027, 1, 4, 7, 0, 1, tzinfo=UTC)  # the first working day of a month, a quarter and a year
    close(timed)
    service.owe_due(timed)
    work(timed)
    work(timed)
    told = sorted((one.address or "", one.cause.split(":")[1]) for one in messages(timed, centre.empoli))
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        made_ = {one.period: str(one.id) for one in queries.latest(session, [centre.empoli]) if one.last.month == 12}
    assert told == sorted(
        [("tributi@example.it", made_[Period.MONTH]), *(("vera@example.it", one) for one in made_.values())]
    )


def test_the_offices_are_told_of_the_periods_for_which_the_contract_wants_reports(
    timed: Database, centre: Cast, clock: Clock
) -> None:
    """As STEP's charter does: months and quarters."""
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        addressees.add(session, principal_of(session, centre.sara), ente_id=centre.empoli, address="t@example.it")
        conditions.put(session, contract_id=centre.contract, said=Conditions(reports=(Period.MONTH, Period.QUARTER)))
    clock.now = datetime(2027, 1, 4, 7, 0, 1, tzinfo=UTC)
    close(timed)
    service.owe_due(timed)
    work(timed)
    work(timed)
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        made_ = {one.id: one.period for one in queries.latest(session, [centre.empoli])}
    told = [made_[service.report_of(one.cause)] for one in messages(timed, centre.empoli)]
    assert sorted(told) == [Period.MONTH, Period.QUARTER]


def test_made_again_before_anybody_was_told_the_newer_version_is_sent(
    timed: Database, centre: Cast, clock: Clock
) -> None:
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        addressees.add(session, principal_of(session, centre.sara), ente_id=centre.empoli, address="t@example.it")
    close(timed)
    service.owe_due(timed)
    work(timed)
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        (first,) = queries.latest(session, [centre.empoli])
        service.ask_anew(session, principal_of(session, centre.vera), report_id=first.id)
    work(timed)
    clock.now = datetime(2026, 11, 2, 7, 0, 1, tzinfo=UTC)
    work(timed)
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        (second,) = queries.latest(session, [centre.empoli])
    assert second.version == 2
    assert [service.report_of(one.cause) for one in messages(timed, centre.empoli)] == [second.id]


def test_whom_the_ente_keeps_away_is_not_written_to(timed: Database, centre: Cast, clock: Clock) -> None:
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        session.execute(update(User).where(User.id == centre.sara).values(email="sara@example.it"))
        service.wish(session, principal_of(session, centre.sara), ente_id=centre.empoli, wanted=True)
        kept = EnteExclusion(
            user_id=centre.sara, ente_id=centre.empoli, reason="x", made_by=centre.vera, made_at=SETTLED
        )
        session.add(kept)
    clock.now += timedelta(days=2)
    close(timed)
    service.owe_due(timed)
    work(timed)
    work(timed)
    assert not messages(timed, centre.empoli)


def test_whoever_may_not_watch_the_ente_any_more_is_not_written_to(timed: Database, centre: Cast, clock: Clock) -> None:
    with timed.begin(Scope.of_enti([centre.empoli])) as session:
        session.execute(update(User).where(User.id == centre.vera).values(email="vera@example.it"))
        service.wish(session, principal_of(session, centre.vera), ente_id=centre.empoli, wanted=True)
        session.execute(update(RoleGrant).where(RoleGrant.user_id == centre.vera).values(valid_to=clock.now))
    clock.now += timedelta(days=2)
    close(timed)
    service.owe_due(timed)
    work(timed)
    work(timed)
    assert not messages(timed, centre.empoli)


def test_nobody_reads_another_entes_report_or_has_it_made(timed: Database, centre: Cast) -> None:
    """Attack."""
    close(timed)
    service.owe_due(timed)
    work(timed)
    with timed.begin(Scope.of_contract(centre.contract)) as session:
        ids = {one.ente_id: one.id for one in queries.latest(session, [centre.empoli, centre.vinci])}
        vera, anna = principal_of(session, centre.vera), principal_of(session, centre.anna)
        with pytest.raises(ForbiddenError):
            service.ask_anew(session, vera, report_id=ids[centre.vinci])
        with pytest.raises(ForbiddenError):
            service.ask_anew(session, anna, report_id=ids[centre.empoli])
        with pytest.raises(ForbiddenError):
            service.wish(session, vera, ente_id=centre.vinci, wanted=True)
    with timed.begin(Scope.of_enti([centre.empoli])) as session, pytest.raises(NotFoundError):
        queries.get(session, ids[centre.vinci])
    with (
        pytest.raises(Exception, match="permission denied"),
        timed.begin(Scope.of_enti([centre.empoli])) as session,
    ):
        session.execute(update(ServiceReport).values(seal=""))


def messages(database: Database, ente_id: int) -> list[Message]:
    with database.begin(Scope.of_enti([ente_id])) as session:
        return list(session.scalars(select(Message)))
