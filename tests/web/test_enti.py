"""Administering enti over HTTP: what is saved holds at once, what is wrong stands at its field, others get nowhere."""

import json
from datetime import date, datetime, timedelta
from urllib.parse import unquote

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import ProgrammingError
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant
from crm.access.permissions import Held, Principal
from crm.audit.models import AuditEntry
from crm.core import clock
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from crm.enti import details, queries, timetables
from crm.enti.calendar import is_holiday, opening, spans
from crm.enti.models import Contract, ContractEnte, OpeningWeek, SpecialDay
from crm.staff import queries as staff
from crm.staff import service as staff_service
from tests.cast import Cast
from tests.crm.enti.test_hours_and_codes import EMPOLI, png
from tests.web.test_proposals import Browser, becomes

pytestmark = pytest.mark.integration


@pytest.fixture
def admin(client: TestClient, cast: Cast, database: Database) -> Browser:
    becomes(database, cast.sara, Role.ADMINISTRATOR, contract_id=cast.contract)
    return Browser(client, "sara", "/enti")


def test_an_ente_is_written_in_every_part_and_it_holds_at_once(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}"
    assert "Comune di Empoli" in admin.get("/enti")
    assert admin.post(f"{at}/identity", **EMPOLI)[0] == 204
    assert "(sono quelli del contratto)" in admin.get(at)
    assert admin.post(f"{at}/hours/{cast.contract}", **{"day-0": "8:30-13"})[0] == 204
    assert "lun 08:30-13:00; gli altri giorni chiuso." in admin.get(at)
    assert admin.post(f"{at}/special/{cast.contract}", day="2026-12-24", hours="9-12")[0] == 204
    assert admin.post(f"{at}/topics/{cast.contract}", topic=["payment", "relief"])[0] == 204
    assert admin.post(f"{at}/ways", ways="Con pagoPA, da casa\n\n In Comune ")[0] == 204
    office = {"name": "URP", "address": "Via del Papa 41", "phone": "0571 7571", "competent_for": "Rimborsi"}
    assert admin.post(f"{at}/offices", **office, **{"day-1": "9-13"})[0] == 204
    status, text = admin.post(f"{at}/offices", **office)
    assert (status, list(json.loads(text)["fields"])) == (422, ["name"])
    page = admin.get(at)
    for words in ("08:30-13:00", "24 dic 2026", "Con pagoPA, da casa\nIn Comune", "Via del Papa 41", "+39 0571 7571"):
        assert words in page
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert details.service_topics(session, cast.contract, cast.empoli) == {"payment", "relief"}
        assert details.payment_ways(session, cast.empoli) == ("Con pagoPA, da casa", "In Comune")
        table = queries.timetable(session, cast.contract, cast.empoli)
        day = clock.start_of_day(details.special_days(session, cast.contract, cast.empoli)[0].day)
        assert opening(table, day + timedelta(hours=10)).is_open
        kinds = session.scalars(select(AuditEntry.kind).where(AuditEntry.ente_id == cast.empoli)).all()
    assert set(kinds) == {
        "ente.changed", "hours.changed", "special_day.changed", "topics.changed", "payment_ways.changed",
        "office.changed",
    }  # fmt: skip
    (one,) = _offices(database, cast)
    assert admin.post(f"{at}/offices/{one}/remove")[0] == 204
    assert _offices(database, cast) == []


def test_what_was_saved_is_said_on_the_page_that_is_shown_anew(admin: Browser, cast: Cast) -> None:
    at = f"/enti/{cast.empoli}/hours/{cast.contract}"

    def saved(path: str, **fields: str) -> str:
        answer = admin.client.post(path, data=fields, headers=admin.headers)
        assert answer.headers["HX-Refresh"] == "true"
        return unquote(answer.headers["HX-Notice"])

    assert saved(at, **{"day-0": "8:30-13"}) == "Da adesso: lun 08:30-13:00; gli altri giorni chiuso."
    assert saved(at).startswith("Da adesso valgono gli orari del contratto: ")
    assert saved(f"/enti/{cast.empoli}/ways", ways="In Comune") == "Salvato."


