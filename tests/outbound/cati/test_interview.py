"""An interview with Mario: what he is asked, what changes when he changes his mind, and what counts in the end."""

import contextlib
import math
import string
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from outbound.cati.questionnaire import interview
from outbound.cati.questionnaire.definition import Kind, Questionnaire
from outbound.cati.questionnaire.entries import Refused
from outbound.cati.questionnaire.interview import Answers, RefusedError
from outbound.cati.questionnaire.look import Look, Place, Setting
from outbound.cati.questionnaire.xpath import FUNCTIONS, WrongError, parsed
from tests.outbound.cati.forms import form

NOW = datetime(2026, 11, 23, 10, 30)
BEGAN = datetime(2026, 11, 23, 10, 0)
SETTING = Setting(NOW, BEGAN, seed=7, language="")
YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No"}]

HOUSEHOLD = form(
    [
        {"type": "note", "name": "hello", "label": "Buongiorno"},
        {"type": "select_one yn", "name": "consent", "label": "Posso?", "required": "yes"},
        {"type": "begin group", "name": "rest", "label": "Intervista", "relevant": "${consent} = 'y'"},
        {
            "type": "integer",
            "name": "people",
            "label": "In quanti siete?",
            "required": "yes",
            "constraint": ". >= 0 and . <= 4",
            "constraint_message": "Da 0 a 4",
        },
        {"type": "begin repeat", "name": "person", "label": "Persona", "repeat_count": "${people}"},
        {"type": "text", "name": "who", "label": "Come si chiama la persona ${nth}?"},
        {"type": "calculate", "name": "nth", "calculation": "position(..)"},
        {"type": "integer", "name": "age", "label": "Quanti anni ha ${who}?", "constraint": ". <= 120"},
        {"type": "select_multiple yn", "name": "likes", "label": "Cosa?", "relevant": "${age} >= 18"},
        {"type": "end repeat"},
        {"type": "calculate", "name": "total", "calculation": "sum(${age})"},
        {"type": "integer", "name": "most", "label": "Il più anziano?", "constraint": ". <= ${total}"},
        {"type": "note", "name": "told", "label": "In tutto ${total} anni"},
        {
            "type": "select_one yn",
            "name": "again",
            "label": "Richiamo?",
            "choice_filter": "${total} > 30 or name = 'n'",
        },
        {"type": "end group"},
        {"type": "begin repeat", "name": "remark", "label": "Osservazione"},
        {"type": "text", "name": "words", "label": "Dica"},
        {"type": "end repeat"},
        {"type": "rank yn", "name": "order", "label": "Prima?"},
        {"type": "date", "name": "when", "label": "Quando?", "constraint": ". <= today()", "default": "today()"},
        {"type": "decimal", "name": "mark", "label": "Voto"},
        {"type": "range", "name": "scale", "label": "Da 1 a 5", "parameters": "start=1 end=5 step=0.5"},
        {"type": "time", "name": "hour", "label": "Ora"},
        {"type": "acknowledge", "name": "done", "label": "Letto"},
    ],
    YN,
)


def walked(made: Questionnaire, *said: str, setting: Setting = SETTING) -> Answers:
    answers = interview.start()
    for one in said:
        answers = interview.answer(made, answers, setting, [one])
    return answers


def path(made: Questionnaire, answers: Answers) -> str | None:
    screen = interview.step(made, answers, SETTING)
    return screen.path if screen else None


def refusal(made: Questionnaire, answers: Answers, said: str) -> tuple[Refused, str]:
    with pytest.raises(RefusedError) as told:
        interview.answer(made, answers, SETTING, [said])
    return told.value.reason, told.value.message


def test_one_question_after_the_other_with_what_was_said_in_the_next() -> None:
    answers = walked(HOUSEHOLD, "", "y", "2", "Anna")
    screen = interview.step(HOUSEHOLD, answers, SETTING)
    assert screen is not None
    assert (screen.path, screen.label) == ("age[1]", "Quanti anni ha Anna?")
    assert screen.headings == ("Intervista", "Persona")
    answers = interview.answer(HOUSEHOLD, answers, SETTING, ["17"])
    screen = interview.step(HOUSEHOLD, answers, SETTING)  # a minor is not asked what he likes
    assert screen is not None
    assert screen.label == "Come si chiama la persona 2?"


def test_without_consent_nothing_of_the_group_is_asked() -> None:
    assert path(HOUSEHOLD, walked(HOUSEHOLD, "", "n")) == "words[1]"


def test_a_condition_is_told_in_the_words_of_the_form() -> None:
    assert refusal(HOUSEHOLD, walked(HOUSEHOLD, "", "y"), "5") == (Refused.CONSTRAINT, "Da 0 a 4")
    assert refusal(HOUSEHOLD, walked(HOUSEHOLD, ""), "") == (Refused.REQUIRED, "")
    assert refusal(HOUSEHOLD, walked(HOUSEHOLD, "", "y"), "due")[0] is Refused.NOT_WHOLE


