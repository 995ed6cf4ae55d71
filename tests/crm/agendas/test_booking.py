"""Holding, booking, moving and cancelling, as web, telephone and desk do it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from icalendar import Calendar
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.access.permissions import Principal
from crm.agendas import booking, codes, finding, holding, keeping, preparing, queries, reminding, telling
from crm.agendas.codes import Use
from crm.agendas.errors import HoldGoneError, SlotGoneError, TooManyError
from crm.agendas.holding import HELD_FOR, MOST_EXTENDED
from crm.agendas.models import Appointment, AppointmentDeed, AppointmentState
from crm.agendas.people import Person
from crm.agendas.plan import Exceptional
from crm.agendas.preparing import ServiceTold
from crm.agendas.rules import Channel, Gone
from crm.audit.models import AuditEntry
from crm.contacts.models import ContactReach, Verification
from crm.core.clock import ROME
from crm.core.configuration import changed
from crm.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from crm.enti.models import Ente, Office
from crm.messages.models import Message, MessageChannel, MessageState
from crm.timeline.models import EntryKind, TimelineEntry
from tests.cast import MARIO_MOBILE, principal_of
from tests.crm.agendas.conftest import HOUR, MANAGE, MINUTE, MONDAY, NUMBERS, PAOLA, TUESDAY, Desks, at, every_day

pytestmark = pytest.mark.integration
NINE = at(TUESDAY, 9)
SECOND = timedelta(seconds=1)


def cancel(desks: Desks, appointment_id: UUID, by: Principal | None = None, **more: object) -> None:
    desks.work(
        lambda s: booking.cancel(
            s, by, ente_id=desks.cast.empoli, appointment_id=appointment_id, manage_at=MANAGE, **more
        )  # type: ignore[arg-type]
    )


def move(desks: Desks, appointment_id: UUID, hold: str, by: Principal | None = None) -> booking.Booked:
    return desks.work(
        lambda s: booking.move(
            s, by, ente_id=desks.cast.empoli, appointment_id=appointment_id, hold=hold, manage_at=MANAGE
        )
    )


def owed(desks: Desks) -> list[Message]:
    return desks.work(lambda s: list(s.scalars(select(Message).order_by(Message.made_at))))


def view(desks: Desks, appointment_id: UUID) -> queries.AppointmentView:
    return desks.work(lambda s: queries.get(s, appointment_id))


def gone(desks: Desks, when: datetime, channel: Channel = Channel.WEB) -> SlotGoneError:
    with pytest.raises(SlotGoneError) as refused:
        desks.hold(when, channel)
    return refused.value


# -- a time is given once ------------------------------------------------------------------------------------------


def test_somebody_books_what_he_held_and_is_told(desks: Desks) -> None:
    held = desks.hold(NINE)
    assert held.until == desks.now[0] + HELD_FOR
    booked = desks.book_held(held)
    assert desks.book_held(held) == booked  # sent twice, it is booked once
    one = view(desks, booked.appointment_id)
    assert (one.name, one.phone, one.email) == ("Paola Verdi", "+390571700123", "paola@example.it")
    assert (one.state, one.channel, one.starts_at, one.code) == (
        AppointmentState.BOOKED, Channel.WEB, NINE, booked.code,
    )  # fmt: skip
    with desks.database.begin(desks.scope) as session:
        message = session.scalars(select(Message)).one()
        assert (message.channel, message.address) == (MessageChannel.EMAIL, "paola@example.it")
        assert booked.code in message.body
        assert f"{MANAGE}/{booked.token}" in message.body
        assert [one.deed for one in queries.events(session, booked.appointment_id)] == [AppointmentDeed.BOOKED]
        assert session.scalar(select(func.count()).where(AuditEntry.kind == "appointment.booked")) == 1


def test_both_desks_have_each_time_once_and_then_nobody_has(desks: Desks) -> None:
    assert len({desks.hold(NINE).desk_id, desks.hold(NINE).desk_id}) == 2
    refused = gone(desks, NINE)
    assert refused.because is Gone.TAKEN
    assert [one.starts_at for one in refused.alternatives] == [NINE + n * MINUTE for n in (20, 40, 60, 80, 100)]
    assert NINE not in [one.starts_at for one in desks.free(TUESDAY)]


def test_the_database_refuses_what_the_code_would_let_pass(desks: Desks) -> None:
    held = desks.hold(NINE)
    with pytest.raises(IntegrityError, match="one_to_a_seat"):
        desks.work(
            lambda s: s.add(
                Appointment(
                    id=uuid4(), ente_id=desks.cast.empoli, office_id=desks.office, desk_id=held.desk_id, place=0,
                    service_id=desks.tari, state=AppointmentState.BOOKED, channel=Channel.DESK, code="CCDDFGHJ",
                    starts_at=NINE + 10 * MINUTE, ends_at=NINE + 30 * MINUTE, free_at=NINE + 30 * MINUTE,
                    made_at=desks.now[0], changed_at=desks.now[0],
                )
            )
        )  # fmt: skip


def test_sixty_people_want_ten_times_and_ten_have_them(desks: Desks) -> None:
    """Eight at once, each from a connection of his own; each of the others is offered what is left."""
    wanted = [NINE + 20 * n * MINUTE for n in range(5)]
    start = Barrier(8)

    def one(n: int) -> bool:
        if n < 8:
            start.wait(10)
        person = Person("Anna", f"Numero {'ABCDEFGHIJ'[n // 10]}{'ABCDEFGHIJ'[n % 10]}", email=f"n{n}@example.it")
        try:
            desks.book_held(desks.hold(wanted[n % 5]), person)
        except SlotGoneError as refused:
            return not refused.alternatives  # each is offered something
        return True

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(one, range(60)))
    assert sum(got) == 10
    rows = desks.work(lambda s: queries.of_office(s, desks.office, TUESDAY, TUESDAY))
    assert sorted((row.starts_at, row.desk_id) for row in rows) == sorted(
        (when, desk) for when in wanted for desk in desks.desks
    )


# -- holding -------------------------------------------------------------------------------------------------------


def test_a_hold_lasts_five_minutes_and_is_extended_more_than_ten_times(desks: Desks) -> None:
    held = desks.hold(NINE)
    for n in range(MOST_EXTENDED):
        desks.now[0] += HELD_FOR - SECOND
        held = desks.work(lambda s: holding.extend(s, ente_id=desks.cast.empoli, token=held.token))  # noqa: B023
        assert (held.until, held.left) == (desks.now[0] + HELD_FOR, MOST_EXTENDED - n - 1)
    with pytest.raises(ConflictError):
        desks.work(lambda s: holding.extend(s, ente_id=desks.cast.empoli, token=held.token))
    assert MOST_EXTENDED >= 10


def test_a_hold_that_expired_is_anybodys_and_its_holders_until_then(desks: Desks) -> None:
    first, second = desks.hold(NINE), desks.hold(NINE)
    desks.now[0] += HELD_FOR
    assert NINE in [one.starts_at for one in desks.free(TUESDAY)]
    other = desks.hold(NINE)
    lost, kept = (first, second) if other.desk_id == first.desk_id else (second, first)
    with pytest.raises(HoldGoneError):
        desks.book_held(lost)
    assert desks.book_held(kept).starts_at == NINE  # nobody wanted it
    desks.book_held(other, Person("Luca", "Neri", email="luca@example.it"))


def test_an_expired_hold_is_no_way_into_a_day_that_was_closed_meanwhile(desks: Desks) -> None:
    held = desks.hold(NINE)
    told = Exceptional(0, None, TUESDAY, TUESDAY, closed=True, words="Sciopero")
    desks.work(
        lambda s: preparing.add_exception(
            s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, told=told
        )
    )
    desks.now[0] += HELD_FOR
    with pytest.raises(SlotGoneError) as refused:
        desks.book_held(held)
    assert refused.value.because is Gone.CLOSED
    assert refused.value.alternatives[0].starts_at.date() != TUESDAY


def test_what_is_let_go_or_replaced_is_free_at_once(desks: Desks) -> None:
    first = desks.hold(NINE)
    desks.hold(NINE)
    second = desks.hold(at(TUESDAY, 9, 20), instead=first.token)
    assert NINE in [one.starts_at for one in desks.free(TUESDAY)]
    for _ in range(2):
        desks.work(lambda s: holding.release(s, ente_id=desks.cast.empoli, token=second.token))
    with pytest.raises(HoldGoneError):
        desks.work(lambda s: holding.held(s, ente_id=desks.cast.empoli, token=second.token))


def test_nobody_holds_more_than_three_times_at_once(desks: Desks) -> None:
    held = [desks.hold(at(TUESDAY, 10, 20 * n % 60) + 20 * n // 60 * HOUR, holder="a browser") for n in range(2)]
    for n in range(3):
        desks.now[0] += SECOND
        held.append(desks.hold(at(TUESDAY, 11, 20 * n), holder="a browser"))
    with pytest.raises(HoldGoneError):
        desks.book_held(held[0])
    desks.book_held(held[-1])


def test_what_expired_long_ago_is_forgotten(desks: Desks) -> None:
    desks.hold(NINE)
    desks.now[0] += 2 * HOUR
    assert keeping.forget(desks.database) == 1
    assert keeping.forget(desks.database) == 0


# -- what cannot be had --------------------------------------------------------------------------------------------


def test_past_closed_far_and_forged_times_are_refused_with_what_can_be_had(desks: Desks) -> None:
    assert gone(desks, at(MONDAY, 7)).because is Gone.PAST
    assert gone(desks, at(TUESDAY, 13)).because is Gone.CLOSED
    assert gone(desks, at(TUESDAY, 9, 7)).because is Gone.TAKEN  # between two starts: it is none
    assert gone(desks, NINE + 40 * timedelta(days=1)).because is Gone.TOO_FAR
    for wild in (
        datetime(1, 1, 1, tzinfo=NINE.tzinfo),
        datetime(9999, 12, 31, 23, tzinfo=NINE.tzinfo),
        datetime(2026, 11, 24, 9),
    ):
        with pytest.raises(InvalidError):
            desks.hold(wild)
    assert all(one.starts_at >= desks.now[0] for one in gone(desks, at(MONDAY, 7)).alternatives)


def test_a_time_at_the_minute_of_the_notice_is_had_and_no_later(desks: Desks) -> None:
    nine = at(MONDAY, 9)  # an hour's notice, at eight
    desks.hold(nine)
    desks.now[0] += timedelta(microseconds=1)
    assert gone(desks, nine).because is Gone.TOO_SOON
    desks.hold(nine, Channel.DESK)


def test_another_entes_office_service_or_token_is_none(desks: Desks) -> None:
    cast, held = desks.cast, desks.hold(NINE)
    with pytest.raises(NotFoundError):
        desks.work(
            lambda s: holding.hold(
                s, None, ente_id=cast.vinci, service_id=desks.tari, office_id=desks.office, starts_at=NINE,
                channel=Channel.WEB,
            ),
            cast.vinci,
        )  # fmt: skip
    booked = desks.book_held(held)
    for ente_id, token in (
        (cast.vinci, booked.token),
        (cast.empoli, held.token),
        (cast.empoli, booked.token[:-6] + "AAAAAA"),
        (cast.empoli, "x"),
        (cast.empoli, ""),
    ):
        with pytest.raises(NotFoundError):
            desks.work(lambda s: booking.managed(s, ente_id=ente_id, token=token), ente_id)  # noqa: B023
    with pytest.raises(HoldGoneError):  # a link that manages holds nothing
        desks.work(lambda s: holding.extend(s, ente_id=cast.empoli, token=booked.token))
    assert desks.work(lambda s: booking.managed(s, ente_id=cast.empoli, token=booked.token)).code == booked.code


def test_a_code_is_read_however_it_is_typed(desks: Desks) -> None:
    code = desks.book(NINE).code
    assert len(code) == codes.LENGTH
    typed = codes.read_code(f" {code[:4].lower()}-{code[4:]} ")
    assert typed == code
    assert desks.work(lambda s: queries.by_code(s, desks.cast.empoli, code)) is not None
    assert codes.read_code("OOOOOOOO") is None


# -- who ---------------------------------------------------------------------------------------------------------


def test_what_is_wrong_is_said_at_its_field(desks: Desks) -> None:
    held = desks.hold(NINE)
    told = Person("", "", codice_fiscale="BNCMRA", phone="123", email="nobody")
    with pytest.raises(InvalidError) as refused:
        desks.book_held(held, told)
    assert {part.field for part in refused.value.parts} == {
        "given_name", "surname", "codice_fiscale", "phone", "email",
    }  # fmt: skip
    with pytest.raises(InvalidError) as refused:
        desks.book_held(held, Person("Paola", "Verdi"))
    assert {part.field for part in refused.value.parts} == {"email"}
    desks.book_held(held)  # it is still held


def test_a_taxpayer_who_books_finds_it_on_his_file_and_learns_nothing(desks: Desks) -> None:
    known = desks.book(NINE, Person("Mario", "Bianchi", "bncmra62a01d403x", email="m@example.it"))
    unknown = desks.book(NINE, Person("Mara", "Bianchi", "RSSMRA80A01D403T", email="r@example.it"))
    assert view(desks, known.appointment_id).contact_id == desks.cast.mario
    assert view(desks, unknown.appointment_id).contact_id is None
    with desks.database.begin(desks.scope) as session:
        entry = session.scalars(select(TimelineEntry).where(TimelineEntry.kind == EntryKind.APPOINTMENT)).one()
        assert (entry.contact_id, entry.status) == (desks.cast.mario, "booked")


def test_whatever_the_ente_and_its_office_are_called_somebody_with_a_mobile_alone_books(desks: Desks) -> None:
    """Names that would take an SMS too far, or have no letter in it, stand in nobody's way."""

    def rename(session: Session) -> None:
        changed(session)
        office = session.get_one(Office, desks.office)
        office.name, office.address = "Ufficio " + "Riscossione " * 8, "Viale Europa 1, 2° piano – Palazzo dell’Unione"
        session.get_one(Ente, desks.cast.empoli).name = "Unione Montana dei Comuni " + "della Valle " * 7

    desks.work(rename)
    booked = desks.book(NINE, Person("Paola", "Verdi", phone=MARIO_MOBILE, language="en"))
    (sms,) = owed(desks)
    assert sms.channel is MessageChannel.SMS
    assert sms.body.startswith("Empoli: appointment")
    assert "Viale Europa 1, 2o piano - Palazzo dell'Unione" in sms.body
    desks.now[0] = at(MONDAY, 22)
    assert desks.work(reminding.owe) == 1
    assert booked.code in sms.body


