"""The access log's page: who looked at whom, bounded to one's own enti; unusual reading is raised and explained."""

import csv
import html
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from crm.access import service as access
from crm.access.models import Role, RoleGrant, User
from crm.access.permissions import Principal
from crm.access.service import Browser
from crm.audit import queries, searches, watch
from crm.audit import service as audit
from crm.audit.models import AuditEntry, SearchTally
from crm.audit.queries import Wanted
from crm.audit.unusual import Limits
from crm.contacts.models import Contact
from crm.core import clock
from crm.core.db import Database, Scope
from crm.core.errors import ForbiddenError
from tests.cast import Cast, principal_of
from tests.web.conftest import csrf_on, sign_in
from web.wiring import Runtime

pytestmark = pytest.mark.integration


@pytest.fixture
def approvers(runtime: Runtime, database: Database, cast: Cast) -> dict[str, int]:
    """Piera approves for Empoli, Silvio for Siena."""
    made = {}
    with database.begin(Scope.nothing()) as session:
        password = session.scalars(select(User.password_hash).where(User.id == cast.sara)).one()
        for name, ente in (("piera", cast.empoli), ("silvio", cast.siena)):
            user = User(username=name, name=name.title(), password_hash=password)
            session.add(user)
            session.flush()
            made[name] = user.id
            since = datetime(2020, 1, 1, tzinfo=UTC)
            grant = {"user_id": user.id, "role": Role.ENTE_APPROVER, "ente_id": ente, "valid_from": since}
            session.execute(insert(RoleGrant).values(grant))
    return made


def opens(database: Database, by: int, cast: Cast, contact: int, ente: int, **more: Any) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        who = Principal(by, "", "it", frozenset(), place="192.0.2.7 · Firefox")
        audit.note(session, who, kind="file.opened", ente_id=ente, contact_id=contact, **more)


def entries(database: Database, cast: Cast, kind: str) -> list[AuditEntry]:
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci, cast.siena])) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.kind == kind).order_by(AuditEntry.id)))


def minute_over(database: Database, cast: Cast) -> None:
    """A minute after somebody began to search."""
    with database.begin(Scope.of_enti([cast.empoli, cast.vinci])) as session:
        session.execute(update(SearchTally).values(since=SearchTally.since - searches.MINUTE))
    assert searches.close(database) == 1


