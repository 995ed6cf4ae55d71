"""The port, on Twilio's REST API through its own library; or on another server that speaks the same API."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response
from twilio.jwt.access_token import AccessToken
from twilio.jwt.access_token.grants import VoiceGrant
from twilio.rest import Client

from telephony.carriers.port import (
    CUSTOMER,
    CarrierCall,
    CarrierError,
    CarrierMessage,
    CarrierRecording,
    DeviceCredentials,
    Dial,
    Instruction,
    LiveCall,
    Ring,
    Room,
    Spoken,
    Standing,
    Taken,
    Taking,
    TextMessage,
    Written,
)
from telephony.carriers.twilio import markup, signature

T = TypeVar("T")

NOT_IN_PROGRESS = 21220  # "Call is not in-progress. Cannot redirect.": the caller hung up first
NOT_FOUND = 20404
CONNECTED = "connected"  # a participant who is in; before that he is queued, ringing, connecting
OK, NO_SUCH = 200, 404
API_URL = "https://api.twilio.com"
TOO_MANY = 20429  # not processed: safe to ask again
LISTED = ("queued", "ringing", "in-progress")
MOST_LISTED, PAGE = 2000, 500
CLIENT = "client:"
PLACED = "outbound-api"
LIVE = frozenset({"queued", "initiated", "ringing", "in-progress"})
STATUS_EVENTS = ["initiated", "ringing", "answered", "completed"]
CONFERENCE_EVENTS = "start end join leave"
RECORDING_EVENTS = ["in-progress", "completed", "absent"]
RECORDED = {Taking.ON: "in-progress", Taking.PAUSED: "paused", Taking.OFF: "stopped"}  # Twilio's words
TOKEN_LIFE = timedelta(hours=8)
LONGEST_HOLD_S = 60  # a Retry-After beyond it is not believed
LOOKED_BACK = timedelta(minutes=5)  # how far its clock may be behind ours
VOICE_SDK_ORIGINS = (
    "wss://voice-js.roaming.twilio.com", "https://eventgw.twilio.com", "https://media.twiliocdn.com",
    "https://sdk.twilio.com",
)  # fmt: skip


class _TooManyError(Exception):
    """429, with what the library's own exception leaves out: for how many seconds to wait."""

    def __init__(self, retry_after: str | None) -> None:
        super().__init__("429")
        whole = retry_after is not None and retry_after.isdigit()
        self.retry_after = timedelta(seconds=min(int(retry_after or 0), LONGEST_HOLD_S)) if whole else None


class _Client(TwilioHttpClient):  # type: ignore[misc]  # the library's class has untyped bases
    """The library's HTTP client. With a base address, scheme, host and path prefix are replaced by its own."""

    def __init__(self, base_url: str | None, timeout: float) -> None:
        super().__init__(timeout=timeout, max_retries=0)
        self._base = urlsplit(base_url) if base_url is not None else None

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if self._base is not None:
            parts, base = urlsplit(url), self._base
            moved = parts._replace(scheme=base.scheme, netloc=base.netloc, path=base.path + parts.path)
            url = urlunsplit(moved)
        response = super().request(method, url, *args, **kwargs)
        if response.status_code == 429:
            headers = {name.lower(): value for name, value in (response.headers or {}).items()}
            raise _TooManyError(headers.get("retry-after"))
        return response


