"""`python -m bench [p1|p2|p5|p6|p8|p12|p13|p14 ...] [--repeats 5] [--quick]`

The long forms: `p3 --calls 100000`, `p4 --assignments 1000000 --stored 20000`, `p7 --webhooks 100000`,
`p16 --minutes 60`, `x4 --contacts 1000000`, `lists --rows 1000000`, `following overview --contacts 1000000`,
`sms --messages 100000`. P4's may be had in parts, each with a `--seed` of its own.
"""

import signal
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from bench import (
    agendas,
    booking,
    commissions,
    field_practices,
    following,
    letters,
    lists,
    mails,
    overview,
    p1,
    p2,
    p3,
    p4,
    p5,
    p6,
    p7,
    p8,
    p10,
    p11,
    p12,
    p13,
    p13calls,
    p14,
    p15,
    p16,
    packets,
    pages,
    rounds,
    sms,
    solomon,
    week,
    x4,
)
from bench.options import Options
from bench.place import Place, machine
from bench.results import Result, keep, show
from web.run.processes import RunError

MEASUREMENTS: dict[str, Callable[[Place, Options], list[Result]]] = {
    "p1": p1.measure, "p2": p2.measure, "p3": p3.measure, "p4": p4.measure, "p5": p5.measure, "p6": p6.measure,
    "p7": p7.measure, "p8": p8.measure, "week": week.measure,
    "p10": p10.measure, "p11": p11.measure, "p12": p12.measure, "p13": p13.measure, "p13calls": p13calls.measure,
    "p14": p14.measure, "p15": p15.measure, "p16": p16.measure, "x4": x4.measure, "agendas": agendas.measure,
    "booking": booking.measure, "commissions": commissions.measure, "field_practices": field_practices.measure,
    "following": following.measure, "letters": letters.measure, "lists": lists.measure, "mails": mails.measure,
    "overview": overview.measure,
    "packets": packets.measure, "pages": pages.measure, "rounds": rounds.measure, "sms": sms.measure,
    "solomon": solomon.measure,
}  # fmt: skip


def main(
    which: Annotated[list[str] | None, typer.Argument(help=" ".join(MEASUREMENTS))] = None,
    repeats: int = 5,
    quick: bool = False,
    assignments: int = 10_000,
    stored: int = 0,
    calls: int = 12_000,
    webhooks: int = 5_000,
    minutes: float = 10.0,
    contacts: int = 1_000_000,
    seed: str = "",
    rows: int = 200_000,
    messages: int = 20_000,
) -> None:
    """Measure, print one table, append to .artifacts/bench.jsonl."""
    chosen = which or list(MEASUREMENTS)
    options = Options(repeats, quick, assignments, stored, calls, webhooks, minutes, contacts, seed, rows, messages)
    if unknown := [name for name in chosen if name not in MEASUREMENTS]:
        print(f"There is no {unknown[0]}: choose among {', '.join(MEASUREMENTS)}.", file=sys.stderr)
        raise typer.Exit(2)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    results: list[Result] = []
    try:
        with Place() as place:
            about = machine(place)
            for name in chosen:
                print(f"Measuring {name.upper()}", flush=True)
                results += MEASUREMENTS[name](place, options)
    except RunError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from None
    show(results, about)
    keep(results, about)


if __name__ == "__main__":
    typer.run(main)
