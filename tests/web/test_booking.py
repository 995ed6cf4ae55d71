"""Citizens book on the pages of Empoli, without signing in: the five steps, what goes wrong, and what they may try."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, TypeVar

import pytest
from sqlalchemy import Engine, delete, event, func, select, update
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from crm.agendas import doubles, drafts, pace, preparing, reminding, sites
from crm.agendas.models import Appointment, AppointmentState, BookingDraft, BookingPace
from crm.agendas.pace import Ask
from crm.agendas.plan import Exceptional, Window
from crm.agendas.preparing import ServiceTold
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError
from crm.enti.models import Office
from crm.messages.models import Message
from crm.timeline.models import TimelineEntry
from tests.cast import Cast, principal_of
from web.booking import times

pytestmark = pytest.mark.integration
T = TypeVar("T")
BEGIN = "/prenota/empoli"
PAOLA = {"given_name": "Paola", "surname": "Verdi", "email": "paola@example.it", "phone": "", "codice_fiscale": ""}


@dataclass
class Citizen:
    """Somebody in front of the pages of Empoli, in a browser that runs no script and keeps no cookie."""

    client: TestClient
    database: Database
    cast: Cast
    service: int
    office: int

    def work(self, do: Any) -> Any:
        return self.database.transact(Scope.of_enti([self.cast.empoli], [self.cast.contract]), do)

    def begin(self, lang: str = "it") -> str:
        sent = {"service": str(self.service), "office": str(self.office), "lang": lang}
        answer = self.client.post(BEGIN, data=sent)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"]).removesuffix("/orario")

    def times(self, at: str) -> list[str]:
        return re.findall(r'name="time" value="([^"]+)"', self.client.get(f"{at}/orario").text)

    def to_the_summary(self, who: dict[str, str] | None = None, nth: int = 0) -> str:
        at = self.begin()
        assert (
            self.client.post(f"{at}/orario", data={"time": self.times(at)[nth]}).headers["location"] == f"{at}/dettagli"
        )
        assert self.client.post(f"{at}/dettagli", data={"notes": " Sedia\ta\xa0rotelle "}).status_code == 303
        assert self.client.post(f"{at}/richiedente", data=who or PAOLA).headers["location"] == f"{at}/riepilogo"
        return at

    def books(self, who: dict[str, str] | None = None, nth: int = 0) -> str:
        at = self.to_the_summary(who, nth)
        return str(self.client.post(f"{at}/riepilogo").headers["location"]).removesuffix("?nuovo=1")

    def expire(self) -> None:
        """Five minutes go by."""
        held = (Appointment.state == AppointmentState.HELD,)
        self.work(lambda s: s.execute(update(Appointment).where(*held).values(held_until=clock.now(s))))

    def booked(self) -> list[Appointment]:
        wanted = select(Appointment).where(Appointment.state == AppointmentState.BOOKED).order_by(Appointment.made_at)
        found: list[Appointment] = self.work(lambda s: list(s.scalars(wanted)))
        return found


@pytest.fixture
def citizen(client: TestClient, database: Database, cast: Cast) -> Citizen:
    """The office has one desk, always open."""

    def prepare(session: Session) -> tuple[int, int]:
        sara, of = principal_of(session, cast.sara), {"ente_id": cast.empoli}
        office = Office(**of, name="Sportello", address="Via Roma 1", competent_for="", accessibility="", hours=[])
        session.add(office)
        session.flush()
        texts = {"name": {"it": "Rimborsi", "en": "Refunds"}, "bring": {"it": "Documento d'identità\nAvviso"}}
        numbers = {"duration": 60, "step": 60, "notice": 0, "cutoff": 0, "ahead": 3, "per_day": 1}
        told = ServiceTold(texts, numbers, frozenset({office.id}))
        service = preparing.save_service(session, sara, **of, told=told)
        desk = preparing.save_desk(session, sara, **of, office_id=office.id, name="A")
        windows = [Window(day, time(8), time(18), desk) for day in range(7)]
        tomorrow = clock.business_day(clock.now(session)) + timedelta(days=1)
        at = {**of, "office_id": office.id}
        preparing.save_draft(session, sara, **at, windows=windows, valid_from=tomorrow, observes_holidays=False)
        preparing.publish(session, sara, **at)
        sites.save(session, sara, **of, slug="empoli", framed_by="https://www.comune.example.it")
        return service, office.id

    service, office = database.transact(Scope.of_contract(cast.contract), prepare)
    return Citizen(client, database, cast, service, office)


def test_the_five_steps_and_the_confirmation_without_a_script(citizen: Citizen) -> None:
    first = citizen.client.get(BEGIN)
    assert "Rimborsi" in first.text
    at = citizen.to_the_summary()
    summary = citizen.client.get(f"{at}/riepilogo").text
    for told in ("Rimborsi", "Sportello, Via Roma 1", "Sedia a rotelle", "Paola Verdi", "paola@example.it"):
        assert told in summary
    assert not citizen.booked()
    done = citizen.client.post(f"{at}/riepilogo")
    page = citizen.client.get(done.headers["location"]).text
    (one,) = citizen.booked()
    assert one.code
    assert f"{one.code[:4]} {one.code[4:]}" in page
    assert "Documento d&#39;identità" in page
    assert one.notes == "Sedia a rotelle"
    assert "paola@example.it" in page
    message = citizen.work(lambda s: s.scalars(select(Message).where(Message.template == "appointment_booked")).one())
    assert message.address == "paola@example.it"
    assert f"{BEGIN}/appuntamento/" in message.body
    assert "BEGIN:VEVENT" in message.calendar
    assert "set-cookie" not in done.headers  # nobody is asked for consent to one


def test_what_is_typed_is_nowhere_in_addresses_nor_readable_in_the_table(citizen: Citizen) -> None:
    citizen.to_the_summary()
    kept = citizen.work(lambda s: s.scalars(select(BookingDraft)).one().told)
    assert b"Paola" not in kept
    assert b"paola" not in kept


def test_the_form_sent_twice_books_once_and_shows_the_same(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    first, again = (citizen.client.post(f"{at}/riepilogo").headers["location"] for _ in range(2))
    assert first == again
    assert len(citizen.booked()) == 1
    assert citizen.client.get(f"{at}/riepilogo").headers["location"] == first
    assert citizen.work(lambda s: s.scalars(select(BookingDraft)).one().told) is None


def test_a_time_that_expired_is_extended_at_least_ten_times_with_what_is_typed(citizen: Citizen) -> None:
    at = citizen.begin()
    citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]})
    typed = {"step": "richiedente", "given_name": "Paola", "email": "non finit", "to": "tieni"}
    for _ in range(10):
        citizen.expire()
        assert "Il tempo è finito" in citizen.client.get(f"{at}/richiedente").text
        assert citizen.client.post(f"{at}/salva", data=typed).headers["location"] == f"{at}/richiedente"
    page = citizen.client.get(f"{at}/richiedente").text
    assert "ancora 5 minuti" in page
    assert 'value="non finit"' in page


def test_a_time_that_somebody_else_took_loses_the_time_alone(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    citizen.expire()
    lost = citizen.times(citizen.begin())[0]
    other = citizen.begin()
    assert citizen.client.post(f"{other}/orario", data={"time": lost}).status_code == 303
    gone = citizen.client.post(f"{at}/riepilogo")
    assert gone.status_code == 409
    assert "scegli di nuovo" in gone.text
    assert (
        citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]}).headers["location"]
        == f"{at}/riepilogo"
    )
    assert citizen.client.post(f"{at}/riepilogo").status_code == 303
    assert citizen.booked()[0].surname == "Verdi"


def test_who_comes_second_is_offered_the_nearest_times(citizen: Citizen) -> None:
    one, two = citizen.begin(), citizen.begin()
    wanted = citizen.times(one)[0]
    assert citizen.client.post(f"{one}/orario", data={"time": wanted}).status_code == 303
    late = citizen.client.post(f"{two}/orario", data={"time": wanted})
    assert late.status_code == 409
    near = late.text.split('class="near"')[1].split("</form>")[0]
    offered = re.findall(r'name="time" value="([^"]+)"', near)
    assert len(offered) == 5
    assert wanted not in offered
    assert citizen.client.post(f"{two}/orario", data={"time": offered[0]}).status_code == 303


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(citizen: Citizen) -> None:
    at = citizen.begin()
    citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]})
    wrong = {"given_name": "", "surname": "<b>Verdi</b> 🙂", "email": "paola@", "codice_fiscale": "ABC", "phone": "12"}
    page = citizen.client.post(f"{at}/richiedente", data=wrong)
    assert page.status_code == 422
    for field in ("given_name", "email", "codice_fiscale", "phone"):
        assert f'id="{field}-wrong"' in page.text
        assert f'href="#{field}"' in page.text
    assert "&lt;b&gt;Verdi&lt;/b&gt; 🙂" in page.text
    good = {**PAOLA, "surname": "<b>Verdi</b> 🙂"}
    assert citizen.client.post(f"{at}/richiedente", data=good).status_code == 303
    done = citizen.client.post(f"{at}/riepilogo").headers["location"]
    assert "<b>Verdi" not in citizen.client.get(done).text
    assert citizen.booked()[0].surname == "<b>Verdi</b> 🙂"


@pytest.mark.parametrize("time", [
    "", "x", "1@", "@2026-11-24T08:00Z", "1@2026-11-24T08:00", "{office}@2020-01-01T08:00Z",
    "{office}@2999-01-01T08:00Z", "{office}@9999-12-31T23:59Z", "{office}@{day}T03:00Z", "{office}@{day}T09:07Z",
    "{office}@{day}T09:00:30Z", "999999@{day}T09:00Z", "{office}@2027-03-28T01:30Z", "0" * 5000,
])  # fmt: skip
def test_a_time_that_is_past_closed_or_forged_gets_a_clear_answer(citizen: Citizen, time: str) -> None:
    at = citizen.begin()
    day = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    answer = citizen.client.post(f"{at}/orario", data={"time": time.format(office=citizen.office, day=day)})
    assert answer.status_code in {404, 409, 422}, answer.status_code
    assert "<h1>" in answer.text
    assert not citizen.work(lambda s: s.scalar(select(func.count()).select_from(Appointment)))


def test_steps_are_not_skipped_and_tokens_are_nobody_elses(citizen: Citizen) -> None:
    at = citizen.begin()
    for step in ("dettagli", "richiedente", "riepilogo", "codice"):
        assert citizen.client.get(f"{at}/{step}").headers["location"] == f"{at}/orario"
    assert citizen.client.post(f"{at}/riepilogo").status_code == 409
    token = at.rsplit("/", 1)[1]
    forged = [token[:-9] + ("a" if token[-9] != "a" else "b") + token[-8:], "x", "", "à", token[:20], token * 3]
    for one in forged:
        assert citizen.client.get(f"{BEGIN}/{one}/orario").status_code == 404
    for path in ("/prenota/vinci", f"/prenota/vinci/{token}/orario", "/prenota/EMPOLI", "/prenota"):
        assert citizen.client.get(path).status_code == 404


def test_a_draft_of_one_ente_is_none_of_anothers(citizen: Citizen) -> None:
    token = citizen.begin().rsplit("/", 1)[1]
    booked = citizen.books().rsplit("/", 1)[1]
    cast = citizen.cast

    def open_site(session: Session) -> None:
        sites.save(session, principal_of(session, cast.sara), ente_id=cast.vinci, slug="vinci")

    citizen.database.transact(Scope.of_contract(cast.contract), open_site)
    for path in (
        f"{token}/orario",
        f"appuntamento/{booked}",
        f"appuntamento/{booked}/calendario.ics",
        f"{booked}/orario",
    ):
        assert citizen.client.get(f"/prenota/vinci/{path}").status_code == 404
    assert citizen.client.post(f"/prenota/vinci/appuntamento/{booked}/disdici").status_code == 404
    assert len(citizen.booked()) == 1
    sent = {"service": str(citizen.service), "office": str(citizen.office)}
    assert citizen.client.post("/prenota/vinci", data=sent).status_code == 404


def test_a_link_shows_and_only_its_button_cancels(citizen: Citizen) -> None:
    at = citizen.books()
    for _ in range(3):
        assert citizen.client.get(at).status_code == 200
    assert citizen.client.get(f"{at}/disdici").status_code in {404, 405}
    assert citizen.booked()
    for _ in range(2):
        assert citizen.client.post(f"{at}/disdici").headers["location"] == at
    page = citizen.client.get(at).text
    assert "Disdetto" in page
    assert "Sì, disdici" not in page
    assert not citizen.booked()
    assert "METHOD:CANCEL" in citizen.client.get(f"{at}/calendario.ics").text


def test_it_is_moved_and_stays_one_entry_of_the_calendar(citizen: Citizen) -> None:
    at = citizen.books()
    before = citizen.client.get(f"{at}/calendario.ics").text
    free = re.findall(r'name="time" value="([^"]+)"', citizen.client.get(f"{at}/sposta").text)
    assert citizen.client.post(f"{at}/sposta", data={"time": free[2]}).status_code == 303
    (one,) = citizen.booked()
    assert times.written(one.office_id, one.starts_at) == free[2]
    after = citizen.client.get(f"{at}/calendario.ics").text
    uid = re.compile(r"UID:\S+")
    assert uid.search(before)[0] == uid.search(after)[0]  # type: ignore[index]
    assert ("SEQUENCE:0" in before, "SEQUENCE:1" in after) == (True, True)
    assert "TZID=Europe/Rome" in after
    taken = citizen.client.post(f"{at}/sposta", data={"time": "1@2020-01-01T08:00Z"})
    assert taken.status_code in {404, 409, 422}
    assert citizen.booked()[0].starts_at == one.starts_at


OWN = r"data:image[^\"]+|\d@|\d\d:00|/x\w+|[A-Z0-9]{4} ?[A-Z0-9]{4}"  # what every appointment's page has of its own


def test_nobody_learns_whether_a_person_is_known(citizen: Citizen) -> None:
    pages = []
    for nth, code in enumerate(("BNCMRA62A01D403X", "VRDPLA70A41D403Q")):
        at = citizen.to_the_summary({**PAOLA, "email": f"{nth}@example.it", "codice_fiscale": code}, nth)
        answer = citizen.client.post(f"{at}/riepilogo")
        shown = citizen.client.get(answer.headers["location"])
        pages.append((answer.status_code, shown.status_code, re.sub(OWN, "", shown.text)))
    assert [one.contact_id for one in citizen.booked()] == [citizen.cast.mario, None]
    assert pages[0] == pages[1]
    told = select(TimelineEntry.contact_id).where(TimelineEntry.kind == "appointment")
    assert citizen.work(lambda s: list(s.scalars(told))) == [citizen.cast.mario]


def _confirmed(citizen: Citizen, who: dict[str, str]) -> tuple[int, int, str, int]:
    """What somebody sees who books with these: both answers, the page, and how many statements the first one took."""
    at, asked = citizen.to_the_summary(who), list[str]()

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", count)
    try:
        answer = citizen.client.post(f"{at}/riepilogo")
    finally:
        event.remove(Engine, "before_cursor_execute", count)
    shown = citizen.client.get(answer.headers["location"])
    return answer.status_code, shown.status_code, re.sub(OWN, "", shown.text), len(asked)


@pytest.mark.parametrize("known", ["codice_fiscale", "phone", "email"])
def test_who_types_what_is_somebody_elses_does_not_learn_that_he_has_one(citizen: Citizen, known: str) -> None:
    """Neither by the answer, nor by its words, nor by how much the server had to do; he himself is told, once."""
    telling = {"codice_fiscale": "VRDPLA70A41D403Q", "phone": "348 1234567", "email": "paola@example.it"}
    others = {"codice_fiscale": "RSSMRA80A01D403T", "phone": "348 7654321", "email": "carla@example.it"}
    hers, attacker = {**PAOLA, **telling}, {**PAOLA, "email": "4@example.it"}
    _confirmed(citizen, {**PAOLA, "email": "0@example.it"})  # so that nothing is read for the first time
    link = citizen.books(hers)
    with_one = _confirmed(citizen, {**attacker, known: telling[known]})
    without = _confirmed(citizen, {**attacker, known: others[known]})
    typed = re.compile("|".join((*telling.values(), *others.values(), r"\+39 348 \d{3} \d{4}")))
    assert typed.sub("", with_one[2]) == typed.sub("", without[2])
    assert with_one[:2] + with_one[3:] == without[:2] + without[3:]

    def tell(session: Session) -> int:
        return doubles.tell(session, citizen.cast.empoli, lambda *_: f"https://x.example{BEGIN}/appuntamento")

    if known == "codice_fiscale":  # who is told by what he typed: the address counts only without a codice fiscale
        assert [citizen.work(tell) for _ in range(2)] == [1, 0]
        message = citizen.work(
            lambda s: s.scalars(select(Message).where(Message.template == "appointment_double")).one()
        )
        assert message.address == "paola@example.it"
        assert link.rpartition("/")[2] in message.body


def test_who_books_again_with_all_the_same_data_is_told_that_he_has_one(citizen: Citizen) -> None:
    citizen.books()
    told = citizen.client.post(f"{citizen.to_the_summary()}/riepilogo")
    assert told.status_code == 409
    assert "hai già un appuntamento" in told.text
    assert len(citizen.booked()) == 1


def test_who_has_shown_that_an_address_is_his_is_told_how_many_he_has_there(citizen: Citizen) -> None:
    citizen.books()
    at = citizen.to_the_summary()
    of: Any = {"ente_id": citizen.cast.empoli, "token": at.rsplit("/", 1)[1]}
    citizen.work(lambda s: drafts.send_code(s, **of))
    body = citizen.work(lambda s: s.scalars(select(Message.body).where(Message.template == "one_time_code")).one())
    citizen.client.post(f"{at}/codice", data={"code": re.search(r"\d{6}", body)[0]})  # type: ignore[index]
    told = citizen.client.post(f"{at}/riepilogo")
    assert told.status_code == 409
    assert "Quel giorno hai già un appuntamento" in told.text
    assert len(citizen.booked()) == 1


def test_a_service_that_asks_for_a_code_is_booked_with_the_right_one_alone(citizen: Citizen) -> None:
    cast = citizen.cast

    def ask(session: Session) -> None:
        told = ServiceTold(
            {"name": {"it": "Rimborsi"}}, {"duration": 60, "step": 60, "notice": 0}, frozenset({citizen.office}),
            needs_code=True,
        )  # fmt: skip
        preparing.save_service(
            session, principal_of(session, cast.sara), ente_id=cast.empoli, service_id=citizen.service, told=told
        )

    citizen.database.transact(Scope.of_contract(cast.contract), ask)
    at = citizen.begin()
    citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]})
    landline = {**PAOLA, "email": "", "phone": "0571 700123"}
    assert citizen.client.post(f"{at}/richiedente", data=landline).status_code == 422
    assert citizen.client.post(f"{at}/richiedente", data=PAOLA).status_code == 303
    assert citizen.client.post(f"{at}/riepilogo").headers["location"] == f"{at}/codice"
    citizen.client.post(f"{at}/codice", data={"do": "send"})
    wanted = select(Message.body).where(Message.template == "one_time_code")
    code = re.search(r"\d{6}", citizen.work(lambda s: s.scalars(wanted).one()))[0]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    assert citizen.client.post(f"{at}/codice", data={"code": wrong}).status_code == 422
    assert citizen.client.post(f"{at}/riepilogo").headers["location"] == f"{at}/codice"
    assert citizen.client.post(f"{at}/codice", data={"code": f" {code[:3]} {code[3:]} "}).status_code == 303
    other = {**PAOLA, "email": "qualcuno@example.it"}  # he changes it afterwards: it was not verified
    citizen.client.post(f"{at}/richiedente", data=other)
    assert citizen.client.post(f"{at}/riepilogo").headers["location"] == f"{at}/codice"
    citizen.client.post(f"{at}/richiedente", data=PAOLA)
    assert citizen.client.post(f"{at}/riepilogo").headers["location"].endswith("?nuovo=1")


def test_after_five_wrong_codes_the_right_one_is_none(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    token = at.rsplit("/", 1)[1]
    of: Any = {"ente_id": citizen.cast.empoli, "token": token}
    citizen.work(lambda s: drafts.send_code(s, **of))
    body = citizen.work(lambda s: s.scalars(select(Message.body).where(Message.template == "one_time_code")).one())
    code = re.search(r"\d{6}", body)[0]  # type: ignore[index]
    tried = [citizen.work(lambda s: drafts.try_code(s, **of, code="x")) for _ in range(5)]
    assert not any(tried)
    assert not citizen.work(lambda s: drafts.try_code(s, **of, code=code))


def test_ten_thousand_requests_from_one_address_are_told_to_wait(citizen: Citizen) -> None:
    """The first so many are served, the others cost a read."""
    at = citizen.begin()
    most = pace.PACES[Ask.TIMES].most
    citizen.work(lambda s: s.execute(update(BookingPace).values(asked=most)))
    citizen.client.get(f"{at}/orario")
    citizen.work(lambda s: s.execute(update(BookingPace).values(asked=most)))
    told = citizen.client.get(f"{at}/orario")
    assert (told.status_code, told.headers["retry-after"]) == (429, "600")
    assert "troppe richieste" in told.text
    assert citizen.client.get(f"{BEGIN}?service={citizen.service}").status_code == 200


def test_who_solves_no_puzzle_books_less_often(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    token = at.rsplit("/", 1)[1]
    answer = next(str(n) for n in range(10**7) if pace.solved(token, str(n)))
    for _ in range(pace.PACES[Ask.BOOK_UNSOLVED].most):
        assert citizen.client.post(f"{at}/riepilogo", data={"answer": "0" if answer != "0" else "1"}).status_code == 303
    assert citizen.client.post(f"{at}/riepilogo").status_code == 429
    assert citizen.client.post(f"{at}/riepilogo", data={"answer": answer}).status_code == 303


def test_only_the_sites_that_the_ente_names_may_embed_the_pages(citizen: Citizen) -> None:
    policy = citizen.client.get(BEGIN).headers["content-security-policy"]
    assert "frame-ancestors https://www.comune.example.it;" in policy
    assert "frame-ancestors 'none'" in citizen.client.get("/sign-in").headers["content-security-policy"]


def test_the_pages_speak_the_citizens_language_and_keep_what_is_typed_when_it_changes(citizen: Citizen) -> None:
    at = citizen.begin("en")
    citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]})
    assert "Who is coming?" in citizen.client.get(f"{at}/richiedente").text
    citizen.client.post(f"{at}/salva", data={"step": "richiedente", "surname": "Verdi", "lang": "it"})
    page = citizen.client.get(f"{at}/richiedente").text
    assert "Chi viene?" in page
    assert 'value="Verdi"' in page


def test_what_is_refused_is_told_in_the_language_of_the_booking(
    citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser speaks Italian; he chose German on the first page, or has a link of who did."""

    def german(answer: Any, status: int, italian: str) -> None:
        assert (answer.status_code, '<html lang="de">' in answer.text) == (status, True), answer.text
        assert italian not in answer.text

    at = citizen.begin("de")
    citizen.client.post(f"{at}/orario", data={"time": citizen.times(at)[0]})
    citizen.client.post(f"{at}/richiedente", data=PAOLA)
    mine = str(citizen.client.post(f"{at}/riepilogo").headers["location"]).removesuffix("?nuovo=1")
    german(citizen.client.post(f"{at}/dettagli", data={"notes": ""}), 409, "già confermata")
    citizen.work(lambda s: s.execute(delete(BookingDraft)))
    for page in ("orario", "riepilogo", "attesa"):
        german(citizen.client.get(f"{at}/{page}"), 404, "non è più aperta")
    changed = citizen.begin("it")
    moved = citizen.client.post(f"{changed}/salva", data={"step": "orario", "lang": "de"}).headers["location"]
    citizen.work(lambda s: s.execute(delete(BookingDraft)))
    german(citizen.client.get(moved), 404, "non è più aperta")
    german(citizen.client.get(f"{BEGIN}/valuta/xforged?lang=de"), 404, "non esiste")
    assert '<html lang="it">' in citizen.client.get(f"{BEGIN}/appuntamento/xforged").text
    for ask in (Ask.BEGIN, Ask.WRITE, Ask.CHANGE):
        monkeypatch.setitem(pace.PACES, ask, pace.Pace(0, timedelta(minutes=10)))
    german(citizen.client.post(f"{at}/dettagli", data={"notes": ""}), 429, "troppe richieste")
    german(citizen.client.post(f"{BEGIN}?lang=de", data={}), 429, "troppe richieste")
    german(citizen.client.post(f"{mine}/disdici"), 429, "troppe richieste")
    assert "?lang=de" in citizen.client.post(f"{mine}/disdici").text  # and leads back to where he was, in German


