"""From an uploaded XLSForm to a questionnaire, or to all that is wrong with it, each at its row and column.

Cells are read by `workbook`, with suspicion; what people get wrong most is told by `rows`; `pyxform` then knows the
standard (headings and types under all their names, languages, lists) and makes of it a tree, which becomes ours;
`checks` looks at the expressions. No Java, no file on disk.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from outbound.cati.questionnaire import checks, rows, workbook
from outbound.cati.questionnaire.definition import (
    OTHER,
    Choice,
    Item,
    Kind,
    Question,
    Questionnaire,
    Section,
    Texts,
)
from outbound.cati.questionnaire.entries import EntryError, kept
from outbound.cati.questionnaire.mistakes import Flaw, Mistake
from outbound.cati.questionnaire.workbook import Sheet, Workbook

KINDS = {
    "text": Kind.TEXT, "integer": Kind.INTEGER, "decimal": Kind.DECIMAL, "range": Kind.RANGE, "date": Kind.DATE,
    "time": Kind.TIME, "datetime": Kind.DATETIME, "dateTime": Kind.DATETIME, "select one": Kind.ONE,
    "select all that apply": Kind.MANY, "rank": Kind.RANK, "note": Kind.NOTE, "acknowledge": Kind.ACKNOWLEDGE,
    "calculate": Kind.CALCULATE, "hidden": Kind.HIDDEN,
}  # fmt: skip
OTHER_WORDS = {"it": ("Altro", "Specificare"), "en": ("Other", "Specify"), "de": ("Sonstiges", "Bitte angeben"),
               "fr": ("Autre", "Précisez")}  # fmt: skip
_OR_OTHER = " or_other"  # such a question has a list of its own: the named one, and the other
_ROW = re.compile(r"\[row : (\d+)\]")
_SHEET = re.compile(r"'(survey|choices|settings)' sheet")
_QUOTED = re.compile(r"'([a-z_:]+)' (?:value|column)")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A questionnaire, or none and why."""

    form: Questionnaire | None
    mistakes: tuple[Mistake, ...]


def compiled(content: bytes) -> Compiled:
    """Compile a file. Never raises: all that is wrong is told."""
    book = workbook.read(content)
    found = [*book.mistakes, *(rows.mistakes(book) if book.sheets or not book.mistakes else ())]
    if found:
        return _refused(found)
    places = _Places(book)
    data, failure = _standard(book)
    if failure is not None:
        return _refused([failure])
    form, found = _form(data, places)
    if not found:
        found = checks.mistakes(form, places.of)
    return _refused(found) if found else Compiled(form, ())


def _refused(found: Sequence[Mistake]) -> Compiled:
    order = {name: index for index, name in enumerate(workbook.SHEETS)}
    formulas = {(one.sheet, one.row, one.column) for one in found if one.flaw is Flaw.FORMULA}
    unique = dict.fromkeys(  # of a cell with a formula nothing else is known
        one for one in found if one.flaw is Flaw.FORMULA or (one.sheet, one.row, one.column) not in formulas
    )
    return Compiled(
        None, tuple(sorted(unique, key=lambda one: (order.get(one.sheet, -1), one.row, len(one.column), one)))
    )


class _Places:
    """Where things stand in the file."""

    def __init__(self, book: Workbook) -> None:
        self.survey = book.sheets["survey"]
        self.rows: dict[str, int] = {}
        for row in self.survey.rows:
            if name := rows.cell(row, "name"):
                self.rows.setdefault(name, row.number)

    def of(self, name: str, field: str) -> tuple[int, str]:
        """An item's row, and the letter of a field's column, if it has one."""
        return self.rows.get(name, 0), self.survey.column(*rows.FAMILIES.get(field, (field,)))


