"""What a run claims for itself before anything is started: the data folder, the ports, the signals."""

import contextlib
import fcntl
import os
import secrets
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from web.run.processes import RunError

LOOPBACK = "127.0.0.1"


@contextlib.contextmanager
def data_folder(data: Path) -> Iterator[None]:
    """Create the folder and hold it: two runs must not share one."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's PostgreSQL has another account
        lock = (data / "lock").open("w", encoding="utf-8")
    except OSError as error:
        raise RunError(
            f"The data folder {data} cannot be used ({error.strerror}):"
            " give it to this user, or set FILODIRETTO_DATA to another folder."
        ) from None
    with lock:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # which is this process' alone, not that of its copies
        except BlockingIOError:
            raise RunError(
                f"Filodiretto is already running on {data}: stop it with Ctrl-C,"
                " or set FILODIRETTO_DATA to another folder."
            ) from None
        yield


@contextlib.contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Ctrl-C and SIGTERM only raise a flag, so that no child is ever half started."""
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    try:
        yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def listening(wanted: Mapping[str, tuple[int, str]]) -> Iterator[dict[str, socket.socket]]:
    """A socket for each program that is called, by name: its port, and the option that changes it. They are
    bound here so that connections wait, and are not refused, while a program is started again."""
    with contextlib.ExitStack() as stack:
        sockets = {}
        for name, (port, option) in wanted.items():
            sockets[name] = listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((LOOPBACK, port))
                listener.listen(1024)
            except OSError:
                raise port_in_use(port, name, option) from None
        yield sockets


def require_port(port: int, what: str, option: str) -> None:
    """Fail at once where a server could not listen."""
    with listening({what: (port, option)}):
        pass


def free_port() -> int:
    """A port that nobody uses now, below those that outgoing connections take."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = 15_000 + secrets.randbelow(17_000)
            probe.bind((LOOPBACK, port))
            return port


def port_in_use(port: int, what: str, option: str) -> RunError:
    """The sentence for a port that somebody else has."""
    return RunError(
        f"Port {port}, wanted for {what}, is in use: stop the program that uses it, or choose another port"
        f" with `make run ARGS='{option} {port + 10}'`."
    )