def test_the_confirmation_goes_to_the_e_mail_and_to_the_mobile(desks: Desks) -> None:
    booked = desks.book(NINE, Person("Paola", "Verdi", phone=MARIO_MOBILE, email="p@example.it"))
    by = {one.channel: one for one in owed(desks)}
    assert {*by} == {MessageChannel.EMAIL, MessageChannel.SMS}
    assert "BEGIN:VEVENT" in by[MessageChannel.EMAIL].calendar
    assert by[MessageChannel.SMS].calendar == ""
    assert all(booked.code in one.body for one in by.values())


@pytest.mark.parametrize("day", [date(2026, 10, 24), date(2026, 10, 25), date(2027, 3, 27), date(2027, 3, 28)])
def test_its_entry_in_a_calendar_is_right_where_clocks_change_and_fits_whatever_it_names(
    desks: Desks, day: date
) -> None:
    desks.now[0] = at(day - timedelta(days=3), 8)
    desks.publish(*every_day(desks.one), valid_from=day - timedelta(days=3))

    def rename(session: Session) -> None:
        changed(session)
        office = session.get_one(Office, desks.office)
        office.address, office.email = "Via Lunga, " * 18, f"{'u' * 60}@{'c' * 60}.example.it"
        session.get_one(Ente, desks.cast.empoli).name = "Unione, " * 15

    desks.work(rename)
    mail = f"{'p' * 60}@{'.'.join(['d' * 60] * 3)}.it"
    booked = desks.book(at(day, 9), Person("Paola", "Verdi", email=mail))
    (sent,) = owed(desks)
    entry = Calendar.from_ical(sent.calendar)
    assert entry["method"] == "REQUEST"
    (event,) = entry.walk("VEVENT")
    assert (event["attendee"], event["attendee"].params["RSVP"]) == (f"mailto:{mail}", "FALSE")
    assert event.start.astimezone(UTC) == booked.starts_at
    zone = entry.timezones[0].to_tz(lookup_tzid=False)
    assert event.start.replace(tzinfo=zone).astimezone(UTC) == booked.starts_at  # by what the entry itself says of Rome


