"""A dataset as the files that people and programs open. No cell is ever a formula."""

import io
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import xlsxwriter
from xlsxwriter.format import Format

from outbound.cati.aapor import Rates
from outbound.cati.exports.dataset import Cell, Dataset, Variable
from outbound.cati.questionnaire.definition import Kind

HEAD = {
    "interview": "Interview", "ente": "Municipality", "survey": "Survey", "stratum": "Stratum of the sample",
    "weight": "Base weight: population of the stratum by its cases", "version": "Version of the questionnaire",
    "disposition": "Final disposition (AAPOR)", "mode": "Mode: telephone, web, ivr (by keys)",
    "language": "Language", "began_at": "Began at", "seconds": "Seconds that questions were shown",
}  # fmt: skip
NUMERIC = frozenset({"interview", "weight", "version", "seconds"})
DDI = "ddi:codebook:2_5"
MODES = {
    "telephone": "Telephone interview: CATI", "web": "Self-administered questionnaire: web-based",
    "ivr": "Self-administered questionnaire: interactive voice response (keys of a telephone)",
}  # fmt: skip


def head(data: Dataset) -> list[str]:
    """The names of all columns."""
    return [*HEAD, *(one.name for one in data.variables)]


def rows(data: Dataset) -> Iterator[list[Cell]]:
    """The table's rows, numbers as numbers."""
    for case, cells in data.rows():
        began = case.began_at.isoformat(sep=" ", timespec="minutes")
        yield [
            float(case.number), case.ente, case.survey, case.stratum, case.weight, float(case.version),
            case.disposition, case.mode, case.language, began, float(case.seconds), *cells,
        ]  # fmt: skip


def csv_rows(data: Dataset) -> Iterator[list[object]]:
    """The same for a CSV file: whole numbers without a point."""
    for row in rows(data):
        yield [int(one) if isinstance(one, float) and one.is_integer() else one for one in row]


def xlsx(data: Dataset, tabs: tuple[str, str]) -> bytes:
    """An Excel file of two sheets: the answers, and what each variable and its choices mean."""
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(buffer, options)
    bold = book.add_format({"bold": True})
    answers, meanings = (book.add_worksheet(name[:31]) for name in tabs)
    tables: list[list[list[Cell]]] = [[[*head(data)], *rows(data)], [*_meanings(data)]]
    for sheet, table in zip((answers, meanings), tables, strict=True):
        for row, cells in enumerate(table):
            for column, cell in enumerate(cells):
                _write(sheet, row, column, cell, bold if row == 0 else None)
        sheet.freeze_panes(1, 0)
    book.close()
    return buffer.getvalue()


def _write(sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, cell: Cell, style: Format | None) -> None:
    if cell is None:
        return
    if isinstance(cell, float):
        sheet.write_number(row, column, cell, style)
    else:
        sheet.write_string(row, column, cell, style)


def _meanings(data: Dataset) -> Iterator[list[Cell]]:
    yield ["variable", "question", "choice", "label"]
    for one in data.variables:
        yield [one.name, one.label, None, None]
        for name, label in one.choices:
            yield [None, None, name, label]


