"""Solving in a process of its own: it can be stopped, killed and waited for, and holds nobody's threads up meanwhile.

The process is told the problem in a line of JSON, tells a line for each better solution and one for the last, and
is content with what it has once its input ends: so it ends as well when whoever asked is killed.
"""

import os
import queue
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import structlog
from pydantic import TypeAdapter

from outbound.field.rounds.problem import Problem, Round, Solution
from outbound.field.rounds.solving import Limits, solve

log = structlog.get_logger(__name__)

GRACE_S = 30.0  # beyond the limit, for reading the problem and for the first rounds
ASKED_EVERY_S = 0.5
LAST = b"last "
BETTER = b"better "


@dataclass(frozen=True, slots=True)
class Asked:
    """A problem, for how many seconds, and the rounds to begin with."""

    problem: Problem
    seconds: float
    before: tuple[Round, ...] = ()


class SolverDiedError(Exception):
    """The process ended without its last word, or took longer than it may."""


_ASKED, _SOLUTION = TypeAdapter(Asked), TypeAdapter(Solution)


def solve_apart(asked: Asked, *, better: Callable[[Solution], None], stop: Callable[[], bool]) -> Solution:
    """The best solution found. `better` hears of each on the way; `stop` is asked twice a second, and may raise: then
    the process is killed.

    Raises `SolverDiedError`.
    """
    child = subprocess.Popen(  # noqa: S603  (our own program)
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    lines: queue.Queue[bytes] = queue.Queue()
    reader = threading.Thread(target=_read, args=(child.stdout, lines), name="solver", daemon=True)
    try:
        reader.start()
        child.stdin.write(_ASKED.dump_json(asked) + b"\n")
        child.stdin.flush()
        return _followed(child.stdin, lines, (asked.seconds + GRACE_S) / ASKED_EVERY_S, better, stop)
    except BrokenPipeError:
        raise SolverDiedError("its input was closed") from None
    finally:
        child.kill()
        child.wait()
        reader.join()
        child.stdout.close()
        if not child.stdin.closed:
            _closed(child.stdin)


def _followed(
    stdin: IO[bytes], lines: "queue.Queue[bytes]", patience: float, better: Callable[[Solution], None],
    stop: Callable[[], bool],
) -> Solution:  # fmt: skip
    """Hear the process out. `patience`: how many times it may be silent."""
    while patience > 0:
        try:
            line = lines.get(timeout=ASKED_EVERY_S)
        except queue.Empty:
            patience -= 1
            if stop() and not stdin.closed:
                stdin.close()
            continue
        if line.startswith(LAST):
            return _SOLUTION.validate_json(line.removeprefix(LAST))
        if not line:
            raise SolverDiedError("it ended without its last word")
        if line.startswith(BETTER):
            better(_SOLUTION.validate_json(line.removeprefix(BETTER)))
    raise SolverDiedError("it took longer than it may")


def _read(stdout: IO[bytes], lines: "queue.Queue[bytes]") -> None:
    for line in stdout:
        lines.put(line)
    lines.put(b"")


def _closed(stdin: IO[bytes]) -> None:
    try:
        stdin.close()
    except BrokenPipeError:
        log.info("solver_gone_before_it_was_told")


def main() -> None:
    """Be that process."""
    told, out = sys.stdin.buffer, sys.stdout.buffer
    asked = _ASKED.validate_json(told.readline())

    def say(kind: bytes, solution: Solution) -> None:
        out.write(kind + _SOLUTION.dump_json(solution) + b"\n")
        out.flush()

    def stop() -> bool:
        return bool(select.select([told], [], [], 0)[0])

    found = solve(
        asked.problem, Limits(asked.seconds), before=asked.before, told=lambda one: say(BETTER, one), stop=stop
    )
    say(LAST, found)


if __name__ == "__main__":
    os.nice(5)  # calls come first
    main()