def test_hours_are_written_for_a_day_to_come_and_taken_back_and_the_past_stays(
    admin: Browser, cast: Cast, database: Database
) -> None:
    page, at = f"/enti/{cast.empoli}", f"/enti/{cast.empoli}/hours/{cast.contract}"
    with database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    yesterday, later = today - timedelta(days=1), today + timedelta(days=9)

    def hours(day: date) -> list[tuple[datetime, datetime]]:
        with database.begin(Scope.nothing()) as session:
            return list(spans(queries.timetable(session, cast.contract, cast.empoli), day, 1))

    before = hours(yesterday)
    week = {f"day-{n}": "8-13" for n in range(7)}
    status, text = admin.post(at, **week, since=yesterday.isoformat())
    assert (status, list(json.loads(text)["fields"])) == (422, ["since"])
    assert admin.post(at, **week, since="domani")[0] == 422
    assert admin.post(at, **week, since=later.isoformat())[0] == 204
    assert hours(later)[0][1] - hours(later)[0][0] == timedelta(hours=5)
    assert "(sono quelli del contratto)" in admin.get(page)  # until then
    assert "Orari nel tempo" in admin.get(page)
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        (planned,) = queries.weeks(session, cast.contract, cast.empoli)
    assert admin.post(f"/enti/hours/{planned.id}/withdraw")[0] == 204
    assert admin.post(f"/enti/hours/{planned.id}/withdraw")[0] == 204
    assert hours(later)[0][1] - hours(later)[0][0] >= timedelta(hours=23)
    assert admin.post(at, **week)[0] == 204
    assert hours(yesterday) == before
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        (now,) = queries.weeks(session, cast.contract, cast.empoli)
    assert admin.post(f"/enti/hours/{now.id}/withdraw")[0] == 409
    with database.begin(Scope.of_enti([cast.empoli])) as session, pytest.raises(ProgrammingError):
        session.execute(update(OpeningWeek).values(days=["0-24"] * 7))


def test_a_contracts_first_hours_hold_for_the_past_too_but_not_before_a_day_to_come(
    admin: Browser, cast: Cast, database: Database
) -> None:
    with database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
        found = []
        for day in (None, today + timedelta(days=9)):
            new = Contract(name=f"Livorno {day}")
            session.add(new)
            session.flush()
            found.append((new.id, day))
    week = dict.fromkeys(range(7), "8-13")
    for contract_id, day in found:
        by = Principal(cast.sara, "Sara", "it", frozenset({Held(Role.ADMINISTRATOR, None, contract_id)}))
        with database.begin(Scope.of_contract(contract_id)) as session:
            timetables.save_hours(session, by, contract_id=contract_id, ente_id=None, week=week, day=day)
    with database.begin(Scope.nothing()) as session:
        for contract_id, day in found:
            table = queries.timetable(session, contract_id, None)
            began = today if day is None else day
            assert bool(list(spans(table, began - timedelta(days=8), 1))) is (day is None)
            assert list(spans(table, began, 1))
            assert any(details.own_week(session, contract_id, None)) is (day is None)


def test_a_day_that_is_over_is_given_no_other_hours(admin: Browser, cast: Cast, database: Database) -> None:
    at = f"/enti/{cast.empoli}/special/{cast.contract}"
    with database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    past, future = (today - timedelta(days=3)).isoformat(), (today + timedelta(days=3)).isoformat()
    for whose in (at, f"/enti/contract/special/{cast.contract}"):
        status, text = admin.post(whose, day=past, hours="")
        assert (status, list(json.loads(text)["fields"])) == (422, ["day"])
        assert admin.post(whose, day=future, hours="9-12")[0] == 204
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.add(SpecialDay(contract_id=cast.contract, ente_id=cast.empoli, day=today - timedelta(days=3)))
        session.flush()
        gone = session.scalars(select(SpecialDay.id).order_by(SpecialDay.day)).first()
    assert admin.post(f"/enti/{cast.empoli}/special/{gone}/remove")[0] == 422


def test_a_patron_that_is_moved_leaves_the_past_as_it_was(admin: Browser, cast: Cast, database: Database) -> None:
    def holiday(day: date) -> bool:
        with database.begin(Scope.nothing()) as session:
            return is_holiday(queries.timetable(session, cast.contract, cast.empoli), day)

    with database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    yesterday, later = today - timedelta(days=1), today + timedelta(days=40)
    at = f"/enti/{cast.empoli}/identity"
    kept = EMPOLI | {"observes_holidays": "1"}
    assert admin.post(at, **kept | {"patron_month": str(later.month), "patron_day": str(later.day)})[0] == 204
    past = holiday(yesterday)
    assert holiday(later)
    assert admin.post(at, **kept | {"patron_month": str(yesterday.month), "patron_day": str(yesterday.day)})[0] == 204
    assert holiday(yesterday) == past
    assert holiday(yesterday.replace(year=yesterday.year + 1))


