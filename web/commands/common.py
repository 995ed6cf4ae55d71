"""What every command begins with: the settings, the logs, and the parts that it needs."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from crm.core import logs
from crm.core.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from web.wiring import Runtime

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="The `filodiretto` command: one sub-command per process, and what an operator does by hand.",
)  # fmt: skip


def settings_or_exit() -> Settings:
    """The settings of this process, which ends with what is wrong with them."""
    with saying(SettingsError):
        return load_settings()


def begin(process: str) -> Settings:
    """The same, with logs in this process' name."""
    settings = settings_or_exit()
    logs.configure(json=settings.log_json, process=process)
    return settings


@contextmanager
def at_work(process: str) -> Iterator["Runtime"]:
    """All parts of the product, closed in the end."""
    from web.wiring import build  # noqa: PLC0415  # a process imports what it runs, and starts the faster

    runtime = build(begin(process))
    try:
        yield runtime
    finally:
        runtime.close()


@contextmanager
def saying(*errors: type[Exception], code: int = 2) -> Iterator[None]:
    """What went wrong in one of these ways is said, and ends the process."""
    try:
        yield
    except errors as error:
        print(error, file=sys.stderr)
        raise typer.Exit(code) from None
