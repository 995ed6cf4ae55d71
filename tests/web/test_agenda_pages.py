"""The staff prepare an office, book and move for citizens, and move many together: page by page, and who may not."""

import re
from datetime import date, time, timedelta
from urllib.parse import unquote
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from sqlalchemy import select

from crm.access.models import Role, RoleGrant
from crm.agendas import booking, finding, holding, preparing, queries
from crm.agendas.errors import CodeNeededError
from crm.agendas.external.models import BusyTime, ExternalCalendar, Trouble
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.people import Person
from crm.agendas.plan import Window
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.agendas.week import drawn
from crm.core import jobs
from crm.core.db import Database, Scope
from tests.cast import Cast, principal_of
from tests.web.conftest import PUBLIC, csrf_on, let_in
from tests.web.test_agendas import day as day  # noqa: PLC0414  (the fixtures)
from tests.web.test_agendas import office as office  # noqa: PLC0414
from web.wiring import Runtime
from web.worker.main import runners

pytestmark = pytest.mark.integration
MANAGE = "https://x.example/a"


def post(client: TestClient, path: str, **fields: object) -> Response:
    headers = {"X-CSRF-Token": csrf_on(client, "/me"), "HX-Request": "true"}
    return client.post(path, data=fields, headers=headers)  # type: ignore[arg-type]


def the_one(database: Database, cast: Cast) -> Appointment:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return session.scalars(select(Appointment).where(Appointment.surname == "Bianchi")).one()


def test_a_week_is_prepared_and_published_only_once_whoever_is_left_outside_was_seen(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "sara")
    at, mario = f"/agendas/{office}", the_one(database, cast)
    assert post(client, f"{at}/draft").status_code == 204
    page = client.get(f"{at}/prepare").text
    assert "bozza" in page
    assert "<svg" in page
    weekday = date.fromisoformat(day).weekday()
    gone = [one for one in re.findall(r'name="window" value="([^"]+)"', page) if f"-{weekday}-" in one]
    post(client, f"{at}/draft/remove", window=gone)
    post(client, f"{at}/draft/days", valid_from=day, valid_to="", observes="")
    hours = {"desk": gone[0].split("-")[0], "opens": "10:00", "closes": "11:00", "places": "1"}
    overlap = post(client, f"{at}/draft/add", weekday=["0", "1", "2", "3", "4", "5", "6"], **hours)
    assert overlap.status_code == 422
    first = post(client, f"{at}/publish")
    assert first.status_code == 200
    assert "Mario Bianchi" in first.text
    assert post(client, f"{at}/publish", seen=[str(mario.id)]).status_code == 204
    assert "fuori dagli orari" in client.get(f"{at}/prepare").text
    assert "fuori dagli orari" in client.get(f"{at}?day={day}").text
    assert the_one(database, cast).starts_at == mario.starts_at


def test_of_a_day_that_is_over_the_staff_say_who_came(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "anna")
    mario = the_one(database, cast)
    at = f"/agendas/appointments/{mario.id}"
    assert "Com'è andata?" not in client.get(at).text
    assert post(client, f"{at}/outcome", came="1").status_code == 409
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.get_one(Appointment, mario.id)
        row.starts_at, row.ends_at, row.free_at = (
            one - timedelta(days=3) for one in (row.starts_at, row.ends_at, row.free_at)
        )
    page = client.get(at).text
    assert "Com'è andata?" in page
    assert ">Non è venuto<" in page
    assert post(client, f"{at}/outcome", came="0").status_code == 204
    assert the_one(database, cast).state is AppointmentState.NO_SHOW
    page = client.get(at).text
    assert "Segnato: non è venuto." in page
    assert ">Non è venuto<" not in page
    assert post(client, f"{at}/outcome/undo").status_code == 204
    assert ">È venuto<" in client.get(at).text
    assert post(client, f"{at}/outcome", came="1").status_code == 204
    assert "servito" in client.get(at).text
    client.cookies.clear()
    let_in(client, "vera")
    assert post(client, f"{at}/outcome", came="0").status_code == 403


