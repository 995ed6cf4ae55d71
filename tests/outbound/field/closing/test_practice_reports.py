"""The report of a practice: made with its closing, never changed, corrected by a further edition that says why."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.errors import ConflictError, FieldError, ForbiddenError, NotFoundError
from crm.privacy.holders import Person
from outbound.field.closing import report, reports
from outbound.field.closing.models import PracticeReport
from outbound.field.closing.report import HEAD, Report
from outbound.field.practices.lifecycle import Closed
from outbound.field.privacy import HOLDERS
from outbound.field.visits.door import Deed, Fault, Outcome, Whom
from outbound.field.visits.models import Visit
from tests.outbound.field.closing.conftest import World

pytestmark = pytest.mark.integration
FEB = date(2026, 2, 3)


def visited(world: World) -> None:
    """He promised; the debt was told before it was known who he is, and the telephone was an hour fast."""
    at = world.clock[0]
    deeds = [
        {"deed": "arrived", "at": at.isoformat()}, {"deed": "introduced"}, {"deed": "told"},
        {"deed": "who", "whom": "himself"}, {"deed": "told", "words": 3}, {"deed": "outcome", "outcome": "promise"},
    ]  # fmt: skip
    world.work(
        lambda session: session.add(
            Visit(
                id=uuid4(), ente_id=world.cast.empoli, practice_id=world.practice, mandate_id=world.mandate,
                agent_id=world.agent, began_at=at, ended_at=at + timedelta(minutes=9),
                device_began_at=at + timedelta(hours=1), off_s=3600, received_at=at + timedelta(hours=5),
                latitude=43.7, longitude=10.9, accuracy_m=12, distance_m=30, whom=Whom.HIMSELF, spoke_with="",
                capacity="", outcome=Outcome.PROMISE, note="torna il 15", number=1, deeds=deeds,
                faults=[{"place": 2, "fault": "not_entitled"}], signs=[{"sign": "clock_off"}],
            )
        )
    )  # fmt: skip


def made(world: World) -> int:
    """The practice is closed, after a visit and a payment, and reported on."""
    world.tells(FEB, (date(2026, 2, 2), "12.00"))
    visited(world)
    world.close(Closed.PROMISED)
    return world.work(lambda session: reports.make(session, practice_id=world.practice, at=world.clock[0]))


def read(world: World, report_id: int) -> Report:
    """As Vera reads it."""
    found = world.work(lambda session: reports.one(session, world.vera, report_id))[1]
    assert found is not None
    return found


def test_it_says_everything_as_it_stood_when_the_practice_was_closed(world: World) -> None:
    number = made(world)
    found = read(world, number)
    assert (found.taxpayer, found.closed, found.cents, found.paid_cents) == (
        "BIANCHI MARIO", Closed.PROMISED, 81_200, 1_200,
    )  # fmt: skip
    (visit,) = found.visits
    assert (visit.device_began_at - visit.began_at, visit.received_at > visit.began_at) == (timedelta(hours=1), True)
    assert (visit.faults, visit.signs, visit.distance_m) == ((Fault.NOT_ENTITLED,), ("clock_off",), 30)
    assert [(one.deed, one.fault, one.words) for one in visit.steps][2:5] == [
        (Deed.TOLD, Fault.NOT_ENTITLED, ""), (Deed.WHO, None, ""), (Deed.TOLD, None, "3"),
    ]  # fmt: skip
    assert [one.badge for one in found.mandates] == [1]
    assert world.work(lambda session: reports.sound(session, number))
    assert report.restored(report.stored(found)) == found
    (row,) = report.rows(found, 1)
    assert len(row) == len(HEAD)
    assert not {"BIANCHI", "MARIO"} & {str(value) for value in row}


def test_it_is_made_once_whoever_asks_again(world: World) -> None:
    number = made(world)
    assert world.work(lambda session: reports.make(session, practice_id=world.practice, at=world.clock[0])) == number
    assert len(world.work(lambda session: reports.editions(session, world.practice))) == 1


def test_of_an_open_practice_there_is_none(world: World) -> None:
    with pytest.raises(ConflictError):
        world.work(lambda session: reports.make(session, practice_id=world.practice, at=world.clock[0]))


def test_a_correction_is_a_further_edition_and_the_first_stays(world: World) -> None:
    first = made(world)
    before = read(world, first)
    world.tells(FEB + timedelta(days=5), (date(2026, 2, 2), "12.00"), (date(2026, 2, 4), "8.00"))
    with pytest.raises(FieldError):
        world.work(lambda session: reports.correct(session, world.sara, report_id=first, reason="  "))
    with pytest.raises(ForbiddenError):
        world.work(lambda session: reports.correct(session, world.vera, report_id=first, reason="x"))
    second = world.work(lambda session: reports.correct(session, world.sara, report_id=first, reason="un pagamento"))
    assert read(world, first) == before
    assert read(world, second).paid_cents == 2_000
    editions = world.work(lambda session: reports.editions(session, world.practice))
    assert [(one.edition, one.reason, one.made_by) for one in editions] == [(2, "un pagamento", "Sara"), (1, "", None)]
    days = world.work(lambda session: reports.listed(session, [world.cast.empoli], since=FEB, until=FEB))
    assert [one.id for one in days] == [second]
    later = FEB + timedelta(days=1)
    assert world.work(lambda session: reports.listed(session, [world.cast.empoli], since=later)) == []


def test_once_the_taxpayer_is_erased_only_the_seal_is_left(world: World) -> None:
    number = made(world)
    seal = world.work(lambda session: session.get_one(PracticeReport, number)).seal
    mario = Person(world.cast.empoli, (world.cast.mario,))
    world.work(lambda session: [each.erase(session, mario) for each in HOLDERS])

    def left(session: Session) -> None:
        found, told = reports.one(session, world.vera, number)
        assert (found.erased, found.seal, told) == (True, seal, None)
        with pytest.raises(ConflictError):
            reports.correct(session, world.sara, report_id=number, reason="x")
        assert list(reports.contents(session, world.vera, [found])) == []

    world.work(left)


def test_another_ente_reads_none(world: World) -> None:
    number = made(world)
    with pytest.raises(NotFoundError):
        world.work(lambda session: reports.one(session, world.vera, number), world.cast.siena)
    assert world.work(lambda session: session.scalars(select(PracticeReport)).all(), world.cast.siena) == []
