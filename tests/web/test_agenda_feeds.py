"""Agendas followed in calendars of one's own: as little as is needed, for as long as it is wanted and allowed."""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import select

from crm.access.models import EnteExclusion
from crm.agendas import booking
from crm.agendas.feeds.calendar import Entry, written
from crm.agendas.feeds.models import CalendarFeed
from crm.agendas.models import Appointment, Desk, ServiceClerk
from crm.core.db import Database, Scope
from tests.cast import Cast, principal_of
from tests.web.conftest import let_in
from tests.web.test_agenda_pages import MANAGE, post, the_one
from tests.web.test_agendas import day as day  # noqa: PLC0414  (the fixtures)
from tests.web.test_agendas import office as office  # noqa: PLC0414

integration = pytest.mark.integration
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def link_of(client: TestClient, which: str, user: str = "sara") -> str:
    client.cookies.clear()
    let_in(client, user)
    made = post(client, "/agendas/calendars", which=which, name="telefono")
    assert made.status_code == 200, made.text
    client.cookies.clear()
    return re.search(r"/calendar/[\w-]+\.ics", made.text)[0]  # type: ignore[index]


def titles(text: str) -> list[str]:
    return [str(one["summary"]) for one in Calendar.from_ical(text).walk("VEVENT")]


@given(st.text(max_size=200), st.integers(0, 9), st.text(max_size=80))
def test_whatever_is_written_is_a_calendar_and_the_same_bytes_each_time(name: str, sequence: int, service: str) -> None:
    one = Entry(UUID(int=7), sequence, NOW, NOW, NOW + timedelta(minutes=20), service, "B", "Ufficio", "1")
    found = written(name, [one], at="https://centro.example/a")
    assert found == written(name, [one], at="https://centro.example/a")
    (event,) = Calendar.from_ical(found).walk("VEVENT")
    assert event.start == NOW
    assert event.end == NOW + timedelta(minutes=20)
    assert event["sequence"] == sequence


@integration
def test_a_link_shows_when_where_and_what_for_and_the_initial_alone(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    link, mario = link_of(client, f"{cast.empoli}/{office}"), the_one(database, cast)
    answer = client.get(link)
    assert answer.headers["content-type"].startswith("text/calendar")
    assert [title.split(" · ")[1] for title in titles(answer.text)] == ["B."]
    told = answer.text.replace("\r\n ", "")
    assert str(mario.id) in told
    for hidden in (mario.surname, mario.given_name, mario.phone, mario.email, mario.codice_fiscale, mario.code):
        assert not hidden or hidden not in told
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert session.scalars(select(CalendarFeed)).one().digest not in link


@integration
def test_it_is_sent_again_only_once_it_has_changed(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    link = link_of(client, f"{cast.empoli}/{office}")
    tag = client.get(link).headers["etag"]
    same = client.get(link, headers={"If-None-Match": f'W/{tag}, "other"'})
    assert (same.status_code, same.content) == (304, b"")
    mario = the_one(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        booking.cancel(
            session, principal_of(session, cast.sara), ente_id=cast.empoli, appointment_id=mario.id, manage_at=MANAGE
        )
    gone = client.get(link, headers={"If-None-Match": tag})
    assert gone.status_code == 200
    assert titles(gone.text) == []


@integration
def test_a_desk_and_ones_own_services_are_followed_alone(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    mario = the_one(database, cast)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        other = Desk(ente_id=cast.empoli, office_id=office, name="altro", services=[])
        session.add(other)
        session.flush()
        empty = other.id
        assert session.get(Appointment, mario.id) is not None
    at = f"{cast.empoli}/{office}"
    assert len(titles(client.get(link_of(client, f"{at}/{mario.desk_id}")).text)) == 1
    assert titles(client.get(link_of(client, f"{at}/{empty}")).text) == []
    own = link_of(client, str(cast.empoli))
    assert titles(client.get(own).text) == []
    offered = f'<option value="{cast.empoli}"'
    let_in(client, "sara")
    assert offered not in client.get("/agendas/calendars").text  # it would be empty
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.add(ServiceClerk(ente_id=cast.empoli, service_id=mario.service_id, user_id=cast.sara))
    assert len(titles(client.get(own).text)) == 1
    assert offered in client.get("/agendas/calendars").text


@integration
def test_revoked_it_shows_nothing_at_once_by_its_owner_or_whoever_prepares_the_agenda(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    link = link_of(client, f"{cast.empoli}/{office}", "anna")
    let_in(client, "sara")
    page = client.get("/agendas/calendars").text
    assert "Anna" in page
    (feed,) = re.findall(r"calendars/(\d+)/revoke", page)
    assert client.get(link).status_code == 200
    assert post(client, f"/agendas/calendars/{feed}/revoke").status_code in {200, 204}
    assert client.get(link).status_code == 404
    assert post(client, f"/agendas/calendars/{feed}/revoke").status_code in {200, 204}


@integration
def test_a_link_is_worth_what_its_owner_may_see_now(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    link = link_of(client, f"{cast.empoli}/{office}", "anna")
    with database.begin(Scope.nothing()) as session:
        session.add(EnteExclusion(ente_id=cast.empoli, user_id=cast.anna, reason="x", made_by=cast.sara, made_at=NOW))
    assert client.get(link).status_code == 404


@integration
def test_no_link_is_guessed_nor_made_for_others_agendas(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    link = link_of(client, f"{cast.empoli}/{office}")
    for wrong in (link[:-6] + "AA.ics", f"/calendar/{cast.siena}-{link.split('-', 1)[1]}", "/calendar/x.ics"):
        assert client.get(wrong).status_code == 404
    let_in(client, "anna")
    for forged in (f"{cast.siena}", f"{cast.siena}/{office}", f"{cast.empoli}/{office}/999", "9" * 20, ""):
        assert post(client, "/agendas/calendars", which=forged, name="x").status_code in {403, 404}
    mine = link_of(client, f"{cast.empoli}/{office}", "sara")
    assert client.get(mine).status_code == 200
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        his = session.scalars(select(CalendarFeed.id).where(CalendarFeed.user_id == cast.sara)).first()
    let_in(client, "anna")
    assert post(client, f"/agendas/calendars/{his}/revoke").status_code == 403
    assert client.get(mine).status_code == 200
