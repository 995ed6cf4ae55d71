"""Beside booking: the waiting list by its pages, the rating at the end, German, what each ente decides, bad input."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.agendas import finding, pace, preparing, sites
from crm.agendas.models import Appointment, AppointmentState, BookableService, BookingPace, BookingSite, Desk
from crm.agendas.pace import Ask
from crm.agendas.plan import Window
from crm.agendas.ratings.models import BookingRating
from crm.agendas.rules import Channel
from crm.agendas.wishes import offering
from crm.agendas.wishes.models import BookingWish, WishState
from crm.core import clock
from crm.core.db import Scope
from crm.core.errors import InvalidError
from crm.messages.models import Message
from tests.cast import principal_of
from tests.web.conftest import csrf_of, let_in, runtime_of
from tests.web.test_booking import BEGIN, PAOLA, Citizen, citizen
from web.booking import times
from web.edge.templating import environment

__all__ = ["citizen"]
pytestmark = pytest.mark.integration
LUCA = {**PAOLA, "given_name": "Luca", "surname": "Neri", "email": "luca@example.it"}


def fill(citizen: Citizen) -> None:
    """Nothing is free on the days to come: somebody holds each time."""

    def held(session: Session) -> None:
        today = clock.business_day(clock.now(session))
        of: Any = {"ente_id": citizen.cast.empoli, "service_id": citizen.service, "channel": Channel.WEB}
        for one in finding.free_times(session, **of, first=today, last=today + timedelta(days=60)):
            for seat in one.seats:
                session.add(
                    Appointment(
                        id=session.info["new_id"](), ente_id=citizen.cast.empoli, office_id=one.office_id,
                        desk_id=seat.desk_id, place=seat.place, service_id=citizen.service,
                        state=AppointmentState.HELD, channel=Channel.DESK, starts_at=one.starts_at,
                        ends_at=one.ends_at, free_at=one.ends_at, made_at=clock.now(session),
                        changed_at=clock.now(session), held_until=clock.now(session) + timedelta(days=1),
                    )
                )  # fmt: skip

    citizen.work(held)


def waits(citizen: Citizen, who: dict[str, str] | None = None, **more: Any) -> str:
    at = citizen.begin()
    until = f"{datetime.now(UTC) + timedelta(days=20):%Y-%m-%d}"
    sent = {**(who or PAOLA), "until": until, "part": "any", **more}
    done = citizen.client.post(f"{at}/attesa", data=sent)
    assert done.status_code == 303, done.text
    return str(done.headers["location"]).removesuffix("?nuovo=1")


def link_of(citizen: Citizen) -> str:
    """The link of the last offer, as it was written."""
    wanted = select(Message.body).where(Message.template == "waiting_offer").order_by(Message.made_at.desc()).limit(1)
    found = re.search(r"https?://[^/\s]+(/prenota/\S+)", citizen.work(lambda s: s.scalars(wanted).one()))
    assert found is not None
    return found[1]


def test_whoever_finds_nothing_waits_is_offered_what_is_freed_and_takes_it(citizen: Citizen) -> None:
    booked = citizen.books(nth=-1)  # late enough that there is time to ask somebody, at whatever hour this runs
    fill(citizen)
    page = citizen.client.get(f"{citizen.begin()}/orario").text
    assert "Mettiti in lista" in page
    form = citizen.client.get(f"{citizen.begin()}/attesa").text
    assert "Fino a che giorno" in form
    first = waits(citizen, LUCA)
    second = waits(citizen, {**LUCA, "email": "terzo@example.it"})
    assert "Sei in cima alla lista" in citizen.client.get(first).text
    assert "Prima di te c&#39;è 1 persona" in citizen.client.get(second).text or "1 persona" in (
        citizen.client.get(second).text
    )
    citizen.client.post(f"{booked}/disdici")
    assert "tenuto per te" in citizen.client.get(first).text
    assert "tenuto per te" not in citizen.client.get(second).text
    offer = link_of(citizen)
    for _ in range(2):  # a link shows
        assert "Prendo questo posto" in citizen.client.get(offer).text
    taken, again = (citizen.client.post(offer, data={"do": "take"}).headers["location"] for _ in range(2))
    assert taken == again
    assert citizen.client.get(offer).headers["location"] == taken.removesuffix("?nuovo=1")
    assert "Fatto" in citizen.client.get(taken).text
    assert [one.surname for one in citizen.booked()] == ["Neri"]
    assert "Ha un appuntamento" in citizen.client.get(first).text


def test_he_passes_it_on_or_leaves_by_one_link(citizen: Citizen) -> None:
    booked = citizen.books(nth=-1)  # late enough that there is time to ask somebody, at whatever hour this runs
    fill(citizen)
    first, second = waits(citizen, LUCA), waits(citizen, {**LUCA, "email": "terzo@example.it"})
    citizen.client.post(f"{booked}/disdici")
    offer = link_of(citizen)
    assert citizen.client.post(offer, data={"do": "refuse"}).headers["location"] == offer
    assert "Sei ancora in lista" in citizen.client.get(offer).text
    assert citizen.client.post(offer, data={"do": "take"}).status_code == 409
    assert "tenuto per te" in citizen.client.get(second).text
    assert citizen.client.post(second).headers["location"] == second
    assert "Uscito dalla lista" in citizen.client.get(second).text
    assert citizen.client.post(offer, data={"do": "leave"}).status_code == 303
    assert "Uscito dalla lista" in citizen.client.get(first).text
    assert citizen.client.post(offer, data={"do": "x"}).status_code == 404


def test_what_is_wrong_on_the_waiting_lists_form_stands_beside_it_and_nothing_is_lost(citizen: Citizen) -> None:
    fill(citizen)
    at = citizen.begin()
    typed = {**PAOLA, "email": "paola@", "day": ["2", "5"], "part": "morning", "until": "ieri"}
    page = citizen.client.post(f"{at}/attesa", data=typed)
    assert page.status_code == 422
    assert 'id="until-wrong"' in page.text
    assert 'value="paola@"' in page.text
    assert page.text.count(" checked") == 3
    kept = citizen.client.post(f"{at}/salva", data={**typed, "step": "attesa", "lang": "de"}).headers["location"]
    shown = citizen.client.get(kept).text
    assert "Warteliste" in shown
    assert shown.count(" checked") == 3
    assert 'value="paola@"' in shown
    for forged in ({"day": "9"}, {"office": "99999"}, {"office": "x"}, {"part": "night"}):
        sent = {**PAOLA, "until": f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}", **forged}
        assert citizen.client.post(f"{at}/attesa", data=sent).status_code == 404


def test_what_is_free_is_offered_in_the_place_of_waiting(citizen: Citizen) -> None:
    at = citizen.begin()
    until = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}"
    page = citizen.client.post(f"{at}/attesa", data={**PAOLA, "until": until})
    assert page.status_code == 409
    near = page.text.split('class="near"')[1].split("</form>")[0]
    offered = re.findall(r'name="time" value="([^"]+)"', near)
    assert len(offered) == 5
    assert citizen.client.post(f"{at}/orario", data={"time": offered[0]}).headers["location"] == f"{at}/riepilogo"


def test_links_of_the_list_are_the_entes_own(citizen: Citizen) -> None:
    fill(citizen)
    token = waits(citizen).rsplit("/", 1)[1]
    citizen.work(lambda s: s.execute(update(BookingSite).values(slug="altro")))  # the address changed
    assert citizen.client.get(f"{BEGIN}/attesa/{token}").status_code == 404
    for path in (f"/prenota/altro/posto/{token}", "/prenota/altro/attesa/x", "/prenota/altro/posto/à"):
        assert citizen.client.get(path).status_code == 404
    assert citizen.client.get(f"/prenota/altro/attesa/{token}").status_code == 200


def test_the_staff_see_the_list_and_take_somebody_off(citizen: Citizen) -> None:
    fill(citizen)
    waits(citizen, {**LUCA, "surname": "<i>Neri</i>"})
    let_in(citizen.client, "sara")
    page = citizen.client.get(f"/agendas/waiting/{citizen.cast.empoli}")
    assert "&lt;i&gt;Neri&lt;/i&gt;" in page.text
    wish = citizen.work(lambda s: s.scalars(select(BookingWish.id)).one())
    at = f"/agendas/waiting/{citizen.cast.empoli}/remove"
    headers = {"x-csrf-token": csrf_of(citizen.client)}
    for sent, code in (({"wish": "x"}, 404), ({"wish": str(wish)}, 204), ({"wish": str(wish)}, 204)):
        assert citizen.client.post(at, data=sent, headers=headers).status_code == code
    state = citizen.work(lambda s: s.scalars(select(BookingWish.state)).one())
    assert state is WishState.LEFT
    for path in ("waiting", "ratings", "site"):
        assert citizen.client.get(f"/agendas/{path}/{citizen.cast.siena}").status_code == 404
    let_in(citizen.client, "vera")
    assert citizen.client.get(f"/agendas/waiting/{citizen.cast.empoli}").status_code == 200
    assert citizen.client.get(f"/agendas/site/{citizen.cast.empoli}").status_code == 403
    headers = {"x-csrf-token": csrf_of(citizen.client)}
    assert citizen.client.post(at, data={"wish": str(wish)}, headers=headers).status_code == 403


# -- the rating ----------------------------------------------------------------------------------------------------


def test_he_rates_the_pages_once_in_nobodys_name(citizen: Citizen) -> None:
    at = citizen.books()
    assert "Quanto è stato facile usare questo servizio?" in citizen.client.get(at).text
    assert "stelle=no" in citizen.client.post(f"{at}/valuta", data={"stars": "6"}).headers["location"]
    why = citizen.client.post(f"{at}/valuta", data={"stars": "2"}).headers["location"]
    page = citizen.client.get(why).text
    assert "Dove hai incontrato le maggiori difficoltà?" in page
    assert page.count('data-element="feedback-rating-answer"') == 5
    here = why.partition("?")[0]
    for wrong in ({"because": "clear"}, {"because": ""}, {"because": "other", "words": "x" * 201}):
        assert citizen.client.post(here, data=wrong).status_code == 422
    citizen.client.post(here, data={"because": "unclear", "words": "Troppi <b>passi</b>"})
    citizen.client.post(here, data={"because": "trouble"})  # said once
    assert "Grazie" in citizen.client.get(why).text
    assert "valuta" not in citizen.client.post(f"{at}/valuta", data={"stars": "5"}).headers["location"]
    assert "Quanto è stato facile" not in citizen.client.get(at).text
    rows = citizen.work(lambda s: s.scalars(select(BookingRating)).all())
    assert [(one.stars, one.because, one.words) for one in rows] == [(2, "unclear", "Troppi <b>passi</b>")]
    named = {"id", "ente_id", "service_id", "month", "stars", "because", "words"}
    assert {one.name for one in BookingRating.__table__.columns} == named  # of whom, and when, is nowhere
    assert rows[0].month.day == 1
    let_in(citizen.client, "sara")
    page = citizen.client.get(f"/agendas/ratings/{citizen.cast.empoli}").text
    assert "A volte le indicazioni non erano chiare: 1" in page
    assert "Troppi &lt;b&gt;passi" in page


def test_ratings_are_of_whoever_booked_here_alone(citizen: Citizen) -> None:
    token = citizen.begin().rsplit("/", 1)[1]
    for forged in (token, "x", "x" * 53):
        assert citizen.client.post(f"{BEGIN}/appuntamento/{forged}/valuta", data={"stars": "5"}).status_code == 404
        assert citizen.client.get(f"{BEGIN}/valuta/{forged}").status_code == 404
    at = citizen.books()
    citizen.work(lambda s: s.execute(update(Appointment).values(channel=Channel.PHONE)))
    assert "Quanto è stato facile" not in citizen.client.get(at).text


# -- what it looks like --------------------------------------------------------------------------------------------


def test_the_confirmation_has_the_code_as_the_kiosk_reads_it(citizen: Citizen) -> None:
    at = citizen.books()
    page = citizen.client.get(at).text
    (one,) = citizen.booked()
    assert re.search(rf'<img src="data:image/svg\+xml[^"]+" [^>]*alt="Codice QR: {one.code}"', page)


def test_the_browsers_language_is_spoken_and_the_links_goes_before(citizen: Citizen) -> None:
    for header, language in (
        ("de-AT,de;q=0.9,en;q=0.8", "de"), ("fr-FR,de;q=0.4,en;q=0.8", "en"), ("fr", "it"), ("", "it"),
        ("de;q=0,en", "en"), ("de;q=x,en", "en"), ("," * 5000, "it"),
    ):  # fmt: skip
        asked = {"accept-language": header}
        assert f'<html lang="{language}">' in citizen.client.get(BEGIN, headers=asked).text, header
    assert '<html lang="de">' in citizen.client.get(f"{BEGIN}?lang=de", headers={"accept-language": "en"}).text


def test_a_whole_booking_in_german_says_nothing_in_italian(citizen: Citizen) -> None:
    at = citizen.begin("de")
    pages = [citizen.client.get(f"{BEGIN}?lang=de&service={citizen.service}"), citizen.client.get(f"{at}/orario")]
    citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]})
    pages += [citizen.client.get(f"{at}/{step}") for step in ("dettagli", "richiedente", "attesa")]
    pages.append(citizen.client.post(f"{at}/richiedente", data={"email": "x"}))
    citizen.client.post(f"{at}/richiedente", data=PAOLA)
    pages.append(citizen.client.get(f"{at}/riepilogo"))
    done = citizen.client.post(f"{at}/riepilogo").headers["location"]
    pages += [citizen.client.get(done), citizen.client.get(f"{done.partition('?')[0]}/sposta")]
    pages.append(citizen.client.get(f"{BEGIN}/x/orario", headers={"accept-language": "de"}))
    italian = re.compile(r"\b(?:il|della|un|una|hai|questo|questa|con|scegli|puoi|prenota)\b")
    for page in pages:
        text = re.sub(r"<[^>]+>", " ", page.text.split("<body>")[1].split("</main>")[0].split("<main")[1])
        assert not italian.findall(text.replace("Documento d&#39;identità", "")), text
    assert "Guten Tag" in citizen.work(lambda s: s.scalars(select(Message.body)).one())


def test_german_dates_are_south_tyrols() -> None:
    assert environment("de").filters["longday"](date(2027, 1, 12)) == "Dienstag, 12. Jänner 2027"


# -- settings ------------------------------------------------------------------------------------------------------


def test_sara_sets_the_pages_and_they_are_so_at_once(citizen: Citizen) -> None:
    let_in(citizen.client, "sara")
    at = f"/agendas/site/{citizen.cast.empoli}"
    headers = {"x-csrf-token": csrf_of(citizen.client)}
    told = {
        "slug": "empoli", "host": "prenota.comune.empoli.fi.it", "framed_by": "https://www.empoli.example",
        "needs_code": "1", "privacy": "https://www.empoli.example/privacy", "accessibility": "javascript:alert(1)",
    }  # fmt: skip
    wrong = citizen.client.post(at, data=told, headers=headers)
    assert wrong.status_code == 422
    assert citizen.client.post(at, data={**told, "accessibility": ""}, headers=headers).status_code == 204
    assert "prenota.comune.empoli.fi.it/prenota/empoli" in citizen.client.get(at).text
    page = citizen.client.get(BEGIN)
    assert 'href="https://www.empoli.example/privacy" data-element="privacy-policy-link"' in page.text
    assert "frame-ancestors https://www.empoli.example;" in page.headers["content-security-policy"]
    citizen.client.cookies.clear()
    summary = citizen.to_the_summary()
    assert citizen.client.post(f"{summary}/riepilogo").headers["location"] == f"{summary}/codice"


def test_on_the_entes_own_host_its_pages_and_on_others_none(citizen: Citizen) -> None:
    citizen.work(lambda s: s.execute(update(BookingSite).values(host="prenota.empoli.example")))
    for host, place in (("prenota.empoli.example", BEGIN), ("PRENOTA.empoli.example:8443", BEGIN), ("evil.test", None)):
        answer = citizen.client.get("/prenota", headers={"host": host})
        assert answer.headers.get("location") == place
        assert answer.status_code == (303 if place else 404)
        assert citizen.client.get("/", headers={"host": host}).headers["location"] == (place or "/sign-in")


def test_a_host_whose_links_do_not_fit_a_message_is_refused(citizen: Citizen) -> None:
    def save(session: Session) -> None:
        sara = principal_of(session, citizen.cast.sara)
        sites.save(
            session, sara, ente_id=citizen.cast.empoli, slug="e" * 40, host="prenotazioni.servizi.comune.example.it"
        )

    with pytest.raises(InvalidError) as refused:
        citizen.work(save)
    assert [one.field for one in refused.value.parts] == ["host"]


# -- bad input -----------------------------------------------------------------------------------------------------


@pytest.fixture
def clocks(citizen: Citizen, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Every clock, the pages' and ours, shows an instant."""

    def show(now: datetime) -> None:
        for one in (citizen.database, runtime_of(citizen.client).database):
            monkeypatch.setitem(vars(one)["_info"], "clock", lambda: now)

    return show