def test_what_is_no_longer_so_is_not_sent(desks: Desks) -> None:
    """The confirmation and the reminder still wait for the morning when he moves it; then he cancels."""
    booked = desks.book(NINE, Person("Paola", "Verdi", phone=MARIO_MOBILE))
    move(desks, booked.appointment_id, desks.hold(at(TUESDAY, 11)).token)
    states = {one.template: one.state for one in owed(desks)}
    assert states == {"appointment_booked": MessageState.WITHHELD, "appointment_moved": MessageState.OWED}
    desks.now[0] = at(MONDAY, 22)
    assert desks.work(reminding.owe) == 1
    one = view(desks, booked.appointment_id)
    assert desks.work(lambda s: telling.told(s, [one])) == {one.id: True}
    cancel(desks, booked.appointment_id)
    states = {one.template: one.state for one in owed(desks)}
    assert states.pop("appointment_cancelled") is MessageState.OWED
    assert set(states.values()) == {MessageState.WITHHELD}


def test_whoever_left_a_landline_is_told_nothing_and_the_staff_know(desks: Desks) -> None:
    one = view(desks, desks.book(NINE, Person("Paola", "Verdi", phone="0571 700123")).appointment_id)
    assert desks.work(lambda s: telling.told(s, [one])) == {one.id: False}


