"""P13: importing a million call records of another system, beside COPY of all that the import wrote."""

import csv
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.options import Options
from bench.p13 import copy_of
from bench.place import Place
from bench.results import Result, median
from crm.core.db import Database
from telephony.history.importer import Summary, import_calls
from telephony.history.reading import COLUMNS

FULL, QUICK = 1_000_000, 50_000
TABLES = ("imported_call", "service_fact", "service_count", "service_hour")
LEAST_SHARE = 0.15
BEGAN = datetime(2023, 1, 1, 8, tzinfo=UTC)
QUEUE, ENTI = "Operatore", ("D403", "M059")  # of the cast


def measure(place: Place, options: Options) -> list[Result]:
    """A first import from end to end, the same file again, and COPY."""
    rows = QUICK if options.quick else FULL
    file = place.folder / "calls.csv"
    write(file, rows)
    centre = place.centre("p13calls")
    done, took = _import(centre.database, file, centre.cast.contract)
    again, again_took = _import(centre.database, file, centre.cast.contract)
    shares, copied = [], []
    for number in range(options.repeats if options.quick else 1):
        copied.append(copy_of(centre, place.centre(f"p13calls_copy_{number}"), TABLES))
        shares.append(copied[-1] / took)
    counted = {table: int(centre.query(f"SELECT count(*) FROM {table}")[0][0]) for table in TABLES}
    centre.close()
    same = done == Summary(taken=rows) and again == Summary(known=rows)
    return [
        Result(
            f"P13 importing {rows:,} calls", f"≥ {LEAST_SHARE} of COPY", f"{rows / median(copied):,.0f}/s",
            f"{rows / took:,.0f}/s", f"{median(shares):.3f}", median(shares) >= LEAST_SHARE,
            {"seconds": took, "again_seconds": again_took, "copy_seconds": copied, "rows": counted},
        ),
        Result("P13 the same calls again", "none twice", "–", f"{rows / again_took:,.0f}/s", f"{again.known:,}", same),
    ]  # fmt: skip


def write(path: Path, rows: int) -> None:
    """Call records of some years, in the order in which they began."""
    dice = random.Random(13)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for n in range(rows):
            start = BEGAN + timedelta(seconds=n * 90)
            entry, end = (
                start + timedelta(seconds=dice.randint(8, 30)),
                start + timedelta(seconds=dice.randint(200, 600)),
            )
            left = entry + timedelta(milliseconds=dice.randint(500, 120_000))
            answered = dice.random() < 0.85
            out.writerow(
                (
                    start.isoformat(), entry.isoformat(), left.isoformat(), left.isoformat() if answered else "",
                    end.isoformat(), "answered" if answered else "abandoned", QUEUE, dice.choice(ENTI),
                    dice.choice(("freephone", "geographic")), f"op{dice.randint(1, 40)}" if answered else "",
                )
            )  # fmt: skip


def _import(database: Database, file: Path, contract: int) -> tuple[Summary, float]:
    began = time.perf_counter()
    done = import_calls(database, file, contract_id=contract, refused=file.with_suffix(".refused.csv"))
    return done, time.perf_counter() - began
