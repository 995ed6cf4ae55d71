"""Reading a file of call records as it comes, a batch a transaction. Killed, the same file again goes on."""

import csv
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm.access.models import User
from crm.core import clock, topics
from crm.core.db import Database, Scope, touch
from crm.core.errors import InvalidError
from crm.enti import queries as enti
from crm.enti.models import Ente
from crm.levels import folding
from telephony.history import service
from telephony.history.reading import Known, PastCall, RowError, read
from telephony.history.records import ADDED, opened, read_records
from telephony.queues import queries as queues

BATCH = 5_000
FOLDED_AT_ONCE = 50_000


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a file's records: taken in, there already, refused."""

    taken: int = 0
    known: int = 0
    refused: int = 0

    @property
    def records(self) -> int:
        return self.taken + self.known + self.refused


def import_calls(
    database: Database, file: Path, *, contract_id: int, refused: Path,
    on_progress: Callable[[Summary], None] = lambda _: None,
) -> Summary:  # fmt: skip
    """Take in a file of records. Those refused are written to `refused`, each with its line and the reason.

    Raises `InvalidError` when the file as a whole is none.
    """
    if refused.resolve() == file.resolve():
        raise InvalidError("Le righe rifiutate vanno in un altro file.")
    scope = Scope.of_contract(contract_id)
    known = database.transact(scope, partial(_known, contract_id=contract_id))
    with ExitStack() as stack:
        header, records = read_records(stack.enter_context(opened(file)))
        store = partial(_store, database, contract_id)
        writer = stack.enter_context(_Writer(store, on_progress))
        out: Any = None
        for record in records:
            try:
                if record.problem:
                    raise RowError(record.problem)
                writer.add(read(dict(zip(header, record.cells, strict=True)), known))
            except RowError as error:
                if out is None:
                    out = csv.writer(stack.enter_context(_made(refused)))
                    out.writerow((*ADDED, *header))
                out.writerow((record.line, error, *record.cells))
                writer.refused += 1
        done = writer.finished()
    if not done.refused:
        refused.unlink(missing_ok=True)  # of an earlier try
    while database.transact(scope, partial(folding.fold, limit=FOLDED_AT_ONCE)):
        pass
    database.transact(scope, lambda session: touch(session, topics.board(contract_id)))
    on_progress(done)
    return done


class _Writer:
    """Stores one batch while the next one is read: the database and this process work at the same time."""

    def __init__(self, store: Callable[[list[PastCall]], int], on_progress: Callable[[Summary], None]) -> None:
        self._store = store
        self._on_progress = on_progress
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import-calls")
        self._batch: list[PastCall] = []
        self._under_way: Future[int] | None = None
        self._read = self._taken = 0
        self.refused = 0

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, call: PastCall) -> None:
        """One more call, stored with others."""
        self._batch.append(call)
        if len(self._batch) == BATCH:
            self._send()

    def finished(self) -> Summary:
        """Wait for what is under way; what became of everything."""
        self._send()
        self._wait()
        return self._summary()

    def _send(self) -> None:
        self._wait()
        self._under_way, self._read, self._batch = (
            self._pool.submit(self._store, self._batch), self._read + len(self._batch), [],
        )  # fmt: skip

    def _wait(self) -> None:
        if self._under_way is not None:
            self._taken += self._under_way.result()
            self._under_way = None
            self._on_progress(self._summary())

    def _summary(self) -> Summary:
        return Summary(self._taken, self._read - self._taken, self.refused)


def _store(database: Database, contract_id: int, batch: list[PastCall]) -> int:
    return database.transact(
        Scope.of_contract(contract_id), partial(service.take_in, contract_id=contract_id, calls=batch)
    )


def _known(session: Session, *, contract_id: int) -> Known:
    covered = enti.enti_of(session, contract_id)
    return Known(
        contract_id,
        {queue.name.lower(): queue.id for queue in queues.queues(session, frozenset({contract_id}))},
        {code: id_ for code, id_ in session.execute(select(Ente.cadastral_code, Ente.id)) if id_ in covered},
        {row.username: row.id for row in session.execute(select(User.username, User.id))},
        clock.now(session),
    )


def _made(path: Path) -> Any:
    return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
