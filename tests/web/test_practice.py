"""Practice on the console's page: marked everywhere, counted nowhere, and each trainee's own."""

import json
import re
from collections.abc import Iterator
from typing import Any, LiteralString, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from starlette.testclient import TestClient

from crm.core.db import Scope
from telephony.practice import service
from telephony.practice.people import EVERYBODY
from telephony.practice.stories import STORIES
from telephony.practice.story import StoryKey
from tests.cast import MARIO_MOBILE
from tests.databases import DatabaseUrls, PostgresServer
from tests.web.conftest import Desk, csrf_of, let_in, runtime_of
from web.edge.visits import COOKIE, visit_of
from web.practice import view

pytestmark = pytest.mark.integration

OWN = ("practice_session", "practice_debrief")  # what practice may write
SEEN = {"user_session": {"last_seen_at"}, "agent_presence": {"practising_since"}}
MARK = 'class="practice-mark"'
FORGOTTEN = """
    WITH gone AS (UPDATE practice_session SET touched_at = touched_at - interval '31 minutes')
    UPDATE agent_presence SET practising_since = practising_since - interval '31 minutes'
"""
REGIONS = ("band", "phone", "speech", "file", "talk", "foot")


class Booth:
    """Anna at practice."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.client = desk, desk.client
        self.press("begin")

    def press(self, path: str, **fields: Any) -> Any:
        return self.client.post(f"/practice/{path}", data=fields, headers=self.desk.headers)

    def rings(self, story: StoryKey) -> UUID:
        assert self.press("ring", story=story.value).status_code == 204
        return UUID(re.findall(r'data-call="([^"]+)"', self.page("band"))[0])

    def talks(self, story: StoryKey) -> UUID:
        call = self.rings(story)
        assert self.press("answer", call=call).status_code == 204
        assert self.press("say", call=call, choice="hello").status_code == 204
        return call

    def page(self, region: str = "") -> str:
        html = self.client.get("/practice").text
        return (
            re.split(r'<(?:section|header|footer|p) id="', html.split(f' id="{region}"', 1)[1])[0] if region else html
        )

    def identify(self, call: UUID, person: int) -> None:
        for question in ("name", "born"):
            self.press("say", call=call, choice=f"ask:{question}")
        assert self.press("identify", call=call, contact=person, right=["name", "born"]).status_code == 204


@pytest.fixture
def booth(desk: Desk) -> Booth:
    return Booth(desk)


@pytest.fixture
def superuser(postgres: PostgresServer, database_urls: DatabaseUrls) -> Iterator[psycopg.Connection[Any]]:
    """Sees everything, to know that nothing was written."""
    with psycopg.connect(postgres.dsn, dbname=database_urls.lent, autocommit=True) as connection:
        yield connection


def everything(superuser: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """Every row of every table, without practice's own and when somebody was seen."""
    tables = superuser.execute(
        "SELECT c.relname FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace"
    ).fetchall()
    found = {}
    for (name,) in tables:
        if name in OWN:
            continue
        query = sql.SQL(cast("LiteralString", "SELECT to_jsonb(t)::text FROM {} t")).format(sql.Identifier(name))
        rows = [json.loads(row) for (row,) in superuser.execute(query)]
        kept = ({key: value for key, value in row.items() if key not in SEEN.get(name, ())} for row in rows)
        found[name] = sorted(json.dumps(row, sort_keys=True) for row in kept)
    return found


