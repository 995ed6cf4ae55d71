"""`python -m bench.bookers FILE FIRST COUNT THREADS`: so many citizens who each want one time of an office, as fast as
they can; what came of it goes into the file. They wait for one another, with `go` beside the file."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from crm.agendas import booking, holding
from crm.agendas.errors import SlotGoneError
from crm.agendas.people import Person
from crm.agendas.rules import Channel
from crm.core.db import Database, Scope
from crm.core.secrecy import Secrecy
from crm.core.settings import load_settings

LETTERS = "ABCDEFGHIJ"


def main() -> None:
    """Wait for the word, then book."""
    told, first, count, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    wanted = json.loads((told.parent / "wanted.json").read_text(encoding="utf-8"))
    settings = load_settings()
    database = Database(
        settings.database_url, settings.database_routing_url, pool_size=threads, secrecy=Secrecy(bytes(32))
    )  # fmt: skip
    ente_id, times = wanted["ente_id"], wanted["times"]

    def one(n: int) -> tuple[bool, int, float]:
        """Whether he has it, how many alternatives he was offered, and his seconds."""
        began = time.perf_counter()
        who = Person("Anna", f"Numero {''.join(LETTERS[int(digit)] for digit in f'{n:06d}')}", email=f"n{n}@example.it")
        at = datetime.fromisoformat(times[n % len(times)])
        try:
            held = database.transact(
                Scope.of_enti([ente_id]),
                lambda s: holding.hold(
                    s, None, ente_id=ente_id, service_id=wanted["service_id"], office_id=wanted["office_id"],
                    starts_at=at, channel=Channel.WEB,
                ),
            )  # fmt: skip
            database.transact(
                Scope.of_enti([ente_id]),
                lambda s: booking.book(
                    s, None, ente_id=ente_id, hold=held.token, person=who, manage_at="https://x.example/a"
                ),
            )
        except SlotGoneError as gone:
            return False, len(gone.alternatives), time.perf_counter() - began
        return True, 0, time.perf_counter() - began

    (told.parent / f"{told.name}.ready").touch()
    while not (told.parent / "go").exists():
        time.sleep(0.005)
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(one, range(first, first + count)))
    told.write_text(json.dumps(found), encoding="utf-8")
    database.dispose()


if __name__ == "__main__":
    main()