def _standard(book: Workbook) -> tuple[dict[str, Any], Mistake | None]:
    """What pyxform makes of the cells."""
    from pyxform.errors import PyXFormError  # noqa: PLC0415  # slow to import, and seldom needed
    from pyxform.xls2json import workbook_to_json  # noqa: PLC0415
    from pyxform.xls2json_backends import DefinitionData  # noqa: PLC0415

    sheets: dict[str, Any] = {"sheet_names": list(book.sheets), "fallback_form_name": "data"}
    numbers = []
    for name, sheet in book.sheets.items():
        given = []
        for row in sheet.rows:
            cells = dict(row.cells)
            added = rows.other_of(cells) if name == "survey" else None
            if added is not None:
                cells["type"] = rows.without_other(cells["type"])
            given.append(cells)
            if name == "survey":
                numbers.append(row.number)
                if added is not None:
                    given.append(added)
                    numbers.append(row.number)
        sheets[name], sheets[f"{name}_header"] = given, [dict.fromkeys(_headers(sheet, given))]
    try:
        return workbook_to_json(workbook_dict=DefinitionData(**sheets), form_name="data", warnings=[]), None
    except PyXFormError as error:
        return {}, _told(str(error), book, numbers)
    except Exception as error:  # noqa: BLE001  # it stumbles over what nobody foresaw: a mistake of the form still
        return {}, Mistake("survey", 0, "", Flaw.XLSFORM, type(error).__name__)


def _headers(sheet: Sheet, given: list[dict[str, str]]) -> list[str]:
    return list(dict.fromkeys([*sheet.headers, *(key for one in given for key in one)]))


def _told(message: str, book: Workbook, numbers: list[int]) -> Mistake:
    """pyxform's message with its place."""
    named = _SHEET.search(message)
    sheet = named[1] if named else "survey"
    found = _ROW.search(message)
    row = int(found[1]) if found else 0
    if sheet == "survey" and 2 <= row < len(numbers) + 2:
        row = numbers[row - 2]
    column = next(
        (
            letter
            for one in _QUOTED.findall(message)
            if sheet in book.sheets and (letter := book.sheets[sheet].column(one))
        ),
        "",
    )
    return Mistake(sheet, row, column, Flaw.XLSFORM, " ".join(_ROW.sub("", message).split())[:400])


# -- pyxform's tree, as ours -------------------------------------------------------------------------------------------


def _form(data: Mapping[str, Any], places: _Places) -> tuple[Questionnaire, list[Mistake]]:
    lists = {name: tuple(_choice(one) for one in found) for name, found in data.get("choices", {}).items()}
    items, found = _items(data.get("children", ()), places)
    default = str(data.get("default_language", "default"))
    default = "" if default == "default" else default
    languages = _languages(items, lists)
    if default not in languages:
        default = languages[0] if languages else ""
    for name in {one.choices for one in _questions(items) if one.has_other}:
        own = tuple(one for one in lists[name.removesuffix(_OR_OTHER)] if one.name != OTHER)
        lists[name] = (*own, Choice(OTHER, _other_words(languages, 0)))
    title, code = str(data.get("title", "")), str(data.get("id_string", ""))
    form = Questionnaire(
        title="" if title == "data" else title, code="" if code == "data" else code, languages=languages,
        default_language=default, items=_worded(items, languages), lists=lists,
    )  # fmt: skip
    return form, found


def _items(children: Iterable[Mapping[str, Any]], places: _Places) -> tuple[tuple[Item, ...], list[Mistake]]:
    made: list[Item] = []
    found: list[Mistake] = []
    counts: dict[str, str] = {}  # pyxform makes a question of a repeat's count
    for one in children:
        kind, name = str(one.get("type", "")), str(one.get("name", ""))
        bind = one.get("bind") or {}
        if name not in places.rows and name.endswith("_count") and kind == "calculate":
            counts[name] = str(bind.get("calculate", ""))
        elif kind in {"group", "repeat"}:
            if name == "meta":
                continue
            inner, wrong = _items(one.get("children") or (), places)
            found += wrong
            count = str((one.get("control") or {}).get("jr:count", ""))
            made.append(
                Section(
                    name, _texts(one.get("label")), inner, relevant=str(bind.get("relevant", "")),
                    repeats=kind == "repeat", count=counts.get(count.removeprefix("${").removesuffix("}"), count),
                )
            )  # fmt: skip
        elif kind in KINDS:
            question = _question(one, KINDS[kind], bind)
            made.append(question)
            found += _amiss(question, places)
        else:
            found.append(Mistake("survey", *places.of(name, "type"), Flaw.TYPE_NOT_FOR_PHONE, kind))
    return tuple(made), found


