"""Receiving a call: from the carrier's first word to the queue, and what the caller hears meanwhile.

Each function answers with instructions for the carrier. Asked twice, it answers the same and does nothing twice.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from crm.contacts.phone import caller_kind, to_e164
from crm.contacts.queries import ContactKey
from crm.core import clock
from crm.core.db import new_id
from crm.enti import queries as enti
from crm.enti.calendar import is_metered
from telephony.callbacks import dialog
from telephony.callbacks import service as callbacks
from telephony.callbacks.dialog import Agreed, Declined
from telephony.calls import arranging, asking, service
from telephony.calls.addresses import Addresses, conference_name
from telephony.calls.asking import Verifies, locked, walked
from telephony.calls.events import Step
from telephony.calls.known import facts, flow_of
from telephony.calls.models import Phase, ProposedBy
from telephony.calls.recorded import ASKED, note
from telephony.calls.service import Heard
from telephony.carriers.port import (
    Enqueue,
    Gather,
    Hangup,
    Instruction,
    JoinConference,
    Play,
    PutThrough,
    Record,
    Redirect,
    Say,
)  # fmt: skip
from telephony.floor.current import floor
from telephony.floor.port import CallRow
from telephony.ivr import prompts, turns, walk
from telephony.ivr import queries as flows
from telephony.ivr.definition import ToVoicemail
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence
from telephony.ivr.turns import (
    Arrange,
    Await,
    CalledBack,
    Consult,
    Enter,
    HangUp,
    LookUp,
    Place,
    Reached,
    Said,
    Turn,
    Verify,
)
from telephony.lines import queries as lines
from telephony.lines.callers import counted_as
from telephony.lines.queries import LineView
from telephony.queues import waits
from telephony.recording import queries as recordings
from telephony.surveys.marks import keep as keep_mark

Reply = tuple[Instruction, ...]
NOT_IN_USE: Reply = (Say(prompts.sentence(Sentence.NOT_IN_USE)), Hangup())


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that the carrier announces."""

    sid: str
    line: str
    caller: str | None
    at: datetime
    repaired: bool = False  # nobody announced it: we found it at the carrier


def arrive(session: Session, arrival: Arrival, line: LineView, to: Addresses) -> Reply:
    """A call arrives on one of our lines. The scope must be the line's contract."""
    caller = to_e164(arrival.caller) if arrival.caller else None
    his = lines.of_his_own(session, caller)
    known = _known(session, his, line)
    only = known[0] if len(known) == 1 else None
    kind = caller_kind(his)
    ente_id = line.ente_id or (only.ente_id if only else None)
    counts = not line.shut_at(arrival.at) and is_metered(  # whatever hours the line has
        enti.timetable(session, line.contract_id, ente_id), arrival.at
    )
    taken = flows.current(session, line.number)
    call = floor(session).arrive(
        id=new_id(session), carrier_sid=arrival.sid, contract_id=line.contract_id, ente_id=ente_id, line=line.number,
        caller=caller, caller_kind=kind, callers=counted_as(kind, line.kind), phase=Phase.IVR,
        ivr_version_id=taken.version_id, ivr=Place(taken.flow.start).stored(), arrived_at=arrival.at, metered=counts,
        waited_ms=0, talked_ms=0, closing=False, note="", contact_id=only.contact_id if only else None,
        proposed_by=ProposedBy.CALLER_NUMBER if only else None, checked_at=arrival.at,
    )  # fmt: skip
    if call is None:  # announced twice
        existing = floor(session).call_of_sid(arrival.sid)
        assert existing is not None
        return resume(session, existing.id, to)
    service.arrived(session, call, Heard("arrived", arrival.at, repaired=arrival.repaired))
    turn = walked(session, call, taken.flow, lambda facts: walk.begin(taken.flow, facts))
    return _say(session, call, turn, to)


