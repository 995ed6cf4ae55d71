"""Colleagues who answer: how they behave, what they read, and a whole shift at a product that is all stand-in."""

import asyncio
import itertools
import json
import socket
import threading
import time
from contextlib import contextmanager
from statistics import mean
from typing import Annotated

import jwt
import pytest
import uvicorn
from fastapi import FastAPI, Form, Header, Request, Response, WebSocket
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.websockets import WebSocketDisconnect

from telephony.calls.choices import Disposition, Topic
from telephony.carriers.simulator.colleagues.accounts import SUBJECTS
from telephony.carriers.simulator.colleagues.model import Colleague, Habits
from telephony.carriers.simulator.colleagues.roster import Member, read_roster
from telephony.carriers.simulator.colleagues.screen import Moment, Screen, form_token, page_token, people_found
from telephony.carriers.simulator.config import Colleagues, Pace, Traffic

PATIENCE_S = 8.0
LINE = "+390550001111"
IDENTITY = "agent1"
PASSWORD, CSRF = "benvenuto", "token-of-the-page"
CALL = "0f8c2b9a-0000-4000-8000-000000000001"


# -- the model ---------------------------------------------------------------------------------------------------


def calls(count=3000, seed="1:luca"):
    colleague = Colleague(seed)
    return [colleague.takes_call() for _ in range(count)]


def test_a_seed_repeats_its_shift():
    assert calls(50) == calls(50)
    assert calls(50) != calls(50, seed="1:marta")


def test_calls_are_answered_as_people_do():
    plans = calls()
    answered = [plan.answer_after_s for plan in plans if plan.answer_after_s is not None]
    assert all(1 <= seconds <= 6 for seconds in answered)
    assert 1 - len(answered) / len(plans) == pytest.approx(0.02, abs=0.01)
    assert mean(plan.talk_s for plan in plans) == pytest.approx(100, rel=0.1)
    assert all(5 <= plan.identify_at_s <= 15 and 5 <= plan.wrap_up_s <= 25 for plan in plans)
    assert all(plan.note_at_s < plan.talk_s for plan in plans)
    assert 0.4 < mean(plan.search is not None for plan in plans) < 0.8


def test_the_mean_of_the_talk_is_a_setting():
    colleague = Colleague("1", Habits(talk_s=30))
    assert mean(colleague.takes_call().talk_s for _ in range(2000)) == pytest.approx(30, rel=0.1)


def test_breaks_are_short_rare_and_never_all_at_once():
    team = [Colleague(f"1:{name}") for name in range(8)]
    first = [one.first_break_in_s(place, len(team)) for place, one in enumerate(team)]
    assert first == sorted(first)
    assert all(300 <= seconds < 3600 for seconds in first)
    assert all(1800 <= one.next_break_in_s() <= 3600 and 60 <= one.rests_s() <= 180 for one in team)
    assert all(20 <= one.goes_back_in_s() <= 40 for one in team)


def test_what_is_written_fits_the_products_form():
    colleague = Colleague("1")
    written = [colleague.writes(list(Topic), list(Disposition)) for _ in range(500)]
    assert len({account.topic for account in written}) > 6
    for account in written:
        assert Topic(account.topic)
        assert Disposition(account.disposition)
        assert len(account.note) > 20
        assert not any(sign.isdigit() or sign == "€" for sign in account.note)
    assert {subject.topic for subject in SUBJECTS} == set(Topic)


def test_a_form_that_has_changed_is_filled_in_with_its_own_choices():
    account = Colleague("1").writes(["new_topic"], ["new_outcome"])
    assert (account.topic, account.disposition) == ("new_topic", "new_outcome")
    assert Colleague("1").writes().topic in set(Topic)


# -- the roster ----------------------------------------------------------------------------------------------------


def test_the_roster_is_read(tmp_path):
    file = tmp_path / "colleagues.json"
    file.write_text('[{"username": "luca", "password": "p"}, {"username": "marta", "password": "q", "pace": 1.2}]')
    assert read_roster(file) == [Member("luca", "p"), Member("marta", "q", 1.2)]
    assert "p'" not in repr(read_roster(file))


@pytest.mark.parametrize(
    "text", ["", "{", "[1]", '[{"username": "luca"}]', '[{"username": "a", "password": "b", "pace": -1}]']
)
def test_a_bad_roster_employs_nobody(tmp_path, text):
    file = tmp_path / "colleagues.json"
    file.write_text(text)
    assert read_roster(file) == []


