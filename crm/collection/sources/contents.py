"""Fetching the contents of documents over HTTP, after a reading: one by one, and none taken that is not as announced.

What could not be had says why and is asked for again after a day, or when the gestionale states the document anew.
One that the gestionale stumbles over does not keep the others from coming, nor are readings put off because of it.
"""

import tempfile
from functools import partial
from pathlib import Path

import structlog

from crm.collection.models import CollectionSource
from crm.collection.sources import endpoints, service
from crm.collection.sources.http import Gestionale
from crm.collection.sources.port import NotAllowedError, SourceError, ThisOneError
from crm.core.db import Database, Scope
from crm.core.jobs import Runner, Taken
from crm.documents import queries as documents
from crm.documents.queries import WantedView
from crm.documents.service import not_come, receive
from crm.documents.store import DocumentStore, hashed
from crm.enti import queries as enti

log = structlog.get_logger(__name__)

PIECE = 50
MOST_IN_A_ROW = 3  # that did not come through trouble of the gestionale: then it is let alone until the next reading
OTHERWISE = "Il contenuto che il gestionale ha dato non è quello annunciato: avvisare chi lo gestisce."


def fetcher(store: DocumentStore) -> Runner:
    """Fetches into this store."""
    return Runner(partial(_run, store))


def _run(store: DocumentStore, database: Database, job: Taken) -> None:
    scope = Scope.of_enti([job.ente_id])
    with database.begin(scope) as session:
        source = session.get(CollectionSource, job.argument["source"])
        code = enti.cadastral_code(session, job.ente_id)
    if source is None:
        return
    try:
        gestionale = Gestionale(endpoints.endpoint(source.endpoint), code)
        in_a_row = 0
        while wanted := database.transact(scope, partial(documents.wanted, ente_id=job.ente_id, limit=PIECE)):
            for one in wanted:
                in_a_row = 0 if _fetch(database, store, gestionale, job, one) else in_a_row + 1
                if in_a_row == MOST_IN_A_ROW:
                    log.warning("documents_not_fetched", source=source.id)
                    return
    except NotAllowedError as error:
        database.transact(scope, partial(service.was_silent, source_id=source.id, error=error))
    except SourceError as error:  # it is not configured: its next reading says so
        log.warning("documents_not_fetched", source=source.id, permanent=error.permanent)


def _fetch(database: Database, store: DocumentStore, gestionale: Gestionale, job: Taken, one: WantedView) -> bool:
    """Fetch one document. False: the gestionale is in trouble, at least with this one.

    Contents are stored first and recorded after: killed in between, the next time finds them there.
    """
    scope = Scope.of_enti([job.ente_id])
    trouble = partial(not_come, ente_id=job.ente_id, document_id=one.id)
    job.renew()
    with tempfile.TemporaryDirectory(prefix="filodiretto-") as folder:
        path = Path(folder) / "document"
        try:
            gestionale.document(one.reference, path, job.renew, most_bytes=one.size)
        except NotAllowedError:
            raise
        except SourceError as error:
            database.transact(scope, partial(trouble, why=str(error)))
            return isinstance(error, ThisOneError)
        with path.open("rb") as file, hashed(file, most=one.size) as (copy, sha256, _):
            if sha256 != one.sha256:
                database.transact(scope, partial(trouble, why=OTHERWISE))
                return True
            store.put(job.ente_id, sha256, copy)
    database.transact(scope, partial(receive, ente_id=job.ente_id, sha256=sha256))
    return True
