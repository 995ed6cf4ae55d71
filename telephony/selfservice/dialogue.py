"""The conversation of the self-service, pure: a notice number, a second factor, then what the caller asks.

It never knows whether a notice exists, nor why something was refused: that is for `service`, whose answer is either
granted or not, and everybody who is refused hears the same words. Its state is kept with the caller's place in his
flow, so that a turn that is delivered twice is recognised there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from crm.core.errors import InvalidError
from crm.positions.notice import parse_notice_number
from telephony.ivr.languages import Language
from telephony.selfservice import prompts
from telephony.selfservice.prompts import Line

BY_CODE, BY_PAPER, ANEW, BACK, ELSEWHERE = "*", "9", "1", "*", "9"
LEAST_DIGITS, MOST_DIGITS = 6, 12  # of a PIN or code; the keys above are never one


class Want(StrEnum):
    """What is asked of whoever knows."""

    PIN = "pin"  # is this his PIN?
    SEND_CODE = "send_code"
    CODE = "code"  # is this the code that was sent?
    PAPER = "paper"  # what is printed on the notice
    WAYS = "ways"  # how to pay it; known to everybody
    DUE = "due"
    INSTALMENTS = "instalments"
    NOTIFICATION = "notification"
    LINK = "link"  # by SMS


FACTORS = frozenset({Want.PIN, Want.CODE})
TOPICS = {"1": Want.DUE, "2": Want.WAYS, "3": Want.INSTALMENTS, "4": Want.NOTIFICATION, "5": Want.LINK}
PRINTED = {"1": Want.PAPER, "2": Want.WAYS}


class Stage(StrEnum):
    """Where in the conversation the caller is."""

    NOTICE = "notice"
    FACTOR = "factor"
    CODE = "code"
    TOPICS = "topics"  # he has proved who he is
    PRINTED = "printed"  # he has not


@dataclass(frozen=True, slots=True)
class Offers:
    """Which second factors there are."""

    pins: bool
    codes: bool

    @property
    def any(self) -> bool:
        """Whether there is one at all; without, only what is printed is said."""
        return self.pins or self.codes


@dataclass(frozen=True, slots=True)
class State:
    """Where a caller is, and about which notice."""

    stage: Stage = Stage.NOTICE
    notice: str = ""
    factor: str = ""  # which one he has proved: a member of `Want`

    def kept(self) -> dict[str, str]:
        """As a place keeps it: no name of a `collect` node has a colon."""
        return {STAGE: self.stage.value, f"{PREFIX}notice": self.notice, f"{PREFIX}factor": self.factor}

    @classmethod
    def of(cls, kept: Mapping[str, str]) -> "State":
        """The reverse; the beginning where nothing is kept."""
        stage = kept.get(STAGE)
        if not stage:
            return cls()
        return cls(Stage(stage), kept.get(f"{PREFIX}notice", ""), kept.get(f"{PREFIX}factor", ""))


PREFIX = "self:"
STAGE = f"{PREFIX}stage"


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted about a notice; `keyed` is the factor to be checked."""

    want: Want
    notice: str
    keyed: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request. Refused, nothing is said of it."""

    granted: bool
    says: tuple[str, ...] = ()


# -- what a turn leads to ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class On:
    """He stands here now, and hears these lines before what is asked there."""

    state: State
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """It counts as an attempt; he is asked again where he stands."""

    why: Line


@dataclass(frozen=True, slots=True)
class Asks:
    """Somebody has to answer first; then `answered`."""

    request: Request


@dataclass(frozen=True, slots=True)
class Done:
    """He wants something else."""


Outcome = On | Failed | Asks | Done


def heard(state: State, keys: str, offers: Offers) -> Outcome:
    """The caller keyed something."""
    match state.stage:
        case Stage.NOTICE:
            return _notice(keys, offers)
        case Stage.FACTOR:
            return _at_factor(state, keys, offers)
        case Stage.CODE:
            return On(replace(state, stage=Stage.FACTOR)) if keys == BACK else _factor(state, Want.CODE, keys)
        case Stage.TOPICS:
            return _topic(state, TOPICS, keys)
        case Stage.PRINTED:
            if keys == BACK and offers.any:
                return On(replace(state, stage=Stage.FACTOR))
            return _topic(state, PRINTED, keys)
        case _:
            assert_never(state.stage)


def answered(state: State, request: Request, answer: Answer, language: Language) -> On | Failed:
    """What somebody found out. Whether a code was sent is never told: it would say whether a number is known."""
    if request.want is Want.SEND_CODE:
        return On(replace(state, stage=Stage.CODE), (prompts.line(Line.CODE_SENT, language),))
    if not answer.granted:
        return Failed(Line.REFUSED)
    known = replace(state, notice=request.notice)
    if request.want in FACTORS:
        return On(
            replace(known, stage=Stage.TOPICS, factor=request.want.value), (prompts.line(Line.GRANTED, language),)
        )
    return On(replace(known, stage=Stage.PRINTED) if request.want is Want.PAPER else known, answer.says)


def asks(state: State, offers: Offers, language: Language, *, operators: bool) -> tuple[str, int | None, int]:
    """What is asked where he stands, how many keys are awaited (none: until `#`), and for how many seconds.

    `operators`: zero leads to one now.
    """
    lines, digits, timeout_s = _asks(state, offers)
    if operators:
        lines.append(Line.OPERATOR if digits is None else Line.OPERATOR_KEY)
    return " ".join(prompts.line(one, language) for one in lines), digits, timeout_s


def _asks(state: State, offers: Offers) -> tuple[list[Line], int | None, int]:
    match state.stage:
        case Stage.NOTICE:
            return [Line.ASK_NOTICE], None, prompts.LONG_S
        case Stage.FACTOR:
            pin = [Line.ASK_PIN] if offers.pins else []
            code = [Line.OFFER_CODE] if offers.codes else []
            return [*pin, *code, Line.OFFER_PAPER, Line.ANEW], None, prompts.LONG_S
        case Stage.CODE:
            return [Line.ASK_CODE], None, prompts.CODE_S
        case Stage.TOPICS:
            return [Line.TOPICS], 1, prompts.KEY_S
        case Stage.PRINTED:
            return [Line.PRINTED, *([Line.BACK_TO_FACTOR] if offers.any else [])], 1, prompts.KEY_S
        case _:
            assert_never(state.stage)


def _notice(keys: str, offers: Offers) -> Outcome:
    try:
        notice = parse_notice_number(keys)
    except InvalidError:
        return Failed(Line.NOTICE_WRONG)
    if offers.any:
        return On(State(Stage.FACTOR, notice))
    return Asks(Request(Want.PAPER, notice))


def _at_factor(state: State, keys: str, offers: Offers) -> Outcome:
    if keys == ANEW:
        return On(State())
    if keys == BY_PAPER:
        return Asks(Request(Want.PAPER, state.notice))
    if keys == BY_CODE and offers.codes:
        return Asks(Request(Want.SEND_CODE, state.notice))
    return _factor(state, Want.PIN, keys) if offers.pins else Failed(Line.NOT_A_CHOICE)


def _factor(state: State, want: Want, keys: str) -> Outcome:
    if not (keys.isascii() and keys.isdigit() and LEAST_DIGITS <= len(keys) <= MOST_DIGITS):
        return Failed(Line.REFUSED)
    return Asks(Request(want, state.notice, keys))


def _topic(state: State, topics: Mapping[str, Want], keys: str) -> Outcome:
    if keys == ELSEWHERE:
        return Done()
    return Asks(Request(topics[keys], state.notice)) if keys in topics else Failed(Line.NOT_A_CHOICE)
