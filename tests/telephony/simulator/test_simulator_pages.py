"""The citizen's page: its files, its live view, and who may use it."""

import json

import pytest

from telephony.carriers.simulator.config import Colleagues, Traffic

LINE = "+390550001111"
CITIZEN = "+393470000001"


def test_pages_are_served_under_a_strict_policy(world):
    for path in (
        "/",
        "/calls",
        "/static/caller.js",
        "/static/caller.css",
        "/static/calls.js",
        "/messages",
        "/static/messages.js",
    ):
        response = world.http.get(path)
        assert response.status_code == 200, path
        assert "script-src 'self'" in response.headers["content-security-policy"]
    page = world.http.get("/").text
    assert "<style" not in page
    assert "style=" not in page
    assert "onclick" not in page


def test_a_call_is_watched_live(world):
    world.product.pages["/voice"] = '<Response><Gather numDigits="1"><Say>Premi.</Say></Gather></Response>'
    sid = world.call_in()
    watching = world.open(f"/simulator/calls/{sid}/live")
    views = [json.loads(watching.recv(timeout=5))]
    world.until(sid, lambda view: view["gathering"])
    world.hang_up(sid)
    while views[-1]["live"]:
        views.append(json.loads(watching.recv(timeout=5)))
    assert views[-1]["status"] == "completed"


def test_another_sites_page_cannot_place_calls(world):
    body = {"from": "+393331234567", "to": LINE}
    refused = world.http.post("/simulator/calls", json=body, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    own = world.http.post("/simulator/calls", json=body, headers={"Origin": world.url})
    assert own.status_code == 201


def test_a_token_is_needed_where_one_is_set(make_world):
    world = make_world(citizen_token="open sesame")
    world.http.auth = None
    assert world.http.get("/simulator/setup").status_code == 403
    allowed = world.http.get("/simulator/setup", headers={"Authorization": "Bearer open sesame"})
    assert allowed.json()["numbers"] == [{"number": LINE, "label": ""}]


def test_known_callers_are_suggested(make_world, tmp_path):
    path = tmp_path / "callers.json"
    world = make_world(traffic=Traffic(callers_file=path))
    assert world.http.get("/simulator/setup").json()["suggestions"] == []
    path.write_text(
        json.dumps([{"from": "+390551111111", "notice_number": "301000000000012373", "name": "Anna", "to": LINE}])
    )
    suggested = world.http.get("/simulator/setup").json()["suggestions"]
    assert suggested == [
        {"number": "+390551111111", "label": "Anna", "to": LINE, "notice": "301000000000012373"}
    ]  # fmt: skip


def test_the_page_is_told_who_could_answer(make_world):
    world = make_world(colleagues=Colleagues(product_url="http://product.example"))

    def told():
        return world.http.get("/simulator/operators").json()

    assert told() == {"people": 0, "people_free": 0, "colleagues": 0, "console": "http://product.example/console"}
    world.phone("agent1")
    world.colleague("agent2")
    assert (told()["people"], told()["people_free"], told()["colleagues"]) == (1, 1, 1)
    world.colleague("agent1")  # a person's second telephone does not make him one of them
    assert (told()["people"], told()["colleagues"]) == (1, 1)


@pytest.mark.parametrize(("identity", "answered_by"), [("agent1", "person"), ("agent2", "colleague")])
def test_the_caller_is_told_who_answered(world, identity, answered_by):
    phones = {"agent1": world.phone("agent1"), "agent2": world.colleague("agent2")}
    room = '<Response><Dial><Conference endConferenceOnExit="true">room</Conference></Dial></Response>'
    world.product.pages["/voice"] = room
    sid = world.call_in()
    world.until(sid, lambda view: view["place"] == "waiting")
    assert world.see(sid)["answered_by"] is None
    world.rest("POST", "/Calls.json", 201, From=LINE, To=f"client:{identity}", Twiml=room)
    phones[identity].say("accept", phones[identity].expect("incoming")["call_sid"])
    assert world.until(sid, lambda view: view["place"] == "conversation")["answered_by"] == answered_by


def test_nobody_answers_an_unknown_number(world):
    response = world.http.post("/simulator/calls", json={"from": "+393331234567", "to": "+390000000"})
    assert response.status_code == 404


def test_whoever_watches_the_network_sees_who_speaks_with_whom_and_what_goes_wrong(world):
    world.product.pages["/voice"] = "<Response><Dial><Conference>room</Conference></Dial></Response>"
    one, other = world.call_in(), world.call_in()
    world.until(other, lambda view: view["place"] == "conversation")
    world.http.post("/simulator/injections", json={"fault": "drop", "kind": "call", "call": one})
    watching = world.open("/simulator/live")
    seen = json.loads(watching.recv(timeout=5))
    assert [call["room"] for call in seen["calls"]] == [1, 1]
    assert [(wanted["fault"], wanted["call"], wanted["struck"]) for wanted in seen["injections"]] == [("drop", one, 0)]
    assert "call" in seen["strikes"]["drop"]
    assert seen["down"] is False
    world.http.post("/simulator/injections", json={"fault": "down"})
    while not seen["down"]:
        seen = json.loads(watching.recv(timeout=5))


def test_who_is_called_behaves_as_was_chosen_and_whoever_watches_sees_it(world):
    def chosen():
        return json.loads(world.open("/simulator/live").recv(timeout=5))["callees"]

    def called(to):
        placed = {"From": LINE, "To": to, "Twiml": "<Response><Pause length='60'/></Response>"}
        sid = world.rest("POST", "/Calls.json", 201, **placed)["sid"]
        return world.until(sid, lambda view: view["status"] not in {"queued", "initiated", "ringing"})

    assert chosen() == []
    for body in ({"number": "", "outcome": "busy"}, {"number": CITIZEN, "machine": True}):
        world.http.put("/simulator/callees", json=body).raise_for_status()
    assert chosen() == [{"number": "", "manner": "busy"}, {"number": CITIZEN, "manner": "machine"}]
    assert called("+390571757000")["status"] == "busy"
    answered = called(CITIZEN)
    assert answered["status"] in {"in-progress", "completed"}
    assert next(one["text"] for one in answered["transcript"] if one["kind"] == "say").startswith("Segreteria")
    assert world.http.delete("/simulator/callees").status_code == 204
    assert world.http.delete(f"/simulator/callees/{CITIZEN}").status_code == 204
    assert world.http.delete(f"/simulator/callees/{CITIZEN}").status_code == 404
    assert called("+390571757000")["status"] in {"in-progress", "completed"}


@pytest.mark.parametrize("body", [{"number": "x"}, {"number": "+390571757000", "outcome": "ringing"}])
def test_no_other_behaviour_can_be_chosen(world, body):
    assert world.http.put("/simulator/callees", json=body).status_code == 422
