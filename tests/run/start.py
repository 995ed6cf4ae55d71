"""Runs the supervisor with stand-in programs: `python start.py DATA PORT SIMULATOR POSTGRES REDIS`."""

import os
import sys
from pathlib import Path

from web.run.supervisor import RunOptions, run

STAND_IN = Path(__file__).with_name("stand_in.py")


def main(data, *ports):
    port, simulator_port, postgres_port, redis_port = map(int, ports)
    options = RunOptions(
        data=Path(data),
        port=port,
        simulator_port=simulator_port,
        postgres_port=postgres_port,
        redis_port=redis_port,
        ready_within_s=float(os.environ.get("READY_WITHIN_S", "60")),
        command=lambda name: [sys.executable, "-I", "-S", str(STAND_IN), name],
        announce=lambda: ["Demo users: nobody"],
    )
    return run(options)


sys.exit(main(*sys.argv[1:]))
