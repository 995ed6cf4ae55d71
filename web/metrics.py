"""Metrics of several processes as those of one: each writes its own into a folder, and whoever is asked adds them up.

The folder belongs to processes of one machine that were started together; it begins empty, so that nothing of an
earlier run is in it. Counters of a process that died stay in their sum, which never falls; its gauges go.
`prometheus_client` decides as it is imported where it keeps its values: here it is imported late.
"""

import errno
import os
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # as prometheus_client calls it
log = structlog.get_logger(__name__)


@contextmanager
def together() -> Iterator[None]:
    """Processes that are started within count together, unless whoever started this one has them do so already."""
    if os.environ.get(FOLDER):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="filodiretto-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def text() -> bytes:
    """What this process counts, or all that count together, as Prometheus reads it."""
    from prometheus_client import generate_latest  # noqa: PLC0415

    try:
        return generate_latest(_registry())
    except struct.error:  # a file that a process has just made, and not begun to write
        return generate_latest(_registry())


def serve(port: int, host: str) -> None:
    """Let this process be asked on a port of its own; one that is taken already is no reason not to work."""
    from prometheus_client import start_http_server  # noqa: PLC0415

    try:
        start_http_server(port, addr=host, registry=_Asked())
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        log.warning("metrics_port_taken", port=port)


def forget_the_dead(folder: Path) -> None:
    """Gauges tell what is: a process that is no more has none."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    written = {int(one.stem.rpartition("_")[2]) for one in folder.glob("gauge_live*_*.db")}
    for pid in written:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
        except PermissionError:
            log.debug("metrics_of_another_user", pid=pid)


class _Asked:
    """A registry that looks anew at who counts, each time."""

    def collect(self) -> Any:
        return _registry().collect()

    def restricted_registry(self, names: Any) -> Any:
        return _registry().restricted_registry(names)


def _registry() -> Any:
    from prometheus_client import REGISTRY, CollectorRegistry  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    folder = os.environ.get(FOLDER)
    if not folder:
        return REGISTRY
    forget_the_dead(Path(folder))
    found = CollectorRegistry()
    MultiProcessCollector(found, folder)  # type: ignore[no-untyped-call]
    return found
