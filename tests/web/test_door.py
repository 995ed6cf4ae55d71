"""The page of the doors: what it says and is told over HTTP, and who may."""

import gzip
import json
from base64 import b64decode
from dataclasses import asdict
from datetime import timedelta
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from crm.access.models import Role, RoleGrant, User
from crm.core import clock
from crm.core.db import Database, Scope
from outbound.field.agents import files, photos
from outbound.field.agents.models import FieldAgent
from outbound.field.practices.models import Practice
from outbound.field.rounds.lifecycle import PlanState
from outbound.field.rounds.models import PublishedRound, PublishedStop, RoundPlan
from outbound.field.rounds.settings import Settings
from outbound.field.visits import devices
from outbound.field.visits.codes import code_of
from outbound.field.visits.models import FieldAlarm, FieldDevice, FieldWords, Visit
from tests.cast import Cast, add_contact
from tests.outbound.field.people import a_mandate, a_practice, an_agent, approved
from tests.web.conftest import csrf_of, let_in, runtime_of

pytestmark = pytest.mark.integration


class Telephone:
    """Fabio's telephone, registered, with Mario's practice."""

    def __init__(self, client: TestClient, database: Database, cast: Cast) -> None:
        self.client, self.database, self.cast = client, database, cast
        let_in(client, "fabio")
        made = self.post("devices", {"name": "Il mio"})
        self.token, self.id = made.json()["token"], made.json()["id"]

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        csrf = {"X-CSRF-Token": csrf_of(self.client)} if self.client.cookies else {}
        return self.client.post(f"/door/{path}", json=body, headers={**csrf, **headers})

    def packet(self) -> Any:
        return self.post("packet", {}, **{"X-Door-Token": self.token})

    def sends(self, *entries: dict[str, Any], **more: Any) -> Any:
        body = {"touch": self.now(), "entries": entries, "alarms": [], "asked": [], **more}
        return self.post("outbox", body, **{"X-Door-Token": self.token})

    def now(self, ago: timedelta = timedelta()) -> dict[str, Any]:
        with self.database.begin(Scope.nothing()) as session:
            return {"at": (clock.now(session) - ago).isoformat(), "run": "one", "elapsed": 10**7}

    def visit(self, stop: dict[str, Any], outcome: str = "absent") -> dict[str, Any]:
        deeds = [{"deed": "arrived"}, {"deed": "nobody"}, {"deed": "outcome", "outcome": outcome}, {"deed": "left"}]
        return {
            "id": str(uuid4()), "ente": stop["ente"], "practice": stop["practice"], "mandate": stop["mandate"],
            "sequence": 1, "deeds": [{**one, **self.now()} for one in deeds], "position": None, "details": {},
            "files": [], **self.now(),
        }  # fmt: skip


@pytest.fixture
def telephone(client: TestClient, database: Database, cast: Cast) -> Telephone:
    with database.begin(Scope.of_contract(cast.contract)) as session:
        fabio = User(username="fabio", name="Fabio Lotti")
        session.add(fabio)
        session.flush()
        session.execute(
            insert(RoleGrant).values(
                user_id=fabio.id, role=Role.FIELD_AGENT, contract_id=cast.contract, valid_from=clock.now(session)
            )
        )
        agent = an_agent(session, fabio.id, cast.sara)
        approved(session, cast.empoli, agent, cast.sara)
        practice = a_practice(session, cast.empoli, cast.mario, cast.sara)
        mandate = a_mandate(session, practice, agent, cast.sara)
        today = clock.business_day(clock.now(session))
        mandate.valid_from, mandate.valid_to = today, today + timedelta(days=9)
    return Telephone(client, database, cast)


def test_a_field_agent_begins_at_the_doors_and_his_page_says_nothing_of_anybody(telephone: Telephone) -> None:
    telephone.packet()
    assert telephone.client.get("/").headers["location"] == "/door"
    page = telephone.client.get("/door")
    assert "BIANCHI" not in page.text.upper()
    assert csrf_of(telephone.client) not in page.text
    assert "geolocation=(self)" in page.headers["permissions-policy"]


