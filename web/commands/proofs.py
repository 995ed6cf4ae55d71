"""What is computed again, to see whether it still agrees; and a call tried in words."""

import sys
from datetime import datetime
from typing import Annotated

import typer

from crm.core.errors import DomainError
from web.commands.common import app, at_work, saying


@app.command("try-call")
def try_call(
    number: Annotated[str, typer.Argument(help="One of our numbers")],
    caller: Annotated[str, typer.Option("--from", help="The caller's number; else it is withheld")] = "",
    at: Annotated[datetime | None, typer.Option(help="When, in Rome; else now")] = None,
    full: Annotated[bool, typer.Option("--full", help="The queues hold all that they may")] = False,
    uncalled: Annotated[bool, typer.Option("--uncalled", help="The caller asked never to be called")] = False,
) -> None:
    """Place a call in words through a line's voice flow: lines of standard input are keys, words, or silence."""
    from crm.core.clock import ROME  # noqa: PLC0415
    from web.voice.terminal import try_call as play  # noqa: PLC0415

    instant = at.replace(tzinfo=at.tzinfo or ROME) if at else None
    answers = (line.rstrip("\n") for line in sys.stdin)
    with at_work("try-call") as runtime:
        code = play(
            runtime.database, number, caller=caller, at=instant, answers=answers, full=full, calls_back=not uncalled
        )
    raise typer.Exit(code)


@app.command("verify-audit")
def verify_audit(
    ente: Annotated[str | None, typer.Option(help="Codice catastale, or - for entries of no ente; else all")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was sealed from this day on")] = None,
    head: Annotated[
        list[str] | None, typer.Option(help="A head written down earlier, as printed here: CODE:NUMBER:DIGEST")
    ] = None,
) -> None:
    """Compute the seals of the audit again; exit code 1 and the first broken entry where they do not agree."""
    from web.audit.terminal import HeadError, verify_chains  # noqa: PLC0415

    with at_work("verify-audit") as runtime, saying(HeadError):
        sound = verify_chains(runtime.database, ente_code=ente, since=since, heads=head or [])
    raise typer.Exit(0 if sound else 1)


@app.command("verify-levels")
def verify_levels(
    contract: Annotated[str | None, typer.Option(help="The contract's name; else all")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only calls that arrived from then on")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only calls that arrived before then")] = None,
    correct: Annotated[bool, typer.Option(help="Bring the counters to what the facts say")] = False,
) -> None:
    """Compute the counters again from the facts; exit code 1 and each difference where they are not equal."""
    from web.levels.terminal import ContractError  # noqa: PLC0415
    from web.levels.terminal import verify_levels as verify  # noqa: PLC0415

    with at_work("verify-levels") as runtime, saying(ContractError):
        sound = verify(runtime.database, contract=contract, since=since, until=until, mend=correct)
    raise typer.Exit(0 if sound else 1)


@app.command("recompute-levels")
def recompute_levels(
    contract: Annotated[str | None, typer.Option(help="The contract's name; else all")] = None,
    ente: Annotated[str | None, typer.Option(help="Codice catastale; else the whole contract and each ente")] = None,
    begins: Annotated[datetime | None, typer.Option(help="Only the period that begins on this day")] = None,
    new_version: Annotated[
        str | None, typer.Option(help="Keep those that differ as they are known now, for this reason")
    ] = None,
) -> None:
    """Judge closed periods again; exit code 1 and each difference with its cause where they are not as they were."""
    from web.levels.recompute import recompute_levels as recompute  # noqa: PLC0415
    from web.levels.terminal import ContractError  # noqa: PLC0415

    with at_work("recompute-levels") as runtime, saying(ContractError, DomainError):
        same = recompute(
            runtime.database, contract=contract, ente=ente, begins=begins.date() if begins else None, reason=new_version
        )
    raise typer.Exit(0 if same else 1)


@app.command("check-waits")
def check_waits(
    contract: Annotated[str | None, typer.Option(help="The contract's name; else all")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what was announced from then on")] = None,
    until: Annotated[datetime | None, typer.Option(help="Only what was announced before then")] = None,
) -> None:
    """Compare the waits that callers were told with those that came true; exit code 1 where fewer than 7 in 10 did."""
    from web.levels.terminal import ContractError  # noqa: PLC0415
    from web.levels.terminal import check_waits as check  # noqa: PLC0415

    with at_work("check-waits") as runtime, saying(ContractError):
        kept = check(runtime.database, contract=contract, since=since, until=until)
    raise typer.Exit(0 if kept else 1)


@app.command("verify-commissions")
def verify_commissions(
    ente: Annotated[str | None, typer.Option(help="Codice catastale; else all")] = None,
) -> None:
    """Reckon settled commission again; exit code 1 and the first line that does not agree."""
    from web.field.terminal import EnteError, verify_settlements  # noqa: PLC0415

    with at_work("verify-commissions") as runtime, saying(EnteError):
        sound = verify_settlements(runtime.database, ente_code=ente)
    raise typer.Exit(0 if sound else 1)


@app.command("verify-register")
def verify_register() -> None:
    """Compute the chain of the register of operations again; exit code 1 and the first entry that is broken."""
    from web.field.terminal import verify_register as verify  # noqa: PLC0415

    with at_work("verify-register") as runtime:
        sound = verify(runtime.database)
    raise typer.Exit(0 if sound else 1)