def _question(one: Mapping[str, Any], kind: Kind, bind: Mapping[str, Any]) -> Question:
    parameters = one.get("parameters") or {}
    control = one.get("control") or {}
    default = str(one.get("default", ""))
    name = str(one["name"])
    other = bool(one.get(rows.MARK_OTHER))
    listed = str(one.get("list_name") or one.get("itemset") or "") + (_OR_OTHER if other else "")
    reckoned = _is_expression(default, kind)
    return Question(
        name=name, kind=kind, label=_texts(one.get("label")), hint=_texts(one.get("hint")),
        guidance=_texts(one.get("guidance_hint")), required=str(bind.get("required", "")),
        required_message=_texts(bind.get("jr:requiredMsg")), relevant=str(bind.get("relevant", "")),
        constraint=str(bind.get("constraint", "")), constraint_message=_texts(bind.get("jr:constraintMsg")),
        calculation=str(bind.get("calculate", "")), default=default, default_is_expression=reckoned,
        choices=listed if kind.has_choices else "",
        choice_filter=str(one.get("choice_filter", "")), has_other=other,
        is_random=str(parameters.get("randomize", "")).lower() == "true", seed=str(parameters.get("seed", "")),
        appearance=str(control.get("appearance", "")), least=str(parameters.get("start", "0")),
        most=str(parameters.get("end", "10")), stride=str(parameters.get("step", "1")),
    )  # fmt: skip


def _is_expression(default: str, kind: Kind) -> bool:
    """Whether a default is to be worked out; a date's hyphens and a choice's name are none."""
    if kind in {Kind.DATE, Kind.TIME, Kind.DATETIME} or kind.has_choices:
        return "(" in default or "${" in default
    return "${" in default or re.search(r"[a-z]\s*\(.*\)", default) is not None


def _amiss(question: Question, places: _Places) -> list[Mistake]:
    """What is wrong with a question beyond its expressions."""
    found = []
    if question.kind.is_asked and question.calculation:
        found.append(
            Mistake("survey", *places.of(question.name, "calculation"), Flaw.COLUMN_NOT_FOR_PHONE, "calculation")
        )
    if question.default and not question.default_is_expression and not found:
        try:
            kept(question, [question.default])
        except EntryError:
            found.append(Mistake("survey", *places.of(question.name, "default"), Flaw.BAD_DEFAULT, question.default))
    return found


def _choice(one: Mapping[str, Any]) -> Choice:
    columns = {str(key): str(value) for key, value in one.items() if isinstance(value, str) and key != "label"}
    return Choice(str(one.get("name", "")), _texts(one.get("label")), columns)


def _texts(given: Any) -> Texts:  # pyxform's: a text, or texts by language
    if isinstance(given, Mapping):
        return {"" if key == "default" else str(key): str(text) for key, text in given.items() if text}
    return {"": str(given)} if given else {}


def _questions(items: Iterable[Item]) -> Iterable[Question]:
    for item in items:
        if isinstance(item, Question):
            yield item
        else:
            yield from _questions(item.items)


def _languages(items: Iterable[Item], lists: Mapping[str, tuple[Choice, ...]]) -> tuple[str, ...]:
    """Every language in which something is said, in the order in which they appear."""
    texts = [one.label for one in _questions(items)] + [one.label for found in lists.values() for one in found]
    named = dict.fromkeys(language for one in texts for language in one if language)
    return tuple(named) or ("",)


def _other_words(languages: Iterable[str], which: int) -> Texts:
    return {one: OTHER_WORDS.get(code_of(one), OTHER_WORDS["it"])[which] for one in languages}


def code_of(language: str) -> str:
    """The two letters of a language that a form names "Italiano (it)", or "it"."""
    found = re.search(r"\(([a-z]{2})[^)]*\)", language.lower())
    return found[1] if found else language.lower()[:2]


def _worded(items: tuple[Item, ...], languages: tuple[str, ...]) -> tuple[Item, ...]:
    """The questions that `or_other` added, in the form's languages."""
    made: list[Item] = []
    for item in items:
        if isinstance(item, Section):
            made.append(replace(item, items=_worded(item.items, languages)))
        elif item.label.get("") == rows.SPECIFY:
            made.append(replace(item, label=_other_words(languages, 1)))
        else:
            made.append(item)
    return tuple(made)