def keys(
    session: Session, call_id: UUID, *, step: int, pressed: str, said: str = "", to: Addresses,
    verifies: Verifies = lambda _session, _code: None,
) -> Reply:  # fmt: skip
    """The caller keyed or said something; `step` is the turn it answers."""
    call = locked(session, call_id)
    place = Place.restored(call.ivr)
    if call.phase is not Phase.IVR or step != place.step:
        return _now(session, call, to)
    flow = flow_of(session, call)
    turn = walked(session, call, flow, lambda facts: walk.on_input(flow, place, facts, keys=pressed, speech=said))
    call, turn = asking.answered(session, call, flow, turn, to, verifies)
    return _say(session, call, turn, to)


def after_number(
    session: Session, call_id: UUID, *, step: int, reached: Reached, seconds: int, hung_up: bool, to: Addresses
) -> Reply:
    """The menu called a number outside for the caller: what came of it, and how long they spoke.

    When it was he who hung up there is nothing more to say.
    """
    call = locked(session, call_id)
    floor(session).write_call(call_id, dialled_at=None)
    if reached is Reached.ANSWERED:
        at = clock.now(session)
        said = Heard(f"put-through:{step}", at - timedelta(seconds=seconds), detail=(("seconds", str(seconds)),))
        service.put_through(session, call_id, said)
    place = Place.restored(call.ivr)
    if hung_up or call.phase is not Phase.IVR or step != place.step:
        return () if hung_up else _now(session, call, to)
    flow = flow_of(session, call)
    now = clock.now(session)  # they may have spoken past closing
    turn = walked(session, call, flow, lambda facts: walk.on_put_through(flow, place, facts, reached), judged_at=now)
    return _say(session, call, turn, to)


def after_questions(session: Session, call_id: UUID, *, step: int, done: bool, to: Addresses) -> Reply:
    """The questionnaire was put to the caller, to its end or not: how he goes on."""
    if asking.at_questions(session, call_id, step) is None:
        return _now(session, locked(session, call_id), to)
    call = locked(session, call_id)
    return _say(session, call, asking.questioned(session, call, done=done), to)