def test_practice_is_counted_nowhere(desk: Desk, superuser: psycopg.Connection[Any]) -> None:
    """Rule: practice counts nowhere. Every row of every table but its own is as before."""
    desk.client.get("/practice")
    before = everything(superuser)
    assert len(before) > 100
    booth = Booth(desk)
    call = booth.talks(StoryKey.INSTALMENTS)
    booth.press("hold", call=call)
    booth.press("back", call=call)
    booth.press("search", q="finti")
    booth.press("propose", call=call, contact=2)
    booth.identify(call, 2)
    assert "€" in booth.client.get("/practice/positions/2").text
    booth.press("help", call=call)
    booth.press("draft", call=call, topic="instalments", note="Sta scrivendo")
    booth.press("promise", call=call)
    assert "Carla" in booth.client.get(f"/practice/whom/{call}").text
    booth.press("consult", call=call)
    booth.press("pass", call=call, topic="instalments", disposition="answered", note="Passata")
    saved = booth.press("wrap-up", call=call, topic="instalments", disposition="answered", note="x", next="ready")
    assert saved.status_code == 204
    card = booth.talks(StoryKey.CARD)
    for path in ("recording/pause", "recording/go-on", "recording/withdraw", "hang-up"):
        assert booth.press(path, call=card).status_code == 204
    booth.press("wrap-up", call=card, topic="payment", disposition="answered")
    desk.stage.engine.tally_agents()
    desk.stage.engine.fold_counters()
    during = everything(superuser)
    assert {name for name in before if before[name] != during[name]} == set()
    booth.press("end")
    after = everything(superuser)
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize("stands", ["start", "rings", "talks", "open", "written", "debrief"])
def test_each_fragment_and_the_title_say_that_it_is_practice(booth: Booth, stands: str) -> None:
    if stands == "rings":
        booth.rings(StoryKey.INSTALMENTS)
    elif stands != "start":
        call = booth.talks(StoryKey.INSTALMENTS)
        if stands != "talks":
            booth.identify(call, 2)
        if stands in {"written", "debrief"}:
            booth.press("hang-up", call=call)
        if stands == "debrief":
            booth.press("wrap-up", call=call, topic="instalments", disposition="will_pay", note="Paga oggi")
    assert "<title>PROVA · Console" in booth.page()
    assert {region for region in REGIONS if MARK not in booth.page(region)} == set()
    assert ("Com'è andata questa" in booth.page("file")) is (stands == "debrief")
    if stands == "open":
        assert "FINTI GINO" in booth.page("file")
        assert "355,50" in booth.page("file")
        assert MARK in booth.press("search", q="finti").text
    assert not re.search(r'hx-(?:get|post)="/(?:console|files|contacts|follow-ups|proposals|messages)/', booth.page())


def test_nobody_real_is_found_and_no_real_file_opens(booth: Booth) -> None:
    call = booth.talks(StoryKey.QUESTION)
    mario = booth.desk.stage.cast.mario
    for looked_for in ("bianchi", MARIO_MOBILE, "BNCMRA62A01D403X"):
        assert "BIANCHI" not in booth.press("search", q=looked_for).text
    assert booth.press("propose", call=call, contact=max(mario, 1000)).status_code == 409
    assert booth.client.get(f"/practice/positions/{mario}").status_code == 404
    assert booth.desk.press("identify", call=call, contact=mario).status_code in {404, 409}


def test_an_invented_file_stays_closed_until_its_person_is_identified(booth: Booth) -> None:
    call = booth.talks(StoryKey.INSTALMENTS)
    assert "€" not in booth.page("file")
    assert booth.client.get("/practice/positions/2").status_code == 404
    refused = booth.press("identify", call=call, contact=2, right=["name"])
    assert (refused.status_code, refused.json()["fields"].keys()) == (422, {"right"})
    assert booth.press("identify", call=call, contact=2, right=["name", "born"], speaker="new").status_code == 409
    booth.identify(call, 2)
    assert "€" in booth.page("file")


def test_what_is_missing_in_the_notes_is_said_as_in_a_real_call(booth: Booth) -> None:
    call = booth.talks(StoryKey.QUESTION)
    assert booth.press("wrap-up", call=call, topic="other", disposition="answered").status_code == 409
    booth.press("hang-up", call=call)
    refused = booth.press("wrap-up", call=call, topic="other")
    assert (refused.status_code, refused.json()["fields"]) == (422, {"disposition": "Scegli l'esito."})


def test_the_debrief_is_kind_leads_on_and_is_the_trainees_alone(booth: Booth) -> None:
    call = booth.talks(StoryKey.INSTALMENTS)
    booth.press("say", call=call, choice="early")
    booth.press("hang-up", call=call)
    booth.press("wrap-up", call=call, topic="instalments", disposition="answered", note="x")
    told = booth.page("file")
    assert "prima, nemmeno che esiste" in told
    assert "Hai detto il tuo nome" in told
    assert 'href="/knowledge"' in told
    assert 'value="question"' in told  # which comes next
    cast = booth.desk.stage.cast
    let_in(booth.client, "sara")
    for path in ("/supervision", "/operators", f"/operators/{cast.anna}", "/quality", "/staffing"):
        page = booth.client.get(path).text
        assert "prima, nemmeno che esiste" not in page
        assert "A che punto sono" not in page
    assert "con chiamate simulate" in booth.client.get("/operators").text
    assert "Hai già finito" not in booth.client.get("/practice").text  # hers is another


