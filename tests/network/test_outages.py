"""Nobody told us, or nobody could: calls are found at the carrier, and callers hear an apology."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from crm.levels.models import ServiceFact
from telephony.calls import service
from telephony.calls.events import CallerLeft
from telephony.calls.models import Call, CallEvent, Phase
from telephony.calls.service import Heard
from telephony.calls.strays import Strays
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence, sentence
from tests.cast import EMPOLI_LINE
from tests.network.conftest import Network

pytestmark = pytest.mark.integration

SORRY = [sentence(Sentence.OUT_OF_ORDER, language) for language in Language]
PARKED = b'<Response><Gather timeout="600"><Say>Un momento.</Say></Gather></Response>'


class Parking(BaseHTTPRequestHandler):
    """Somebody else's server, which lets a caller wait and tells us nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(PARKED)))
        self.end_headers()
        self.wfile.write(PARKED)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def led_elsewhere(network: Network) -> Iterator[None]:
    """Mario's number leads to somebody else for a while."""
    server = HTTPServer(("127.0.0.1", 0), Parking)
    thread = Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    leads(network, f"http://127.0.0.1:{server.server_port}/")
    yield
    leads(network, network.runtime.addresses.voice())
    server.shutdown()
    thread.join(5)
    server.server_close()


def leads(network: Network, url: str) -> None:
    settings = network.runtime.settings
    made = network.http.post(
        f"/2010-04-01/Accounts/{settings.twilio_account_sid}/IncomingPhoneNumbers.json",
        data={"PhoneNumber": EMPOLI_LINE, "VoiceUrl": url},
        auth=(settings.twilio_account_sid, settings.twilio_auth_token.get_secret_value()),
    )
    assert made.status_code == 201, made.text


def strays(network: Network, monkeypatch: pytest.MonkeyPatch) -> int:
    """The engine's look at the carrier's live calls, as if they had been under way for a while."""
    monkeypatch.setattr("telephony.calls.strays.LAG", timedelta(seconds=-2))
    return Strays(network.runtime.database, network.runtime.carrier, network.runtime.addresses).run()


def test_a_call_of_which_nobody_told_us_is_received_and_counted_as_repaired(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rule: nobody is stuck. Agents and calls that are stuck are found by comparing with the carrier."""
    network.sits_down(network.cast.anna)
    with led_elsewhere(network):
        sid = network.calls({"wait_s": 4}, {"say_digits": "0"})
        network.until(lambda: network.seen(sid)["gathering"])
    assert network.call(sid) is None
    assert strays(network, monkeypatch) == 1
    network.until(lambda: network.phase(sid) is Phase.TALKING, looking=True)
    assert strays(network, monkeypatch) == 0
    facts = network.work(lambda s: list(s.execute(select(ServiceFact.repaired).order_by(ServiceFact.id)).scalars()))
    assert facts[0] is True
    assert set(facts[1:]) == {False}
    log = network.work(lambda s: list(s.execute(select(CallEvent.repaired).order_by(CallEvent.id)).scalars()))
    assert log[0] is True
    assert network.proof().differences == ()


def test_a_caller_whom_we_hold_as_gone_hears_an_apology(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.sits_down(network.cast.anna)
    sid = network.calls()
    network.until(lambda: network.phase(sid) is Phase.TALKING, looking=True)
    network.inject("drop", kind="call")
    (call,) = network.work(lambda s: list(s.execute(select(Call)).scalars()))
    left = CallerLeft(call.arrived_at)  # what a wrong word of the carrier would do
    network.work(lambda s: service.apply(s, call.id, left, Heard("wrong", left.at)))
    assert strays(network, monkeypatch) == 2  # he, and the agent's leg
    network.until(lambda: network.live() == [])
    assert network.heard(sid)[-3:] == SORRY


def test_when_nothing_answers_callers_hear_an_apology_in_each_language(network: Network) -> None:
    port = urlsplit(network.runtime.settings.public_url).port
    leads(network, f"http://127.0.0.1:{(port or 0)}/nobody-is-here")
    sid = network.calls({"wait_s": 1})
    network.until(lambda: network.live() == [])
    assert network.heard(sid) == SORRY


def test_when_the_database_is_away_callers_hear_an_apology(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, psycopg.OperationalError("the server is gone"))

    monkeypatch.setattr("web.api.webhooks.lines.in_use", away)
    sid = network.calls({"wait_s": 1})
    network.until(lambda: network.live() == [])
    assert network.heard(sid) == SORRY
