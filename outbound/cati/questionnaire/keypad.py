"""A questionnaire answered by the keys of a telephone: which ones can be, and what a key means. Pure.

Where one key is awaited, 1 to 9 choose and zero leads to an operator; where a number is, or several choices are, hash
ends it. The star leads back to the question before; hash alone goes on without an answer, where there need be none, and
else asks again.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from outbound.cati.questionnaire import interview, rows, workbook
from outbound.cati.questionnaire.definition import Kind, Question, Questionnaire, Texts
from outbound.cati.questionnaire.entries import ACKNOWLEDGED, NO, YES, bounds
from outbound.cati.questionnaire.interview import Answers, Screen
from outbound.cati.questionnaire.look import Setting
from telephony.ivr.languages import Language

BY_NUMBER = frozenset({Kind.INTEGER, Kind.RANGE})
OF_LIST = frozenset({Kind.ONE, Kind.MANY})
UNTIL_HASH = BY_NUMBER | {Kind.MANY}
ASKED = frozenset({Kind.ACKNOWLEDGE, Kind.NOTE, Kind.CALCULATE, Kind.HIDDEN}) | OF_LIST | BY_NUMBER
MOST_CHOICES = 9  # a key for each
LONGEST_LABEL, LONGEST_TEXT = 80, 600  # characters: of nine choices nobody remembers long ones; half a minute, spoken
OPERATOR, BACK = "0", "*"
_CODE = re.compile(r"\(([a-z]{2})\)")


class Hindrance(StrEnum):
    """Why a question cannot be asked so. The words are in `web/cati/words.py`."""

    KIND = "kind"  # what is answered cannot be keyed
    CHOICES = "choices"  # more than there are keys
    LABEL = "label"  # a choice that is too long to be remembered
    TEXT = "text"  # a question that is too long to be listened to
    NUMBERS = "numbers"  # a range with decimals, or below zero
    LANGUAGE = "language"  # of the whole form: nobody speaks it here


@dataclass(frozen=True, slots=True)
class Hinders:
    """A question (none: the form) that cannot be asked by keys."""

    name: str
    why: Hindrance


def hindrances(form: Questionnaire) -> tuple[Hinders, ...]:
    """What stands against asking a form so, in its order; nothing where it can be."""
    return tuple(_of_form(form))


def located(content: bytes, found: Sequence[Hinders]) -> tuple[tuple[int, Hinders], ...]:
    """The same with the row of the file's sheet where each stands; zero for what is the whole form's."""
    sheet = workbook.read(content).sheets.get("survey") if found else None
    where = {rows.cell(one, "name"): one.number for one in sheet.rows} if sheet is not None else {}
    return tuple((where.get(one.name, 0), one) for one in found)


def language_of(name: str) -> Language | None:
    """In which language a form's `Italiano (it)` is spoken; a form of one unnamed language is Italian."""
    found = _CODE.search(name.lower())
    if not name:
        return Language.ITALIAN
    return next((one for one in Language if found is not None and one.value == found[1]), None)


def spoken_in(form: Questionnaire, language: Language) -> str:
    """The form's own name of a language that a caller chose; else of its usual one."""
    return next((one for one in form.languages if language_of(one) is language), form.default_language)


class Key(StrEnum):
    """What somebody did who answered nothing."""

    BACK = "back"
    OPERATOR = "operator"
    AGAIN = "again"  # he wants to hear it once more
    NOTHING = "nothing"
    WRONG = "wrong"  # a key that means nothing here


def awaits(screen: Screen) -> int | None:
    """How many keys are awaited; none: until hash."""
    return None if screen.kind in UNTIL_HASH else 1


def heard(screen: Screen, keys: str, *, hashed: bool) -> tuple[str, ...] | Key:
    """The answer that keys stand for (none of a question that need not have one), or what was done instead.

    `hashed`: hash was pressed. Whether the answer is taken is for the engine to say.
    """
    if keys == BACK:
        return Key.BACK
    if not keys:
        return (() if not screen.is_required else Key.AGAIN) if hashed else Key.NOTHING
    if screen.kind in BY_NUMBER:
        return (keys,) if keys.isascii() and keys.isdecimal() else Key.WRONG
    if screen.kind is Kind.MANY:
        several = tuple(dict.fromkeys(_chosen(screen, key) for key in keys))
        return Key.WRONG if "" in several else several
    if keys == OPERATOR:
        return Key.OPERATOR
    if screen.kind is Kind.ACKNOWLEDGE:
        return (ACKNOWLEDGED,) if keys == "1" else Key.WRONG
    one = _chosen(screen, keys)
    return (one,) if one else Key.WRONG


def choices_of(screen: Screen) -> tuple[str, ...]:
    """The names of what is chosen from, by their keys: the first one is 1."""
    return tuple(one.name for one in screen.options) if screen.question is not None else (YES, NO)


def _chosen(screen: Screen, key: str) -> str:
    """The choice that a key stands for; empty: none."""
    choices = choices_of(screen)
    number = int(key) if key.isascii() and key.isdecimal() else 0
    return choices[number - 1] if 1 <= number <= len(choices) else ""


def before(form: Questionnaire, answers: Answers, setting: Setting) -> Answers:
    """Back to the question before that is answered; the same where there is none. What is only read is passed over."""
    there = answers
    while True:
        back = interview.back(form, there, setting)
        screen = interview.step(form, back, setting)
        if back == there or screen is None:
            return answers
        if screen.kind is not Kind.NOTE:
            return back
        there = back


def _of_form(form: Questionnaire) -> Iterator[Hinders]:
    if language_of(form.default_language) is None:
        yield Hinders("", Hindrance.LANGUAGE)
    for one in form.questions():
        if why := _of_question(form, one):
            yield Hinders(one.name, why)


def _of_question(form: Questionnaire, one: Question) -> Hindrance | None:
    if one.kind not in ASKED:
        return Hindrance.KIND
    if one.kind.is_asked and _longest(one.label) > LONGEST_TEXT:
        return Hindrance.TEXT
    if one.kind is Kind.RANGE:
        ends = bounds(one.least, one.most, one.stride)
        if ends is None or ends[0] < 0 or any(end % 1 for end in ends):
            return Hindrance.NUMBERS
    if one.kind in OF_LIST:
        choices = form.lists.get(one.choices, ())
        if len(choices) > MOST_CHOICES:
            return Hindrance.CHOICES
        if any(_longest(choice.label) > LONGEST_LABEL for choice in choices):
            return Hindrance.LABEL
    return None


def _longest(texts: Texts) -> int:
    return max((len(text) for text in texts.values()), default=0)