def test_the_packet_is_small_pressed_and_has_what_the_door_needs(telephone: Telephone) -> None:
    answer = telephone.packet()
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    (stop,) = told["stops"]
    assert (stop["name"], stop["place"], stop["left"]) == ("MARIO BIANCHI", "Via Roma 1, 50053 Empoli", 3)
    assert set(told["table"]) == {"order", "entitled", "named", "given_at", "after_told"}
    assert told["enti"][str(stop["ente"])]["phone"] == "+390571000001"
    assert "codice_fiscale" not in answer.text
    assert "BNCMRA62A01D403X" not in answer.text


def test_the_packet_has_the_badge_s_photo_and_the_page_has_none(telephone: Telephone) -> None:
    assert telephone.packet().json()["agent"]["photo"] is None
    drawn = BytesIO()
    Image.new("RGB", (600, 800), "#dfe7ee").save(drawn, "JPEG")
    content = photos.made(drawn.getvalue())
    with telephone.database.begin(Scope.of_contract(telephone.cast.contract)) as session:
        session.scalars(select(FieldAgent)).one().photo = files.keep(session, content)
    answer = telephone.packet()
    assert b64decode(answer.json()["agent"]["photo"]) == content
    assert answer.headers["cache-control"] == "no-store"
    assert "base64" not in telephone.client.get("/door").text


def test_the_doors_of_a_published_round_come_first_in_its_order_and_say_when(telephone: Telephone) -> None:
    with telephone.database.begin(Scope.of_contract(telephone.cast.contract)) as session:
        agent, today = session.scalars(select(FieldAgent)).one(), clock.business_day(clock.now(session))
        plan = RoundPlan(
            contract_id=telephone.cast.contract, day=today, state=PlanState.PUBLISHED, made_at=clock.now(session),
            made_by=telephone.cast.sara, **asdict(Settings()),
        )  # fmt: skip
        session.add(plan)
        session.flush()
        ids = []
        for n in (2, 3, 4):
            contact = add_contact(session, telephone.cast.empoli, f"BNCMRA62A01D40{n}Y", "BIANCHI", f"PINO {n}", None)
            practice = a_practice(session, telephone.cast.empoli, contact, telephone.cast.sara, n)
            practice.priority = n
            mandate = a_mandate(session, practice, agent, telephone.cast.sara)
            mandate.valid_from, mandate.valid_to = today, today + timedelta(days=9)
            ids.append(practice.id)
        low, middle, high = ids
        session.add(
            PublishedRound(
                plan_id=plan.id, agent_id=agent.id, day=today, published_at=clock.now(session), times=1, changes=[]
            )
        )  # fmt: skip
        session.flush()
        for place, (practice_id, hour) in enumerate(((middle, 9), (low, 11)), start=1):
            session.add(
                PublishedStop(
                    plan_id=plan.id, practice_id=practice_id, ente_id=telephone.cast.empoli, agent_id=agent.id,
                    position=place, arrives=hour * 3600, begins=hour * 3600, leaves=hour * 3600 + 1200,
                )
            )  # fmt: skip
    stops = telephone.packet().json()["stops"]
    assert [one["practice"] for one in stops][:3] == [middle, low, high]
    assert [one["planned"] and one["planned"][:16] for one in stops] == [f"{today}T09:00", f"{today}T11:00", None, None]


def test_the_same_visit_sent_thrice_is_one(telephone: Telephone) -> None:
    (stop,) = telephone.packet().json()["stops"]
    entry = telephone.visit(stop)
    assert [telephone.sends(entry).json()["answers"][0]["taken"] for _ in range(3)] == ["taken", "already", "already"]
    with telephone.database.begin(Scope.of_contract(telephone.cast.contract)) as session:
        assert len(session.scalars(select(Visit)).all()) == 1


def test_what_waits_arrives_when_nobody_is_signed_in_any_more(telephone: Telephone) -> None:
    (stop,) = telephone.packet().json()["stops"]
    telephone.client.cookies.clear()
    assert telephone.sends(telephone.visit(stop)).json()["answers"][0]["taken"] == "taken"
    assert telephone.packet().status_code in {303, 401, 403}


