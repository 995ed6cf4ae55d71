"""Health and metrics, for those who run the system."""

import hmac
import ipaddress
from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crm.core import heartbeats
from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from web import metrics as written
from web.edge.visits import RuntimeDep
from web.wiring import Runtime

router = APIRouter(include_in_schema=False)
NEEDED = ("engine", "worker", "beat")


@router.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/health/ready")
def ready(runtime: RuntimeDep, response: Response) -> dict[str, str]:
    """The process can do its work: the database answers and is migrated. Redis may be away."""
    try:
        with runtime.database.begin(Scope.nothing()) as session:
            session.execute(text("SELECT 1 FROM contract LIMIT 1"))
    except SQLAlchemyError:
        response.status_code = 503
        return {"status": "database unavailable"}
    return {"status": "ok"}


@router.get("/health/processes")
def processes(request: Request, runtime: RuntimeDep, response: Response) -> dict[str, Any]:
    """The processes without a page of their own, by their last sign of life. 503 while some work is nobody's.

    It is for whoever watches over the system: this `web` is ready or not by itself.
    """
    _require_operator(request, runtime)
    try:
        with runtime.database.begin(Scope.nothing()) as session:
            signs = heartbeats.signs(session)
    except SQLAlchemyError:
        response.status_code = 503
        return {"status": "database unavailable"}
    missing = [one for one in NEEDED if not any(sign.process == one and sign.is_fresh for sign in signs)]
    if "engine" not in missing and not any(sign.is_fresh and sign.doing == heartbeats.LEADS for sign in signs):
        missing.append("leading engine")
    response.status_code = 503 if missing else 200
    return {
        "status": f"missing: {', '.join(missing)}" if missing else "ok",
        "processes": [
            {
                "process": sign.process, "host": sign.host, "pid": sign.pid, "doing": sign.doing,
                "age_s": round(sign.age.total_seconds(), 1), "fresh": sign.is_fresh,
            }
            for sign in signs
        ],
    }  # fmt: skip


@router.get("/metrics")
def metrics(request: Request, runtime: RuntimeDep) -> Response:
    """Prometheus metrics of all processes that count together."""
    _require_operator(request, runtime)
    return Response(written.text(), media_type=CONTENT_TYPE_LATEST)


def _require_operator(request: Request, runtime: Runtime) -> None:
    """Whoever has the token, or, where there is none, asks from this machine. Raises `ForbiddenError`."""
    token = runtime.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    allowed = (
        hmac.compare_digest(given.encode(), token.get_secret_value().encode())
        if token
        else request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    )
    if not allowed:
        raise ForbiddenError("Riservato a chi gestisce il sistema.")
