"""The ceiling of P1: the same statements as the product's, in one transaction, and nothing else.

No signature, no rules, no rendering. It learns the statements when it starts, from two
prepared calls named in BENCH_CALLS.
"""

import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Depends, FastAPI, Request, Response

from bench.client import Fields
from bench.rehearsal import Rehearsal, Statement
from bench.traffic import Prepared, agent_of, caller_joined, leg_status
from crm.core.db import Database
from crm.core.settings import Settings, load_settings
from web.api import webhooks
from web.api.hooks import Hook


def create() -> FastAPI:
    """The application."""
    settings = load_settings()
    database = Database(settings.database_url, settings.database_routing_url, pool_size=settings.database_pool_size)
    statements = _learn(database, settings)
    app = FastAPI()

    async def form(request: Request) -> Fields:
        return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))

    form_dep = Annotated[Fields, Depends(form)]

    @app.get("/ready")
    def ready() -> dict[str, int]:
        return {name: len(steps) for name, steps in statements.items()}

    @app.post("/telephony/{contract_id}/calls/{call_id}/legs/{leg_id}")
    def leg(fields: form_dep, contract_id: int, call_id: UUID, leg_id: UUID) -> Response:  # noqa: ARG001
        kind = "answered" if fields["CallStatus"] == "in-progress" else "ringing"
        values = _values(call_id, leg_id, fields["CallSid"], _leg_key(leg_id, fields))
        return _do(database, statements[kind], values)

    @app.post("/telephony/{contract_id}/calls/{call_id}/legs/{leg_id}/conference")
    def conference(fields: form_dep, contract_id: int, call_id: UUID, leg_id: UUID) -> Response:  # noqa: ARG001
        values = _values(call_id, leg_id, fields["CallSid"], _conference_key(leg_id, fields))
        return _do(database, statements["joined"], values)

    return app


def _do(database: Database, steps: list[Statement], values: dict[str, Any]) -> Response:
    with database.app_engine.begin() as connection:
        for step in steps:
            result = connection.execute(step.element, step.arguments(values))
            if result.returns_rows:
                result.fetchall()
    return Response(status_code=204)


def _learn(database: Database, settings: Settings) -> dict[str, list[Statement]]:
    """Give the product's own endpoints one webhook each, on a database that takes everything back."""
    given = json.loads(os.environ["BENCH_CALLS"])
    ringing, joining = (Prepared(UUID(call), sid, UUID(leg), *rest) for call, sid, leg, *rest in given)

    def learn(endpoint: Callable[..., object], call: Prepared, fields: Fields, key: str) -> list[Statement]:
        names = {value: name for name, value in _values(call.id, call.leg_id, fields["CallSid"], key).items()}
        rehearsal = Rehearsal(database, names)
        runtime: Any = SimpleNamespace(database=rehearsal, settings=settings)
        endpoint(Hook(runtime, fields, ""), call.contract_id, call.id, call.leg_id)
        return rehearsal.statements

    notes, answer = leg_status(ringing, "ringing", 1)[1], leg_status(ringing, "in-progress", 2)[1]
    joined = caller_joined(joining)[1]
    return {
        "ringing": learn(webhooks.leg, ringing, notes, _leg_key(ringing.leg_id, notes)),
        "answered": learn(webhooks.leg, ringing, answer, _leg_key(ringing.leg_id, answer)),
        "joined": learn(webhooks.conference, joining, joined, _conference_key(joining.leg_id, joined)),
    }


def _values(call_id: UUID, leg_id: UUID, sid: str, key: str) -> dict[str, Any]:
    return {"b_call": call_id, "b_leg": leg_id, "b_sid": sid, "b_key": key, "b_agent": agent_of(call_id)}


def _leg_key(leg_id: UUID, fields: Fields) -> str:
    return f"leg:{leg_id}:{fields['CallSid']}:{fields['CallStatus']}:{fields['SequenceNumber']}"


def _conference_key(leg_id: UUID, fields: Fields) -> str:
    return f"conference:{leg_id}:{fields['SequenceNumber']}"
