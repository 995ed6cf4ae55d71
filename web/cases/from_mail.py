"""A case that comes of a conversation by mail: what it begins with, and the files that come along."""

import hashlib
import tempfile
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from crm.access.permissions import Permission
from crm.cases import documents
from crm.cases.documents import Brought
from crm.core.errors import ConflictError
from crm.documents.store import StoreError
from telephony.mail import requests
from telephony.mail.models import MOST_BYTES
from telephony.mail.reading import part_of
from web.edge.visits import Visit
from web.wiring import Runtime


def brought(runtime: Runtime, visit: Visit, thread: UUID, chosen: Collection[int]) -> list[Brought]:
    """The chosen files, taken out of their mails into the store, outside of any transaction."""
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        found = requests.suggested(session, visit.principal, thread_id=thread)
        ente_id, mails = found.thread.ente_id, requests.originals(session, found)
        wanted = [(one.part, one.name, *mails[one.mail_id]) for one in found.files if one.id in chosen]
    made = []
    assert ente_id is not None
    for part, name, under, digest in wanted:
        try:
            file = part_of(runtime.documents.read(under, digest, most=MOST_BYTES), part)
        except StoreError as error:
            raise ConflictError("Un allegato non si può leggere adesso: riprova, o toglilo dalla richiesta.") from error
        if file is not None:
            made.append(_kept(runtime, ente_id, name, file.content))
    return made


def _kept(runtime: Runtime, ente_id: int, name: str, content: bytes) -> Brought:
    kind, sha256 = documents.kind_of(content), hashlib.sha256(content).hexdigest()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "content"
        copy.write_bytes(content)
        runtime.documents.put(ente_id, sha256, copy)
    return Brought(name, kind, len(content), sha256)
