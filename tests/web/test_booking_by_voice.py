"""Appointments by telephone as the carrier tells of them: signed webhooks, told twice, late, or by somebody else."""

import re
from datetime import time
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.agendas import preparing
from crm.agendas.codes import on_keys
from crm.agendas.models import Appointment, AppointmentState
from crm.agendas.plan import Window
from crm.agendas.preparing import ServiceTold
from crm.core import clock
from crm.core.db import Database, Scope
from crm.enti.models import Office
from telephony.calls.models import Call
from telephony.carriers.twilio.signature import sign
from telephony.ivr.spoken import spelled
from tests.cast import EMPOLI_LINE, STRANGER, Cast, principal_of
from tests.telephony.appointments.conftest import flow_of
from tests.telephony.calls.test_full_queue import follows
from tests.telephony.stage import build
from tests.web.conftest import PUBLIC, TOKEN, csrf_of, let_in
from web.voice.terminal import try_call

pytestmark = pytest.mark.integration
SID = "CA" + "5" * 32
NUMBERS = {"duration": 20, "step": 20, "notice": 60, "cutoff": 0}  # late in the evening the next day is near


@pytest.fixture
def offices(database: Database, cast: Cast) -> int:
    """Empoli receives at any hour, for one thing; its line begins with appointments. The service's id."""

    def prepare(session: Session) -> int:
        sara, ente = principal_of(session, cast.sara), cast.empoli
        office = Office(
            ente_id=ente, name="Ufficio Tributi", address="Piazza 1", competent_for="", accessibility="", hours=[]
        )
        session.add(office)
        session.flush()
        told = ServiceTold(
            {"name": {"it": "TARI"}, "bring": {"it": "Avviso\nDocumento"}}, NUMBERS, frozenset({office.id})
        )
        service = preparing.save_service(session, sara, ente_id=ente, told=told)
        of = {"ente_id": ente, "office_id": office.id}
        desk = preparing.save_desk(session, sara, **of, name="1")
        week = [Window(day, time(0), time(0), desk) for day in range(7)]
        today = clock.business_day(clock.now(session))
        preparing.save_draft(session, sara, **of, windows=week, valid_from=today, observes_holidays=False)
        preparing.publish(session, sara, **of)
        return service

    service = database.transact(Scope.of_enti([cast.empoli], [cast.contract]), prepare)
    follows(build(database, cast), flow_of(cast.operator), cap=None)
    return service


class Line:
    """A citizen's call, as the carrier tells of it."""

    def __init__(self, client: Any, database: Database, sid: str = SID, caller: str = STRANGER) -> None:
        self.client, self.database, self.sid = client, database, sid
        self.heard = self.tells("/telephony/voice", From=caller, To=EMPOLI_LINE, CallStatus="ringing")

    def tells(self, url: str, *, signature: str | None = None, **fields: str) -> str:
        said = {"CallSid": self.sid, **fields}
        signed = sign(TOKEN, PUBLIC + url, said) if signature is None else signature
        answer = self.client.post(url, data=said, headers={"X-Twilio-Signature": signed})
        self.status = answer.status_code
        return str(answer.text)

    def asked(self) -> str:
        """Where the carrier takes what he keys next."""
        action = ElementTree.fromstring(self.heard)[0].attrib["action"]
        return action.removeprefix(PUBLIC).split("#")[0]

    def keys(self, *pressed: str) -> str:
        for one in pressed:
            self.heard = self.tells(self.asked(), Digits=one)
        return self.said

    @property
    def said(self) -> str:
        return " ".join(ElementTree.fromstring(self.heard).itertext())

    def hangs_up(self) -> None:
        self.tells("/telephony/status", CallStatus="completed", SequenceNumber="3", Timestamp="")


def booked(database: Database, cast: Cast) -> list[Appointment]:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        return list(session.scalars(select(Appointment)))


