"""P13: reading a full feed of a million taxpayers with two million positions, beside COPY of the very same rows.

Measured are: a first reading from end to end; its memory; one that is killed with SIGKILL midway and started again.
COPY goes into the same tables with the same indexes and keys, as the superuser and in one go per table: the fastest
way into them that there is.
"""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from bench import big_feed
from bench.options import Options
from bench.place import Centre, Place
from bench.results import Result, median

FULL, QUICK = 1_000_000, 20_000
TABLES = ("contact", "contact_address", "contact_reach", "name_stump", "position")
LEAST_SHARE = 0.15
FLAT = 1.25  # the most memory in the second half of a reading, to the most in the first
ENTE = "D403"  # of the cast
SAMPLE_S = 0.2


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: its seconds, what it said, and the resident memory of its processes over time, in MB."""

    seconds: float
    told: dict[str, Any]
    memory: list[float]


def measure(place: Place, options: Options) -> list[Result]:
    """The reading, COPY of what it wrote, and a reading that is killed."""
    taxpayers = QUICK if options.quick else FULL
    feed = place.folder / "feed.jsonl"
    big_feed.write(feed, ente=ENTE, taxpayers=taxpayers)
    rows = taxpayers * (1 + big_feed.POSITIONS_EACH)
    first = place.centre("p13")
    reading = _read(first, feed)
    shares, copied = [], []
    for number in range(1 if not options.quick else options.repeats):
        copied.append(copy_of(first, place.centre(f"p13_copy_{number}"), TABLES))
        shares.append(copied[-1] / reading.seconds)
    killed = place.centre("p13_killed")
    _kill(killed, feed, after_lines=rows // 2)
    again = _read(killed, feed)
    same = _counted(first) == _counted(killed) and reading.told["created"] == rows
    half = len(reading.memory) // 2
    growth = max(reading.memory[half:]) / max(reading.memory[:half])
    detail = {
        "seconds": reading.seconds, "copy_seconds": copied, "shares": shares, "memory_mb": reading.memory[::25],
        "told": reading.told, "again": again.told, "rows": _counted(first), "rows_after_kill": _counted(killed),
    }  # fmt: skip
    for centre in (first, killed):
        centre.close()
    return [
        Result(
            f"P13 reading {taxpayers:,} taxpayers with {rows - taxpayers:,} positions", f"≥ {LEAST_SHARE} of COPY",
            f"{rows / median(copied):,.0f}/s", f"{rows / reading.seconds:,.0f}/s", f"{median(shares):.3f}",
            median(shares) >= LEAST_SHARE, detail,
        ),
        Result(
            "P13 resident memory, second half to first", f"≤ {FLAT}", "–", f"{max(reading.memory):.0f} MB",
            f"{growth:.2f} ×", growth <= FLAT,
        ),
        Result(
            "P13 killed midway and started again", "same rows, none twice", "–",
            f"from line {again.told['from']:,}", f"{sum(_counted(killed).values()):,} rows", same,
        ),
    ]  # fmt: skip


def _read(centre: Centre, feed: Path) -> Reading:
    told = centre.place.folder / f"{centre.name}.json"
    child = centre.place.start("reading", "bench.reading", str(feed), str(told), environ=centre.environ)
    memory = []
    while child.poll() is None:
        memory.append(_resident_mb(child.pid))
        time.sleep(SAMPLE_S)
    centre.place.finish(child)
    answer = json.loads(told.read_text(encoding="utf-8"))
    return Reading(answer["seconds"], answer, [one for one in memory if one])


def _kill(centre: Centre, feed: Path, *, after_lines: int) -> None:
    child = centre.place.start("reading", "bench.reading", str(feed), "/dev/null", environ=centre.environ)
    centre.place.wait(child, lambda: _line(centre) > after_lines, 3600)
    child.kill()  # SIGKILL, to it and to whatever it started
    centre.place.stop(child)


def _line(centre: Centre) -> int:
    rows = centre.query("SELECT coalesce(max(line), 0) FROM import_run")
    time.sleep(0.1)
    return int(rows[0][0])


def copy_of(source: Centre, target: Centre, tables: Sequence[str]) -> float:
    """The seconds that COPY takes for all that these tables hold, into the same tables of another centre."""
    folder = source.place.folder / "copied"
    folder.mkdir(exist_ok=True)
    dsn = source.place.postgres.dsn
    with psycopg.connect(dsn(source.name)) as connection:
        for table in tables:
            out = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
            with (folder / table).open("wb") as file, connection.cursor().copy(out) as copy:
                for chunk in copy:
                    file.write(chunk)
        ente = connection.execute("SELECT * FROM ente ORDER BY id").fetchall()
    seconds = 0.0
    with psycopg.connect(dsn(target.name), autocommit=True) as connection:
        assert ente == connection.execute("SELECT * FROM ente ORDER BY id").fetchall()
        for table in tables:
            connection.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(table)))
        for table in tables:
            began = time.perf_counter()
            into = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
            with (folder / table).open("rb") as file, connection.cursor().copy(into) as copy:
                shutil.copyfileobj(file, copy, 1 << 18)
            seconds += time.perf_counter() - began
    target.close()
    return seconds


def _counted(centre: Centre) -> dict[str, int]:
    return {table: int(centre.query(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES}


def _resident_mb(pid: int) -> float:
    """Of a process and its children."""
    pages = 0
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == pid:  # the group
            pages += int(fields[21])
    return pages * 4096 / 1e6
