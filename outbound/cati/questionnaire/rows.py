"""What people get wrong in the rows of an XLSForm, before anything is made of them: each at its cell."""

import re
from collections.abc import Mapping

from outbound.cati.questionnaire.definition import OTHER
from outbound.cati.questionnaire.entries import bounds
from outbound.cati.questionnaire.mistakes import Flaw, Mistake
from outbound.cati.questionnaire.workbook import Row, Sheet, Workbook

# Under which headings XLSForm takes each field, older ones too.
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "type": ("type",), "name": ("name", "value"), "label": ("label", "caption"), "hint": ("hint",),
    "guidance": ("guidance_hint",), "relevant": ("relevant", "relevance", "bind:relevant"),
    "constraint": ("constraint", "bind:constraint"), "constraint_message": ("constraint_message", "constraint_msg"),
    "calculation": ("calculation", "calculate", "bind:calculate"), "required": ("required", "bind:required"),
    "required_message": ("required_message",), "choice_filter": ("choice_filter",),
    "count": ("repeat_count", "count"), "default": ("default",), "parameters": ("parameters",), "seed": ("parameters",),
    "list_name": ("list_name", "list"),
}  # fmt: skip
PLAIN = {
    "text", "string", "integer", "int", "decimal", "range", "date", "time", "datetime", "date time", "note",
    "calculate", "hidden", "acknowledge", "trigger",
}  # fmt: skip
LISTED = {
    "select_one", "select one", "select_multiple", "select multiple", "select all that apply", "select1", "rank",
}  # fmt: skip
FOREIGN = {
    "geopoint", "geotrace", "geoshape", "image", "photo", "audio", "video", "file", "barcode", "background-audio",
    "start", "end", "today", "deviceid", "device id", "get device id", "subscriberid", "simserial", "phonenumber",
    "phone number", "username", "email", "audit", "start-geopoint", "background-geopoint", "osm", "xml-external",
    "csv-external", "select_one_from_file", "select_multiple_from_file", "select_one_external", "rank_from_file",
    "entity",
}  # fmt: skip
FOREIGN_COLUMNS = {
    "read_only", "readonly", "trigger", "image", "audio", "video", "media", "save_to", "body", "instance", "bind",
    "control", "query", "save_instance",
}  # fmt: skip
SECTIONS = {"group": "group", "repeat": "repeat"}
MARK_OTHER = "filodiretto_other"  # a column that pyxform hands on
SPECIFY = "\x1a"  # stands for the words until the form's languages are known
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,63}", re.ASCII)
_CHOICE = re.compile(r"[^\s]{1,64}")


def cell(row: Row, field: str) -> str:
    """What stands in a field, in whatever language; empty where nothing does."""
    for header, text in row.cells.items():
        if header in FAMILIES[field] or header.split("::")[0] in FAMILIES[field]:
            return text
    return ""


def mistakes(book: Workbook) -> list[Mistake]:
    """Everything wrong with the rows."""
    survey = book.sheets.get("survey")
    if survey is None:
        return [Mistake("", 0, "", Flaw.NO_SURVEY)]
    found = [
        Mistake("survey", 1, "", Flaw.NO_COLUMN, one) for one in ("type", "name") if not survey.column(*FAMILIES[one])
    ]
    if found:
        return found
    choices = book.sheets.get("choices")
    lists, wrong = _lists(choices)
    return [*_columns(survey), *_survey(survey, lists), *wrong]


def split(written: str) -> tuple[str, str]:
    """A type and its list: `select_one colours or_other` is `select_one` of `colours`."""
    said = " ".join(written.split())
    for one in sorted(LISTED, key=len, reverse=True):
        if said.lower() == one or said.lower().startswith(one + " "):
            return one, without_other(said)[len(one) :].strip()
    return said.lower(), ""


def without_other(written: str) -> str:
    """A type without its `or_other`."""
    return re.sub(r"\s+or[_ ]other$", "", " ".join(written.split()), flags=re.IGNORECASE)


def other_of(cells: dict[str, str]) -> dict[str, str] | None:
    """The row of the question that `or_other` adds; marks its own row. None where it adds none."""
    written = " ".join(cells.get("type", "").split())
    if without_other(written) == written or split(written)[0] not in LISTED:
        return None
    cells[MARK_OTHER] = "yes"
    name = next((cells[one] for one in FAMILIES["name"] if one in cells), "")
    relevant = f"selected(${{{name}}}, '{OTHER}')"
    return {"type": "text", "name": f"{name}_{OTHER}", "label": SPECIFY, "relevant": relevant, "required": "yes"}


def _columns(sheet: Sheet) -> list[Mistake]:
    used = {header for row in sheet.rows for header in row.cells}
    return [
        Mistake("survey", 1, letter, Flaw.COLUMN_NOT_FOR_PHONE, header)
        for header, letter in sheet.headers.items()
        if header in used and re.split("::?", header)[0] in FOREIGN_COLUMNS and not header.startswith("bind:")
    ]