def rules(citizen: Citizen, **minutes: int) -> None:
    citizen.work(lambda s: s.execute(update(BookableService).values(minutes)))


def test_he_changes_it_until_the_minute_of_the_cut_off_and_not_after(
    citizen: Citizen, clocks: Callable[[datetime], None]
) -> None:
    at, (one,) = citizen.books(), citizen.booked()
    rules(citizen, cutoff=90)
    last = one.starts_at - timedelta(minutes=90)
    clocks(last + timedelta(microseconds=1))
    assert citizen.client.post(f"{at}/disdici").headers["location"] == at
    assert "troppo tardi" in citizen.client.get(at).text
    assert citizen.booked()
    assert citizen.client.get(f"{at}/sposta").headers["location"] == at
    assert "Sì, disdici" not in citizen.client.get(at).text
    clocks(last)
    assert "Sì, disdici" in citizen.client.get(at).text
    assert citizen.client.post(f"{at}/disdici").status_code == 303
    assert not citizen.booked()


def test_a_time_is_had_until_the_minute_of_the_notice_and_not_after(
    citizen: Citizen, clocks: Callable[[datetime], None]
) -> None:
    rules(citizen, notice=90)
    at = citizen.begin()
    wanted = citizen.times(at)[0]
    last = times.read(wanted)[1] - timedelta(minutes=90)
    clocks(last + timedelta(microseconds=1))
    late = citizen.client.post(f"{citizen.begin()}/orario", data={"time": wanted})
    assert (late.status_code, "troppo tardi" in late.text) == (409, True)
    clocks(last)
    assert citizen.client.post(f"{citizen.begin()}/orario", data={"time": wanted}).status_code == 303


