"""The tax office of Empoli: two desks, open each day from nine to one, twenty minutes a head; on a Monday at eight."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

import pytest
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import booking, finding, holding, preparing
from crm.agendas.booking import Booked
from crm.agendas.holding import Held
from crm.agendas.people import Person
from crm.agendas.plan import Window
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.agendas.slots import Free
from crm.core.clock import ROME
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from crm.enti.models import Office
from tests.cast import Cast, principal_of
from tests.databases import DatabaseUrls

T = TypeVar("T")
MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
MANAGE = "https://centro.example/appointments/1"
NUMBERS = {"duration": 20, "step": 20, "notice": 60, "cutoff": 120, "horizon_days": 30, "ahead": 2}
PAOLA = Person("Paola", "Verdi", phone="0571 700123", email="Paola@Example.it")


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ROME).astimezone(UTC)


@dataclass
class Desks:
    """The office, and what people do there. `now` is what every clock shows."""

    database: Database
    cast: Cast
    now: list[datetime]
    office: int = 0
    one: int = 0
    two: int = 0
    tari: int = 0
    desks: list[int] = field(default_factory=list)

    @property
    def scope(self) -> Scope:
        return Scope.of_enti([self.cast.empoli], [self.cast.contract])

    def work(self, do: Callable[[Session], T], ente_id: int | None = None) -> T:
        return self.database.transact(Scope.of_enti([ente_id or self.cast.empoli], [self.cast.contract]), do)

    def sara(self, session: Session) -> Principal:
        return principal_of(session, self.cast.sara)

    def free(self, day: date = MONDAY, channel: Channel = Channel.WEB, *, until: date | None = None) -> list[Free]:
        return self.work(
            lambda s: finding.free_times(
                s, ente_id=self.cast.empoli, service_id=self.tari, channel=channel, first=day, last=until or day
            )
        )

    def hold(self, when: datetime, channel: Channel = Channel.WEB, **more: str) -> Held:
        return self.work(
            lambda s: holding.hold(
                s, None, ente_id=self.cast.empoli, service_id=self.tari, office_id=self.office, starts_at=when,
                channel=channel, **more,
            )
        )  # fmt: skip

    def book(
        self, when: datetime, person: Person = PAOLA, channel: Channel = Channel.WEB, *, verified: bool = False
    ) -> Booked:
        return self.book_held(self.hold(when, channel), person, verified=verified)

    def book_held(self, held: Held, person: Person = PAOLA, *, verified: bool = False) -> Booked:
        return self.work(
            lambda s: booking.book(
                s, None, ente_id=self.cast.empoli, hold=held.token, person=person, manage_at=MANAGE,
                verified=verified,
            )
        )  # fmt: skip

    def publish(self, *windows: Window, seen: frozenset[object] = frozenset(), valid_from: date = MONDAY) -> None:
        def do(s: Session) -> None:
            of = {"ente_id": self.cast.empoli, "office_id": self.office}
            preparing.save_draft(
                s, self.sara(s), **of, windows=windows, valid_from=valid_from, observes_holidays=False
            )  # fmt: skip
            preparing.publish(s, self.sara(s), **of, seen=seen)  # type: ignore[arg-type]

        self.work(do)


def every_day(desk: int, opens: time = time(9), closes: time = time(13), **more: int) -> list[Window]:
    return [Window(weekday, opens, closes, desk, **more) for weekday in range(7)]


@pytest.fixture
def clock() -> list[datetime]:
    """What every clock shows; put another instant in it."""
    return [at(MONDAY, 8)]


@pytest.fixture
def desks(database_urls: DatabaseUrls, cast: Cast, clock: list[datetime]) -> Iterator[Desks]:
    """See the module."""
    database = Database(
        database_urls.app, database_urls.routing, pool_size=8, secrecy=Secrecy(bytes(32)), clock=lambda: clock[0]
    )
    found = Desks(database, cast, clock)

    def prepare(session: Session) -> None:
        sara, ente = found.sara(session), cast.empoli
        office = Office(
            ente_id=ente, name="Ufficio Tributi", address="Piazza 1", competent_for="", accessibility="", hours=[]
        )
        session.add(office)
        session.flush()
        found.office = office.id
        found.tari = preparing.save_service(
            session, sara, ente_id=ente,
            told=ServiceTold({"name": {"it": "TARI", "en": "Waste tax"}}, NUMBERS, frozenset({office.id})),
        )  # fmt: skip
        found.one, found.two = (
            preparing.save_desk(session, sara, ente_id=ente, office_id=office.id, name=name) for name in ("1", "2")
        )
        found.desks = [found.one, found.two]

    found.work(prepare)
    found.publish(*every_day(found.one), *every_day(found.two))
    yield found
    database.dispose()


HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
