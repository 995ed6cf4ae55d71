"""Importing a feed from the command line, with its progress drawn on the terminal."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sqlalchemy import select

from crm.collection.importer import ImportSummary, import_feed
from crm.collection.importer import Progress as Reached
from crm.collection.models import ImportRefusal, ImportState
from crm.core.db import Database, Scope
from crm.core.errors import DomainError

SHOWN = 20


def import_with_progress(database: Database, file: Path, *, ente_code_expected: str | None) -> int:
    """Import a file; returns the command's exit code: 0 read, 1 refused as a whole, 2 read with refused lines."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[lines]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(file.name, total=None, lines="")

        def show(reached: Reached) -> None:
            progress.update(
                task, total=reached.file_bytes, completed=reached.read_bytes, lines=f"{reached.counts.records:,} record"
            )

        try:
            summary = import_feed(database, file, ente_code_expected=ente_code_expected, on_progress=show)
        except (DomainError, OSError) as error:
            console.print(f"Flusso rifiutato: {error}", style="bold red", highlight=False, markup=False)
            return 1
    _report(console, summary)
    _refusals(console, database, summary)
    if summary.state not in {ImportState.DONE, ImportState.HELD}:
        return 1
    return 2 if summary.counts.refused else 0


def _report(console: Console, summary: ImportSummary) -> None:
    if summary.resumed_from:
        console.print(f"Ripreso dalla riga {summary.resumed_from:,}.")
    if summary.failure:
        console.print(summary.failure, style="bold red", highlight=False, markup=False)
    if summary.state is ImportState.HELD:
        console.print("Letto. Non nomina molto di ciò che c'è: se toglierlo, si decide nella pagina dei flussi.")
    table = Table("record", "nuovi", "cambiati", "uguali o più vecchi", "in attesa", "rifiutati", "tolti")
    counts = summary.counts
    figures = (
        counts.records, counts.created, counts.changed, counts.unchanged, counts.waiting,
        counts.refused_records, counts.withdrawn,
    )  # fmt: skip
    table.add_row(*(f"{figure:,}" for figure in figures))
    console.print(table)


def _refusals(console: Console, database: Database, summary: ImportSummary) -> None:
    with database.begin(Scope.of_enti([summary.ente_id])) as session:
        rows = session.execute(
            select(ImportRefusal.line, ImportRefusal.reason)
            .where(ImportRefusal.ente_id == summary.ente_id, ImportRefusal.run_id == summary.run_id)
            .order_by(ImportRefusal.line)
            .limit(SHOWN + 1)
        ).all()
    for line, reason in rows[:SHOWN]:
        console.print(f"riga {line}: {reason}", highlight=False, markup=False)
    if len(rows) > SHOWN:
        console.print("… le altre sono nella pagina dei flussi.")
