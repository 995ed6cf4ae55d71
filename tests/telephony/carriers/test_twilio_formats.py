"""Signatures, TwiML and tokens: ours, written by hand, against those of Twilio's own library."""

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Dial, VoiceResponse
from twilio.twiml.voice_response import Gather as TwilioGather

from telephony.carriers.port import (
    Enqueue,
    Gather,
    Hangup,
    Instruction,
    JoinConference,
    Pause,
    Play,
    PutThrough,
    Record,
    Redirect,
    Say,
)
from telephony.carriers.twilio import markup, signature
from tests.telephony.carriers.conftest import ACCOUNT, KEY, SECRET, TOKEN, carrier_at

# -- signatures -----------------------------------------------------------------------------------------------------

VECTOR_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
VECTOR = {
    "CallSid": "CA1234567890ABCDE", "Caller": "+14158675309", "From": "+14158675309", "Digits": "1234",
    "To": "+18005551212",
}  # fmt: skip


def test_twilio_s_own_example() -> None:
    assert signature.sign("12345", VECTOR_URL, VECTOR) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    assert signature.is_genuine("12345", VECTOR_URL, VECTOR, "RSOYDt4T1cUTdK1PDd93/VVr8B8=")


@pytest.mark.parametrize(
    ("token", "url", "change"),
    [("12346", VECTOR_URL, {}), ("12345", VECTOR_URL + "3", {}), ("12345", VECTOR_URL, {"Digits": "1235"}),
     ("12345", VECTOR_URL, {"More": ""})],
    ids=["another token", "another address", "another value", "a blank field more"],
)  # fmt: skip
def test_whatever_is_changed_is_noticed(token: str, url: str, change: dict[str, str]) -> None:
    genuine = signature.sign("12345", VECTOR_URL, VECTOR)
    assert not signature.is_genuine(token, url, VECTOR | change, genuine)


@pytest.mark.parametrize("nonsense", ["", "è", "RSOYDt4T1cUTdK1PDd93/VVr8B8"])
def test_a_signature_that_is_none_is_refused_and_not_an_error(nonsense: str) -> None:
    assert not signature.is_genuine("12345", VECTOR_URL, VECTOR, nonsense)


field = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
forms = st.dictionaries(field.filter(bool), field, max_size=12)


@given(
    st.text("abcdef0123456789", min_size=1),
    forms,
    st.from_regex(r"https://[a-z]{1,9}\.it/[a-z?=&%0-9]{0,20}", fullmatch=True),
)
def test_every_form_is_signed_as_the_library_signs_it(token: str, form: dict[str, str], url: str) -> None:
    assert signature.sign(token, url, form) == RequestValidator(token).compute_signature(url, form)


# -- TwiML ----------------------------------------------------------------------------------------------------------

legal = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=40)
urls = legal.map(lambda rest: f"https://cc.example.it/telephony?{rest}")
says = st.builds(Say, legal, st.sampled_from(["it-IT", "en-GB", "de-DE"]))
plays = st.builds(Play, urls)
pauses = st.builds(Pause, st.integers(1, 60))
prompts = st.lists(says | plays | pauses, max_size=3).map(tuple)
instructions: st.SearchStrategy[Instruction] = st.one_of(
    says, plays, pauses, st.builds(Enqueue, legal, urls, urls), st.builds(JoinConference, legal, urls),
    st.builds(
        Gather, urls, prompts, st.none() | st.integers(1, 20), st.integers(1, 30), st.none() | st.just("it-IT"),
        st.lists(legal, max_size=2).map(tuple),
    ),
    st.builds(PutThrough, legal, legal, urls, st.integers(5, 60), st.integers(60, 7200)),
    st.builds(Redirect, urls), st.builds(Record, urls, urls, st.integers(1, 600)), st.just(Hangup()),
)  # fmt: skip


