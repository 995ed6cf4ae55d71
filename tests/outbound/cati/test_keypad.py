"""Mario answers by the keys of his telephone: what he hears, what a key means, and that it is the page's interview."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from outbound.cati import spoken
from outbound.cati.questionnaire import interview, keypad
from outbound.cati.questionnaire.definition import Choice, Kind, Question, Questionnaire, Section
from outbound.cati.questionnaire.entries import ACKNOWLEDGED, NO, YES
from outbound.cati.questionnaire.interview import Answers, RefusedError
from outbound.cati.questionnaire.keypad import Hinders, Hindrance, Key
from outbound.cati.questionnaire.look import Setting
from outbound.cati.questionnaire.xlsform import compiled
from outbound.cati.templates import TEMPLATES, template
from telephony.ivr.languages import Language
from tests.outbound.cati.forms import book, form

IT, EN = Language.ITALIAN, Language.ENGLISH
SETTING = Setting(datetime(2026, 11, 23, 10, 30), datetime(2026, 11, 23, 10, 0), seed=7, language="")
YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No & basta"}]
FORM = form(
    [
        {"type": "note", "name": "hello", "label": "Buongiorno."},
        {"type": "select_one yn", "name": "ok", "label": "È  contento?", "required": "yes"},
        {"type": "integer", "name": "times", "label": "Quante volte?", "constraint": ". < 9",
         "constraint_message": "Meno di 9."},
        {"type": "range", "name": "mark", "label": "Voto", "parameters": "start=1 end=5 step=1", "required": "yes"},
        {"type": "select_multiple yn", "name": "both", "label": "Quali?"},
    ],
    YN,
)  # fmt: skip


def asked(*answered: str) -> interview.Screen:
    answers = interview.start()
    for one in ("", *answered):
        answers = interview.answer(FORM, answers, SETTING, [one])
    screen = interview.step(FORM, answers, SETTING)
    assert screen is not None
    return screen


def test_a_question_is_read_with_a_key_for_each_choice() -> None:
    assert spoken.question(asked(), IT) == "È contento? Sì: prema 1. No & basta: prema 2."
    assert spoken.question(asked("y"), EN) == (
        "Quante volte? Key in the number and then the hash key. If you would rather not answer, press the hash key."
    )
    assert (keypad.awaits(asked()), keypad.awaits(asked("y"))) == (1, None)
    assert spoken.question(asked("y", "3", "2"), IT) == (
        "Quali? Sì: prema 1. No & basta: prema 2. Può sceglierne più di una: prema i loro tasti e poi cancelletto. Se "
        "preferisce non rispondere, prema cancelletto."
    )
    assert keypad.awaits(asked("y", "3", "2")) is None


@pytest.mark.parametrize(
    ("screen", "keys", "hashed", "meant"),
    [
        (asked(), "2", False, ("n",)),
        (asked(), "3", False, Key.WRONG),
        (asked(), "0", False, Key.OPERATOR),
        (asked(), "*", False, Key.BACK),
        (asked(), "", False, Key.NOTHING),
        (asked(), "", True, Key.AGAIN),
        (asked("y"), "", True, ()),
        (asked("y"), "0", True, ("0",)),
        (asked("y"), "12", False, ("12",)),
        (asked("y"), "1*2", True, Key.WRONG),
        (asked("y"), "*", True, Key.BACK),
        (asked("y", "3", "2"), "21", True, ("n", "y")),
        (asked("y", "3", "2"), "11", True, ("y",)),
        (asked("y", "3", "2"), "13", True, Key.WRONG),
        (asked("y", "3", "2"), "0", True, Key.WRONG),
        (asked("y", "3", "2"), "", True, ()),
        (asked("y", "3", "2"), "*", True, Key.BACK),
    ],
)
def test_what_a_key_means(screen: interview.Screen, keys: str, hashed: bool, meant: object) -> None:
    assert keypad.heard(screen, keys, hashed=hashed) == meant


def test_why_an_answer_is_not_taken_is_said_in_the_form_s_own_words_if_it_has_any() -> None:
    def why(screen: interview.Screen, answers: tuple[str, ...], said: str) -> str:
        kept = interview.start()
        for one in ("", *answers):
            kept = interview.answer(FORM, kept, SETTING, [one])
        with pytest.raises(RefusedError) as refused:
            interview.answer(FORM, kept, SETTING, [said])
        return spoken.why(refused.value, screen, IT)

    assert why(asked("y"), ("y",), "12") == "Meno di 9."
    assert why(asked("y", "3"), ("y", "3"), "6") == "Il numero va da 1 a 5."


def test_what_cannot_be_keyed_is_told_with_its_row() -> None:
    rows = [
        {"type": "text", "name": "why", "label": "Perché?"},
        {"type": "select_one many", "name": "which", "label": "Quale?"},
        {"type": "note", "name": "short", "label": "Grazie"},
        {"type": "select_one long", "name": "wordy", "label": "Quale?"},
        {"type": "range", "name": "half", "label": "Quanto?", "parameters": "start=0 end=1 step=0.5"},
        {"type": "note", "name": "tale", "label": "x" * 700},
    ]
    choices = [{"list_name": "many", "name": str(n), "label": str(n)} for n in range(10)]
    choices += [{"list_name": "long", "name": "l", "label": "x" * 81}]
    content = book(rows, choices)
    made = compiled(content).form
    assert made is not None
    assert keypad.located(content, keypad.hindrances(made)) == (
        (2, Hinders("why", Hindrance.KIND)), (3, Hinders("which", Hindrance.CHOICES)),
        (5, Hinders("wordy", Hindrance.LABEL)), (6, Hinders("half", Hindrance.NUMBERS)),
        (7, Hinders("tale", Hindrance.TEXT)),
    )  # fmt: skip
    assert keypad.hindrances(FORM) == ()
    assert keypad.hindrances(replace(FORM, default_language="Français (fr)")) == (Hinders("", Hindrance.LANGUAGE),)


def test_the_languages_of_a_form_are_those_that_callers_choose() -> None:
    made = replace(FORM, languages=("Italiano (it)", "English (en)"), default_language="Italiano (it)")
    assert [keypad.spoken_in(made, one) for one in Language] == ["Italiano (it)", "English (en)", "Italiano (it)"]
    assert (keypad.language_of("English (EN)"), keypad.language_of("Español (es)")) == (EN, None)


def test_the_ready_made_short_questionnaire_can_be_answered_by_keys() -> None:
    made = {name: compiled(template(name)).form for name in TEMPLATES}
    able = {name: made is not None and not keypad.hindrances(made) for name, made in made.items()}
    assert able == {"satisfaction": False, "satisfaction_keys": True}


# -- it is the page's interview ----------------------------------------------------------------------------------------

NAMES = "abcdef"
LISTS = {"two": (Choice("y", {"": "Sì"}), Choice("n", {"": "No"})), "three": tuple(Choice(x, {"": x}) for x in "pqr")}
CONDITIONS = some.sampled_from(["", "", "${a} = 'y'", "${b} > 3", "${a} != ${c}", "count(${d}) > 0"])


def _question(name: str, kind: Kind, is_required: bool, relevant: str, over: str, random: bool, bound: str) -> Question:
    return Question(
        name, kind, {"": name}, {}, {}, required="yes" if is_required else "",
        relevant="" if f"${{{name}}}" in relevant else relevant,
        constraint=bound if kind in keypad.BY_NUMBER else "", choices=over if kind in keypad.OF_LIST else "",
        is_random=random, most="20",
    )  # fmt: skip


FLAGS = some.booleans()
QUESTIONS = some.tuples(
    some.sampled_from([Kind.ONE, Kind.ONE, Kind.MANY, Kind.INTEGER, Kind.RANGE, Kind.ACKNOWLEDGE, Kind.NOTE]), FLAGS,
    CONDITIONS,
    some.sampled_from(sorted(LISTS)), FLAGS, some.sampled_from(["", ". < 7"]),
)  # fmt: skip


@some.composite
def forms(draw: some.DrawFn) -> Questionnaire:
    """Any form of questions that keys can answer, some of them in a group or asked again and again."""
    made = [_question(name, *draw(QUESTIONS)) for name in NAMES[: draw(some.integers(1, 6))]]
    cut = draw(some.integers(0, len(made)))
    inner = Section(
        "inner", {"": "Gruppo"}, tuple(made[cut:]), repeats=draw(FLAGS), count=draw(some.sampled_from("2 ")).strip()
    )
    items = (*made[:cut], inner) if made[cut:] else tuple(made)
    return Questionnaire("Prova", "p", ("",), "", items, LISTS)


PRESSED = some.lists(
    some.tuples(some.sampled_from(["", "*", "1", "1", "2", "3", "9", "5", "12", "21", "1*"]), FLAGS), max_size=25
)  # fmt: skip


def by_keys(made: Questionnaire, pressed: list[tuple[str, bool]]) -> tuple[Answers, list[list[str] | str]]:
    """What a caller's keys come to, and what an interviewer has to do to come to the same."""
    answers, page = interview.start(), list[list[str] | str]()
    for keys, hashed in [*pressed, ("", False)]:
        while (screen := interview.step(made, answers, SETTING)) is not None and screen.kind is Kind.NOTE:
            answers = interview.answer(made, answers, SETTING, [])
            page.append([])
        if screen is None:
            break
        meant = keypad.heard(screen, keys, hashed=hashed)
        if meant is Key.BACK:
            answers = keypad.before(made, answers, SETTING)
            page.append(answers.at)
        elif not isinstance(meant, Key):
            page.append([*meant])
            try:
                answers = interview.answer(made, answers, SETTING, meant)
            except RefusedError:
                page.pop()
    return answers, page


