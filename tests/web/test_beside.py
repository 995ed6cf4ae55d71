"""Anna books Mario's appointment beside his open file, while he is on the telephone; and what may stand against it."""

import re
from datetime import time, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crm.access.models import Role, RoleGrant
from crm.agendas import preparing
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.plan import Window
from crm.agendas.preparing import ServiceTold
from crm.contacts.models import ContactReach
from crm.core import clock
from crm.core.configuration import changed
from crm.enti.models import Office
from crm.messages.models import Message
from tests.cast import MARIO_MOBILE, principal_of
from tests.web.conftest import Desk

pytestmark = pytest.mark.integration


class Beside:
    """Mario's file is open to Anna. Empoli's one desk receives each morning, for two services."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.mario = desk, desk.stage.cast.mario
        self.desk.stage.work(self._prepare)
        self.call = desk.talks()
        assert desk.identify(self.call).status_code == 204
        self.showing = str(uuid4())

    def _prepare(self, session: Session) -> None:
        sara, of = principal_of(session, self.desk.stage.cast.sara), {"ente_id": self.desk.stage.cast.empoli}
        made = Office(**of, name="Ufficio Tributi", address="Via Roma 1", competent_for="", accessibility="", hours=[])
        session.add(made)
        session.flush()
        for rank, name in enumerate(("Rimborsi", "Rate")):
            told = ServiceTold({"name": {"it": name}}, {"notice": 0}, frozenset({made.id}), rank=rank)
            preparing.save_service(session, sara, **of, told=told)
        at: dict[str, Any] = {**of, "office_id": made.id}
        desk = preparing.save_desk(session, sara, **at, name="A")
        windows = [Window(day, time(9), time(12), desk) for day in range(7)]
        tomorrow = clock.business_day(clock.now(session)) + timedelta(days=1)
        preparing.save_draft(session, sara, **at, windows=windows, valid_from=tomorrow, observes_holidays=False)
        preparing.publish(session, sara, **at)

    def get(self, query: str = "") -> str:
        return unescape(self.desk.client.get(f"/beside/appointments/{self.mario}{query}").text)

    def post(self, path: str = "", **fields: Any) -> Any:
        form = {"X-Draft": f"appointment/{self.mario}", "X-Draft-Showing": self.showing}
        at = f"/beside/appointments/{self.mario}{path}"
        return self.desk.client.post(at, data=fields, headers={**self.desk.headers, **form})

    def hold(self, nth: int = 0, query: str = "") -> dict[str, str]:
        """Take the nth time that is told; what the form then holds."""
        told = self.get(query)
        at = re.findall(r'name="at" value="([^"]+)"', told)[nth]
        (service,) = re.findall(r'name="service" value="(\d+)"', told)
        held = self.post("/hold", service=service, at=at).text
        return {"service": service, "hold": re.findall(r'name="hold" value="([^"]+)"', held)[0], "at": at}

    def booked(self) -> list[Appointment]:
        mine = select(Appointment).where(Appointment.state == AppointmentState.BOOKED)
        rows: list[Appointment] = self.desk.stage.work(lambda s: list(s.scalars(mine)))
        return rows

    def messages(self) -> list[str]:
        found: list[str] = self.desk.stage.work(lambda s: list(s.scalars(select(Message.address).order_by(Message.id))))
        return found


@pytest.fixture
def beside(desk: Desk) -> Beside:
    return Beside(desk)


def test_a_time_is_held_booked_told_of_and_taken_back(beside: Beside) -> None:
    told = beside.get()
    assert len(re.findall(r'data-pick="\d"', told)) == 9
    assert re.findall(r"<kbd>([A-Z])</kbd> (\w+)", told) == [("A", "Rimborsi"), ("B", "Rate")]
    form = beside.hold(1)
    answer = beside.post(to=f"sms:{MARIO_MOBILE}", notes="Porta la delega", **form)
    assert "Prenotato" in answer.text
    (one,) = beside.booked()
    assert (one.contact_id, one.codice_fiscale, one.phone, one.email, one.notes, one.channel.value) == (
        beside.mario, "BNCMRA62A01D403X", MARIO_MOBILE, None, "Porta la delega", "phone",
    )  # fmt: skip
    assert beside.messages() == [MARIO_MOBILE]
    assert "Appuntamento" in beside.desk.page("file")
    again = beside.post(to=f"sms:{MARIO_MOBILE}", **form)  # pressed twice
    assert (again.status_code, len(beside.booked())) == (200, 1)
    undone = beside.desk.client.post(f"/beside/appointments/of/{one.id}/cancel", headers=beside.desk.headers)
    assert "annullato" in undone.text
    assert beside.booked() == []


def test_another_service_has_its_own_times_and_an_address_may_be_typed(beside: Beside) -> None:
    (rate,) = re.findall(r'data-pick="b" hx-get="[^"]+\?service=(\d+)"', beside.get())
    form = beside.hold(query=f"?service={rate}")
    assert form["service"] == rate
    beside.post(other="mario@example.it", to="", **form)
    (one,) = beside.booked()
    assert (one.service_id, one.email, one.phone) == (int(rate), "mario@example.it", None)


@pytest.mark.parametrize("told", [{}, {"other": "12"}, {"other": "mario@"}, {"to": "sms:+39333"}])
def test_what_is_wrong_with_the_address_is_said_at_its_field(beside: Beside, told: dict[str, str]) -> None:
    refused = beside.post(**told, **beside.hold())
    assert (refused.status_code, set(refused.json()["fields"])) == (422, {"to" if "to" in told else "other"})
    assert beside.booked() == []


def test_whom_nobody_knows_how_to_reach_is_reached_where_he_calls_from(beside: Beside) -> None:
    beside.desk.stage.work(lambda s: s.execute(delete(ContactReach)))
    form = beside.hold()
    shown = beside.post("/hold", service=form["service"], at=form["at"]).text
    assert "da cui chiama" in shown or "Qualcuno ha appena preso" in shown
    beside.post(to=f"sms:{MARIO_MOBILE}", **form)
    assert beside.booked()[0].phone == MARIO_MOBILE


def test_who_is_too_late_is_offered_the_nearest_and_keeps_what_was_typed(beside: Beside) -> None:
    first = beside.hold()
    gone = unescape(beside.post("/hold", service=first["service"], at=first["at"]).text)
    assert "Qualcuno ha appena preso questo orario" in gone
    assert first["at"] not in gone
    assert 'data-pick="1"' in gone
    headers = {**beside.desk.headers, "X-Draft": f"appointment/{beside.mario}", "X-Draft-Showing": beside.showing}
    beside.desk.client.post("/drafts", data={"notes": "Viene in due", **first}, headers=headers)
    assert "Viene in due" in beside.get()  # the form as it was left, its time still held
    beside.desk.stage.work(lambda s: s.execute(delete(Appointment)))
    left = beside.get()
    assert "Il tempo per completare la prenotazione è finito" in left
    assert 'data-pick="1"' in left
    assert "Viene in due" in unescape(beside.post("/hold", service=first["service"], at=first["at"]).text)
    late = unescape(beside.post(to=f"sms:{MARIO_MOBILE}", **first).text)  # of the time that was lost
    assert "Il tempo per completare" in late
    again = beside.hold(2)
    beside.post(to=f"sms:{MARIO_MOBILE}", **again)
    assert "Viene in due" not in beside.get()  # it is sent


def test_another_time_and_giving_up_let_the_held_one_go(beside: Beside) -> None:
    for path in ("/other", "/give-up"):
        beside.post(path, **beside.hold())
        assert beside.desk.stage.work(lambda s: s.scalars(select(Appointment)).all()) == []


def test_it_can_be_held_for_longer(beside: Beside) -> None:
    form = beside.hold()
    beside.desk.stage.work(
        lambda s: s.execute(update(Appointment).values(held_until=clock.now(s) + timedelta(seconds=3)))
    )
    assert "L'orario è tenuto" in unescape(beside.post("/extend", **form).text)
    held = beside.desk.stage.work(lambda s: s.scalars(select(Appointment)).one().held_until - clock.now(s))
    assert held > timedelta(minutes=4)


def test_without_services_or_times_it_says_so(beside: Beside) -> None:
    far = clock.business_day(beside.desk.stage.work(clock.now)) + timedelta(days=400)
    assert "Nessun orario libero" in beside.get(f"?first={far.isoformat()}")

    def close(session: Session) -> None:
        changed(session)
        session.execute(update(preparing.BookableService).values(active=False))

    beside.desk.stage.work(close)
    assert "non riceve su appuntamento" in beside.get()


def test_only_beside_an_open_file_and_only_who_books_for_the_ente(beside: Beside) -> None:
    form = beside.hold()
    beside.desk.press("retract", call=beside.call, contact=beside.mario)
    at = f"/beside/appointments/{beside.mario}"
    assert beside.desk.client.get(at).status_code == 403
    assert beside.post(to=f"sms:{MARIO_MOBILE}", **form).status_code == 403
    stranger = beside.desk.stage.cast.stranger_in_siena
    assert beside.desk.client.get(f"/beside/appointments/{stranger}").status_code in {403, 404}
    forged = beside.desk.client.post(f"/beside/appointments/of/{UUID(int=7)}/cancel", headers=beside.desk.headers)
    assert forged.status_code == 404
    beside.desk.stage.work(lambda s: s.execute(update(RoleGrant).values(role=Role.FIELD_AGENT)))
    assert beside.desk.client.get(at).status_code == 403
    assert beside.booked() == []
