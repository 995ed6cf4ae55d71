"""Appointments booked in whole calls; those who want the same time, and those who would like somebody else's."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from crm.agendas import preparing
from crm.agendas.codes import on_keys
from crm.agendas.models import Appointment, AppointmentState, ChannelQuota
from crm.agendas.people import Person
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel
from crm.audit.models import AuditEntry
from crm.contacts.models import ContactReach, Verification
from crm.core.configuration import changed
from crm.core.db import Scope
from crm.messages.models import Message
from telephony.appointments import service
from telephony.appointments.offers import offered
from telephony.appointments.service import Caller
from telephony.appointments.state import Line, Refused, Request, State, Want
from telephony.appointments.state import Stage as Where
from telephony.calls import reception
from telephony.calls.models import Outcome, Phase
from telephony.calls.service import Heard
from telephony.carriers.port import Enqueue, Gather, Hangup
from telephony.ivr.keeping import forget
from telephony.ivr.languages import Language
from telephony.ivr.turns import Place
from telephony.lines.models import PhoneLine
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, REGIONAL_LINE, STRANGER
from tests.crm.agendas.conftest import MONDAY, NUMBERS, TUESDAY, Desks, at, every_day
from tests.telephony.calls.test_levels_proved import proof
from tests.telephony.selfservice.test_service import heard
from tests.telephony.stage import Stage

pytestmark = pytest.mark.integration
LANDLINE, OTHER = "+390571700123", "+393480000088"
TIMES = "1"  # from the beginning to the times: there is one service at one office


def calls(stage: Stage, *keys: str, caller: str | None = STRANGER, line: str = EMPOLI_LINE) -> tuple[UUID, str]:
    """A call in which all this is keyed: its id, and what is heard after the last key."""
    call = stage.arrives(caller, line, sid=f"CA{caller}{line}{stage.told}")
    stage.told += 1
    reply = stage.hears(call)
    for one in keys:
        reply = stage.presses(call, one)
    return call, heard(reply)


def hangs_up(stage: Stage, call: UUID) -> None:
    sid = stage.call(call).carrier_sid
    stage.carrier.loses(sid)
    now = stage.call(call).arrived_at + timedelta(seconds=60)
    stage.work(lambda s: reception.line_ended(s, call, sid, Heard(f"gone:{sid}", now)))


def appointments(stage: Stage) -> list[Appointment]:
    return stage.work(lambda s: list(s.scalars(select(Appointment).order_by(Appointment.made_at, Appointment.id))))


def held(stage: Stage) -> list[Appointment]:
    return [one for one in appointments(stage) if one.state is AppointmentState.HELD]


def messages(stage: Stage) -> list[Message]:
    return stage.work(lambda s: list(s.scalars(select(Message).order_by(Message.made_at, Message.id))))


def test_a_caller_books_by_himself_hears_his_code_and_gets_it_by_sms(centre: Stage, desks: Desks) -> None:
    call, said = calls(centre, TIMES)
    assert said.startswith(
        "TARI, Ufficio Tributi. I primi orari liberi. Oggi alle 9: prema 1. Oggi alle 9 e 20: prema 2."
    )
    said = heard(centre.presses(call, "2"))
    assert said.startswith("Oggi alle 9 e 20, Ufficio Tributi, Piazza 1. Per confermare, prema 1.")
    (row,) = held(centre)
    assert (row.starts_at, row.channel, row.phone) == (at(MONDAY, 9, 20), Channel.PHONE, None)
    said = heard(centre.presses(call, "1"))
    (row,) = appointments(centre)
    assert (row.state, row.channel, row.phone, row.surname) == (
        AppointmentState.BOOKED, Channel.PHONE, STRANGER, "+39 348 000 0099",
    )  # fmt: skip
    assert (row.given_name, row.contact_id, row.made_by, row.language) == ("", None, None, "it")
    assert said.startswith("Appuntamento prenotato. Oggi alle 9 e 20, Ufficio Tributi, Piazza 1. Il suo codice:")
    (sms,) = messages(centre)
    assert (sms.address, sms.language) == (STRANGER, "it")
    assert row.code in sms.body
    hangs_up(centre, call)
    assert centre.call(call).outcome is Outcome.SELF_SERVED
    assert proof(centre).differences == ()
    assert appointments(centre)[0].state is AppointmentState.BOOKED
    forget(centre.database)
    assert centre.call(call).ivr["kept"] == {}


def test_whoever_calls_from_a_number_verified_as_his_is_on_his_file_and_nobody_is_named_to_him(centre: Stage) -> None:
    calls(centre, TIMES, "1", "1", caller=MARIO_MOBILE)
    assert appointments(centre)[0].contact_id is None  # that it is in the archive proves nothing
    centre.work(lambda s: s.execute(update(ContactReach).values(verification=Verification.VERIFIED)))
    centre.work(lambda s: s.execute(update(Appointment).values(state=AppointmentState.CANCELLED_BY_CITIZEN)))
    call, said = calls(centre, TIMES, "2", "1", caller=MARIO_MOBILE)
    row = next(one for one in appointments(centre) if one.state is AppointmentState.BOOKED)
    assert (row.contact_id, row.surname, row.given_name) == (centre.cast.mario, "BIANCHI", "MARIO")
    assert (row.codice_fiscale, row.phone) == ("BNCMRA62A01D403X", MARIO_MOBILE)
    assert not re.search("bianchi|mario", said, re.IGNORECASE)
    hangs_up(centre, call)
    entries = {one.kind.value: one for one in centre.timeline(centre.cast.mario)}
    assert entries["appointment"].detail["channel"] == "phone"
    assert entries["call"].detail["self_service"] == ["appointment_booked"]
    kinds = centre.work(
        lambda s: list(s.scalars(select(AuditEntry.kind).where(AuditEntry.contact_id == row.contact_id)))
    )
    assert "appointment.booked" in kinds


def test_a_webhook_that_is_told_twice_or_late_books_nothing_more(centre: Stage) -> None:
    call, _ = calls(centre, TIMES, "1")
    step = Place.restored(centre.call(call).ivr).step
    first = heard(centre.presses(call, "1", step=step))
    assert heard(centre.presses(call, "1", step=step)) == first
    assert heard(centre.hears(call)) == first
    assert len(appointments(centre)) == len(messages(centre)) == 1
    other, _ = calls(centre, TIMES, "1", caller=OTHER)
    step = Place.restored(centre.call(other).ivr).step
    hangs_up(centre, other)
    assert centre.presses(other, "1", step=step) == (Hangup(),)
    assert len(appointments(centre)) == 1


@pytest.mark.parametrize("keys", [("2",), ("0",), ("*",), ("7", "7", "7")], ids=["other time", "zero", "back", "fails"])
def test_whoever_goes_on_to_something_else_holds_the_time_no_longer(centre: Stage, keys: tuple[str, ...]) -> None:
    call, _ = calls(centre, TIMES, "1")
    assert len(held(centre)) == 1
    for one in keys:
        centre.presses(call, one)
    assert held(centre) == []


def test_whoever_hangs_up_before_he_says_yes_lets_the_time_go_at_once(centre: Stage) -> None:
    call, _ = calls(centre, TIMES, "1")
    hangs_up(centre, call)
    assert appointments(centre) == []
    assert centre.call(call).outcome is Outcome.LEFT_IVR


def test_of_two_callers_who_want_the_last_seat_at_a_time_one_has_it(centre: Stage, desks: Desks) -> None:
    desks.publish(*every_day(desks.one))
    anna, _ = calls(centre, TIMES)
    luca, _ = calls(centre, TIMES, caller=OTHER)
    ready = Barrier(2)

    def chooses(call: UUID) -> str:
        ready.wait(10)
        return heard(centre.presses(call, "1"))

    with ThreadPoolExecutor(2) as both:
        said = list(both.map(chooses, (anna, luca)))
    gone = [one for one in said if one.startswith("Qualcuno ha appena preso questo orario. Ecco i più vicini.")]
    assert (len(gone), len(held(centre))) == (1, 1)
    assert "Oggi alle 9: prema" not in gone[0]
    assert "Oggi alle 9 e 20: prema 1" in gone[0]


def test_a_hold_that_ran_out_is_still_his_until_somebody_has_it(centre: Stage, desks: Desks) -> None:
    desks.publish(*every_day(desks.one))
    desks.now[0] = at(MONDAY, 7)
    slow, _ = calls(centre, TIMES, "1")
    desks.now[0] += timedelta(minutes=6)
    quick, said = calls(centre, TIMES, "1", caller=OTHER)
    assert said.startswith("Oggi alle 9, Ufficio")
    assert heard(centre.presses(slow, "1")).startswith("Qualcuno ha appena preso questo orario.")
    desks.now[0] += timedelta(minutes=6)
    assert heard(centre.presses(quick, "1")).startswith("Appuntamento prenotato.")
    (row,) = appointments(centre)
    assert row.phone == OTHER


def test_the_services_caps_hold_on_the_telephone(centre: Stage) -> None:
    calls(centre, TIMES, "1", "1")
    _, said = calls(centre, TIMES, "1", "1")
    assert said.startswith("Ha già prenotato quanti appuntamenti si possono avere per questo servizio.")
    assert held(centre) == []
    assert len(appointments(centre)) == 1


def test_where_the_telephone_gives_nothing_away_nobody_is_asked(centre: Stage, desks: Desks) -> None:
    def no_quota(s: Any) -> None:
        changed(s)
        s.add(ChannelQuota(ente_id=centre.cast.empoli, office_id=desks.office, channel=Channel.PHONE, share=0))

    centre.work(no_quota)
    assert isinstance(centre.hears(calls(centre)[0])[-1], Enqueue)


def test_a_service_that_is_not_booked_by_voice_is_not_read(centre: Stage, desks: Desks) -> None:
    def write(s: Any, by_voice: bool) -> None:
        told = ServiceTold({"name": {"it": "Rate"}}, NUMBERS, frozenset({desks.office}), by_voice=by_voice)
        preparing.save_service(s, desks.sara(s), ente_id=centre.cast.empoli, told=told)

    centre.work(lambda s: write(s, by_voice=False))
    assert calls(centre, TIMES)[1].startswith("TARI, Ufficio Tributi.")
    centre.work(lambda s: write(s, by_voice=True))
    assert calls(centre, TIMES)[1].startswith("Per che cosa? TARI: prema 1. Rate: prema 2.")


def test_a_full_agenda_is_said(centre: Stage, desks: Desks) -> None:
    desks.publish()  # nobody is there any more
    _, said = calls(centre, TIMES)
    assert said == "Per ora non ci sono orari liberi. Arrivederci a presto."


def test_whoever_withholds_his_number_is_put_through(centre: Stage) -> None:
    call, said = calls(centre, TIMES, caller=None)
    assert said.startswith("Per prenotare da qui bisogna chiamare con il numero visibile.")
    assert centre.call(call).phase is Phase.WAITING


def test_on_a_line_of_many_enti_his_own_is_read_first_and_the_call_is_then_about_the_one_he_chose(
    centre: Stage, desks: Desks
) -> None:
    flow = centre.work(lambda s: s.get_one(PhoneLine, EMPOLI_LINE).flow_id)

    def led(s: Any) -> None:
        changed(s)
        s.get_one(PhoneLine, REGIONAL_LINE).flow_id = flow

    centre.work(led)
    call, said = calls(centre, TIMES, line=REGIONAL_LINE)  # of the contract's enti one receives
    assert said.startswith("TARI, Ufficio Tributi.")
    assert centre.call(call).ente_id is None
    centre.presses(call, "1")
    centre.presses(call, "1")
    assert centre.call(call).ente_id == centre.cast.empoli
    assert proof(centre).differences == ()


# -- what he has ----------------------------------------------------------------------------------------------------


def booked_by(desks: Desks, phone: str, hour: int = 10, day: Any = TUESDAY) -> str:
    return desks.book(at(day, hour), Person("Paola", "Verdi", phone=phone)).code


def test_an_appointment_is_heard_and_cancelled_by_its_code_and_the_number_that_was_left(
    centre: Stage, desks: Desks
) -> None:
    code = booked_by(desks, STRANGER)
    call, said = calls(centre, "2", on_keys(code))
    assert said.startswith(
        "Il suo appuntamento: Domani alle 10, TARI, Ufficio Tributi, Piazza 1. Per disdirlo, prema 1."
    )
    assert "Verdi" not in said
    said = [heard(centre.presses(call, one)) for one in ("1", "1")][-1]
    assert said.startswith("L'appuntamento è disdetto. Per prenotare un appuntamento, prema 1.")
    assert [one.state for one in appointments(centre)] == [AppointmentState.CANCELLED_BY_CITIZEN]
    assert len(messages(centre)) == 2  # that it was booked, and that it is cancelled
    hangs_up(centre, call)
    assert centre.call(call).outcome is Outcome.SELF_SERVED


def test_from_another_telephone_he_keys_the_number_that_he_left(centre: Stage, desks: Desks) -> None:
    code = booked_by(desks, "0571 700123")
    for caller in (OTHER, None):
        call, said = calls(centre, "2", on_keys(code), caller=caller)
        assert said.startswith("Ora digiti il numero di telefono che ha lasciato")
        assert heard(centre.presses(call, "0571700123")).startswith("Il suo appuntamento:")


def test_a_code_without_its_number_and_a_number_without_its_code_find_nothing(centre: Stage, desks: Desks) -> None:
    code = booked_by(desks, LANDLINE)
    unknown = "Non troviamo un appuntamento con questi dati."
    for number in ("0571700124", "1", "999", "2" * 30):
        assert calls(centre, "2", on_keys(code), number)[1].startswith(unknown)
    wrong = "22222222" if on_keys(code) != "22222222" else "33333333"
    assert calls(centre, "2", wrong, "0571700123")[1].startswith(unknown)
    for odd in ("2", "²²²²²²²²", "*1", "2222222a"):
        calls(centre, "2", odd, caller=LANDLINE)
    assert [one.state for one in appointments(centre)] == [AppointmentState.BOOKED]


def test_codes_are_guessed_five_times_an_hour_whatever_call_and_however_one_comes_back_to_it(
    centre: Stage, desks: Desks
) -> None:
    code = on_keys(booked_by(desks, LANDLINE))
    wrong = "22222222" if code != "22222222" else "33333333"
    calls(
        centre, "2", wrong, "*", "2", wrong, "*", "2", wrong, caller=LANDLINE
    )  # the star goes back, and is no way out
    calls(centre, "2", wrong, "0571700123", caller=OTHER)
    calls(centre, "2", wrong, "0571700123", caller="+393480000089")
    unknown = "Non troviamo un appuntamento con questi dati."
    assert calls(centre, "2", code, "0571700123", caller="+393480000090")[1].startswith(unknown)
    desks.now[0] += timedelta(minutes=61)
    assert calls(centre, "2", code, caller=LANDLINE)[1].startswith("Il suo appuntamento:")


def test_another_entes_line_knows_nothing_of_it(centre: Stage, desks: Desks) -> None:
    code = booked_by(desks, STRANGER)

    def of_vinci(s: Any) -> None:
        changed(s)
        s.get_one(PhoneLine, EMPOLI_LINE).ente_id = centre.cast.vinci

    centre.work(of_vinci)
    asked = Caller(UUID(int=1), centre.cast.contract, STRANGER, Language.ITALIAN, "https://cc.example.it")
    wanted = Request(Want.FIND, State(Where.CODE, code=on_keys(code)))
    vinci = centre.work(lambda s: offered(s, centre.cast.contract, centre.cast.vinci))
    assert centre.work(lambda s: service.arrange(s, asked, wanted, vinci)) == Refused(Line.UNKNOWN)
    assert isinstance(centre.hears(calls(centre)[0])[-1], Enqueue)  # Vinci receives nobody: to an operator


def test_too_late_to_cancel_is_said(centre: Stage, desks: Desks) -> None:
    code = booked_by(desks, STRANGER, 9, MONDAY)
    _, said = calls(centre, "2", on_keys(code), "1", "1")
    assert said.startswith("Da qui non si può più disdire: parli con un operatore.")
    assert [one.state for one in appointments(centre)] == [AppointmentState.BOOKED]


def test_an_appointment_that_is_past_or_cancelled_is_not_found(centre: Stage, desks: Desks) -> None:
    code = booked_by(desks, STRANGER, 9, MONDAY)
    desks.now[0] = at(MONDAY, 9, 1)
    assert calls(centre, "2", on_keys(code))[1].startswith("Ora digiti il numero")


# -- who would like what is not his -----------------------------------------------------------------------------------


def test_what_another_ente_offers_is_refused_whatever_a_place_says(centre: Stage, desks: Desks) -> None:
    """A place is ours; should one ever be forged, service and office of one ente are not booked at another."""
    caller = Caller(UUID(int=1), centre.cast.contract, STRANGER, Language.ITALIAN, "https://cc.example.it")
    forged = State(Where.TIMES, ente=centre.cast.vinci, service=desks.tari, office=desks.office)
    forged = replace(forged, starts_at=at(TUESDAY, 9).isoformat())
    for want in (Want.TIMES, Want.HOLD):
        came = centre.work(lambda s, w=want: service.arrange(s, caller, Request(w, forged), ()))
        assert came == Refused(Line.NOT_OFFERED)
    mine = calls(centre, TIMES, "1")[0]
    (his,) = held(centre)
    elsewhere = State(Where.CONFIRM, ente=centre.cast.vinci, service=desks.tari, office=desks.office, held=str(his.id))
    centre.work(lambda s: service.let_go(s, elsewhere))
    assert len(held(centre)) == 1, "a token of another ente lets nothing go"
    hangs_up(centre, mine)


def test_what_is_keyed_beyond_what_was_read_chooses_nothing(centre: Stage) -> None:
    call, _ = calls(centre, TIMES)
    for one in ("8", "33", "1#", "²", "-1"):
        reply = centre.presses(call, one)
        if not isinstance(reply[0], Gather):
            break
        assert heard(reply).startswith(("Questa scelta non esiste.", "Non importa."))
    assert appointments(centre) == []


def test_nobody_else_sees_what_was_booked(centre: Stage) -> None:
    calls(centre, TIMES, "1", "1")
    siena = Scope.of_contract(centre.cast.other_contract)
    assert centre.database.transact(siena, lambda s: list(s.scalars(select(Appointment)))) == []