def test_a_visit_with_pictures_is_larger_than_a_form_and_only_from_a_telephone_of_ours(telephone: Telephone) -> None:
    (stop,) = telephone.packet().json()["stops"]
    entry = telephone.visit(stop) | {"files": [{"kind": "photograph", "data": "A" * 400_000}]}
    assert telephone.sends(entry).status_code == 200
    telephone.token = "somebody else's"
    assert telephone.sends(entry).status_code == 413
    assert telephone.sends().status_code == 404


def test_a_revoked_telephone_hands_over_what_it_has_and_is_told_to_forget(telephone: Telephone) -> None:
    (stop,) = telephone.packet().json()["stops"]
    entry = telephone.visit(stop)
    fresh = telephone.post("standing", {"device": telephone.id}).json()
    let_in(telephone.client, "sara")
    telephone.client.post(f"/field/devices/{telephone.id}/revoke", headers={"X-CSRF-Token": csrf_of(telephone.client)})
    let_in(telephone.client, "fabio")
    told = telephone.sends(entry).json()
    assert (fresh["wipe"], told["wipe"], telephone.packet().status_code) == (False, True, 409)
    assert telephone.post("standing", {"device": telephone.id}).json()["wipe"] is True
    assert telephone.post("standing", {"device": "?"}).json()["wipe"] is True
    telephone.post("wiped", {}, **{"X-Door-Token": telephone.token})
    with telephone.database.begin(Scope.nothing()) as session:
        assert session.scalars(select(FieldDevice)).one().wiped_at is not None


def test_an_agent_found_unfit_is_emptied(telephone: Telephone) -> None:
    with telephone.database.begin(Scope.nothing()) as session:
        agent_id = session.scalars(select(FieldAgent.id)).one()
        assert devices.revoke_of(session, agent_id=agent_id, at=clock.now(session)) == 1
    assert telephone.post("standing", {"device": telephone.id}).json()["wipe"] is True


def test_a_call_for_help_is_seen_and_its_answer_reaches_the_telephone(telephone: Telephone) -> None:
    telephone.packet()
    alarm = {"id": str(uuid4()), "kind": "panic", "told": telephone.now(), "practice": None, "position": None}
    assert telephone.sends(alarms=[alarm], asked=[alarm["id"]]).json()["alarms"][0]["at"] is None
    let_in(telephone.client, "sara")
    page = telephone.client.get("/field/visits").text
    assert "è in pericolo" in page
    assert "Fabio Lotti" in page
    csrf = {"X-CSRF-Token": csrf_of(telephone.client)}
    telephone.client.post(f"/field/alarms/{alarm['id']}/answer", data={"words": "Arrivo"}, headers=csrf)
    let_in(telephone.client, "fabio")
    (told,) = telephone.sends(asked=[alarm["id"]]).json()["alarms"]
    assert (told["by"], told["answer"]) == ("Sara", "Arrivo")
    with telephone.database.begin(Scope.of_contract(telephone.cast.contract)) as session:
        assert session.scalars(select(FieldAlarm)).one().latitude is None


@pytest.mark.parametrize("body", [{}, {"touch": []}, {"touch": {"at": "2026", "run": 1, "elapsed": "x"}}])
def test_what_is_no_message_is_told_so(telephone: Telephone, body: dict[str, Any]) -> None:
    assert telephone.post("outbox", body, **{"X-Door-Token": telephone.token}).status_code == 422


def test_the_supervisor_sees_what_does_not_fit(telephone: Telephone) -> None:
    (stop,) = telephone.packet().json()["stops"]
    telephone.sends(telephone.visit(stop, outcome="promise"))
    telephone.sends(telephone.visit(stop | {"practice": 999}))
    let_in(telephone.client, "sara")
    page = telephone.client.get("/field/visits").text
    assert "si è parlato del debito con chi non poteva sentirne" in page
    assert "una pratica che non era sua" in page