def test_a_telephone_names_somebody_only_once_it_is_verified_and_with_his_name(desks: Desks) -> None:
    his = Person("Mario", "Bianchi", phone=MARIO_MOBILE)
    assert view(desks, desks.book(NINE, his).appointment_id).contact_id is None
    desks.work(lambda s: s.execute(update(ContactReach).values(verification=Verification.VERIFIED)))
    day = timedelta(days=1)
    assert view(desks, desks.book(NINE + day, his).appointment_id).contact_id == desks.cast.mario
    other = Person("Carla", "Bianchi", phone=MARIO_MOBILE, codice_fiscale="RSSMRA80A01D403T")
    assert view(desks, desks.book(NINE + 2 * day, other).appointment_id).contact_id is None


def test_nobody_has_more_than_the_service_allows_unless_he_is_at_the_desk(desks: Desks) -> None:
    desks.book(NINE, verified=True)
    with pytest.raises(TooManyError):
        desks.book(at(TUESDAY, 11), verified=True)
    second = desks.book(NINE + timedelta(days=1), channel=Channel.PHONE)
    for channel, verified in ((Channel.WEB, True), (Channel.PHONE, False)):
        with pytest.raises(TooManyError):
            desks.book(NINE + timedelta(days=2), channel=channel, verified=verified)
    with pytest.raises(TooManyError):  # nor by moving one there
        move(desks, second.appointment_id, desks.hold(at(TUESDAY, 11), Channel.PHONE).token)
    desks.book(at(TUESDAY, 12), channel=Channel.DESK)


