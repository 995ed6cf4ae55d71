"""The desk in the browser: Anna serves at Empoli's office; the kiosk gives numbers; the waiting room shows them."""

import re
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant
from crm.agendas import booking as bookings
from crm.agendas import finding, holding, preparing
from crm.agendas.models import BookableService, OfficeException
from crm.agendas.people import Person
from crm.agendas.plan import Window
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.agendas.times import instant
from crm.core import clock, configuration
from crm.core.db import Database, Scope
from crm.enti.models import Office
from crm.files.models import FileOpening, FileSetting
from crm.timeline.models import EntryKind, TimelineEntry
from crm.turns.models import ScreenKind, Turn
from crm.turns.screens import opened
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_of, let_in
from web.desk import view
from web.edge.visits import COOKIE, visit_of
from web.wiring import Runtime

pytestmark = pytest.mark.integration


@pytest.fixture
def office(database: Database, cast: Cast) -> dict[str, Any]:
    """Empoli's, with two desks that are always open and one service."""

    def prepare(session: Session) -> dict[str, Any]:
        sara, of = principal_of(session, cast.sara), {"ente_id": cast.empoli}
        made = Office(**of, name="Ufficio Tributi", address="Via Roma 1", competent_for="", accessibility="", hours=[])
        session.add(made)
        session.flush()
        at = {**of, "office_id": made.id}
        told = ServiceTold({"name": {"it": "Rimborsi", "de": "Erstattungen"}}, {"notice": 0}, frozenset({made.id}))
        service = preparing.save_service(session, sara, **of, told=told)
        desks = [preparing.save_desk(session, sara, **at, name=name) for name in ("1", "2")]
        windows = [Window(day, time(0), time(0), desk) for day in range(7) for desk in desks]
        today = clock.business_day(clock.now(session))
        preparing.save_draft(session, sara, **at, windows=windows, valid_from=today, observes_holidays=False)
        preparing.publish(session, sara, **at)
        session.execute(update(FileSetting).where(FileSetting.ente_id == cast.empoli).values(answers_needed=2))
        return {"office": made.id, "service": service, "desks": desks}

    return database.transact(Scope.of_contract(cast.contract), prepare)


def appointment(session: Session, cast: Cast, office: dict[str, Any], starts_at: datetime) -> str:
    """Mario's, at a desk's asking; the code."""
    of = {"ente_id": cast.empoli}
    held = holding.hold(
        session, None, **of, office_id=office["office"], service_id=office["service"], starts_at=starts_at,
        channel=Channel.DESK,
    )  # fmt: skip
    person = Person("Mario", "Bianchi", "BNCMRA62A01D403X")
    return bookings.book(session, None, **of, hold=held.token, person=person, manage_at="https://x.example/a").code


def headers(client: Any) -> dict[str, str]:
    return {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}


def hangs(client: Any, office: dict[str, Any], kind: str) -> str:
    let_in(client, "sara")
    form = {"kind": kind, "name": "Ingresso", "language": "it"}
    made = client.post(f"/screens/{office['office']}", data=form, headers=headers(client))
    assert made.status_code == 200, made.text
    return re.search(rf"/{kind}/[\w-]+", made.text)[0]  # type: ignore[index]


def sits(client: Any, cast: Cast, office: dict[str, Any], desk: int = 0) -> None:
    client.cookies.clear()
    let_in(client, "anna")
    form = {"place": office["desks"][desk], "ente": cast.empoli}
    assert client.post("/desk/sit", data=form, headers=headers(client)).status_code == 204