def test_what_nobody_goes_on_with_is_forgotten(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    long_ago = {"changed_at": datetime(2020, 1, 1, tzinfo=UTC)}
    citizen.work(lambda s: s.execute(update(BookingDraft).values(long_ago)))
    gone = citizen.client.get(f"{at}/riepilogo")
    assert gone.status_code == 404
    assert "ricomincia" in gone.text
    assert citizen.work(drafts.forget) == 1


def test_the_day_before_he_is_reminded_once_and_after_cancelling_not_at_all(citizen: Citizen) -> None:
    citizen.books()
    at = citizen.books({**PAOLA, "email": "altro@example.it"}, nth=1)
    assert citizen.work(reminding.owe) == 0  # he has just booked

    def a_day_later(session: Session) -> None:
        soon = clock.now(session).replace(minute=0, second=0, microsecond=0) + timedelta(hours=20)
        rows = session.scalars(select(Appointment).order_by(Appointment.made_at)).all()
        for first in (soon + timedelta(days=400), soon):  # out of each other's way first: a seat is given once
            for n, row in enumerate(rows):
                row.starts_at, row.changed_at = first + timedelta(hours=n), soon - timedelta(days=3)
                row.ends_at = row.free_at = row.starts_at + timedelta(minutes=30)
            session.flush()

    citizen.work(a_day_later)
    citizen.client.post(f"{at}/disdici")
    assert [citizen.work(reminding.owe), citizen.work(reminding.owe)] == [1, 0]
    wanted = select(Message.address).where(Message.template == "appointment_reminder")
    assert citizen.work(lambda s: list(s.scalars(wanted))) == ["paola@example.it"]


def test_whoever_goes_back_to_the_first_step_loses_nothing(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    token = at.rsplit("/", 1)[1]
    back = citizen.client.post(f"{at}/salva", data={"step": "riepilogo", "to": "luogo"}).headers["location"]
    page = citizen.client.get(back).text
    assert f'name="draft" value="{token}"' in page
    assert "required checked" in page
    sent = {"service": str(citizen.service), "office": str(citizen.office), "draft": token}
    assert citizen.client.post(BEGIN, data=sent).headers["location"] == f"{at}/orario"  # his own draft again
    times_page = citizen.client.get(f"{at}/orario").text
    assert "Vai avanti con questo orario" in times_page
    assert f'href="{at}/riepilogo"' in times_page
    assert "Sedia a rotelle" in citizen.client.get(f"{at}/riepilogo").text
    other = citizen.work(lambda s: another_office(s, citizen))
    sent["office"] = str(other)
    assert citizen.client.post(BEGIN, data=sent).headers["location"] == f"{at}/orario"
    assert not citizen.work(lambda s: s.scalar(select(func.count()).select_from(Appointment)))  # let go
    assert 'value="Verdi"' in citizen.client.get(f"{at}/attesa").text
    gone = citizen.client.post(BEGIN, data={**sent, "office": str(citizen.office), "draft": "x"})
    assert token not in gone.headers["location"]


def another_office(session: Session, citizen: Citizen) -> int:
    sara, of = principal_of(session, citizen.cast.sara), {"ente_id": citizen.cast.empoli}
    office = Office(**of, name="Altro", address="Via Po 2", competent_for="", accessibility="", hours=[])
    session.add(office)
    session.flush()
    told = ServiceTold(
        {"name": {"it": "Rimborsi"}}, {"duration": 60, "step": 60}, frozenset({office.id, citizen.office})
    )
    preparing.save_service(session, sara, **of, service_id=citizen.service, told=told)
    return office.id


def test_after_booking_a_draft_is_gone_on_with_no_more(citizen: Citizen) -> None:
    at = citizen.to_the_summary()
    citizen.client.post(f"{at}/riepilogo")
    sent = {"service": str(citizen.service), "office": str(citizen.office), "draft": at.rsplit("/", 1)[1]}
    assert citizen.client.post(BEGIN, data=sent).headers["location"].removesuffix("/orario") != at


def test_one_address_holds_no_more_than_so_many_times_and_is_led_back_to_where_it_was(citizen: Citizen) -> None:
    """A script that holds each time of an office, and for longer and longer, is told to wait."""
    at = citizen.to_the_summary()
    for ask, path, sent in (
        (Ask.HOLD, "orario", {"time": "x"}),
        (Ask.HOLD, "salva", {"step": "richiedente", "to": "tieni"}),
        (Ask.WRITE, "salva", {"step": "richiedente", "surname": "Neri"}),
        (Ask.WRITE, "richiedente", PAOLA),
        (Ask.WRITE, "dettagli", {"notes": ""}),
    ):
        citizen.work(lambda s: s.execute(delete(BookingPace)))
        assert citizen.client.post(f"{at}/{path}", data=sent).status_code != 429
        citizen.work(lambda s: s.execute(update(BookingPace).values(asked=pace.PACES[ask].most)))  # noqa: B023
        told = citizen.client.post(f"{at}/{path}", data=sent)
        assert told.status_code == 429, path
        back = f"{at}/{'riepilogo' if path == 'salva' else path}"
        assert f'href="{back}?lang=it"' in told.text


def test_why_the_office_is_closed_is_told_to_citizens(citizen: Citizen) -> None:
    day = clock.in_rome(datetime.now(UTC)).date() + timedelta(days=2)
    told = [Exceptional(0, None, day, day, closed=True, words="Assemblea <del> personale")]

    def close(session: Session) -> None:
        of = {"ente_id": citizen.cast.empoli, "office_id": citizen.office}
        preparing.add_exception(session, principal_of(session, citizen.cast.sara), **of, told=told[0])

    citizen.work(close)
    page = citizen.client.get(f"{citizen.begin()}/orario?month={day:%Y-%m}").text
    assert "Assemblea &lt;del&gt; personale" in page
    assert "l'ufficio è chiuso" in page
    assert "lunedì, martedì, mercoledì, giovedì, venerdì, sabato, domenica: " in citizen.client.get(BEGIN).text


def test_a_move_that_cannot_be_is_told_beside_the_times(citizen: Citizen) -> None:
    mine, other = citizen.books(), citizen.begin()
    time = citizen.times(other)[0]
    assert citizen.client.post(f"{other}/orario", data={"time": time}).status_code == 303
    told = citizen.client.post(f"{mine}/sposta", data={"time": time})
    assert told.status_code == 409
    assert "Qualcuno ha appena preso questo orario" in told.text
    assert "Sposta l'appuntamento" in told.text
    done = update(Appointment).where(Appointment.state == AppointmentState.BOOKED).values(state=AppointmentState.DONE)
    citizen.work(lambda s: s.execute(done))
    assert citizen.client.post(f"{mine}/disdici").headers["location"] == mine


def test_who_may_not_prepare_agendas_opens_no_pages(citizen: Citizen) -> None:
    with pytest.raises(ForbiddenError):
        citizen.work(
            lambda s: sites.save(s, principal_of(s, citizen.cast.anna), ente_id=citizen.cast.empoli, slug="altro")
        )