def test_of_a_new_service_each_has_one_and_the_other_of_the_family_has_his_own(desks: Desks) -> None:
    texts = {"name": {"it": "IMU"}}
    told = ServiceTold(texts, {name: n for name, n in NUMBERS.items() if name != "ahead"}, frozenset({desks.office}))
    desks.tari = desks.work(lambda s: preparing.save_service(s, desks.sara(s), ente_id=desks.cast.empoli, told=told))
    desks.book(NINE, verified=True)
    with pytest.raises(TooManyError, match="codice fiscale"):
        desks.book(NINE + timedelta(days=1), verified=True)
    other = replace(PAOLA, given_name="Ugo", codice_fiscale="RSSMRA80A01D403T")
    desks.book(NINE + timedelta(days=1), other, verified=True)


def test_who_books_twice_at_once_has_one(desks: Desks) -> None:
    held = [desks.hold(at(TUESDAY, 9 + n)) for n in range(4)]
    start = Barrier(4)

    def one(n: int) -> bool:
        start.wait(10)
        try:
            desks.book_held(held[n], verified=True)
        except TooManyError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one, range(4))) == 1


def test_a_channel_gives_away_its_share_and_no_more(desks: Desks) -> None:
    desks.work(
        lambda s: preparing.set_quota(
            s, desks.sara(s), ente_id=desks.cast.empoli, office_id=desks.office, channel=Channel.WEB, share=25
        )
    )
    for n in range(6):  # a quarter of 480 minutes is six times twenty
        desks.hold(at(TUESDAY, 9 + n // 3, n % 3 * 20))
    refused = gone(desks, at(TUESDAY, 12))
    assert refused.because is Gone.QUOTA
    assert TUESDAY not in {one.starts_at.date() for one in refused.alternatives}
    assert desks.free(TUESDAY) == []
    assert desks.free(TUESDAY, Channel.PHONE)


# -- moving and cancelling -----------------------------------------------------------------------------------------


def test_a_citizen_moves_and_cancels_until_the_cut_off(desks: Desks) -> None:
    booked = desks.book(NINE)
    moved = move(desks, booked.appointment_id, desks.hold(at(TUESDAY, 11)).token)
    assert (moved.code, moved.starts_at) == (booked.code, at(TUESDAY, 11))
    assert NINE in [one.starts_at for one in desks.free(TUESDAY)]
    desks.now[0] = at(TUESDAY, 9)  # two hours before: in time
    cancel(desks, booked.appointment_id)
    cancel(desks, booked.appointment_id)
    one = view(desks, booked.appointment_id)
    assert (one.state, one.sequence) == (AppointmentState.CANCELLED_BY_CITIZEN, 2)
    with desks.database.begin(desks.scope) as session:
        deeds = [one.deed for one in queries.events(session, booked.appointment_id)]
        assert deeds == [AppointmentDeed.BOOKED, AppointmentDeed.MOVED, AppointmentDeed.CANCELLED]
        assert len(session.scalars(select(Message)).all()) == 3
    assert desks.book(at(TUESDAY, 11), Person("Ugo", "Po", email="u@example.it")).starts_at == at(TUESDAY, 11)


def test_after_the_cut_off_only_the_staff_changes_it(desks: Desks) -> None:
    booked = desks.book(NINE)
    desks.now[0] = at(TUESDAY, 7) + timedelta(microseconds=1)
    with pytest.raises(ConflictError):
        cancel(desks, booked.appointment_id)
    anna = desks.work(lambda s: principal_of(s, desks.cast.anna))
    cancel(desks, booked.appointment_id, anna, by_office=True, reason="Sportello chiuso")
    assert view(desks, booked.appointment_id).state is AppointmentState.CANCELLED_BY_OFFICE


def test_nobody_is_brought_back_to_an_office_that_receives_no_more(desks: Desks) -> None:
    booked = desks.book(NINE)
    anna = desks.work(lambda s: principal_of(s, desks.cast.anna))
    cancel(desks, booked.appointment_id, anna, by_office=True, reason="Sciopero")
    told = Exceptional(0, None, TUESDAY, TUESDAY, closed=True, words="Sciopero")
    of = {"ente_id": desks.cast.empoli, "office_id": desks.office}
    closed = desks.work(lambda s: preparing.add_exception(s, desks.sara(s), **of, told=told))

    def restore() -> None:
        one, ente = booked.appointment_id, desks.cast.empoli
        desks.work(lambda s: booking.restore(s, anna, ente_id=ente, appointment_id=one, manage_at=MANAGE))

    with pytest.raises(SlotGoneError) as refused:
        restore()
    assert refused.value.because is Gone.CLOSED
    desks.work(lambda s: preparing.remove_exception(s, desks.sara(s), ente_id=desks.cast.empoli, exception_id=closed))
    restore()
    assert view(desks, booked.appointment_id).state is AppointmentState.BOOKED


def test_a_citizen_moves_no_oftener_than_the_service_allows(desks: Desks) -> None:
    booked = desks.book(NINE)
    for n in range(3):
        move(desks, booked.appointment_id, desks.hold(at(TUESDAY, 10, 20 * n)).token)
    with pytest.raises(ConflictError):
        move(desks, booked.appointment_id, desks.hold(at(TUESDAY, 11)).token)


def test_who_holds_no_permission_changes_nothing(desks: Desks) -> None:
    booked = desks.book(NINE)
    vera = desks.work(lambda s: principal_of(s, desks.cast.vera))
    for attempt in (
        lambda: cancel(desks, booked.appointment_id, vera),
        lambda: desks.work(
            lambda s: booking.step(
                s, vera, ente_id=desks.cast.empoli, appointment_id=booked.appointment_id, to=AppointmentState.ARRIVED
            )
        ),
        lambda: desks.work(
            lambda s: preparing.draft(
                s, principal_of(s, desks.cast.anna), ente_id=desks.cast.empoli, office_id=desks.office
            )
        ),
    ):
        with pytest.raises(ForbiddenError):
            attempt()


def test_how_far_it_has_come_goes_by_steps_and_back(desks: Desks) -> None:
    booked = desks.book(NINE)
    steps = [
        AppointmentState.ARRIVED, AppointmentState.CALLED, AppointmentState.SERVING, AppointmentState.DONE,
    ]  # fmt: skip

    def step(to: AppointmentState) -> None:
        desks.work(
            lambda s: booking.step(
                s, desks.sara(s), ente_id=desks.cast.empoli, appointment_id=booked.appointment_id, to=to
            )
        )

    with pytest.raises(ConflictError):
        step(AppointmentState.SERVING)
    for to in steps:
        step(to)
        step(to)
    with pytest.raises(ConflictError):
        step(AppointmentState.NO_SHOW)
    with pytest.raises(ConflictError):
        cancel(desks, booked.appointment_id)
    assert view(desks, booked.appointment_id).state is AppointmentState.DONE


# -- preparing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2026, 3, 29), ["01:00", "01:20", "01:40", "03:00", "03:20", "03:40"]),
        (
            date(2026, 10, 25),
            ["01:00", "01:20", "01:40", *["02:00", "02:20", "02:40"] * 2, "03:00", "03:20", "03:40"],
        ),
    ],
)
def test_in_the_nights_in_which_clocks_change_each_moment_is_had_once(
    desks: Desks, day: date, hours: list[str]
) -> None:
    """A desk that is open from one to four: in spring two hours, in autumn four."""
    desks.now[0] = at(day - timedelta(days=3), 8)
    desks.publish(*every_day(desks.one, time(1), time(4)), valid_from=day - timedelta(days=3))
    free = [one.starts_at for one in desks.free(day)]
    assert [f"{one.astimezone(ROME):%H:%M}" for one in free] == hours
    assert [later - one for one, later in pairwise(free)] == [timedelta(minutes=20)] * (len(hours) - 1)
    for number, one in enumerate(free):
        booked = desks.book(one, replace(PAOLA, email=f"n{number}@example.it"))
        assert view(desks, booked.appointment_id).starts_at == one
    assert desks.free(day) == []


def test_free_times_end_where_the_days_do(desks: Desks) -> None:
    found = desks.free(MONDAY, until=TUESDAY)
    assert found[0].starts_at == at(MONDAY, 9)
    assert len(found) == 24
    assert all(len(one.seats) == 2 for one in found)
    assert desks.work(
        lambda s: finding.free_times(
            s, ente_id=desks.cast.empoli, service_id=desks.tari, channel=Channel.WEB, first=MONDAY, last=MONDAY,
            office_id=10**9,
        )
    ) == []  # fmt: skip
    assert time(12, 40) == (found[11].starts_at + HOUR).time()
    assert codes.read_code(PAOLA.surname) is None
    assert Use.HOLD != Use.MANAGE
