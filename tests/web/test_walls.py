"""A screen on a wall: figures for whoever has its link, and nothing of anybody; revoked, it is gone."""

import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from starlette.websockets import WebSocketDisconnect

from crm.access.models import Role, RoleGrant
from crm.audit.models import AuditEntry
from crm.core import clock, links
from crm.core.configuration import changed
from crm.core.db import Database, Scope
from telephony.queues.models import Queue
from telephony.walls import queries, service
from telephony.walls.models import Wall, WallPage
from tests.cast import Cast, make_ready
from tests.telephony.stage import Stage, build
from tests.web.conftest import csrf_of, in_a_loop, let_in, runtime_of
from web.live.devices import REVOKED, DeviceWatch
from web.walls.sheets import ON_A_SHEET, sheets

pytestmark = pytest.mark.integration
LINK = re.compile(r'value="http://testserver(/wall/[\w-]+)"')


@pytest.fixture
def stage(database: Database, cast: Cast) -> Stage:
    return build(database, cast)


def hangs(client: Any, cast: Cast, **fields: Any) -> str:
    """Sara makes a link."""
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    usual = {"name": "Sala", "pages": ["now", "levels", "queues", "enti"], "seconds": "20", "look": "dark"}
    answer = client.post(f"/walls/{cast.contract}", data={**usual, **fields}, headers=headers)
    found = LINK.search(answer.text)
    assert found, answer.text
    assert 'hx-target="#hung-' in answer.text  # the list below has it at once
    assert "mai aperto" in answer.text
    client.cookies.clear()
    return found[1]


def test_whoever_has_the_link_sees_figures_and_nobody_s_name(client: Any, stage: Stage) -> None:
    cast = stage.cast
    make_ready(stage.database, cast.anna)
    stage.talks(stage.queues())
    stage.queues("+393480000011", sid="CA2")
    link = hangs(client, cast)
    answer = client.get(link)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert (answer.headers["x-robots-tag"], answer.headers["referrer-policy"]) == ("noindex", "no-referrer")
    page = answer.text
    for figure in ("In attesa", "Empoli", "Livelli di servizio"):
        assert figure in page
    for somebody in ("anna", "Anna", "BIANCHI", "MARIO", "+39", "393480000001"):
        assert somebody not in page
    with stage.database.begin(Scope.nothing()) as session:
        row = session.scalars(select(Wall)).one()
        assert link.rpartition("/")[2] not in str({**vars(row)})
        assert row.token_hash == links.hashed(link.rpartition("/")[2])


def test_a_room_shows_its_own_queues_and_enti(client: Any, stage: Stage) -> None:
    cast = stage.cast
    stage.queues()
    page = client.get(hangs(client, cast, ente=[cast.vinci], queue=[cast.notices], language="en")).text
    assert "Empoli" not in page
    assert "Vinci" in page
    assert "Waiting" in page
    everything = client.get(hangs(client, cast)).text
    assert "Empoli" in everything


def test_a_link_that_is_wrong_or_revoked_opens_nothing(client: Any, cast: Cast, database: Database) -> None:
    link = hangs(client, cast)
    for wrong in ("/wall/x", "/wall/" + "A" * 43, "/wall/" + "A" * 4000):
        assert client.get(wrong).status_code == 404
    socket = f"/ws{link}"
    with client.websocket_connect(socket) as live:
        assert "wall" in live.receive_text()
        let_in(client, "sara")
        headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
        with database.begin(Scope.nothing()) as session:
            (room,) = queries.rooms(session, frozenset({cast.contract}))
        assert client.post(f"/walls/{room.id}/revoke", headers=headers).status_code == 204
    assert client.get(link).status_code == 404
    with pytest.raises(WebSocketDisconnect) as closed, client.websocket_connect(socket) as live:
        live.receive_text()
    assert closed.value.code == REVOKED
    with database.begin(Scope.of_contract(cast.contract)) as session:
        kinds = set(session.scalars(select(AuditEntry.kind)))
    assert {"wall.hung", "wall.revoked"} <= kinds


def test_who_revokes_is_asked_first_and_told_which_screen_goes_dark(
    client: Any, cast: Cast, database: Database
) -> None:
    hangs(client, cast, name='Sala "B" <1>')
    let_in(client, "sara")

    def asked() -> str:
        (found,) = re.findall(r'hx-confirm="([^"]*)"', client.get("/walls").text)
        return unescape(found)

    assert 'Revocare il collegamento di «Sala "B" <1>»? Nessuno schermo' in asked()
    with database.begin(Scope.nothing()) as session:
        service.still_there(session, session.scalars(select(Wall.id)).all())
    assert "si spegne entro pochi secondi" in asked()


