"""Health and metrics, for those who run the system."""

import hmac
import ipaddress

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crm.core.db import Scope
from crm.core.errors import ForbiddenError
from web.edge.visits import RuntimeDep

router = APIRouter(include_in_schema=False)


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


@router.get("/metrics")
def metrics(request: Request, runtime: RuntimeDep) -> Response:
    """Prometheus metrics: to this machine, or to whoever has the token."""
    token = runtime.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    allowed = (
        hmac.compare_digest(given.encode(), token.get_secret_value().encode())
        if token
        else request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    )
    if not allowed:
        raise ForbiddenError("Metriche riservate a chi gestisce il sistema.")
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