# -- the screen ----------------------------------------------------------------------------------------------------


def band(state, call=""):
    return f'<header id="band" class="band" data-state="{state}" data-call="{call}"></header>'


def partial(region, html):
    return f'<hx-partial hx-target="#{region}" hx-swap="outerMorph">{html}</hx-partial>'


def test_threads_to_be_taken_are_seen_beside_the_call():
    screen = Screen()
    screen.show(
        '<section id="talk"><select name="topic"><option value="payment">x</option></select></section>'
        '<section id="texts"><li><button hx-post="/console/texts/front" name="thread" value="t1">+39 348 000</button>'
        '<button hx-post="/console/texts/decline" name="thread" value="t1">Lascia</button></li></section>'
        '<section id="thread"><select name="topic"><option value="other">y</option></select></section>'
    )
    assert screen.buttons("/console/texts/decline") == ["t1"]
    assert screen.choices("topic") == ["payment"]  # of the call
    assert "+39 348 000" in screen.text("texts")
    screen.show('<section id="texts"></section>')
    assert screen.buttons("/console/texts/decline") == []


def test_a_frame_replaces_the_regions_it_brings():
    screen = Screen()
    assert screen.moment == Moment()
    screen.show(f'{band("talking", CALL)}<section id="phone"><br><button hx-post="/console/hang-up"></section>')
    assert screen.moment == Moment("talking", CALL)
    assert screen.offers("/console/hang-up")
    screen.show(partial("phone", '<section id="phone"></section>'))
    assert screen.moment == Moment("talking", CALL)
    assert not screen.offers("/console/hang-up")


def test_choices_are_those_of_the_form():
    screen = Screen()
    options = '<option value="">Scegli…</option><option value="payment" selected>Pagamento</option>'
    screen.show(f'<section id="talk"><select id="topic" name="topic">{options}</select></section>')
    assert screen.choices("topic") == ["payment"]
    assert screen.choices("disposition") == []


def test_the_words_of_a_region_can_be_read():
    screen = Screen()
    screen.show('<header id="band">In arrivo</header><section id="phone"><dt>Chi</dt><dd>+39 333 1</dd></section>')
    assert screen.text("phone") == "Chi+39 333 1"
    assert screen.text("talk") == ""


@pytest.mark.parametrize("html", ["", "<", "{}", "<!doctype", '<p id="band', "<header id=band>", "\x00", "a" * 1000])
def test_nonsense_is_not_understood_and_does_no_harm(html):
    screen = Screen()
    screen.show(html)
    assert screen.moment == Moment()
    assert form_token(html) == page_token(html) == ""
    assert people_found(html) == []


def test_tokens_and_people_are_found():
    assert form_token('<form><input type="hidden" name="csrf" value="t"></form>') == "t"
    assert page_token('<body class="console" hx-headers:inherited=\'{"X-CSRF-Token": "t"}\'>') == "t"
    assert page_token("<body hx-headers:inherited='nonsense'>") == ""
    found = '<li><button hx-post="/console/propose" name="contact" value="7"><strong>R</strong></button></li>'
    assert people_found(found) == ["7"]


# -- a whole shift -------------------------------------------------------------------------------------------------


