"""What a campaign manager is told of the form that he uploads: each mistake, in its sheet, row and column."""

import io
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from openpyxl import Workbook

from outbound.cati.questionnaire.definition import Kind, Question, restored, stored
from outbound.cati.questionnaire.mistakes import Flaw
from outbound.cati.questionnaire.xlsform import compiled
from tests.outbound.cati.forms import book, form, mistakes

YN = [{"list_name": "yn", "name": "y", "label": "Sì"}, {"list_name": "yn", "name": "n", "label": "No"}]
ASK = {"type": "text", "name": "a", "label": "Nome?"}


def flaw(row: dict[str, object], *before: dict[str, object]) -> tuple[str, int, str, str, str]:
    found = mistakes([*before, row], YN)
    assert len(found) == 1, found
    return found[0]


def test_a_form_becomes_a_questionnaire_and_survives_being_stored() -> None:
    made = form(
        [
            {"type": "select_one yn or_other", "name": "q", "label::Italiano (it)": "Contento?", "required": "yes"},
            {"type": "begin repeat", "name": "home", "repeat_count": "2"},
            {
                "type": "integer",
                "name": "age",
                "label::Italiano (it)": "Anni?",
                "guidance_hint::Italiano (it)": "Piano",
            },
            {"type": "end repeat"},
        ],
        [{"list_name": "yn", "name": "y", "label::Italiano (it)": "Sì", "label::English (en)": "Yes"}],
        [{"form_title": "Prova", "form_id": "prova"}],
    )
    assert (made.title, made.code, made.languages) == ("Prova", "prova", ("Italiano (it)", "English (en)"))
    assert restored(stored(made)) == made
    question = made.by_name["q"]
    assert isinstance(question, Question)
    assert question.kind is Kind.ONE
    assert [one.name for one in made.lists[question.choices]] == ["y", "other"]
    assert [one.name for one in made.lists["yn"]] == ["y"]
    assert made.by_name["q_other"].label == {"Italiano (it)": "Specificare", "English (en)": "Specify"}
    assert made.repeats_above["age"] == ("home",)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"type": "geopoint", "name": "g", "label": "Dove?"}, ("survey", 2, "A", "type_not_for_phone", "geopoint")),
        ({"type": "image", "name": "g", "label": "Foto"}, ("survey", 2, "A", "type_not_for_phone", "image")),
        ({"type": "txet", "name": "g", "label": "?"}, ("survey", 2, "A", "unknown_type", "txet")),
        ({"type": "select_one", "name": "g", "label": "?"}, ("survey", 2, "A", "no_list", "select_one")),
        ({"type": "select_one no", "name": "g", "label": "?"}, ("survey", 2, "A", "unknown_list", "no")),
        ({"type": "text", "name": "1g", "label": "?"}, ("survey", 2, "B", "bad_name", "1g")),
        ({"type": "text", "name": "g"}, ("survey", 2, "", "no_label", "g")),
        ({"type": "text", "label": "?"}, ("survey", 1, "", "no_column", "name")),
        ({"type": "calculate", "name": "g"}, ("survey", 2, "", "no_calculation", "g")),
        (
            {"type": "range", "name": "g", "label": "?", "parameters": "start=1 end=5 step=0"},
            ("survey", 2, "D", "bad_range", "1 – 5, 0"),
        ),
        ({"type": "integer", "name": "g", "label": "?", "default": "x"}, ("survey", 2, "D", "bad_default", "x")),
        ({"type": "begin group", "name": "g", "label": "?"}, ("survey", 2, "A", "not_closed", "g")),
        (
            {"type": "text", "name": "g", "label": "?", "relevant": "pulldata('x', 'y') = 1"},
            ("survey", 2, "D", "unknown_function", "pulldata"),
        ),
        (
            {"type": "text", "name": "g", "label": "?", "constraint": "selected(.)"},
            ("survey", 2, "D", "wrong_arguments", "selected(.)"),
        ),
        ({"type": "text", "name": "g", "label": "?", "relevant": "1 ="}, ("survey", 2, "D", "syntax", "1 =")),
        (
            {"type": "text", "name": "g", "label": "?", "relevant": "/data/g = 1"},
            ("survey", 2, "D", "unsupported", "/"),
        ),
        (
            {"type": "text", "name": "g", "label": "?", "constraint": "regex(., '[')"},
            ("survey", 2, "D", "bad_pattern", "["),
        ),
        (
            {"type": "text", "name": "g", "label": "?", "relevant": "colour = 1"},
            ("survey", 2, "D", "unknown_reference", "colour"),
        ),
        (
            {"type": "text", "name": "g", "label": "?", "read_only": "yes"},
            ("survey", 1, "D", "column_not_for_phone", "read_only"),
        ),
    ],
)
def test_each_mistake_is_told_at_its_cell(row: dict[str, object], expected: tuple[str, int, str, str, str]) -> None:
    found = flaw(row) if row["type"] != "begin group" else mistakes([row, ASK])[0]
    assert found == expected