def test_an_approver_sees_who_looked_at_his_taxpayers_and_at_no_other(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    opens(database, cast.anna, cast, cast.mario, cast.empoli, reason="allo sportello")
    opens(database, cast.anna, cast, cast.mario, cast.empoli, reason="case_check: rata 3")
    opens(database, cast.anna, cast, cast.gina, cast.vinci)
    sign_in(client, "piera")
    shown = client.get("/access-log").text
    assert "Verifica di una posizione: rata 3" in shown
    assert "MARIO BIANCHI" in shown
    assert "allo sportello" in shown
    assert "192.0.2.7 · Firefox" in shown
    assert "GINA NERI" not in shown
    sign_in(client, "silvio")
    assert "MARIO" not in client.get("/access-log").text


@pytest.mark.parametrize("path", ["/access-log", "/access-log.csv"])
def test_a_forged_ente_or_contact_shows_nothing(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast, path: str
) -> None:
    opens(database, cast.anna, cast, cast.gina, cast.vinci, reason="segreto")
    sign_in(client, "piera")
    assert "segreto" not in client.get(path, params={"ente": cast.vinci}).text
    assert client.get(path, params={"contact": cast.gina}).status_code == 404
    assert client.get(path, params={"ente": "1 OR 1=1", "after": "x~y", "user": "²"}).status_code == 200


@pytest.mark.parametrize(
    ("choice", "status"),
    [
        ({"until": "9999-12-31"}, 422), ({"since": "0001-01-01"}, 422), ({"since": "domani"}, 422),
        ({"after": "2026-01-01~" + "9" * 30}, 200), ({"after": "2026-01-01~" + "9" * 5000}, 200),
    ],
)  # fmt: skip
def test_days_at_the_ends_of_the_calendar_are_asked_for_again(
    client: TestClient, approvers: dict[str, int], choice: dict[str, str], status: int
) -> None:
    sign_in(client, "piera")
    assert client.get("/access-log", params=choice).status_code == status


@pytest.mark.parametrize("name", ["anna", "vera"])
def test_whoever_may_not_read_the_log_does_not(client: TestClient, runtime: Runtime, name: str) -> None:
    sign_in(client, name)
    for path in ("/access-log", "/access-log.csv"):
        assert client.get(path).status_code == 403


def test_whoever_looks_a_person_up_is_in_the_log(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    sign_in(client, "piera")
    token = csrf_on(client, "/access-log")
    found = client.post("/access-log/search", data={"q": "bianchi"}, headers={"x-csrf-token": token})
    assert f'href="/access-log?contact={cast.mario}"' in found.text
    anywhere = {"after": "2999-01-01T00:00:00+00:00~1"}
    assert client.get("/access-log", params={"contact": cast.mario, **anywhere}).status_code == 200
    assert client.get("/access-log", params={"contact": cast.mario}).status_code == 200  # within the minute
    client.get("/access-log.csv")
    minute_over(database, cast)
    (searched,), (read,) = entries(database, cast, "file.searched"), entries(database, cast, "log.read")
    assert searched.detail["after"] == {"searches": 1, "found": 1}
    assert "bianchi" not in str(searched.detail).lower()
    assert (read.contact_id, read.actor_id) == (cast.mario, approvers["piera"])
    assert [one.actor_id for one in entries(database, cast, "log.exported")] == [approvers["piera"]]


def test_the_log_is_turned_page_by_page_without_a_gap(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        who = Principal(cast.anna, "", "it", frozenset())
        for number in range(120):
            audit.note(session, who, kind="feed.sent", ente_id=cast.empoli, subject=f"flusso-{number}.")
    sign_in(client, "piera")
    seen, path = [], "/access-log"
    while path:
        text = client.get(path).text
        seen += [part.split(".")[0] for part in text.split("flusso-")[1:]]
        path = (
            text.split('" rel="next"')[0].rsplit('href="', 1)[1].replace("&amp;", "&") if 'rel="next"' in text else ""
        )
    assert seen == [str(number) for number in reversed(range(120))]


def test_wrong_dates_are_told_at_their_field(client: TestClient, approvers: dict[str, int]) -> None:
    sign_in(client, "piera")
    for params in ({"since": "ieri"}, {"since": "2026-05-02", "until": "2026-05-01"}):
        assert client.get("/access-log", params=params).status_code == 422


def test_what_people_are_called_neither_runs_in_a_page_nor_in_a_spreadsheet(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    formula = '=HYPERLINK("http://evil.example";"<script>alert(1)</script>")'
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        session.get_one(Contact, cast.mario).surname = formula
    opens(database, cast.anna, cast, cast.mario, cast.empoli, reason="@SUM(1+1)", after={"<b>": "+39"})
    sign_in(client, "piera")
    assert "<script>alert" not in client.get("/access-log").text
    answer = client.get("/access-log.csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    cells = [cell for row in rows for cell in row]
    assert "'@SUM(1+1)" in cells
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


# -- unusual reading ----------------------------------------------------------------------------------------------


def test_many_files_without_a_call_are_raised_and_explained_by_another(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    limits = Limits(hour=1, day=9, least=9)
    for contact, ente in ((cast.mario, cast.empoli), (cast.gina, cast.vinci)):
        opens(database, cast.anna, cast, contact, ente)
    assert watch.look(database, limits) == 2  # one for each ente
    assert watch.look(database, limits) == 0
    sign_in(client, "piera")
    shown = client.get("/access-log").text
    assert "2 fascicoli aperti senza una chiamata" in shown
    which = html.unescape(next(one for one in re.findall(r'href="([^"]+)"', shown) if "uncalled" in one))
    assert f"ente={cast.empoli}&" in which
    in_call = "22222222-0000-4000-8000-000000000000"
    opens(database, cast.anna, cast, cast.mario, cast.empoli, reason="in chiamata", call_id=UUID(in_call))
    opens(database, cast.anna, cast, cast.mario, cast.empoli, reason="curiosa")
    found = client.get(which).text
    assert "curiosa" in found
    assert "in chiamata" not in found.split('class="log-lines"')[1]
    with database.begin(Scope.of_enti([cast.empoli])) as session:
        piera, anna = principal_of(session, approvers["piera"]), principal_of(session, cast.anna)
        (alert,) = watch.alerts(session, piera)
        with pytest.raises(ForbiddenError):
            watch.alerts(session, anna)
    token = csrf_on(client, "/access-log")
    empty = client.post(f"/access-log/alerts/{alert.id}", data={"explanation": " "}, headers={"x-csrf-token": token})
    assert empty.status_code == 422
    said = {"explanation": "Campagna di richiamo autorizzata"}
    assert client.post(f"/access-log/alerts/{alert.id}", data=said, headers={"x-csrf-token": token}).status_code == 204
    assert "Campagna di richiamo autorizzata" in client.get("/access-log").text
    sign_in(client, "silvio")
    token = csrf_on(client, "/access-log")
    theirs = client.post(f"/access-log/alerts/{alert.id}", data=said, headers={"x-csrf-token": token})
    assert theirs.status_code == 404


def test_whoever_reads_by_searching_alone_is_raised_too(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    sign_in(client, "anna")
    token = csrf_on(client, "/files")
    for typed in ("bi", "bia", "bian"):
        client.post("/files/search", data={"q": typed}, headers={"x-csrf-token": token})
    assert watch.look(database, Limits(searches=2)) == 0  # he may go on typing
    minute_over(database, cast)
    assert watch.look(database, Limits(searches=3)) == 0
    assert watch.look(database, Limits(searches=2)) == 1  # for Empoli, whose taxpayer he was shown
    assert watch.look(database, Limits(searches=2)) == 0
    sign_in(client, "piera")
    shown = client.get("/access-log").text
    assert "3 ricerche tra i contribuenti" in shown
    assert f"user={cast.anna}&amp;since=" in shown
    assert "kind=file.searched" in shown
    sign_in(client, "silvio")
    assert "ricerche tra i contribuenti" not in client.get("/access-log").text


def test_files_opened_in_a_call_are_nobodys_curiosity(database: Database, cast: Cast) -> None:
    from uuid import uuid4  # noqa: PLC0415

    for contact, ente in ((cast.mario, cast.empoli), (cast.gina, cast.vinci)):
        opens(database, cast.anna, cast, contact, ente, call_id=uuid4())
    assert watch.look(database, Limits(hour=1, day=1, least=1)) == 0


def test_a_supervisor_does_not_explain_himself(database: Database, cast: Cast) -> None:
    for contact, ente in ((cast.mario, cast.empoli), (cast.gina, cast.vinci)):
        opens(database, cast.sara, cast, contact, ente)
    watch.look(database, Limits(hour=1))
    with database.begin(Scope.of_contract(cast.contract)) as session:
        sara = principal_of(session, cast.sara)
        alert = watch.alerts(session, sara)[0]
        with pytest.raises(ForbiddenError):
            watch.explain(session, sara, alert_id=alert.id, explanation="ero io")


def test_a_long_period_is_read(client: TestClient, approvers: dict[str, int], database: Database, cast: Cast) -> None:
    opens(database, cast.anna, cast, cast.mario, cast.empoli)
    sign_in(client, "piera")
    long_ago = (datetime.now(UTC) - timedelta(days=700)).date().isoformat()
    assert "MARIO BIANCHI" in client.get("/access-log", params={"since": long_ago, "kind": "file.opened"}).text


def test_who_came_in_who_failed_to_and_who_left_is_in_the_log(
    client: TestClient, database: Database, cast: Cast
) -> None:
    form = client.get("/sign-in").text
    for username in ("anna", "nobody"):  # a name that nobody has says nothing about anybody
        token = re.findall(r'name="csrf" value="([^"]+)"', form)[0]
        wrong = client.post("/sign-in", data={"username": username, "password": "segreta", "csrf": token})
        assert wrong.status_code == 401
        form = wrong.text
    sign_in(client, "anna")
    token = csrf_on(client, "/console")
    for _ in range(2):  # choosing what is chosen already changes nothing
        client.post("/language", data={"language": "en"}, headers={"x-csrf-token": token})
    client.post("/sign-out", headers={"x-csrf-token": token})
    with database.begin(Scope.nothing()) as session:
        of_anna = AuditEntry.detail["subject"].astext == f"user:{cast.anna}"
        noted = session.scalars(select(AuditEntry).where(of_anna).order_by(AuditEntry.id)).all()
        assert session.scalars(select(AuditEntry).where(AuditEntry.kind == "user.sign_in_failed")).all() == noted[:1]
    assert [one.kind for one in noted] == [
        "user.sign_in_failed", "user.signed_in", "user.language_chosen", "user.signed_out",
    ]  # fmt: skip
    assert all(one.place for one in noted)
    assert "segreta" not in str([one.detail for one in noted])


def test_what_is_of_no_ente_is_read_by_whose_contract_it_is(
    client: TestClient, approvers: dict[str, int], database: Database, cast: Cast
) -> None:
    """Silvio is Siena's; Luca worked for the contract until last year; Siena's hours are its own contract's."""
    with database.begin(Scope.nothing()) as session:
        session.execute(update(RoleGrant).where(RoleGrant.user_id == cast.luca).values(valid_to=clock.now(session)))
        for user in (cast.anna, cast.luca, approvers["piera"], approvers["silvio"]):
            access.failed(session, user_id=user, browser=Browser("192.0.2.7"))
        for contract in (cast.contract, cast.other_contract):
            audit.note(session, None, kind="hours.changed", ente_id=None, subject=f"contract:{contract}")
        sara, piera = (principal_of(session, one) for one in (cast.sara, approvers["piera"]))

        def read(by: Principal) -> set[tuple[str, str]]:
            entries = queries.page(session, by, queries.readable(session, by))
            return {(one.kind, one.subject) for one in entries}

        mine = (cast.anna, cast.luca, approvers["piera"])
        assert read(sara) == {("user.sign_in_failed", f"user:{one}") for one in mine} | {
            ("hours.changed", f"contract:{cast.contract}")
        }
        assert read(piera) == set()
        theirs = Wanted(frozenset(), contracts=frozenset({cast.other_contract}))
        with pytest.raises(ForbiddenError):
            queries.page(session, sara, theirs)


def test_a_search_is_one_entry_while_somebody_types(client: TestClient, database: Database, cast: Cast) -> None:
    """With how many he was shown in all; neither what he typed nor whom he found."""
    sign_in(client, "anna")
    token = csrf_on(client, "/console")
    for typed in ("bia", "bian", "bianchi"):
        client.post("/console/search", data={"q": typed}, headers={"x-csrf-token": token})
    client.post("/files/search", data={"q": "nessuno di questi"}, headers={"x-csrf-token": token})
    assert searches.close(database) == 0  # he may go on typing
    minute_over(database, cast)
    (searched,) = entries(database, cast, "file.searched")
    assert searched.place
    assert (searched.actor_id, searched.ente_id, searched.contact_id) == (cast.anna, cast.empoli, None)
    assert searched.detail == {"subject": "", "before": {}, "after": {"searches": 3, "found": 3}}


def test_contacts_opened_without_a_call_count_as_files_do(database: Database, cast: Cast) -> None:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        who = Principal(cast.anna, "", "it", frozenset())
        for contact, ente in ((cast.mario, cast.empoli), (cast.gina, cast.vinci)):
            for kind in ("contact.opened", "file.opened"):
                audit.note(session, who, kind=kind, ente_id=ente, contact_id=contact)
    assert watch.look(database, Limits(hour=2, day=2, least=2)) == 0
    assert watch.look(database, Limits(hour=1, day=100, least=100)) == 2  # one for each ente