def test_many_are_proposed_new_times_and_moved_by_the_worker(
    client: TestClient, database: Database, runtime: Runtime, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "sara")
    mario = the_one(database, cast)
    sent = post(client, f"/agendas/{office}/bulk", kind="move", first=day, reason="Sciopero")
    where = sent.headers["HX-Redirect"]
    page = client.get(where).text
    assert "Mario Bianchi" in page
    assert "non è ancora successo niente" in page
    assert post(client, f"{where}/start", item=[str(mario.id)]).status_code == 204
    assert "every 1s" in client.get(f"{where}/progress").text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        due = jobs.due(session)
    for job_id, ente_id in due:
        jobs.run(database, runners(runtime.documents, public_url="https://x.example"), job_id=job_id, ente_id=ente_id)
    done = client.get(f"{where}/progress").text
    assert "every 1s" not in done
    assert "Riporta com'era" in done.replace("&#39;", "'")
    assert the_one(database, cast).starts_at.date() != mario.starts_at.date()


def test_a_clerk_books_moves_and_cancels_for_somebody_on_the_telephone(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "anna")
    page = client.get(f"/agendas/{office}/book?day={day}").text
    service = re.search(r'name="service" value="(\d+)"', page)
    times = re.findall(r'name="at" value="([^"]+)"', page)
    assert service
    held = post(client, "/agendas/hold", service=service[1], channel="phone", at=times[0])
    form = held.headers["HX-Redirect"]
    assert "data-until" in client.get(form).text
    assert "data-until" in post(client, f"{form}/extend").text
    wrong = post(client, form, surname="", email="x").json()
    assert {"surname", "given_name", "email"} <= set(wrong["fields"])
    made = post(client, form, surname="Verdi", given_name="Paola", email="p@example.it")
    one = made.headers["HX-Redirect"]
    taken = post(client, "/agendas/hold", service=service[1], channel="phone", at=times[0])
    assert "Gli orari liberi più vicini" in taken.text
    shown = client.get(one).text
    assert "Paola Verdi" in shown
    assert "Paola Verdi" in post(client, "/agendas/search", text="verd").text
    assert "Paola" not in post(client, "/agendas/search", text="v%").text
    assert post(client, f"{one}/move", at=times[3]).status_code == 204
    assert post(client, f"{one}/cancel", whose="office", reason="").status_code == 422
    assert post(client, f"{one}/cancel", whose="office", reason="Sciopero").status_code == 204
    assert post(client, f"{one}/restore").status_code == 204
    assert "Paola Verdi" in client.get(f"/agendas/{office}/week?day={day}").text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.scalars(select(Appointment).where(Appointment.surname == "Verdi")).one()
        assert row.state is AppointmentState.BOOKED
        assert row.made_by == cast.anna


def test_services_desks_days_and_quotas_are_written_by_forms(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "sara")
    at = f"/agendas/{office}"
    numbers = {name: str(usual) for name, (_, _, usual) in preparing.RANGES.items()}
    told = {"name_it": "Rate", "rank": "1", "active": "1", "office": [str(office)], "needs_code": "1", **numbers}
    assert post(client, f"/agendas/services/{cast.empoli}", **told, clerk=[str(cast.anna)]).status_code == 204
    stranger = post(client, f"/agendas/services/{cast.empoli}", **told, clerk=["999999"])
    assert stranger.status_code == 422
    wrong = post(client, f"/agendas/services/{cast.empoli}", **{**told, "duration": "abc", "name_it": ""})
    assert "duration" in wrong.json()["fields"]
    assert "Rate" in client.get(f"/agendas/services/{cast.empoli}").text
    assert post(client, f"{at}/desks", name="B", rank="2", active="1").status_code == 204
    assert post(client, f"{at}/desks", name="B", rank="2", active="1").status_code == 422
    assert post(client, f"{at}/quotas", web="50", phone="", desk="").status_code == 204
    closed = post(client, f"{at}/exceptions", first=day, kind="closed", words="Patrono")
    assert "Mario Bianchi" in closed.text
    page = client.get(f"{at}/prepare").text
    assert "Patrono" not in page  # nothing was written
    assert 'value="50"' in page
    assert post(client, f"/agendas/services/{cast.empoli}/kept", days="30").status_code == 204


