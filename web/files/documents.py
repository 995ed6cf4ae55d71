"""Documents: opened from a file, and brought in as a zip."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response, UploadFile

from crm.access.permissions import Permission
from crm.core.errors import ConflictError, InvalidError
from crm.documents import queries as documents
from crm.documents import service
from crm.documents.intake import Taken, take_in
from crm.documents.queries import DocumentView
from crm.documents.store import StoreError
from crm.enti import queries as enti
from web.edge.templating import page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
AWAY = "L'archivio dei documenti non risponde: carica di nuovo lo zip fra poco; ciò che è già stato preso resta."
EXTENSIONS = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "text/plain": "txt"}
# Shown in the browser; whatever else is given to be saved. A sandboxed page runs nothing, but no browser shows a PDF
# in one: its viewer is no part of our origin, and nothing else may be loaded.
POLICIES = {
    "application/pdf": "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    **dict.fromkeys(("image/png", "image/jpeg", "text/plain"), "default-src 'none'; img-src 'self'; sandbox"),
}


@router.get("/files/documents")
def awaited(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """How many documents are listed without their contents, and the form that brings some."""
    return _page(request, runtime, visit)


@router.post("/files/documents")
def bring(
    request: Request, runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()],
    archive: Annotated[UploadFile, Form()],
) -> Response:  # fmt: skip
    """A zip with the contents of documents of an ente."""
    with runtime.database.begin(visit.scope(Permission.COLLECTION_IMPORT)) as session:
        if not archive.filename:
            raise InvalidError("Scegli l'archivio zip dei documenti.", field="archive")
        service.bring(session, visit.principal, ente_id=ente, size=archive.size or 0)
    with tempfile.TemporaryDirectory(prefix="filodiretto-") as folder:
        path = Path(folder) / "documents.zip"
        with path.open("wb") as target:
            shutil.copyfileobj(archive.file, target)
        try:
            taken = take_in(runtime.database, runtime.documents, ente_id=ente, path=path)
        except StoreError as error:
            raise ConflictError(AWAY) from error
    return _page(request, runtime, visit, taken=taken)


@router.get("/files/documents/{document_id}")
def document(runtime: RuntimeDep, visit: VisitDep, document_id: int) -> Response:
    """A document of an open file."""
    with runtime.database.begin(visit.scope(Permission.FILE_READ)) as session:
        found = service.open_document(session, visit.principal, document_id=document_id)
    try:
        contents = runtime.documents.read(found.ente_id, found.sha256, most=found.size)
    except StoreError as error:
        raise ConflictError("Il documento non si può leggere: riprova, o avvisa chi gestisce il sistema.") from error
    shown = found.media_type in POLICIES
    headers = {
        "content-disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(_name(found))}",
        "content-security-policy": POLICIES.get(found.media_type, "default-src 'none'; sandbox"),
        "cache-control": "no-store", "cross-origin-resource-policy": "same-origin",
    }  # fmt: skip
    kind = found.media_type if shown else "application/octet-stream"
    return Response(contents, media_type=f"{kind}; charset=utf-8" if kind == "text/plain" else kind, headers=headers)


def _name(found: DocumentView) -> str:
    """A file's name of plain characters, whatever the title."""
    title = "".join(char if char.isalnum() else "-" for char in found.title)[:80].strip("-") or "documento"
    return f"{title}.{EXTENSIONS.get(found.media_type, 'bin')}"


def _page(request: Request, runtime: Runtime, visit: Visit, *, taken: Taken | None = None) -> Response:
    with runtime.database.begin(visit.scope(Permission.COLLECTION_IMPORT)) as session:
        waiting, troubles = documents.awaited(session), documents.troubles(session)
        scope = session.info["scope"].enti
        badges = enti.badges(session, scope)
    return page(
        request, "files/documents.html", visit.language, visit=visit, csrf=visit.csrf_token, waiting=waiting,
        enti=badges, taken=taken, troubles=troubles,
    )  # fmt: skip
