"""Sending a feed and following its import, live. The file is read by a worker; this page only watches."""

import shutil
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.types import Scope as ASGIScope

from crm.access.permissions import Permission
from crm.collection.models import ImportRefusal, ImportRun
from crm.collection.tasks import schedule_import
from crm.core.db import Scope
from crm.core.errors import ForbiddenError, InvalidError
from crm.enti import queries as enti
from web.edge.templating import fragment, page
from web.edge.visits import COOKIE, ChangeDep, RuntimeDep, Visit, VisitDep, visit_of
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
RUNS_SHOWN = 20
REFUSALS_SHOWN = 50
FORM_BYTES = 64 * 1024
FEED_BYTES = 2 * 1024**3
FileField = Annotated[UploadFile, Form()]


def render(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """The latest runs of the enti in scope."""
    with runtime.database.begin(scope) as session:
        runs = list(session.execute(select(ImportRun).order_by(ImportRun.id.desc()).limit(RUNS_SHOWN)).scalars())
        refusals = {
            run.id: list(
                session.execute(
                    select(ImportRefusal)
                    .where(ImportRefusal.ente_id == run.ente_id, ImportRefusal.run_id == run.id)
                    .order_by(ImportRefusal.line)
                    .limit(REFUSALS_SHOWN)
                ).scalars()
            )
            for run in runs
            if run.refused
        }
        badges = enti.badges(session)
    html = fragment("imports/runs.html", language, runs=runs, refusals=refusals, badges=badges)
    return Rendered({"runs": html}, frozenset(f"import:{ente_id}" for ente_id in scope.enti or ()))


def join(runtime: Runtime, visit: Visit) -> tuple[str, Render]:
    """Whoever may import for the same enti sees the same list."""
    scope = visit.scope(runtime, Permission.COLLECTION_IMPORT)
    return f"imports:{scope.enti}:{visit.language}", partial(render, runtime, scope, visit.language)


async def allowance(runtime: Runtime, request: ASGIScope) -> int:
    """How many bytes a request may send: a feed's worth from whoever may import, a form's from everybody else."""
    if request["path"] != "/imports" or request["method"] != "POST":
        return FORM_BYTES
    visit = await run_in_threadpool(visit_of, runtime, Request(request).cookies.get(COOKIE))
    return FEED_BYTES if visit and visit.principal.can(Permission.COLLECTION_IMPORT) else FORM_BYTES


@router.get("/imports")
def imports(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The list of imports and the form that starts one."""
    scope = visit.scope(runtime, Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        badges = enti.badges(session, scope.enti)
    regions = render(runtime, scope, visit.language).regions
    return page(
        request, "imports/page.html", visit.language, regions=regions, visit=visit, csrf=visit.csrf_token,
        enti=badges.values(),
    )  # fmt: skip


@router.post("/imports")
def send(runtime: RuntimeDep, visit: ChangeDep, ente: Annotated[int, Form()], feed: FileField) -> Response:
    """Take a feed file in; a worker reads it."""
    scope = visit.scope(runtime, Permission.COLLECTION_IMPORT)
    if ente not in (scope.enti or ()):
        raise ForbiddenError("Non puoi caricare flussi per questo ente.")
    if not feed.filename:
        raise InvalidError("Scegli il file del flusso.")
    path = _keep(runtime.settings.data / "uploads", feed)
    runtime.database.transact(scope, lambda session: schedule_import(session, visit.principal, ente_id=ente, path=path))
    return RedirectResponse("/imports", status_code=303)


def _keep(folder: Path, feed: UploadFile) -> Path:
    """Write an upload where the workers find it, under a name of ours that keeps a readable end."""
    folder.mkdir(parents=True, exist_ok=True)
    readable = "".join(char for char in Path(feed.filename or "").name if char.isalnum() or char in "._-")[-80:]
    readable = readable.strip(".") or "feed.jsonl"
    path = folder / uuid4().hex / readable
    path.parent.mkdir()
    with path.open("wb") as target:
        shutil.copyfileobj(feed.file, target)
    return path.resolve()