def _offices(database: Database, cast: Cast) -> list[int]:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        return [one.id for one in details.offices(session, cast.empoli)]


def test_the_contracts_own_hours_hold_for_whoever_has_none(admin: Browser, cast: Cast, database: Database) -> None:
    assert admin.post(f"/enti/contract/hours/{cast.contract}", **{"day-2": "9-12"})[0] == 204
    assert admin.post(f"/enti/contract/hours/{cast.contract}")[0] == 422
    with database.begin(Scope.nothing()) as session:
        table = queries.timetable(session, cast.contract, cast.vinci)
        assert [one.weekday for one in table.later[-1].hours] == [2]
    assert admin.post(f"/enti/contract/hours/{cast.other_contract}", **{"day-2": "9-12"})[0] == 403


def test_the_days_that_a_contract_agrees_on_are_written_and_hold(
    admin: Browser, cast: Cast, database: Database
) -> None:  # fmt: skip
    at = f"/enti/contracts/{cast.contract}/days"
    assert admin.post(at, replacement_days="15", keyed_days="7")[0] == 204
    with database.begin(Scope.of_contract(cast.contract)) as session:
        assert details.contract_days(session, cast.contract) == details.ContractDays(15, 7)
        assert staff_service.replacement_days(session, cast.empoli) == 15
    status, text = admin.post(at, replacement_days="0", keyed_days="-1")
    assert (status, set(json.loads(text)["fields"])) == (422, {"replacement_days", "keyed_days"})
    assert admin.post(f"/enti/contracts/{cast.other_contract}/days", replacement_days="15", keyed_days="7")[0] == 403


def test_a_contract_says_when_people_are_called_back_and_without_a_word_it_is_by_day(
    admin: Browser, cast: Cast, database: Database
) -> None:
    def written() -> tuple[str, ...]:
        with database.begin(Scope.of_contract(cast.contract)) as session:
            return details.called_back(session, cast.contract)

    at, by_day = f"/enti/contracts/{cast.contract}/called-back", (*["09:00-20:00"] * 6, "")
    assert written() == by_day
    assert admin.post(at, **{"day-0": "9-13, 15-18", "day-6": "0-24"})[0] == 204
    assert written() == ("09:00-13:00, 15:00-18:00", "", "", "", "", "", "00:00-24:00")
    status, text = admin.post(at, **{"day-0": "di mattina"})
    assert (status, set(json.loads(text)["fields"])) == (422, {"day-0"})
    assert admin.post(at)[0] == 204
    assert written() == by_day
    assert admin.post(f"/enti/contracts/{cast.other_contract}/called-back", **{"day-0": "9-13"})[0] == 403


@pytest.mark.parametrize(
    ("path", "fields", "wrong"),
    [
        ("identity", EMPOLI | {"istat_code": "1"}, "istat_code"),
        ("identity", EMPOLI | {"cadastral_code": "M059"}, "cadastral_code"),
        ("hours/{contract}", {"day-3": "boh"}, "day-3"),
        ("special/{contract}", {"day": "domani"}, "day"),
        ("special/{contract}", {"day": "2026-12-24", "hours": "9-12, 14-16"}, "hours"),
        ("offices", {"name": "URP", "address": "Via Roma", "phone": "12"}, "phone"),
        ("offices", {"name": "URP", "address": "Via Roma", "email": "urp"}, "email"),
        ("offices", {"address": "Via Roma"}, "name"),
        ("ways", {"ways": "x" * 201}, "ways"),
    ],
)
def test_what_is_wrong_stands_at_its_field(
    admin: Browser, cast: Cast, path: str, fields: dict[str, str], wrong: str
) -> None:
    status, text = admin.post(f"/enti/{cast.empoli}/{path.format(contract=cast.contract)}", **fields)
    assert (status, list(json.loads(text)["fields"])) == (422, [wrong])


def test_a_logo_is_a_picture_and_served_as_nothing_else(admin: Browser, cast: Cast) -> None:
    at = f"/enti/{cast.empoli}/logo"
    client = admin.client
    assert client.get(at).status_code == 404
    for content, status in ((b"<svg/>", 422), (png(80, 90), 204)):
        assert client.post(at, files={"logo": content}, headers=admin.headers).status_code == status
    client.cookies.clear()
    answer = client.get(at)
    assert (answer.headers["content-type"], answer.content) == ("image/png", png(80, 90))
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_another_contracts_ente_is_not_administered(admin: Browser, cast: Cast) -> None:
    assert admin.client.get(f"/enti/{cast.siena}").status_code == 404
    for path in ("identity", "ways", "offices", f"hours/{cast.other_contract}", f"topics/{cast.contract}"):
        fields = EMPOLI if path == "identity" else {"name": "URP", "address": "Via Roma"}
        assert admin.post(f"/enti/{cast.siena}/{path}", **fields)[0] in {403, 404}, path
    assert admin.post(f"/enti/{cast.empoli}/hours/{cast.other_contract}", **{"day-1": "9-12"})[0] == 403
    assert admin.post(f"/enti/add/{cast.other_contract}", **EMPOLI)[0] == 403


