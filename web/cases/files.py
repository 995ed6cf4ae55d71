"""A file that somebody sends for a case: checked, looked through for malware and stored before any row names it."""

import hashlib
import tempfile
from pathlib import Path

from fastapi import UploadFile

from crm.cases.documents import MOST_BYTES, Brought, kind_of
from crm.core.errors import FieldError
from crm.documents.models import Scan
from web.wiring import Runtime


def checked(runtime: Runtime, file: UploadFile | None) -> tuple[bytes, Brought]:
    """What was sent, and what it is. Raises `FieldError` for what is not taken: nothing is kept of it."""
    content = file.file.read(MOST_BYTES + 1) if file is not None else b""
    kind = kind_of(content)
    found = runtime.scanner.scan(content)
    if found.scan is Scan.INFECTED:
        raise FieldError("Questo file contiene un virus: non è stato preso.", "file")
    name = file.filename if file is not None and file.filename else ""
    return content, Brought(name, kind, len(content), hashlib.sha256(content).hexdigest(), found.scan)


def store(runtime: Runtime, ente_id: int, content: bytes, brought: Brought) -> None:
    """Its contents are in the store, outside of any transaction."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "content"
        copy.write_bytes(content)
        runtime.documents.put(ente_id, brought.sha256, copy)