def test_answers_set_aside_come_back_when_they_are_relevant_again() -> None:
    answers = walked(HOUSEHOLD, "", "y", "1", "Anna", "40", "y", "40")
    kept = interview.given(HOUSEHOLD, answers, SETTING)
    assert kept["total"] == "40"
    while path(HOUSEHOLD, answers) != "consent":
        answers = interview.back(HOUSEHOLD, answers, SETTING)
    without = interview.answer(HOUSEHOLD, answers, SETTING, ["n"])
    assert interview.given(HOUSEHOLD, without, SETTING) == {"consent": "n"}
    assert path(HOUSEHOLD, without) == "words[1]"
    while path(HOUSEHOLD, without) != "consent":
        without = interview.back(HOUSEHOLD, without, SETTING)
    again = interview.answer(HOUSEHOLD, without, SETTING, ["y"])
    assert interview.given(HOUSEHOLD, again, SETTING) == kept
    assert path(HOUSEHOLD, again) == "told"


def test_an_answer_whose_condition_no_longer_holds_is_asked_again_with_what_was_said() -> None:
    answers = walked(HOUSEHOLD, "", "y", "1", "Anna", "40", "y", "39", "")
    while path(HOUSEHOLD, answers) != "age[1]":
        answers = interview.back(HOUSEHOLD, answers, SETTING)
    answers = interview.answer(HOUSEHOLD, answers, SETTING, ["38"])
    screen = interview.step(HOUSEHOLD, answers, SETTING)
    assert screen is not None
    assert (screen.path, screen.value, screen.was_answered) == ("most", "39", True)
    assert "most" not in interview.given(HOUSEHOLD, answers, SETTING)


def test_choices_are_offered_by_what_was_said() -> None:
    answers = walked(HOUSEHOLD, "", "y", "1", "Anna", "20", "y", "20", "")
    screen = interview.step(HOUSEHOLD, answers, SETTING)
    assert screen is not None
    assert [one.name for one in screen.options] == ["n"]
    assert refusal(HOUSEHOLD, answers, "y")[0] is Refused.NOT_OFFERED


def test_a_repeat_without_a_count_goes_on_as_long_as_there_is_another() -> None:
    answers = walked(HOUSEHOLD, "", "n", "uno", "yes", "due", "no")
    assert path(HOUSEHOLD, answers) == "order"
    told = interview.given(HOUSEHOLD, answers, SETTING)
    assert told == {"consent": "n", "words[1]": "uno", "words[2]": "due"}
    assert refusal(HOUSEHOLD, walked(HOUSEHOLD, "", "n", "uno"), "forse")[0] is Refused.REQUIRED


def test_answers_are_kept_in_one_spelling() -> None:
    answers = walked(HOUSEHOLD, "", "n", "", "no", "n y", "2/11/2026", "07,50", "1,5", "9.05", "sì")
    assert path(HOUSEHOLD, answers) is None
    told = interview.given(HOUSEHOLD, answers, SETTING)
    assert told == {
        "consent": "n",
        "order": "n y",
        "when": "2026-11-02",
        "mark": "7.5",
        "scale": "1.5",
        "hour": "09:05",
        "done": "OK",
    }


def test_a_default_is_proposed_and_counts_once_it_is_confirmed() -> None:
    answers = walked(HOUSEHOLD, "", "n", "", "no", "n y")
    screen = interview.step(HOUSEHOLD, answers, SETTING)
    assert screen is not None
    assert (screen.value, screen.was_answered) == ("2026-11-23", False)
    assert "when" not in interview.given(HOUSEHOLD, answers, SETTING)
    assert refusal(HOUSEHOLD, answers, "24/11/2026")[0] is Refused.CONSTRAINT


def test_forward_leads_only_past_what_was_answered() -> None:
    answers = walked(HOUSEHOLD, "", "n")
    gone = interview.back(HOUSEHOLD, answers, SETTING)
    assert path(HOUSEHOLD, gone) == "consent"
    assert path(HOUSEHOLD, interview.forward(HOUSEHOLD, gone, SETTING)) == "words[1]"
    assert interview.forward(HOUSEHOLD, answers, SETTING) == answers


def test_languages_fall_back_to_the_forms_own() -> None:
    made = form(
        [
            {"type": "text", "name": "a", "label::Italiano (it)": "Nome?", "label::English (en)": "Name?"},
            {"type": "text", "name": "b", "label::Italiano (it)": "Via?"},
        ],
        settings=[{"default_language": "Italiano (it)"}],
    )
    english = Setting(NOW, BEGAN, 7, "English (en)")
    first = interview.step(made, interview.start(), english)
    then = interview.step(made, walked(made, "x"), english)
    assert first is not None
    assert then is not None
    assert (first.label, then.label) == ("Name?", "Via?")