@given(forms(), PRESSED)
def test_keys_come_to_what_the_page_comes_to(made: Questionnaire, pressed: list[tuple[str, bool]]) -> None:
    """For any form that can be answered by keys, and any keys: the same answers as on the interviewer's page, where
    what a key stands for is typed."""
    assert keypad.hindrances(made) == ()
    answers, page = by_keys(made, pressed)
    shown = interview.start()
    for one in page:
        if isinstance(one, str):
            while one and (here := interview.step(made, shown, SETTING)) is not None and here.path != one:
                shown = interview.back(made, shown, SETTING)
        else:
            shown = interview.answer(made, shown, SETTING, one)
    assert interview.given(made, answers, SETTING) == interview.given(made, shown, SETTING)
    step, other = interview.step(made, answers, SETTING), interview.step(made, shown, SETTING)
    assert (step.path if step else None) == (other.path if other else None)


@given(forms(), some.data())
def test_whoever_keys_a_good_key_at_each_question_comes_to_the_end(made: Questionnaire, data: some.DataObject) -> None:
    """No question is a dead end by telephone: each takes some key that it offers."""
    answers = interview.start()
    for _ in range(60):
        screen = interview.step(made, answers, SETTING)
        if screen is None:
            break
        if screen.kind is Kind.NOTE:
            answers = interview.answer(made, answers, SETTING, [])
            continue
        if screen.kind in keypad.BY_NUMBER:
            keys = str(data.draw(some.integers(1, 6)))
        elif screen.question is None:
            keys = "2"
        elif screen.kind is Kind.ACKNOWLEDGE:
            keys = "1"
        else:
            keys = str(data.draw(some.integers(1, len(keypad.choices_of(screen)))))
        meant = keypad.heard(screen, keys, hashed=False)
        assert not isinstance(meant, Key)
        assert set(meant) <= {YES, NO, ACKNOWLEDGED, keys, *keypad.choices_of(screen)}
        answers = interview.answer(made, answers, SETTING, meant)
    assert interview.step(made, answers, SETTING) is None
