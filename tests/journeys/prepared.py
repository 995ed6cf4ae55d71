"""Starts `make run` up to its programs, in whose places somebody stands in: `python prepared.py DATA PORTS…`.

What it leaves is a data folder with the database brought to this version, and the demonstration in it.
"""

import sys
from pathlib import Path

from web.run.supervisor import RunOptions, run

STAND_IN = Path(__file__).parents[1] / "run" / "stand_in.py"
OURS = ("migrate", "seed")


def command(name: str) -> list[str]:
    """The program itself for the two steps, its stand-in for what would run on."""
    return [sys.executable, *(("-m", "web.cli") if name in OURS else ("-I", "-S", str(STAND_IN))), name]


def main(data: str, *ports: str) -> int:
    """Until SIGTERM."""
    port, simulator_port, postgres_port, redis_port = map(int, ports)
    options = RunOptions(
        data=Path(data), port=port, simulator_port=simulator_port, postgres_port=postgres_port, redis_port=redis_port,
        command=command,
    )  # fmt: skip
    return run(options)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