def test_shuffled_choices_stay_as_they_were_for_one_interview() -> None:
    made = form(
        [{"type": "select_one many or_other", "name": "q", "label": "?", "parameters": "randomize=true"}],
        [{"list_name": "many", "name": f"c{i}", "label": str(i)} for i in range(10)],
    )

    def order(seed: int) -> list[str]:
        screen = interview.step(made, interview.start(), Setting(NOW, BEGAN, seed, ""))
        assert screen is not None
        return [one.name for one in screen.options]

    assert order(1) == order(1) != order(2)
    assert sorted(order(1)) == sorted(order(2))
    assert order(1)[-1] == order(2)[-1] == "other"


# -- whatever is said and done -----------------------------------------------------------------------------------------

SAYINGS = some.sampled_from(
    [
        "",
        "y",
        "n",
        "y n",
        "n y",
        "0",
        "1",
        "2",
        "17",
        "18",
        "40",
        "121",
        "-3",
        "yes",
        "no",
        "1,5",
        "2026-11-02",
        "9:05",
        "x",
        "OK",
    ]
)
MOVES = some.lists(
    some.one_of(SAYINGS.map(lambda said: ("answer", said)), some.just(("back", "")), some.just(("forward", ""))),
    max_size=60,
)


def played(moves: list[tuple[str, str]]) -> Answers:
    answers = interview.start()
    for move, said in moves:
        if move == "answer":
            with contextlib.suppress(RefusedError, LookupError):
                answers = interview.answer(HOUSEHOLD, answers, SETTING, [said])
        else:
            answers = getattr(interview, move)(HOUSEHOLD, answers, SETTING)
    return answers


def completed(answers: Answers) -> Answers:
    """The same interview led to its end, with the first answer that each open question takes."""
    while interview.step(HOUSEHOLD, answers, SETTING) is not None:
        for said in ("1", "n", "no", "n y", "2026-11-02", "9:05", ""):
            with contextlib.suppress(RefusedError):
                answers = interview.answer(HOUSEHOLD, answers, SETTING, [said])
                break
    return answers


@given(MOVES)
@settings(max_examples=50, deadline=None)
def test_whatever_the_way_the_end_is_that_of_a_straight_walk(moves: list[tuple[str, str]]) -> None:
    """A walk from the first question to the last that gives the same answers tells the same."""
    ended = completed(played(moves))
    final = dict(interview.straight(HOUSEHOLD, ended, SETTING))
    again = interview.start()
    while (screen := interview.step(HOUSEHOLD, again, SETTING)) is not None:
        again = interview.answer(HOUSEHOLD, again, SETTING, [final[screen.path]])
    assert interview.given(HOUSEHOLD, again, SETTING) == interview.given(HOUSEHOLD, ended, SETTING)


@given(MOVES)
@settings(max_examples=50, deadline=None)
def test_nothing_irrelevant_is_told_and_no_condition_is_broken(moves: list[tuple[str, str]]) -> None:
    ended = played(moves)
    told = interview.given(HOUSEHOLD, ended, SETTING)
    look = Look(HOUSEHOLD, ended.values, SETTING)
    for one, value in told.items():
        place = Place.read(one)
        assert place is not None
        assert look.is_relevant(place.name, place.at)
        question = look.question_at(place)
        assert question is not None
        if question.kind is not Kind.CALCULATE:
            assert look.refused(question, place, value) is None
    if told.get("consent") != "y":
        assert not {"people", "total", "most"} & set(told)
    assert all(float(value) <= 120 for one, value in told.items() if one.startswith("age"))
    if "most" in told:
        assert float(told["most"]) <= float(told["total"])


NAMES = some.sampled_from(["a", "b", "c"])
ATOMS = some.one_of(
    NAMES.map(lambda one: f"${{{one}}}"),
    some.just("."),
    some.integers(-5, 10**18).map(str),
    some.sampled_from(["'x'", "''", "'2026-01-01'", "'y n'", "'25:99'", "0.1", "position(..)", "(1 div 0)", "'9e999'"]),
)


