"""What goes in and out: the tables, the demonstration, feeds, documents, calls."""

import sys
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from crm.core import clock
from crm.core.db import Scope
from web.commands.common import app, at_work, begin


@app.command()
def migrate() -> None:
    """Bring the database to this version."""
    from web.migrations.running import upgrade  # noqa: PLC0415

    settings = begin("migrate")
    if settings.database_owner_url is None:
        print("FILODIRETTO_DATABASE_OWNER_URL: needed to migrate.", file=sys.stderr)
        raise typer.Exit(2)
    upgrade(settings.database_owner_url)


@app.command()
def seed() -> None:
    """Fill an empty database with the demonstration's data; a second time does nothing."""
    from crm.core import secrecy  # noqa: PLC0415
    from crm.core.db import Database  # noqa: PLC0415
    from web.demo.centre import seed_demo  # noqa: PLC0415

    settings = begin("seed")
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=4, secrecy=secrecy.from_settings(settings)
    )
    with database.begin(Scope.nothing()) as session:
        today = clock.business_day(clock.now(session))
    mail_port = urlsplit(settings.smtp_url.get_secret_value()).port if settings.smtp_url else None
    seed_demo(database, data_dir=settings.data, today=today, mail_port=mail_port, public_url=settings.public_url)
    database.dispose()


@app.command("import-collection")
def import_collection(file: Path, ente: Annotated[str | None, typer.Option(help="Codice catastale")] = None) -> None:
    """Read a collection feed; killed at any point, the same command goes on where it was."""
    from web.imports.terminal import import_with_progress  # noqa: PLC0415

    with at_work("import") as runtime:
        raise typer.Exit(import_with_progress(runtime.database, file, ente_code_expected=ente))


@app.command("store-documents")
def store_documents(path: Path, ente: Annotated[str, typer.Option(help="Codice catastale")]) -> None:
    """Take in the contents of documents: a zip or a folder. Killed at any point, the same command goes on."""
    from web.files.terminal import store_with_report  # noqa: PLC0415

    with at_work("store-documents") as runtime:
        raise typer.Exit(store_with_report(runtime, path, ente))


@app.command("export-proposals")
def export_proposals(
    ente: Annotated[str, typer.Argument(help="Codice catastale")],
    into: Annotated[Path, typer.Option(help="Folder")] = Path(),
) -> None:
    """Put the proposals that an ente approved into a feed for the collection system, and write it to a folder."""
    from web.proposals.terminal import export  # noqa: PLC0415

    with at_work("export") as runtime:
        raise typer.Exit(export(runtime.database, ente, into))


@app.command("acknowledge-proposals")
def acknowledge_proposals(ente: Annotated[str, typer.Argument(help="Codice catastale")], file: Path) -> None:
    """Take in what the collection system answers to proposals; the same file again changes nothing."""
    from web.proposals.terminal import acknowledge  # noqa: PLC0415

    with at_work("acknowledge") as runtime:
        raise typer.Exit(acknowledge(runtime.database, ente, file))


@app.command("import-calls")
def import_calls(
    file: Path,
    contract: Annotated[str | None, typer.Option(help="The contract's name, where there are several")] = None,
    refused: Annotated[Path | None, typer.Option(help="Where refused rows go; else beside the file")] = None,
) -> None:
    """Take in another system's call records (docs/import-calls.md); the same file again adds nothing."""
    from web.levels.history import import_with_progress  # noqa: PLC0415

    with at_work("import-calls") as runtime:
        raise typer.Exit(import_with_progress(runtime.database, file, contract=contract, refused=refused))