def test_a_call_books_hears_its_code_twice_and_another_cancels_it(
    client: Any, database: Database, cast: Cast, offices: int
) -> None:
    line = Line(client, database)
    assert line.keys("1").startswith("TARI, Ufficio Tributi. I primi orari liberi.")
    line.keys("5")
    where, confirm = line.asked(), line.keys("1")
    assert "Per confermare, prema 1." in confirm
    assert line.tells(where, Digits="2") == line.heard  # told late: he hears where he is, and holds what he held
    (row,) = booked(database, cast)
    assert row.state is AppointmentState.HELD
    where, said = line.asked(), line.keys("1")
    (row,) = booked(database, cast)
    assert row.state is AppointmentState.BOOKED
    assert row.code
    assert said.count(spelled(row.code)) == 2
    assert "Porti con sé: Avviso; Documento." in said
    assert line.tells(where, Digits="1") == line.heard
    assert len(booked(database, cast)) == 1
    line.hangs_up()

    again = Line(client, database, sid="CA" + "6" * 32)
    assert again.keys("2", on_keys(row.code)).startswith("Il suo appuntamento:")
    assert again.keys("1", "1").startswith("L'appuntamento è disdetto.")
    assert booked(database, cast)[0].state is AppointmentState.CANCELLED_BY_CITIZEN


def test_whoever_hangs_up_holds_nothing_and_what_is_told_afterwards_books_nothing(
    client: Any, database: Database, cast: Cast, offices: int
) -> None:
    line = Line(client, database)
    line.keys("1", "1")
    where = line.asked()
    line.hangs_up()
    assert booked(database, cast) == []
    assert "<Hangup" in line.tells(where, Digits="1")
    assert booked(database, cast) == []


def test_nobody_but_the_carrier_books(client: Any, database: Database, cast: Cast, offices: int) -> None:
    line = Line(client, database)
    line.keys("1", "1")
    where = line.asked()
    line.tells(where, signature="", Digits="1")
    assert line.status == 403
    line.tells(where, signature=sign("another token", PUBLIC + where, {"CallSid": SID, "Digits": "1"}), Digits="1")
    assert line.status == 403
    other = where.replace(f"/{cast.contract}/calls/", f"/{cast.other_contract}/calls/")
    with pytest.raises(AssertionError):  # another contract's webhook sees no such call
        line.tells(other, Digits="1")
    assert [one.state for one in booked(database, cast)] == [AppointmentState.HELD]


def test_a_flow_with_appointments_is_tried_in_words_and_nothing_is_held(
    client: Any, database: Database, cast: Cast, offices: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert try_call(database, EMPOLI_LINE, caller=STRANGER, at=None, answers=["1", "1", "1", "*"]) == 0
    told = capsys.readouterr().out
    assert "I primi orari liberi." in told
    assert "Il suo codice: C come Como" in told
    assert told.endswith("Arrivederci a presto.\n[the call ends]\n")
    assert booked(database, cast) == []

    let_in(client, "sara")
    with database.begin(Scope.of_contract(cast.contract)) as session:
        version = session.execute(select(Call.ivr_version_id)).first()
    assert version is None
    headers = {"X-CSRF-Token": csrf_of(client)}
    page = client.get("/voice").text
    flow = re.search(r"/voice/flows/(\d+)", page)
    assert flow is not None
    drawn = client.get(f"/voice/flows/{flow.group(1)}").text
    assert "Appuntamento" in drawn
    of = re.search(r'name="version" value="(\d+)"', drawn)
    assert of is not None
    forged = '{"node":"appuntamenti","step":1,"attempts":0,"language":"it","kept":{"appointment:stage":"nowhere"}}'
    fields = {"version": of.group(1), "number": EMPOLI_LINE, "caller": STRANGER, "place": forged, "said": "2"}
    answer = client.post("/voice/try", data=fields, headers=headers)
    assert (answer.status_code, "Digiti gli otto caratteri" in answer.text) == (200, True)