def combined(inner: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    operators = some.sampled_from(["+", "-", "*", "div", "mod", "=", "!=", "and", "or", ">"])
    binary = some.tuples(inner, operators, inner).map(lambda one: f"(({one[0]}) {one[1]} ({one[2]}))")

    def called(name: str) -> some.SearchStrategy[str]:
        least, most = FUNCTIONS[name]
        count = some.integers(least, most if most is not None else least + 2)
        return count.flatmap(lambda n: some.lists(inner, min_size=n, max_size=n)).map(
            lambda args: f"{name}({', '.join(args)})"
        )

    names = sorted(set(FUNCTIONS) - {"regex", "indexed-repeat", "position"})
    return some.one_of(binary, some.sampled_from(names).flatmap(called))


@given(
    expression=some.recursive(ATOMS, combined, max_leaves=12),
    answers=some.dictionaries(NAMES, some.text(string.printable, max_size=12)),
)
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_and_answered_has_a_value(expression: str, answers: dict[str, str]) -> None:
    """Evaluation is total: no exception, whatever the expression and the answers."""
    parsed(expression)
    look = Look(_ABC, answers, SETTING)
    value: Any = look._evaluated(expression, Place("a"), here="7")
    assert isinstance(value, str | bool | float | int | tuple)
    assert value == value or math.isnan(value)


@given(some.text(string.printable, max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_is_written_is_read_or_refused(expression: str) -> None:
    try:
        parsed(expression)
    except WrongError:
        return
    Look(_ABC, {}, SETTING)._evaluated(expression, Place("a"))


_ABC = form([{"type": "text", "name": one, "label": one} for one in "abc"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'' > 2", False),
        ("1 div 0", math.inf),
        ("5 mod 2", 1.0),
        ("-5 mod 2", -1.0),
        ("round(2.5)", 3.0),
        ("round(-2.5)", -2.0),
        ("round(3.14159, 2)", 3.14),
        ("int(-2.7)", -2.0),
        ("'10' > '9'", True),
        ("today()", "2026-11-23"),
        ("today() - '2026-11-20'", 3.0),
        ("date(today() + 1)", "2026-11-24"),
        ("'2026-01-02' > '2026-01-01'", True),
        ("format-date(today(), '%e/%n/%Y')", "23/11/2026"),
        ("format-date-time(now(), '%H:%M')", "10:30"),
        ("format-date-time(once(now()), '%H:%M')", "10:00"),
        ("if('a' = 'a', 'sì', 'no')", "sì"),
        ("coalesce('', 'b')", "b"),
        ("selected('a b', 'b')", True),
        ("count-selected('a b c')", 3.0),
        ("selected-at('a b', 1)", "b"),
        ("string-length('città')", 5.0),
        ("concat('a', 1, true())", "a1true"),
        ("substring('abcdef', 2, 3)", "bcd"),
        ("substr('abcdef', 2, 3)", "c"),
        ("translate('abc', 'ab', 'x')", "xc"),
        ("regex('abc', 'a.c')", True),
        ("regex('xabc', 'a.c')", False),
        ("regex('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab', '(a+)+$')", False),
        ("0.1 + 0.2 = 0.3", False),
        ("string(0.1 + 0.2)", "0.3"),
        ("max(1, 3, 2)", 3.0),
        ("true() and not(false())", True),
        ("number('x')", math.nan),
        ("boolean('false')", False),
        ("contains('abc', 'b')", True),
        ("decimal-time('12:00')", 0.5),
    ],
)
def test_expressions_are_worth_what_the_standard_says(expression: str, expected: object) -> None:
    """XPath 1.0 (W3C, 1999) and the functions of the ODK XForms specification."""
    value: Any = Look(_ABC, {}, SETTING)._evaluated(expression, Place("a"))
    assert value == pytest.approx(expected, nan_ok=True) if isinstance(expected, float) else value == expected
    assert isinstance(value, bool) == isinstance(expected, bool)


def test_what_is_drawn_is_the_same_again_for_one_interview() -> None:
    def drawn(seed: int) -> object:
        return Look(_ABC, {}, Setting(NOW, BEGAN, seed, ""))._evaluated("concat(uuid(), random())", Place("a"))

    assert drawn(1) == drawn(1) != drawn(2)


def test_instances_are_counted_and_reached() -> None:
    made = form(
        [
            {"type": "begin repeat", "name": "r", "label": "R", "repeat_count": "3"},
            {"type": "integer", "name": "x", "label": "?"},
            {"type": "calculate", "name": "of", "calculation": "concat(position(..), '/', count(${r}))"},
            {"type": "calculate", "name": "before", "calculation": "indexed-repeat(${x}, ${r}, position(..) - 1)"},
            {"type": "end repeat"},
            {"type": "calculate", "name": "highest", "calculation": "max(${x})"},
            {"type": "calculate", "name": "second", "calculation": "indexed-repeat(${x}, ${r}, 2)"},
            {"type": "calculate", "name": "answered", "calculation": "count-non-empty(${x})"},
        ]
    )
    told = interview.given(made, walked(made, "5", "9", "7"), SETTING)
    assert (told["of[2]"], told["before[3]"], told["highest"], told["second"]) == ("2/3", "9", "9", "9")
    assert interview.given(made, walked(made, "5"), SETTING)["answered"] == "1"
