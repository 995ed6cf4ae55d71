"""Programs that run as children of this process and never outlive it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from web.run.copies import Copy

LAUNCH = Path(__file__).with_name("launch.py")


class RunError(Exception):
    """The contact centre cannot run; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Account:
    """An account without root's rights, for a program that refuses them."""

    uid: int
    gid: int
    reach: bool = False
    """Whether it keeps the right to pass through folders that are closed to it."""


@dataclass(frozen=True)
class Program:
    """What to run, and how to end it."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)
    cwd: Path = Path("/")
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    account: Account | None = None
    files: tuple[int, ...] = ()
    loaded: Callable[[], object] | None = None
    """The same as `command`, in this process, which has loaded it: then it runs in a copy of it."""

    def argv(self) -> list[str]:
        """The command that becomes the program, for a child of this very process."""
        rights = f"{self.account.uid}:{self.account.gid}:{int(self.account.reach)}" if self.account else "-"
        watch = [str(LAUNCH), str(os.getpid()), str(int(self.death_signal)), rights]
        return [sys.executable, "-I", "-S", *watch, *self.command]


class Child:
    """One run of a program, in a session of its own: the terminal's Ctrl-C reaches the supervisor alone."""

    def __init__(self, program: Program, log: Path) -> None:
        """Start it. Linux ends it with the *thread* that starts it, so that is the main one."""
        self.program = program
        self.log = log
        self.started = time.monotonic()
        with log.open("ab") as output:
            self._process = self._copy(output.fileno()) if program.loaded else self._launch(output.fileno())
        self.pid = self._process.pid

    def _launch(self, output: int) -> subprocess.Popen[bytes]:
        program = self.program
        return subprocess.Popen(
            program.argv(),
            cwd=program.cwd,
            env={**os.environ, **program.environ},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=program.files,
            start_new_session=True,
        )

    def _copy(self, output: int) -> Copy:
        program = self.program
        assert program.loaded is not None
        return Copy(
            program.name, program.loaded, cwd=program.cwd, environ=program.environ, output=output,
            death_signal=program.death_signal,
        )  # fmt: skip

    def poll(self) -> int | None:
        """The exit code once it ended, negative for a signal; what it left in its session ends too."""
        if self._process.returncode is None and self._process.poll() is not None:
            self._signal_group(signal.SIGKILL)
        return self._process.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process.poll() is None:
            self._process.send_signal(self.program.stop_signal)

    def kill(self) -> None:
        """End it."""
        if self.poll() is None:
            self._signal_group(signal.SIGKILL)
            self._process.wait()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def stop(children: Iterable[Child], seconds: float) -> list[str]:
    """Stop all at once; those that take longer are killed, and named."""
    left = list(children)
    for child in left:
        child.terminate()
    deadline = time.monotonic() + seconds
    while (left := [child for child in left if child.poll() is None]) and time.monotonic() < deadline:
        time.sleep(0.02)
    for child in left:
        child.kill()
    return [child.program.name for child in left]


def rotate(log: Path) -> Path:
    """Keep the log of the last run beside the new one."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".1.log"))
    return log


def reason(code: int) -> str:
    """An exit code in words."""
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


# Where the death signal does not exist, the next start ends what a killed supervisor left running.


def birth(pid: int) -> str | None:
    """When a running process was born, which tells it from a later one with the same number."""
    if not Path("/proc/self/stat").exists():
        return _ps(pid, "lstart")
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]  # a zombie only waits for its burial


def program_name(pid: int) -> str | None:
    """The file name of the program that a running process runs."""
    if not Path("/proc/self/stat").exists():
        return Path(_ps(pid, "comm") or "").name or None
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() if birth(pid) else None
    except OSError:
        return None


def _ps(pid: int, column: str) -> str | None:
    ps = ["ps", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip() or None


def record(path: Path, children: Iterable[Child]) -> None:
    """Write down which processes are ours."""
    rows = [[child.pid, birth(child.pid), int(child.program.stop_signal), child.program.name] for child in children]
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(rows), encoding="utf-8")
    fresh.replace(path)


def stop_leftovers(path: Path, seconds: float = 5) -> int:
    """End the processes of a run that was killed, and count them."""
    with contextlib.suppress(OSError, ValueError):
        rows = [row for row in json.loads(path.read_text(encoding="utf-8")) if _is(*row[:2])]
        deadline = time.monotonic() + seconds
        for pid, _, number, *_ in rows:
            _send(pid, number)
        while (left := [row for row in rows if _is(*row[:2])]) and time.monotonic() < deadline:
            time.sleep(0.05)
        for pid, *_ in left:
            _send(pid, signal.SIGKILL)
        path.unlink()
        return len(rows)
    return 0


def _is(pid: int, born: str | None) -> bool:
    return born is not None and birth(pid) == born


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
