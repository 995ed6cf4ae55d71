"""The self-service, appointments and being called back, as nodes of a flow: what comes of what is keyed there. Pure."""

from dataclasses import dataclass, replace
from typing import assert_never

from telephony.appointments import dialogue as appointments
from telephony.appointments import prompts as booked
from telephony.appointments.dialogue import Leaves
from telephony.appointments.state import PREFIX as BOOKING
from telephony.appointments.state import Answer as Arranged
from telephony.appointments.state import Line, Stage
from telephony.appointments.state import Request as Wanted
from telephony.appointments.state import State as Booking
from telephony.callbacks import dialog
from telephony.callbacks.dialog import Agreed, Declined
from telephony.ivr.asking import sentence
from telephony.ivr.definition import Appointment, NodeId, SelfService, ToCallback, ToVoicemail
from telephony.ivr.prompts import Sentence
from telephony.ivr.turns import Arrange, CalledBack, Consult, Facts, HangUp, Place, Said, Turn
from telephony.ivr.words import means
from telephony.selfservice import dialogue
from telephony.selfservice import prompts as served
from telephony.selfservice.dialogue import Answer, Asks, Done, Failed, On, Request, State


@dataclass(frozen=True, slots=True)
class Stays:
    """He is asked on at his node, and hears these before."""

    place: Place
    says: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Goes:
    """He goes on to another node."""

    place: Place
    to: NodeId
    says: tuple[Said, ...] = ()


@dataclass(frozen=True, slots=True)
class Fails:
    """It counts as an attempt; he stands where he did, or at `place`."""

    why: Said
    place: Place | None = None


def serve(place: Place, node: SelfService, facts: Facts, keys: str) -> Turn | Stays | Goes | Fails:
    """He keyed something in the self-service."""
    if facts.offers is None:  # switched off meanwhile
        return Goes(left(place), node.otherwise)
    state = State.of(place.kept)
    came = dialogue.heard(state, keys, facts.offers)
    match came:
        case Asks():
            return Turn(place, (), Consult(came.request, state.factor))
        case Done():
            return Goes(left(place), node.next)
        case On() | Failed():
            return _served(place, came)
        case _:
            assert_never(came)


def answered(place: Place, request: Request, answer: Answer) -> Stays | Fails:
    """The self-service was answered."""
    return _served(place, dialogue.answered(State.of(place.kept), request, answer, place.language))


def call_back(place: Place, node: ToCallback | ToVoicemail, keys: str) -> Turn | Stays | Goes:
    """He keyed something about being called back."""
    speaks = isinstance(node, ToVoicemail)
    kept, came = dialog.answered(place.kept, keys, attempts=node.attempts, speaks=speaks)
    place = replace(place, kept=kept)
    match came:
        case Agreed(number):
            bye = () if speaks else (sentence(Sentence.CALLBACK_AGREED, place),)
            return Turn(place, bye, CalledBack(node.queue, number, speaks))
        case Declined():
            return Goes(place, node.otherwise, (sentence(Sentence.NEVER_MIND, place),))
        case None:
            return Stays(place)
        case _:
            return Stays(place, (sentence(came, place),))


def book(place: Place, node: Appointment, facts: Facts, keys: str, speech: str) -> Turn | Stays | Goes | Fails:
    """He keyed or said something about an appointment."""
    if not facts.bookable:  # no longer offered
        return Goes(left(place), node.otherwise)
    state = Booking.of(place.kept)
    if speech and not keys:
        keys = _meant(state, place, facts, speech)
    return _booked(place, node, appointments.heard(state, keys, facts.bookable, has_number=facts.caller is not None))


def arranged(
    place: Place, node: Appointment, facts: Facts, request: Wanted, answer: Arranged
) -> Turn | Stays | Goes | Fails:
    """Somebody has seen to the appointment."""
    state = Booking.of(place.kept)
    return _booked(place, node, appointments.answered(state, request, answer, facts.bookable))


def left(place: Place) -> Place:
    """Whoever leaves the self-service proves anew who he is when he comes back; who leaves a booking begins anew."""
    gone = (dialogue.PREFIX, BOOKING)
    return replace(place, kept={name: kept for name, kept in place.kept.items() if not name.startswith(gone)})


def _served(place: Place, came: On | Failed) -> Stays | Fails:
    if isinstance(came, Failed):
        return Fails(Said(served.line(came.why, place.language), place.language))
    on = replace(place, attempts=0, kept={**left(place).kept, **came.state.kept()})
    return Stays(on, tuple(Said(one, place.language) for one in came.says))


def _meant(state: Booking, place: Place, facts: Facts, speech: str) -> str:
    """The key of what he said; one that is none, where that is not clear."""
    asked = booked.asks(state, facts.bookable, place.language, facts.now, by_sms=False, operators=False)
    meant = [key for key, words in asked.words.items() if means(speech, words)]
    return meant[0] if len(meant) == 1 else "?"


def _booked(place: Place, node: Appointment, came: appointments.Outcome) -> Turn | Stays | Goes | Fails:
    def says(lines: tuple[Line, ...]) -> tuple[Said, ...]:
        return tuple(Said(booked.line(one, place.language), place.language) for one in lines)

    match came:
        case appointments.Asks():
            return Turn(place, (), Arrange(came.request))
        case appointments.On():
            guesses = came.state.stage in {Stage.CODE, Stage.NUMBER}
            return Stays(_at(place, came.state, place.attempts if guesses else 0), says(came.says))
        case appointments.Failed():
            there = _at(place, came.state, place.attempts) if came.state is not None else None
            return Fails(says((came.why,))[0], there)
        case appointments.Left(Leaves.ENDS):
            return Turn(place, (sentence(Sentence.GOODBYE, place),), HangUp())
        case appointments.Left():
            nothing = node.nothing or node.otherwise
            ways = {Leaves.DONE: node.next, Leaves.NOTHING: nothing, Leaves.CANNOT: node.otherwise}
            return Goes(left(place), ways[came.how], says(came.says))
        case _:
            assert_never(came)


def _at(place: Place, state: Booking, attempts: int = 0) -> Place:
    return replace(place, attempts=attempts, kept={**left(place).kept, **state.kept()})
