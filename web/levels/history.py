"""Importing calls of another system from the command line."""

from pathlib import Path

from rich.console import Console
from sqlalchemy import select

from crm.core.db import Database, Scope
from crm.core.errors import DomainError
from crm.enti.models import Contract
from telephony.history.importer import Summary, import_calls


def import_with_progress(database: Database, file: Path, *, contract: str | None, refused: Path | None) -> int:
    """Import a file; returns the command's exit code: 0 read, 1 refused as a whole, 2 read with refused rows."""
    console = Console(stderr=True)
    with database.begin(Scope.nothing()) as session:
        contracts = {row.name: row.id for row in session.execute(select(Contract.name, Contract.id))}
    if contract is None and len(contracts) == 1:
        (contract,) = contracts
    if contract not in contracts:
        console.print(f"--contract: uno di {', '.join(sorted(contracts))}.", style="bold red", highlight=False)
        return 1
    where = refused or file.with_name(f"{file.name}.refused.csv")
    with console.status("") as status:

        def show(done: Summary) -> None:
            status.update(_told(done))

        try:
            done = import_calls(
                database, file, contract_id=contracts[contract], refused=where, on_progress=show
            )  # fmt: skip
        except (DomainError, OSError) as error:
            console.print(f"File rifiutato: {error}", style="bold red", highlight=False, markup=False)
            return 1
    console.print(_told(done), highlight=False)
    if done.refused:
        console.print(f"Le righe rifiutate, ciascuna con il motivo, sono in {where}", highlight=False, markup=False)
    return 2 if done.refused else 0


def _told(done: Summary) -> str:
    return f"{done.records:,} righe: {done.taken:,} prese, {done.known:,} già presenti, {done.refused:,} rifiutate."
