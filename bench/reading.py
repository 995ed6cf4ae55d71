"""Reads a feed as the product does, in a process that may be killed: `python -m bench.reading FILE SECONDS_FILE`.

When it is over, the seconds it took and the counts are in SECONDS_FILE.
"""

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from crm.collection.importer import import_feed
from crm.core.db import Database
from crm.core.settings import load_settings
from web.migrations import tables


def main(feed: Path, told: Path) -> None:
    """Import, and say how it went."""
    assert tables.METADATA.tables
    settings = load_settings()
    database = Database(settings.database_url, settings.database_routing_url, pool_size=4)
    began = time.perf_counter()
    done = import_feed(database, feed)
    took = time.perf_counter() - began
    told.write_text(
        json.dumps({"seconds": took, "state": done.state.value, "from": done.resumed_from, **asdict(done.counts)}),
        encoding="utf-8",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