class FakeProduct:
    """The edges a colleague uses, with one agent and at most one call. The test plays the engine."""

    def __init__(self, simulator_url):
        self.simulator_url = simulator_url
        self.state, self.call, self.proposed, self.identified = "offline", "", False, False
        self.caller = ""
        self.pressed, self.sessions, self.sign_ins = [], set(), 0
        self.sockets, self.device_ready = set(), False
        self.changed = threading.Condition()
        self.loop = None
        self.app = FastAPI()
        self.app.get("/sign-in")(self.form)
        self.app.post("/sign-in")(self.sign_in)
        self.app.get("/console")(self.console)
        self.app.post("/console/search")(self.search)
        self.app.get("/console/device")(self.device)
        self.app.post("/console/{button}")(self.press)
        self.app.websocket("/ws/console")(self.live)

    # what the colleague sees

    def page(self):
        talking, here = self.state == "talking", self.state in {"talking", "wrap_up"}
        hang_up = f'<button hx-post="/console/hang-up" name="call" value="{self.call}">' if talking else ""
        gate = (
            '<form hx-post="/console/identify"><input type="hidden" name="contact" value="42">'
            '<input type="checkbox" name="right" value="born"></form>'
        )
        identify = gate if talking and self.proposed and not self.identified else ""
        look = '<form hx-post="/console/search">' if talking and not self.identified else ""
        choices = (
            '<select name="topic"><option value="">…</option><option value="payment">Pagamento</option></select>'
            '<select name="disposition"><option value="answered">Risposto</option></select>'
        )
        regions = {
            "band": band(self.state, self.call), "phone": f'<section id="phone">{self.caller}{hang_up}</section>',
            "file": f'<section id="file">{identify}{look}</section>',
            "talk": f'<section id="talk">{choices if here else ""}</section>',
        }  # fmt: skip
        return "".join(partial(name, html) for name, html in regions.items())

    async def form(self):
        response = HTMLResponse('<form><input type="hidden" name="csrf" value="form-token"></form>')
        response.set_cookie("filodiretto_form", "form-token")
        return response

    async def sign_in(
        self, request: Request, username: Annotated[str, Form()], password: Annotated[str, Form()],
        csrf: Annotated[str, Form()],
    ):  # fmt: skip
        if csrf != request.cookies.get("filodiretto_form") or (username, password) != ("luca", PASSWORD):
            self.note("refused", {})
            return HTMLResponse("no", status_code=401)
        self.sign_ins += 1
        session = f"session-{self.sign_ins}"
        self.sessions.add(session)
        response = RedirectResponse("/console", 303)
        response.set_cookie("filodiretto_session", session, httponly=True)
        return response

    async def console(self, request: Request):
        if not self.signed_in(request):
            return RedirectResponse("/sign-in?back=/console", 303)
        return HTMLResponse(f"<body hx-headers:inherited='{json.dumps({'X-CSRF-Token': CSRF})}'>{self.page()}</body>")

    async def search(self, request: Request):
        assert self.signed_in(request)
        self.note("search", {"q": str((await request.form())["q"])})
        return HTMLResponse('<button hx-post="/console/propose" name="contact" value="42">')

    async def device(self, request: Request):
        if not self.signed_in(request):
            return RedirectResponse("/sign-in", 303)
        now = int(time.time())
        grants = {"identity": IDENTITY, "voice": {"incoming": {"allow": True}}}
        claims = {"iss": "SK" + "b" * 32, "sub": "AC" + "a" * 32, "exp": now + 600, "grants": grants}
        token = jwt.encode(claims, "secret-of-the-key-long-enough-for-hs256", "HS256", {"cty": "twilio-fpa;v=1"})
        return {"kind": "simulator", "token": token, "url": self.simulator_url}

    async def press(self, button: str, request: Request, x_csrf_token: Annotated[str, Header()] = ""):
        if not self.signed_in(request):
            return Response(status_code=401)
        if x_csrf_token != CSRF:
            return Response(status_code=403)
        fields = dict(await request.form())
        if button == "device":
            self.device_ready = fields["ready"] == "true"
        elif button == "state":
            self.state = fields["state"]
        elif button == "propose":
            self.proposed = True
        elif button == "identify":
            self.identified = True
        elif button == "wrap-up":
            self.state, self.call = fields["next"], ""
        self.note(button, fields)
        await self.push()
        return Response(self.page(), media_type="text/html")

    async def live(self, socket: WebSocket):
        await socket.accept()
        self.loop = asyncio.get_running_loop()
        if socket.headers.get("origin") != f"http://{socket.headers['host']}":
            await socket.close(4404)
        elif socket.cookies.get("filodiretto_session") not in self.sessions:
            await socket.close(4401)
        else:
            self.sockets.add(socket)
            try:
                await socket.send_text('{"now":1}')
                await socket.send_text(self.page())
                await socket.receive_text()
            except (WebSocketDisconnect, RuntimeError):
                pass
            finally:
                self.sockets.discard(socket)

    async def push(self):
        for one in list(self.sockets):
            await one.send_text(self.page())

    def signed_in(self, request):
        return request.cookies.get("filodiretto_session") in self.sessions

    # what the test does and sees

    def note(self, button, fields):
        with self.changed:
            self.pressed.append((button, fields))
            self.changed.notify_all()

    def wait(self, button, count=1, **fields):
        """The fields of the `count`-th press of that button with these among its fields."""

        def found():
            return [given for name, given in self.pressed if name == button and fields.items() <= given.items()]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count, PATIENCE_S), (button, fields, self.pressed)
        return found()[count - 1]

    def becomes(self, state, **more):
        async def change():
            self.state = state
            for name, value in more.items():
                setattr(self, name, value)
            await self.push()

        self.soon(change())

    def send_everybody_away(self):
        async def away():
            self.sessions.clear()
            for one in list(self.sockets):
                await one.close(4401)

        self.soon(away())

    def soon(self, work):
        asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_S)