def test_whoever_may_not_and_other_entes_people_change_nothing(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    mario = the_one(database, cast)
    let_in(client, "anna")  # books, but does not prepare
    at = f"/agendas/{office}"
    assert client.get(f"{at}/prepare").status_code == 403
    for path in ("publish", "draft", "desks", "quotas", "bulk", "draft/drop"):
        assert post(client, f"{at}/{path}", kind="move", first=day, reason="x", name="x").status_code == 403, path
    assert client.get(f"/agendas/services/{cast.empoli}").status_code == 403
    with database.begin(Scope.nothing()) as session:
        session.query(RoleGrant).filter(RoleGrant.user_id == cast.vera).update(
            {"ente_id": cast.siena, "role": Role.DESK_CLERK}
        )
    let_in(client, "vera")
    for path in (f"{at}/week", f"{at}/book", f"/agendas/appointments/{mario.id}", f"/agendas/appointments/{uuid4()}"):
        assert client.get(path).status_code == 404, path
    for deed in ("move", "cancel", "restore"):
        sent = post(client, f"/agendas/appointments/{mario.id}/{deed}", at=f"{office}/{mario.starts_at.isoformat()}")
        assert sent.status_code == 404, deed
    assert "Mario" not in post(client, "/agendas/search", text="bianchi").text
    with client.websocket_connect(f"/ws/office-{office}-{day}", headers={"origin": PUBLIC}) as socket:
        assert socket.receive()["code"] == 4403


def test_a_day_is_live_for_whoever_may_see_it(client: TestClient, cast: Cast, office: int, day: str) -> None:
    let_in(client, "anna")
    assert f'/ws/office-{office}-{day}"' in client.get(f"/agendas/{office}?day={day}").text
    with client.websocket_connect(f"/ws/office-{office}-{day}", headers={"origin": PUBLIC}) as socket:
        frame = next(text for text in iter(socket.receive_text, None) if "hx-partial" in text)
    assert "#office-day" in frame
    assert "Mario Bianchi" in frame
    with client.websocket_connect(f"/ws/office-{office}-31-31", headers={"origin": PUBLIC}) as socket:
        assert socket.receive()["code"] == 4403


def test_a_service_that_asks_for_a_code_is_booked_on_the_web_only_with_it(
    database: Database, cast: Cast, office: int, day: str
) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara, of = principal_of(session, cast.sara), {"ente_id": cast.empoli}
        service = queries.services(session, cast.empoli)[0].id
        told = ServiceTold({"name": {"it": "Rimborsi"}}, {"notice": 0}, frozenset({office}), needs_code=True)
        preparing.save_service(session, sara, ente_id=cast.empoli, service_id=service, told=told)
        on = date.fromisoformat(day)
        free = finding.free_times(session, **of, service_id=service, channel=Channel.WEB, first=on, last=on)  # type: ignore[arg-type]
        held = holding.hold(
            session, None, ente_id=cast.empoli, service_id=service, office_id=office, starts_at=free[0].starts_at,
            channel=Channel.WEB,
        )  # fmt: skip
        person = Person("Paola", "Verdi", email="p@example.it")
        with pytest.raises(CodeNeededError):
            booking.book(session, None, ente_id=cast.empoli, hold=held.token, person=person, manage_at=MANAGE)
        booking.book(
            session, None, ente_id=cast.empoli, hold=held.token, person=person, manage_at=MANAGE, verified=True
        )


def test_a_week_is_drawn_lane_beside_lane_and_never_outside_its_picture() -> None:
    windows = [Window(0, time(9), time(13), 1), Window(6, time(22), time(0), 2), Window(0, time(9), time(12), 2)]
    picture = drawn(windows, [1, 2])
    assert len(picture.days) == 7
    for one in picture.blocks:
        assert 0 <= one.x < one.x + one.width <= picture.width
        assert 0 <= one.y < one.y + one.height <= picture.height
    first, _, second = picture.blocks
    assert first.x + first.width <= second.x
    assert drawn([], []).blocks == ()


def test_an_external_calendar_is_named_shown_as_it_stands_and_taken_away(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "sara")
    at, mario = f"/agendas/{office}", the_one(database, cast)
    wrong = post(client, f"{at}/external", name="Sala", url="http://10.0.0.1/c/", username="u", password="segreta")
    assert wrong.status_code == 422
    made = post(client, f"{at}/external", name="Sala", url="https://c.example/c/", username="u", password="segreta")
    assert made.status_code == 204
    page = client.get(f"{at}/prepare").text
    assert "da leggere" in page
    assert "segreta" not in page
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.scalars(select(ExternalCalendar)).one()
        row.good_at = row.failing_since = row.made_at
        row.trouble = Trouble.AWAY
        session.add(
            BusyTime(
                calendar_id=row.id, ente_id=cast.empoli, office_id=office, starts_at=mario.starts_at,
                ends_at=mario.ends_at,
            )
        )  # fmt: skip
        calendar = row.id
    page = client.get(f"{at}/prepare").text
    assert "il server non risponde" in page
    assert "1 appuntamento è fuori dagli orari" in page
    shown = client.get(f"{at}?day={day}").text
    assert "occupato nel calendario esterno" in shown
    assert "Il calendario esterno «Sala» non si legge" in shown
    assert post(client, f"{at}/external/{calendar}/read").status_code == 204
    let_in(client, "anna")
    assert post(client, f"{at}/external/{calendar}/remove").status_code == 403
    let_in(client, "sara")
    assert post(client, f"{at}/external/{calendar}/remove").status_code == 204
    assert "occupato nel calendario esterno" not in client.get(f"{at}?day={day}").text


def test_whoever_takes_too_long_keeps_what_is_typed_and_has_another_time_by_one_press(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    let_in(client, "anna")
    page = client.get(f"/agendas/{office}/book?day={day}").text
    (service,) = set(re.findall(r'name="service" value="(\d+)"', page))
    wanted = re.findall(r'name="at" value="([^"]+)"', page)[0]
    form = post(client, "/agendas/hold", service=service, channel="phone", at=wanted).headers["HX-Redirect"]
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', client.get(form).text))
    hidden = {name: hidden[name] for name in ("service", "channel", "wanted")}
    assert hidden == {"service": service, "channel": "phone", "wanted": wanted}
    with database.begin(Scope.of_enti([cast.empoli])) as session:  # somebody else wanted it once it had expired
        holding.release(session, ente_id=cast.empoli, token=form.rsplit("/", 1)[1])
    typed = {**hidden, "surname": "Verdi", "given_name": "Paola", "email": "p@example.it"}
    told = post(client, form, **typed)
    near = re.findall(r'name="at" value="([^"]+)"', told.text)
    assert len(near) == 5
    assert "HX-Redirect" not in told.headers
    assert {"surname"} <= set(post(client, form, **{**typed, "surname": ""}, at=near[1]).json()["fields"])
    made = post(client, form, **typed, at=near[1]).headers["HX-Redirect"]
    assert "Paola Verdi" in client.get(made).text
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        row = session.scalars(select(Appointment).where(Appointment.surname == "Verdi")).one()
        assert f"{row.office_id}/{row.starts_at.isoformat()}" == near[1]


def test_the_staff_are_told_whether_the_person_is(
    client: TestClient, database: Database, cast: Cast, office: int, day: str
) -> None:
    """Who left an e-mail is written to; who left nothing has to be told by somebody."""
    let_in(client, "sara")
    mario = the_one(database, cast)
    page = client.get(f"/agendas/appointments/{mario.id}?day={day}").text
    times = re.findall(r'name="at" value="([^"]+)"', page)
    moved = post(client, f"/agendas/appointments/{mario.id}/move", at=times[0])
    assert unquote(moved.headers["HX-Notice"]) == "Appuntamento spostato. La persona è avvisata."
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.get_one(Appointment, mario.id).email = None
    moved = post(client, f"/agendas/appointments/{mario.id}/move", at=times[1])
    assert "avvisa tu la persona" in unquote(moved.headers["HX-Notice"])
    sent = post(client, f"/agendas/{office}/bulk", kind="cancel", first=day, reason="Sciopero")
    shown = client.get(sent.headers["HX-Redirect"]).text
    assert "da avvisare a voce" in shown