def test_a_number_is_given_called_on_the_screen_and_served_with_the_file_open(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    kiosk, room = hangs(client, office, "kiosk"), hangs(client, office, "room")
    client.cookies.clear()
    assert "Rimborsi" in client.get(kiosk).text
    assert "Erstattungen" in client.get(f"{kiosk}?lang=de").text
    given = client.post(f"{kiosk}/tickets", data={"service_id": office["service"]})
    assert given.status_code == 303
    assert "A1" in client.get(given.headers["location"]).text
    sits(client, cast, office)
    assert "il prossimo" in client.get("/desk").text
    assert client.post("/desk/next", headers=headers(client)).status_code == 204
    shown = client.get(room).text
    assert 'data-say="Numero A 1, sportello 1"' in shown
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        turn = session.scalars(select(Turn.id)).one()

    def step(deed: str) -> int:
        return client.post(f"/desk/turns/{turn}/step", data={"deed": deed}, headers=headers(client)).status_code

    assert step("served") == 204
    assert "BIANCHI" in client.post("/desk/search", data={"q": "bianchi"}, headers=headers(client)).text
    who = {"contact": cast.mario}
    assert client.post(f"/desk/turns/{turn}/identify", data=who, headers=headers(client)).status_code == 204
    page = client.get("/desk").text
    assert "Importi e atti restano nascosti" in page
    assert client.post(f"/desk/turns/{turn}/open", headers=headers(client)).status_code == 422
    right = {"right": re.findall(r'name="right" value="(\w+)"', page)}
    assert client.post(f"/desk/turns/{turn}/open", data=right, headers=headers(client)).status_code == 204
    assert "✓ identificato" in client.get("/desk").text
    assert client.post(f"/desk/turns/{turn}/close", headers=headers(client)).status_code == 204
    page = client.get("/desk").text
    assert "✓ identificato" not in page
    assert "non si sa ancora chi è" in page
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert not session.scalars(select(TimelineEntry.id).where(TimelineEntry.kind == EntryKind.VISIT)).all()
    assert client.post(f"/desk/turns/{turn}/close", headers=headers(client)).status_code == 204  # twice is once
    assert client.post(f"/desk/turns/{turn}/open", data=right, headers=headers(client)).status_code == 409
    assert client.post(f"/desk/turns/{turn}/identify", data=who, headers=headers(client)).status_code == 204
    assert client.post(f"/desk/turns/{turn}/open", data=right, headers=headers(client)).status_code == 204
    assert "✓ identificato" in client.get("/desk").text
    assert "bianchi" not in client.get(room).text.lower()
    assert step("recalled") == 409
    assert step("done") == 204
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert None not in session.scalars(select(FileOpening.closed_at)).all()
    assert "Serviti oggi" in client.get("/desk/offices").text


def test_the_code_of_todays_appointment_gives_a_turn_and_a_wrong_one_a_sentence(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    def book(session: Session) -> str:
        of, today = {"ente_id": cast.empoli}, clock.business_day(clock.now(session))
        free = finding.free_times(
            session, **of, service_id=office["service"], channel=Channel.DESK, first=today, last=today
        )
        return appointment(session, cast, office, free[-1].starts_at)

    code = database.transact(Scope.of_enti([cast.empoli]), book)
    kiosk = hangs(client, office, "kiosk")
    client.cookies.clear()
    assert client.post(f"{kiosk}/arrivals", data={"code": "CCCCCCCC"}).status_code == 422
    for typed in (code.lower(), f"https://ente.example/a/{code}"):
        given = client.post(f"{kiosk}/arrivals", data={"code": typed})
        assert given.status_code == 303, given.text
        shown = client.get(given.headers["location"]).text
        assert "P1" in shown
        assert "Bianchi" not in shown


def test_who_comes_on_another_day_is_told_which_and_no_answer_leads_away_from_the_kiosk(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    def book(session: Session) -> str:
        tomorrow = clock.business_day(clock.now(session)) + timedelta(days=1)
        return appointment(session, cast, office, instant(tomorrow, time(10)))

    code = database.transact(Scope.of_enti([cast.empoli]), book)
    kiosk = hangs(client, office, "kiosk")
    client.cookies.clear()
    told = client.post(f"{kiosk}/arrivals", data={"code": code, "lang": "de"})
    assert told.status_code == 422
    assert "Dieser Termin ist nicht heute, sondern am" in told.text
    for language in re.findall(r'<a href="([^"]+lang=\w\w)"', told.text):
        assert client.get(language).status_code == 200
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.get_one(BookableService, office["service"]).active = False
        configuration.changed(session)
    gone = client.post(f"{kiosk}/tickets", data={"service_id": office["service"]})
    assert gone.status_code == 422
    assert "Oggi non si fa più" in gone.text


def test_a_revoked_or_forged_link_opens_nothing_and_a_kiosk_is_no_room(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    kiosk = hangs(client, office, "kiosk")
    assert client.get(kiosk.replace("/kiosk/", "/room/")).status_code == 404
    assert client.get(f"{kiosk}x").status_code == 404
    with database.begin(Scope.nothing()) as session:
        screen = opened(session, kiosk.rpartition("/")[2], ScreenKind.KIOSK)
    assert screen is not None
    assert client.post(f"/screens/{screen.id}/revoke", headers=headers(client)).status_code == 204
    assert client.get(kiosk).status_code == 404
    form = {"service_id": office["service"]}
    assert client.post(f"{kiosk}/tickets", data=form).status_code == 404
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert not session.scalars(select(Turn.id)).all()


def test_another_entes_people_and_whoever_may_not_have_no_desk_here(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    kiosk = hangs(client, office, "kiosk")
    client.post(f"{kiosk}/tickets", data={"service_id": office["service"]})
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        turn = session.scalars(select(Turn.id)).one()
    with database.begin(Scope.nothing()) as session:
        session.query(RoleGrant).filter(RoleGrant.user_id == cast.vera).update(
            {"ente_id": cast.siena, "role": Role.DESK_CLERK}
        )
    client.cookies.clear()
    let_in(client, "vera")
    form = {"place": office["desks"][0], "ente": cast.empoli}
    assert client.post("/desk/sit", data=form, headers=headers(client)).status_code == 403
    missed = client.post(f"/desk/turns/{turn}/step", data={"deed": "missed"}, headers=headers(client))
    assert missed.status_code == 404
    assert "Ufficio Tributi" not in client.get("/desk/offices").text
    assert client.get("/screens").status_code == 403
    with database.begin(Scope.nothing()) as session:
        session.query(RoleGrant).filter(RoleGrant.user_id == cast.vera).update({"role": Role.FIELD_AGENT})
    assert client.get("/desk").status_code == 403


def test_a_clerk_whom_the_supervisor_relieves_sees_no_file_any_more(
    client: TestClient, runtime: Runtime, cast: Cast, office: dict[str, Any]
) -> None:
    sits(client, cast, office)
    visit = visit_of(runtime, client.cookies.get(COOKIE))
    assert visit is not None
    assert "Sportello libero" in view.render(runtime, visit).regions["desk-now"]
    client.cookies.clear()
    let_in(client, "sara")
    freed = client.post(f"/desk/places/{office['desks'][0]}/free", data={"ente": cast.empoli}, headers=headers(client))
    assert freed.status_code == 204
    regions = view.render(runtime, visit).regions
    assert "Non sei a uno sportello" in regions["desk-now"]
    assert all("hidden" in regions[one] for one in ("desk-queue", "file"))


def test_a_kiosk_says_when_it_opens_and_which_service_has_no_numbers_left(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    kiosk = hangs(client, office, "kiosk")
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.get_one(BookableService, office["service"]).walk_ins = 1
    client.cookies.clear()
    form = {"service_id": office["service"], "lang": "de"}
    assert client.post(f"{kiosk}/tickets", data=form, follow_redirects=False).status_code == 303
    full = client.post(f"{kiosk}/tickets", data=form, follow_redirects=False)
    assert full.status_code == 422
    assert "heute keine Nummern mehr" in full.text
    assert " disabled" in client.get(kiosk).text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        today = clock.business_day(clock.now(session))
        session.add(
            OfficeException(
                ente_id=cast.empoli, office_id=office["office"], first=today, last=today, closed=True, words="",
                written_at=clock.now(session),
            )
        )  # fmt: skip
    closed = client.get(f"{kiosk}?lang=en").text
    assert "The office is closed" in closed
    assert "It opens" in closed
    assert client.post(f"{kiosk}/tickets", data=form, follow_redirects=False).status_code == 422


def test_the_note_of_a_visit_is_kept_as_it_is_typed_by_whoever_serves_alone(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    sits(client, cast, office)
    assert (
        client.post("/desk/tickets", data={"service_id": office["service"]}, headers=headers(client)).status_code == 200
    )
    client.post("/desk/next", headers=headers(client))
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        turn = session.scalars(select(Turn.id)).one()
    at = f"/desk/turns/{turn}"
    client.post(f"{at}/step", data={"deed": "served"}, headers=headers(client))
    assert "Nota della visita" not in client.get("/desk").text
    assert client.post(f"{at}/note", data={"note": "x"}, headers=headers(client)).status_code == 409
    client.post(f"{at}/identify", data={"contact": cast.mario}, headers=headers(client))
    assert "salvata" in client.post(f"{at}/note", data={"note": "Vuole le rate"}, headers=headers(client)).text
    assert "Vuole le rate" in client.get("/desk").text
    elsewhere = {"deed": "recalled", "note": "Scritta dove non si può"}
    assert client.post(f"{at}/step", data=elsewhere, headers=headers(client)).status_code == 409
    let_in(client, "sara")
    assert client.post(f"{at}/note", data={"note": "Altro"}, headers=headers(client)).status_code == 409
    client.cookies.clear()
    let_in(client, "vera")
    assert client.post(f"{at}/note", data={"note": "Altro"}, headers=headers(client)).status_code == 403
    client.cookies.clear()
    let_in(client, "anna")
    last = {"deed": "done", "note": "Vuole le rate, torna lunedì"}  # what was typed a moment before
    assert client.post(f"{at}/step", data=last, headers=headers(client)).status_code == 204
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert session.get_one(Turn, turn).note == "Vuole le rate, torna lunedì"


def test_what_was_pressed_by_mistake_is_taken_back_by_one_press_and_the_waiting_room_shows_it(
    client: TestClient, database: Database, cast: Cast, office: dict[str, Any]
) -> None:
    room = hangs(client, office, "room")
    sits(client, cast, office)
    client.post("/desk/tickets", data={"service_id": office["service"]}, headers=headers(client))
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        turn = session.scalars(select(Turn.id)).one()

    def press(deed: str, what: str = "step") -> int:
        return client.post(f"/desk/turns/{turn}/{what}", data={"deed": deed}, headers=headers(client)).status_code

    client.post("/desk/next", headers=headers(client))
    assert press("served") == 204
    assert "non è ancora qui" in client.get("/desk").text
    assert press("done") == 204
    assert "A 1" not in client.get(room).text
    assert "undo-last" in client.get("/desk").text
    assert press("done", "undo") == 204
    assert press("done", "undo") == 409
    assert 'data-say="Numero A 1, sportello 1"' in client.get(room).text
    assert press("served", "undo") == 204
    assert press("missed") == 204
    assert "non si è presentato, alle" in client.get("/desk").text
    assert press("missed", "undo") == 204
    assert press("back") == 204
    assert press("arrived", "undo") == 409  # he was called
    let_in(client, "vera")
    assert press("arrived", "undo") == 403
