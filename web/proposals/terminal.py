"""Handing proposals over, and taking answers in, on the command line."""

import sys
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.core.db import Database, Scope
from crm.core.errors import DomainError
from crm.enti.models import Ente
from crm.proposals import exports
from crm.proposals.acknowledgements import MAX_BYTES


def export(database: Database, code: str, into: Path) -> int:
    """Make a feed of what the ente approved and write it into a folder. Returns the exit code.

    The file is written after the commit; should that fail, the page offers the same feed again.
    """
    if (ente_id := _ente(database, code)) is None:
        return 2
    if not into.is_dir():
        return _wrong(f"{into}: non è una cartella.")

    def work(session: Session) -> tuple[str, bytes] | None:
        made = exports.export(session, None, ente_id=ente_id)
        return None if made is None else exports.content(session, None, export_id=made)

    found = database.transact(Scope.of_enti([ente_id]), work)
    if found is None:
        print("Niente da esportare.")  # noqa: T201  # this is a command
        return 0
    name, content = found
    (into / name).write_bytes(content)
    print(into / name)  # noqa: T201
    return 0


def acknowledge(database: Database, code: str, file: Path) -> int:
    """Take a file of answers in, and say what it came to. Returns the exit code: 1 when a line was refused."""
    if (ente_id := _ente(database, code)) is None:
        return 2
    try:
        if file.stat().st_size > MAX_BYTES:
            return _wrong(f"{file}: troppo grande per essere un file di riscontri.")
        content = file.read_bytes()
        received = database.transact(
            Scope.of_enti([ente_id]),
            lambda session: exports.acknowledge(session, None, ente_id=ente_id, content=content),
        )
    except OSError as error:
        return _wrong(f"{file}: {error.strerror}")
    except DomainError as error:
        return _wrong(str(error))
    print(  # noqa: T201
        f"Accettate {received.accepted}, respinte {received.rejected}, già note {received.known},"
        f" righe non prese {len(received.refused)}."
    )
    for one in received.refused:
        _wrong(f"riga {one.line}: {one.refusal}")
    return 1 if received.refused else 0


def _ente(database: Database, code: str) -> int | None:
    with database.begin(Scope.nothing()) as session:
        found = session.execute(select(Ente.id).where(Ente.cadastral_code == code.upper())).scalar_one_or_none()
    if found is None:
        _wrong(f"{code}: nessun ente ha questo codice catastale.")
    return found


def _wrong(message: str) -> int:
    print(message, file=sys.stderr)  # noqa: T201
    return 2
