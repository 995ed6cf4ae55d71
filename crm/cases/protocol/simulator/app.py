"""The stand-in as an ASGI application: numbers by year, the same for the same key; the next requests may go wrong."""

import hmac
import json
import threading
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import APIRouter, FastAPI, Header, HTTPException, Request
from pydantic import AwareDatetime, BaseModel, Field

from crm.core.clock import in_rome

SLOW_S = 30.0  # longer than we wait for an answer
FAULTS = ("error", "refuse", "garbage", "deaf", "slow")  # deaf: it is registered, the answer is lost
router = APIRouter()


class Registration(BaseModel):
    """What is to be registered."""

    subject: str = Field(min_length=1, max_length=400)
    received_at: AwareDatetime
    sender: str | None = None
    sender_code: str | None = None


@dataclass(slots=True)
class Office:
    """All that it has registered, by key; and how the next requests go wrong. `book`: where it writes this down: once
    started again it gives no number twice.
    """

    token: str
    book: Path | None = None
    registered: dict[str, dict[str, str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """What is in the book is registered."""
        if self.book is not None and self.book.exists():
            lines = self.book.read_text(encoding="utf-8").splitlines()
            self.registered |= dict(json.loads(line) for line in lines)

    def number(self, key: str, day: date) -> dict[str, str]:
        """The number of a key, the next one of the year where it has none."""
        with self.lock:
            if key not in self.registered:
                self.registered[key] = {"number": f"{day.year}/{len(self.registered) + 1:07d}", "day": day.isoformat()}
                self._write(key)
            return self.registered[key]

    def _write(self, key: str) -> None:
        if self.book is not None:
            with self.book.open("a", encoding="utf-8") as book:
                book.write(json.dumps([key, self.registered[key]]) + "\n")


def create_app(office: Office) -> FastAPI:
    """The application of one protocol system."""
    app = FastAPI(title="Protocollo di prova", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.office = office
    app.include_router(router)
    return app


def serve(office: Office, *, host: str, port: int, fd: int | None = None) -> None:
    """Serve until a signal says stop; `fd` is an already bound socket that a supervisor hands over."""
    uvicorn.run(create_app(office), host=host, port=port, fd=fd, log_config=None, access_log=False)


@router.get("/health/live")
def live() -> dict[str, str]:
    """Whether it answers."""
    return {"status": "ok"}


@router.post("/v1/registrations")
def register(
    request: Request, registration: Registration, idempotency_key: Annotated[str, Header()],
    authorization: Annotated[str, Header()] = "",
) -> Any:  # fmt: skip
    """Register something, once for each key."""
    office: Office = request.app.state.office
    if not hmac.compare_digest(authorization.encode(), f"Bearer {office.token}".encode()):
        raise HTTPException(401)
    fault = office.faults.pop(0) if office.faults else ""
    if fault == "error":
        raise HTTPException(503)
    if fault == "refuse":
        raise HTTPException(422)
    if fault == "garbage":
        return {"protocollo": "?"}
    answer = office.number(idempotency_key, in_rome(registration.received_at).date())
    if fault == "slow":
        time.sleep(SLOW_S)
    if fault == "deaf":
        raise HTTPException(504)
    return answer
