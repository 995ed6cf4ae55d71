"""What goes on while an answer is written: files that are to go with it, and what it will look like."""

import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Form, Response, UploadFile
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from telephony.mail import deeds, enclosing
from web.edge.templating import fragment
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.wiring import Runtime

router = APIRouter(prefix="/mail", include_in_schema=False)
FieldText = Annotated[str, Form()]


@router.post("/{thread}/files")
def enclose(runtime: RuntimeDep, visit: ChangeDep, thread: UUID, file: UploadFile | None = None) -> Response:
    """One more file: its contents are looked through and stored first, outside of any transaction."""
    scope = visit.scope(Permission.MAIL_ANSWER)
    content = file.file.read(enclosing.MOST_BYTES + 1) if file is not None else b""
    found = enclosing.brought(file.filename or "" if file is not None else "", content)
    with runtime.database.begin(scope) as session:
        ente_id = enclosing.may_enclose(session, visit.principal, thread_id=thread)
    scanned = runtime.scanner.scan(content)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "content"
        copy.write_bytes(content)
        runtime.documents.put(ente_id, found.sha256, copy)
    runtime.database.transact(
        scope,
        lambda session: enclosing.enclose(session, visit.principal, thread_id=thread, file=found, scanned=scanned),
    )
    return _listed(runtime, visit, thread)


@router.post("/{thread}/files/out")
def take_out(
    runtime: RuntimeDep, visit: ChangeDep, thread: UUID, enclosure: Annotated[UUID, Form()]
) -> Response:  # fmt: skip
    """It does not go after all."""

    def work(session: Session) -> None:
        enclosing.take_out(session, visit.principal, thread_id=thread, enclosure_id=enclosure)

    runtime.database.transact(visit.scope(Permission.MAIL_ANSWER), work)
    return _listed(runtime, visit, thread)


@router.get("/files/{enclosure}")
def file(runtime: RuntimeDep, visit: VisitDep, enclosure: UUID) -> Response:
    """A file of ours, to be saved."""
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        row = enclosing.one(session, visit.principal, enclosure)
        ente_id, sha256, name = row.ente_id, row.sha256, row.name
    content = runtime.documents.read(ente_id, sha256, most=enclosing.MOST_BYTES)
    return Response(
        content, media_type="application/octet-stream",
        headers={
            "content-disposition": f"attachment; filename*=UTF-8''{quote(name)}", "cache-control": "no-store",
            "content-security-policy": "default-src 'none'; sandbox", "cross-origin-resource-policy": "same-origin",
        },
    )  # fmt: skip


@router.post("/{thread}/preview")
def preview(
    runtime: RuntimeDep, visit: ChangeDep, thread: UUID, text: FieldText = "",
    copied: Annotated[tuple[str, ...], Form()] = (), quotes: Annotated[bool, Form()] = False,
) -> Response:  # fmt: skip
    """The answer as it would leave now; nothing is sent or kept."""
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        shown = deeds.previewed(
            session, visit.principal, thread_id=thread, text=text, copied=copied, quotes=quotes
        )  # fmt: skip
    return HTMLResponse(fragment("mail/_preview.html", visit.language, shown=shown))


def _listed(runtime: Runtime, visit: Visit, thread: UUID) -> Response:
    with runtime.database.begin(visit.scope(Permission.MAIL_ANSWER)) as session:
        rows = enclosing.written(session, visit.principal, thread)
    return HTMLResponse(
        fragment(
            "mail/_enclosed.html", visit.language, enclosed=rows, thread_id=thread, most_bytes=enclosing.MOST_BYTES
        )
    )
