"""One search for a call's id tells its whole story, in whatever process it happened, and names nobody."""

import re
import time
from collections.abc import Callable, Iterator, MutableMapping
from datetime import timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import select, update
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from crm.core.db import Database, Scope
from crm.core.settings import Settings
from telephony.calls.models import Call
from telephony.carriers.twilio.carrier import TwilioCarrier
from telephony.carriers.twilio.signature import sign
from telephony.commands.models import CarrierCommand, Timer
from telephony.engine import Engine
from tests.cast import NOTICE, REGIONAL_LINE, STRANGER, Cast, make_ready
from tests.telephony.fake_carrier import FakeCarrier, unreachable
from tests.web.conftest import PUBLIC, TOKEN, csrf_of, let_in
from web import wiring
from web.app import create_app
from web.wiring import Runtime, carrier_of

pytestmark = pytest.mark.integration
SID = "CA" + "7" * 32
SECRETS = (STRANGER, STRANGER.removeprefix("+39"), REGIONAL_LINE, NOTICE, "NREGNI50A41M059X", "NERI", "GINA")
Line = MutableMapping[str, Any]


class Carrier(FakeCarrier):
    """In memory, but for its signatures and its words."""

    twilio: TwilioCarrier

    def is_genuine(self, url: str, params: Any, signature: str) -> bool:
        return self.twilio.is_genuine(url, params, signature)

    def render(self, instructions: Any) -> str:
        return self.twilio.render(instructions)


class Play:
    """A call, as the carrier tells of it."""

    def __init__(self, client: TestClient, runtime: Runtime, cast: Cast, carrier: Carrier) -> None:
        self.client, self.runtime, self.cast, self.carrier = client, runtime, cast, carrier
        self.engine = Engine(runtime.database, runtime.matcher, runtime.dispatcher, runtime.reconciler)
        self.told = 0

    def call(self) -> Call:
        with self.runtime.database.begin(Scope.across_enti()) as session:
            return session.execute(select(Call)).scalar_one()

    def tells(self, path: str, sid: str = SID, **fields: str) -> str:
        self.told += 1
        said = {"CallSid": sid, "SequenceNumber": str(self.told), "Timestamp": "", **fields}
        url = f"/telephony/{path}"
        answer = self.client.post(url, data=said, headers={"X-Twilio-Signature": sign(TOKEN, PUBLIC + url, said)})
        assert answer.status_code in {200, 204}, answer.text
        return str(answer.text)

    def of_call(self, path: str, **fields: str) -> str:
        return self.tells(f"{self.cast.contract}/calls/{self.call().id}/{path}", **fields)

    def of_leg(self, path: str = "", **fields: str) -> str:
        leg = self.call().leg_id
        return self.of_call(f"legs/{leg}{path}", **fields)


def eventually(check: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def play(
    settings: Settings, runtime: Runtime, cast: Cast, monkeypatch: pytest.MonkeyPatch, loopback: None
) -> Iterator[Play]:
    runtime.close()
    carrier = Carrier()
    twilio = carrier_of(settings)
    assert isinstance(twilio, TwilioCarrier)
    carrier.twilio = twilio
    monkeypatch.setattr(wiring, "carrier_of", lambda _: carrier)
    ours = wiring.build(settings)
    with TestClient(create_app(ours), base_url=PUBLIC, follow_redirects=False) as client:
        yield Play(client, ours, cast, carrier)


@pytest.fixture
def logged() -> Iterator[list[Line]]:
    """Everything that is logged, as a line of the log would have it."""
    with capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        yield lines


def test_one_search_tells_the_whole_call_and_names_nobody(
    play: Play, database: Database, cast: Cast, logged: list[Line]
) -> None:
    make_ready(database, cast.anna)
    play.carrier.hears_of(SID)
    play.carrier.telling.append(unreachable())  # the caller is brought to his agent at the second attempt only
    arrival = {"From": STRANGER, "To": REGIONAL_LINE, "CallStatus": "ringing"}
    play.tells("voice", **arrival)
    play.tells("voice", **arrival)  # asked again
    play.of_call("ivr?step=0", Digits="1")
    play.of_call("ivr?step=1", Digits=NOTICE)
    play.of_call("wait")
    eventually(lambda: play.carrier.rings)
    (leg_sid,) = play.carrier.rings
    play.of_leg(CallStatus="ringing", sid=leg_sid)
    play.of_leg(CallStatus="in-progress", sid=leg_sid)
    eventually(lambda: _due_again(database))
    play.engine.chores[1].do()
    eventually(lambda: play.carrier.redirected)
    play.of_call("left-queue", QueueResult="redirected")
    play.of_call("resume")
    play.of_leg("/conference", StatusCallbackEvent="participant-join", ParticipantLabel="customer")
    let_in(play.client, "anna")
    csrf = {"X-CSRF-Token": csrf_of(play.client)}
    whom = {"call": str(play.call().id), "contact": play.call().contact_id}
    assert play.client.post("/console/identify", data=whom, headers=csrf).status_code == 204
    play.of_call("dial-ended")
    play.tells("status", CallStatus="completed")
    _all_timers_are_due(database)
    assert play.engine.fire_timers() == 1
    play.engine.sweep_queues()
    eventually(lambda: [line for line in logged if line["event"] == "command_carried_out" and "end_leg" in str(line)])

    call = str(play.call().id)
    stray = [line for line in logged if line.get("call") != call and line["event"] not in OF_NO_CALL]
    assert stray == []
    told = [line["event"] for line in logged if line.get("call") == call]
    for event in (
        "call_arrived", "call_asked", "call_assigned", "command_carried_out", "command_owed_again", "call_heard",
        "timer_fired",
    ):  # fmt: skip
        assert event in told, event
    everything = " ".join(str(line) for line in logged)
    for secret in SECRETS:
        assert secret not in everything
    assert not re.search(r"\d{9,}", re.sub(r"[0-9a-f-]{32,36}", "", everything))  # no number of anybody's


# What the other parts of a process say while nothing is wrong with the call.
OF_NO_CALL = {"live_listener_cut", "live_redis_away"}


def _due_again(database: Database) -> bool:
    """The failed command waits for its next attempt; it is due now."""
    with database.begin(Scope.across_enti()) as session:
        owed = update(CarrierCommand).where(CarrierCommand.state == "owed", CarrierCommand.error.is_not(None))
        return bool(session.execute(owed.values(lease_until=CarrierCommand.created_at)).rowcount)  # type: ignore[attr-defined]


def _all_timers_are_due(database: Database) -> None:
    with database.begin(Scope.across_enti()) as session:
        session.execute(update(Timer).values(due_at=Timer.due_at - timedelta(hours=1)))
