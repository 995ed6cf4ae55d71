"""What came out: one table for people, one JSON line a result for machines."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

FILE = Path(__file__).resolve().parents[1] / ".artifacts" / "bench.jsonl"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the table. `met` is none where nothing is promised."""

    what: str
    target: str
    ceiling: str
    product: str
    outcome: str
    met: bool | None
    detail: dict[str, Any] = field(default_factory=dict)


def show(results: Sequence[Result], machine: Mapping[str, str]) -> None:
    """Print the table."""
    table = Table(show_lines=False)
    for column in ("what", "target", "ceiling", "product", "ratio / ms", "met"):
        table.add_column(column, overflow="fold")
    for one in results:
        met = {True: "[green]yes[/]", False: "[red]NO[/]", None: "–"}[one.met]
        table.add_row(one.what, one.target, one.ceiling, one.product, one.outcome, met)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{name} {value}" for name, value in machine.items()))


def keep(results: Sequence[Result], machine: Mapping[str, str]) -> None:
    """Append to the file of all runs on this checkout."""
    FILE.parent.mkdir(exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    with FILE.open("a", encoding="utf-8") as file:
        for one in results:
            file.write(json.dumps({"at": at, **asdict(one), "machine": dict(machine)}) + "\n")


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
