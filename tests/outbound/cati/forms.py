"""Forms as people write them: rows in, an Excel file's bytes out."""

import io
from collections.abc import Sequence

from openpyxl import Workbook

from outbound.cati.questionnaire.definition import Questionnaire
from outbound.cati.questionnaire.xlsform import compiled

Rows = Sequence[dict[str, object]]


def book(survey: Rows, choices: Rows = (), settings: Rows = ()) -> bytes:
    """An XLSForm with these sheets; headings are the keys, in the order in which they first appear."""
    made = Workbook()
    made.remove(made.active)
    for name, rows in (("survey", survey), ("choices", choices), ("settings", settings)):
        sheet = made.create_sheet(name)
        headers = list(dict.fromkeys(key for row in rows for key in row))
        sheet.append(headers)
        for row in rows:
            sheet.append([row.get(key) for key in headers])
    content = io.BytesIO()
    made.save(content)
    return content.getvalue()


def form(survey: Rows, choices: Rows = (), settings: Rows = ()) -> Questionnaire:
    """A form without mistakes, compiled."""
    found = compiled(book(survey, choices, settings))
    assert found.form is not None, found.mistakes
    return found.form


def mistakes(survey: Rows, choices: Rows = (), settings: Rows = ()) -> list[tuple[str, int, str, str, str]]:
    """What is wrong with a form: sheet, row, column, flaw, about."""
    found = compiled(book(survey, choices, settings)).mistakes
    return [(one.sheet, one.row, one.column, one.flaw.value, one.about) for one in found]
