"""Sending a feed and following its import, live. The file is read by a worker; this page only watches."""

import shutil
from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import RedirectResponse
from sqlalchemy.orm import Session

from crm.access.permissions import Permission
from crm.collection import queries as collection
from crm.collection import service
from crm.collection.models import MAX_REMARKS
from crm.collection.sources import queries as sources
from crm.collection.tasks import remove
from crm.core import heartbeats, topics
from crm.core.db import Scope
from crm.core.errors import InvalidError
from crm.core.jobs import MAX_ATTEMPTS
from crm.enti import queries as enti
from crm.positions.models import Tax
from web.edge.spreadsheets import csv_answer
from web.edge.templating import fragment, page
from web.edge.visits import ChangeDep, RuntimeDep, Visit, VisitDep
from web.live.hub import Render, Rendered
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
RUNS_SHOWN = 20
REFUSALS_SHOWN = 50
NO_CONTENT = 204
FileField = Annotated[UploadFile, Form()]


def render(runtime: Runtime, scope: Scope, language: str) -> Rendered:
    """The latest runs of the enti in scope."""
    with runtime.database.begin(scope) as session:
        runs = collection.latest(session, limit=RUNS_SHOWN)
        remarks = {
            run.id: collection.refusals(session, ente_id=run.ente_id, run_id=run.id, limit=REFUSALS_SHOWN)
            for run in runs
            if run.counts.refused or run.counts.warned or run.counts.waiting
        }
        badges = enti.badges(session)
        read_from, differing = sources.sources(session), collection.mismatches(session)
        worker_there = any(sign.process == "worker" and sign.is_fresh for sign in heartbeats.signs(session))
    regions = {
        "sources": fragment("imports/sources.html", language, sources=read_from, badges=badges),
        "mismatches": fragment("imports/mismatches.html", language, reports=differing, badges=badges),
        "runs": fragment(
            "imports/runs.html", language, runs=runs, remarks=remarks, badges=badges, worker_there=worker_there,
            max_attempts=MAX_ATTEMPTS, tax_name=Tax,
        ),
    }  # fmt: skip
    watched = {name(ente_id) for ente_id in scope.enti or () for name in (topics.imports, topics.jobs)}
    return Rendered(regions, frozenset(watched))


def join(runtime: Runtime, visit: Visit) -> list[tuple[str, Render]]:
    """Whoever may import for the same enti sees the same list."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    return [(f"imports:{scope.enti}:{visit.language}", partial(render, runtime, scope, visit.language))]


@router.get("/imports")
def imports(request: Request, runtime: RuntimeDep, visit: VisitDep) -> Response:
    """The list of imports and the form that starts one."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
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
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    if not feed.filename:
        raise InvalidError("Scegli il file del flusso.")
    path = _keep(runtime.settings.data / service.UPLOADS, feed)

    def work(session: Session) -> int:
        return service.send(session, visit.principal, ente_id=ente, path=path, size=path.stat().st_size)

    try:
        runtime.database.transact(scope, work)
    except Exception:
        remove(path)  # nobody would ever read it
        raise
    return RedirectResponse("/imports", status_code=303)


@router.post("/imports/{run_id}/retry")
def retry(runtime: RuntimeDep, visit: ChangeDep, run_id: int) -> Response:
    """Go on with a feed that stopped."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    runtime.database.transact(scope, lambda session: service.try_again(session, visit.principal, run_id=run_id))
    return Response(status_code=NO_CONTENT)


@router.post("/imports/{run_id}/discard")
def discard(runtime: RuntimeDep, visit: ChangeDep, run_id: int) -> Response:
    """Let go of a feed that stopped, and remove its file."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    path = runtime.database.transact(scope, lambda session: service.discard(session, visit.principal, run_id=run_id))
    if path is not None:
        remove(path)
    return Response(status_code=NO_CONTENT)


@router.post("/imports/{run_id}/withdraw")
def withdraw(runtime: RuntimeDep, visit: ChangeDep, run_id: int) -> Response:
    """Allow a full feed to withdraw what it does not name."""
    return _decide(runtime, visit, run_id, withdraw=True)


@router.post("/imports/{run_id}/leave")
def leave(runtime: RuntimeDep, visit: ChangeDep, run_id: int) -> Response:
    """Leave there what a full feed does not name."""
    return _decide(runtime, visit, run_id, withdraw=False)


@router.get("/imports/{run_id}/refused.csv")
def refused(runtime: RuntimeDep, visit: VisitDep, run_id: int) -> Response:
    """The lines that were refused, or taken with a warning, for whoever has to correct them at the source."""
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    with runtime.database.begin(scope) as session:
        run = collection.run_of(session, run_id)
        remarks = collection.refusals(session, ente_id=run.ente_id, run_id=run.id, limit=MAX_REMARKS)
    rows = [
        (
            one.line, "avviso" if one.taken else "rifiutata", one.of.value if one.of else "", one.key,
            one.codice_fiscale, one.reason,
        )
        for one in remarks
    ]  # fmt: skip
    columns = ("riga", "esito", "record", "chiave", "codice fiscale", "motivo")
    return csv_answer(f"righe-{run_id}.csv", columns, rows)


def _decide(runtime: RuntimeDep, visit: ChangeDep, run_id: int, *, withdraw: bool) -> Response:
    scope = visit.scope(Permission.COLLECTION_IMPORT)
    runtime.database.transact(
        scope, lambda session: service.decide(session, visit.principal, run_id=run_id, withdraw=withdraw)
    )
    return Response(status_code=NO_CONTENT)


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