def test_a_reference_to_nothing_is_told_in_its_row() -> None:
    sheet, row, _, what, about = flaw({"type": "note", "name": "n", "label": "Ciao ${b}"}, ASK)
    assert (sheet, row, what) == ("survey", 3, "xlsform")  # pyxform knows it first
    assert "${b}" in about or "'b'" in about or "b" in about


def test_several_mistakes_are_told_at_once() -> None:
    found = mistakes(
        [ASK, ASK, {"type": "select_one nothing", "name": "b", "label": "?"}, {"type": "end group"}],
        [{"list_name": "yn", "name": "y y", "label": "Sì"}, {"list_name": "yn", "name": "n"}],
    )
    assert [(one[0], one[1], one[3]) for one in found] == [
        ("survey", 3, "same_name"),
        ("survey", 4, "unknown_list"),
        ("survey", 5, "not_opened"),
        ("choices", 2, "bad_choice_name"),
        ("choices", 3, "no_choice_label"),
    ]


def test_relevance_that_turns_in_a_circle_is_refused_where_it_begins() -> None:
    found = mistakes(
        [
            ASK,
            {"type": "text", "name": "b", "label": "?", "relevant": "${c} = '1'"},
            {"type": "text", "name": "c", "label": "?", "relevant": "${d} = '1'"},
            {"type": "calculate", "name": "d", "calculation": "concat(${b}, 'x')"},
        ]
    )
    assert found == [("survey", 3, "D", "cycle", "b → c → d → b")]


def test_a_question_that_its_own_group_depends_on_is_a_circle() -> None:
    found = mistakes(
        [
            {"type": "begin group", "name": "g", "label": "G", "relevant": "${b} = '1'"},
            {"type": "text", "name": "b", "label": "?"},
            {"type": "end group"},
        ]
    )
    assert [one[:4] for one in found] == [("survey", 2, "D", "cycle")]


def test_a_long_chain_of_later_questions_is_refused() -> None:
    rows = [{"type": "calculate", "name": f"c{i}", "calculation": f"${{c{i + 1}}} + 1"} for i in range(60)]
    found = mistakes([*rows, {"type": "integer", "name": "c60", "label": "?"}])
    assert [one[3] for one in found] == ["too_long_a_chain"]
    backwards = [{"type": "integer", "name": "c0", "label": "?"}] + [
        {"type": "calculate", "name": f"c{i}", "calculation": f"${{c{i - 1}}} + 1"} for i in range(1, 400)
    ]
    assert len(form(backwards).items) == 400


def test_repeats_in_repeats_in_repeats_are_refused() -> None:
    begins = [{"type": "begin repeat", "name": f"r{i}", "label": "R"} for i in range(3)]
    found = mistakes([*begins, ASK, *[{"type": "end repeat"}] * 3])
    assert [(one[1], one[3]) for one in found] == [(4, "too_deep")]


