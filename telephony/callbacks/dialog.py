"""How a caller says to which number he wants to be called back: his own, said back to him, or another. Pure.

What he has said so far is kept with his place in the flow; a number that he keyed is taken out of it once he has
confirmed it or changed his mind.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from telephony.callbacks.rules import callable_number
from telephony.ivr import prompts
from telephony.ivr.languages import Language
from telephony.ivr.prompts import Sentence

YES, ANOTHER, NO = "1", "2", "0"
STAGE, NUMBER, FAILED = "callback:stage", "callback:number", "callback:failed"  # no name of digits that a flow collects
CONFIRM, KEY_IN, SPEAK = "confirm", "number", "speak"
ATTEMPTS = 3
DIGITS_S, TONE_S = 10, 1  # seconds of silence after which he is asked again; after which the tone comes

Kept = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is said, how many keys are awaited (none: until `#`), and for how many seconds."""

    text: str
    digits: int | None
    timeout_s: int = DIGITS_S


@dataclass(frozen=True, slots=True)
class Agreed:
    """He is to be called back at this number."""

    number: str


@dataclass(frozen=True, slots=True)
class Declined:
    """He would rather not, or no number came of it."""


def begin(kept: Kept, caller: str | None) -> Kept:
    """He wants to be called back. `caller` is the number he calls from, if it is known."""
    own = callable_number(caller) if caller else None
    return _at(kept, CONFIRM, own) if own else _at(kept, KEY_IN)


def is_under_way(kept: Kept) -> bool:
    """Whether he is just saying to which number."""
    return STAGE in kept


def asked(kept: Kept, language: Language, *, zero_reaches: bool = False) -> Asked:
    """What he is asked where he stands. `zero_reaches`: zero leads to an operator, and not only out of this."""
    if kept[STAGE] == SPEAK:
        return Asked(prompts.sentence(Sentence.VOICEMAIL_SPEAK, language), 1, TONE_S)
    if kept[STAGE] == CONFIRM:
        zero = Sentence.OPERATOR_LAST if zero_reaches else Sentence.CALLBACK_NOT
        return Asked(f"{prompts.callback_number(kept[NUMBER], language)} {prompts.sentence(zero, language)}", 1)
    zero = Sentence.OPERATOR_BY_DIGITS if zero_reaches else Sentence.CALLBACK_NOT_BY_DIGITS
    asks = prompts.sentence(Sentence.CALLBACK_KEY_IN, language)
    return Asked(f"{asks} {prompts.sentence(zero, language)}", None)


def promised(kept: Kept) -> str | None:
    """The number at which he has agreed to be called back, while he is told how to leave his message."""
    return kept[NUMBER] if kept.get(STAGE) == SPEAK else None


def answered(
    kept: Kept, keys: str, *, attempts: int = ATTEMPTS, speaks: bool = False
) -> tuple[Kept, Agreed | Declined | Sentence | None]:
    """What he keyed: what is kept from then on, and what came of it; a sentence says what was wrong.

    `speaks`: once he has confirmed the number he hears how to leave a message, and agrees by waiting for the tone.
    """
    if keys == NO:
        return over(kept), Declined()
    if kept[STAGE] == SPEAK:
        return over(kept), Agreed(kept[NUMBER])
    if kept[STAGE] == CONFIRM:
        if keys == YES and speaks:
            return _at(kept, SPEAK, kept[NUMBER]), None
        if keys == YES:
            return over(kept), Agreed(kept[NUMBER])
        if keys == ANOTHER:
            return _at(kept, KEY_IN), None
        return _failed(kept, attempts, Sentence.NOT_A_CHOICE if keys else Sentence.NOTHING_HEARD)
    number = callable_number(keys)
    if number is None:
        return _failed(kept, attempts, Sentence.CALLBACK_WRONG if keys else Sentence.NOTHING_HEARD)
    return _at(kept, CONFIRM, number), None


def over(kept: Kept) -> Kept:
    """What is kept, without what was said about this."""
    return {name: one for name, one in kept.items() if name not in {STAGE, NUMBER, FAILED}}


def _at(kept: Kept, stage: str, number: str | None = None) -> Kept:
    return {**over(kept), STAGE: stage, **({NUMBER: number} if number else {})}


def _failed(kept: Kept, attempts: int, why: Sentence) -> tuple[Kept, Declined | Sentence]:
    times = int(kept.get(FAILED, "0")) + 1
    if times >= attempts:
        return over(kept), Declined()
    return {**kept, FAILED: str(times)}, why
