"""A document as a feed and its contents would have brought it."""

import hashlib
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from crm.core.db import Database, Scope
from crm.documents.models import Document, DocumentContent, DocumentKind
from crm.documents.store import DocumentStore

AS_OF = datetime(2026, 10, 1, tzinfo=UTC)


def keep(
    database: Database, store: DocumentStore, *, ente_id: int, contact_id: int, contents: bytes, reference: str = "D-1"
) -> str:
    """List a document of a person's and put its contents into the store; their digest."""
    sha256 = hashlib.sha256(contents).hexdigest()
    with tempfile.NamedTemporaryFile() as file:
        file.write(contents)
        file.flush()
        store.put(ente_id, sha256, Path(file.name))
    with database.begin(Scope.of_enti([ente_id])) as session:
        session.add(
            Document(
                ente_id=ente_id, contact_id=contact_id, reference=reference, position_reference=None,
                kind=DocumentKind.ACT, title="Ingiunzione", dated=None, media_type="application/pdf",
                size=len(contents), sha256=sha256, as_of=AS_OF, digest="x",
            )
        )  # fmt: skip
        session.add(DocumentContent(ente_id=ente_id, sha256=sha256, received_at=AS_OF))
    return sha256