def _survey(sheet: Sheet, lists: Mapping[str, int]) -> list[Mistake]:
    found: list[Mistake] = []
    seen: set[str] = set()
    opened: list[tuple[str, Row, int]] = []
    asked = 0

    def wrong(row: Row, field: str, flaw: Flaw, about: str = "") -> None:
        found.append(Mistake("survey", row.number, sheet.column(*FAMILIES[field]), flaw, about))

    for row in sheet.rows:
        if not row.cells:
            continue
        written = cell(row, "type")
        if not written:
            if cell(row, "name") or cell(row, "label"):
                wrong(row, "type", Flaw.NO_TYPE)
            continue
        verb, _, section = " ".join(written.lower().replace("_", " ").split()).partition(" ")
        if verb in {"begin", "end"} and section in SECTIONS:
            if verb == "end":
                if not opened or opened[-1][0] != section:
                    wrong(row, "type", Flaw.NOT_OPENED, written)
                else:
                    _, begun, before = opened.pop()
                    if asked == before:
                        wrong(begun, "type", Flaw.EMPTY_SECTION, cell(begun, "name"))
                continue
            opened.append((section, row, asked))
        else:
            asked += 1
            _typed(row, written, lists, wrong)
        _named(row, written, seen, wrong, needs_label=verb != "begin")
    for _, row, _ in opened:
        wrong(row, "type", Flaw.NOT_CLOSED, cell(row, "name"))
    if not asked:
        found.append(Mistake("survey", 0, "", Flaw.NO_QUESTIONS))
    return found


def _typed(row: Row, written: str, lists: Mapping[str, int], wrong: object) -> None:
    assert callable(wrong)
    kind, named = split(written)
    if kind in LISTED:
        if not named:
            wrong(row, "type", Flaw.NO_LIST, written)
        elif named not in lists:
            wrong(row, "type", Flaw.UNKNOWN_LIST, named)
    elif kind.split(" ")[0] in FOREIGN or kind in FOREIGN:
        wrong(row, "type", Flaw.TYPE_NOT_FOR_PHONE, written)
    elif kind not in PLAIN:
        wrong(row, "type", Flaw.UNKNOWN_TYPE, written)
    elif kind == "calculate" and not cell(row, "calculation"):
        wrong(row, "calculation", Flaw.NO_CALCULATION, cell(row, "name"))
    elif kind == "range":
        given = dict(re.findall(r"(\w+)\s*=\s*([^\s,;]+)", cell(row, "parameters")))
        ends = (given.get("start", "0"), given.get("end", "10"), given.get("step", "1"))
        if bounds(*ends) is None:
            wrong(row, "parameters", Flaw.BAD_RANGE, f"{ends[0]} – {ends[1]}, {ends[2]}")


def _named(row: Row, written: str, seen: set[str], wrong: object, *, needs_label: bool) -> None:
    assert callable(wrong)
    name = cell(row, "name")
    if not name:
        wrong(row, "name", Flaw.NO_NAME)
    elif not _NAME.fullmatch(name) or name == "meta":
        wrong(row, "name", Flaw.BAD_NAME, name)
    elif name.lower() in seen:
        wrong(row, "name", Flaw.SAME_NAME, name)
    seen.add(name.lower())
    if without_other(written) != " ".join(written.split()):
        seen.add(f"{name}_{OTHER}".lower())
    if needs_label and split(written)[0] not in {"calculate", "hidden"} and not cell(row, "label"):
        wrong(row, "label", Flaw.NO_LABEL, name)


def _lists(sheet: Sheet | None) -> tuple[dict[str, int], list[Mistake]]:
    """How many choices each list has, and what is wrong with them."""
    lists: dict[str, int] = {}
    found: list[Mistake] = []
    if sheet is None:
        return lists, found
    seen: set[tuple[str, str]] = set()
    for row in sheet.rows:
        listed, name = cell(row, "list_name"), cell(row, "name")
        if not listed:
            if row.cells:
                found.append(Mistake("choices", row.number, sheet.column(*FAMILIES["list_name"]), Flaw.NO_LIST))
            continue
        lists[listed] = lists.get(listed, 0) + 1
        column = sheet.column(*FAMILIES["name"])
        if not name:
            found.append(Mistake("choices", row.number, column, Flaw.NO_CHOICE_NAME, listed))
        elif not _CHOICE.fullmatch(name):
            found.append(Mistake("choices", row.number, column, Flaw.BAD_CHOICE_NAME, name))
        elif (listed, name) in seen:
            found.append(Mistake("choices", row.number, column, Flaw.SAME_CHOICE, name))
        seen.add((listed, name))
        if not cell(row, "label"):
            label = sheet.column(*FAMILIES["label"])
            found.append(Mistake("choices", row.number, label, Flaw.NO_CHOICE_LABEL, name))
    return lists, found