def last_sunday(month: int) -> date:
    """The next one of a month: when clocks change."""
    today = datetime.now(UTC).date()
    found = [date(today.year + n, month, day) for n in (0, 1) for day in range(25, 32)]
    return next(one for one in found if one.weekday() == 6 and one > today + timedelta(days=20))


@pytest.mark.parametrize(("month", "hours"), [(3, "00 01 03 04 05"), (10, "00 01 02 02 03")])
def test_in_the_nights_in_which_clocks_change_each_hour_is_offered_as_often_as_it_is(
    citizen: Citizen, clocks: Callable[[datetime], None], month: int, hours: str
) -> None:
    sunday = last_sunday(month)

    def open_by_night(session: Session) -> None:
        at: Any = {"ente_id": citizen.cast.empoli, "office_id": citizen.office}
        sara, desk = principal_of(session, citizen.cast.sara), session.scalars(select(Desk.id)).one()
        windows = [Window(6, time(0), time(6 if month == 3 else 4), desk)]
        preparing.save_draft(
            session, sara, **at, windows=windows, valid_from=sunday - timedelta(days=7), observes_holidays=False
        )  # fmt: skip
        preparing.publish(session, sara, **at)

    citizen.database.transact(Scope.of_contract(citizen.cast.contract), open_by_night)
    clocks(datetime(sunday.year, month, sunday.day, 9, tzinfo=UTC) - timedelta(days=5))
    at = citizen.begin()
    page = citizen.client.get(f"{at}/orario?day={sunday}").text
    offered = re.findall(r'name="time" value="([^"]+)"', page)
    instants = [times.read(one)[1] for one in offered]
    assert [f"{one.astimezone(clock.ROME):%H}" for one in instants] == hours.split()
    assert [later - one for one, later in pairwise(instants)] == [timedelta(hours=1)] * 4
    for one in offered:
        booking = citizen.begin()
        assert citizen.client.post(f"{booking}/orario", data={"time": one}).status_code == 303
    citizen.client.post(f"{booking}/richiedente", data=PAOLA)
    done = citizen.client.post(f"{booking}/riepilogo").headers["location"].partition("?")[0]
    (got,) = citizen.booked()
    assert got.ends_at - got.starts_at == timedelta(hours=1)
    assert f"DTSTART;TZID=Europe/Rome:{sunday:%Y%m%d}T{hours[-2:]}0000" in (
        citizen.client.get(f"{done}/calendario.ics").text
    )
    assert (got.starts_at - datetime(sunday.year, month, sunday.day, tzinfo=UTC)) == (
        timedelta(hours=3 if month == 3 else 2)
    )


