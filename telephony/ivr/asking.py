"""What a caller is asked at a node, and how anything is said to him. Pure."""

from typing import assert_never

from crm.contacts.phone import takes_sms
from telephony.appointments import prompts as booked
from telephony.appointments.state import State as Booking
from telephony.callbacks import dialog
from telephony.ivr import prompts
from telephony.ivr.definition import (
    Appointment,
    AskBadge,
    Asking,
    AskLanguage,
    AskMark,
    AskNotice,
    Collect,
    Known,
    Menu,
    SelfService,
    Text,
    ToCallback,
    ToVoicemail,
)  # fmt: skip
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence
from telephony.ivr.turns import Await, Facts, Place, Said, Turn
from telephony.selfservice import dialogue
from telephony.selfservice.dialogue import State

KEY_S = 6  # seconds of silence after which a caller who was to press one key is asked again
DIGITS_S = 10  # and one who copies a long number


def asked(place: Place, node: Asking, facts: Facts, says: tuple[Said, ...] = (), *, operators: bool) -> Turn:
    """What a node asks, said after `says`. `operators`: zero leads to one now."""
    spoken = place.language
    match node:
        case Menu():
            keys = [prompts.choice(text(one.label, spoken, facts), one.digit, spoken) for one in node.choices]
            before = [text(node.text, spoken, facts)] if node.text else []
            zero = [prompts.sentence(Sentence.OPERATOR_LAST, spoken)] if operators else []
            words = tuple(word for one in node.choices for word in one.words.get(spoken, ()))
            return Turn(place, (*says, Said(" ".join([*before, *keys, *zero]), spoken)), Await(1, KEY_S, words))
        case AskLanguage():
            offered = [(one.language, prompts.language_choice(one.digit, one.language)) for one in node.choices]
            return Turn(place, (*says, *(Said(told, language) for language, told in offered)), Await(1, KEY_S))
        case AskNotice():
            said = say(node.text, place, facts) if node.text else sentence(Sentence.ASK_NOTICE, place)
            last = (sentence(Sentence.NO_NOTICE, place),) if operators else ()
            return Turn(place, (*says, said, *last), Await(None, DIGITS_S))
        case AskMark():
            said = say(node.text, place, facts) if node.text else sentence(Sentence.SURVEY_SCORE, place)
            return Turn(place, (*says, said), Await(1, KEY_S))
        case AskBadge():
            said = say(node.text, place, facts) if node.text else sentence(Sentence.ASK_BADGE, place)
            last = (sentence(Sentence.OPERATOR_BY_DIGITS, place),) if operators else ()
            return Turn(place, (*says, said, *last), Await(None, DIGITS_S))
        case Collect():
            one_key = 1 if node.most == 1 else None
            by_key = Sentence.OPERATOR_LAST if one_key else Sentence.OPERATOR_BY_DIGITS
            last = (sentence(by_key, place),) if operators else ()
            return Turn(place, (*says, say(node.text, place, facts), *last), Await(one_key, DIGITS_S))
        case ToCallback() | ToVoicemail():
            asks = dialog.asked(place.kept, spoken, zero_reaches=operators)
            return Turn(place, (*says, Said(asks.text, spoken)), Await(asks.digits, asks.timeout_s))
        case Appointment():
            return _about_appointment(place, node, facts, says, operators=operators)
        case SelfService():
            assert facts.offers is not None, "who cannot be served has been led on"
            told, digits, timeout_s = dialogue.asks(State.of(place.kept), facts.offers, spoken, operators=operators)
            return Turn(place, (*says, Said(told, spoken)), Await(digits, timeout_s))
        case _:
            assert_never(node)


def _about_appointment(
    place: Place, node: Appointment, facts: Facts, says: tuple[Said, ...], *, operators: bool
) -> Turn:  # fmt: skip
    state = Booking.of(place.kept)
    by_sms = facts.caller is not None and takes_sms(facts.caller)
    told = booked.asks(state, facts.bookable, place.language, facts.now, by_sms=by_sms, operators=operators)
    words = tuple(word for meaning in told.words.values() for word in meaning) if node.by_word else ()
    before = (say(node.text, place, facts),) if node.text and state == Booking() else ()
    return Turn(place, (*says, *before, Said(told.text, place.language)), Await(told.digits, told.timeout_s, words))


def sentence(which: Sentence, place: Place) -> Said:
    """A sentence, in the caller's language."""
    return Said(prompts.sentence(which, place.language), place.language)


def say(words: Text, place: Place, facts: Facts) -> Said:
    """A text that people have written, in the caller's language; else in the first in which it is there, and spoken so:
    a message about an emergency may have been written in Italian alone.
    """
    there = [one for one in (place.language, *words) if words.get(one)]
    language = there[0] if there else place.language
    return Said(text(words, language, facts), language)


def text(words: Text, language: Language, facts: Facts) -> str:
    """A text with what it names filled in; in Italian where it is missing, which no published flow is."""
    said = words.get(language) or next(iter(words.values()), "")
    said = said.replace(f"{{{Known.ENTE}}}", facts.ente)
    why = f"{{{Known.CLOSED}}}"
    return said.replace(why, prompts.closed(facts.opening, facts.now, language)) if why in said else said