@contextmanager
def serving(app, listener):
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, ws="websockets-sansio", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@pytest.fixture
def shift(make_world, tmp_path):
    """A simulator with one colleague, and the product he works at."""
    listeners = []

    @contextmanager
    def begin(*, seed=0, password=PASSWORD):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        roster = tmp_path / "colleagues.json"
        roster.write_text(json.dumps([{"username": "luca", "password": password}]))
        world = make_world(
            colleagues=Colleagues(roster, url, talk_s=100, courtesy_s=2000), traffic=Traffic(seed=seed),
            allowed_origins=(url,), pace=Pace(speech=0.0, waits=0.005, repeat_floor_s=0.02),
        )  # fmt: skip
        product = FakeProduct(world.url)
        with serving(product.app, listener):
            yield world, product

    yield begin
    for listener in listeners:
        listener.close()


def seed_that(answers):
    """Of a colleague whose first call goes like that."""
    return next(
        seed for seed in itertools.count()
        if (plan := first_call(seed)).search is not None and (plan.answer_after_s is not None) is answers
    )  # fmt: skip


def first_call(seed):
    colleague = Colleague(f"{seed}:luca")
    colleague.first_break_in_s(0, 1)
    colleague.settles_in_s()
    return colleague.takes_call()


def ring(world, product, call=CALL):
    """The engine rings him."""
    sid = world.rest(
        "POST", "/Calls.json", 201, From=LINE, To=f"client:{IDENTITY}", Timeout="600",
        Twiml='<Response><Dial><Conference endConferenceOnExit="true">room</Conference></Dial></Response>',
    )["sid"]  # fmt: skip
    product.becomes("ringing", call=call, proposed=False, identified=False)
    return sid


def a_minute_passes(world):
    """In the world of the simulator, whose clock is fast: somebody else waits for as long, and hangs up."""
    world.product.pages["/voice"] = '<Response><Enqueue waitUrl="">queue</Enqueue></Response>'
    other = world.call_in({"wait_s": 60}, {"hang_up": True})
    world.until(other, lambda view: not view["live"])


def test_a_call_from_ring_to_wrap_up(shift):
    with shift(seed=seed_that(answers=True)) as (world, product):
        product.wait("device", ready="true")
        product.wait("state", state="ready")
        sid = ring(world, product)
        world.until(sid, lambda view: view["status"] == "in-progress")
        product.becomes("talking")
        assert len(product.wait("search")["q"]) > 2  # nobody was proposed
        assert product.wait("propose")["contact"] == "42"
        assert product.wait("identify") == {"call": CALL, "contact": "42", "right": "born"}
        draft = product.wait("draft", call=CALL)
        product.wait("hang-up", call=CALL)
        world.rest("POST", f"/Calls/{sid}.json", Status="completed")
        product.becomes("wrap_up")
        assert product.wait("wrap-up") == {
            "call": CALL, "topic": "payment", "disposition": "answered", "note": draft["note"], "next": "ready",
        }  # fmt: skip
        ring(world, product, call=CALL.replace("1", "2"))  # and so on
        assert product.sign_ins == 1


def test_the_citizen_may_hang_up_first(shift):
    with shift(seed=seed_that(answers=True)) as (world, product):
        product.wait("state", state="ready")
        sid = ring(world, product)
        world.until(sid, lambda view: view["status"] == "in-progress")
        product.becomes("talking", proposed=True)
        product.wait("identify")
        world.rest("POST", f"/Calls/{sid}.json", Status="completed")
        product.becomes("wrap_up")
        product.wait("wrap-up", call=CALL)
        assert "hang-up" not in {button for button, _ in product.pressed}


