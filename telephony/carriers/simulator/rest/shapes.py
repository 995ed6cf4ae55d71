"""Resources as Twilio writes them in JSON."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from telephony.carriers.simulator.calls import Call, Direction, Status
from telephony.carriers.simulator.conferences import Conference, Participant
from telephony.carriers.simulator.errors import RestError
from telephony.carriers.simulator.exchange import API_VERSION
from telephony.carriers.simulator.instants import rfc2822
from telephony.carriers.simulator.messages import Text
from telephony.carriers.simulator.numbers import Line
from telephony.carriers.simulator.tapes import Tape

Shape = dict[str, Any]
CALL_PARTS = ("Notifications", "Recordings", "Payments", "Events", "Siprec", "Streams", "Transcriptions",
              "UserDefinedMessages", "UserDefinedMessageSubscriptions")  # fmt: skip


def _root(account_sid: str) -> str:
    return f"/{API_VERSION}/Accounts/{account_sid}"


def _snake(name: str) -> str:
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


def call_shape(call: Call) -> Shape:
    path = f"{_root(call.account_sid)}/Calls/{call.sid}"
    dialled = call.status is not Status.QUEUED
    return {
        "sid": call.sid,
        "account_sid": call.account_sid,
        "api_version": API_VERSION,
        "date_created": rfc2822(call.created),
        "date_updated": rfc2822(call.updated),
        "parent_call_sid": call.parent_sid,
        "to": call.to,
        "to_formatted": call.to,
        "from": call.from_,
        "from_formatted": call.from_,
        "phone_number_sid": call.number_sid,
        "status": call.status.value,
        "start_time": rfc2822((call.answered or call.created) if dialled else None),
        "end_time": rfc2822(call.ended),
        "duration": None if call.ended is None else str(call.duration_s),
        "price": None,
        "price_unit": "USD",
        "direction": call.direction.value,
        "answered_by": None,
        "forwarded_from": "" if call.direction is Direction.INBOUND else None,
        "group_sid": None,
        "caller_name": "" if call.direction is Direction.INBOUND else None,
        "queue_time": "0",
        "trunk_sid": None,
        "uri": path + ".json",
        "subresource_uris": {_snake(part): f"{path}/{part}.json" for part in CALL_PARTS},
    }


def message_shape(text: Text) -> Shape:
    path = f"{_root(text.account_sid)}/Messages/{text.sid}"
    return {
        "sid": text.sid,
        "account_sid": text.account_sid,
        "api_version": API_VERSION,
        "messaging_service_sid": None,
        "from": text.from_,
        "to": text.to,
        "body": text.body,
        "status": text.status,
        "direction": "inbound" if text.inbound else "outbound-api",
        "num_segments": str(text.segments),
        "num_media": "0",
        "date_created": rfc2822(text.created),
        "date_updated": rfc2822(text.updated),
        "date_sent": rfc2822(text.sent),
        "error_code": text.error_code,
        "error_message": None,
        "price": None,
        "price_unit": "USD",
        "uri": path + ".json",
        "subresource_uris": {"media": f"{path}/Media.json"},
    }


def conference_shape(conference: Conference) -> Shape:
    path = f"{_root(conference.account_sid)}/Conferences/{conference.sid}"
    return {
        "sid": conference.sid,
        "account_sid": conference.account_sid,
        "api_version": API_VERSION,
        "date_created": rfc2822(conference.created),
        "date_updated": rfc2822(conference.updated),
        "friendly_name": conference.friendly_name,
        "region": "ie1",
        "status": conference.status.value,
        "reason_conference_ended": conference.reason_ended,
        "call_sid_ending_conference": conference.ended_by,
        "uri": path + ".json",
        "subresource_uris": {part.lower(): f"{path}/{part}.json" for part in ("Participants", "Recordings")},
    }


def participant_shape(conference: Conference, participant: Participant) -> Shape:
    call = participant.call
    return {
        "account_sid": call.account_sid,
        "call_sid": call.sid,
        "conference_sid": conference.sid,
        "label": participant.label,
        "call_sid_to_coach": participant.call_sid_to_coach,
        "coaching": participant.coaching,
        "date_created": rfc2822(participant.created),
        "date_updated": rfc2822(participant.updated),
        "end_conference_on_exit": participant.end_on_exit,
        "muted": participant.muted,
        "hold": participant.hold,
        "start_conference_on_enter": participant.start_on_enter,
        "status": participant.status,
        "queue_time": "0",
        "uri": f"{_root(call.account_sid)}/Conferences/{conference.sid}/Participants/{call.sid}.json",
    }


def recording_shape(tape: Tape) -> Shape:
    call = tape.call
    path = f"{_root(call.account_sid)}/Calls/{call.sid}/Recordings/{tape.sid}"
    over = tape.status in {"completed", "absent"}
    return {
        "sid": tape.sid,
        "account_sid": call.account_sid,
        "api_version": API_VERSION,
        "call_sid": call.sid,
        "conference_sid": None,
        "date_created": rfc2822(tape.created),
        "date_updated": rfc2822(tape.updated),
        "start_time": rfc2822(tape.created),
        "duration": str(tape.length_s) if over else "-1",
        "price": None,
        "price_unit": "USD",
        "status": tape.status,
        "source": "StartCallRecordingAPI",
        "channels": tape.channels,
        "track": "both",
        "error_code": None,
        "encryption_details": None,
        "uri": path + ".json",
    }


def number_shape(account_sid: str, line: Line) -> Shape:
    number = line.number
    absent = ("address_sid", "identity_sid", "trunk_sid", "emergency_address_sid", "bundle_sid", "type",
              "sms_application_sid", "voice_application_sid")  # fmt: skip
    return {
        **dict.fromkeys(absent),
        "sid": line.sid,
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "address_requirements": "none",
        "beta": False,
        "capabilities": {"mms": False, "sms": True, "voice": True, "fax": False},
        "date_created": rfc2822(line.created),
        "date_updated": rfc2822(line.updated),
        "friendly_name": number.label or number.number,
        "phone_number": number.number,
        "origin": "twilio",
        "sms_fallback_method": "POST",
        "sms_fallback_url": "",
        "sms_method": "POST",
        "sms_url": number.sms_url or "",
        "status": "in-use",
        "status_callback": number.status_callback or "",
        "status_callback_method": "POST",
        "voice_caller_id_lookup": False,
        "voice_fallback_method": "POST",
        "voice_fallback_url": number.voice_fallback_url or "",
        "voice_method": number.voice_method,
        "voice_receive_mode": "voice",
        "voice_url": number.voice_url,
        "emergency_status": "Inactive",
        "emergency_address_status": "unregistered",
        "uri": f"{_root(account_sid)}/IncomingPhoneNumbers/{line.sid}.json",
    }


def page_shape(request: Request, key: str, found: Sequence[Mapping[str, Any]]) -> Shape:
    """One page of a list, with the addresses of its neighbours."""
    page, size = _whole(request, "Page", 0, 0), _whole(request, "PageSize", 50, 1)
    size = min(size, 1000)
    shown = list(found[page * size : (page + 1) * size])
    more = len(found) > (page + 1) * size
    return {
        key: shown,
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(shown) - 1, 0),
        "uri": _page_uri(request, page, size),
        "first_page_uri": _page_uri(request, 0, size),
        "next_page_uri": _page_uri(request, page + 1, size) if more else None,
        "previous_page_uri": _page_uri(request, page - 1, size) if page else None,
    }


def _page_uri(request: Request, page: int, size: int) -> str:
    paging = {"Page", "PageSize", "PageToken"}
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in paging]
    return f"{request.url.path}?{urlencode([*kept, ('PageSize', size), ('Page', page)])}"


def _whole(request: Request, name: str, default: int, least: int) -> int:
    raw = request.query_params.get(name, str(default))
    if not raw.isdigit() or int(raw) < least:
        raise RestError(400, 20001, f"Parameter '{name}' is not valid")
    return int(raw)
