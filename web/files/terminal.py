"""Taking in documents from the command line."""

from pathlib import Path

from rich.console import Console
from sqlalchemy import select

from crm.core.db import Scope
from crm.core.errors import InvalidError
from crm.documents.intake import take_in
from crm.documents.store import StoreError
from crm.enti.models import Ente
from web.wiring import Runtime

DONE, TRY_AGAIN, REFUSED = 0, 1, 2


def store_with_report(runtime: Runtime, path: Path, cadastral_code: str) -> int:
    """Store what is there, and say what was not taken. Returns the exit code."""
    console = Console()
    with runtime.database.begin(Scope.nothing()) as session:
        ente_id = session.scalar(select(Ente.id).where(Ente.cadastral_code == cadastral_code))
    if ente_id is None:
        console.print(f"Nessun ente ha il codice catastale {cadastral_code}.")
        return REFUSED
    try:
        taken = take_in(runtime.database, runtime.documents, ente_id=ente_id, path=path)
    except InvalidError as error:
        console.print(str(error), markup=False)
        return REFUSED
    except StoreError as error:
        console.print(f"L'archivio dei documenti non risponde ({error}): ripetere il comando.", markup=False)
        return TRY_AGAIN
    for name, reason in taken.reasons:
        console.print(f"{name}: {reason}", markup=False)
    console.print(f"Conservati {taken.stored}, già presenti {taken.there_already}, non presi {taken.refused}.")
    return DONE