def spss(data: Dataset) -> bytes:
    """A .sav file: choices are numbers with labels, so that SPSS, PSPP and R show and count them."""
    import pandas as pd  # noqa: PLC0415  # slow to import, and seldom needed
    import pyreadstat  # noqa: PLC0415

    columns: dict[str, object] = {}
    labels: list[str] = []
    value_labels: dict[str, dict[float, str]] = {}
    measures: dict[str, str] = {}
    made = list(rows(data))
    for index, (name, meaning) in enumerate(HEAD.items()):
        is_number = name in NUMERIC
        columns[name] = pd.Series(
            [row[index] if is_number else row[index] or "" for row in made], dtype="float64" if is_number else "object"
        )
        labels.append(meaning)
    for index, one in enumerate(data.variables, len(HEAD)):
        cells = [row[index] for row in made]
        codes = one.codes() if one.kind is Kind.ONE else {}
        if codes:
            numbers = [codes.get(str(cell)) if cell is not None else None for cell in cells]
            columns[one.name] = pd.Series(numbers, dtype="float64")
            value_labels[one.name] = {codes[name]: label[:120] or name for name, label in one.choices}
            measures[one.name] = "nominal"
        elif one.is_number:
            columns[one.name] = pd.Series(cells, dtype="float64")
            measures[one.name] = "nominal" if one.picks else "scale"
        else:
            columns[one.name] = pd.Series([cell or "" for cell in cells], dtype="object")
        labels.append(one.label[:250])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.sav"
        pyreadstat.write_sav(
            pd.DataFrame(columns), str(path), file_label=data.title[:60], column_labels=labels,
            variable_value_labels=value_labels, variable_measure=measures,
        )  # fmt: skip
        return path.read_bytes()


def codebook(data: Dataset, rates: Rates) -> bytes:
    """A DDI-Codebook 2.5 document (https://ddialliance.org/Specification/DDI-Codebook/2.5/): study, file, variables."""
    ET.register_namespace("", DDI)
    root = ET.Element(_tag("codeBook"), {"version": "2.5"})
    study = _add(root, "stdyDscr")
    titles = _add(_add(study, "citation"), "titlStmt")
    _add(titles, "titl", data.title)
    method = _add(study, "method")
    collected = _add(method, "dataColl")
    for mode in sorted({case.mode for case in data.cases} or {"telephone"}):
        _add(collected, "collMode", MODES[mode])
    _add(_add(method, "anlyInfo"), "respRate", _told(rates))
    text = _add(_add(root, "fileDscr"), "fileTxt")
    _add(text, "fileName", "answers")
    sizes = _add(text, "dimensns")
    _add(sizes, "caseQnty", str(len(data.cases)))
    _add(sizes, "varQnty", str(len(data.variables) + len(HEAD)))
    described = _add(root, "dataDscr")
    for name, meaning in HEAD.items():
        _var(described, name, meaning, "", (), "numeric" if name in NUMERIC else "character", data, None)
    for one in data.variables:
        kind = "numeric" if one.is_number else "character"
        _var(described, one.name, one.label, one.question, one.choices, kind, data, one)
    ET.indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode").encode()


def _var(
    parent: ET.Element, name: str, label: str, question: str, choices: Sequence[tuple[str, str]], kind: str,
    data: Dataset, of: Variable | None,
) -> None:  # fmt: skip
    is_scale = of is not None and of.is_number and not of.picks
    var = _add(parent, "var", ID=f"V_{name}", name=name, intrvl="contin" if is_scale else "discrete")
    if of is None and name == "weight":
        var.set("wgt", "wgt")  # by which whoever reads the file weighs
    _add(var, "labl", label)
    if question:
        _add(_add(var, "qstn"), "qstnLit", question)
    for value, words in choices:
        category = _add(var, "catgry")
        _add(category, "catValu", value)
        _add(category, "labl", words)
        if of is not None:
            count = sum(value in str(case.values.get(of.path, "")).split() for case in data.cases)
            _add(category, "catStat", str(count), type="freq")
    _add(var, "varFormat", type=kind)


def _told(rates: Rates) -> str:
    """AAPOR's rates and the e they were reckoned with, as a sentence."""
    told = [f"{rate.value} {float(value):.4f}" for rate, value in rates.values.items() if value is not None]
    e = f"; e = {float(rates.e):.4f}" if rates.e is not None else ""
    return ", ".join(told) + e if told else "not available"


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: str) -> ET.Element:
    made = ET.SubElement(parent, _tag(tag), attributes)
    if text:
        made.text = "".join(sign for sign in text if sign.isprintable() or sign in "\n\t")
    return made


def _tag(name: str) -> str:
    return f"{{{DDI}}}{name}"