class TwilioCarrier:
    """Twilio, or whatever speaks its API at `api_url`. Thread-safe; every request ends within `timeout_s`."""

    def __init__(
        self, *, account_sid: str, auth_token: str, api_key: str, api_secret: str, timeout_s: float,
        api_url: str | None = None, device_url: str | None = None,
    ) -> None:  # fmt: skip
        self._client = Client(account_sid, auth_token, http_client=_Client(api_url, timeout_s))
        self._account_sid, self._auth_token = account_sid, auth_token
        self._api_key, self._api_secret = api_key, api_secret
        self._device_url = device_url
        self._api_url, self._timeout_s = (api_url or API_URL).rstrip("/"), timeout_s

    def ring(self, ring: Ring) -> str:
        """Add somebody to the conference: Twilio calls his telephone and joins it when he answers."""
        unheard = {} if ring.heard else {"muted": True}
        participant = _ask(
            lambda: self._client.conferences(ring.conference).participants.create(
                from_=ring.caller_id, to=ring.number or f"{CLIENT}{ring.agent}", label=ring.label,
                timeout=ring.timeout_s, early_media=ring.tones, beep="false", start_conference_on_enter=True,
                end_conference_on_exit=False, **unheard,
                status_callback=ring.status_url, status_callback_event=STATUS_EVENTS,
                conference_status_callback=ring.conference_url,
                conference_status_callback_event=CONFERENCE_EVENTS.split(),
            )
        )  # fmt: skip
        return str(participant.call_sid)

    def dial(self, dial: Dial) -> str:
        """A call of its own. Whether a machine answers is found out while he is spoken with: the person first."""
        listens = {} if dial.machine_url is None else {
            "machine_detection": "Enable", "async_amd": "true", "async_amd_status_callback": dial.machine_url,
            "async_amd_status_callback_method": "POST",
        }  # fmt: skip
        made = _ask(
            lambda: self._client.calls.create(
                from_=dial.caller_id, to=dial.number, url=dial.answer_url, method="POST", timeout=dial.timeout_s,
                fallback_url=dial.fallback_url, fallback_method="POST", status_callback=dial.status_url,
                status_callback_method="POST", status_callback_event=STATUS_EVENTS, **listens,
            )
        )  # fmt: skip
        return str(made.sid)

    def redirect(self, sid: str, url: str) -> None:
        """Make a live call fetch `url`."""
        _ask(lambda: self._client.calls(sid).update(url=url, method="POST"))

    def arrange(self, room: Room) -> None:
        """Update each participant of the conference who takes part otherwise than he should."""
        there: set[str] = set()
        for conference in _ask(lambda: self._client.conferences.list(friendly_name=room.conference, limit=5)):
            listed = self._client.conferences(str(conference.sid)).participants
            inside = _ask(partial(listed.list, limit=20))
            sids = {str(one.label): str(one.call_sid) for one in inside}
            there |= sids.keys()
            for one in inside:
                wanted = room.standing.get(str(one.label))
                fields = _differences(one, wanted, sids, room.hold_url) if wanted else {}
                if fields:
                    _unless_gone(partial(listed(str(one.call_sid)).update, **fields))
        if CUSTOMER not in there and CUSTOMER in room.standing and room.standing[CUSTOMER].hold:
            raise CarrierError("Chi chiama non risulta nella conversazione.", permanent=False, answered=True)

    def end(self, sid: str) -> None:
        """End a call. Twilio cancels one that still rings when told that it is completed."""
        _unless_gone(lambda: self._client.calls(sid).update(status="completed"))

    def fetch(self, sid: str) -> CarrierCall | None:
        """A call by SID."""
        try:
            call = _ask(lambda: self._client.calls(sid).fetch())
        except CarrierError as error:
            if error.code == NOT_FOUND:
                return None
            raise
        return CarrierCall(str(call.sid), str(call.status) in LIVE, str(call.status), call.end_time)

    def put_through(self, sid: str) -> Spoken | None:
        """By the calls that were dialled for it: whoever answered has *completed* his."""
        dialled = _ask(lambda: self._client.calls.list(parent_call_sid=sid, status="completed", limit=20))
        over = [Spoken(one.end_time - timedelta(seconds=int(one.duration)), int(one.duration)) for one in dialled]
        return max(over, key=lambda one: one.since, default=None)

    def live_calls(self) -> list[LiveCall]:
        """By status, since Twilio filters by one at a time; in pages of its own size."""
        return [
            _live_call(one)
            for status in LISTED
            for one in _ask(partial(self._client.calls.list, status=status, limit=MOST_LISTED, page_size=PAGE))
        ]

    def probe(self) -> None:
        """The newest call, whichever it is."""
        _ask(lambda: self._client.calls.list(limit=1, page_size=1))

    def labels_in(self, conference: str) -> dict[str, datetime | None]:
        """Who is in the conference of this name, and since when, ringing included. Who is still rung is listed too."""
        inside = (one for one in self._participants(conference) if str(one.status) == CONNECTED)
        return {str(one.label): one.date_created for one in inside}

    def find_ring(self, ring: Ring) -> str | None:
        """Look for the leg's own participant; another call to the same agent is somebody else's."""
        found = {str(one.label): str(one.call_sid) for one in self._participants(ring.conference)}
        return found.get(ring.label)

    def _participants(self, conference: str) -> list[Any]:
        found: list[Any] = []
        for one in _ask(lambda: self._client.conferences.list(friendly_name=conference, limit=5)):
            found += _ask(partial(self._client.conferences(str(one.sid)).participants.list, limit=20))
        return found

    def record(self, taken: Taken) -> None:
        """Begin, pause or stop the recordings of a call; of several that are under way one goes on, the first.

        Before one is begun it is looked for: the answer to an earlier request may have been lost.
        """
        recordings = self._client.calls(taken.sid).recordings
        under_way = [one for one in self._recordings(taken.sid) if str(one.status) in {"in-progress", "paused"}]
        if not under_way and taken.taking is Taking.ON:
            _unless_gone(
                lambda: recordings.create(
                    recording_channels="dual", trim="do-not-trim", recording_status_callback=taken.status_url,
                    recording_status_callback_event=RECORDING_EVENTS, recording_status_callback_method="POST",
                )
            )  # fmt: skip
        for n, one in enumerate(under_way):
            wanted = RECORDED[Taking.OFF if n else taken.taking]
            if str(one.status) != wanted:
                skip = {"pause_behavior": "skip"} if wanted == RECORDED[Taking.PAUSED] else {}
                _unless_gone(partial(self._client.calls(taken.sid).recordings(one.sid).update, status=wanted, **skip))

    def recordings_of(self, sid: str) -> list[CarrierRecording]:
        """Twilio lists the newest first; here the first one is first."""
        return [
            CarrierRecording(
                str(one.sid), one.start_time or one.date_created, max(int(one.duration or 0), 0),
                ready=str(one.status) == "completed", absent=str(one.status) == "absent",
            )
            for one in self._recordings(sid)
        ]  # fmt: skip

    def _recordings(self, sid: str) -> list[Any]:
        found = _ask(lambda: self._client.calls(sid).recordings.list(limit=20))
        return sorted(found, key=lambda one: (one.date_created, str(one.sid)))

    def fetch_recording(self, sid: str, *, channels: int = 1) -> bytes:
        """By the media's address; the library reads replies as text alone."""
        asked = f"?RequestedChannels={channels}" if channels > 1 else ""
        address = f"{self._api_url}/2010-04-01/Accounts/{self._account_sid}/Recordings/{sid}.wav{asked}"

        def ask() -> bytes:
            answer = requests.get(address, auth=(self._account_sid, self._auth_token), timeout=self._timeout_s)
            if answer.status_code != OK:
                code = NOT_FOUND if answer.status_code == NO_SUCH else None
                raise TwilioRestException(answer.status_code, address, code=code, method="GET")
            return answer.content

        return _ask(ask)

    def delete_recording(self, sid: str) -> None:
        """Delete it; Twilio answers 404 to a second time."""
        try:
            _ask(lambda: self._client.recordings(sid).delete())
        except CarrierError as error:
            if not error.gone and error.code != NOT_FOUND:
                raise

    def send_message(self, message: TextMessage) -> str:
        """Create a message. Twilio queues it; what becomes of it is told to the status callback."""
        made = _ask(
            lambda: self._client.messages.create(
                from_=message.line, to=message.to, body=message.body, status_callback=message.status_url
            )
        )
        return str(made.sid)

    def find_message(
        self, message: TextMessage, *, since: datetime, known: frozenset[str]
    ) -> CarrierMessage | None:  # fmt: skip
        """Look among the messages to that number since then for one with these words that nobody knows of.

        By number and day alone: the same SMS may have left from another line, and clocks differ.
        """
        day = since - LOOKED_BACK
        found = _ask(lambda: self._client.messages.list(to=message.to, date_sent_after=day, limit=100))
        for one in found:
            if one.body == message.body and str(one.sid) not in known and str(one.direction).startswith("outbound"):
                return _message(one)
        return None

    def fetch_message(self, sid: str) -> CarrierMessage | None:
        """A message by SID."""
        try:
            return _message(_ask(lambda: self._client.messages(sid).fetch()))
        except CarrierError as error:
            if error.code == NOT_FOUND:
                return None
            raise

    def written_to(self, number: str, *, since: datetime) -> list[Written]:
        """Twilio lists the newest first, with what we sent to a number of ours, if anything."""
        found = _ask(
            lambda: self._client.messages.list(to=number, date_sent_after=since, limit=MOST_LISTED, page_size=PAGE)
        )
        inbound = (one for one in found if str(one.direction) == "inbound")
        written = [
            Written(str(one.sid), str(one.from_), one.body or "", _sent_at(one), int(one.num_media or 0))
            for one in inbound
        ]
        return sorted(written, key=lambda one: one.at)

    def provision(
        self, number: str, *, voice_url: str, fallback_url: str, status_url: str, message_url: str, label: str
    ) -> None:  # fmt: skip
        """Point a number at us. A simulator's account gets the numbers it lacks; a real one is never made to buy."""
        fields: dict[str, Any] = {
            "voice_url": voice_url, "voice_method": "POST", "status_callback": status_url,
            "voice_fallback_url": fallback_url, "voice_fallback_method": "POST",
            "friendly_name": label, "sms_url": message_url, "sms_method": "POST",
        }  # fmt: skip
        owned = _ask(lambda: self._client.incoming_phone_numbers.list(phone_number=number, limit=1))
        if owned:
            _ask(lambda: self._client.incoming_phone_numbers(owned[0].sid).update(**fields))
        elif self._device_url is None:  # creating it there would buy it
            raise CarrierError(f"Il numero {number} non è nell'account: acquistalo, poi riprova.", permanent=True)
        else:
            _ask(lambda: self._client.incoming_phone_numbers.create(phone_number=number, **fields))

    def device(self, identity: str, now: datetime) -> DeviceCredentials:
        """An access token that lets a browser receive calls, and make none."""
        token = AccessToken(
            self._account_sid, self._api_key, self._api_secret, identity=identity,
            ttl=int(TOKEN_LIFE.total_seconds()),
        )  # fmt: skip
        token.add_grant(VoiceGrant(incoming_allow=True))
        kind = "twilio" if self._device_url is None else "simulator"
        return DeviceCredentials(kind, token.to_jwt(), self._device_url or "", now + TOKEN_LIFE)

    def origins(self) -> tuple[str, ...]:
        """Where the softphone connects to."""
        if self._device_url is None:
            return VOICE_SDK_ORIGINS
        parts = urlsplit(self._device_url)
        socket = "wss" if parts.scheme == "https" else "ws"
        return (f"{socket}://{parts.netloc}",)

    def is_genuine(self, url: str, params: Mapping[str, str], signature_: str) -> bool:
        """Whether Twilio signed this webhook."""
        return signature.is_genuine(self._auth_token, url, params, signature_)

    def render(self, instructions: tuple[Instruction, ...]) -> str:
        """TwiML."""
        return markup.render(instructions)