def test_an_ente_under_another_contract_is_left_as_that_one_has_it(
    admin: Browser, cast: Cast, database: Database
) -> None:
    with database.begin(Scope.nothing()) as session:
        changed(session)
        session.add(ContractEnte(contract_id=cast.other_contract, ente_id=cast.empoli))
    for path, fields in {"hours": {"day-0": "9-12"}, "special": {"day": "2026-12-24"}, "topics": {}}.items():
        assert admin.post(f"/enti/{cast.empoli}/{path}/{cast.other_contract}", **fields)[0] == 403
        assert admin.post(f"/enti/{cast.empoli}/{path}/{cast.contract}", **fields)[0] == 204
    assert f"/hours/{cast.other_contract}" not in admin.get(f"/enti/{cast.empoli}")
    becomes(database, cast.sara, Role.ADMINISTRATOR, ente_id=cast.empoli)  # its own administrator: under whichever
    assert admin.post(f"/enti/{cast.empoli}/hours/{cast.other_contract}", **{"day-0": "9-12"})[0] == 204


def test_an_ente_is_put_under_a_second_contract_and_told_who_serves_it(
    admin: Browser, cast: Cast, database: Database
) -> None:
    assert "Comprendi un ente che c&#39;è già" not in admin.get("/enti")  # he has one contract, which covers them all
    at = f"/enti/cover/{cast.other_contract}"
    assert admin.post(at, ente=cast.empoli)[0] == 403
    with database.begin(Scope.nothing()) as session:
        begun = session.scalars(select(RoleGrant.valid_from).where(RoleGrant.user_id == cast.sara)).first()
        for user_id, role in ((cast.sara, Role.ADMINISTRATOR), (cast.luca, Role.DESK_CLERK)):
            grant = RoleGrant(user_id=user_id, role=role, contract_id=cast.other_contract, valid_from=begun)
            session.add(grant)
        session.execute(delete(RoleGrant).where(RoleGrant.user_id == cast.luca, RoleGrant.contract_id == cast.contract))
    both = Browser(admin.client, "sara", "/enti")
    assert f'<option value="{cast.empoli}">' in both.get("/enti")
    assert both.post(at, ente=cast.empoli)[0] == 204
    assert json.loads(both.post(at, ente=cast.empoli)[1])["fields"] == {
        "ente": "Questo contratto comprende già l'ente."
    }
    assert both.post(at, ente=10**9)[0] == 404
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        assert queries.contracts_of(session, cast.empoli) == {cast.contract, cast.other_contract}
        told = staff.notices(session, frozenset({cast.empoli}), limit=9)
        assert [(one.user_id, one.role) for one in told] == [(cast.luca, Role.DESK_CLERK)]  # Sara served it before
        noted = select(AuditEntry.actor_id).where(AuditEntry.kind == "ente.covered", AuditEntry.ente_id == cast.empoli)
        assert session.scalars(noted).all() == [cast.sara]


def test_a_contract_takes_no_ente_of_anothers(admin: Browser, cast: Cast) -> None:
    assert admin.post(f"/enti/cover/{cast.contract}", ente=cast.siena)[0] in {403, 404}
    assert "Comune 3" not in admin.get("/enti")


def test_a_new_ente_joins_the_contract(admin: Browser, cast: Cast, database: Database) -> None:
    new = EMPOLI | {"name": "Comune di Certaldo", "short_name": "Certaldo", "istat_code": "048012"}
    new |= {"cadastral_code": "C540", "codice_fiscale": "01310860489"}
    assert admin.post(f"/enti/add/{cast.contract}", **new)[0] == 204
    assert "Comune di Certaldo" in admin.get("/enti")


def test_nobody_else_administers(client: TestClient, cast: Cast) -> None:
    anna = Browser(client, "anna", "/proposals")
    assert client.get("/enti").status_code == 403
    assert anna.post(f"/enti/{cast.empoli}/ways", ways="A mano")[0] == 403
