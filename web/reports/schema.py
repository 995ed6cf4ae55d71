"""What every file and every answer of the API holds, for the documents: written from the code. Pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

from crm.levels.agreement import Period
from crm.levels.metering import Counts, Spread
from crm.levels.terms import USUAL
from crm.reports.report import Report, head
from outbound.cati.exports.files import HEAD as ANSWERS
from outbound.cati.exports.reading import STEPS
from outbound.cati.figures import SHEET, SUMS
from outbound.field.closing.report import HEAD as FIELD_REPORTS
from outbound.letters.manifest import HEAD as LETTERS
from outbound.letters.manifest import PULLED
from web.cases.words import HEAD as CASES
from web.edge.words import word_for
from web.field.tables import LINES as FIELD_LINES
from web.field.tables import REGISTER as FIELD_REGISTER
from web.reports.sheets import Column, Kind, Sheet, sheets

HEAD = """# Data: files and the read API

What the files hold that people take away, and what the [read API](reports.md#the-read-api) answers. Written by
`filodiretto data-schema > docs/data.md` from the code; a test compares them.

Figures on pages, in files and by the API are read by the same functions (`crm/reports/reading.py`,
`crm/levels`, `crm/continuity/account.py`), and so are equal.

**In reports, in the files of levels and by the API nobody says who called.** Calls stand with a number of their own (a
UUID), by which a call of one file is found in another; with no telephone number, no taxpayer and no operator: figures
of single workers are nobody's but theirs (L. 300/1970, art. 4). Who wrote a remark on a penalty, and who decided on it,
is named, as on the page. The tables of *Other tables* hold what their page shows to whoever may see it.

CSV: UTF-8 with a byte order mark, `;` between cells, `,` before decimals, lines end with CR LF. Instants in files are
Rome's clock, in JSON UTC. A name in backquotes never changes; the titles above columns are in the reader's language.
"""

MEANINGS: Mapping[StrEnum, str] = {
    Column.FIGURE: "which figure the row is about",
    Column.VALUE: "its value",
    Column.UNIT: "in what it is told",
    Column.METRIC: "what the level measures, as in `GET /api/v1/metrics`",
    Column.CALLERS: "of calls from landlines or mobiles; empty: of all",
    Column.SERVICE: "of which part of the service alone, in the contract's words",
    Column.OP: "how the figure has to stand to its limit",
    Column.TARGET: "the limit",
    Column.THRESHOLD_S: "waits over so many seconds, where the metric leaves it open",
    Column.MEASURED: "the figure; empty: no data",
    Column.STANDING: "how it stands",
    Column.PART: "the figure behind a share, or the days over the limit",
    Column.WHOLE: "what it is a share of",
    Column.OVER_LIMIT: "calls over the limit",
    Column.FIRST: "the first day",
    Column.LAST: "the last day; of a period that goes on, the report's last day",
    Column.CLOSED_AT: "when the period was closed",
    Column.SEAL: "the SHA-256 of what was kept then",
    Column.CALLS: "calls (or days) that are paid for",
    Column.PER_MILLE: "of the contract's net value",
    Column.EURO: "in `penalties` the sum, to the cent; in `over` what the call adds to it, not rounded",
    Column.LEFT_OUT: "calls, or days, of the period that their enti agreed to leave out, whatever the level",
    Column.STARTS_AT: "from when lines were closed",
    Column.ENDS_AT: "until when; empty: still",
    Column.AGREED: "whether the ente agreed, or the minutes are lost",
    Column.REASON: "why",
    Column.DAY: "the day, in Rome",
    Column.HOUR: "the hour of Rome's clock; the one that October has twice comes twice",
    Column.START_UTC: "when the hour began, in UTC",
    Column.RECEIVED: "reached the platform in the metering hours",
    Column.ENTERED: "asked for an operator",
    Column.ANSWERED: "were joined with one",
    Column.LOST: "asked for an operator and reached none",
    Column.WAITED_OVER: "waited longer than the contract's threshold, strictly",
    Column.WAIT_S: "wait of the answered, summed",
    Column.ANSWERED_WITHIN: "answered within T, inclusive",
    Column.ABANDONED: "hung up while they waited",
    Column.ABANDONED_WITHIN: "of them within T",
    Column.ABANDONED_SHORT: "of them within the short abandon",
    Column.ABANDONED_WAIT_S: "their wait, summed",
    Column.HANDLED: "conversations that ended",
    Column.TALK_S: "their conversation without holds, summed",
    Column.HOLD_S: "their holds, summed",
    Column.WRAP_UP_S: "the work after them, summed",
    Column.TALK_SHORTEST_S: "the shortest conversation without holds",
    Column.TALK_LONGEST_S: "the longest",
    Column.WAIT_SHORTEST_S: "the shortest wait of the answered",
    Column.WAIT_LONGEST_S: "the longest",
    Column.COUNTED: "which measure of the day's calls changed",
    Column.WAS: "what it was when the period was closed",
    Column.NOW: "what it is in the report",
    Column.CAUSE: "in `changed` and `shifted` why, as far as it can be told; in `stops` what was away",
    Column.PERIOD: "over what the level is summed up: the contract's period, or its own",
    Column.ENDED: "whether that period was over by the report's last day",
    Column.BEGAN_AT: "the last sign of life before it",
    Column.ENDED_AT: "the first one after it; empty: it lasts",
    Column.MINUTES: "how long it lasted in all",
    Column.IN_HOURS_MIN: "how much of it fell into the promised hours of these days",
    Column.OVER_30_MIN: "whether it lasted longer than contracts let it",
    Column.TOLD_AFTER_MIN: "how long after its beginning users were told; empty: never",
    Column.COUNTS: "no, once the ente agreed not to count it",
    Column.CALL: "the call's number, the `id` of `GET /api/v1/calls`; empty where a whole day is paid for",
    Column.OCCURRED_AT: "when it passed the limit",
    Column.CALLED_FROM: "from a landline or a mobile",
    Column.ENTE_ID: "the ente's number in this installation; empty: not known",
    Column.QUEUE_ID: "the queue's number, the `queue_id` of `GET /api/v1/calls`",
    Column.PAID: "owed, or why not: no penalty, left out, a tolerated day, counted for another level",
    Column.STATE: "a note, or what became of the request to leave the call out",
    Column.WORDS: "what was said",
    Column.SAID_BY: "by whom",
    Column.SAID_AT: "when",
    Column.DECIDED_BY: "who decided for the ente",
    Column.DECIDED_AT: "when",
    Column.DECISION: "why it was refused",
}

# The other tables that people take away: address, what it is, and its titles.
OTHERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("/field/reports.csv", "visits of closed practices, without who was visited", FIELD_REPORTS),
    ("/field/commissions/{settlement_id}/lines.csv", "the lines of a quarter's commission",
     tuple(word_for(column) for column, _ in FIELD_LINES)),
    ("/field/register.csv", "the register of operations", tuple(word_for(column) for column, _ in FIELD_REGISTER)),
    ("/cases/list.csv", "cases, as their list shows them", CASES),
    ("/supervision/calls.csv", "the calls behind a figure of the live board",
     ("Arrivo", "Ente", "Coda", "Da dove", "Attesa (s)", "Conversazione (s)", "Com'è andata")),
    ("/access-log.csv", "the access log of the enti",
     ("Quando", "Chi", "Postazione", "Ente", "Che cosa", "Di chi", "Oggetto", "Motivo", "Prima e dopo", "Chiamata")),
    ("/staff/{ente_id}/register.csv", "the register of the staff of an ente",
     ("Ente", "Nome", "Qualifica", "Ruolo", "Dal", "Al", "Stato")),
    ("/field/rounds/{plan_id}/places.csv", "the places of a day's rounds, to measure the ways between them",
     ("luogo", "latitudine", "longitudine")),
    ("/charts/day.csv", "a day by quarter hours",
     ("Ora", "Ricevute", "Risposte", "Ricevute il giorno prima", "Ricevute 7 giorni prima")),
    ("/charts/levels.csv", "a day's levels by the hour",
     ("Ora", "In coda", "Livello di servizio (per cento)", "Attese lunghe (per cento)")),
    ("/charts/waits.csv", "the waits of four weeks", ("Attesa", "Risposte", "Abbandoni")),
    ("/charts/week.csv", "the mean week", ("Giorno (1 è lunedì)", "Ora", "Ricevute, in media")),
    ("/charts/year.csv", "a year by weeks", ("Settimana dal", "Ricevute", "Risposte")),
    ("/staffing/parts.csv", "the forecast of each queue and ente by quarter hours",
     ("Coda o ente", "Giorno", "Ora", "Previste", "Da", "A")),
    ("/staffing/need.csv", "the operators that a day needs by quarter hours",
     ("Ora", "Previste", "Da", "A", "Erlang C", "Erlang A", "Da mettere in turno", "In turno")),
    ("/texts.csv", "conversations by SMS, without who wrote",
     ("Iniziata", "Chiusa", "Ente", "Coda", "Operatore", "Come si è chiusa", "Argomento", "Esito", "Attesa (s)",
      "Ricevuti", "Inviati", "Riprese")),
    ("/imports/{run_id}/refused.csv", "lines of a feed that were refused, or taken with a warning",
     ("riga", "esito", "record", "chiave", "codice fiscale", "motivo")),
    ("/lists/{list_id}/refused.csv", "rows of a file that became nobody on a list, each with the file's own columns",
     ("riga", "motivo", "colonna")),
    ("/questionnaires/{form_id}/answers.csv", "interviews, each with a column for each question", tuple(ANSWERS)),
    ("/campaigns/{campaign_id}/survey/answers.csv", "the same of one survey", tuple(ANSWERS)),
    ("/campaigns/{campaign_id}/survey/paradata.csv", "steps of a survey's interviews, in seconds", STEPS),
    ("/campaigns/{campaign_id}/survey/rates.csv", "a survey's outcomes and all rates", SUMS),
    ("/questionnaires/{form_id}/paradata.csv", "steps of interviews, and how long each took, in seconds", STEPS),
    ("/campaigns/{campaign_id}/survey/cases.csv", "a survey's cases and how each stands, without who it is", SHEET),
    ("/letters/batches/{batch_id}/manifest.csv", "the letters of a batch, for whoever prints and posts them", LETTERS),
    (
        "/letters/batches/{batch_id}/withdrawn.csv",
        "the letters of a batch that whoever prints has already and pulls out", PULLED,
    ),
    ("/imports/reconciliations/{report_id}/table.csv", "positions and amounts beside the gestionale's, in euro",
     ("Tributo", *(f"{figure}, {side}" for side in ("gestionale", "Filodiretto", "differenza")
                   for figure in ("posizioni", "residuo", "pagato")))),
)  # fmt: skip


def markdown(api: dict[str, Any]) -> str:
    """The document; `api` is the OpenAPI description."""
    return "\n".join((HEAD, *_files(), *_others(), *_api(api))) + "\n"


def _files() -> Iterator[str]:
    yield "## Tables of a report, and of the calls over a limit\n"
    yield (
        "Excel and OpenDocument have a tab for each table, CSV a file: `/reports/{id}/{table}.csv`, also by the API;"
        " `over` and `remarks` of one level at `/levels/{contract}/over.csv`, `remarks.csv`, `over.xlsx`, `over.ods`."
        " JSON is described under *Report*, below.\n"
    )
    for one in sheets(_EMPTY):
        yield f"### `{one.name.value}` — {word_for(one.name)}\n"
        yield "| column | title | holds | |\n|---|---|---|---|"
        yield from (_column(column, kind) for column, kind in one.columns)
        yield from _figures(one)


def _column(column: StrEnum, kind: Kind) -> str:
    return f"| `{column.value}` | {word_for(column)} | {_HOLDS[kind]} | {MEANINGS[column]} |"


def _figures(one: Sheet) -> Iterator[str]:
    if one.columns[0][0] is Column.FIGURE and one.rows:
        told = (f"`{row[0]}` {word_for(row[0])}" for row in one.rows)  # type: ignore[arg-type]
        yield f"\nIts rows: {'; '.join(told)}."
    yield ""


def _others() -> Iterator[str]:
    yield "## Other tables to take away, as CSV\n"
    yield "| address | what | columns |\n|---|---|---|"
    for address, what, titles in OTHERS:
        yield f"| `{address}` | {what} | {', '.join(titles)} |"
    yield ""


def _api(api: dict[str, Any]) -> Iterator[str]:
    yield "## Answers of the API\n"
    yield (
        "`/api/v1/openapi.json` says the same for programs. What is optional may be absent: in reports of an earlier"
        " version, or where there is nothing to tell.\n"
    )
    yield "| | | answers with |\n|---|---|---|"
    for path, methods in sorted(api["paths"].items()):
        one = methods["get"]
        params = ", ".join(f"`{each['name']}`" for each in one.get("parameters", ()) if each["in"] == "query")
        said = " ".join(one["description"].split())
        answer = one["responses"]["200"].get("content", {}).get("application/json", {}).get("schema", {})
        yield f"| `{path}` {params} | {said} | {_type(answer) if answer else 'a file'} |"
    yield ""
    for name, schema in sorted(api["components"]["schemas"].items()):
        yield f"### {name}\n"
        if told := schema.get("description"):
            yield " ".join(told.split()) + "\n"
        if values := schema.get("enum"):
            yield f"One of {', '.join(f'`{value}`' for value in values)}.\n"
        if fields := schema.get("properties"):
            yield "| field | |\n|---|---|"
            needed = schema.get("required", ())
            for field, kind in fields.items():
                yield f"| `{field}` | {_type(kind)}{'' if field in needed else ', optional'} |"
            yield ""


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf"):
        return " or ".join(dict.fromkeys(_type(one) for one in options))
    if schema.get("type") == "array":
        inside = schema.get("items") or {}
        return f"list of {_type(inside)}" if inside else "list"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"{_type(schema['additionalProperties'])} by name"
    if "const" in schema:
        return f"`{schema['const']}`"
    return str(schema.get("format") or schema.get("type") or "anything")


_HOLDS = {
    Kind.TEXT: "words", Kind.COUNT: "a whole number", Kind.SECONDS: "seconds, with milliseconds",
    Kind.SHARE: "part of one", Kind.NUMBER: "a number", Kind.EURO: "euro", Kind.DAY: "a day",
    Kind.INSTANT: "day and time", Kind.ANY: "as its row says",
}  # fmt: skip
_EMPTY = Report(
    0, "", None, "", Period.MONTH, date(2026, 1, 1), date(2026, 1, 31), datetime(2026, 2, 1, tzinfo=UTC), USUAL,
    head(Counts(), Spread()),
)  # fmt: skip