def test_steps_of_what_is_booked_already_change_nothing(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    free = citizen.times(at)
    citizen.client.post(f"{at}/riepilogo")
    before = [(one.id, one.starts_at, one.surname, one.notes) for one in citizen.booked()]
    replayed = {**LUCA, "time": free[0], "notes": "x", "do": "send", "step": "richiedente", "until": "2030-01-01"}
    for step in ("orario", "dettagli", "richiedente", "riepilogo", "codice", "salva", "attesa"):
        assert citizen.client.post(f"{at}/{step}", data=replayed).status_code in {303, 409}, step
        assert [(one.id, one.starts_at, one.surname, one.notes) for one in citizen.booked()] == before


def test_markup_and_emoji_are_words_in_pages_mails_and_calendars(citizen: Citizen) -> None:
    who = {**PAOLA, "given_name": "🦊 Ännchen", "surname": "D'Ò\"\\;,<script>alert(1)</script>"}
    at = citizen.books(who)
    entry = citizen.client.get(f"{at}/calendario.ics")
    assert entry.status_code == 200
    assert "<script" not in entry.text  # a calendar names nobody
    for line in entry.content.split(b"\r\n"):
        assert len(line) <= 75
    assert entry.content.count(b"BEGIN:VEVENT") == 1
    message = citizen.work(lambda s: s.scalars(select(Message).where(Message.template == "appointment_booked")).one())
    assert "<script" not in message.body + message.subject
    assert citizen.booked()[0].given_name == "🦊 Ännchen"
    summary = citizen.begin()
    citizen.client.post(f"{summary}/orario", data={"time": citizen.times(summary)[1]})
    for wrong in ("Pao\x00la", "Pao\u202ela", "\ue000"):
        told = citizen.client.post(f"{summary}/richiedente", data={**PAOLA, "surname": wrong})
        assert told.status_code == 422


def test_a_flood_from_one_address_is_told_to_wait_before_anything_is_written(citizen: Citizen) -> None:
    at = citizen.begin()
    most = pace.PACES[Ask.BEGIN].most
    sent = {"service": str(citizen.service), "office": str(citizen.office)}
    codes = [citizen.client.post(BEGIN, data=sent).status_code for _ in range(most + 20)]
    assert codes == [303] * (most - 1) + [429] * 21
    counted = citizen.work(lambda s: s.scalar(select(func.max(BookingPace.asked))))
    assert counted == most
    assert citizen.client.get(f"{at}/orario").status_code == 200  # who had begun goes on


def test_the_chore_offers_to_nobody_where_nobody_waits(citizen: Citizen, client: TestClient) -> None:
    assert client is citizen.client
    assert offering.offer_all(citizen.database, lambda _session, _ente: "https://x.example/a") == 0
