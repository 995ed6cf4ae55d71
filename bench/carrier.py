"""The carrier's REST API, just enough of it: it notes when a ring arrives, and agrees to everything."""

import time
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse


def create() -> FastAPI:
    """The application."""
    app = FastAPI()
    rings: list[tuple[str, float]] = []
    callbacks: list[str] = []  # where each ring's progress is told
    redirected: list[str] = []  # the calls that were told to ask what is next

    @app.get("/rings")
    async def all_rings() -> list[tuple[str, float]]:
        """Every ring so far: its leg and its instant."""
        return rings

    @app.get("/news")
    async def news(rings_seen: int, redirects_seen: int) -> dict[str, Any]:
        """What has come since: where rings' progress is told, and calls that were redirected."""
        return {"rings": callbacks[rings_seen:], "redirects": redirected[redirects_seen:]}

    @app.post("/2010-04-01/Accounts/{account}/Conferences/{name}/Participants.json")
    async def ring(account: str, name: str, request: Request) -> JSONResponse:
        at = time.time()
        leg = name.removeprefix("conf-")
        rings.append((leg, at))
        form = parse_qs((await request.body()).decode())
        callbacks.append(form.get("StatusCallback", [""])[0])
        return JSONResponse({"account_sid": account, "call_sid": f"CA{uuid4().hex}", "label": leg}, 201)

    @app.api_route("/2010-04-01/Accounts/{account}/Calls/{sid}.json", methods=["GET", "POST"])
    async def call(account: str, sid: str, request: Request) -> dict[str, Any]:
        if "Url" in parse_qs((await request.body()).decode()):
            redirected.append(sid)
        return {"account_sid": account, "sid": sid, "status": "in-progress"}

    @app.get("/2010-04-01/Accounts/{account}/Calls.json")
    async def no_calls(account: str) -> dict[str, Any]:  # noqa: ARG001
        return {"calls": [], "page": 0, "page_size": 1000, "next_page_uri": None}

    @app.get("/2010-04-01/Accounts/{account}/Messages.json")
    async def no_messages(account: str) -> dict[str, Any]:  # noqa: ARG001
        return {"messages": [], "page": 0, "page_size": 500, "next_page_uri": None}

    @app.get("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json")
    async def numbers(account: str, request: Request) -> dict[str, Any]:  # noqa: ARG001
        number = request.query_params.get("PhoneNumber", "")
        return {"incoming_phone_numbers": [{"sid": f"PN{uuid4().hex}", "phone_number": number}], "page": 0}

    @app.post("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json")
    async def number(account: str, sid: str, request: Request) -> dict[str, Any]:
        await request.body()
        return {"account_sid": account, "sid": sid}

    return app