def test_screens_that_are_on_are_seen_and_those_revoked_go_dark(client: Any, cast: Cast, database: Database) -> None:
    token = hangs(client, cast).rpartition("/")[2]
    with database.begin(Scope.nothing()) as session:
        room = queries.opened(session, token)
        assert room is not None
        assert queries.least_seen(session, cast.contract) is None
    closed: list[int] = []

    class Socket:
        async def close(self, code: int) -> None:
            closed.append(code)

    async def scenario() -> None:
        watch = DeviceWatch(runtime_of(client), service.still_there)
        watch.admit(Socket(), room.id)  # type: ignore[arg-type]
        await watch.look()
        assert not closed
        with database.begin(Scope.nothing()) as session:
            assert queries.least_seen(session, cast.contract) is not None
            session.get_one(Wall, room.id).revoked_at = clock.now(session)
        await watch.look()

    in_a_loop(scenario())
    assert closed == [REVOKED]


def test_who_may_not_hang_or_revoke(client: Any, cast: Cast, database: Database) -> None:
    hangs(client, cast)
    with database.begin(Scope.nothing()) as session:
        (room,) = queries.rooms(session, frozenset({cast.contract}))
        row = {"user_id": cast.luca, "role": Role.SUPERVISOR, "contract_id": cast.other_contract}
        session.execute(insert(RoleGrant), [{**row, "valid_from": clock.now(session)}])
    for username, status in (("anna", 403), ("luca", 404)):
        client.cookies.clear()
        let_in(client, username)
        headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
        assert client.post(f"/walls/{room.id}/revoke", headers=headers).status_code == status
        fields = {"name": "Sala", "pages": ["now"], "seconds": "20"}
        assert client.post(f"/walls/{cast.contract}", data=fields, headers=headers).status_code == 403
        foreign = client.post(
            f"/walls/{cast.other_contract}", data={**fields, "queue": [cast.notices]}, headers=headers
        )
        assert foreign.status_code in {403, 422}
    client.cookies.clear()
    let_in(client, "sara")
    headers = {"X-CSRF-Token": csrf_of(client), "HX-Request": "true"}
    for wrong, field in (({"name": " "}, "name"), ({"seconds": "1"}, "seconds"), ({"pages": []}, "pages")):
        fields = {"name": "Sala", "pages": ["now"], "seconds": "20", **wrong}
        answer = client.post(f"/walls/{cast.contract}", data=fields, headers=headers)
        assert list(answer.json()["fields"]) == [field]


def test_whatever_there_is_comes_by_on_a_wall(client: Any, stage: Stage) -> None:
    """Twenty queues and eleven enti more than a screen holds; and who gave up, and who is owed a call."""
    cast = stage.cast
    names = [f"Coda {n:02}" for n in range(20)]
    with stage.database.begin(Scope.nothing()) as session:
        first = session.get_one(Queue, cast.operator)
        same = {one.name: getattr(first, one.name) for one in Queue.__table__.columns if one.name != "id"}
        changed(session)
        session.add_all(Queue(**{**same, "name": name, "menu_digit": None, "menu_label": None}) for name in names)
    gave_up = stage.queues(sid="CA1")
    stage.caller_leaves(gave_up, after=30)
    page = client.get(hangs(client, cast)).text
    for name in names:
        assert page.count(f">{name}<") == 1
    assert "3 di 3" in page
    assert page.count('data-wall-page="queues"') == 3
    assert 'data-wall-page="now" data-part="1"' in page
    today = page[page.index("Oggi") :]
    for words in ("abbandoni", "da richiamare", "risposte"):
        assert words in today
    assert '<strong class="num">1</strong> abbandoni' in page


@given(st.lists(st.sampled_from(WallPage), unique=True), st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_no_row_of_a_wall_is_left_out_and_none_comes_twice(
    pages: list[WallPage], levels: int, queues: int, enti: int
) -> None:
    rows = {WallPage.LEVELS: range(levels), WallPage.QUEUES: range(queues), WallPage.ENTI: range(enti)}
    found = sheets(pages, rows)
    for page in pages:
        mine = [one for one in found if one.page is page]
        assert [one.number for one in mine] == list(range(1, mine[0].of + 1))
        assert [row for one in mine for row in one.rows] == list(rows.get(page, ()))
        assert all(len(one.rows) <= ON_A_SHEET.get(page, 0) for one in mine)
