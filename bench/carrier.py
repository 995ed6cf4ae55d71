"""The carrier's REST API, just enough of it: it notes when a ring arrives, and agrees to everything."""

import time
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


def create() -> FastAPI:
    """The application."""
    app = FastAPI()
    rings: list[tuple[str, float]] = []

    @app.get("/rings")
    async def all_rings() -> list[tuple[str, float]]:
        """Every ring so far: its leg and its instant."""
        return rings

    @app.post("/2010-04-01/Accounts/{account}/Conferences/{name}/Participants.json")
    async def ring(account: str, name: str, request: Request) -> JSONResponse:
        at = time.time()
        leg = name.removeprefix("conf-")
        rings.append((leg, at))
        await request.body()
        return JSONResponse({"account_sid": account, "call_sid": f"CA{uuid4().hex}", "label": leg}, 201)

    @app.api_route("/2010-04-01/Accounts/{account}/Calls/{sid}.json", methods=["GET", "POST"])
    async def call(account: str, sid: str, request: Request) -> dict[str, Any]:
        await request.body()
        return {"account_sid": account, "sid": sid, "status": "in-progress"}

    return app
