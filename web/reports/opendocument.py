"""A report as an OpenDocument spreadsheet (ISO/IEC 26300): four small files of XML in a zip.

Written here, for the libraries there are take milliseconds a row, and a year has thousands.
"""

import io
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from crm.reports.report import Report
from web.edge.i18n import translations
from web.edge.words import word_for
from web.reports.sheets import Kind, Sheet, Value, sheets
from web.reports.shown import name_of, titles, worded

TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODF = "urn:oasis:names:tc:opendocument:xmlns"
NAMESPACES = (
    f'xmlns:office="{ODF}:office:1.0" xmlns:table="{ODF}:table:1.0" xmlns:text="{ODF}:text:1.0" '
    f'xmlns:style="{ODF}:style:1.0" xmlns:number="{ODF}:datastyle:1.0" xmlns:fo="{ODF}:xsl-fo-compatible:1.0" '
    f'xmlns:meta="{ODF}:meta:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"'
)
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'
MANIFEST = (
    f'{PROLOGUE}<manifest:manifest xmlns:manifest="{ODF}:manifest:1.0" manifest:version="1.3">'
    f'<manifest:file-entry manifest:full-path="/" manifest:version="1.3" manifest:media-type="{TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
    '<manifest:file-entry manifest:full-path="meta.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)
DECIMALS = {Kind.COUNT: 0, Kind.SECONDS: 3, Kind.SHARE: 1, Kind.NUMBER: 4, Kind.EURO: 2, Kind.ANY: 3}
EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a zip's entries: the same report makes the same bytes


def spreadsheet(report: Report, language: str) -> bytes:
    """The file of a report."""
    return of_sheets(sheets(report), f"{report.about} – {name_of(report, language)}", report.made_at, language)


def of_sheets(tables: Iterable[Sheet], title: str, at: datetime, language: str) -> bytes:
    """A file with a tab for each table."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo("mimetype", EARLIEST), TYPE)  # first, and as it is
        for name, contents in (
            ("content.xml", "".join(_content(tables, language))), ("meta.xml", _meta(title, at, language)),
            ("META-INF/manifest.xml", MANIFEST),
        ):  # fmt: skip
            file.writestr(zipfile.ZipInfo(name, EARLIEST), contents.encode(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _meta(title: str, at: datetime, language: str) -> str:
    made = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f'{PROLOGUE}<office:document-meta {NAMESPACES} office:version="1.3"><office:meta>'
        f"<dc:title>{escape(title)}</dc:title><dc:language>{language}</dc:language>"
        f"<meta:creation-date>{made}</meta:creation-date></office:meta></office:document-meta>"
    )


def _content(tables: Iterable[Sheet], language: str) -> Iterator[str]:
    yield f'{PROLOGUE}<office:document-content {NAMESPACES} office:version="1.3"><office:automatic-styles>'
    yield from _styles()
    yield "</office:automatic-styles><office:body><office:spreadsheet>"
    for one in tables:
        yield from _table(one, language)
    yield "</office:spreadsheet></office:body></office:document-content>"


def _styles() -> Iterator[str]:
    for kind, decimals in DECIMALS.items():
        least = 0 if kind in {Kind.NUMBER, Kind.ANY} else decimals
        yield (
            f'<number:number-style style:name="n-{kind.value}"><number:number number:min-integer-digits="1" '
            f'number:grouping="true" number:decimal-places="{decimals}" number:min-decimal-places="{least}"/>'
            "</number:number-style>"
        )
    day = '<number:day number:style="long"/><number:text>/</number:text><number:month number:style="long"/>'
    day += '<number:text>/</number:text><number:year number:style="long"/>'
    clock = '<number:text> </number:text><number:hours number:style="long"/><number:text>:</number:text>'
    clock += '<number:minutes number:style="long"/>'
    for kind, parts in ((Kind.DAY, day), (Kind.INSTANT, day + clock)):
        yield f'<number:date-style style:name="n-{kind.value}">{parts}</number:date-style>'
    for kind in (*DECIMALS, Kind.DAY, Kind.INSTANT):
        yield (
            f'<style:style style:name="c-{kind.value}" style:family="table-cell" '
            f'style:data-style-name="n-{kind.value}"/>'
        )
    yield '<style:style style:name="head" style:family="table-cell"><style:text-properties fo:font-weight="bold"/>'
    yield '</style:style><style:style style:name="wide" style:family="table-column">'
    yield '<style:table-column-properties style:column-width="4.2cm"/></style:style>'


def _table(sheet: Sheet, language: str) -> Iterator[str]:
    name = quoteattr(translations(language).gettext(word_for(sheet.name)))
    yield f"<table:table table:name={name}>"
    yield f'<table:table-column table:style-name="wide" table:number-columns-repeated="{len(sheet.columns)}"/>'
    yield "<table:table-header-rows><table:table-row>"
    yield from (_text(title, ' table:style-name="head"') for title in titles(sheet, language))
    yield "</table:table-row></table:table-header-rows>"
    for row in sheet.rows:
        cells = (_cell(worded(value, language), kind) for value, (_, kind) in zip(row, sheet.columns, strict=True))
        yield f"<table:table-row>{''.join(cells)}</table:table-row>"
    if not sheet.rows:
        yield "<table:table-row><table:table-cell/></table:table-row>"
    yield "</table:table>"


def _cell(value: Value, kind: Kind) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, date):  # an instant, too
        told = value.isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()
        return _typed("date", f'office:date-value="{told}"', told, kind)
    if isinstance(value, int | Decimal):
        told = f"{value:f}" if isinstance(value, Decimal) else str(value)
        return _typed("float", f'office:value="{told}"', told, kind)
    return _text(str(value))


def _typed(kind_of_value: str, attribute: str, told: str, kind: Kind) -> str:
    return (
        f'<table:table-cell table:style-name="c-{kind.value}" office:value-type="{kind_of_value}" {attribute}>'
        f"<text:p>{told}</text:p></table:table-cell>"
    )


def _text(value: str, more: str = "") -> str:
    clean = escape("".join(one for one in value if one.isprintable()))
    return f'<table:table-cell{more} office:value-type="string"><text:p>{clean}</text:p></table:table-cell>'