@pytest.mark.parametrize("username", ["anna", "vera", "sara"])
def test_the_doors_are_the_agents_alone(client: TestClient, cast: Cast, username: str) -> None:
    let_in(client, username)
    headers = {"X-CSRF-Token": csrf_of(client)}
    assert client.get("/door").status_code == 403
    assert client.post("/door/devices", json={"name": "x"}, headers=headers).status_code == 403
    assert client.post("/door/packet", json={}, headers=headers).status_code == 403


def test_the_words_of_an_ente_are_written_and_threats_refused(telephone: Telephone) -> None:
    let_in(telephone.client, "sara")
    headers = {"X-CSRF-Token": csrf_of(telephone.client), "HX-Request": "true"}
    said = {
        "introduction": "Buongiorno.", "neutral": "Una comunicazione.", "reason": "Sono qui per gli importi.",
        "consequences": "Può pagare a rate.", "notice": "Siamo passati.", "keep_days": "2",
    }  # fmt: skip
    path = f"/field/words/{telephone.cast.empoli}"
    refused = telephone.client.post(path, data=said | {"reason": "Chiamo i Carabinieri."}, headers=headers)
    assert (refused.status_code, list(refused.json()["fields"])) == (422, ["reason"])
    assert telephone.client.post(path, data=said, headers=headers).status_code == 204
    assert "Siamo passati." in telephone.client.get("/field/words").text
    let_in(telephone.client, "fabio")
    told = telephone.packet().json()
    assert (told["keep_days"], told["enti"][str(telephone.cast.empoli)]["words"]["notice"]) == (2, "Siamo passati.")
    with telephone.database.begin(Scope.of_contract(telephone.cast.contract)) as session:
        assert [one.version for one in session.scalars(select(FieldWords))] == [1]


def test_who_answers_finds_the_person_of_a_notice_by_its_code_alone(telephone: Telephone) -> None:
    with telephone.database.begin(Scope.of_contract(telephone.cast.contract)) as session:
        practice_id = session.scalars(select(Practice.id)).one()
    let_in(telephone.client, "anna")
    headers = {"X-CSRF-Token": csrf_of(telephone.client), "HX-Request": "true"}
    found = telephone.client.post("/field/code", data={"code": code_of(practice_id)}, headers=headers)
    assert found.headers["hx-redirect"] == f"/files/{telephone.cast.mario}"
    assert telephone.client.post("/field/code", data={"code": "V1-00"}, headers=headers).status_code == 422
    assert telephone.client.post("/field/code", data={"code": code_of(10**9)}, headers=headers).status_code == 404


def test_the_notices_are_printed_and_say_nothing_of_a_debt(telephone: Telephone) -> None:
    answer = telephone.client.get("/door/notices.pdf")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.content.startswith(b"%PDF")


def test_the_worker_keeps_the_shell_and_another_one_ends_it(telephone: Telephone) -> None:
    source = telephone.client.get("/door/sw.js").text
    shell = json.loads(source.split("const SHELL = ", 1)[1].split(";\n", 1)[0])
    assert "/door" in shell
    assert all(telephone.client.get(one).status_code == 200 for one in shell)
    manifest = telephone.client.get("/door/manifest.webmanifest").json()
    assert (manifest["start_url"], manifest["display"]) == ("/door", "standalone")
    drawn = [one for one in manifest["icons"] if one["type"] == "image/png"]
    for icon in drawn:  # iOS takes no SVG, and Android draws one badly on a round icon
        with Image.open(BytesIO(telephone.client.get(icon["src"]).content)) as image:
            assert icon["sizes"] == f"{image.width}x{image.height}"
    assert {one["purpose"] for one in drawn} == {"any", "maskable"}
    settings = runtime_of(telephone.client).settings.model_copy(update={"field_offline": False})
    object.__setattr__(runtime_of(telephone.client), "settings", settings)
    assert "unregister" in telephone.client.get("/door/sw.js").text


def test_a_packet_is_what_it_says_when_unpacked(telephone: Telephone) -> None:
    raw = telephone.client.post(
        "/door/packet", json={},
        headers={"X-CSRF-Token": csrf_of(telephone.client), "X-Door-Token": telephone.token},
    )  # fmt: skip
    assert len(gzip.compress(raw.content)) < 4_000
