"""The self-service and being called back, as nodes of a flow: what comes of what is keyed there. Pure."""

from dataclasses import dataclass, replace
from typing import assert_never

from telephony.callbacks import dialog
from telephony.callbacks.dialog import Agreed, Declined
from telephony.ivr.asking import sentence
from telephony.ivr.definition import NodeId, SelfService, ToCallback, ToVoicemail
from telephony.ivr.prompts import Sentence
from telephony.ivr.turns import CalledBack, Consult, Facts, Place, Said, Turn
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
    """It counts as an attempt."""

    why: Said


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


def left(place: Place) -> Place:
    """Whoever leaves the self-service proves anew who he is when he comes back."""
    return replace(
        place, kept={name: kept for name, kept in place.kept.items() if not name.startswith(dialogue.PREFIX)}
    )


def _served(place: Place, came: On | Failed) -> Stays | Fails:
    if isinstance(came, Failed):
        return Fails(Said(served.line(came.why, place.language), place.language))
    on = replace(place, attempts=0, kept={**left(place).kept, **came.state.kept()})
    return Stays(on, tuple(Said(one, place.language) for one in came.says))
