"""A report as a PDF that screen readers can read (PDF/UA-1): laid out by Typst from `report.typ`."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from crm.reports.report import Report
from web.edge import paper
from web.edge.i18n import translations
from web.edge.templating import environment
from web.edge.words import word_for
from web.reports.charts import Bar, by_day, by_hour, described, drawn
from web.reports.sheets import Column, Kind, Sheet, SheetName, sheets
from web.reports.shown import NOTHING, NUMERIC, heads, name_of, rows, said_above

SOURCE = Path(__file__).parent / "report.typ"
# Of an hour's and a day's figures those that a page of paper has room for; the files have them all.
PRINTED = (
    Column.DAY, Column.CALLERS, Column.RECEIVED, Column.ENTERED, Column.ANSWERED, Column.LOST, Column.WAITED_OVER,
    Column.ANSWERED_WITHIN, Column.HANDLED, Column.TALK_S,
)  # fmt: skip
WIDE = (Column.METRIC, Column.REASON, Column.FIGURE, Column.COUNTED, Column.CAUSE, Column.WORDS)
NUMBERS = (  # of calls, queues and enti, for machines; and what the same row says otherwise
    Column.CALL, Column.QUEUE_ID, Column.ENTE_ID, Column.FIRST, Column.LAST, Column.CALLERS, Column.PER_MILLE,
    Column.DECIDED_AT, Column.SAID_AT,
)  # fmt: skip
MOST_ROWS = 300  # of a table, and how many are left out is said; the files have them all
MOST_DAYS = 70  # rows of days: those of a month
MANY = 7  # columns


def pdf(report: Report, language: str, *, seal: str, version: int) -> bytes:
    """The file. `seal` and `version` say which making of the report it is."""
    return paper.pdf(SOURCE, written(report, language, seal=seal, version=version), report.made_at)


def written(report: Report, language: str, *, seal: str, version: int) -> dict[str, Any]:
    """All words and figures that are laid out, written as people read them."""
    words = translations(language)
    filters = environment(language).filters
    tables = {one.name: one for one in sheets(report)}
    made = words.gettext("Preparata il {at}, versione {version}").format(
        at=filters["at"](report.made_at), version=version
    )
    closed = [
        words.gettext("Periodo {first} – {last} chiuso il {at}").format(
            first=filters["day"](one.first), last=filters["day"](one.last), at=filters["at"](one.closed_at)
        )
        for one in report.accounts
    ]
    sections = [
        _section(tables[SheetName.SUMMARY], language),
        _section(tables[SheetName.LEVELS], language, but=(Column.PART, Column.WHOLE, *said_above(report))),
        _section(tables[SheetName.PENALTIES], language, but=(Column.SEAL, Column.CLOSED_AT)),
        _section(tables[SheetName.OVER], language, but=NUMBERS),
        _section(tables[SheetName.REMARKS], language, but=NUMBERS),
        _section(tables[SheetName.INTERRUPTIONS], language),
        _section(tables[SheetName.STOPS], language),
        _section(tables[SheetName.CHANGED], language),
        _section(tables[SheetName.SHIFTED], language),
    ]
    lost, calls = words.gettext("perse"), words.gettext("Chiamate ricevute e perse")
    charts = [
        _chart(by_day(report), f"{calls}: {words.gettext('giorno per giorno')}", lost),
        _chart(by_hour(report), f"{calls}: {words.gettext('ora per ora')}", lost),
    ]
    days = _section(tables[SheetName.DAYS], language, only=PRINTED)
    has_days = bool(days["rows"]) and len(days["rows"]) <= MOST_DAYS
    note = (
        words.gettext("I dati ora per ora sono nei file Excel, OpenDocument, CSV e JSON di questa relazione.")
        if has_days or not days["rows"]
        else words.gettext("I giorni e le ore sono nei file Excel, OpenDocument, CSV e JSON di questa relazione.")
    )
    return {
        "lang": language, "title": words.gettext("Relazione sul servizio"), "ente": report.about,
        "contract": report.contract,
        "period": name_of(report, language), "made": made, "closed": closed,
        "seal": f"{words.gettext('Sigillo')} {seal}", "charts": [one for one in charts if one],
        "page": words.gettext("pagina"), "received": words.gettext("ricevute"), "lost": lost,
        "sections": [one for one in sections if one["rows"]], "days": days if has_days else None,
        "empty": words.gettext("Nessuna chiamata in questo periodo.") if not report.days else "",
        "note": note,
    }  # fmt: skip


def _section(
    sheet: Sheet, language: str, *, but: tuple[Column, ...] = (), only: tuple[Column, ...] = ()
) -> dict[str, Any]:
    names, lines, words = heads(sheet, language), rows(sheet, language), translations(language)
    more = max(0, len(lines) - MOST_ROWS)
    taken = [
        place
        for place, (column, _) in enumerate(sheet.columns)
        if column not in but and (not only or column in only) and any(line[place] != NOTHING for line in lines)
    ]
    kinds = [sheet.columns[place][1] for place in taken]
    widths = [_width(*sheet.columns[place], many=len(taken) > MANY) for place in taken]
    return {
        "title": words.gettext(word_for(sheet.name)),
        "head": [names[place] for place in taken],
        "right": [kind in NUMERIC for kind in kinds],
        "widths": widths,
        "rows": [[line[place] for place in taken] for line in lines[:MOST_ROWS]],
        "more": words.ngettext("Un'altra riga è nei file.", "Altre %(num)s righe sono nei file.", more) % {"num": more}
        if more
        else "",
    }


def _width(column: StrEnum, kind: Kind, *, many: bool) -> int:
    """A column's share of the line's width; 0 for as much as its contents take."""
    if column in WIDE:
        return 6
    if not many or kind not in NUMERIC:
        return 0
    return 3 if kind is Kind.SECONDS else 2


def _chart(bars: tuple[Bar, ...], title: str, lost: str) -> dict[str, str] | None:
    if not bars:
        return None
    return {
        "title": title, "svg": drawn(bars, title=title, lost=lost),
        "alt": described(bars, title=title, lost=lost),
    }  # fmt: skip