def waiting(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """What a waiting caller hears: his place, then music. The carrier asks again when it ends."""
    call = floor(session).whole_call(call_id)
    assert call is not None
    if call.phase is Phase.ENDED or call.away:
        return (Hangup(),)
    place = Place.restored(call.ivr)
    if dialog.is_under_way(place.kept):
        return (_about_callback(call, place, to),)
    spoken = place.language
    stands = waits.outlook(session, call_id)
    told = [prompts.position(stands.ahead, spoken)]
    if stands.wait is not None:
        told.append(prompts.expected_wait(stands.wait.from_min, stands.wait.to_min, spoken))
    if call.waiting_since is not None:
        service.announced(session, call, stands)
    if call.phase is not Phase.WAITING or not callbacks.is_offered(session, call):
        return (_spoken(Said(" ".join(told), spoken)), Play(to.music()))
    told.append(prompts.sentence(Sentence.CALLBACK_OFFER, spoken))
    heard = (_spoken(Said(" ".join(told), spoken)), Play(to.music()))
    return (Gather(_while_waiting(call, place, to), heard, digits=1, timeout_s=1),)


def key_while_waiting(session: Session, call_id: UUID, *, step: int, pressed: str, to: Addresses) -> Reply:
    """A waiting caller keyed something: whether, and at which number, he wants to be called back.

    Nothing to say means that the carrier asks again what he hears while he waits.
    """
    call = locked(session, call_id)
    place = Place.restored(call.ivr)
    if call.phase is not Phase.WAITING or call.away or step != place.step:
        return waiting(session, call_id, to)
    if not dialog.is_under_way(place.kept):
        if pressed != dialog.YES or not callbacks.is_offered(session, call):
            return ()
        place = replace(
            place, kept=dialog.begin(place.kept, lines.of_his_own(session, call.caller)), step=place.step + 1
        )
        return _written(session, call, place, (_about_callback(call, place, to),))
    kept, came = dialog.answered(place.kept, pressed)
    place = replace(place, kept=kept, step=place.step + 1)
    match came:
        case Agreed(number):
            made = callbacks.ask(session, call, number)
            words = Sentence.CALLBACK_AGREED if made else Sentence.CALLBACK_KNOWN
            return _written(session, call, place, (_sentence(words, place), Hangup()))
        case Declined():
            return _written(session, call, place, (_sentence(Sentence.NEVER_MIND, place),))
        case None:
            return _written(session, call, place, (_about_callback(call, place, to),))
        case _:
            return _written(session, call, place, (_about_callback(call, place, to, _sentence(came, place)),))


def line_ended(session: Session, call_id: UUID, sid: str, heard: Heard, leg_id: UUID | None = None) -> Step | None:
    """A line that a caller was on is over. Who hung up before the tone is called back without a message; a time that he
    was about to book is free again."""
    live = floor(session).lock_call(call_id)
    if live is not None and live.phase is Phase.IVR and live.carrier_sid == sid:
        call = locked(session, call_id)
        place = Place.restored(call.ivr)
        arranging.let_go(session, place.kept)
        number = dialog.promised(place.kept)
        node = flow_of(session, call).nodes.get(place.node)
        if number is not None and isinstance(node, ToVoicemail):
            callbacks.ask(session, call, number, queue_id=node.queue)
            _written(session, call, replace(place, kept=dialog.over(place.kept)), ())
    return service.line_ended(session, call_id, sid, heard, leg_id)


def resume(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """What the caller should hear now, whatever happened before."""
    structlog.contextvars.bind_contextvars(call=str(call_id))
    return _now(session, locked(session, call_id), to)


def recorded(session: Session, call_id: UUID) -> Reply:
    """The caller has finished his message."""
    call = floor(session).whole_call(call_id)
    assert call is not None
    return thanks(Place.restored(call.ivr).language)


def thanks(language: Language) -> Reply:
    """Somebody who is to be called back takes his leave."""
    return (_spoken(Said(prompts.sentence(Sentence.CALLBACK_AGREED, language), language)), Hangup())


def after_conference(session: Session, call_id: UUID, to: Addresses) -> Reply:
    """The caller came out of a conference. Back into the queue when his agent was cut off; else it is over."""
    call = locked(session, call_id)
    if call.phase in {Phase.WAITING, Phase.RINGING, Phase.JOINING}:
        return _now(session, call, to)
    return (Hangup(),)


def _known(session: Session, caller: str | None, line: LineView) -> list[ContactKey]:
    """Who has this number, in the line's ente or in any that the contract covers."""
    found = floor(session).reached_at(caller) if caller else []
    return [one for one in found if line.ente_id in {None, one.ente_id}]


# -- parts ------------------------------------------------------------------------------------------------------


def _now(session: Session, call: CallRow, to: Addresses) -> Reply:
    place = Place.restored(call.ivr)
    match call.phase:
        case Phase.IVR:
            flow = flow_of(session, call)
            return _reply(session, call, walk.repeat(flow, place, facts(session, call, flow)), to)
        case Phase.WAITING | Phase.RINGING if not call.away:
            said = Said(prompts.sentence(_why_again(session, call), place.language), place.language)
            return (*([_spoken(said)] if call.answered_at is not None else []), _enqueue(call, to))
        case Phase.JOINING | Phase.TALKING | Phase.OUTSIDE if call.leg_id is not None and not call.away:
            if call.phase is Phase.JOINING:
                service.sent(session, call, call.leg_id)
            return (
                JoinConference(conference_name(call.room_id or call.leg_id), to.dial_ended(call.contract_id, call.id)),
            )
        case _:
            return (Hangup(),)


def _why_again(session: Session, call: CallRow) -> Sentence:
    """Why he waits who has spoken with an operator already."""
    if not call.passed:
        return Sentence.CUT_OFF
    nobody = call.waiting_since is not None and service.nobody_outside(session, call.id, call.waiting_since)
    return Sentence.NOBODY_OUTSIDE if nobody else Sentence.PASSED_ON


def _say(session: Session, call: CallRow, turn: Turn, to: Addresses) -> Reply:
    """Write down where the caller is, let him into the queue if that is where, and answer."""
    structlog.contextvars.bind_contextvars(call=str(call.id))  # new, or known: the log's lines are about it from here
    arranging.let_go(session, Place.restored(call.ivr).kept, turn.place.kept)
    floor(session).write_call(call.id, ivr=turn.place.stored(), keyed=turn.place.holds_digits)
    if turn.mark is not None:
        keep_mark(
            session, new_id(session), score=turn.mark, contract_id=call.contract_id, ente_id=call.ente_id, queue_id=None
        )
    if isinstance(turn.then, CalledBack) and not callbacks.ask(
        session, call, turn.then.number, queue_id=turn.then.queue, speaks=turn.then.speaks
    ):  # fmt: skip
        known = prompts.sentence(Sentence.CALLBACK_KNOWN, turn.place.language)
        turn = replace(turn, says=(Said(known, turn.place.language),), then=HangUp())
    if isinstance(turn.then, Enter):
        at = clock.now(session)
        if turn.place.consent is not None:
            floor(session).write_call(call.id, consent=turn.place.consent)
            wanted = recordings.purpose_of(session, ente_id=call.ente_id, call_id=call.id)
            said = {
                "answer": turn.place.consent.value, "language": turn.place.language.value,
                "purpose": wanted.value if wanted else "",  # that he was told of; judged by what it is then
            }  # fmt: skip
            note(session, call, ASKED, at, said)
        service.enter_queue(session, call.id, turn.then.queue, Heard("queued", at))
    return _reply(session, call, turn, to)


def _reply(session: Session, call: CallRow, turn: Turn, to: Addresses) -> Reply:
    says = tuple(_spoken(one) for one in turn.says)
    pressed = to.ivr(call.contract_id, call.id, turn.place.step)
    match turn.then:
        case CalledBack(speaks=True):
            taken = to.recorded(call.contract_id, call.id), to.recording(call.contract_id, call.id)
            return (*says, Record(*taken), *thanks(turn.place.language))
        case CalledBack():
            return (*says, Hangup())
        case HangUp():
            return (*_while_listening(pressed, says), Hangup())
        case Enter():
            return (*says, _enqueue(call, to))
        case turns.PutThrough(number, rings_s, longest_min):
            floor(session).write_call(call.id, dialled_at=clock.now(session))
            action = to.put_through(call.contract_id, call.id, turn.place.step)
            shown = lines.caller_id_of(session, call.contract_id, call.ente_id, call.line)
            return (
                *_while_listening(pressed, says), PutThrough(number, shown, action, rings_s, longest_min * 60)
            )  # fmt: skip
        case turns.Question():
            asks = Redirect(to.questions(call.contract_id, call.id, turn.place.step))
            return (*_while_listening(pressed, says), asks)
        case Await(digits, timeout_s, words):
            spoken = turn.place.language.tag if words else None
            return (Gather(pressed, says, digits=digits, timeout_s=timeout_s, speech=spoken, hints=words),)
        case LookUp() | Consult() | Arrange() | Verify():
            raise AssertionError("what is asked of us is found out before anything is answered")


def _while_listening(action: str, says: tuple[Say, ...]) -> Reply:
    """What is said before something that nobody is asked about: zero reaches an operator meanwhile."""
    return (Gather(action, says, digits=1, timeout_s=1, may_be_ignored=True),) if says else ()


def _written(session: Session, call: CallRow, place: Place, reply: Reply) -> Reply:
    floor(session).write_call(call.id, ivr=place.stored(), keyed=place.holds_digits)
    return reply


def _about_callback(call: CallRow, place: Place, to: Addresses, *before: Say) -> Gather:
    """What a waiting caller is asked about being called back."""
    asks = dialog.asked(place.kept, place.language)
    said = (*before, _spoken(Said(asks.text, place.language)))
    return Gather(_while_waiting(call, place, to), said, digits=asks.digits, timeout_s=asks.timeout_s)


def _while_waiting(call: CallRow, place: Place, to: Addresses) -> str:
    return to.key_while_waiting(call.contract_id, call.id, place.step)


def _sentence(which: Sentence, place: Place) -> Say:
    return _spoken(Said(prompts.sentence(which, place.language), place.language))


def _spoken(said: Said) -> Say:
    return Say(said.text, said.language.tag)


def _enqueue(call: CallRow, to: Addresses) -> Enqueue:
    return Enqueue(
        queue=f"contract-{call.contract_id}", action=to.left_queue(call.contract_id, call.id),
        wait_url=to.wait(call.contract_id, call.id),
    )  # fmt: skip
