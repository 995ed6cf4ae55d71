"""While the database is away nobody on the line is lost: he hears music, or is asked again for a while."""

from collections.abc import Callable
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from crm.core.db import Database, Scope
from telephony.calls.models import Call, Phase
from telephony.carriers.twilio.signature import sign
from telephony.voicemail.models import Voicemail
from tests.cast import EMPOLI_LINE, MARIO_MOBILE, Cast
from tests.databases import DatabaseUrls, PostgresServer
from tests.web.conftest import PUBLIC, TOKEN
from web.api.hooks import MOST_TRIED

pytestmark = pytest.mark.integration
SID = "CA" + "8" * 32
RECORDING = "RE" + "7" * 32
ARRIVAL = {"CallSid": SID, "From": MARIO_MOBILE, "To": EMPOLI_LINE, "CallStatus": "ringing"}
Asks = Callable[..., list[ElementTree.Element]]


@pytest.fixture
def asks(client: TestClient) -> Asks:
    """The carrier asks an address for a document; the verbs in it."""

    def ask(address: str, **fields: str) -> list[ElementTree.Element]:
        path = address.removeprefix(PUBLIC).partition("#")[0]
        said = {**ARRIVAL, **fields}
        headers = {"X-Twilio-Signature": sign(TOKEN, PUBLIC + path, said)}
        return list(ElementTree.fromstring(client.post(path, data=said, headers=headers).text))

    return ask


def test_a_call_that_arrives_meanwhile_is_asked_to_hold_on_and_then_taken(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    with postgres.away(database_urls.name):
        pause, redirect = asks("/telephony/voice")
        assert (pause.tag, redirect.tag) == ("Pause", "Redirect")
        again = asks(redirect.text)[1]
    assert urlsplit(again.text).query == "tried=2"
    assert asks(again.text)[0].tag == "Gather"
    with database.begin(Scope.across_enti()) as session:
        assert session.scalars(select(Call.phase)).one() is Phase.IVR


def test_who_waits_hears_music_for_as_long_as_it_takes(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    wait = _address(asks, database, "wait")
    with postgres.away(database_urls.name):
        for _ in range(MOST_TRIED + 2):
            (music,) = asks(wait)
            assert music.tag == "Play"


def test_a_menu_says_its_words_again_rather_than_take_silence_for_a_key(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    menu = _address(asks, database, "ivr?step=0")
    with postgres.away(database_urls.name):
        _, redirect = asks(menu, Digits="0")
    assert "Digits" not in redirect.text
    assert asks(redirect.text)[0].tag == "Gather"


def test_what_the_carrier_said_once_is_not_forgotten(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    """The queue says only once why somebody left it; he who hung up is not asked again what he wants to hear."""
    left = _address(asks, database, "left-queue")
    with postgres.away(database_urls.name):
        _, redirect = asks(left, QueueResult="system-error")
    assert "QueueResult=system-error" in redirect.text
    assert asks(redirect.text)[0].tag == "Gather"


def test_whom_the_carriers_queue_has_no_room_for_hears_music_before_he_is_sent_there_again(
    asks: Asks, database: Database, cast: Cast
) -> None:
    """A carrier's queue holds so many; he keeps his place in ours. Sent back at once he would be refused at once."""
    assert asks(_address(asks, database, "ivr?step=0"), Digits="0")[-1].tag == "Enqueue"
    left = _address(asks, database, "left-queue")
    assert [one.tag for one in asks(left, QueueResult="queue-full")] == ["Play", "Enqueue"]
    assert [one.tag for one in asks(left, QueueResult="system-error")] == ["Enqueue"]
    with database.begin(Scope.across_enti()) as session:
        assert session.scalars(select(Call.phase)).one() is Phase.WAITING


@pytest.mark.parametrize(
    "named", [{"RecordingSid": RECORDING}, {"RecordingUrl": f"https://carrier/Recordings/{RECORDING}"}]
)
def test_a_message_is_known_of_though_nobody_tells_that_it_can_be_fetched(
    asks: Asks, database: Database, cast: Cast, named: dict[str, str]
) -> None:
    """What tells that a recording is complete may be lost like any callback; told by both, it is one message."""
    left = _address(asks, database, "recorded")
    assert [one.tag for one in asks(left, RecordingDuration="0", **named)] == ["Say", "Hangup"]
    assert _messages(database) == []
    for _ in range(2):
        assert asks(left, RecordingDuration="9", Digits="hangup", **named)[-1].tag == "Hangup"
    assert _messages(database) == [(RECORDING, 9)]


def test_a_message_that_was_left_meanwhile_is_known_of_afterwards(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    left = _address(asks, database, "recorded")
    with postgres.away(database_urls.name):
        _, redirect = asks(left, RecordingDuration="9", RecordingSid=RECORDING)
    assert asks(redirect.text)[-1].tag == "Hangup"
    assert _messages(database) == [(RECORDING, 9)]


def test_of_a_call_that_has_ended_it_is_told_again(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    """Nobody would follow a document: answered, what it told would be lost."""
    outside = _address(asks, database, "put-through?step=0")
    with postgres.away(database_urls.name), pytest.raises(OperationalError):
        asks(outside, CallStatus="completed", DialCallStatus="completed", DialCallDuration="30")


def test_after_half_a_minute_the_address_of_last_resort_is_asked(
    asks: Asks, database: Database, cast: Cast, postgres: PostgresServer, database_urls: DatabaseUrls
) -> None:
    with postgres.away(database_urls.name):
        assert len(asks(f"/telephony/voice?tried={MOST_TRIED - 1}")) == 2
        with pytest.raises(OperationalError):  # which the carrier hears as a 500
            asks(f"/telephony/voice?tried={MOST_TRIED}")


def _messages(database: Database) -> list[tuple[str, int]]:
    with database.begin(Scope.across_enti()) as session:
        return [(one.carrier_sid, one.seconds) for one in session.scalars(select(Voicemail))]


def _address(asks: Asks, database: Database, end: str) -> str:
    """An address of a call that has arrived."""
    asks("/telephony/voice")
    with database.begin(Scope.across_enti()) as session:
        call = session.scalars(select(Call)).one()
        return f"/telephony/{call.contract_id}/calls/{call.id}/{end}"