def _differences(one: Any, wanted: Standing, sids: Mapping[str, str], hold_url: str) -> dict[str, Any]:
    """What has to be updated of a participant. Twilio asks for the hold's document by GET unless told otherwise."""
    fields: dict[str, Any] = {}
    if bool(one.hold) is not wanted.hold:
        fields |= {"hold": True, "hold_url": hold_url, "hold_method": "POST"} if wanted.hold else {"hold": False}
    if bool(one.muted) is not wanted.muted:
        fields["muted"] = wanted.muted
    coached = sids.get(wanted.coaches) if wanted.coaches else None
    if (str(one.call_sid_to_coach) if one.coaching else None) != coached:
        fields |= {"coaching": True, "call_sid_to_coach": coached} if coached else {"coaching": False}
    return fields


def _live_call(one: Any) -> LiveCall:
    return LiveCall(
        sid=str(one.sid), inbound=str(one.direction) == "inbound", from_=str(getattr(one, "_from")), to=str(one.to),  # noqa: B009
        answered=str(one.status) == "in-progress", since=one.date_created, placed=str(one.direction) == PLACED,
    )  # fmt: skip


def _sent_at(one: Any) -> datetime:
    found: datetime = one.date_sent or one.date_created
    return found


def _message(one: Any) -> CarrierMessage:
    return CarrierMessage(str(one.sid), str(one.status), int(one.error_code) if one.error_code else None)