def by_the_library(into: Any, one: Instruction) -> None:
    """The same instruction through Twilio's classes."""
    match one:
        case Say():
            voice = markup.VOICES[one.language]
            into.say(one.text, language=one.language, voice=voice)
        case Play():
            into.play(one.url)
        case Pause():
            into.pause(length=one.seconds)
        case Gather():
            gather = TwilioGather(
                input="dtmf speech" if one.speech else "dtmf", language=one.speech,
                hints=", ".join(one.hints) if one.speech else None,
                action=one.action, method="POST", timeout=one.timeout_s, num_digits=one.digits,
                finish_on_key="#", action_on_empty_result=True,
            )  # fmt: skip
            for prompt in one.prompts:
                by_the_library(gather, prompt)
            into.append(gather)
        case Enqueue():
            into.enqueue(one.queue, action=one.action, method="POST", wait_url=one.wait_url, wait_url_method="POST")
        case JoinConference():
            dial = Dial(action=one.action, method="POST")
            dial.conference(
                one.name, participant_label="customer", start_conference_on_enter=True,
                end_conference_on_exit=False, beep="false",
            )  # fmt: skip
            into.append(dial)
        case PutThrough():
            dial = Dial(
                action=one.action, method="POST", caller_id=one.caller_id, timeout=one.rings_s,
                time_limit=one.longest_s, ring_tone="it",
            )  # fmt: skip
            dial.number(one.number)
            into.append(dial)
        case Redirect():
            into.redirect(one.url, method="POST")
        case Record():
            into.record(
                action=one.action, method="POST", max_length=one.longest_s, timeout=5, finish_on_key="#",
                play_beep=True, trim="trim-silence", recording_status_callback=one.status_url,
                recording_status_callback_method="POST",
            )  # fmt: skip
        case Hangup():
            into.hangup()


Tree = tuple[str, dict[str, str], str, list[Any]]


def tree(element: ET.Element) -> Tree:
    return element.tag, dict(element.attrib), element.text or "", [tree(child) for child in element]


@given(st.lists(instructions, max_size=4))
@settings(max_examples=200)
def test_every_instruction_is_written_as_the_library_writes_it(said: list[Instruction]) -> None:
    theirs = VoiceResponse()
    for one in said:
        by_the_library(theirs, one)
    ours = markup.render(tuple(said))
    assert tree(ET.fromstring(ours)) == tree(ET.fromstring(str(theirs)))


def test_a_caller_on_hold_hears_italian() -> None:
    assert markup.render((Say("Un attimo, <Mario> & C."), Hangup())) == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Say language="it-IT" voice="Polly.Bianca-Neural">'
        "Un attimo, &lt;Mario&gt; &amp; C.</Say><Hangup /></Response>"
    )


# -- softphones -----------------------------------------------------------------------------------------------------


def test_an_agent_s_token_lets_him_receive_calls_and_make_none() -> None:
    now = datetime.now(UTC)
    device = carrier_at(None).device("agent_7", now)
    claims = jwt.decode(device.token, SECRET, algorithms=["HS256"])
    header = jwt.get_unverified_header(device.token)
    assert (header["alg"], header["cty"], claims["iss"], claims["sub"]) == ("HS256", "twilio-fpa;v=1", KEY, ACCOUNT)
    assert claims["grants"] == {"identity": "agent_7", "voice": {"incoming": {"allow": True}}}
    assert timedelta(hours=8) == device.expires_at - now
    assert abs(claims["exp"] - device.expires_at.timestamp()) < 5
    assert TOKEN not in device.token
    assert (device.kind, device.url) == ("twilio", "")


def test_a_simulated_softphone_is_told_where_its_simulator_is() -> None:
    carrier = carrier_at("http://127.0.0.1:9", device_url="http://127.0.0.1:9002")
    device = carrier.device("agent_7", datetime.now(UTC))
    assert (device.kind, device.url, carrier.origins()) == (
        "simulator", "http://127.0.0.1:9002", ("ws://127.0.0.1:9002",),
    )  # fmt: skip


def test_a_browser_may_connect_to_twilio_alone() -> None:
    assert all(
        ".twilio" in origin and origin.startswith(("wss://", "https://")) for origin in carrier_at(None).origins()
    )