def test_a_call_he_lets_ring_pauses_him_for_a_while(shift):
    with shift(seed=seed_that(answers=False)) as (world, product):
        product.wait("state", state="ready")
        sid = ring(world, product)
        a_minute_passes(world)
        assert world.see(sid)["status"] == "ringing"
        product.becomes("paused", call="")
        product.wait("state", count=2, state="ready")


CITIZEN, AS_SHOWN = "333 1234567", "<dd>+39 333 123 4567</dd>"


def newcomer(world, **more):
    """Somebody calls from the page, and waits in the queue."""
    world.product.pages["/voice"] = '<Response><Enqueue waitUrl="">queue</Enqueue></Response>'
    body = {"from": CITIZEN, "to": LINE, "for_person": True} | more
    sid = world.http.post("/simulator/calls", json=body).json()["sid"]
    world.until(sid, lambda view: view["place"] == "queue")
    return sid


def test_whoever_calls_from_the_page_is_left_to_a_person_who_is_there(shift):
    with shift(seed=seed_that(answers=True)) as (world, product):
        product.wait("state", state="ready")
        world.phone("agent9")
        citizen = newcomer(world)
        product.caller = AS_SHOWN
        leg = ring(world, product)
        assert world.until(leg, lambda view: not view["live"])["status"] == "busy"
        product.becomes("paused", call="", caller="")
        a_minute_passes(world)  # as long as nobody has answered he stays away
        assert len([1 for button, _ in product.pressed if button == "state"]) == 1
        world.hang_up(citizen)
        product.wait("state", count=2, state="ready")


def test_he_answers_the_next_caller_as_ever(shift):
    with shift(seed=seed_that(answers=True)) as (world, product):
        product.wait("state", state="ready")
        world.phone("agent9")
        newcomer(world)
        product.caller = "<dd>+39 348 000 0001</dd>"
        leg = ring(world, product)
        world.until(leg, lambda view: view["status"] == "in-progress")


@pytest.mark.parametrize("more", [{"for_person": False}, {"from": "anonymous"}])
def test_only_those_who_ask_for_a_person_and_can_be_told_are_left_to_one(shift, more):
    with shift(seed=seed_that(answers=True)) as (world, product):
        product.wait("state", state="ready")
        world.phone("agent9")
        newcomer(world, **more)
        product.caller = AS_SHOWN
        leg = ring(world, product)
        world.until(leg, lambda view: view["status"] == "in-progress")


def test_where_no_person_is_a_colleague_answers(shift):
    with shift(seed=seed_that(answers=True)) as (world, product):
        product.wait("state", state="ready")
        newcomer(world)
        product.caller = AS_SHOWN
        leg = ring(world, product)
        world.until(leg, lambda view: view["status"] == "in-progress")


def test_now_and_then_he_takes_a_break(shift):
    soon = next(seed for seed in itertools.count() if Colleague(f"{seed}:luca").first_break_in_s(0, 1) < 500)
    with shift(seed=soon) as (_world, product):
        product.wait("state", state="paused", reason="break")
        product.wait("state", count=2, state="ready")


def test_whoever_is_sent_away_signs_in_again(shift):
    with shift() as (_world, product):
        product.wait("state", state="ready")
        product.send_everybody_away()
        product.becomes("offline")
        product.wait("state", count=2, state="ready")
        assert product.sign_ins == 2


def test_a_refused_password_disturbs_nobody(shift):
    with shift(password="wrong") as (world, product):
        product.wait("refused", count=2)
        assert product.sign_ins == 0
        assert world.http.get("/health/live").status_code == 200


def test_a_product_that_comes_late_and_restarts(make_world, tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    url = f"http://127.0.0.1:{address[1]}"
    roster = tmp_path / "colleagues.json"
    roster.write_text(json.dumps([{"username": "luca", "password": PASSWORD}]))
    world = make_world(colleagues=Colleagues(roster, url), allowed_origins=(url,), pace=Pace(speech=0.0, waits=0.005))
    product = FakeProduct(world.url)
    listener.settimeout(PATIENCE_S)
    for _ in range(2):  # nobody answers yet
        listener.accept()[0].close()
    listener.close()
    with socket.create_server(address) as first, serving(product.app, first):
        product.wait("state", state="ready")
    product.state = "offline"  # it has been away for longer than a shift bears
    with socket.create_server(address) as second, serving(product.app, second):
        product.wait("state", count=2, state="ready")
    assert product.sign_ins == 1  # the session outlived the restart
