"""The contents of an ente's documents when its contract ends: handed over with the rest, then out of the store."""

import zipfile
from collections.abc import Iterator
from itertools import chain

from sqlalchemy import select

from crm.core.db import Database, Scope
from crm.core.jobs import Job, Taken
from crm.documents.models import DocumentContent
from crm.documents.privacy import FORGET
from crm.documents.store import DocumentStore, StoreError

MOST_OF_A_DOCUMENT = 64 * 1024**2  # bytes
PAGE = 1_000


def hand_over(store: DocumentStore, database: Database, job: Taken, archive: zipfile.ZipFile) -> dict[str, int]:
    """Write them under their digests, as `document.jsonl` names them; how many, and how many the store has lost."""
    counts = {"documents": 0, "documents_lost": 0}
    for sha256 in _kept(database, job.ente_id):
        try:
            archive.writestr(f"documents/{sha256}", store.read(job.ente_id, sha256, most=MOST_OF_A_DOCUMENT))
            counts["documents"] += 1
        except StoreError as error:
            if not error.permanent:
                raise
            counts["documents_lost"] += 1
        job.renew()
    return counts


def forget(store: DocumentStore, database: Database, job: Taken) -> None:
    """Remove them from the store, before the rows that name them: killed halfway, the rows say what is left to do.

    So go those that a person's erasure left to be removed: the jobs that owe it are deleted with the ente's rows.
    """
    with database.begin(Scope.of_enti([job.ente_id])) as session:
        owed = select(Job.argument).where(Job.ente_id == job.ente_id, Job.kind == FORGET)
        orphans = sorted({one for argument in session.scalars(owed) for one in argument["contents"]})
    for sha256 in chain(orphans, _kept(database, job.ente_id)):
        store.delete(job.ente_id, sha256)
        job.renew()


def _kept(database: Database, ente_id: int) -> Iterator[str]:
    """The digests of what is in the store, a page a transaction: none is open while the store is spoken with."""
    last = ""
    while True:
        with database.begin(Scope.of_enti([ente_id])) as session:
            content = DocumentContent
            rest = select(content.sha256).where(content.ente_id == ente_id, content.sha256 > last)
            page = session.scalars(rest.order_by(content.sha256).limit(PAGE)).all()
        if not page:
            return
        yield from page
        last = page[-1]
