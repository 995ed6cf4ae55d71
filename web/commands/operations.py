"""What an operator does by hand, and asks."""

from typing import Annotated

import typer
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crm.core import heartbeats
from crm.core.db import Scope
from crm.core.heartbeats import FRESH
from web.commands.common import app, at_work, begin, saying, settings_or_exit


@app.command()
def administrator(
    username: str,
    contract: Annotated[str, typer.Option(help="The contract to be administered; made when there is none")],
    name: Annotated[str, typer.Option(help="Name and surname")] = "",
) -> None:
    """Make the first administrator of a contract, or let one in again: prints a link, good once."""
    from crm.core import secrecy  # noqa: PLC0415
    from crm.core.db import Database  # noqa: PLC0415
    from crm.core.errors import DomainError  # noqa: PLC0415
    from web.people.first import first_administrator  # noqa: PLC0415

    settings = begin("administrator")
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=2, secrecy=secrecy.from_settings(settings)
    )
    try:
        with saying(DomainError, code=1):
            token = first_administrator(database, username=username, name=name or username, contract=contract)
    finally:
        database.dispose()
    print(f"{settings.public_url}/welcome/{token}")


@app.command()
def permissions() -> None:
    """Print the table of roles and permissions, as docs/permissions.md holds it."""
    from crm.access.table import markdown  # noqa: PLC0415

    print(markdown(), end="")


@app.command("case-states")
def case_states() -> None:
    """Print how cases go from state to state, as docs/case-states.md holds it."""
    from crm.cases.drawing import drawn  # noqa: PLC0415

    print(drawn(), end="")


@app.command("data-schema")
def data_schema() -> None:
    """Print what every file and every answer of the API holds, as docs/data.md has it."""
    from web.api.v1.routes import described  # noqa: PLC0415
    from web.reports.schema import markdown  # noqa: PLC0415

    print(markdown(described()), end="")


@app.command()
def apology() -> None:
    """Print what callers hear while this installation does not answer, for whoever hosts it (FALLBACK_URL)."""
    from telephony.calls.apology import APOLOGY  # noqa: PLC0415
    from web.wiring import carrier_of  # noqa: PLC0415

    print(carrier_of(settings_or_exit()).render(APOLOGY))


@app.command()
def provision() -> None:
    """Point this installation's numbers, at the carrier, to this installation."""
    with at_work("provision") as runtime:
        print(f"{runtime.provisioner.run()} numbers.")


@app.command()
def check() -> None:
    """Say whether settings, database and Redis are as they should be."""
    import redis  # noqa: PLC0415

    from crm.core.db import Database  # noqa: PLC0415

    settings = settings_or_exit()
    database = Database(settings.database_url, settings.database_routing_url, pool_size=2)
    problems = []
    try:
        for scope in (Scope.nothing(), Scope.across_enti()):
            with database.begin(scope) as session:
                session.execute(text("SELECT 1 FROM call LIMIT 1"))
    except SQLAlchemyError as error:
        problems.append(f"PostgreSQL: {str(error).splitlines()[0]}")
    try:
        redis.Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        problems.append(f"Redis: {error}")
    database.dispose()
    print("\n".join(problems) or "ok")
    raise typer.Exit(1 if problems else 0)


@app.command()
def alive(
    process: Annotated[str, typer.Argument(help="engine, worker or beat")],
    within: Annotated[float, typer.Option(help="Seconds since its last sign of life")] = FRESH.total_seconds(),
) -> None:
    """Say whether the loop of a process of this machine turns, by its last sign of life."""
    from crm.core.db import Database  # noqa: PLC0415

    settings = settings_or_exit()
    database = Database(settings.database_url, settings.database_routing_url, pool_size=1)
    try:
        with database.begin(Scope.nothing()) as session:
            here = [sign for sign in heartbeats.signs(session) if sign.is_of(process, heartbeats.host())]
    except SQLAlchemyError as error:
        print(f"PostgreSQL: {str(error).splitlines()[0]}")
        raise typer.Exit(1) from None
    finally:
        database.dispose()
    if not here:
        print(f"{process}: no sign of life.")
        raise typer.Exit(1)
    age = here[0].age.total_seconds()  # the freshest comes first
    print(f"{process}: last sign of life {age:.0f} s ago.")
    raise typer.Exit(0 if age <= within else 1)
