"""The Participants resource of a conference."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from telephony.carriers.simulator.calls import Call
from telephony.carriers.simulator.conferences import Conference, Left, Participant
from telephony.carriers.simulator.errors import RestError, not_found
from telephony.carriers.simulator.exchange import Exchange
from telephony.carriers.simulator.execution import attend
from telephony.carriers.simulator.rest.access import ExchangeDep, Form, FormDep, authorised, created
from telephony.carriers.simulator.rest.calls import parties
from telephony.carriers.simulator.rest.conferences import find_conference
from telephony.carriers.simulator.rest.shapes import page_shape, participant_shape

router = APIRouter(
    prefix="/2010-04-01/Accounts/{account_sid}/Conferences/{conference_sid}/Participants",
    dependencies=[Depends(authorised)],
)


@router.post(".json")
async def create(conference_sid: str, request: Request, exchange: ExchangeDep, form: FormDep) -> Response:
    """Dial somebody into the conference of that sid or friendly name, which is made when it is not there."""
    from_, to = parties(exchange, form)
    callback, room_callback = form.call_callback(), form.conference_callback()
    timeout_s, label = form.seconds("Timeout", 60), form.optional("Label")
    found = exchange.conferences.get(conference_sid) or exchange.conference(conference_sid)
    if conference_sid.startswith("CF") and (found is None or not found.live):
        raise not_found(request.url.path)
    if found is not None and label and found.by_label(label):
        raise RestError(400, 16025, f"Participant label {label} is already in use in this conference")
    conference = found or exchange.open_conference(conference_sid, room_callback)

    async def join(_placed: Call) -> None:
        await attend(exchange, conference, participant)

    call = exchange.dial_out(
        from_, to, callback=callback, timeout_s=timeout_s, fallback_url=None, then=join,
    )  # fmt: skip
    participant = _participant(call, form, label)
    conference.add(participant)
    call.on_end = lambda: conference.leave(participant, Left.ADD_FAILED)
    return await created(exchange, call.subject, participant_shape(conference, participant))


def _participant(call: Call, form: Form, label: str | None) -> Participant:
    return Participant(
        call,
        label=label,
        muted=form.flag("Muted"),
        coaching=form.flag("Coaching"),
        call_sid_to_coach=form.optional("CallSidToCoach"),
        start_on_enter=form.flag("StartConferenceOnEnter", default=True),
        end_on_exit=form.flag("EndConferenceOnExit"),
    )


@router.get(".json")
async def list_participants(conference_sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    conference = find_conference(exchange, conference_sid, request)
    query = request.query_params
    found = [
        participant_shape(conference, who)
        for who in conference.participants.values()
        if all(
            query[name].lower() == str(on).lower()
            for name, on in (("Muted", who.muted), ("Hold", who.hold), ("Coaching", who.coaching))
            if name in query
        )
    ]
    return page_shape(request, "participants", found)


@router.get("/{call_sid}.json")
async def fetch(conference_sid: str, call_sid: str, request: Request, exchange: ExchangeDep) -> dict[str, Any]:
    return participant_shape(*_find(exchange, conference_sid, call_sid, request))


@router.post("/{call_sid}.json")
async def update(
    conference_sid: str, call_sid: str, request: Request, exchange: ExchangeDep, form: FormDep
) -> dict[str, Any]:
    """Hold, mute, coach, and what happens when the participant leaves."""
    conference, participant = _find(exchange, conference_sid, call_sid, request)
    if "Hold" in form:
        participant.hold_url = form.optional("HoldUrl")
        participant.hold_method = form.text("HoldMethod", "GET")
        conference.set_hold(participant, form.flag("Hold"))
    if "Muted" in form:
        conference.set_muted(participant, form.flag("Muted"))
    if _modify(participant, form):
        conference.modify(participant)
    return participant_shape(conference, participant)


def _modify(participant: Participant, form: Form) -> bool:
    """Coaching and end-on-exit; the latter is silently ignored while the participant is held."""
    before = (participant.coaching, participant.call_sid_to_coach, participant.end_on_exit)
    if "Coaching" in form:
        participant.coaching = form.flag("Coaching")
    if "CallSidToCoach" in form:
        participant.call_sid_to_coach = form.optional("CallSidToCoach")
    if "EndConferenceOnExit" in form and not participant.hold:
        participant.end_on_exit = form.flag("EndConferenceOnExit")
    return before != (participant.coaching, participant.call_sid_to_coach, participant.end_on_exit)


@router.delete("/{call_sid}.json", status_code=204)
async def delete(conference_sid: str, call_sid: str, request: Request, exchange: ExchangeDep) -> None:
    """Take out: a call made by this resource ends, another goes on with its document."""
    _conference, participant = _find(exchange, conference_sid, call_sid, request)
    participant.remove(Left.UPDATED)


def _find(exchange: Exchange, conference_sid: str, who: str, request: Request) -> tuple[Conference, Participant]:
    """By call sid or label."""
    conference = find_conference(exchange, conference_sid, request)
    participant = conference.participants.get(who) or conference.by_label(who)
    if participant is None:
        raise not_found(request.url.path)
    return conference, participant
