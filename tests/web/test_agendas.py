"""The staff's pages of offices: who sees which days, and what stands in them."""

from datetime import date, time, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant
from crm.agendas import booking, finding, holding, preparing
from crm.agendas.people import Person
from crm.agendas.plan import Window
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti.models import Office
from tests.cast import Cast, principal_of
from tests.web.conftest import let_in

pytestmark = pytest.mark.integration


@pytest.fixture
def office(database: Database, cast: Cast) -> int:
    """Empoli's, with one desk that is always open; Mario comes tomorrow, and somebody is booking."""

    def prepare(session: Session) -> int:
        sara, of = principal_of(session, cast.sara), {"ente_id": cast.empoli}
        made = Office(**of, name="Ufficio Tributi", address="Via Roma 1", competent_for="", accessibility="", hours=[])
        session.add(made)
        session.flush()
        at = {**of, "office_id": made.id}
        told = ServiceTold({"name": {"it": "Rimborsi", "en": "Refunds"}}, {"notice": 0}, frozenset({made.id}))
        service = preparing.save_service(session, sara, **of, told=told)
        desk = preparing.save_desk(session, sara, **at, name="A")
        windows = [Window(day, time(9), time(12), desk) for day in range(7)]
        today = clock.business_day(clock.now(session))
        preparing.save_draft(session, sara, **at, windows=windows, valid_from=today, observes_holidays=False)
        preparing.publish(session, sara, **at)
        free = finding.free_times(
            session, ente_id=cast.empoli, service_id=service, channel=Channel.WEB, first=tomorrow(session),
            last=tomorrow(session),
        )  # fmt: skip
        for one in free[:2]:
            held = holding.hold(
                session, None, **at, service_id=service, starts_at=one.starts_at, channel=Channel.WEB
            )  # fmt: skip
            if one is free[0]:
                who = Person("Mario", "Bianchi", "BNCMRA62A01D403X", email="m@example.it", notes="Porta la delega")
                booking.book(session, None, **of, hold=held.token, person=who, manage_at="https://x.example/a")
        return made.id

    return database.transact(Scope.of_contract(cast.contract), prepare)


def tomorrow(session: Session) -> date:
    return clock.business_day(clock.now(session)) + timedelta(days=1)


@pytest.fixture
def day(database: Database) -> str:
    with database.begin(Scope.nothing()) as session:
        return tomorrow(session).isoformat()


def test_a_day_shows_who_comes_what_is_free_and_that_somebody_is_booking(
    client: TestClient, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "anna")
    assert "Ufficio Tributi" in client.get("/agendas").text
    shown = client.get(f"/agendas/{office}?day={day}").text
    for text in (
        "Mario Bianchi",
        "Rimborsi",
        "Porta la delega",
        "prenotato",
        "qualcuno sta prenotando",
        "libero fino alle 12:00",
    ):
        assert text in shown
    assert f'href="/files/{cast.mario}"' in shown
    assert "nessuno sportello riceve" not in client.get(f"/agendas/{office}").text


def test_a_day_that_is_none_is_refused(client: TestClient, cast: Cast, office: int) -> None:
    let_in(client, "anna")
    assert client.get(f"/agendas/{office}?day=31-31-31").status_code == 422
    assert client.get(f"/agendas/{office}?day=9999-12-31").status_code == 422
    assert client.get("/agendas/999999999").status_code == 404


def test_another_entes_people_see_nothing_of_it(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.query(RoleGrant).filter(RoleGrant.user_id == cast.vera).update({"ente_id": cast.siena})
    let_in(client, "vera")
    assert client.get(f"/agendas/{office}?day={day}").status_code == 404
    assert "Ufficio Tributi" not in client.get("/agendas").text


def test_whoever_may_not_see_appointments_sees_none(
    client: TestClient, database: Database, cast: Cast, office: int
) -> None:
    with database.begin(Scope.nothing()) as session:
        session.query(RoleGrant).filter(RoleGrant.user_id == cast.vera).update({"role": Role.FIELD_AGENT})
    let_in(client, "vera")
    assert client.get("/agendas").status_code == 403
    assert client.get(f"/agendas/{office}").status_code == 403
