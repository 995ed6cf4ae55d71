"""What documents hold of a person: their titles, and their contents in the store, which go after the commit."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from crm.core import jobs
from crm.core.db import Base, Database, Scope, table_of
from crm.core.jobs import Runner, Taken
from crm.documents.models import NAMES_CONTENT, Document, DocumentContent
from crm.documents.store import DocumentStore
from crm.privacy.holders import Holder, Person, Section, TableHolder, Went

FORGET = "documents.forget"  # the kind of the jobs that remove contents which no document names any more
_DOCUMENT, _CONTENT = table_of(Document), table_of(DocumentContent)


class _Documents(TableHolder):
    def export(self, session: Session, person: Person) -> list[Section]:
        """The list, and the contents that are in the store."""
        listed = TableHolder.export(self, session, person)
        there = (_CONTENT.c.ente_id == _DOCUMENT.c.ente_id) & (_CONTENT.c.sha256 == _DOCUMENT.c.sha256)
        rows = session.execute(
            select(_DOCUMENT.c.id, _DOCUMENT.c.media_type, _DOCUMENT.c.sha256)
            .join(_CONTENT, there)
            .where(*self.of(person))
        )
        contents = tuple((f"{id_}{_ending(media_type)}", sha256) for id_, media_type, sha256 in rows)
        return [replace(listed[0], contents=contents)]

    def erase(self, session: Session, person: Person) -> list[Went]:
        """Delete the rows, and owe the removal of contents that nobody else's document has."""
        theirs = list(session.execute(select(_DOCUMENT.c.sha256).distinct().where(*self.of(person))).scalars())
        went = TableHolder.erase(self, session, person)
        let_go(session, ente_id=person.ente_id, digests=theirs)
        return went


def let_go(session: Session, *, ente_id: int, digests: Collection[str]) -> None:
    """Owe the removal of those of these contents that nothing names any more."""
    names = (one for table in Base.metadata.tables.values() for one in table.c if NAMES_CONTENT in one.info)
    still = (exists().where(one.table.c.ente_id == _CONTENT.c.ente_id, one == _CONTENT.c.sha256) for one in names)
    orphans = _CONTENT.c.ente_id == ente_id, _CONTENT.c.sha256.in_(digests), *(~one for one in still)
    gone = list(session.execute(delete(_CONTENT).where(*orphans).returning(_CONTENT.c.sha256)).scalars())
    if gone:
        jobs.enqueue(session, ente_id=ente_id, kind=FORGET, argument={"contents": sorted(gone)})


def forgetter(store: DocumentStore) -> Runner:
    """Removes contents from the store; of those that came again meanwhile it keeps its hands off."""

    def forget(database: Database, job: Taken) -> None:
        for sha256 in job.argument["contents"]:
            with database.begin(Scope.of_enti([job.ente_id])) as session:
                again = session.get(DocumentContent, (job.ente_id, sha256)) is not None
            if not again:
                store.delete(job.ente_id, sha256)
            job.renew()

    return Runner(forget)


def _ending(media_type: str) -> str:
    return {"application/pdf": ".pdf", "text/plain": ".txt", "image/jpeg": ".jpg", "image/png": ".png"}.get(
        media_type, ""
    )


HOLDERS: tuple[Holder, ...] = (_Documents(_DOCUMENT, "Documenti", hidden=frozenset({"digest"})),)
