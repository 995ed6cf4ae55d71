"""X4: a night's backup of many taxpayers, and the drill of its restore: everything is proved, and it takes four hours
at the most. `--contacts` says how many there are; a quick run has a twentieth of a million.
"""

from datetime import UTC, datetime

from bench.million import fill
from bench.options import Options
from bench.place import Place
from bench.results import Result
from web.backup.drill import drill
from web.backup.making import key_of, make

LIMIT_S = 4 * 3600


def measure(place: Place, options: Options) -> list[Result]:
    """Make one, bring it back on a server of its own."""
    contacts = 50_000 if options.quick else options.contacts
    centre = place.centre("nightly")
    fill(centre, contacts)
    made = make(centre.settings, made_at=datetime.now(UTC))
    done, manifest = drill(centre.settings, made.path, key_of(centre.settings), superuser_dsn=None, say=print)
    rows = sum(manifest.counts.values())
    detail = {"contacts": contacts, "rows": rows, "bytes": made.size, "backup": made.seconds, "drill": done.seconds}
    return [
        Result(
            f"X4: backup of {contacts:,} contacts, {rows:,} rows", "", "", f"{made.size / 1e6:.0f} MB",
            f"{made.seconds['whole']:.0f} s", None, detail,
        ),
        Result(
            "X4: drill of the restore, everything proved", f"{LIMIT_S // 3600} h", "", f"{done.proved['rows']:,} rows",
            f"{done.whole:.0f} s", done.whole <= LIMIT_S, detail,
        ),
    ]  # fmt: skip
