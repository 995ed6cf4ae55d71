"""The files of a survey: each opened again by another program, with every answer where it belongs."""

import csv
import io
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pyreadstat
from openpyxl import load_workbook

from crm.core.spreadsheet import csv_lines
from outbound.cati.aapor import Cases, Disposition, rates
from outbound.cati.exports import files
from outbound.cati.exports.dataset import Case, Dataset, dataset
from outbound.cati.questionnaire import interview
from outbound.cati.questionnaire.look import Setting
from outbound.cati.questionnaire.xlsform import compiled
from outbound.cati.templates import TEMPLATES, template
from tests.outbound.cati.forms import form

NOON = datetime(2026, 11, 23, 12, 0)
SETTING = Setting(NOON, NOON, 1, "")
SURVEY = form(
    [
        {"type": "select_one mark", "name": "mark", "label": "Quanto\nè contento?"},
        {"type": "select_one yn", "name": "ok", "label": "Risolto?"},
        {"type": "select_multiple yn", "name": "both", "label": "Quali?"},
        {"type": "begin repeat", "name": "r", "label": "R", "repeat_count": "2"},
        {"type": "decimal", "name": "sum", "label": "Quanto?"},
        {"type": "end repeat"},
        {"type": "text", "name": "why", "label": "Perché?"},
        {"type": "calculate", "name": "total", "calculation": "sum(${sum})"},
    ],
    [
        {"list_name": "mark", "name": "1", "label": "poco"},
        {"list_name": "mark", "name": "5", "label": "molto"},
        {"list_name": "yn", "name": "y", "label": "Sì"},
        {"list_name": "yn", "name": "n", "label": "No"},
    ],
)


def data() -> Dataset:
    cases = []
    for number, said in enumerate((["5", "y", "n y", "1,5", "2", "=1+1"], ["1", "n"], []), 1):
        answers = interview.start()
        for one in said:
            answers = interview.answer(SURVEY, answers, SETTING, [one])
        told = interview.given(SURVEY, answers, SETTING)
        cases.append(Case(number, "Comune di Empoli", 1, "1.1", "telephone", "", NOON, 61, SURVEY, told))
    return dataset("Soddisfazione", [SURVEY], cases)


def test_a_csv_file_has_a_row_for_each_interview_and_no_formula() -> None:
    table = "".join(csv_lines(files.head(data()), files.csv_rows(data())))
    first, second, third = csv.DictReader(io.StringIO(table.removeprefix("\ufeff")), delimiter=";")
    assert (first["mark"], first["ok"], first["both"]) == ("5", "y", "y n")
    assert (first["both__y"], second["both__y"], first["seconds"]) == ("1", "", "61")
    assert (first["sum_1"], first["sum_2"], first["total"]) == ("1.5", "2", "3.5")
    assert first["why"] == "'=1+1"
    assert (second["why"], third["mark"], third["ente"]) == ("", "", "Comune di Empoli")


def test_an_excel_file_has_numbers_as_numbers_and_what_they_mean() -> None:
    book = load_workbook(io.BytesIO(files.xlsx(data(), ("Risposte", "Variabili"))))
    answers = list(book["Risposte"].iter_rows(values_only=True))
    first = dict(zip(answers[0], answers[1], strict=True))
    assert (first["sum_1"], first["both__n"], first["why"]) == (1.5, 1, "=1+1")
    assert all(cell.data_type != "f" for row in book["Risposte"].iter_rows() for cell in row)
    assert (None, None, "y", "Sì") in list(book["Variabili"].iter_rows(values_only=True))


def test_an_spss_file_has_labels_of_variables_and_of_values(tmp_path: Path) -> None:
    path = tmp_path / "answers.sav"
    path.write_bytes(files.spss(data()))
    columns, meta = pyreadstat.read_sav(str(path), output_format="dict")
    assert meta.column_names_to_labels["mark"] == "Quanto è contento?"
    assert meta.variable_value_labels["mark"] == {1.0: "poco", 5.0: "molto"}
    assert meta.variable_value_labels["ok"] == {1.0: "Sì", 2.0: "No"}
    assert list(columns["mark"]) == [5.0, 1.0, None]
    assert list(columns["ok"]) == [1.0, 2.0, None]
    assert next(iter(columns["sum_1"])) == 1.5
    assert list(columns["why"]) == ["=1+1", "", ""]


def test_a_codebook_says_what_each_variable_means_and_the_rates_with_their_e() -> None:
    found = rates(Cases.of({Disposition.COMPLETE: 3, Disposition.NO_ANSWER: 1, Disposition.BUSINESS: 1}))
    root = ET.fromstring(files.codebook(data(), found))
    space = {"d": files.DDI}
    variables = {one.get("name"): one for one in root.findall(".//d:var", space)}
    assert set(files.head(data())) == set(variables)
    mark = variables["mark"]
    assert [one.text for one in mark.findall("d:catgry/d:labl", space)] == ["poco", "molto"]
    assert [one.text for one in mark.findall("d:catgry/d:catStat", space)] == ["1", "1"]
    assert [one.tag.rpartition("}")[2] for one in mark][:2] == ["labl", "qstn"]
    said = root.findtext(".//d:respRate", namespaces=space) or ""
    assert "RR1 0.7500" in said
    assert said.endswith("e = 0.7500")


def test_a_survey_without_interviews_is_files_without_rows(tmp_path: Path) -> None:
    empty = dataset("Vuota", [SURVEY], [])
    assert list(files.rows(empty)) == []
    assert load_workbook(io.BytesIO(files.xlsx(empty, ("a", "b"))))["a"].max_row == 1
    assert files.spss(empty)[:4] == b"$FL2"


def test_names_of_variables_are_such_as_every_program_takes() -> None:
    made = form(
        [{"type": "select_multiple c", "name": "a-b", "label": "?"}, {"type": "text", "name": "a_b", "label": "?"}],
        [{"list_name": "c", "name": "è vero?"[:1], "label": "x"}, {"list_name": "c", "name": "z" * 64, "label": "y"}],
    )
    names = [one.name for one in dataset("x", [made], []).variables]
    assert names[0] == "a_b"
    assert len({one.lower() for one in names}) == len(names) == 4
    assert all(len(one) <= 64 and one.isascii() for one in names)


def test_every_template_is_a_form_that_can_be_walked_to_its_end_in_both_languages() -> None:
    for name in TEMPLATES:
        found = compiled(template(name))
        assert found.mistakes == ()
        made = found.form
        assert made is not None
        assert made.languages == ("Italiano (it)", "English (en)")
        for language in made.languages:
            setting = Setting(NOON, NOON, 1, language)
            answers = interview.start()
            while (screen := interview.step(made, answers, setting)) is not None:
                assert screen.label
                said = [screen.options[0].name] if screen.options else ["1"] if screen.kind == "integer" else [""]
                answers = interview.answer(made, answers, setting, said)
            assert len(interview.given(made, answers, setting)) > 5