def test_a_formula_in_a_cell_is_told_with_its_cell_and_never_worked_out() -> None:
    content = book([ASK, {"type": "text", "name": "b", "label": '=HYPERLINK("http://x")'}])
    found = compiled(content).mistakes
    assert [(one.sheet, one.row, one.column, one.flaw) for one in found] == [("survey", 3, "C", Flaw.FORMULA)]


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 40_000_000)
    assert [one.flaw for one in compiled(bomb.getvalue()).mistakes] == [Flaw.TOO_LARGE]
    assert [one.flaw for one in compiled(b"x" * 3_000_000).mistakes] == [Flaw.TOO_LARGE]


def test_entities_are_refused() -> None:
    good, content = book([ASK]), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as read, zipfile.ZipFile(content, "w") as written:
        for one in read.namelist():
            part = read.read(one)
            if one == "xl/worksheets/sheet1.xml":
                part = b'<!DOCTYPE x [<!ENTITY a "aaaa">]>' + part
            written.writestr(one, part)
    assert compiled(good).mistakes == ()
    assert [one.flaw for one in compiled(content.getvalue()).mistakes] == [Flaw.NOT_A_WORKBOOK]


@pytest.mark.parametrize("content", [b"", b"type,name,label", b"PK\x03\x04 broken", b"\x00" * 100])
def test_what_is_no_workbook_is_said_to_be_none(content: bytes) -> None:
    assert [one.flaw for one in compiled(content).mistakes] == [Flaw.NOT_A_WORKBOOK]


def test_a_workbook_without_the_sheet_is_told_so() -> None:
    made, content = Workbook(), io.BytesIO()
    made.save(content)
    assert [one.flaw for one in compiled(content.getvalue()).mistakes] == [Flaw.NO_SURVEY]
    assert mistakes([], []) == [("survey", 1, "", "no_column", "name"), ("survey", 1, "", "no_column", "type")]


CELLS = some.one_of(
    some.none(),
    some.sampled_from(
        [
            "text", "select_one l", "select_multiple l or_other", "begin group", "end group", "begin repeat",
            "end repeat", "calculate", "range", "note", "begin loop", "rank l", "select_one_from_file x.csv", "a", "b",
            "l", "${a}", "1", "${b} + 1", "yes", "jr:choice-name(${a}, '${a}')", "start=1 end=x",
            "randomize=true, seed=${a}", "meta", "position(..)",
            ". > ${a}", "once(random())", "=1", "instanceID", "a_count",
        ]
    ),
    some.text(max_size=12),
    some.integers(),
    some.booleans(),
)  # fmt: skip
HEADERS = (
    "type", "name", "label", "label::it", "hint", "relevant", "constraint", "calculation", "default", "required",
    "parameters", "choice_filter", "repeat_count", "appearance", "constraint_message::it", "trigger", "bind::x",
    "media::image",
)  # fmt: skip
ROWS = some.lists(some.dictionaries(some.sampled_from(HEADERS), CELLS, max_size=8), max_size=6)
CHOICES = some.lists(
    some.dictionaries(some.sampled_from(["list_name", "name", "label", "label::it", "f"]), CELLS), max_size=4
)


SETTINGS = some.dictionaries(some.sampled_from(["form_title", "default_language", "form_id", "version"]), CELLS)


@given(ROWS, CHOICES, SETTINGS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_uploaded_is_a_questionnaire_or_is_told_what_is_wrong(
    survey: list[dict[str, object]], choices: list[dict[str, object]], setting: dict[str, object]
) -> None:
    rows = [{"type": "text", "name": "a", "label": "A"}, *survey]
    found = compiled(book(_writable(rows), _writable(choices), _writable([setting])))
    assert (found.form is None) == bool(found.mistakes)
    if found.form is not None:
        assert restored(stored(found.form)) == found.form


def _writable(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """Without the signs that Excel itself does not take."""
    return [
        {
            key: "".join(one for one in value if one.isprintable()) if isinstance(value, str) else value
            for key, value in row.items()
        }
        for row in rows
    ]