def test_the_real_console_says_so_and_refuses_to_be_ready(booth: Booth) -> None:
    console = booth.desk.page("band")
    assert 'href="/practice"' in console
    assert 'id="go-ready"' not in console
    assert booth.desk.press("state", state="ready").status_code == 409
    assert booth.press("end").headers["hx-redirect"] == "/console"
    assert booth.desk.press("state", state="ready").status_code == 204
    assert "Comincia la prova" in booth.page()  # another tab, shown anew


def test_a_page_that_is_open_says_when_its_practice_has_ended(booth: Booth) -> None:
    booth.talks(StoryKey.QUESTION)
    runtime = runtime_of(booth.client)
    runtime.database.transact(Scope.nothing(), lambda session: session.execute(text(FORGOTTEN)))
    runtime.database.transact(Scope.nothing(), service.tidy)
    visit = visit_of(runtime, booth.client.cookies.get(COOKIE))
    assert visit is not None
    regions = view.render(runtime, visit).regions
    assert "Dopo mezz'ora" in regions["file"]
    assert 'hx-post="/practice/begin"' in regions["file"]
    assert "<button" not in regions["band"]
    assert {one for one, html in regions.items() if MARK not in html} == set()


def test_a_supervisor_puts_somebody_in_training_and_the_console_leads_him_to_practice(desk: Desk) -> None:
    anna = desk.stage.cast.anna
    desk.sit_down("sara")
    pressed = desk.client.post(f"/operators/{anna}/training", data={"on": "true"}, headers=desk.headers)
    assert pressed.status_code == 204
    assert "È in formazione" in desk.client.get(f"/operators/{anna}").text
    assert "In formazione" in desk.client.get("/operators").text
    desk.sit_down("anna")
    band = desk.page("band")
    assert 'href="/practice"' in band
    assert 'id="go-ready"' not in band
    refused = desk.client.post(f"/operators/{anna}/training", data={"on": "false"}, headers=desk.headers)
    assert refused.status_code == 403  # not by herself


def test_a_forged_call_a_forged_story_and_a_forged_form_change_nothing(booth: Booth) -> None:
    call = booth.talks(StoryKey.QUESTION)
    assert booth.press("hang-up", call=uuid4()).status_code == 409
    assert booth.press("say", call=call, choice="late").status_code == 409
    assert booth.press("ring", story="nonsense").status_code == 422
    assert booth.client.post("/practice/hang-up", data={"call": str(call)}).status_code == 403
    assert "Siete in linea" in booth.page("phone")


def test_another_agent_sees_his_own_practice_and_not_annas(booth: Booth) -> None:
    call = booth.talks(StoryKey.INSTALMENTS)
    let_in(booth.client, "luca")
    headers = {"X-CSRF-Token": csrf_of(booth.client)}
    assert "Comincia la prova" in booth.page()
    assert booth.client.post("/practice/hang-up", data={"call": str(call)}, headers=headers).status_code == 409
    assert booth.client.get("/practice/positions/2").status_code == 404
    booth.client.post("/practice/begin", headers=headers)
    assert "Gino" not in booth.page()


def test_whoever_does_not_answer_calls_does_not_practise(client: TestClient) -> None:
    let_in(client, "vera")
    headers = {"X-CSRF-Token": csrf_of(client)}
    assert client.get("/practice").status_code == 403
    assert client.get("/practice/device").status_code == 403
    for path in ("begin", "end", "ring", "forget", "device"):
        assert client.post(f"/practice/{path}", headers=headers).status_code == 403


def test_it_can_be_practised_in_english_too(booth: Booth) -> None:
    booth.client.post("/language", data={"language": "en", "back": "/"}, headers=booth.desk.headers)
    booth.talks(StoryKey.INSTALMENTS)
    page = booth.page()
    assert "<title>PRACTICE" in page
    assert "Ask two of the questions" in page
    assert 'lang="it">Sono Gino Finti' in page  # the callers speak Italian


def test_each_persons_story_is_his_own() -> None:
    assert {story.person for story in STORIES.values()} == set(EVERYBODY)