def _unless_gone(request: Callable[[], object]) -> None:
    """Ask; of somebody who is gone, nothing is wanted any more."""
    try:
        _ask(request)
    except CarrierError as error:
        if not error.gone:
            raise


def _ask(request: Callable[[], T]) -> T:
    """Ask, and say of a failure whether asking again can help and whether it may have been done after all."""
    try:
        return request()
    except _TooManyError as error:
        raise CarrierError(
            "Il gestore telefonico chiede di rallentare.", permanent=False, answered=True, code=TOO_MANY,
            retry_after=error.retry_after,
        ) from error  # fmt: skip
    except TwilioRestException as error:
        gone = error.code in {NOT_IN_PROGRESS, NOT_FOUND}
        passing = error.status >= 500 or error.code == TOO_MANY
        raise CarrierError(
            f"Il gestore telefonico ha risposto {error.status} (errore {error.code}).",
            permanent=not passing, unknown=error.status >= 500, gone=gone, answered=True, code=error.code,
        ) from error  # fmt: skip
    except ConnectTimeout as error:
        raise CarrierError("Il gestore telefonico non è raggiungibile.", permanent=False) from error
    except RequestsConnectionError as error:
        refused = "Connection refused" in str(error) or "NewConnectionError" in str(error)
        raise CarrierError(
            "La connessione col gestore telefonico è caduta.", permanent=False, unknown=not refused
        ) from error
    except (RequestException, TwilioException) as error:
        raise CarrierError("Il gestore telefonico non ha risposto in tempo.", permanent=False, unknown=True) from error
