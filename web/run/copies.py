"""Copies of this process, which has loaded the product already: they start at once, and share the memory that it takes.

On Linux alone: elsewhere the system's own libraries may not be used in a copy.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from web.run.launch import end_with_parent

POSSIBLE = sys.platform == "linux"
_HEARD = (signal.SIGTERM, signal.SIGHUP)


class Copy:
    """A function that runs in a copy of this process, seen from here as a `subprocess.Popen` is.

    In a session of its own, with the files that are open here; what it prints goes to the file `output`.
    """

    def __init__(
        self, name: str, what: Callable[[], object], *, cwd: Path, environ: Mapping[str, str], output: int,
        death_signal: signal.Signals,
    ) -> None:  # fmt: skip
        """Start it. Linux ends it with the *thread* that starts it, so that is the main one."""
        parent = os.getpid()

        def become() -> None:
            os.setsid()
            end_with_parent(parent, death_signal, name)
            for number in _HEARD:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for standard, its in enumerate((os.open(os.devnull, os.O_RDONLY), output, output)):
                os.dup2(its, standard)
            os.environ.update(environ)
            os.chdir(cwd)
            what()

        self._process = multiprocessing.get_context("fork").Process(target=become, name=name)
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """As it was when `poll` looked last."""
        return self._ended

    def poll(self) -> int | None:
        """The exit code once it ended, negative for a signal."""
        self._ended = self._process.exitcode
        return self._ended

    def send_signal(self, number: int) -> None:
        """Nothing to one that ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self) -> None:
        """Until it ended."""
        self._process.join()

    _ended: int | None = None
